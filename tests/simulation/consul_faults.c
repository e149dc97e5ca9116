/* consul_faults.c - what befalls Consul's servers, and what hands do there. */
#include "tests/simulation/chance.h"
#include "tests/simulation/datacenter.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/hands.h"

/* --- The servers. --- */

static void lose_leader(struct fault *fault)
{
    (void)fault;
    datacenter_lose_leader(chance_between(SECONDS(1), SECONDS(18)), false);
}

/* A cut with Consul's leader on this machine's side. It answers there until it notices, at
 * raft_multiplier 5 for up to 2.5 s; the others may have a leader sooner, and hands at it.
 */
static void cut_with_leader(struct fault *fault)
{
    duration_ns answers = chance_between(MILLISECONDS(100), MILLISECONDS(2500));
    duration_ns away = chance_of(700) ? MILLISECONDS(1) : chance_between(1, SECONDS(8));

    fault->host->cut_servers++;
    datacenter_depose_leader(away, answers, 1u << fault->host->number);
    if (chance_of(500))
        hands_destroy_session_at(world.now + away + chance(answers));
}

static void cut_with_leader_ends(struct fault *fault)
{
    fault->host->cut_servers--;
}

static void lose_delays(struct fault *fault)
{
    (void)fault;
    datacenter_lose_leader(chance_between(MILLISECONDS(1), SECONDS(8)), true);
}

static void snapshot(struct fault *fault)
{
    (void)fault;
    datacenter_take_snapshot();
}

static void restore(struct fault *fault)
{
    (void)fault;
    datacenter_restore_snapshot();
}

/* --- Hands. --- */

static void unlock(struct fault *fault)
{
    (void)fault;
    hands_unlock();
}

static void delete_lock(struct fault *fault)
{
    (void)fault;
    hands_delete(false);
}

/* Somebody who is sure that the lock is stale. */
static void delete_again(void *subject, uint64_t detail)
{
    const struct fault *fault = subject;

    if (fault->over)
        return;
    if (datacenter_holder()[0] != '\0' && chance_of(250))
        hands_delete(false);
    world_plan(world.now + SECONDS(1), delete_again, subject, detail);
}

/* Who acquired it is hardly told, and others are still on their way to an absent lock. */
static void delete_soon(void *subject, uint64_t detail)
{
    const struct fault *fault = subject;

    if (fault->over)
        return;
    if (datacenter_holder()[0] != '\0' && chance_of(100))
        hands_delete(false);
    world_plan(world.now + MILLISECONDS(100), delete_soon, subject, detail);
}

static void slow_down(int more)
{
    for (unsigned i = 0; i < world.host_count; i++) {
        world.hosts[i].link_slow += (unsigned)more;
        world.hosts[i].unreliable_until = world.now;
    }
}

static void delete_at_once(struct fault *fault)
{
    slow_down(1);
    delete_soon(fault, 0);
}

static void delete_at_once_ends(struct fault *fault)
{
    (void)fault;
    slow_down(-1);
}

static void delete_repeatedly(struct fault *fault)
{
    hands_delete(false);
    world_plan(world.now + SECONDS(1), delete_again, fault, 0);
}

static void delete_all(struct fault *fault)
{
    (void)fault;
    hands_delete(true);
}

static void overwrite(struct fault *fault)
{
    (void)fault;
    hands_overwrite();
}

static void end_session(struct fault *fault)
{
    (void)fault;
    hands_destroy_session();
}

static void foreign_candidate(struct fault *fault)
{
    (void)fault;
    hands_foreign_candidate(chance_between(SECONDS(2), SECONDS(15)), chance_of(300),
                            world.now + SECONDS(40));
}

const struct fault_kind consul_faults[] = {
    { "Consul's leader lost", 0, 0, lose_leader, NULL },
    { "machine cut off with Consul's leader", SECONDS(3), SECONDS(60), cut_with_leader,
      cut_with_leader_ends },
    { "lock-delay forgotten", 0, 0, lose_delays, NULL },
    { "snapshot restored", SECONDS(5), SECONDS(60), snapshot, restore },
    { "lock freed by hand", 0, 0, unlock, NULL },
    { "lock deleted", 0, 0, delete_lock, NULL },
    { "lock deleted again and again", SECONDS(20), SECONDS(60), delete_repeatedly, NULL },
    { "lock deleted at once, networks slow", SECONDS(30), SECONDS(90), delete_at_once,
      delete_at_once_ends },
    { "lock and candidates deleted", 0, 0, delete_all, NULL },
    { "lock's value overwritten", 0, 0, overwrite, NULL },
    { "session destroyed by hand", 0, 0, end_session, NULL },
    { "plain candidate", 0, 0, foreign_candidate, NULL },
    { NULL, 0, 0, NULL, NULL },
};
