#include "tests/conformance/questions.h"

void question_get(struct sequence *sequence)
{
    static const char *const queries[] = { "", "?consistent", "?stale",
                                           "?consistent&index=1&wait=5ms" };

    question_ask_key(sequence, "GET", sequence_pick_key(sequence));
    question_path(sequence, PICK(sequence, queries));
}

static void ask_prefix(struct sequence *sequence, const char *method)
{
    static const char *const prefixes[] = { "/", "/lock", "/lock.candidates/", "/loc", "/none" };

    question_ask(sequence, method, "/v1/kv/");
    question_path(sequence, sequence->name);
    question_path(sequence, PICK(sequence, prefixes));
    question_path(sequence, "?recurse");
}

void question_get_all(struct sequence *sequence)
{
    ask_prefix(sequence, "GET");
}

void question_put(struct sequence *sequence)
{
    question_ask_key(sequence, "PUT", sequence_pick_key(sequence));
    question_path(sequence, sequence_pick(sequence, 4) ? "" : "?flags=7");
    question_body(sequence, sequence_pick_value(sequence));
}

void question_cas(struct sequence *sequence)
{
    unsigned key = sequence_pick_key(sequence);

    question_ask_key(sequence, "PUT", key);
    question_path(sequence, "?cas=");
    question_path_index(sequence, sequence_pick_index(sequence, key));
    question_body(sequence, sequence_pick_value(sequence));
}

static void ask_locked(struct sequence *sequence, const char *query)
{
    char session[40];

    sequence_pick_session(sequence, session);
    question_ask_key(sequence, "PUT", sequence_pick_key(sequence));
    question_path(sequence, query);
    question_path(sequence, session);
    question_path(sequence, sequence_pick(sequence, 6) ? "" : "&flags=3304740253564472344");
    question_body(sequence, sequence_pick_value(sequence));
}

void question_lock(struct sequence *sequence)
{
    ask_locked(sequence, "?acquire=");
}

void question_unlock(struct sequence *sequence)
{
    ask_locked(sequence, "?release=");
}

/* As the program writes a candidate's entry. */
void question_entry(struct sequence *sequence)
{
    if (sequence->session_count == 0) {
        question_create(sequence);
        return;
    }
    unsigned session = sequence_pick(sequence, (unsigned)sequence->session_count);
    question_ask_key(sequence, "PUT", 3 + session);
    question_path(sequence, "?acquire=");
    question_path(sequence, sequence->sessions[session]);
    question_body(sequence, sequence_pick_value(sequence));
}

void question_delete(struct sequence *sequence)
{
    question_ask_key(sequence, "DELETE", sequence_pick_key(sequence));
}

void question_delete_cas(struct sequence *sequence)
{
    unsigned key = sequence_pick_key(sequence);

    question_ask_key(sequence, "DELETE", key);
    question_path(sequence, "?cas=");
    question_path_index(sequence, sequence_pick_index(sequence, key));
}

void question_delete_all(struct sequence *sequence)
{
    ask_prefix(sequence, "DELETE");
}
