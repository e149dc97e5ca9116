#include <stdio.h>

#include "common/base/scope.h"
#include "consul/base64.h"
#include "consul/transaction.h"
#include "tests/conformance/questions.h"

/* What a transaction is made of; the same for both sides but for the index. */
struct choice {
    unsigned key;
    struct index_pair guard;
    struct session_id session, other;
    const char *value;
};

static uint64_t index_of(struct index_pair pair, enum side side)
{
    return side == REAL ? pair.real : pair.model;
}

static struct choice choose(struct sequence *sequence, unsigned key)
{
    struct choice choice = { .key = key, .guard = sequence_pick_index(sequence, key) };

    sequence_pick_session(sequence, choice.session.text);
    sequence_pick_session(sequence, choice.other.text);
    choice.value = sequence_pick_value(sequence);
    return choice;
}

/* As stores/consul_candidate.c names it. */
static void entry_key(const struct sequence *sequence, const struct session_id *session,
                      char text[KEY_SIZE])
{
    snprintf(text, KEY_SIZE, "%s/lock.candidates/%s", sequence->name, session->text);
}

typedef void builder(struct json_object *transaction, const char *key, const char *entry,
                     const struct choice *choice);

/* Often it looks first, as the program does, so that the guard is fresh. */
static bool looks_first(struct sequence *sequence, unsigned key, question_maker *then)
{
    if (sequence->next == then || sequence_pick(sequence, 2))
        return false;
    question_ask(sequence, "GET", "/v1/kv/");
    question_path_key(sequence, key);
    sequence->next = then;
    return true;
}

static void ask(struct sequence *sequence, const struct choice *choice, builder *build)
{
    char key[KEY_SIZE], entry[KEY_SIZE];

    sequence_key(sequence, choice->key, key);
    entry_key(sequence, &choice->session, entry);
    question_ask(sequence, "PUT", "/v1/txn");
    for (unsigned side = 0; side < SIDES; side++) {
        AUTO_JSON struct json_object *transaction = transaction_new();
        transaction_guard(transaction, key, index_of(choice->guard, (enum side)side));
        build(transaction, key, entry, choice);
        text_add(&sequence->question.body[side], json_line(transaction));
    }
}

/* --- As the program asks. --- */

static void build_acquire(struct json_object *transaction, const char *key, const char *entry,
                          const struct choice *choice)
{
    transaction_lock(transaction, key, &choice->session, choice->value);
    transaction_lock(transaction, entry, &choice->session, choice->value);
}

static void build_lock(struct json_object *transaction, const char *key, const char *entry,
                       const struct choice *choice)
{
    (void)entry;
    transaction_lock(transaction, key, &choice->session, choice->value);
}

void question_acquire(struct sequence *sequence)
{
    if (looks_first(sequence, 0, question_acquire))
        return;
    struct choice choice = choose(sequence, 0);
    ask(sequence, &choice, sequence_pick(sequence, 3) ? build_acquire : build_lock);
}

static void build_write(struct json_object *transaction, const char *key, const char *entry,
                        const struct choice *choice)
{
    (void)entry;
    transaction_set(transaction, key, choice->value);
}

void question_write(struct sequence *sequence)
{
    if (looks_first(sequence, 0, question_write))
        return;
    struct choice choice = choose(sequence, 0);
    ask(sequence, &choice, build_write);
}

static void build_release(struct json_object *transaction, const char *key, const char *entry,
                          const struct choice *choice)
{
    transaction_unlock(transaction, key, &choice->session, choice->value);
    transaction_delete(transaction, entry);
}

void question_release(struct sequence *sequence)
{
    if (looks_first(sequence, 0, question_release))
        return;
    struct choice choice = choose(sequence, 0);
    ask(sequence, &choice, build_release);
}

static void build_transfer(struct json_object *transaction, const char *key, const char *entry,
                           const struct choice *choice)
{
    (void)entry;
    transaction_unlock(transaction, key, &choice->session, choice->value);
    transaction_lock(transaction, key, &choice->other, choice->value);
}

void question_transfer(struct sequence *sequence)
{
    if (looks_first(sequence, 0, question_transfer))
        return;
    struct choice choice = choose(sequence, 0);
    ask(sequence, &choice, build_transfer);
}

static void build_sweep(struct json_object *transaction, const char *key, const char *entry,
                        const struct choice *choice)
{
    (void)entry, (void)choice;
    transaction_delete(transaction, key);
}

void question_sweep(struct sequence *sequence)
{
    struct choice choice = choose(sequence, sequence_pick_key(sequence));

    ask(sequence, &choice, build_sweep);
}

/* --- Otherwise. --- */

static void add_operation(struct sequence *sequence)
{
    static const char *const verbs[] = {
        "set",           "set",           "cas",         "lock",        "lock",
        "lock",          "unlock",        "unlock",      "get",         "get-tree",
        "check-session", "check-session", "check-index", "check-index", "check-not-exists",
        "delete",        "delete-cas",    "delete-tree", "get-odd",
    };
    struct choice choice = choose(sequence, sequence_pick_key(sequence));
    char key[KEY_SIZE];
    struct text json = { 0 };
    AUTO_FREE char *value = base64_encode(choice.value, strlen(choice.value));

    sequence_key(sequence, choice.key, key);
    text_add_format(&json, "{\"KV\":{\"Verb\":\"%s\",\"Key\":",
                    verbs[sequence_pick(sequence, sizeof verbs / sizeof *verbs)]);
    text_add_json(&json, key);
    text_add_format(&json, ",\"Value\":\"%s\",\"Session\":\"%s\",\"Flags\":%u,\"Index\":", value,
                    choice.session.text, sequence_pick(sequence, 5) ? 0 : 7);
    question_body(sequence, json.bytes);
    question_body_index(sequence, choice.guard);
    question_body(sequence, "}}");
    text_end(&json);
}

void question_any_transaction(struct sequence *sequence)
{
    unsigned count = 1 + sequence_pick(sequence, 5);

    question_ask(sequence, "PUT", "/v1/txn");
    for (unsigned i = 0; i < count; i++) {
        question_body(sequence, i ? "," : "[");
        add_operation(sequence);
    }
    question_body(sequence, "]");
}
