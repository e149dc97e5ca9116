#include "consul/refusal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define QUOTE_LENGTH 200

/* Errors of the way to Consul's leader: nothing was begun. Others, `leadership lost while
 * committing log` for one, say nothing about the outcome.
 */
static const char *const not_begun[] = {
    "No cluster leader",
    "No known Consul servers",
    "Raft leader not found in server lookup mapping",
    "failed to get conn",
    "rate limit exceeded",
    NULL,
};

/* Errors of servers that are changing leader, or cannot be reached by the agent. */
static const char *const troubled[] = {
    "rpc error",         "leadership lost",
    "is not the leader", "Not ready to serve consistent reads",
    "i/o timeout",       NULL,
};

bool refusal_says(const struct http_response *response, const char *text)
{
    return strstr(response->body, text) != NULL;
}

static bool says_any(const struct http_response *response, const char *const *texts)
{
    for (; *texts; texts++)
        if (refusal_says(response, *texts))
            return true;
    return false;
}

static bool says_not_begun(const struct http_response *response)
{
    return says_any(response, not_begun);
}

static bool is_web_page(const struct http_response *response)
{
    return response->body[strspn(response->body, " \t\r\n")] == '<';
}

/* The body's beginning in one line. */
static void quote(const struct http_response *response, char text[QUOTE_LENGTH])
{
    const char *from = response->body + strspn(response->body, " \t\r\n");
    size_t used = 0;

    for (; *from && used + 1 < QUOTE_LENGTH; from++) {
        if (!isspace((unsigned char)*from))
            text[used++] = *from;
        else if (used && text[used - 1] != ' ')
            text[used++] = ' ';
    }
    while (used && text[used - 1] == ' ')
        used--;
    text[used] = '\0';
}

/* Since 1.12 Consul may name the permission itself. */
static void describe_denial(const struct http_response *response, const struct attempt *attempt,
                            const char *said, struct error *reason)
{
    const char *at = response->address;

    if (refusal_says(response, "ACL not found"))
        error_set(reason, "%s at %s: Consul does not know the token (ACL not found)", attempt->what,
                  at);
    else if (refusal_says(response, "lacks permission"))
        error_set(reason, "%s at %s: %s", attempt->what, at, said);
    else if (refusal_says(response, "Permission denied"))
        error_set(reason, "%s at %s: permission denied (the token needs %s)", attempt->what, at,
                  attempt->rule);
    else
        error_set(reason, "%s at %s: forbidden: %s", attempt->what, at, said);
}

static void describe(const struct http_response *response, const struct attempt *attempt,
                     struct error *reason)
{
    const char *at = response->address;
    char said[QUOTE_LENGTH];

    quote(response, said);
    if (!response->answered)
        error_set(reason, "%s: %s", attempt->what, response->failure);
    else if (is_web_page(response))
        error_set(reason, "%s: %s answered %ld with a web page: is it Consul's HTTP API?",
                  attempt->what, at, response->status);
    else if (response->status == 403)
        describe_denial(response, attempt, said, reason);
    else if (response->status == 200)
        error_set(reason, "%s: %s gave an answer that is not Consul's: \"%s\"", attempt->what, at,
                  said);
    else
        error_set(reason, "%s at %s: Consul answered %ld: %s", attempt->what, at, response->status,
                  said[0] ? said : "nothing more");
}

enum answer_result refusal_read(const struct http_response *response, const struct attempt *attempt,
                                struct error *reason)
{
    describe(response, attempt, reason);
    if (!response->answered)
        return response->never_sent ? ANSWER_FAILED : ANSWER_UNKNOWN;
    if (response->status >= 400 && response->status < 500 && !is_web_page(response))
        return ANSWER_FAILED;
    return says_not_begun(response) ? ANSWER_FAILED : ANSWER_UNKNOWN;
}

bool refusal_is_outage(const struct http_response *response)
{
    if (!response->answered || is_web_page(response))
        return true;
    return response->status >= 500 && (says_not_begun(response) || says_any(response, troubled));
}
