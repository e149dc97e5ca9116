/* questions.h - what a sequence can ask, each question with all that is random in it.
 */
#ifndef CONFORMANCE_QUESTIONS_H
#define CONFORMANCE_QUESTIONS_H

#include "tests/conformance/sequence.h"

/* 0 to count - 1. */
unsigned sequence_pick(struct sequence *sequence, unsigned count);

/* One of an array. */
#define PICK(sequence, list) ((list)[sequence_pick(sequence, sizeof(list) / sizeof *(list))])

/* The name of the key; its size is KEY_SIZE. */
#define KEY_SIZE 128
void sequence_key(const struct sequence *sequence, unsigned key, char text[KEY_SIZE]);

/* Any question, the frequent ones more often. */
void question_random(struct sequence *sequence);

/* A node with its check, passing. */
void question_node(struct sequence *sequence, unsigned node);

/* One of the few that a patient sequence asks. */
#define QUESTIONS_PATIENT 9
void question_patient(struct sequence *sequence, unsigned number);

/* The number-th question that clears away what the sequence has left; false: it is all gone. */
bool question_closing(struct sequence *sequence, unsigned number);

question_maker question_check, question_deregister, question_create, question_renew,
    question_destroy, question_info;
question_maker question_get, question_get_all, question_put, question_cas, question_lock,
    question_unlock, question_entry, question_delete, question_delete_cas, question_delete_all;
question_maker question_acquire, question_write, question_release, question_transfer,
    question_sweep, question_any_transaction;
question_maker question_odd;

/* --- For the makers. --- */

void question_ask(struct sequence *sequence, const char *method, const char *path);
void question_ask_key(struct sequence *sequence, const char *method, unsigned key);
void question_path(struct sequence *sequence, const char *text);
void question_path_key(struct sequence *sequence, unsigned key);
void question_path_index(struct sequence *sequence, struct index_pair index);
void question_body(struct sequence *sequence, const char *text);
void question_body_index(struct sequence *sequence, struct index_pair index);

/* One of the sequence's keys; often the lock. */
unsigned sequence_pick_key(struct sequence *sequence);

/* An ID of a session: mostly one of the sequence's, but also of none, or no ID at all. */
void sequence_pick_session(struct sequence *sequence, char text[40]);

/* An index to guard by: often the key's own. */
struct index_pair sequence_pick_index(struct sequence *sequence, unsigned key);

/* One of few, so that the same is written again. */
const char *sequence_pick_value(struct sequence *sequence);

#endif
