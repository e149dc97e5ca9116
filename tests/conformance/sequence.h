/* sequence.h - one random sequence of requests, with keys, nodes and sessions of its
 * own, that both a real Consul and the model are asked.
 *
 * The seed alone decides what is asked; but an ID or an index that is asked with is the one that
 * Consul has named before.
 */
#ifndef CONFORMANCE_SEQUENCE_H
#define CONFORMANCE_SEQUENCE_H

#include "tests/conformance/world.h"

#define SEQUENCE_SESSIONS 6
#define SEQUENCE_KEYS     (3 + SEQUENCE_SESSIONS) /* also the entry of each candidate */

enum side { REAL, MODEL, SIDES };

/* Instead of a question: to wait. A turn is when time alone changes something. */
enum pause { PAUSE_NONE, PAUSE_BEFORE_TURN, PAUSE_BEHIND_TURN };

/* What is asked next: of both sides the same but for the indexes. */
struct question {
    const char *method;
    struct text path[SIDES], body[SIDES];
    enum pause pause;
};

struct sequence;
typedef void question_maker(struct sequence *sequence);

struct sequence {
    struct world *world;
    uint64_t random;
    bool timed; /* TTLs and lock-delays that end within the sequence */
    char name[32];
    unsigned asked, length;
    unsigned closed; /* how much of the closing was asked */
    size_t session_count;
    char sessions[SEQUENCE_SESSIONS][40];
    struct index_pair seen[SEQUENCE_KEYS]; /* of each key; zero: not seen */
    struct question question;
    question_maker *next; /* what was thought of already; NULL: nothing */
    bool patient;         /* asks but what shows the longest lock-delay, and waits for it */
    struct text log;
};

/* name: of its prefix and nodes; not used before. */
void sequence_begin(struct sequence *sequence, struct world *world, uint64_t seed, bool timed,
                    const char *name);
void sequence_end(struct sequence *sequence);

/* At its beginning: instead of random questions. */
void sequence_be_patient(struct sequence *sequence);

/* Thinks up the next question; false: the sequence is over. */
bool sequence_ask(struct sequence *sequence);

/* What the model says to it, which is compared. sent: when Consul was asked. */
bool sequence_answer(struct sequence *sequence, const struct wire_answer *real, uint64_t sent,
                     struct text *difference);

#endif
