#include <stdio.h>

#include "tests/conformance/questions.h"

/* --- Nodes and checks. --- */

static void register_node(struct sequence *sequence, unsigned node, unsigned check,
                          const char *status)
{
    char body[256];

    snprintf(body, sizeof body,
             "{\"Node\":\"%s-%c\",\"Address\":\"127.0.0.1\",\"Check\":{\"CheckID\":\"check%u\","
             "\"Name\":\"check\",\"Status\":\"%s\"}}",
             sequence->name, (char)('a' + node), check, status);
    question_ask(sequence, "PUT", "/v1/catalog/register");
    question_body(sequence, body);
}

void question_node(struct sequence *sequence, unsigned node)
{
    register_node(sequence, node, 0, "passing");
}

void question_check(struct sequence *sequence)
{
    static const char *const states[] = { "critical", "critical", "passing", "passing",
                                          "warning",  "",         "odd" };
    const char *status = PICK(sequence, states);

    register_node(sequence, sequence_pick(sequence, 2), sequence_pick(sequence, 2), status);
}

void question_deregister(struct sequence *sequence)
{
    static const char *const what[] = { "", "", ",\"CheckID\":\"check0\"",
                                        ",\"CheckID\":\"CHECK1\"", ",\"CheckID\":\"check0\"" };
    char body[128];

    snprintf(body, sizeof body, "{\"Node\":\"%s-%c\"%s}", sequence->name,
             (char)("abA"[sequence_pick(sequence, 3)]), PICK(sequence, what));
    question_ask(sequence, "PUT", "/v1/catalog/deregister");
    question_body(sequence, body);
}

/* --- Sessions. --- */

static const char *const ttls[] = { "", "\"TTL\":\"10s\",", "\"TTL\":\"1m30s\"," };
static const char *const timed_ttls[] = {
    "", "\"TTL\":\"300ms\",", "\"TTL\":\"500ms\",", "\"TTL\":\"0.4s\",", "\"TTL\":\"10s\",",
};
static const char *const odd_ttls[] = {
    "\"TTL\":\"100ms\",", "\"TTL\":\"x\",",  "\"TTL\":\"90000s\",", "\"TTL\":\"-1s\",",
    "\"TTL\":5,",         "\"TTL\":\"5\",",  "\"ttl\":\"0s\",",     "\"TTL\":\"5q\",",
    "\"TTL\":\"1h.5s\",", "\"TTL\":\"-5\",", "\"TTL\":\"0\",",      "\"TTL\":null,",
};
static const char *const delays[] = { "", "\"LockDelay\":\"0s\",", "\"LockDelay\":0,",
                                      "\"LockDelay\":\"90s\"," };
static const char *const timed_delays[] = {
    "\"LockDelay\":\"300ms\",", "\"LockDelay\":\"0.7s\",",   "\"LockDelay\":1,",
    "\"LockDelay\":\"0s\",",    "\"LockDelay\":400000000,",  "\"LockDelay\":\"1500us\",",
    "\"LockDelay\":\"2s\",",    "\"lockDelay\":\"1000ns\",", "",
};
static const char *const odd_delays[] = {
    "\"LockDelay\":\"\",",    "\"LockDelay\":\"5\",",    "\"LockDelay\":\"x\",",
    "\"LockDelay\":-1,",      "\"LockDelay\":true,",     "\"LockDelay\":null,",
    "\"LockDelay\":\"-5s\",", "\"LockDelay\":\"30ns\",", "\"LockDelay\":31.7,",
};
static const char *const behaviors[] = {
    "",
    "\"Behavior\":\"release\",",
    "\"Behavior\":\"release\",",
    "\"Behavior\":\"delete\",",
    "\"Behavior\":\"delete\",",
};
static const char *const odd_behaviors[] = { "\"Behavior\":\"keep\",", "\"Behavior\":\"\"," };
static const char *const checks[] = {
    "\"NodeChecks\":[]",
    "\"NodeChecks\":[]",
    "\"NodeChecks\":[]",
    "\"NodeChecks\":[\"check0\"]",
    "\"NodeChecks\":[\"check0\"]",
    "\"NodeChecks\":[\"check1\"]",
    "\"NodeChecks\":[\"check0\",\"check1\"]",
};
static const char *const odd_checks[] = {
    "\"Checks\":[]",
    "\"NodeChecks\":[\"CHECK0\"]",
    "\"NodeChecks\":null",
    "\"NodeChecks\":\"check0\"",
    "\"NodeChecks\":[5]",
    "\"NodeChecks\":[\"serfHealth\"]",
    "\"Name\":\"all <defaults>\"",
    "\"Checks\":[\"check0\"],\"NodeChecks\":[]",
    "\"Checks\":[\"check0\"],\"NodeChecks\":[\"check0\"]",
    "\"Checks\":[\"none\"],\"NodeChecks\":[\"check0\"]",
    "\"Checks\":[\"serfHealth\"],\"NodeChecks\":[\"check0\"]",
    "\"NodeChecks\":[\"check0\",\"none\"]",
};

static bool is_odd(struct sequence *sequence)
{
    return sequence_pick(sequence, 25) == 0;
}

/* Each part by itself is rarely an odd one. */
void question_create(struct sequence *sequence)
{
    char node[64];

    snprintf(node, sizeof node, "{\"Node\":\"%s-%c\",", sequence->name,
             (char)("aaaaaabbAx"[sequence_pick(sequence, 10)]));
    question_ask(sequence, "PUT", "/v1/session/create");
    question_body(sequence, node);
    if (sequence_pick(sequence, 4) == 0)
        question_body(sequence, "\"Name\":\"demo\",");
    if (is_odd(sequence))
        question_body(sequence, PICK(sequence, odd_ttls));
    else
        question_body(sequence,
                      sequence->timed ? PICK(sequence, timed_ttls) : PICK(sequence, ttls));
    if (is_odd(sequence))
        question_body(sequence, PICK(sequence, odd_delays));
    else
        question_body(sequence,
                      sequence->timed ? PICK(sequence, timed_delays) : PICK(sequence, delays));
    question_body(sequence,
                  is_odd(sequence) ? PICK(sequence, odd_behaviors) : PICK(sequence, behaviors));
    question_body(sequence, is_odd(sequence) ? PICK(sequence, odd_checks) : PICK(sequence, checks));
    question_body(sequence, "}");
}

static void make_named(struct sequence *sequence, const char *method, const char *path)
{
    char session[40];

    sequence_pick_session(sequence, session);
    question_ask(sequence, method, path);
    question_path(sequence, session);
}

void question_renew(struct sequence *sequence)
{
    make_named(sequence, "PUT", "/v1/session/renew/");
}

void question_destroy(struct sequence *sequence)
{
    make_named(sequence, "PUT", "/v1/session/destroy/");
}

void question_info(struct sequence *sequence)
{
    make_named(sequence, "GET", "/v1/session/info/");
    if (sequence_pick(sequence, 2))
        question_path(sequence, "?consistent");
}
