/* An answer of the network process goes to whoever asked. */
#include "common/base/clock.h"
#include "common/messages/network.h"
#include "supervisor/supervisor.h"
#include "tests/unit/suites.h"

#define NOW SECONDS(100)

static struct settings settings;
static struct supervisor supervisor;

/* Each has one request open; as each counts its own, all have the same serial. */
static void all_ask(void)
{
    supervisor = (struct supervisor){
        .settings = &settings,
        .keeper.fd = -1,
        .network.fd = -1,
        .lock_fd = -1,
        .phase = PHASE_RUNS,
        .open[0].request = { .type = REQUEST_DESTROY, .serial = 7 },
        .standing.open = 7,
        .predecessor.open = 7,
    };
}

static void hear_answer(enum asker asker, uint64_t serial)
{
    struct message message = { .type = NETWORK_ANSWER };

    *MESSAGE_BODY(&message, struct lock_answer) = (struct lock_answer){
        .type = REQUEST_DESTROY,
        .asker = asker,
        .serial = serial,
    };
    network_said(&supervisor, &message, -1, NOW);
}

static bool is_answered(enum asker asker)
{
    const uint64_t open[ASKERS] = {
        [ASKER_ELECTION] = supervisor.open[0].request.serial,
        [ASKER_STANDING] = supervisor.standing.open,
        [ASKER_PREDECESSOR] = supervisor.predecessor.open,
    };

    return open[asker] == 0;
}

START_TEST(an_answer_goes_to_its_asker_and_to_nobody_else)
{
    hear_answer((enum asker)_i, 7);
    for (enum asker asker = 0; asker < ASKERS; asker++)
        ck_assert_int_eq(is_answered(asker), asker == (enum asker)_i);
}
END_TEST

START_TEST(one_to_another_request_is_no_answer)
{
    hear_answer((enum asker)_i, 8);
    ck_assert(!is_answered((enum asker)_i));
}
END_TEST

/* A serial of 0 says that nothing is open. */
START_TEST(one_without_a_serial_answers_nothing)
{
    supervisor.open[0].request.serial = 0;
    supervisor.standing.open = 0;
    supervisor.predecessor.open = 0;
    supervisor.predecessor.step = PREDECESSOR_READS;
    hear_answer((enum asker)_i, 0);
    ck_assert_int_eq(supervisor.predecessor.step, PREDECESSOR_READS);
    ck_assert_uint_eq(supervisor.predecessor.due, 0);
}
END_TEST

Suite *askers_suite(void)
{
    Suite *suite = suite_create("askers");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, all_ask, NULL);
    tcase_add_loop_test(all, an_answer_goes_to_its_asker_and_to_nobody_else, 0, ASKERS);
    tcase_add_loop_test(all, one_to_another_request_is_no_answer, 0, ASKERS);
    tcase_add_loop_test(all, one_without_a_serial_answers_nothing, 0, ASKERS);
    suite_add_tcase(suite, all);
    return suite;
}
