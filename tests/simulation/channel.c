#include "tests/simulation/channel.h"

#include <assert.h>
#include <string.h>

#include "common/messages/check.h"
#include "common/messages/keeper.h"
#include "common/messages/network.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/instance.h"
#include "tests/simulation/judge.h"

#define ENDS_MAX 4096
#define FIRST_FD 100000

/* What a real pair holds of our messages, measured. */
#define REAL_CAPACITY 93

#define TAKEN_DOWN_MOST SECONDS(5)

/* In 1,000 of a keeper's words. */
#define REFUSALS 30

struct parcel {
    struct parcel *next;
    struct message message;
    int passed_fd;
};

struct end {
    struct process *owner; /* NULL: on its way in a message */
    bool open;
    struct end *other;
    size_t capacity; /* how many messages may wait here for the owner; 0: not drawn yet */
    size_t waiting;
    bool refused; /* one found no room since its sender was last woken */
    struct parcel *first;
    struct parcel **last;
};

static struct end ends[ENDS_MAX];
static size_t end_count;
static struct parcel *free_parcels; /* of this run */
static bool narrow;                 /* this run's queues hold less than real ones */

void channels_begin(void)
{
    end_count = 0;
    free_parcels = NULL;
    narrow = chance_of(500);
}

/* The supervisor says four things at once where a keeper promotes, so that less than six would cost
 * a healthy keeper its life. A keeper keeps what finds no room.
 */
static size_t some_capacity(const struct process *sender)
{
    if (!narrow)
        return REAL_CAPACITY;
    return sender->kind == PROCESS_KEEPER ? chance_between(1, 12) : chance_between(6, 12);
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
    end->waiting = 0;
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

static size_t capacity_of(struct end *receiver)
{
    if (receiver->capacity == 0)
        receiver->capacity = some_capacity(process_current);
    return receiver->capacity;
}

static const enum conversation conversations[PROCESS_KINDS][PROCESS_KINDS] = {
    [PROCESS_SUPERVISOR] = { [PROCESS_KEEPER] = SUPERVISOR_TO_KEEPER,
                             [PROCESS_NETWORK] = SUPERVISOR_TO_NETWORK },
    [PROCESS_KEEPER] = { [PROCESS_SUPERVISOR] = KEEPER_TO_SUPERVISOR,
                         [PROCESS_NETWORK] = KEEPER_TO_NETWORK },
    [PROCESS_NETWORK] = { [PROCESS_SUPERVISOR] = NETWORK_TO_SUPERVISOR },
};

/* Ours say nothing that whoever hears it would skip. */
static void expect_sound(const struct process *hearer, const struct message *message, int passed_fd)
{
    struct error why;
    enum conversation conversation = conversations[process_current->kind][hearer->kind];

    if (message_is_sound(conversation, message, passed_fd, &why))
        return;
    judge_aborts(process_current, why.text);
}

static void look_at_what_is_sent(const struct message *message)
{
    if (message->type == KEEPER_DEMOTE || message->type == NETWORK_ALL_GONE)
        judge_demotes(process_current);
    if (message->type == KEEPER_PROMOTE) {
        judge_promotes(process_current, MESSAGE_BODY(message, const struct situation));
        faults_moment(MOMENT_PROMOTES, process_current->instance);
    } else if (message->type == KEEPER_DEMOTE) {
        faults_moment(MOMENT_DEMOTES, process_current->instance);
    }
}

static void put(struct end *receiver, const struct message *message, int passed_fd)
{
    struct parcel *parcel = free_parcels ? free_parcels : world_memory(sizeof *parcel);

    if (free_parcels)
        free_parcels = parcel->next;
    parcel->next = NULL;
    parcel->message = *message;
    parcel->passed_fd = passed_fd;
    if (passed_fd >= 0)
        end_of(passed_fd)->owner = NULL;
    *receiver->last = parcel;
    receiver->last = &parcel->next;
    receiver->waiting++;
    if (receiver->owner)
        process_wake(receiver->owner);
}

struct late {
    struct end *receiver;
    struct message message;
};

static void comes(void *subject, uint64_t detail)
{
    const struct late *late = subject;

    (void)detail;
    if (late->receiver->open)
        put(late->receiver, &late->message, -1);
}

/* An agent that is slow, or is away, keeps the tags for seconds, or for ever. */
static void put_late(struct end *receiver, const struct message *message)
{
    struct late *late = world_memory(sizeof *late);

    *late = (struct late){ .receiver = receiver, .message = *message };
    if (!chance_of(100))
        world_plan(world.now + chance_delay(0, TAKEN_DOWN_MOST), comes, late, 0);
}

/* A few bits are not what they were, at its head or anywhere. */
static void flip_bits(struct message *message)
{
    unsigned char *bytes = (unsigned char *)message;
    size_t range = chance_of(600) ? 128 : sizeof *message;

    for (uint64_t i = chance_between(1, 3); i > 0; i--)
        bytes[chance(range)] ^= (unsigned char)(1u << chance(8));
}

static void invent_session(struct session_id *session)
{
    if (chance_of(500))
        session->text[0] = '\0';
    else
        session->text[chance(8)] ^= 1;
}

static void invent_answer(struct lock_answer *answer)
{
    switch (chance(6)) {
    case 0:
        answer->type = (enum request_type)chance(REQUEST_TYPES + 1);
        break;
    case 1:
        answer->result = (enum answer_result)chance(ANSWER_RESULTS + 1);
        break;
    case 2:
        answer->asker = (enum asker)chance(ASKERS + 1);
        break;
    case 3:
        answer->term += chance_between(0, 2) - 1;
        break;
    case 4:
        answer->index = chance(1u << 30);
        break;
    default:
        invent_session(chance_of(500) ? &answer->session : &answer->view.session);
    }
}

static void invent_look(struct lock_view *view)
{
    unsigned char anything = (unsigned char)chance(3);

    switch (chance(4)) {
    case 0:
        memcpy(&view->exists, &anything, sizeof view->exists);
        break;
    case 1:
        memcpy(&view->released, &anything, sizeof view->released);
        break;
    case 2:
        view->index = view->others_index = chance(1u << 30);
        break;
    default:
        invent_session(&view->session);
    }
}

static void put_lie(struct end *receiver, const struct message *message, int passed_fd)
{
    struct message lie = *message;

    judge_lies();
    if (chance_of(300))
        flip_bits(&lie);
    else if (chance_of(50))
        lie.type = NETWORK_REQUEST + (uint32_t)chance(14);
    else if (message->type == NETWORK_ANSWER)
        invent_answer(MESSAGE_BODY(&lie, struct lock_answer));
    else if (message->type == NETWORK_LOCK_SEEN)
        invent_look(MESSAGE_BODY(&lie, struct lock_view));
    put(receiver, &lie, passed_fd);
}

/* No memory for it either: poll() tells of room at once. Whom it would cost its life is spared. */
static bool kernel_refuses(void)
{
    bool refuses = narrow && process_current->kind == PROCESS_KEEPER && chance_of(REFUSALS);

    if (refuses)
        process_wake(process_current);
    return refuses;
}

enum channel_sent channel_send(int fd, const struct message *message, int passed_fd)
{
    process_enters_kernel();
    struct end *end = end_of(fd);
    if (!end || !end->open || !end->other->open)
        return CHANNEL_GONE;
    if (kernel_refuses())
        return CHANNEL_FULL;
    if (end->other->waiting >= capacity_of(end->other)) {
        end->other->refused = true;
        return CHANNEL_FULL;
    }
    if (process_current->kind == PROCESS_NETWORK && process_current->instance->lies &&
        chance_of(500)) {
        put_lie(end->other, message, passed_fd);
        return CHANNEL_SENT;
    }
    expect_sound(end->other->owner, message, passed_fd);
    look_at_what_is_sent(message);
    if (message->type == NETWORK_TAKEN_DOWN)
        put_late(end->other, message);
    else
        put(end->other, message, passed_fd);
    return CHANNEL_SENT;
}

bool channel_has_room(int fd)
{
    const struct end *end = end_of(fd);

    if (!end || end->other->waiting < capacity_of(end->other) / 2)
        return end;
    end->other->refused = true;
    return false;
}

bool channel_send_spare(int fd, const struct message *message)
{
    return channel_has_room(fd) && channel_send(fd, message, -1) == CHANNEL_SENT;
}

bool channel_send_line(int fd, const char *text, size_t length)
{
    struct message message = { .type = MESSAGE_LOG_LINE };
    struct log_line *line = MESSAGE_BODY(&message, struct log_line);

    line->length = (uint32_t)length;
    memcpy(line->text, text, length);
    return channel_send_spare(fd, &message);
}

/* Who found no room waits until there is some, as poll() does it. */
static void tell_of_room(struct end *end)
{
    if (!end->refused)
        return;
    end->refused = false;
    if (end->other->open && end->other->owner)
        process_wake(end->other->owner);
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
    end->waiting--;
    tell_of_room(end);
    *message = parcel->message;
    *passed_fd = parcel->passed_fd;
    if (*passed_fd >= 0)
        end_of(*passed_fd)->owner = process_current;
    drop_parcel(parcel);
    return CHANNEL_MESSAGE;
}
