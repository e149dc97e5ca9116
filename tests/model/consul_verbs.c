#include "tests/model/consul_verbs.h"

#include "tests/model/consul_call.h"

static void show(struct text *results, const struct kv_entry *entry, bool with_value)
{
    text_add(results, results->length > 0 ? ",{\"KV\":" : "{\"KV\":");
    consul_kv_show(results, entry, with_value);
    text_add(results, "}");
}

static int show_key(const struct consul_state *state, const char *key, struct text *results)
{
    show(results, keys_find(state, key), false);
    return 0;
}

int verb_complain(struct text *complaint, const char *before, const char *key, const char *behind)
{
    text_add(complaint, before);
    text_add_quoted(complaint, key);
    text_add(complaint, behind);
    return -1;
}

static int run_set(struct consul_state *state, const struct operation *operation,
                   struct text *results, struct text *complaint)
{
    (void)complaint;
    keys_set(state, &operation->write);
    return show_key(state, operation->write.key, results);
}

static int run_cas(struct consul_state *state, const struct operation *operation,
                   struct text *results, struct text *complaint)
{
    const char *key = operation->write.key;

    if (!keys_cas(state, &operation->write))
        return verb_complain(complaint, "failed to set key ", key, ", index is stale");
    return show_key(state, key, results);
}

static int run_lock(struct consul_state *state, const struct operation *operation,
                    struct text *results, struct text *complaint)
{
    const char *key = operation->write.key;
    int locked = keys_lock(state, &operation->write, complaint);

    if (locked == 0)
        return verb_complain(complaint, "failed to lock key ", key, ", lock is already held");
    return locked < 0 ? -1 : show_key(state, key, results);
}

static int run_unlock(struct consul_state *state, const struct operation *operation,
                      struct text *results, struct text *complaint)
{
    const char *key = operation->write.key;
    int unlocked = keys_unlock(state, &operation->write, complaint);

    if (unlocked == 0)
        return verb_complain(complaint, "failed to unlock key ", key,
                             ", lock isn't held, or is held by another session");
    return unlocked < 0 ? -1 : show_key(state, key, results);
}

static int run_get(struct consul_state *state, const struct operation *operation,
                   struct text *results, struct text *complaint)
{
    const struct kv_entry *entry = keys_find(state, operation->write.key);

    if (!entry)
        return verb_complain(complaint, "key ", operation->write.key, " doesn't exist");
    show(results, entry, true);
    return 0;
}

static int run_get_tree(struct consul_state *state, const struct operation *operation,
                        struct text *results, struct text *complaint)
{
    size_t count, first = keys_prefix(state, operation->write.key, &count);

    (void)complaint;
    for (size_t i = first; i < first + count; i++)
        show(results, state->keys.items[i], true);
    return 0;
}

static int run_check_session(struct consul_state *state, const struct operation *operation,
                             struct text *results, struct text *complaint)
{
    const char *key = operation->write.key;
    const struct kv_entry *entry = keys_find(state, key);

    if (!entry)
        return verb_complain(complaint, "failed to check session, key ", key, " doesn't exist");
    if (strcmp(entry->session, operation->write.session) != 0) {
        verb_complain(complaint, "failed session check for key ", key, ", current session ");
        text_add_quoted(complaint, entry->session);
        return verb_complain(complaint, " != ", operation->write.session, "");
    }
    show(results, entry, false);
    return 0;
}

static int run_check_index(struct consul_state *state, const struct operation *operation,
                           struct text *results, struct text *complaint)
{
    const char *key = operation->write.key;
    const struct kv_entry *entry = keys_find(state, key);

    if (!entry)
        return verb_complain(complaint, "failed to check index, key ", key, " doesn't exist");
    if (entry->modify_index != operation->write.index) {
        verb_complain(complaint, "failed index check for key ", key, ", current modify index ");
        text_add_number(complaint, entry->modify_index);
        text_add(complaint, " != ");
        text_add_number(complaint, operation->write.index);
        return -1;
    }
    show(results, entry, false);
    return 0;
}

static int run_check_not_exists(struct consul_state *state, const struct operation *operation,
                                struct text *results, struct text *complaint)
{
    (void)results;
    if (keys_find(state, operation->write.key))
        return verb_complain(complaint, "key ", operation->write.key, " exists");
    return 0;
}

static int run_delete(struct consul_state *state, const struct operation *operation,
                      struct text *results, struct text *complaint)
{
    (void)results, (void)complaint;
    keys_delete(state, operation->write.key);
    return 0;
}

static int run_delete_cas(struct consul_state *state, const struct operation *operation,
                          struct text *results, struct text *complaint)
{
    (void)results;
    if (!keys_delete_cas(state, operation->write.key, operation->write.index))
        return verb_complain(complaint, "failed to delete key ", operation->write.key,
                             ", index is stale");
    return 0;
}

static int run_delete_tree(struct consul_state *state, const struct operation *operation,
                           struct text *results, struct text *complaint)
{
    (void)results, (void)complaint;
    keys_delete_prefix(state, operation->write.key);
    return 0;
}

static const struct verb verbs[] = {
    { "set", true, false, true, run_set },
    { "cas", true, false, true, run_cas },
    { "lock", true, true, true, run_lock },
    { "unlock", true, false, true, run_unlock },
    { "get", false, false, true, run_get },
    { "get-tree", false, false, true, run_get_tree },
    { "check-session", false, false, true, run_check_session },
    { "check-index", false, false, true, run_check_index },
    { "check-not-exists", false, false, true, run_check_not_exists },
    { "delete", true, false, true, run_delete },
    { "delete-cas", true, false, true, run_delete_cas },
    { "delete-tree", true, false, false, run_delete_tree },
};

const struct verb *verb_find(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}
