#include "tests/simulation/gossip.h"

#include "tests/simulation/datacenter.h"
#include "tests/simulation/story.h"

#define INTERVAL  SECONDS(1)
#define RECONCILE 30 /* so many times the interval */
#define DEATH     SECONDS(6)

static bool is_seen(const struct host *host)
{
    return !host->off && !host->suspended && !host->agent_down && !host->agent_frozen &&
           !host->cut_out && !host->cut_in && !host->cut_servers;
}

static void gossip_about(struct host *host)
{
    if (is_seen(host))
        host->unseen_since = 0;
    else if (host->unseen_since == 0)
        host->unseen_since = world.now;
    bool dead = host->unseen_since != 0 && world.now > host->unseen_since + DEATH;
    if (dead == host->declared_dead || (host->unseen_since != 0 && !dead))
        return;
    host->declared_dead = dead;
    story_tell("Consul: node %s is declared %s", host->node, dead ? "dead" : "alive");
    datacenter_node(host->node, !dead);
}

/* What a snapshot did not know is registered again. */
static void reconcile(void)
{
    datacenter_node("elsewhere", true);
    for (unsigned i = 0; i < world.host_count; i++)
        if (world.hosts[i].unseen_since == 0 && !world.hosts[i].declared_dead)
            datacenter_node(world.hosts[i].node, true);
}

static void gossip(void *subject, uint64_t round)
{
    (void)subject;
    for (unsigned i = 0; i < world.host_count && !datacenter_is_away(); i++)
        gossip_about(&world.hosts[i]);
    if (round % RECONCILE == RECONCILE - 1 && !datacenter_is_away())
        reconcile();
    world_plan(world.now + INTERVAL, gossip, NULL, round + 1);
}

void gossip_begin(void)
{
    reconcile();
    gossip(NULL, 0);
}

void gossip_leaves(struct host *host)
{
    if (datacenter_is_away())
        return;
    host->declared_dead = true; /* until it is back */
    datacenter_node_left(host->node);
}
