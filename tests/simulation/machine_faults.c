/* machine_faults.c - what befalls a machine, its network, its agent and what its requests get. */
#include "tests/simulation/datacenter.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/gossip.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/process.h"
#include "tests/simulation/transport.h"

/* --- States that are counted. --- */

#define STATE(name)                                                                                \
    static void name##_begins(struct fault *fault)                                                 \
    {                                                                                              \
        fault->host->name++;                                                                       \
    }                                                                                              \
    static void name##_ends(struct fault *fault)                                                   \
    {                                                                                              \
        fault->host->name--;                                                                       \
    }

/* With the time when it last was so. */
#define REMEMBERED_STATE(name, until)                                                              \
    static void name##_begins(struct fault *fault)                                                 \
    {                                                                                              \
        fault->host->name++;                                                                       \
    }                                                                                              \
    static void name##_ends(struct fault *fault)                                                   \
    {                                                                                              \
        fault->host->name--;                                                                       \
        fault->host->until = world.now;                                                            \
    }

STATE(full)
STATE(no_exec)
STATE(disk_full)
REMEMBERED_STATE(slow, slow_until)
STATE(cut_out)
STATE(cut_in)
REMEMBERED_STATE(link_slow, unreliable_until)
REMEMBERED_STATE(link_lossy, unreliable_until)
REMEMBERED_STATE(late, unreliable_until)
STATE(agent_frozen)
STATE(denied)
STATE(limited)
STATE(reads_limited)

/* --- The machine. --- */

static void crash(struct fault *fault)
{
    fault->host->off++;
    fault->host->crashes++;
    fault->host->agent_down++;
    instances_cut_records(fault->host);
    processes_crash(fault->host);
}

static void boot(struct fault *fault)
{
    fault->host->off--;
    fault->host->agent_down--;
}

static void suspend(struct fault *fault)
{
    processes_suspend(fault->host);
}

static void resume(struct fault *fault)
{
    processes_resume(fault->host);
}

/* --- Its network. --- */

static void cut_both_begins(struct fault *fault)
{
    cut_out_begins(fault);
    cut_in_begins(fault);
}

static void cut_both_ends(struct fault *fault)
{
    cut_out_ends(fault);
    cut_in_ends(fault);
}

/* --- Its agent. --- */

static void kill_agent(struct fault *fault)
{
    fault->host->agent_down++;
    transport_break(fault->host);
}

static void end_agent(struct fault *fault)
{
    kill_agent(fault);
    gossip_leaves(fault->host);
}

static void start_agent(struct fault *fault)
{
    fault->host->agent_down--;
}

static void lagging_begins(struct fault *fault)
{
    fault->host->lagging++;
    datacenter_lag_begins();
}

static void lagging_ends(struct fault *fault)
{
    fault->host->lagging--;
}

const struct fault_kind machine_faults[] = {
    { "nothing can be forked", SECONDS(1), SECONDS(30), full_begins, full_ends },
    { "nothing can be executed", SECONDS(1), SECONDS(20), no_exec_begins, no_exec_ends },
    { "disk full", SECONDS(1), SECONDS(40), disk_full_begins, disk_full_ends },
    { "machine crashes", SECONDS(2), SECONDS(40), crash, boot },
    { "machine suspended", SECONDS(1), SECONDS(60), suspend, resume },
    { "machine slow", SECONDS(5), SECONDS(60), slow_begins, slow_ends },
    { "machine cut off", SECONDS(1), SECONDS(60), cut_both_begins, cut_both_ends },
    { "requests lost", SECONDS(1), SECONDS(40), cut_out_begins, cut_out_ends },
    { "answers lost", SECONDS(1), SECONDS(40), cut_in_begins, cut_in_ends },
    { "network slow", SECONDS(5), SECONDS(60), link_slow_begins, link_slow_ends },
    { "network lossy", SECONDS(5), SECONDS(60), link_lossy_begins, link_lossy_ends },
    { "requests late by up to 10 s", SECONDS(5), SECONDS(40), late_begins, late_ends },
    { "agent killed", SECONDS(1), SECONDS(30), kill_agent, start_agent },
    { "agent leaves", SECONDS(1), SECONDS(20), end_agent, start_agent },
    { "agent hangs", SECONDS(1), SECONDS(30), agent_frozen_begins, agent_frozen_ends },
    { "token revoked", SECONDS(1), SECONDS(40), denied_begins, denied_ends },
    { "requests limited", SECONDS(1), SECONDS(30), limited_begins, limited_ends },
    { "reads limited", SECONDS(1), SECONDS(40), reads_limited_begins, reads_limited_ends },
    { "stale reads lag", SECONDS(2), SECONDS(40), lagging_begins, lagging_ends },
    { NULL, 0, 0, NULL, NULL },
};
