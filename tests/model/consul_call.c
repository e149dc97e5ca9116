#include "tests/model/consul_call.h"

#include <ctype.h>

#include "tests/model/go_duration.h"

static int hex_value(char digit)
{
    return isdigit((unsigned char)digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;
}

/* Up to one of `ends`, which it returns; what was escaped is added to words, with a NUL. */
static const char *word_read(const char *at, const char *ends, bool plus_is_space,
                             struct text *words)
{
    char *end = words->bytes + words->length;

    for (; *at && !strchr(ends, *at); at++)
        if (*at == '%' && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2])) {
            *end++ = (char)(hex_value(at[1]) << 4 | hex_value(at[2]));
            at += 2;
        } else {
            *end++ = *at == '+' && plus_is_space ? ' ' : *at;
        }
    *end++ = '\0';
    words->length = (size_t)(end - words->bytes);
    return at;
}

void consul_call_read(struct consul_call *call, const char *rest, struct text *words)
{
    text_clear(words);
    text_reserve(words, 2 * strlen(rest) + 2); /* words grow no more: they are pointed to */
    call->parameter_count = 0;
    call->name = words->bytes;
    rest = word_read(rest, "?", false, words);

    while (*rest && call->parameter_count < QUERY_MAX) {
        struct parameter *parameter = &call->parameters[call->parameter_count++];
        parameter->name = words->bytes + words->length;
        rest = word_read(rest + 1, "=&", true, words);
        parameter->value = "";
        if (*rest == '=') {
            parameter->value = words->bytes + words->length;
            rest = word_read(rest + 1, "&", true, words);
        }
    }
}

const char *consul_call_parameter(const struct consul_call *call, const char *name)
{
    for (size_t i = 0; i < call->parameter_count; i++)
        if (strcmp(call->parameters[i].name, name) == 0)
            return call->parameters[i].value;
    return NULL;
}

/* agent/http.go: parseConsistency, parseWait. */
bool consul_call_check(const struct consul_call *call, struct consul_reply *reply)
{
    const char *wait = consul_call_parameter(call, "wait");
    const char *index = consul_call_parameter(call, "index");
    int64_t ignored;

    if (call->parameter_count == 0)
        return true;
    if (consul_call_parameter(call, "stale") && consul_call_parameter(call, "consistent")) {
        consul_reply_set(reply, 400,
                         "Cannot specify ?stale with ?consistent, conflicting semantics.");
        return false;
    }
    if (wait && *wait && go_duration_parse(wait, &ignored, &reply->body) != 0) {
        consul_reply_set(reply, 400, "Invalid wait time");
        return false;
    }
    if (index && index[strspn(index, "0123456789")] != '\0') {
        consul_reply_set(reply, 400, "Invalid index");
        return false;
    }
    return true;
}

void consul_reply_set(struct consul_reply *reply, int status, const char *body)
{
    reply->status = status;
    text_clear(&reply->body);
    text_add(&reply->body, body);
}
