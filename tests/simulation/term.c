#include "tests/simulation/term.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/coverage.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/judge.h"

#define TERMS_MAX  1024
#define NEED_SLACK MILLISECONDS(400)

static struct term terms[TERMS_MAX];
static unsigned term_count;
static char last_holder[64];

void terms_begin(void)
{
    term_count = 0;
    last_holder[0] = '\0';
}

static struct term *term_at(const char *session)
{
    for (unsigned i = term_count; i-- > 0;)
        if (strncmp(terms[i].session, session, strlen(terms[i].session)) == 0)
            return &terms[i];
    return NULL;
}

struct term *term_of(const char *session)
{
    return session[0] != '\0' ? term_at(session) : NULL;
}

const struct settings *term_settings(const struct term *term)
{
    return term->instance->slot->settings;
}

static local_ns lease_end(const struct term *term, local_ns base)
{
    uint64_t lease = term_settings(term)->lease_ns;

    return base + lease - lease / 1000000 * DRIFT_PPM;
}

int64_t term_lease_left(const struct term *term)
{
    return (int64_t)lease_end(term, term->base) - (int64_t)host_clock(term->instance->slot->host);
}

true_ns term_lease_end(const struct term *term)
{
    return host_true(term->instance->slot->host, lease_end(term, term->base));
}

bool term_was_threatened(const struct term *term)
{
    const struct settings *settings = term_settings(term);
    duration_ns window = settings->demote_timeout_ns + SECONDS(1);
    true_ns since = world.now > window ? world.now - window : 0;
    const struct host *host = term->instance->slot->host;
    int64_t least =
        (int64_t)(settings_demote_budget(settings) + settings->renew_interval_ns + NEED_SLACK);

    if (term->lost != 0)
        return true;
    for (unsigned i = 0; i < TERM_RENEWALS && i < term->renewal_count; i++) {
        unsigned place = (term->renewal_count - 1 - i) % TERM_RENEWALS;
        true_ns until = i == 0 ? world.now : term->renewals[(place + 1) % TERM_RENEWALS].answered;
        if (until < since)
            return false;
        local_ns end = lease_end(term, term->renewals[place].base);
        if ((int64_t)host_true(host, end) - (int64_t)until < least)
            return true;
    }
    return term->renewal_count < TERM_RENEWALS; /* since its beginning */
}

void term_hook_failed(const struct session_id *session, bool is_promotion)
{
    struct term *term = term_of(session->text);

    if (term && is_promotion)
        term->promotion_failed = true;
    else if (term)
        term->demotion_failed = true;
}

const char *terms_living(void)
{
    for (unsigned i = 0; i < term_count; i++)
        if (datacenter_session_lives(terms[i].session))
            return terms[i].session;
    return NULL;
}

/* --- What goes over the wire. --- */

/* The session that a verb of a transaction on the lock names. */
static bool verb_session(const char *body, const char *verb, char session[64])
{
    char text[128], quoted[16];

    int length = snprintf(text, sizeof text,
                          "\"Verb\":\"%s\",\"Key\":\"" LOCK_KEY "\",\"Session\":\"", verb);
    const char *found = strstr(body, text);
    snprintf(quoted, sizeof quoted, "\"%s\"", verb);
    assert(found || !strstr(body, quoted)); /* else it is written otherwise than it is read here */
    if (!found)
        return false;
    found += length;
    snprintf(session, 64, "%.*s", (int)strcspn(found, "\""), found);
    return true;
}

static const char *after(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncmp(path, prefix, length) == 0 ? path + length : NULL;
}

static void gives_away(const char *session, const char *how)
{
    struct term *term = term_of(session);

    if (term)
        term->given_away = true;
    judge_gives_away(session, how);
}

void terms_sent(const struct call *call)
{
    const char *ended = after(call->path, "/v1/session/destroy/");
    char session[64];

    if (ended)
        gives_away(ended, "its end");
    if (after(call->path, "/v1/kv/" CANDIDATES_KEY "?"))
        call->instance->listed = world.now;
    if (!after(call->path, "/v1/txn"))
        return;
    if (verb_session(call->body, "unlock", session))
        gives_away(session, "a release");
    if (verb_session(call->body, "lock", session)) {
        struct term *term = term_of(session);
        if (term && term->given_away)
            judge_asks_again(session);
        if (term)
            term->listed = call->instance->listed;
    }
}

static void session_created(const struct call *call, const char *body)
{
    const char *id = strstr(body, "\"ID\":\"");

    if (!id)
        return;
    assert(term_count < TERMS_MAX);
    struct term *term = &terms[term_count++];
    *term = (struct term){
        .instance = call->instance,
        .renewed = call->sent,
        .base = call->sent,
        .renewal_count = 1,
    };
    snprintf(term->session, sizeof term->session, "%.36s", id + 6);
    term->renewals[0].answered = world.now;
    term->renewals[0].base = call->sent;
}

/* A session that lives does not hold the lock yet, and a lock that was seen may be lost since. What
 * ours count on as a holder is less: a renewal and a look that were sent together.
 */
static void settle_base(struct term *term)
{
    bool holds = term->looked != 0;
    local_ns base = holds && term->looked < term->renewed ? term->looked : term->renewed;

    if (base > term->base)
        term->base = base;
    unsigned place = term->renewal_count % TERM_RENEWALS;
    if (holds && term->renewed != term->looked)
        return;
    term->renewals[place].answered = world.now;
    term->renewals[place].base = term->renewed;
    term->renewal_count++;
    if (holds)
        faults_moment(MOMENT_RENEWED, term->instance);
}

static void session_renewed(struct term *term, const struct call *call)
{
    if (call->sent > term->renewed)
        term->renewed = call->sent;
    settle_base(term);
}

static void lock_held(struct term *term, const struct call *call)
{
    if (call->sent > term->looked)
        term->looked = call->sent;
    settle_base(term);
}

static void note_shown(struct term *term, struct instance *instance)
{
    unsigned slot = instance->slot->number;

    if (term->shown_to[slot] == instance)
        return;
    term->shown_to[slot] = instance;
    term->shown_at[slot] = world.now;
}

static void lock_read(const struct call *call, const char *body)
{
    const char *holder = strstr(body, "\"Session\":\"");
    struct term *shown = holder ? term_at(holder + strlen("\"Session\":\"")) : NULL;

    if (shown)
        note_shown(shown, call->instance);
    if (!strstr(call->path, "consistent"))
        return;
    if (shown && shown->instance == call->instance)
        lock_held(shown, call);
    judge_shown_loss(call, body);
}

/* In a list of entries, or in a transaction's results. */
static uint64_t highest_index(const char *body)
{
    static const char key[] = "\"Key\":\"" LOCK_KEY "\"", field[] = "\"ModifyIndex\":";
    uint64_t highest = 0;

    while ((body = strstr(body, key)) && (body = strstr(body, field))) {
        uint64_t index = strtoull(body + strlen(field), NULL, 10);
        highest = index > highest ? index : highest;
    }
    return highest;
}

static void entry_written(const char *entry)
{
    struct term *term = term_at(entry);

    if (term)
        term->entered = world.now;
}

void terms_answered(const struct call *call, int status, const char *body)
{
    const char *renewed = after(call->path, "/v1/session/renew/");
    const char *entry = after(call->path, "/v1/kv/" CANDIDATES_KEY);
    char session[64];
    struct term *term = renewed ? term_of(renewed) : NULL;
    uint64_t index = highest_index(body);

    if (index > call->instance->known)
        call->instance->known = index;
    if (entry && strcmp(call->method, "PUT") == 0 && strcmp(body, "true") == 0)
        entry_written(entry);
    if (after(call->path, "/v1/session/create") && status == 200)
        session_created(call, body);
    else if (term && status == 200)
        session_renewed(term, call);
    else if (term && status == 404 && term->told_lost == 0 && strstr(body, renewed))
        term->told_lost = world.now;
    else if (after(call->path, "/v1/txn") && status == 200 &&
             verb_session(call->body, "lock", session) && (term = term_of(session)))
        lock_held(term, call);
    else if (after(call->path, "/v1/txn") && status == 200 &&
             verb_session(call->body, "unlock", session) && (term = term_of(session)))
        coverage.given_back += term->instance != call->instance;
    else if (after(call->path, "/v1/kv/" LOCK_KEY "?") && (status == 200 || status == 404))
        lock_read(call, body);
}

/* --- What the servers know. --- */

void terms_note_holder(void)
{
    const char *holder = datacenter_holder();

    if (strcmp(holder, last_holder) == 0)
        return;
    struct term *former = term_of(last_holder);
    if (former)
        former->lost = world.now;
    snprintf(last_holder, sizeof last_holder, "%s", holder);
}
