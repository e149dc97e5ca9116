#include "tests/simulation/judge.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/messages/keeper.h"
#include "tests/simulation/excuse.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/ours.h"
#include "tests/simulation/reader.h"
#include "tests/simulation/story.h"
#include "tests/simulation/term.h"

#define ACTING_MAX  32
#define LOOK_AGAIN  MILLISECONDS(20)
#define ORPHAN_TIME SECONDS(2)
#define STOP_SLACK  SECONDS(1)
#define LOSS_SLACK  SECONDS(1)
#define DISTURBANCE SECONDS(40)

const char *const rule_texts[RULES] = {
    [RULE_TWO_ACT] = "two act as leader at once",
    [RULE_ACTS_UNPROTECTED] = "one acts although anybody may take the lock",
    [RULE_ACTS_PAST_LEASE] = "one acts past its lease",
    [RULE_PAGE] = "a lease page says leader in a demotion",
    [RULE_TOKEN] = "a token does not grow",
    [RULE_GIVES_AWAY_EARLY] = "the lock is given away while somebody acts under it",
    [RULE_SESSION_AGAIN] = "a session that gave the lock away asks for it again",
    [RULE_OVERWRITES] = "a write changes a lock that its sender was not shown",
    [RULE_STARTS_LATE] = "something is started in the shadow of a loss",
    [RULE_PROMOTES_LATE] = "a promotion is ordered with too little of the lease left",
    [RULE_LOSS_IGNORED] = "a loss that was told is not followed by a demotion",
    [RULE_NEEDLESS] = "the lead is given up without need",
    [RULE_NOBODY_LEADS] = "nobody leads although nothing is wrong",
    [RULE_LIVELOCK] = "work without end",
    [RULE_ABORTS] = "one of ours aborts",
    [RULE_WELL_KILLED] = "one of ours is killed although it is well",
    [RULE_ORPHAN] = "a process outlives its supervision",
    [RULE_STOP_LATE] = "a stop takes longer than its time",
    [RULE_LEFT_HELD] = "all have ended and the lock is not free",
};

static struct {
    enum rule verdict;
    char reason[512];
    struct process *acting[ACTING_MAX];
    unsigned acting_count;
    uint64_t highest_token;
    char highest_session[64];
    uint64_t store_token; /* the highest that the store has seen */
    unsigned refused;
    unsigned promotions;
    bool looking;
    bool lied;
} judge;

void judge_begin(void)
{
    judge.verdict = RULES;
    judge.reason[0] = '\0';
    judge.acting_count = 0;
    judge.highest_token = judge.store_token = 0;
    judge.highest_session[0] = '\0';
    judge.refused = judge.promotions = 0;
    judge.looking = judge.lied = false;
    terms_begin();
}

enum rule judge_verdict(void)
{
    return judge.verdict;
}

const char *judge_reason(void)
{
    return judge.reason;
}

unsigned judge_refused_writes(void)
{
    return judge.refused;
}

unsigned judge_promotions(void)
{
    return judge.promotions;
}

static void condemn(enum rule rule, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a process must not do that can trust none of the others. */
static bool holds_among_liars(enum rule rule)
{
    return rule == RULE_ABORTS || rule == RULE_ORPHAN || rule == RULE_PAGE ||
           rule == RULE_LIVELOCK || rule == RULE_STOP_LATE;
}

static void condemn(enum rule rule, const char *format, ...)
{
    va_list arguments;

    if (judge.verdict != RULES || (judge.lied && !holds_among_liars(rule)))
        return;
    judge.verdict = rule;
    va_start(arguments, format);
    int length =
        snprintf(judge.reason, sizeof judge.reason,
                 "at %.3fs: %s: ", (double)world.now / (double)SECONDS(1), rule_texts[rule]);
    vsnprintf(judge.reason + length, sizeof judge.reason - (size_t)length, format, arguments);
    va_end(arguments);
    story_tell("*** %s", judge.reason);
}

struct instance *judge_leader(void)
{
    for (unsigned i = 0; i < judge.acting_count; i++) {
        const struct term *term = term_of(judge.acting[i]->session.text);
        if (term && judge.acting[i]->kind != PROCESS_READER)
            return term->instance;
    }
    return NULL;
}

/* --- The rules that are looked at while somebody acts. --- */

/* A reader looks at its page before each action; a program that is told nothing ends one before the
 * deadline that it read.
 */
static bool acts_now(const struct process *process)
{
    if (process->acts_until != 0 && host_clock(process->host) >= process->acts_until)
        return false;
    return process->acts && (process->kind != PROCESS_READER || reader_may_act(process));
}

static bool is_running(const struct process *process)
{
    return acts_now(process) && process_can_run(process);
}

/* Its descendants and its page's readers act with it. */
static bool leads_itself(const struct process *process)
{
    return process->kind != PROCESS_DESCENDANT && process->kind != PROCESS_READER;
}

static const char *name_of(const struct process *process)
{
    return story_process(process);
}

static bool same_lead(const struct process *one, const struct process *other)
{
    return strcmp(one->session.text, other->session.text) == 0;
}

/* Returns whether to look again soon. */
static bool look_at_pair(const struct process *one, const struct process *other)
{
    if (same_lead(one, other))
        return false;
    if (!is_running(one) || !is_running(other) || excuse_cannot_be_ended(one) ||
        excuse_cannot_be_ended(other) || excuse_could_not_know(one, other) ||
        excuse_was_not_listed(one, other))
        return true;
    condemn(RULE_TWO_ACT, "%s with token %" PRIu64 " and %s with token %" PRIu64, name_of(one),
            one->token, name_of(other), other->token);
    return false;
}

static void look_then(void *subject, uint64_t detail);

static bool look_at_protection(const struct process *process)
{
    struct term *term = term_of(process->session.text);

    if (!term || strcmp(datacenter_holder(), process->session.text) == 0)
        return false;
    true_ns grantable = datacenter_holder()[0] != '\0' ? world.now : datacenter_grantable();
    if (grantable > world.now && term->free_at != grantable) {
        term->free_at = grantable;
        world_plan(grantable, look_then, NULL, 0);
    }
    if (grantable > world.now)
        return false;
    if (!is_running(process) || excuse_cannot_be_ended(process) || excuse_plain_candidate(term))
        return true;
    condemn(RULE_ACTS_UNPROTECTED, "%s with token %" PRIu64 ", %.3fs after its lease's last base",
            name_of(process), process->token,
            (double)(host_clock(process->host) - term->base) / (double)SECONDS(1));
    return false;
}

static void look_at_lease(const struct process *process)
{
    const struct term *term = term_of(process->session.text);

    if (!term || term_lease_left(term) >= -(int64_t)excuse_lateness(term->instance) ||
        !is_running(process) || excuse_cannot_be_ended(process))
        return;
    condemn(RULE_ACTS_PAST_LEASE, "%s with token %" PRIu64 " by %.3fs", name_of(process),
            process->token, -(double)term_lease_left(term) / (double)SECONDS(1));
}

static void look_at_loss(const struct process *process)
{
    const struct term *term = term_of(process->session.text);

    if (!term || term->told_lost == 0 || process->acts_until != 0)
        return;
    const struct settings *settings = term_settings(term);
    if (world.now < term->told_lost + settings_demote_budget(settings) + LOSS_SLACK ||
        instance_disturbed_since(term->instance, term->told_lost) || !is_running(process) ||
        excuse_cannot_be_ended(process))
        return;
    condemn(RULE_LOSS_IGNORED, "%s with token %" PRIu64 ", told %.3fs ago", name_of(process),
            process->token, (double)(world.now - term->told_lost) / (double)SECONDS(1));
}

static void look_then(void *subject, uint64_t detail)
{
    (void)subject, (void)detail;
    judge_look();
}

static void look_again(void *subject, uint64_t detail)
{
    judge.looking = false;
    look_then(subject, detail);
}

void judge_look(void)
{
    bool again = false;

    terms_note_holder();
    for (unsigned i = 0; i < judge.acting_count; i++) {
        look_at_lease(judge.acting[i]);
        look_at_loss(judge.acting[i]);
        again |= look_at_protection(judge.acting[i]);
        for (unsigned j = 0; j < i; j++)
            again |= look_at_pair(judge.acting[j], judge.acting[i]);
    }
    if (again && !judge.looking) {
        judge.looking = true;
        world_plan(world.now + LOOK_AGAIN, look_again, NULL, 0);
    }
}

/* --- A lead's beginning and end. --- */

static void lease_check(void *subject, uint64_t since)
{
    const struct process *process = subject;
    const struct term *term = term_of(process->session.text);

    if (!process->acts || process->acts_since != since || !term)
        return;
    judge_look();
    true_ns next = term_lease_end(term) + MILLISECONDS(6);
    world_plan(next > world.now + LOOK_AGAIN ? next : world.now + LOOK_AGAIN, lease_check, subject,
               since);
}

static bool was_not_listed(const struct process *process)
{
    for (unsigned i = 0; i < judge.acting_count; i++)
        if (excuse_was_not_listed(process, judge.acting[i]))
            return true;
    return false;
}

void judge_begins(struct process *process)
{
    assert(judge.acting_count < ACTING_MAX);
    judge.acting[judge.acting_count++] = process;
    story_tell("%s acts as leader, token %" PRIu64, name_of(process), process->token);
    if (leads_itself(process))
        judge.promotions++;
    const struct term *term = term_of(process->session.text);
    if (term && term->given_away)
        condemn(RULE_GIVES_AWAY_EARLY, "%s begins to act after that", name_of(process));
    if (strcmp(judge.highest_session, process->session.text) == 0) {
        if (process->token != judge.highest_token)
            condemn(RULE_TOKEN, "%s has %" PRIu64 " and %" PRIu64 " in one term", name_of(process),
                    process->token, judge.highest_token);
    } else if (process->token > judge.highest_token) {
        judge.highest_token = process->token;
        strcpy(judge.highest_session, process->session.text);
    } else if (!excuse_cannot_be_ended(process) && !was_not_listed(process)) {
        condemn(RULE_TOKEN, "%s has %" PRIu64 " after %" PRIu64, name_of(process), process->token,
                judge.highest_token);
    }
    lease_check(process, process->acts_since);
}

static bool may_step_down(const struct slot *slot)
{
    return slot->settings->probes[0] != '\0' &&
           (slot->unwell ||
            (slot->unwell_until != 0 && world.now < slot->unwell_until + DISTURBANCE));
}

static void look_at_need(const struct process *process)
{
    const struct term *term = term_of(process->session.text);

    /* One that is told nothing acts for a lease after its lead was given up. */
    if (!term || !leads_itself(process) || process->acts_until != 0)
        return;
    const struct instance *instance = term->instance;
    const struct host *host = instance->slot->host;
    if (instance->stop_asked || !instance_lives(instance) || term->promotion_failed ||
        term->demotion_failed || process->crashed || may_step_down(instance->slot) ||
        process->kill_pending || host->link_slow || host->link_lossy || host->late ||
        (host->unreliable_until != 0 && world.now < host->unreliable_until + DISTURBANCE) ||
        instance_disturbed_since(instance, world.now > DISTURBANCE ? world.now - DISTURBANCE : 0) ||
        term_was_threatened(term))
        return;
    condemn(RULE_NEEDLESS, "%s with token %" PRIu64, name_of(process), process->token);
}

void judge_rests(struct process *process)
{
    story_tell("%s acts no more", name_of(process));
    look_at_need(process);
    for (unsigned i = 0; i < judge.acting_count; i++)
        if (judge.acting[i] == process) {
            judge.acting[i] = judge.acting[--judge.acting_count];
            return;
        }
}

void judge_write(const struct process *process)
{
    if (process->token < judge.store_token) {
        judge.refused++;
        story_tell("the store refuses a write of %s with token %" PRIu64, name_of(process),
                   process->token);
        return;
    }
    judge.store_token = process->token;
}

void judge_starts(const struct process *process, true_ns let_go)
{
    const struct term *term = term_of(process->session.text);

    if (!term || instance_disturbed_since(term->instance, let_go + 1) ||
        term->instance->slot->host->slow)
        return;
    int64_t least = (int64_t)settings_demote_budget(term_settings(term));
    if (term_lease_left(term) < least - (int64_t)MILLISECONDS(10))
        condemn(RULE_STARTS_LATE, "%s %.3fs before the end of its lease", name_of(process),
                (double)term_lease_left(term) / (double)SECONDS(1));
}

void judge_promotes(const struct process *supervisor, const struct situation *situation)
{
    const struct term *term = term_of(situation->session.text);

    if (!term || instance_disturbed_since(term->instance, world.now))
        return;
    const struct settings *settings = term_settings(term);
    int64_t least = (int64_t)(settings_demote_budget(settings) + settings->renew_interval_ns);
    if (term_lease_left(term) < least - (int64_t)MILLISECONDS(1))
        condemn(RULE_PROMOTES_LATE, "%s, %.3fs before its end", name_of(supervisor),
                (double)term_lease_left(term) / (double)SECONDS(1));
}

void judge_demotes(const struct process *process)
{
    const struct process *reader = process->instance->reader;

    if (reader && reader_may_act(reader))
        condemn(RULE_PAGE, "%s with token %" PRIu64, name_of(reader), reader->token);
}

/* --- What is sent. --- */

static bool acts_under(const char *session)
{
    for (unsigned i = 0; i < judge.acting_count; i++)
        if (acts_now(judge.acting[i]) && strcmp(judge.acting[i]->session.text, session) == 0)
            return true;
    return false;
}

void judge_gives_away(const char *session, const char *how)
{
    if (acts_under(session))
        condemn(RULE_GIVES_AWAY_EARLY, "%s is sent for session %s", how, session);
}

void judge_asks_again(const char *session)
{
    condemn(RULE_SESSION_AGAIN, "session %s", session);
}

void judge_overwrites(const struct call *call, uint64_t index)
{
    condemn(RULE_OVERWRITES, "%s knew index %" PRIu64 ", it was %" PRIu64,
            story_instance(call->instance), call->known, index);
}

/* A look at the lock that began while one acted, and does not show it as the holder. A network
 * process that is alone has nobody to tell it to: the lease runs out.
 */
void judge_shown_loss(const struct call *call, const char *body)
{
    if (!call->instance->supervisor->alive && !call->instance->keeper->alive)
        return;
    for (unsigned i = 0; i < judge.acting_count; i++) {
        const struct process *process = judge.acting[i];
        struct term *term = term_of(process->session.text);
        if (term && term->instance == call->instance && term->told_lost == 0 &&
            call->sent_truly >= process->acts_since && !strstr(body, process->session.text))
            term->told_lost = world.now;
    }
}

/* --- Ends. --- */

static void is_orphan(struct process *process, void *context)
{
    bool kept = process->kind == PROCESS_PROGRAM || process->kind == PROCESS_HOOK ||
                process->kind == PROCESS_DESCENDANT;

    if (kept && process->instance == context && process->alive && !process->kill_pending)
        condemn(RULE_ORPHAN, "%s", name_of(process));
}

static void orphans_check(void *subject, uint64_t detail)
{
    struct instance *instance = subject;

    (void)detail;
    bool guarded = instance_is_guarded(instance);
    if (guarded && !instance_can_enforce(instance)) {
        world_plan(world.now + ORPHAN_TIME, orphans_check, instance, 0);
        return;
    }
    if (!guarded && !instance->unguarded)
        processes_each(is_orphan, instance);
}

void judge_process_lost(const struct process *process)
{
    if (process->kind == PROCESS_SUPERVISOR || process->kind == PROCESS_KEEPER)
        world_plan(world.now + ORPHAN_TIME, orphans_check, process->instance, 0);
}

static void stop_check(void *subject, uint64_t asked)
{
    struct instance *instance = subject;

    if (!excuse_held(instance, STOP_SLACK) && instance_lives(instance) &&
        !instance_disturbed_since(instance, asked))
        condemn(RULE_STOP_LATE, "%s was asked %.3fs ago", story_instance(instance),
                (double)(world.now - asked) / (double)SECONDS(1));
}

void judge_stop_asked(struct instance *instance)
{
    world_plan(world.now + instance->slot->settings->stop_timeout_ns + STOP_SLACK, stop_check,
               instance, instance->stop_asked);
}

static bool leads_now(const struct process *process)
{
    return process->kind != PROCESS_READER && is_running(process) &&
           strcmp(process->session.text, datacenter_holder()) == 0;
}

void judge_expects_leader(void)
{
    for (unsigned i = 0; i < judge.acting_count; i++)
        if (leads_now(judge.acting[i]))
            return;
    condemn(RULE_NOBODY_LEADS, "the lock is %s%s",
            datacenter_holder()[0] ? "held by session " : "free", datacenter_holder());
}

const char *judge_leading_session(void)
{
    for (unsigned i = 0; i < judge.acting_count; i++)
        if (leads_now(judge.acting[i]))
            return judge.acting[i]->session.text;
    return "";
}

void judge_expects_same_leader(const char *session)
{
    judge_expects_leader();
    const struct term *term = term_of(session);
    if (strcmp(session, datacenter_holder()) != 0)
        condemn(RULE_NEEDLESS, "session %s led, now %s", session, datacenter_holder());
    else if (term && !ours_knows_its_lead(term->instance))
        condemn(RULE_NOBODY_LEADS, "%s leads and its supervisor does not know it",
                story_instance(term->instance));
}

void judge_expects_another_leader(const char *session)
{
    judge_expects_leader();
    if (strcmp(session, datacenter_holder()) == 0)
        condemn(RULE_NOBODY_LEADS, "session %s was to give the lock away", session);
}

static void is_left(struct process *process, void *context)
{
    (void)context;
    if (process->alive && process->kind != PROCESS_OUTSIDE)
        condemn(RULE_ORPHAN, "%s is left", name_of(process));
}

void judge_expects_nothing_left(void)
{
    if (judge.acting_count > 0)
        condemn(RULE_LEFT_HELD, "%s still acts", name_of(judge.acting[0]));
    if (datacenter_grantable() > world.now)
        condemn(RULE_LEFT_HELD, "held by session \"%s\"", datacenter_holder());
    if (terms_living())
        condemn(RULE_LEFT_HELD, "session %s lives", terms_living());
    processes_each(is_left, NULL);
}

void judge_lies(void)
{
    judge.lied = true;
}

bool judge_is_lied_to(void)
{
    return judge.lied;
}

void judge_kills(const struct process *victim)
{
    const struct instance *instance = victim->instance;
    const struct host *host = instance->slot->host;
    bool slow = host->slow || (host->slow_until != 0 && world.now < host->slow_until + DISTURBANCE);

    if (!victim->alive || slow || excuse_held(instance, DISTURBANCE) ||
        instance_disturbed_since(instance, world.now > DISTURBANCE ? world.now - DISTURBANCE : 0))
        return;
    condemn(RULE_WELL_KILLED, "%s", name_of(victim));
}

void judge_aborts(const struct process *process, const char *claim)
{
    condemn(RULE_ABORTS, "%s: %s", name_of(process), claim);
}

void judge_livelock(void)
{
    condemn(RULE_LIVELOCK, "%" PRIu64 " events", world.events);
}
