#include "consul/json.h"

#include <string.h>

struct json_object *json_read(const char *text, size_t length)
{
    static struct json_tokener *tokener; /* to make one costs more than to read a short text */

    if ((!tokener && !(tokener = json_tokener_new())) || length > INT32_MAX)
        return NULL;
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

void json_set_text(struct json_object *object, const char *name, const char *text)
{
    json_object_object_add(object, name, json_object_new_string(text));
}

void json_set_number(struct json_object *object, const char *name, uint64_t number)
{
    json_object_object_add(object, name, json_object_new_uint64(number));
}

const char *json_line(struct json_object *object)
{
    return json_object_to_json_string_ext(object,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}
