#include "tests/model/consul_body.h"

#include <strings.h>

static const json_type json_types[] = {
    [BODY_TEXT] = json_type_string,   [BODY_TEXTS] = json_type_array,
    [BODY_NUMBER] = json_type_int,    [BODY_TRUTH] = json_type_boolean,
    [BODY_OBJECT] = json_type_object,
};

bool body_parse(const char *text, size_t length, struct json_object **value, struct text *complaint)
{
    struct json_tokener *tokener = json_tokener_new();

    if (strspn(text, " \t\r\n") == length) {
        text_add(complaint, "EOF");
        json_tokener_free(tokener);
        return false;
    }
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    *value = json_tokener_parse_ex(tokener, text, (int)length);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    if (error == json_tokener_continue) { /* `null` ends only with what follows */
        *value = json_tokener_parse_ex(tokener, " ", 1);
        error = json_tokener_get_error(tokener);
    }
    json_tokener_free(tokener);
    if (error == json_tokener_success)
        return true;
    text_add(complaint, error == json_tokener_continue ? "unexpected EOF" : "invalid character");
    return false;
}

static const char *go_kind(struct json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_boolean:
        return "bool";
    case json_type_array:
        return "array";
    case json_type_object:
        return "object";
    case json_type_string:
        return "string";
    default:
        return "number";
    }
}

void body_complain(struct json_object *value, const char *go_type, struct text *complaint)
{
    text_add_format(complaint, "json: cannot unmarshal %s into Go value of type %s", go_kind(value),
                    go_type);
}

/* A number that does not fit is shown. */
static void complain(struct json_object *value, const struct body_shape *shape,
                     const struct body_field *field, const char *go_type, struct text *complaint)
{
    bool misfit = field->kind == BODY_NUMBER && strcmp(go_kind(value), "number") == 0;

    text_add_format(complaint, "json: cannot unmarshal %s%s%s into Go struct field %s%s of type %s",
                    go_kind(value), misfit ? " " : "",
                    misfit ? json_object_to_json_string(value) : "", shape->go_prefix, field->name,
                    go_type);
}

static bool texts_fit(struct json_object *list, const struct body_shape *shape,
                      const struct body_field *field, struct text *complaint)
{
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (item && !json_object_is_type(item, json_type_string)) {
            complain(item, shape, field, "string", complaint);
            return false;
        }
    }
    return true;
}

static bool fits(struct json_object *value, const struct body_shape *shape,
                 const struct body_field *field, struct text *complaint)
{
    if (!value || field->kind == BODY_ANY)
        return true;
    if (!json_object_is_type(value, json_types[field->kind]) ||
        (field->kind == BODY_NUMBER && json_object_get_int64(value) < 0)) {
        complain(value, shape, field, field->go_type, complaint);
        return false;
    }
    return field->kind != BODY_TEXTS || texts_fit(value, shape, field, complaint);
}

static size_t field_find(const struct body_shape *shape, const char *name)
{
    size_t i = 0;

    while (i < shape->count && strcasecmp(shape->fields[i].name, name) != 0)
        i++;
    return i;
}

bool body_read(struct json_object *whole, const struct body_shape *shape,
               struct body_member *members, struct text *complaint)
{
    memset(members, 0, shape->count * sizeof *members);
    if (!whole)
        return true;
    if (!json_object_is_type(whole, json_type_object)) {
        body_complain(whole, shape->go_type, complaint);
        return false;
    }
    json_object_object_foreach(whole, name, value)
    {
        size_t at = field_find(shape, name);
        if (at == shape->count && shape->strict) {
            text_add_format(complaint, "json: unknown field \"%s\"", name);
            return false;
        }
        if (at == shape->count)
            continue;
        if (!fits(value, shape, &shape->fields[at], complaint))
            return false;
        members[at] = (struct body_member){ .present = true, .value = value };
    }
    return true;
}

const char *body_text(const struct body_member *member, const char *otherwise)
{
    return member->value ? json_object_get_string(member->value) : otherwise;
}
