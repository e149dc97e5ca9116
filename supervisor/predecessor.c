#include "supervisor/predecessor.h"

#include <string.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/options/budgets.h"
#include "common/options/manner.h"
#include "supervisor/supervisor.h"

#define DEATH_PATIENCE SECONDS(1)

/* --- What it has left on this machine. --- */

static void look_for(struct supervisor *supervisor, instant_ns now)
{
    struct predecessor *predecessor = &supervisor->predecessor;
    struct error why;
    int read = record_read(&supervisor->place, &predecessor->left, &why);

    predecessor->looked_for = true;
    predecessor->found = read > 0;
    predecessor->patience = now + DEATH_PATIENCE;
    predecessor->warning = now + WAIT_TOLD;
    if (read < 0)
        log_info("nothing is known of this place's last run: %s", why.text);
}

static void tell_of_waiting(struct predecessor *predecessor, instant_ns now)
{
    if (predecessor->warning == 0 || now < predecessor->warning)
        return;
    predecessor->warning = 0;
    log_warn("waiting: what this place's last run has left cannot be killed cgroup=%s",
             predecessor->left.program_cgroup);
}

static bool owes(const struct supervisor *supervisor)
{
    const struct record *left = &supervisor->predecessor.left;

    return supervisor->predecessor.found && supervisor->settings->store == STORE_CONSUL &&
           (left->session.text[0] != '\0' || left->former[0].text[0] != '\0');
}

bool predecessor_is_over(struct supervisor *supervisor, instant_ns now)
{
    struct predecessor *predecessor = &supervisor->predecessor;
    struct error ignored;

    if (!predecessor->looked_for)
        look_for(supervisor, now);
    if (!predecessor->found)
        return true;
    if (!remains_end(&predecessor->left, &supervisor->record)) {
        tell_of_waiting(predecessor, now);
        return false;
    }
    return !owes(supervisor) || now >= predecessor->patience ||
           remains_prove_death(&predecessor->left, &supervisor->record, &ignored) != DEATH_PENDING;
}

/* --- What it owed. --- */

static struct session_id *sessions_owed(struct supervisor *supervisor)
{
    return supervisor->record.former; /* the first ones; so that the next run knows them too */
}

/* The youngest first: the oldest have run out by now, if this goes on. */
static void inherit_sessions(struct supervisor *supervisor)
{
    const struct record *left = &supervisor->predecessor.left;
    const struct session_id *all[] = { &left->session, &left->former[0], &left->former[1] };
    unsigned count = 0;

    for (size_t i = 0; i < sizeof all / sizeof all[0] && count < RECORD_FORMER_MAX; i++)
        if (all[i]->text[0] != '\0')
            sessions_owed(supervisor)[count++] = *all[i];
}

static void settle(struct supervisor *supervisor)
{
    supervisor->predecessor.step = PREDECESSOR_SETTLED;
    supervisor->predecessor.due = 0;
    memset(sessions_owed(supervisor), 0, sizeof supervisor->record.former);
    supervisor_write_record(supervisor);
}

static void begin_release(struct supervisor *supervisor, instant_ns now)
{
    if (sessions_owed(supervisor)[0].text[0] == '\0')
        return;
    supervisor->predecessor.step = PREDECESSOR_READS;
    supervisor->predecessor.due = now;
    predecessor_time_passed(supervisor, now);
}

void predecessor_take_over(struct supervisor *supervisor, instant_ns now)
{
    struct predecessor *predecessor = &supervisor->predecessor;
    struct error why;

    supervisor->record.promoted = predecessor->left.promoted;
    if (owes(supervisor)) {
        if (remains_prove_death(&predecessor->left, &supervisor->record, &why) == DEATH_PROVED)
            inherit_sessions(supervisor);
        else
            log_info("the lock of this place's last run is left to run out: %s", why.text);
    }
    supervisor_write_record(supervisor);
    if (!supervisor->record.promoted)
        begin_release(supervisor, now);
}

/* Nothing but the hook could have told what a sidecar's hooks have started to act outside. */
void predecessor_demoted(struct supervisor *supervisor, bool succeeded, instant_ns now)
{
    supervisor->record.promoted = false;
    if (!succeeded && manner_of(supervisor->settings)->keeps_predecessors_lock) {
        log_error("the demotion of this place's last run failed: its lock is left to run out");
        settle(supervisor);
        return;
    }
    supervisor_write_record(supervisor);
    begin_release(supervisor, now);
}

/* --- Giving it back. --- */

static void retry(struct supervisor *supervisor, enum predecessor_step step, instant_ns now)
{
    supervisor->predecessor.step = step;
    supervisor->predecessor.due = now + STORE_RETRY;
}

static void read_answered(struct supervisor *supervisor, const struct lock_answer *answer,
                          instant_ns now)
{
    struct predecessor *predecessor = &supervisor->predecessor;
    const struct session_id *holder = &answer->view.session;

    if (answer->result != ANSWER_DONE) {
        retry(supervisor, PREDECESSOR_READS, now);
        return;
    }
    if (predecessor->give_up == 0) /* it does not run out while the store's servers are away */
        predecessor->give_up = now + 2 * supervisor->settings->ttl_ns;
    predecessor->step = PREDECESSOR_DESTROYS;
    predecessor->due = now;
    for (size_t i = 0; i < RECORD_FORMER_MAX && holder->text[0] != '\0'; i++)
        if (strcmp(sessions_owed(supervisor)[i].text, holder->text) == 0) {
            predecessor->step = PREDECESSOR_RELEASES;
            predecessor->holder = *holder;
            predecessor->index = answer->view.index;
        }
}

static void release_answered(struct supervisor *supervisor, const struct lock_answer *answer,
                             instant_ns now)
{
    struct predecessor *predecessor = &supervisor->predecessor;

    if (answer->result == ANSWER_DONE)
        log_info("gave back the lock of this place's last run session=%s",
                 predecessor->holder.text);
    if (answer->result != ANSWER_DONE && answer->result != ANSWER_GONE) {
        retry(supervisor, PREDECESSOR_READS, now);
        return;
    }
    predecessor->step = PREDECESSOR_DESTROYS;
    predecessor->due = now;
}

static void destroy_answered(struct supervisor *supervisor, const struct lock_answer *answer,
                             instant_ns now)
{
    struct session_id *owed = sessions_owed(supervisor);

    if (answer->result != ANSWER_DONE) {
        retry(supervisor, PREDECESSOR_DESTROYS, now);
        return;
    }
    memmove(owed, owed + 1, (RECORD_FORMER_MAX - 1) * sizeof *owed);
    memset(owed + RECORD_FORMER_MAX - 1, 0, sizeof *owed);
    if (owed[0].text[0] == '\0')
        settle(supervisor);
    else
        supervisor->predecessor.due = now;
}

static const struct {
    enum request_type request;
    void (*answered)(struct supervisor *supervisor, const struct lock_answer *answer,
                     instant_ns now);
} steps[PREDECESSOR_STEPS] = {
    [PREDECESSOR_READS] = { REQUEST_READ_BACK, read_answered },
    [PREDECESSOR_RELEASES] = { REQUEST_RELEASE, release_answered },
    [PREDECESSOR_DESTROYS] = { REQUEST_DESTROY, destroy_answered },
};

static void take_step(struct supervisor *supervisor)
{
    struct predecessor *predecessor = &supervisor->predecessor;
    bool releases = predecessor->step == PREDECESSOR_RELEASES;
    struct lock_request request = {
        .type = steps[predecessor->step].request,
        .asker = ASKER_PREDECESSOR,
        .serial = ++predecessor->serial,
        .session = releases ? predecessor->holder : sessions_owed(supervisor)[0],
        .index = predecessor->index,
        .former = releases,
    };

    predecessor->due = 0;
    predecessor->open = request.serial;
    network_send_request(supervisor, &request);
}

void predecessor_answered(struct supervisor *supervisor, const struct lock_answer *answer,
                          instant_ns now)
{
    struct predecessor *predecessor = &supervisor->predecessor;

    if (predecessor->open == 0 || answer->serial != predecessor->open)
        return;
    predecessor->open = 0;
    if (predecessor->step != PREDECESSOR_SETTLED) /* given up meanwhile */
        steps[predecessor->step].answered(supervisor, answer, now);
    predecessor_time_passed(supervisor, now);
}

void predecessor_network_lost(struct supervisor *supervisor, instant_ns now)
{
    struct predecessor *predecessor = &supervisor->predecessor;

    if (predecessor->open == 0)
        return;
    predecessor->open = 0;
    if (predecessor->step == PREDECESSOR_SETTLED)
        return;
    if (predecessor->step == PREDECESSOR_RELEASES) /* it may have been done */
        predecessor->step = PREDECESSOR_READS;
    predecessor->due = now;
}

void predecessor_time_passed(struct supervisor *supervisor, instant_ns now)
{
    struct predecessor *predecessor = &supervisor->predecessor;

    if (predecessor->step == PREDECESSOR_SETTLED)
        return;
    if (predecessor->give_up != 0 && now >= predecessor->give_up) {
        if (predecessor->step != PREDECESSOR_DESTROYS)
            log_info("the lock of this place's last run could not be given back: it runs out");
        settle(supervisor);
    } else if (predecessor->due != 0 && now >= predecessor->due) {
        take_step(supervisor);
    }
}

instant_ns predecessor_next_due(const struct supervisor *supervisor)
{
    const struct predecessor *predecessor = &supervisor->predecessor;

    if (predecessor->step == PREDECESSOR_SETTLED)
        return 0;
    return clock_earlier(predecessor->due, predecessor->give_up);
}
