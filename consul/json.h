/* json.h - reading JSON that others wrote: what is missing or of another kind is answered with a
 * default, never with a crash; and writing our own, whole, or the process ends (memory.h): a
 * transaction that lacks its guard is another one.
 */
#ifndef CONSUL_JSON_H
#define CONSUL_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void scope_json(struct json_object **object)
{
    json_object_put(*object);
}

#define AUTO_JSON __attribute__((cleanup(scope_json)))

/* The whole text as one JSON value (json_object_put() ends it); NULL: it is none. */
struct json_object *json_read(const char *text, size_t length);

/* The member's text, or "" where there is none or it is no text. Valid as long as the object. */
const char *json_text(const struct json_object *object, const char *name);

/* The member's number, or 0 where there is none, it is negative or no integer. */
uint64_t json_number(const struct json_object *object, const char *name);

/* The member, if it is of that type; else NULL. Not the caller's to end. */
struct json_object *json_member(const struct json_object *object, const char *name,
                                enum json_type type);

/* Empty; json_object_put() ends it. */
struct json_object *json_new_object(void);
struct json_object *json_new_list(void);

/* All of it; json_object_put() ends it. */
struct json_object *json_copy(const struct json_object *object);

/* Adds or replaces a member. member: the object's from now on. */
void json_set(struct json_object *object, const char *name, struct json_object *member);
void json_set_flag(struct json_object *object, const char *name, bool flag);
void json_set_text(struct json_object *object, const char *name, const char *text);
void json_set_number(struct json_object *object, const char *name, uint64_t number);

/* At the end of a list. item: the list's from now on. */
void json_append(struct json_object *list, struct json_object *item);
void json_append_text(struct json_object *list, const char *text, size_t length);

/* In one line without spaces; valid as long as the object, until the next call for it. */
const char *json_line(struct json_object *object);

#endif
