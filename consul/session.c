#include "consul/session.h"

#include <stdio.h>
#include <string.h>

#include "common/base/duration.h"

/* Errors of a request that no further try will mend. `Missing check` and `is in critical state`
 * are not among them: checks come and recover.
 */
static const char refused_ttl[] = "Invalid Session TTL";
static const char *const invalid[] = {
    refused_ttl,
    "Invalid Behavior setting",
    "Request decode failed",
    "must be created at server agent",
};

static struct json_object *check_list(const char *node_checks)
{
    struct json_object *list = json_new_list();

    while (node_checks[0] != '\0') {
        size_t length = strcspn(node_checks, ",");
        if (length > 0)
            json_append_text(list, node_checks, length);
        node_checks += length + (node_checks[length] == ',');
    }
    return list;
}

struct json_object *session_body(const struct settings *settings)
{
    struct json_object *body = json_new_object();
    char ttl[DURATION_TEXT_SIZE];
    char lock_delay[DURATION_TEXT_SIZE];

    json_set_text(body, "Name", settings->service);
    json_set_text(body, "TTL", duration_format(settings->ttl_ns, ttl));
    json_set_text(body, "LockDelay", duration_format(settings->lock_delay_ns, lock_delay));
    json_set_text(body, "Behavior", "release");
    json_set(body, "NodeChecks", check_list(settings->node_checks));
    return body;
}

static bool is_invalid(const struct http_response *response)
{
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++)
        if (refusal_says(response, invalid[i]))
            return true;
    return false;
}

/* Nothing but what a UUID has goes on into paths, logs and messages. */
static bool is_id(const char *text)
{
    return text[0] != '\0' && strlen(text) < sizeof(struct session_id) &&
           text[strspn(text, "0123456789abcdefABCDEF-")] == '\0';
}

enum answer_result session_created(const struct http_response *response,
                                   const struct attempt *attempt, struct session_id *session,
                                   struct error *reason)
{
    AUTO_JSON struct json_object *answer =
        response->answered ? json_read(response->body, response->length) : NULL;

    if (response->answered && response->status == 200 && is_id(json_text(answer, "ID"))) {
        strcpy(session->text, json_text(answer, "ID"));
        return ANSWER_DONE;
    }
    refusal_read(response, attempt, reason);
    if (!response->answered || !is_invalid(response))
        return ANSWER_FAILED;
    if (refusal_says(response, refused_ttl))
        error_wrap(reason, "--ttl");
    return ANSWER_INVALID;
}

/* The only session in the list, if it is ours. Not the caller's to end. */
static struct json_object *find(const struct json_object *list, const struct session_id *session)
{
    if (!json_object_is_type(list, json_type_array) || json_object_array_length(list) != 1)
        return NULL;
    struct json_object *only = json_object_array_get_idx(list, 0);
    return strcmp(json_text(only, "ID"), session->text) == 0 ? only : NULL;
}

static enum answer_result compare(const struct json_object *session,
                                  const struct settings *settings, struct error *reason)
{
    char wanted_ttl[DURATION_TEXT_SIZE], wanted_delay[DURATION_TEXT_SIZE];
    char delay_text[DURATION_TEXT_SIZE];
    uint64_t ttl = 0;
    uint64_t delay = json_number(session, "LockDelay");
    struct error ignored;

    if (duration_parse(json_text(session, "TTL"), &ttl, &ignored) == 0 && ttl == settings->ttl_ns &&
        delay == settings->lock_delay_ns && strcmp(json_text(session, "Behavior"), "release") == 0)
        return ANSWER_DONE;
    error_set(reason,
              "Consul did not take the session as asked: TTL \"%s\" for %s, lock-delay %s for %s, "
              "behavior \"%s\" for \"release\"",
              json_text(session, "TTL"), duration_format(settings->ttl_ns, wanted_ttl),
              duration_format(delay, delay_text),
              duration_format(settings->lock_delay_ns, wanted_delay),
              json_text(session, "Behavior"));
    return ANSWER_INVALID;
}

enum answer_result session_verified(const struct http_response *response,
                                    const struct attempt *attempt, const struct session_id *session,
                                    const struct settings *settings, char node[NAME_SIZE],
                                    struct error *reason)
{
    AUTO_JSON struct json_object *answer =
        response->answered ? json_read(response->body, response->length) : NULL;
    struct json_object *found = find(answer, session);

    if (response->answered && response->status == 200 && found) {
        snprintf(node, NAME_SIZE, "%s", json_text(found, "Node"));
        return compare(found, settings, reason);
    }
    /* Consul filters what a token may not read, instead of denying it. */
    if (json_object_is_type(answer, json_type_array) && json_object_array_length(answer) == 0)
        error_set(reason, "%s at %s: it is gone, or the token may not read it (it needs %s)",
                  attempt->what, response->address, attempt->rule);
    else
        refusal_read(response, attempt, reason);
    return ANSWER_FAILED;
}

enum answer_result session_renewed(const struct http_response *response,
                                   const struct attempt *attempt, const struct session_id *session,
                                   struct error *reason)
{
    AUTO_JSON struct json_object *answer =
        response->answered ? json_read(response->body, response->length) : NULL;

    if (response->answered && response->status == 200 && find(answer, session))
        return ANSWER_DONE;
    refusal_read(response, attempt, reason);

    /* `Session id '...' not found`: any other 404 is another server's. */
    bool gone =
        response->answered && response->status == 404 && refusal_says(response, session->text);
    return gone ? ANSWER_GONE : ANSWER_FAILED;
}

enum answer_result session_destroyed(const struct http_response *response,
                                     const struct attempt *attempt, struct error *reason)
{
    if (response->answered && response->status == 200 && strncmp(response->body, "true", 4) == 0)
        return ANSWER_DONE;
    refusal_read(response, attempt, reason);
    return ANSWER_FAILED;
}
