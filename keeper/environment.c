#include "keeper/environment.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char own_prefix[] = "CONSUL_LEADER_";

static void put(struct environment *environment, size_t *count, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put(struct environment *environment, size_t *count, const char *format, ...)
{
    char *start = environment->text + environment->used;
    size_t room = sizeof environment->text - environment->used;
    va_list arguments;

    va_start(arguments, format);
    int length = vsnprintf(start, room, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= room || *count >= ENVIRONMENT_MAX - 1)
        return;
    environment->variables[(*count)++] = start;
    environment->used += (size_t)length + 1;
}

/* What is not known has no variable. */
static void put_text(struct environment *environment, size_t *count, const char *name,
                     const char *text)
{
    if (text[0] != '\0')
        put(environment, count, "CONSUL_LEADER_%s=%s", name, text);
}

static bool is_variable(const char *text, const char *name)
{
    size_t length = strlen(name);

    return strncmp(text, name, length) == 0 && text[length] == '=';
}

static bool is_replaced(const char *text, const struct user *user)
{
    if (strncmp(text, own_prefix, sizeof own_prefix - 1) == 0)
        return true;
    return user->set &&
           (is_variable(text, "HOME") || is_variable(text, "USER") || is_variable(text, "LOGNAME"));
}

void environment_build(struct environment *environment, const struct settings *settings,
                       const struct user *user, const struct situation *situation,
                       const struct environment_extra *extra)
{
    size_t count = 0;

    environment->used = 0;
    put(environment, &count, "CONSUL_LEADER_ROLE=%s", situation->role);
    put(environment, &count, "CONSUL_LEADER_ELECTION=%s", settings->key);
    put_text(environment, &count, "OLD_ROLE", situation->old_role);
    put_text(environment, &count, "SESSION_ID", situation->session.text);
    put_text(environment, &count, "REASON", situation->reason);
    put_text(environment, &count, "HOLDER", situation->holder);
    put_text(environment, &count, "LEASE_FILE", extra->lease_path);
    if (situation->token != 0)
        put(environment, &count, "CONSUL_LEADER_FENCING_TOKEN=%" PRIu64, situation->token);
    if (extra->program > 0)
        put(environment, &count, "CONSUL_LEADER_PROGRAM_PID=%d", (int)extra->program);
    if (extra->ack_fd >= 0)
        put(environment, &count, "CONSUL_LEADER_ACK_FD=%d", extra->ack_fd);
    if (user->set) {
        put(environment, &count, "HOME=%s", user->home);
        put(environment, &count, "USER=%s", user->account.name);
        put(environment, &count, "LOGNAME=%s", user->account.name);
    }

    for (char **inherited = environ; *inherited && count < ENVIRONMENT_MAX - 1; inherited++)
        if (!is_replaced(*inherited, user))
            environment->variables[count++] = *inherited;
    environment->variables[count] = NULL;
}
