#include "consul/json.h"

#include <string.h>

#include "common/base/memory.h"

struct json_object *json_read(const char *text, size_t length)
{
    static struct json_tokener *tokener; /* to make one costs more than to read a short text */

    if (length > INT32_MAX)
        return NULL;
    if (!tokener)
        tokener = memory_sure(json_tokener_new());
    json_tokener_reset(tokener);
    struct json_object *object = json_tokener_parse_ex(tokener, text, (int)length);
    size_t end = json_tokener_get_parse_end(tokener);
    if (object && end + strspn(text + end, " \t\r\n") < length) {
        json_object_put(object); /* something follows */
        return NULL;
    }
    return object;
}

struct json_object *json_member(const struct json_object *object, const char *name,
                                enum json_type type)
{
    struct json_object *member = NULL;

    if (!json_object_is_type(object, json_type_object) ||
        !json_object_object_get_ex(object, name, &member) || !json_object_is_type(member, type))
        return NULL;
    return member;
}

const char *json_text(const struct json_object *object, const char *name)
{
    struct json_object *member = json_member(object, name, json_type_string);

    return member ? json_object_get_string(member) : "";
}

uint64_t json_number(const struct json_object *object, const char *name)
{
    struct json_object *member = json_member(object, name, json_type_int);

    return member && json_object_get_int64(member) >= 0 ? json_object_get_uint64(member) : 0;
}

/* --- Our own. --- */

struct json_object *json_new_object(void)
{
    return memory_sure(json_object_new_object());
}

struct json_object *json_new_list(void)
{
    return memory_sure(json_object_new_array());
}

struct json_object *json_copy(const struct json_object *object)
{
    struct json_object *copy = NULL;

    if (json_object_deep_copy((struct json_object *)object, &copy, NULL) != 0)
        memory_is_out();
    return copy;
}

void json_set(struct json_object *object, const char *name, struct json_object *member)
{
    if (json_object_object_add(object, name, member) != 0)
        memory_is_out();
}

void json_set_flag(struct json_object *object, const char *name, bool flag)
{
    json_set(object, name, memory_sure(json_object_new_boolean(flag)));
}

void json_set_text(struct json_object *object, const char *name, const char *text)
{
    json_set(object, name, memory_sure(json_object_new_string(text)));
}

void json_set_number(struct json_object *object, const char *name, uint64_t number)
{
    json_set(object, name, memory_sure(json_object_new_uint64(number)));
}

void json_append(struct json_object *list, struct json_object *item)
{
    if (json_object_array_add(list, item) != 0)
        memory_is_out();
}

void json_append_text(struct json_object *list, const char *text, size_t length)
{
    json_append(list, memory_sure(json_object_new_string_len(text, (int)length)));
}

const char *json_line(struct json_object *object)
{
    return memory_sure((void *)json_object_to_json_string_ext(
        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}
