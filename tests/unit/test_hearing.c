/* What the hearers of a message that cannot be do about it: common/messages/check.h. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/messages/keeper.h"
#include "common/messages/network.h"
#include "keeper/conduct.h"
#include "supervisor/supervisor.h"
#include "tests/unit/message_fixture.h"
#include "tests/unit/suites.h"

static int end_of_a_pipe(void)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    close(ends[1]);
    return ends[0];
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(a_descriptor_that_nobody_wants_is_closed)
{
    uint64_t complained = 0;
    int fd = end_of_a_pipe();

    say(SUPERVISOR_TO_KEEPER, KEEPER_STOP);
    ck_assert(!message_heard(SUPERVISOR_TO_KEEPER, &message, fd, &complained));
    ck_assert(!is_open(fd));

    fd = end_of_a_pipe();
    say(SUPERVISOR_TO_KEEPER, KEEPER_LOCK);
    ck_assert(message_heard(SUPERVISOR_TO_KEEPER, &message, fd, &complained));
    ck_assert(is_open(fd));
}
END_TEST

START_TEST(the_log_is_told_once_a_second)
{
    uint64_t complained = 0;

    message = (struct message){ .type = KEEPER_MESSAGES };
    ck_assert(!message_heard(SUPERVISOR_TO_KEEPER, &message, NONE, &complained));
    ck_assert_uint_ne(complained, 0);
    uint64_t first = complained += SECONDS(60); /* however long this process stands still now */
    ck_assert(!message_heard(SUPERVISOR_TO_KEEPER, &message, NONE, &complained));
    ck_assert_uint_eq(complained, first);

    complained = first = first - SECONDS(61);
    ck_assert(!message_heard(SUPERVISOR_TO_KEEPER, &message, NONE, &complained));
    ck_assert_uint_gt(complained, first);
}
END_TEST

static struct settings settings;
static struct supervisor supervisor;

static void make_supervisor(void)
{
    log_open("unit", LOG_ERROR, LOG_TEXT);
    supervisor = (struct supervisor){
        .settings = &settings,
        .keeper.fd = -1,
        .network.fd = -1,
        .lock_fd = -1,
        .phase = PHASE_RUNS,
    };
}

static pid_t process_that_waits(void)
{
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

START_TEST(a_network_process_that_says_what_cannot_be_is_killed)
{
    int status;

    supervisor.network.pid = process_that_waits();
    say(NETWORK_TO_SUPERVISOR, NETWORK_TAKEN_DOWN);
    network_said(&supervisor, &message, NONE, SECONDS(100));
    ck_assert(supervisor.taken_down);
    ck_assert(!supervisor.network_killed);

    say(NETWORK_TO_SUPERVISOR, NETWORK_FATAL);
    MESSAGE_BODY(&message, struct fatal_body)->status = 0;
    network_said(&supervisor, &message, NONE, SECONDS(100));
    ck_assert_int_eq(supervisor.stop_deadline, 0);
    ck_assert_int_eq(waitpid(supervisor.network.pid, &status, 0), supervisor.network.pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
END_TEST

START_TEST(an_answer_that_brings_no_lock_leaves_ours_where_it_is)
{
    int lock = end_of_a_pipe(), other = end_of_a_pipe();

    supervisor.lock_fd = lock;
    supervisor.election.state = STATE_DEMOTING; /* of a lock that is ours */
    supervisor.election.won = true;
    strcpy(supervisor.election.session.text, "session-1");
    supervisor.open[0].request = (struct lock_request){ .type = REQUEST_WRITE, .serial = 7 };
    message = (struct message){ .type = NETWORK_ANSWER };
    *MESSAGE_BODY(&message, struct lock_answer) =
        (struct lock_answer){ .type = REQUEST_WRITE, .serial = 7 };
    network_said(&supervisor, &message, other, SECONDS(100));
    ck_assert_int_eq(supervisor.lock_fd, lock);
    ck_assert(is_open(lock));
    ck_assert(!is_open(other));
}
END_TEST

START_TEST(what_the_keeper_says_and_cannot_be_is_skipped)
{
    say(KEEPER_TO_SUPERVISOR, KEEPER_STARTED);
    MESSAGE_BODY(&message, struct started_report)->pid = -1;
    keeper_said(&supervisor, &message, NONE, SECONDS(100));
    ck_assert(!supervisor.program_runs);
    ck_assert_uint_ne(supervisor.keeper.complained, 0);
}
END_TEST

static struct keeper keeper;
static int supervisors_end;

static void make_keeper(void)
{
    struct error err;
    static struct keeper_start start;
    int ends[2];

    log_open("unit", LOG_ERROR, LOG_TEXT);
    ck_assert_int_eq(channel_pair(ends, &err), 0);
    supervisors_end = ends[0];
    start = (struct keeper_start){ .settings = &settings,
                                   .supervisor_fd = ends[1],
                                   .network_fd = NONE };
    keeper_init(&keeper, &start);
}

START_TEST(an_order_that_cannot_be_is_skipped_by_the_keeper)
{
    int fd = end_of_a_pipe();

    say(SUPERVISOR_TO_KEEPER, KEEPER_LEASE);
    ck_assert_int_eq(channel_send(supervisors_end, &message, fd), CHANNEL_SENT);
    keeper_turn(&keeper);
    ck_assert_uint_eq(keeper.guard.lease.hard, 0);
    ck_assert_int_eq(channel_send(supervisors_end, &message, NONE), CHANNEL_SENT);
    keeper_turn(&keeper);
    ck_assert_uint_ne(keeper.guard.lease.hard, 0);
}
END_TEST

START_TEST(a_keeper_ends_when_its_lock_does_not_come)
{
    say(SUPERVISOR_TO_KEEPER, KEEPER_LOCK);
    ck_assert_int_eq(channel_send(supervisors_end, &message, NONE), CHANNEL_SENT);
    keeper_turn(&keeper);
}
END_TEST

Suite *hearing_suite(void)
{
    Suite *suite = suite_create("hearing");
    TCase *hearing = tcase_create("hearing"), *keepers = tcase_create("keeper");

    tcase_add_checked_fixture(hearing, make_supervisor, NULL);
    tcase_add_test(hearing, a_descriptor_that_nobody_wants_is_closed);
    tcase_add_test(hearing, the_log_is_told_once_a_second);
    tcase_add_test(hearing, a_network_process_that_says_what_cannot_be_is_killed);
    tcase_add_test(hearing, an_answer_that_brings_no_lock_leaves_ours_where_it_is);
    tcase_add_test(hearing, what_the_keeper_says_and_cannot_be_is_skipped);
    suite_add_tcase(suite, hearing);

    tcase_add_checked_fixture(keepers, make_keeper, NULL);
    tcase_add_test(keepers, an_order_that_cannot_be_is_skipped_by_the_keeper);
    tcase_add_test_raise_signal(keepers, a_keeper_ends_when_its_lock_does_not_come, SIGABRT);
    suite_add_tcase(suite, keepers);
    return suite;
}
