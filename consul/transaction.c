#include "consul/transaction.h"

#include <string.h>

#include "common/base/scope.h"
#include "consul/base64.h"

struct json_object *transaction_new(void)
{
    return json_new_list();
}

static struct json_object *add_operation(struct json_object *transaction, const char *verb,
                                         const char *key)
{
    struct json_object *operation = json_new_object();
    struct json_object *kv = json_new_object();

    json_set_text(kv, "Verb", verb);
    json_set_text(kv, "Key", key);
    json_set(operation, "KV", kv);
    json_append(transaction, operation);
    return kv;
}

/* Flags are written as 0 and never read. */
static void set_value(struct json_object *kv, const char *value)
{
    AUTO_FREE char *encoded = base64_encode(value, strlen(value));

    json_set_text(kv, "Value", encoded);
    json_set_number(kv, "Flags", 0);
}

void transaction_guard(struct json_object *transaction, const char *key, uint64_t index)
{
    if (index == 0)
        add_operation(transaction, "check-not-exists", key);
    else
        json_set_number(add_operation(transaction, "check-index", key), "Index", index);
}

void transaction_lock(struct json_object *transaction, const char *key,
                      const struct session_id *session, const char *value)
{
    struct json_object *kv = add_operation(transaction, "lock", key);

    json_set_text(kv, "Session", session->text);
    set_value(kv, value);
}

void transaction_unlock(struct json_object *transaction, const char *key,
                        const struct session_id *session, const char *value)
{
    struct json_object *kv = add_operation(transaction, "unlock", key);

    json_set_text(kv, "Session", session->text);
    set_value(kv, value);
}

void transaction_set(struct json_object *transaction, const char *key, const char *value)
{
    set_value(add_operation(transaction, "set", key), value);
}

void transaction_delete(struct json_object *transaction, const char *key)
{
    add_operation(transaction, "delete", key);
}

/* --- What came of it. --- */

/* The guard answers with the key as it was, the write with the key as it is. */
static uint64_t index_of(const struct json_object *results, const char *key)
{
    size_t count = results ? json_object_array_length(results) : 0;
    uint64_t highest = 0;

    for (size_t i = 0; i < count; i++) {
        struct json_object *kv =
            json_member(json_object_array_get_idx(results, i), "KV", json_type_object);
        uint64_t index = json_number(kv, "ModifyIndex");
        if (strcmp(json_text(kv, "Key"), key) == 0 && index > highest)
            highest = index;
    }
    return highest;
}

static bool any_says(const struct json_object *errors, const char *text)
{
    size_t count = json_object_array_length(errors);

    for (size_t i = 0; i < count; i++)
        if (strstr(json_text(json_object_array_get_idx(errors, i), "What"), text))
            return true;
    return false;
}

/* The texts of all errors tell which it was: a held lock, a moved index, a lock-delay. */
static enum answer_result conflict_result(const struct json_object *errors,
                                          const struct attempt *attempt, struct error *reason)
{
    struct json_object *first = json_object_array_get_idx(errors, 0);

    error_set(reason, "%s: %s", attempt->what, json_text(first, "What"));
    if (any_says(errors, "invalid session"))
        return ANSWER_GONE;
    return any_says(errors, "lock delay") ? ANSWER_DELAYED : ANSWER_REFUSED;
}

enum answer_result transaction_read(const struct http_response *response, const char *key,
                                    const struct attempt *attempt, uint64_t *index,
                                    struct error *reason)
{
    AUTO_JSON struct json_object *answer =
        response->answered ? json_read(response->body, response->length) : NULL;

    if (response->answered && response->status == 200) {
        *index = index_of(json_member(answer, "Results", json_type_array), key);
        if (*index != 0)
            return ANSWER_DONE;
    }
    if (response->answered && response->status == 409) {
        struct json_object *errors = json_member(answer, "Errors", json_type_array);
        if (errors && json_object_array_length(errors) > 0)
            return conflict_result(errors, attempt, reason);
        refusal_read(response, attempt, reason);
        return ANSWER_UNKNOWN; /* somebody else's 409, or a torn one */
    }
    if (response->answered && response->status == 500 &&
        refusal_says(response, "invalid session")) {
        refusal_read(response, attempt, reason);
        return ANSWER_GONE;
    }
    return refusal_read(response, attempt, reason);
}
