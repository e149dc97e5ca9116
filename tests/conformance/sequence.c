#include "tests/conformance/sequence.h"

#include <stdio.h>

#include "tests/conformance/questions.h"

#define LENGTH_MIN 12
#define LENGTH_MAX 22
#define OPENING    2

void sequence_begin(struct sequence *sequence, struct world *world, uint64_t seed, bool timed,
                    const char *name)
{
    memset(sequence, 0, sizeof *sequence);
    sequence->world = world;
    sequence->random = seed;
    sequence->timed = timed;
    snprintf(sequence->name, sizeof sequence->name, "%s", name);
    sequence->length = LENGTH_MIN + sequence_pick(sequence, LENGTH_MAX - LENGTH_MIN + 1);
    text_clear(&sequence->log);
}

void sequence_end(struct sequence *sequence)
{
    for (unsigned side = 0; side < SIDES; side++) {
        text_end(&sequence->question.path[side]);
        text_end(&sequence->question.body[side]);
    }
    text_end(&sequence->log);
}

void sequence_be_patient(struct sequence *sequence)
{
    sequence->patient = true;
    sequence->length = OPENING + QUESTIONS_PATIENT;
}

/* One more is no session of the sequence's. */
static bool is_full(const struct sequence *sequence)
{
    return sequence->session_count == SEQUENCE_SESSIONS &&
           strcmp(sequence->question.path[REAL].bytes, "/v1/session/create") == 0;
}

bool sequence_ask(struct sequence *sequence)
{
    unsigned number = sequence->asked++;

    if (number >= sequence->length)
        return question_closing(sequence, sequence->closed++);
    if (number < OPENING) {
        question_node(sequence, number);
        return true;
    }
    if (sequence->patient) {
        question_patient(sequence, number - OPENING);
        return true;
    }
    do {
        question_maker *next = sequence->next ? sequence->next : question_random;
        next(sequence);
        if (sequence->next == next)
            sequence->next = NULL;
    } while (sequence->question.pause == PAUSE_NONE && is_full(sequence));
    return true;
}

/* --- The answer. --- */

static void shown(void *context, const char *key, size_t length, struct index_pair index)
{
    struct sequence *sequence = context;
    char name[KEY_SIZE];
    struct text json = { 0 };

    for (unsigned i = 0; i < 3 + sequence->session_count; i++) {
        text_clear(&json);
        sequence_key(sequence, i, name);
        text_add_json(&json, name);
        /* As JSON, with escapes: only its end can be mistaken, for an escaped quote. */
        if (strncmp(json.bytes + 1, key, length) == 0 &&
            (json.length == length + 2 || json.bytes[1 + length] == '"'))
            sequence->seen[i] = index;
    }
    text_end(&json);
}

/* A key that is not there has no index; of a whole table's index others know more. */
static bool is_of_table(const struct sequence *sequence, int status)
{
    const char *path = sequence->question.path[REAL].bytes;

    return strncmp(path, "/v1/session/info/", 17) == 0 || status == 404;
}

static void forget_missing(struct sequence *sequence, int status)
{
    char key[KEY_SIZE];

    if (status != 404 || strcmp(sequence->question.method, "GET") != 0)
        return;
    for (unsigned i = 0; i < 3 + sequence->session_count; i++) {
        sequence_key(sequence, i, key);
        if (strstr(sequence->question.path[REAL].bytes, key))
            sequence->seen[i] = (struct index_pair){ 0 };
    }
}

static void learn_session(struct sequence *sequence, const struct wire_answer *real)
{
    char id[40];

    if (strcmp(sequence->question.path[REAL].bytes, "/v1/session/create") != 0 ||
        real->status != 200 || sscanf(real->body.bytes, "{\"ID\":\"%36[^\"]", id) != 1)
        return;
    consul_model_next_session(sequence->world->model, id);
    strcpy(sequence->sessions[sequence->session_count++], id);
}

static void log_exchange(struct sequence *sequence, const struct wire_answer *real,
                         const struct consul_answer *model, uint64_t sent)
{
    const struct question *question = &sequence->question;

    text_add_format(&sequence->log,
                    "%9.3f %s %s %s\n"
                    "          Consul: %d, index %llu: %s\n",
                    (double)sent / 1e9, question->method, question->path[REAL].bytes,
                    question->body[REAL].bytes, real->status, (unsigned long long)real->index,
                    real->body.bytes);
    text_add_format(&sequence->log, "          model:  %d, index %llu: %s\n", model->status,
                    (unsigned long long)model->index, model->body);
}

bool sequence_answer(struct sequence *sequence, const struct wire_answer *real, uint64_t sent,
                     struct text *difference)
{
    struct question *question = &sequence->question;

    learn_session(sequence, real);
    struct consul_answer model =
        consul_model_request(sequence->world->model, question->method, question->path[MODEL].bytes,
                             question->body[MODEL].bytes, sent);
    log_exchange(sequence, real, &model, sent);
    forget_missing(sequence, real->status);
    return world_compare(sequence->world, real, &model, is_of_table(sequence, real->status), shown,
                         sequence, difference);
}
