#include "election/transitions.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/election_fixture.h"
#include "tests/unit/suites.h"

/* What the rules of docs/design.md ask for: every other pair of state and event changes nothing.
 * An instance that stops goes on from idle and waiting to stopped in the same step.
 */
struct expectation {
    enum election_state state;
    enum election_event event;
    enum election_state next;
    const char *commands;
    enum election_state next_when_stopping;
    const char *commands_when_stopping;
};

#define NEVER ELECTION_STATES, NULL /* an instance that stops is in no such state */

static const struct expectation expectations[] = {
    /* A session is all that a candidate needs; what ends it ends the candidacy. */
    { STATE_IDLE, EVENT_SESSION, STATE_WAITING, "", NEVER },
    { STATE_IDLE, EVENT_STOP, STATE_STOPPED, "stopped", NEVER },
    { STATE_WAITING, EVENT_OPEN, STATE_ACQUIRING, "acquire", NEVER },
    { STATE_WAITING, EVENT_SESSION_LOST, STATE_IDLE, "", NEVER },
    { STATE_WAITING, EVENT_STEP_DOWN, STATE_IDLE, "destroy", NEVER },
    { STATE_WAITING, EVENT_STOP, STATE_STOPPED, "destroy stopped", NEVER },

    /* Nothing is decided before it is known what the acquire has done: a stop waits for it. */
    { STATE_ACQUIRING, EVENT_ACQUIRED, STATE_PROMOTING, "lease promote write", NEVER },
    { STATE_ACQUIRING, EVENT_UNWANTED, STATE_RELEASING, "release", STATE_RELEASING, "release" },
    { STATE_ACQUIRING, EVENT_REFUSED, STATE_WAITING, "", STATE_STOPPED, "destroy stopped" },
    { STATE_ACQUIRING, EVENT_ABANDONED, STATE_IDLE, "", STATE_STOPPED, "destroy stopped" },
    { STATE_ACQUIRING, EVENT_SESSION_LOST, STATE_IDLE, "", STATE_STOPPED, "destroy stopped" },
    { STATE_ACQUIRING, EVENT_LOCK_LOST, STATE_IDLE, "destroy", STATE_STOPPED, "destroy stopped" },

    /* Whatever ends the lead goes through the demotion. */
    { STATE_PROMOTING, EVENT_PROMOTED, STATE_LEADING, "", NEVER },
    { STATE_PROMOTING, EVENT_PROMOTION_FAILED, STATE_DEMOTING, "demote:promotion-failed", NEVER },
    { STATE_PROMOTING, EVENT_SOFT_DEADLINE, STATE_DEMOTING, "demote:lease-expired", NEVER },
    { STATE_PROMOTING, EVENT_LOCK_LOST, STATE_DEMOTING, "demote:lock-lost", NEVER },
    { STATE_PROMOTING, EVENT_SESSION_LOST, STATE_DEMOTING, "demote:lock-lost", NEVER },
    { STATE_PROMOTING, EVENT_STEP_DOWN, STATE_DEMOTING, "demote:shutdown", NEVER },
    { STATE_PROMOTING, EVENT_STOP, STATE_DEMOTING, "demote:shutdown", NEVER },
    { STATE_PROMOTING, EVENT_DEMOTED, STATE_DEMOTING, "demote:lease-expired", NEVER },
    { STATE_PROMOTING, EVENT_DEMOTION_FAILED, STATE_STOPPED, "stopped", NEVER },
    { STATE_LEADING, EVENT_SOFT_DEADLINE, STATE_DEMOTING, "demote:lease-expired", NEVER },
    { STATE_LEADING, EVENT_LOCK_LOST, STATE_DEMOTING, "demote:lock-lost", NEVER },
    { STATE_LEADING, EVENT_SESSION_LOST, STATE_DEMOTING, "demote:lock-lost", NEVER },
    { STATE_LEADING, EVENT_PROMOTION_FAILED, STATE_DEMOTING, "demote:promotion-failed", NEVER },
    { STATE_LEADING, EVENT_STEP_DOWN, STATE_DEMOTING, "demote:shutdown", NEVER },
    { STATE_LEADING, EVENT_STOP, STATE_DEMOTING, "demote:shutdown", NEVER },
    { STATE_LEADING, EVENT_DEMOTED, STATE_DEMOTING, "demote:lease-expired", NEVER },
    { STATE_LEADING, EVENT_DEMOTION_FAILED, STATE_STOPPED, "stopped", NEVER },

    /* A demotion is finished; the lock is given away after it and never before. */
    { STATE_DEMOTING, EVENT_DEMOTED, STATE_RELEASING, "release", STATE_RELEASING, "release" },
    { STATE_DEMOTING, EVENT_DEMOTION_FAILED, STATE_STOPPED, "stopped", STATE_STOPPED, "stopped" },
    { STATE_DEMOTING, EVENT_LOCK_LOST, STATE_DEMOTING, "", STATE_DEMOTING, "" },
    { STATE_DEMOTING, EVENT_SESSION_LOST, STATE_DEMOTING, "", STATE_DEMOTING, "" },

    /* A term has its own session: the next one begins with another. */
    { STATE_RELEASING, EVENT_RELEASED, STATE_IDLE, "destroy", STATE_STOPPED, "destroy stopped" },
    { STATE_RELEASING, EVENT_LOCK_LOST, STATE_IDLE, "destroy", STATE_STOPPED, "destroy stopped" },
    { STATE_RELEASING, EVENT_SESSION_LOST, STATE_IDLE, "", STATE_STOPPED, "stopped" },
};

#define PAIRS (ELECTION_STATES * ELECTION_EVENTS)

static const struct expectation *find(enum election_state state, enum election_event event)
{
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++)
        if (expectations[i].state == state && expectations[i].event == event)
            return &expectations[i];
    return NULL;
}

/* What whoever has the event has noted before. */
static void prepare(enum election_event event)
{
    if (event == EVENT_SESSION)
        strcpy(election.session.text, "session-1");
    if (event == EVENT_ACQUIRED || event == EVENT_UNWANTED) {
        election.won = true;
        election.token = election.index = 11;
    }
}

static bool may_come(enum election_state state, enum election_event event)
{
    bool unwanted = event == EVENT_ACQUIRED && election.stopping;

    return !unwanted && election_machine.may_come(state, event);
}

static const char *step(enum election_event event)
{
    static struct election_commands commands;

    commands.count = 0;
    prepare(event);
    transition(&election, event, now, &commands);
    return said_in_words(&commands);
}

START_TEST(an_event_in_a_state_does_what_the_table_says)
{
    enum election_state state = (enum election_state)(_i / ELECTION_EVENTS);
    enum election_event event = (enum election_event)(_i % ELECTION_EVENTS);
    const struct expectation *expected = find(state, event);

    to_state(state);
    if (!may_come(state, event))
        return;
    election.reason = REASON_SHUTDOWN; /* as election_stop() does before its event */
    struct election before = election;
    const char *words = step(event);

    if (expected) {
        ck_assert_state(election_state_name(expected->next));
        ck_assert_str_eq(words, expected->commands);
    } else {
        ck_assert_str_eq(words, "");
        ck_assert_mem_eq(&election, &before, sizeof before);
    }
}
END_TEST

START_TEST(an_event_while_stopping_ends_the_candidacy_as_soon_as_nothing_is_open)
{
    enum election_state state = (enum election_state)(_i / ELECTION_EVENTS);
    enum election_event event = (enum election_event)(_i % ELECTION_EVENTS);
    const struct expectation *expected = find(state, event);

    if (state != STATE_ACQUIRING && state != STATE_DEMOTING && state != STATE_RELEASING)
        return; /* the others do not last once a stop is asked for */
    to_state(state);
    stops();
    ck_assert_state(election_state_name(state));
    if (!may_come(state, event))
        return;
    struct election before = election;
    const char *words = step(event);

    if (expected) {
        ck_assert_state(election_state_name(expected->next_when_stopping));
        ck_assert_str_eq(words, expected->commands_when_stopping);
    } else {
        ck_assert_str_eq(words, "");
        ck_assert_mem_eq(&election, &before, sizeof before);
    }
}
END_TEST

/* A state that nobody can explain ends the process; the others see to what follows. */
static bool ends_the_process(enum election_event event)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        close(STDERR_FILENO);
        step(event);
        _exit(EXIT_SUCCESS);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

START_TEST(an_event_that_cannot_come_ends_the_process)
{
    enum election_state state = (enum election_state)(_i / ELECTION_EVENTS);
    enum election_event event = (enum election_event)(_i % ELECTION_EVENTS);

    to_state(state);
    if (may_come(state, event))
        return;
    ck_assert_ptr_null(find(state, event));
    ck_assert(ends_the_process(event));
}
END_TEST

START_TEST(an_instance_that_stops_is_not_promoted)
{
    to_state(STATE_ACQUIRING);
    stops();
    ck_assert(ends_the_process(EVENT_ACQUIRED));
}
END_TEST

START_TEST(a_lock_that_was_lost_is_not_released)
{
    to_state(STATE_DEMOTING);
    step(EVENT_LOCK_LOST);

    ck_assert_str_eq(step(EVENT_DEMOTED), "destroy");
    ck_assert_state("idle");
}
END_TEST

START_TEST(what_could_not_be_demoted_keeps_its_session)
{
    to_state(STATE_DEMOTING);

    ck_assert_str_eq(step(EVENT_DEMOTION_FAILED), "stopped"); /* no release, no destroy */
}
END_TEST

Suite *transitions_suite(void)
{
    Suite *suite = suite_create("transitions");
    TCase *cells = tcase_create("cells");

    tcase_add_loop_test(cells, an_event_in_a_state_does_what_the_table_says, 0, PAIRS);
    tcase_add_loop_test(
        cells, an_event_while_stopping_ends_the_candidacy_as_soon_as_nothing_is_open, 0, PAIRS);
    tcase_add_loop_test(cells, an_event_that_cannot_come_ends_the_process, 0, PAIRS);
    tcase_add_test(cells, an_instance_that_stops_is_not_promoted);
    tcase_add_test(cells, a_lock_that_was_lost_is_not_released);
    tcase_add_test(cells, what_could_not_be_demoted_keeps_its_session);
    suite_add_tcase(suite, cells);
    return suite;
}
