#include "tests/simulation/channel.h"

#include <assert.h>
#include <errno.h>

#include "common/messages/keeper.h"
#include "common/messages/network.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/judge.h"

#define ENDS_MAX 4096
#define FIRST_FD 100000

struct parcel {
    struct parcel *next;
    struct message message;
    int passed_fd;
};

struct end {
    struct process *owner; /* NULL: on its way in a message */
    bool open;
    struct end *other;
    struct parcel *first;
    struct parcel **last;
};

static struct end ends[ENDS_MAX];
static size_t end_count;
static struct parcel *free_parcels; /* of this run */

void channels_begin(void)
{
    end_count = 0;
    free_parcels = NULL;
}

static struct end *end_of(int fd)
{
    size_t place = (size_t)(fd - FIRST_FD);

    return fd >= FIRST_FD && place < end_count ? &ends[place] : NULL;
}

void channel_new(int fds[2], struct process *one, struct process *other)
{
    struct process *owners[] = { one, other };

    assert(end_count + 2 <= ENDS_MAX);
    for (int i = 0; i < 2; i++) {
        struct end *end = &ends[end_count + (size_t)i];
        *end = (struct end){ .owner = owners[i], .open = true, .other = &ends[end_count + 1 - i] };
        end->last = &end->first;
        fds[i] = FIRST_FD + (int)end_count + i;
    }
    end_count += 2;
}

static void drop_parcel(struct parcel *parcel)
{
    parcel->next = free_parcels;
    free_parcels = parcel;
}

static void close_end(struct end *end)
{
    if (!end->open)
        return;
    end->open = false;
    while (end->first) {
        struct parcel *parcel = end->first;
        end->first = parcel->next;
        channel_close(parcel->passed_fd);
        drop_parcel(parcel);
    }
    end->last = &end->first;
    if (end->other->open && end->other->owner)
        process_wake(end->other->owner);
}

void channel_close(int fd)
{
    struct end *end = end_of(fd);

    if (end)
        close_end(end);
}

void channels_close_of(struct process *process)
{
    for (size_t i = 0; i < end_count; i++)
        if (ends[i].owner == process)
            close_end(&ends[i]);
}

bool channel_send(int fd, const struct message *message, int passed_fd)
{
    process_enters_kernel();
    struct end *end = end_of(fd);
    if (!end || !end->open || !end->other->open) {
        errno = EPIPE;
        return false;
    }
    if (message->type == KEEPER_DEMOTE || message->type == NETWORK_ALL_GONE)
        judge_demotes(process_current);
    if (message->type == KEEPER_PROMOTE) {
        judge_promotes(process_current, MESSAGE_BODY(message, const struct situation));
        faults_moment(MOMENT_PROMOTES, process_current->instance);
    } else if (message->type == KEEPER_DEMOTE) {
        faults_moment(MOMENT_DEMOTES, process_current->instance);
    }
    struct parcel *parcel = free_parcels ? free_parcels : world_memory(sizeof *parcel);
    if (free_parcels)
        free_parcels = parcel->next;
    parcel->next = NULL;
    parcel->message = *message;
    parcel->passed_fd = passed_fd;
    if (passed_fd >= 0)
        end_of(passed_fd)->owner = NULL;
    *end->other->last = parcel;
    end->other->last = &parcel->next;
    if (end->other->owner)
        process_wake(end->other->owner);
    return true;
}

bool channel_send_spare(int fd, const struct message *message)
{
    return channel_send(fd, message, -1);
}

enum channel_result channel_receive(int fd, struct message *message, int *passed_fd)
{
    struct end *end = end_of(fd);

    if (!end || !end->open)
        return CHANNEL_CLOSED;
    if (!end->first)
        return end->other->open ? CHANNEL_EMPTY : CHANNEL_CLOSED;
    struct parcel *parcel = end->first;
    end->first = parcel->next;
    if (!end->first)
        end->last = &end->first;
    *message = parcel->message;
    *passed_fd = parcel->passed_fd;
    if (*passed_fd >= 0)
        end_of(*passed_fd)->owner = process_current;
    drop_parcel(parcel);
    return CHANNEL_MESSAGE;
}
