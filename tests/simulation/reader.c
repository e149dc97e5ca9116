#include "tests/simulation/reader.h"

#include "include/consul_leader/lease.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/judge.h"
#include "tests/simulation/ours.h"

static uint64_t deadline(const struct instance *instance, uint64_t *token)
{
    return consul_leader_lease_deadline(&(struct consul_leader_lease){ .page = instance->page },
                                        token);
}

bool reader_may_act(const struct process *reader)
{
    uint64_t token;

    return host_clock(reader->host) < deadline(reader->acts_for, &token) && token == reader->token;
}

static void end(struct process *reader)
{
    reader->acts_for->reader = NULL;
    process_exit(reader, 0);
}

static void run_out(void *subject, uint64_t unused)
{
    struct process *reader = subject;
    uint64_t token;

    (void)unused;
    if (!reader->alive)
        return;
    if (reader_may_act(reader)) /* the deadline has grown */
        world_plan(host_true(reader->host, deadline(reader->acts_for, &token)), run_out, reader, 0);
    else
        end(reader);
}

static void begin(struct instance *instance)
{
    struct process *reader = process_new(PROCESS_READER, instance->slot->host, NULL, NULL);

    deadline(instance, &reader->token);
    reader->session = *ours_session(instance);
    reader->acts_for = instance;
    reader->acts = true;
    reader->acts_since = world.now;
    instance->reader = reader;
    judge_begins(reader);
    run_out(reader, 0);
}

void reader_looks(struct instance *instance)
{
    uint64_t token;

    if (instance->reader && !reader_may_act(instance->reader))
        end(instance->reader);
    if (!instance->reader && host_clock(instance->slot->host) < deadline(instance, &token))
        begin(instance);
}
