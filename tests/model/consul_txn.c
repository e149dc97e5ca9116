#include "consul/json.h"
#include "tests/model/consul_body.h"
#include "tests/model/consul_call.h"
#include "tests/model/consul_verbs.h"

#define OPERATIONS_MAX 64

/* --- Reading the body. --- */

struct transaction {
    size_t count, writes;
    struct operation operations[OPERATIONS_MAX];
};

enum { KV_VERB, KV_KEY, KV_VALUE, KV_FLAGS, KV_INDEX, KV_SESSION, KV_NAMESPACE, KV_FIELDS };

static const struct body_field kv_fields[] = {
    [KV_VERB] = { "Verb", BODY_TEXT, "api.KVOp" },
    [KV_KEY] = { "Key", BODY_TEXT, "string" },
    [KV_VALUE] = { "Value", BODY_TEXT, "[]uint8" },
    [KV_FLAGS] = { "Flags", BODY_NUMBER, "uint64" },
    [KV_INDEX] = { "Index", BODY_NUMBER, "uint64" },
    [KV_SESSION] = { "Session", BODY_TEXT, "string" },
    [KV_NAMESPACE] = { "Namespace", BODY_TEXT, "string" },
};

static const struct body_shape kv_shape = { "api.KVTxnOp", "KVTxnOp.KV.", true, KV_FIELDS,
                                            kv_fields };

/* Of the other kinds of operations there is nothing here but their names. */
static const struct body_field operation_fields[] = {
    { "KV", BODY_OBJECT, "api.KVTxnOp" },
    { "Node", BODY_OBJECT, "api.NodeTxnOp" },
    { "Service", BODY_OBJECT, "api.ServiceTxnOp" },
    { "Check", BODY_OBJECT, "api.CheckTxnOp" },
};

static const struct body_shape operation_shape = { "api.TxnOp", "TxnOp.", true, 4,
                                                   operation_fields };

static uint64_t number(const struct body_member *member)
{
    return member->value ? json_object_get_uint64(member->value) : 0;
}

/* Of a digit of base64. */
static uint32_t digit_value(char digit)
{
    if (digit >= 'a')
        return (uint32_t)(digit - 'a') + 26;
    if (digit >= 'A')
        return (uint32_t)(digit - 'A');
    if (digit >= '0')
        return (uint32_t)(digit - '0') + 52;
    return digit == '+' ? 62 : 63;
}

/* values has room for all; its bytes do not move. */
static bool value_read(const char *encoded, struct kv_write *write, struct text *values,
                       struct text *complaint)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(encoded), plain = strspn(encoded, digits);
    char *end = values->bytes + values->length;
    uint32_t group = 0;

    write->value = end;
    if (length % 4 != 0 || length - plain > 2 || strspn(encoded + plain, "=") != length - plain) {
        text_add_format(complaint, "illegal base64 data at input byte %zu", plain);
        return false;
    }
    for (size_t i = 0; i < plain; i++) {
        group = group << 6 | digit_value(encoded[i]);
        if (i % 4 > 0)
            *end++ = (char)(group >> (6 - 2 * (i % 4)));
    }
    write->value_length = (size_t)(end - write->value);
    values->length += write->value_length;
    return true;
}

static bool operation_read(struct json_object *kv, struct operation *operation, struct text *values,
                           struct text *complaint)
{
    struct body_member members[KV_FIELDS];

    if (!body_read(kv, &kv_shape, members, complaint))
        return false;
    operation->verb_name = body_text(&members[KV_VERB], "");
    operation->verb = verb_find(operation->verb_name);
    operation->write = (struct kv_write){
        .key = body_text(&members[KV_KEY], ""),
        .flags = number(&members[KV_FLAGS]),
        .session = body_text(&members[KV_SESSION], ""),
        .index = number(&members[KV_INDEX]),
    };
    return value_read(body_text(&members[KV_VALUE], ""), &operation->write, values, complaint);
}

static bool transaction_parse(struct json_object *list, struct transaction *transaction,
                              struct text *values, struct text *complaint)
{
    struct body_member members[4];

    transaction->count = transaction->writes = 0;
    if (list && !json_object_is_type(list, json_type_array)) {
        body_complain(list, "api.TxnOps", complaint);
        return false;
    }
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        struct operation *operation = &transaction->operations[transaction->count];
        if (!body_read(item, &operation_shape, members, complaint))
            return false;
        if (!members[0].value)
            continue;
        if (!operation_read(members[0].value, operation, values, complaint))
            return false;
        transaction->writes += operation->verb && operation->verb->writes;
        transaction->count++;
    }
    return true;
}

/* --- Carrying it out. --- */

static void add_error(struct text *errors, size_t operation, const char *what)
{
    text_add_format(errors, "%s{\"OpIndex\":%zu,\"What\":", errors->length ? "," : "", operation);
    text_add_json(errors, what);
    text_add(errors, "}");
}

/* Before the entry is made: what only the leader knows (kvsPreApply). */
static void check_before(const struct consul_state *state, const struct transaction *transaction,
                         uint64_t now, struct text *errors)
{
    for (size_t i = 0; i < transaction->count; i++) {
        const struct operation *operation = &transaction->operations[i];
        const char *key = operation->write.key;
        struct text what = { 0 };
        if (key[0] == '\0' && (!operation->verb || operation->verb->needs_key)) {
            add_error(errors, i, "Must provide key");
        } else if (operation->verb && operation->verb->locks && delays_until(state, key) > now) {
            verb_complain(&what, "failed to lock key ", key, " due to lock delay");
            add_error(errors, i, what.bytes);
        }
        text_end(&what);
    }
}

/* All are tried, also behind one that failed: what they complain of is what those before it left.
 */
static void run_all(struct consul_state *state, const struct transaction *transaction,
                    struct text *results, struct text *errors)
{
    struct keys_saved saved = keys_save(state);
    struct text complaint = { 0 };

    for (size_t i = 0; i < transaction->count; i++) {
        const struct operation *operation = &transaction->operations[i];
        text_clear(&complaint);
        if (!operation->verb)
            verb_complain(&complaint, "unknown KV verb ", operation->verb_name, "");
        else if (operation->verb->run(state, operation, results, &complaint) == 0)
            continue;
        add_error(errors, i, complaint.bytes);
    }
    if (errors->length > 0)
        keys_restore(state, &saved);
    else
        keys_forget(&saved);
    text_end(&complaint);
}

/* One that only reads is answered like a read, without an entry. */
static void carry_out(struct consul_model *model, const struct transaction *transaction,
                      uint64_t now, struct consul_reply *reply)
{
    struct text results = { 0 }, errors = { 0 };

    text_clear(&results);
    text_clear(&errors);
    check_before(&model->state, transaction, now, &errors);
    if (errors.length == 0) {
        if (transaction->writes > 0)
            consul_state_entry(&model->state);
        run_all(&model->state, transaction, &results, &errors);
    }
    if (errors.length > 0) {
        reply->status = 409;
        text_add_format(&reply->body, "{\"Results\":null,\"Errors\":[%s]", errors.bytes);
    } else {
        text_add(&reply->body, "{\"Results\":[");
        text_add_bytes(&reply->body, results.bytes, results.length);
        text_add(&reply->body, "],\"Errors\":null");
    }
    text_add(
        &reply->body,
        transaction->writes > 0
            ? "}"
            : ",\"Index\":0,\"LastContact\":0,\"KnownLeader\":true,\"ConsistencyLevel\":\"\"}");
    text_end(&results);
    text_end(&errors);
}

void consul_txn(struct consul_model *model, const struct consul_call *call,
                struct consul_reply *reply)
{
    AUTO_JSON struct json_object *body = NULL;
    struct transaction transaction;
    struct text *complaint = &model->scratch;

    text_clear(complaint);
    text_clear(&model->values);
    text_reserve(&model->values, call->body_length); /* they are pointed to */
    if (!body_parse(call->body, call->body_length, &body, complaint)) {
        reply->status = 400;
        text_add_format(&reply->body, "Failed to parse body: %s", complaint->bytes);
        return;
    }
    size_t count = json_object_is_type(body, json_type_array) ? json_object_array_length(body) : 0;
    if (count > OPERATIONS_MAX) {
        reply->status = 413;
        text_add_format(&reply->body, "Transaction contains too many operations (%zu > %d)", count,
                        OPERATIONS_MAX);
        return;
    }
    if (!transaction_parse(body, &transaction, &model->values, complaint)) {
        reply->status = 400;
        text_add_format(&reply->body, "Failed to parse body: %s", complaint->bytes);
        return;
    }
    if (transaction.writes > 0 || consul_call_check(call, reply))
        carry_out(model, &transaction, call->now, reply);
}
