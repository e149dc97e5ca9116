#include "tests/simulation/schedule.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/options/options.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/coverage.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/gossip.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/judge.h"
#include "tests/simulation/story.h"
#include "tests/simulation/transport.h"

#define SHORTEST_RUN  SECONDS(300)
#define CALM_AT_FIRST SECONDS(12)
#define FAULTS_LEAST  3
#define FAULTS_MOST   6
#define CLUSTER       SECONDS(40)
#define BOUND_SLACK   SECONDS(60)
#define WATCHED       SECONDS(15) /* that the leader stays */
#define TAKEOVER      SECONDS(2)  /* beside a stop or a demotion */
#define TAKEOVERS     SECONDS(36) /* all three */
#define STOPS         SECONDS(18) /* one after the other, to the last */
#define EVENTS_LIMIT  400000

/* --- Settings: as a command line gives them. --- */

#define OPTIONS_MOST 16

static const char *const flavours[][OPTIONS_MOST] = {
    { "--promote-signal", "USR1", "--demote-signal", "USR2", "--", "program" },
    { "--promote-signal", "USR1", "--demote-signal", "USR2", "--demote-ack", "--", "program" },
    { "--on-promote", "hook", "--on-demote", "hook", "--", "program" },
    { "--promote-signal", "USR1", "--demote-signal", "USR2", "--on-promote", "hook", "--on-demote",
      "hook", "--", "program" },
    { "--mode", "leader-only", "--", "program" },
    { "--mode", "leader-only", "--on-promote", "hook", "--on-demote", "hook", "--", "program" },
    { "--mode", "sidecar", "--on-promote", "hook", "--on-demote", "hook" },
    { "--", "program" }, /* told nothing */
};

static const char *const times[][OPTIONS_MOST] = {
    { "--ttl", "10s" }, { "--ttl", "10s", "--node-checks", "none" },
    { "--ttl", "15s" }, { "--ttl", "20s", "--lease", "12s", "--node-checks", "none" },
    { "--ttl", "30s" },
};

#define HOOKS_ALONE 2
#define SIDECAR     6

/* How the program is cared for, and what its failures cost. */
#define PROBE "--probe", "http://program#interval=1s,fall=2,grace=0"

static const char *const cares[][OPTIONS_MOST] = {
    { NULL },
    { PROBE },
    { PROBE, "--unhealthy-leader", "stay", "--on-hook-failure", "ignore", "--on-leader-change",
      "hook" },
    { PROBE, "--unhealthy-leader", "stop", "--on-hook-failure", "exit" },
    { "--on-leader-change", "hook", "--demote-timeout", "1s", "--stop-timeout", "2s" },
    { "--demote-timeout", "5s", "--stop-timeout", "7s" },
};

#define HOOKS_IGNORED 2

static const char *const restarts[][OPTIONS_MOST] = {
    { NULL },
    { "--restart", "always", "--restart-limit", "20/1m" },
    { "--restart", "on-failure", "--restart-limit", "20/1m" },
};

static const char *const ends[][OPTIONS_MOST] = { { NULL }, { "--exit-on-demote" } };

#define LENGTH(table) (sizeof(table) / sizeof(table)[0])
#define FLAVOURS      LENGTH(flavours)
#define TIMES         LENGTH(times)

static struct settings settings[TIMES][FLAVOURS][LENGTH(cares)][LENGTH(restarts)][LENGTH(ends)];

static void add(const char **arguments, int *count, const char *const more[OPTIONS_MOST])
{
    for (size_t i = 0; i < OPTIONS_MOST && more[i]; i++)
        arguments[(*count)++] = more[i];
}

static void read_settings(size_t time, size_t flavour, size_t care, size_t restart, size_t end)
{
    static const char *const always[OPTIONS_MOST] = { "consul-leader", "--service", "service",
                                                      "--key",         LOCK_KEY,    "--tag-service",
                                                      "none" };
    const char *arguments[6 * OPTIONS_MOST] = { NULL };
    struct error err;
    char **command;
    int count = 0;

    add(arguments, &count, always);
    add(arguments, &count, ends[end]);
    add(arguments, &count, cares[care]);
    if (flavour != SIDECAR)
        add(arguments, &count, restarts[restart]);
    add(arguments, &count, times[time]);
    add(arguments, &count, flavours[flavour]);
    if (options_parse(&settings[time][flavour][care][restart][end], count, (char **)arguments,
                      &command, &err) == 0)
        return;
    fprintf(stderr, "simulate: the settings are refused: %s\n", err.text);
    exit(EXIT_FAILURE);
}

void schedule_prepare(void)
{
    static char *nothing[] = { NULL };

    environ = nothing; /* what the machine has set must not change a run */
    for (size_t time = 0; time < TIMES; time++)
        for (size_t flavour = 0; flavour < FLAVOURS; flavour++)
            for (size_t care = 0; care < LENGTH(cares); care++)
                for (size_t restart = 0; restart < LENGTH(restarts); restart++)
                    for (size_t end = 0; end < LENGTH(ends); end++)
                        read_settings(time, flavour, care, restart, end);
}

/* --- Who competes. --- */

static true_ns trouble_ends;

bool schedule_is_troubled(void)
{
    return world.now < trouble_ends;
}

static int64_t some_rate(void)
{
    switch (chance(4)) {
    case 0:
        return CLOCK_RATE_LIMIT_PPM;
    case 1:
        return -CLOCK_RATE_LIMIT_PPM;
    case 2:
        return 0;
    default:
        return (int64_t)chance(2 * CLOCK_RATE_LIMIT_PPM + 1) - CLOCK_RATE_LIMIT_PPM;
    }
}

static void make_machines(void)
{
    unsigned competitors = chance_of(650) ? 2 : chance_of(800) ? 3 : 4;

    world.servers_rate_ppm = some_rate();
    world.host_count = competitors;
    for (unsigned i = 0; i < competitors; i++) {
        struct host *host = &world.hosts[i];
        *host = (struct host){
            .number = i,
            .rate_ppm = some_rate(),
            .clock_offset = SECONDS(chance_between(100, 1000000)),
        };
        snprintf(host->node, sizeof host->node, "node-%u", i + 1);
    }
}

/* A hook that alone tells the program of its lead is not to be ignored. */
static size_t some_care(size_t flavour)
{
    size_t care = chance_of(500) ? 0 : chance(LENGTH(cares));

    return care == HOOKS_IGNORED && (flavour == HOOKS_ALONE || flavour == SIDECAR) ? 0 : care;
}

/* All with the same times, as the manual asks. */
static const struct settings *make_slots(void)
{
    size_t time = chance(TIMES);
    const struct settings *first = NULL;

    for (unsigned i = 0; i < world.host_count; i++) {
        size_t flavour = chance(FLAVOURS);
        struct host *host = &world.hosts[chance_of(850) ? i : chance(world.host_count)];
        size_t restart = chance_of(600) ? 0 : chance(LENGTH(restarts));
        struct slot *slot =
            slot_new(host, &settings[time][flavour][some_care(flavour)][restart][chance_of(150)]);
        slot->named = chance_of(500);
        slot->pid_1 = chance_of(300);
        slot->has_cgroup = chance_of(500);
        slot->relays = chance_of(200);
        slot->habits = (struct habits){
            .forks = chance_of(300),
            .changes_user = chance_of(200),
            .ignores_kill = chance_of(250),
            .deaf = chance_of(400) ? 300 : 0,
            .fails = chance_of(300) ? 300 : 0,
            .slowest =
                chance_of(500) ? MILLISECONDS(100) : slot->settings->demote_timeout_ns / 10 * 9,
        };
        slot_start(slot, chance_of(800) ? chance(SECONDS(3)) : chance(SECONDS(120)));
        first = first ? first : slot->settings;
        story_tell("%c competes on %s: flavour %zu, TTL %us, lease %us%s%s", (char)('a' + i),
                   host->node, flavour, (unsigned)(slot->settings->ttl_ns / SECONDS(1)),
                   (unsigned)(slot->settings->lease_ns / SECONDS(1)),
                   slot->pid_1 ? ", in a container" : "", slot->named ? ", a named place" : "");
    }
    return first;
}

static void plan_faults(void)
{
    unsigned count = (unsigned)chance_between(FAULTS_LEAST, FAULTS_MOST);
    bool clustered = chance_of(600);
    duration_ns range = trouble_ends - CALM_AT_FIRST - SECONDS(2);
    true_ns first = CALM_AT_FIRST + chance(range > CLUSTER ? range - CLUSTER : 1);

    for (unsigned i = 0; i < count; i++) {
        true_ns at = clustered ? first + chance(range < CLUSTER ? range : CLUSTER)
                               : CALM_AT_FIRST + chance(range);
        fault_plan((unsigned)chance(fault_kind_count()), at, trouble_ends);
    }
}

/* --- The run. --- */

/* Until then; false: a rule was broken. */
static bool go_on(true_ns until)
{
    while (judge_verdict() == RULES && world_step(until))
        if (world.events > EVENTS_LIMIT)
            judge_livelock();
    return judge_verdict() == RULES;
}

static void stop_slot(void *subject, uint64_t detail)
{
    struct slot *slot = subject;

    (void)detail;
    slot->wanted = false;
    if (slot->present)
        instance_stop(slot->present);
}

static bool another_leads_after(duration_ns time)
{
    char former[64];

    snprintf(former, sizeof former, "%s", judge_leading_session());
    if (!go_on(world.now + time + TAKEOVER))
        return false;
    judge_expects_another_leader(former);
    return judge_verdict() == RULES;
}

/* One is asked to stop, and another leads when it has ended; then it stands again. */
static bool planned_takeover(void)
{
    struct instance *leader = judge_leader();

    instance_stop(leader);
    return another_leads_after(leader->slot->settings->stop_timeout_ns) &&
           go_on(world.now + RESTART_MOST);
}

/* A supervisor is killed, and its keeper and network process give the lock away. */
static bool takeover_after_a_kill(void)
{
    struct instance *leader = judge_leader();

    if (leader->slot->pid_1) /* nobody is left to give it away */
        return true;
    leader->disturbed = world.now;
    story_tell("--- the supervisor of %s is killed", story_instance(leader));
    process_kill(leader->supervisor);
    return another_leads_after(leader->slot->settings->demote_timeout_ns);
}

/* All of it is killed at once, and what is started in its place gives the lock back. */
static bool takeover_after_a_restart(void)
{
    struct instance *leader = judge_leader();

    if (!leader->slot->named) /* the lock runs out */
        return true;
    story_tell("--- all of %s is killed", story_instance(leader));
    instance_kill(leader);
    return another_leads_after(RESTART_MOST + leader->slot->settings->demote_timeout_ns);
}

/* Somebody leads, and leads on; then each of the ways in which another follows. False: a rule was
 * broken.
 */
static bool leads_change(void)
{
    char session[64];

    judge_expects_leader();
    snprintf(session, sizeof session, "%s", judge_leading_session());
    if (!go_on(world.now + WATCHED))
        return false;
    judge_expects_same_leader(session);
    return judge_verdict() == RULES && planned_takeover() && takeover_after_a_kill() &&
           takeover_after_a_restart();
}

static void play(const struct settings *terms)
{
    /* A session that nobody renews from Consul's last election on, the lock-delay, a lease for a
     * lock without the mark.
     */
    duration_ns bound = 2 * terms->ttl_ns + terms->lock_delay_ns + terms->lease_ns + BOUND_SLACK;

    if (!go_on(trouble_ends + bound) || (!judge_is_lied_to() && !leads_change()))
        return;
    for (unsigned i = 0; i < slot_count; i++)
        world_plan(world.now + chance(STOPS / 2), stop_slot, &slots[i], 0);
    true_ns end = world.now + STOPS;
    if (go_on(end > SHORTEST_RUN ? end : SHORTEST_RUN))
        judge_expects_nothing_left();
}

void schedule_play(uint64_t seed)
{
    chance_seed(seed);
    world_begin();
    processes_begin();
    transport_begin();
    judge_begin();
    instances_begin();
    coverage_begin();
    faults_begin();
    make_machines();
    datacenter_begin();
    gossip_begin();
    const struct settings *terms = make_slots();
    duration_ns after = 2 * terms->ttl_ns + terms->lock_delay_ns + terms->lease_ns + BOUND_SLACK +
                        WATCHED + TAKEOVERS + STOPS;
    trouble_ends = SHORTEST_RUN > after + SECONDS(100) ? SHORTEST_RUN - after : SECONDS(100);
    plan_faults();
    play(terms);
    datacenter_end();
    coverage.runs++;
    coverage.events += world.events;
    coverage.promotions += judge_promotions();
    coverage.refused_writes += judge_refused_writes();
    coverage.simulated_s += world.now / SECONDS(1);
}
