#include "common/messages/check.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/signals.h"

#define COMPLAINT_INTERVAL SECONDS(1)

static const char *const speakers[CONVERSATIONS] = {
    [SUPERVISOR_TO_KEEPER] = "supervisor",  [KEEPER_TO_SUPERVISOR] = "keeper",
    [SUPERVISOR_TO_NETWORK] = "supervisor", [NETWORK_TO_SUPERVISOR] = "network process",
    [KEEPER_TO_NETWORK] = "keeper",
};

/* --- One field. --- */

static int32_t number_at(const unsigned char *bytes)
{
    int32_t number;

    memcpy(&number, bytes, sizeof number);
    return number;
}

static int check_text(const struct field *field, const unsigned char *bytes, struct error *why)
{
    return memchr(bytes, '\0', field->size) ? 0 : error_set(why, "%s has no end", field->name);
}

/* Never read as a bool: that is undefined for another byte. */
static int check_flag(const struct field *field, const unsigned char *bytes, struct error *why)
{
    return *bytes <= 1 ? 0 : error_set(why, "%s is %u, and must be 0 or 1", field->name, *bytes);
}

static int check_number(const struct field *field, const unsigned char *bytes, struct error *why)
{
    int32_t number = number_at(bytes);

    if (number < field->least || number > field->most)
        return error_set(why, "%s is %d, and must be from %lld to %lld", field->name, number,
                         (long long)field->least, (long long)field->most);
    return 0;
}

static int check_wait_status(const struct field *field, const unsigned char *bytes,
                             struct error *why)
{
    int32_t status = number_at(bytes);

    if (status >= 0 && status <= UINT16_MAX &&
        (WIFEXITED(status) || (WIFSIGNALED(status) && WTERMSIG(status) < SIGNAL_NUMBERS)))
        return 0;
    return error_set(why, "%s is %#x, and no process ends so", field->name, (unsigned)status);
}

static int check_shape(const struct shape *shape, const unsigned char *bytes, struct error *why);

static int check_struct(const struct field *field, const unsigned char *bytes, struct error *why)
{
    struct error within;

    if (check_shape(field->shape, bytes, &within) < 0)
        return error_set(why, "%s.%.900s", field->name, within.text);
    return 0;
}

static int (*const checks[])(const struct field *, const unsigned char *, struct error *) = {
    [FIELD_PLAIN] = NULL,
    [FIELD_TEXT] = check_text,
    [FIELD_FLAG] = check_flag,
    [FIELD_NUMBER] = check_number,
    [FIELD_WAIT_STATUS] = check_wait_status,
    [FIELD_STRUCT] = check_struct,
};
_Static_assert(sizeof checks / sizeof *checks == FIELD_KINDS, "each kind of field has its check");

/* --- A message. --- */

static int check_shape(const struct shape *shape, const unsigned char *bytes, struct error *why)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        if (checks[field->kind] && checks[field->kind](field, bytes + field->offset, why) < 0)
            return -1;
    }
    return 0;
}

static int check_descriptor(enum descriptor descriptor, int passed_fd, struct error *why)
{
    if (descriptor == DESCRIPTOR_COMES && passed_fd < 0)
        return error_set(why, "its descriptor did not come");
    if (descriptor == DESCRIPTOR_NONE && passed_fd >= 0)
        return error_set(why, "a descriptor came with it");
    return 0;
}

bool message_is_sound(enum conversation conversation, const struct message *message, int passed_fd,
                      struct error *why)
{
    const struct word *word = shape_word(conversation, message->type);

    if (!word) {
        if (message->type == MESSAGE_OF_ANOTHER_SIZE)
            error_set(why, "it is not of the size of one");
        else
            error_set(why, "unknown type %u", message->type);
        return false;
    }
    if (check_descriptor(word->descriptor, passed_fd, why) < 0 ||
        (word->body && check_shape(word->body, message->body, why) < 0)) {
        error_wrap(why, "%s", word->name);
        return false;
    }
    return true;
}

bool message_heard(enum conversation conversation, const struct message *message, int passed_fd,
                   uint64_t *complained)
{
    struct error why;

    if (message_is_sound(conversation, message, passed_fd, &why))
        return true;
    if (passed_fd >= 0)
        close(passed_fd);
    uint64_t now = clock_now_ns();
    if (*complained == 0 || now >= *complained + COMPLAINT_INTERVAL) {
        log_error("a message from the %s was skipped: %s", speakers[conversation], why.text);
        *complained = now;
    }
    return false;
}
