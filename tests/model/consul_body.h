/* consul_body.h - JSON bodies, read as Go's encoding/json reads them: members are found whatever
 * their capitals, null is like nothing, and a member of another kind is refused in Go's words.
 */
#ifndef MODEL_CONSUL_BODY_H
#define MODEL_CONSUL_BODY_H

#include <json-c/json.h>
#include <stdbool.h>

#include "tests/model/text.h"

enum body_kind {
    BODY_ANY,
    BODY_TEXT,
    BODY_TEXTS,  /* a list of them */
    BODY_NUMBER, /* uint64 */
    BODY_TRUTH,
    BODY_OBJECT,
};

struct body_field {
    const char *name;
    enum body_kind kind;
    const char *go_type;
};

struct body_shape {
    const char *go_type;   /* of the whole */
    const char *go_prefix; /* what Go puts before the names of its members */
    bool strict;           /* other members are refused */
    size_t count;
    const struct body_field *fields;
};

struct body_member {
    bool present;
    struct json_object *value; /* NULL when present: null */
};

/* The text's first JSON value; json_object_put() ends it. false: none, with the complaint. */
bool body_parse(const char *text, size_t length, struct json_object **value,
                struct text *complaint);

/* Fills members[shape->count]; whole NULL: null. False: with the complaint. */
bool body_read(struct json_object *whole, const struct body_shape *shape,
               struct body_member *members, struct text *complaint);

/* `json: cannot unmarshal number into Go ...`; for what is no member. */
void body_complain(struct json_object *value, const char *go_type, struct text *complaint);

/* The member's text, or the default. */
const char *body_text(const struct body_member *member, const char *otherwise);

#endif
