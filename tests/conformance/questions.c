#include "tests/conformance/questions.h"

#include <ctype.h>
#include <stdio.h>

unsigned sequence_pick(struct sequence *sequence, unsigned count)
{
    uint64_t mixed = sequence->random += 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u; /* splitmix64 */
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return (unsigned)((mixed ^ mixed >> 31) % count);
}

/* --- Parts of questions. --- */

static void clear(struct question *question)
{
    for (unsigned side = 0; side < SIDES; side++) {
        text_clear(&question->path[side]);
        text_clear(&question->body[side]);
    }
    question->pause = PAUSE_NONE;
}

void question_ask(struct sequence *sequence, const char *method, const char *path)
{
    clear(&sequence->question);
    sequence->question.method = method;
    question_path(sequence, path);
}

void question_path(struct sequence *sequence, const char *text)
{
    text_add(&sequence->question.path[REAL], text);
    text_add(&sequence->question.path[MODEL], text);
}

void question_body(struct sequence *sequence, const char *text)
{
    text_add(&sequence->question.body[REAL], text);
    text_add(&sequence->question.body[MODEL], text);
}

void question_path_index(struct sequence *sequence, struct index_pair index)
{
    text_add_number(&sequence->question.path[REAL], index.real);
    text_add_number(&sequence->question.path[MODEL], index.model);
}

void question_body_index(struct sequence *sequence, struct index_pair index)
{
    text_add_number(&sequence->question.body[REAL], index.real);
    text_add_number(&sequence->question.body[MODEL], index.model);
}

void sequence_key(const struct sequence *sequence, unsigned key, char text[KEY_SIZE])
{
    static const char *const names[] = { "lock", "lock2", "a \"b\"<c>" };

    if (key < 3)
        snprintf(text, KEY_SIZE, "%s/%s", sequence->name, names[key]);
    else
        snprintf(text, KEY_SIZE, "%s/lock.candidates/%s", sequence->name,
                 sequence->sessions[key - 3]);
}

void question_path_key(struct sequence *sequence, unsigned key)
{
    char text[KEY_SIZE], escaped[4] = "";

    sequence_key(sequence, key, text);
    for (const char *at = text; *at; at++) {
        bool stays = isalnum((unsigned char)*at) || strchr("/.-", *at);
        snprintf(escaped, sizeof escaped, stays ? "%c" : "%%%02X", (unsigned char)*at);
        question_path(sequence, escaped);
    }
}

void question_ask_key(struct sequence *sequence, const char *method, unsigned key)
{
    question_ask(sequence, method, "/v1/kv/");
    question_path_key(sequence, key);
}

/* --- Choices. --- */

unsigned sequence_pick_key(struct sequence *sequence)
{
    static const unsigned keys[] = { 0, 0, 0, 0, 0, 1, 1, 2, 3, 3 };
    unsigned key = PICK(sequence, keys);

    if (key < 3)
        return key;
    if (sequence->session_count == 0)
        return 0;
    return 3 + sequence_pick(sequence, (unsigned)sequence->session_count);
}

void sequence_pick_session(struct sequence *sequence, char text[40])
{
    static const char *const others[] = {
        "00000000-0000-4000-8000-000000000bad", "00000000-0000-4000-8000-00000000000x", "no-id",
        "000000000000000000000000000000000000", "-----------------------------------0", "",
    };
    unsigned kind = sequence_pick(sequence, 16);

    if (sequence->session_count == 0 || kind == 0) {
        snprintf(text, 40, "%s", PICK(sequence, others));
        return;
    }
    snprintf(text, 40, "%s",
             sequence->sessions[sequence_pick(sequence, (unsigned)sequence->session_count)]);
    for (char *at = text; kind == 1 && *at; at++)
        *at = (char)toupper((unsigned char)*at);
}

struct index_pair sequence_pick_index(struct sequence *sequence, unsigned key)
{
    static const uint64_t constants[] = { 0, 0, 1, 1000000000000 };
    unsigned kind = sequence_pick(sequence, 8);
    uint64_t constant;

    if (kind < 5)
        return sequence->seen[key];
    if (kind < 7 && sequence->world->count > 0)
        return sequence->world->pairs[sequence_pick(sequence, (unsigned)sequence->world->count)];
    constant = PICK(sequence, constants);
    return (struct index_pair){ constant, constant };
}

const char *sequence_pick_value(struct sequence *sequence)
{
    static const char *const values[] = { "", "one", "one", "{\"state\":\"held\"}" };

    return PICK(sequence, values);
}

/* --- Time. --- */

static void pause_until(struct sequence *sequence, enum pause pause)
{
    clear(&sequence->question);
    sequence->question.pause = pause;
}

static void make_pause(struct sequence *sequence)
{
    if (!sequence->timed) {
        question_renew(sequence);
        return;
    }
    /* What moves an end that was near, or fails because of it. */
    static question_maker *const before[] = { question_renew, question_renew, question_lock,
                                              question_get };

    if (sequence_pick(sequence, 2)) {
        pause_until(sequence, PAUSE_BEHIND_TURN);
        return;
    }
    pause_until(sequence, PAUSE_BEFORE_TURN);
    sequence->next = PICK(sequence, before);
}

/* --- All. --- */

static const struct {
    unsigned weight;
    question_maker *make;
} makers[] = {
    { 14, question_create },    { 8, question_renew },   { 6, question_destroy },
    { 7, question_info },       { 9, question_check },   { 4, question_deregister },
    { 18, question_get },       { 6, question_get_all }, { 6, question_put },
    { 6, question_cas },        { 16, question_lock },   { 8, question_unlock },
    { 6, question_entry },      { 3, question_delete },  { 4, question_delete_cas },
    { 2, question_delete_all }, { 3, question_odd },     { 14, make_pause },
    { 14, question_acquire },   { 6, question_write },   { 8, question_release },
    { 6, question_transfer },   { 5, question_sweep },   { 12, question_any_transaction },
};

void question_random(struct sequence *sequence)
{
    unsigned sum = 0, at = 0;

    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        sum += makers[i].weight;
    unsigned chosen = sequence_pick(sequence, sum);
    while (chosen >= makers[at].weight)
        chosen -= makers[at++].weight;
    if (sequence->session_count < 2 && sequence_pick(sequence, 2))
        question_create(sequence);
    else
        makers[at].make(sequence);
}

static void lock_with(struct sequence *sequence, unsigned session)
{
    question_ask_key(sequence, "PUT", 0);
    question_path(sequence, "?acquire=");
    question_path(sequence, sequence->sessions[session]);
}

/* A lock-delay of more than a minute is one of a minute. */
void question_patient(struct sequence *sequence, unsigned number)
{
    char body[128];

    switch (number) {
    case 0:
    case 1:
        snprintf(body, sizeof body, "{\"Node\":\"%s-a\",\"LockDelay\":\"90s\",\"NodeChecks\":[]}",
                 sequence->name);
        question_ask(sequence, "PUT", "/v1/session/create");
        question_body(sequence, body);
        break;
    case 2:
        lock_with(sequence, 0);
        break;
    case 3:
        question_ask(sequence, "PUT", "/v1/session/destroy/");
        question_path(sequence, sequence->sessions[0]);
        break;
    case 5:
        pause_until(sequence, PAUSE_BEFORE_TURN);
        break;
    case 7:
        pause_until(sequence, PAUSE_BEHIND_TURN);
        break;
    default:
        lock_with(sequence, 1);
    }
}

bool question_closing(struct sequence *sequence, unsigned number)
{
    char body[64];

    if (number < sequence->session_count) {
        question_ask(sequence, "PUT", "/v1/session/destroy/");
        question_path(sequence, sequence->sessions[number]);
        return true;
    }
    number -= (unsigned)sequence->session_count;
    if (number == 0) {
        question_ask(sequence, "DELETE", "/v1/kv/");
        question_path(sequence, sequence->name);
        question_path(sequence, "/?recurse");
    } else {
        snprintf(body, sizeof body, "{\"Node\":\"%s-%c\"}", sequence->name, "?ab"[number % 3]);
        question_ask(sequence, "PUT", "/v1/catalog/deregister");
        question_body(sequence, body);
    }
    return number < 3;
}
