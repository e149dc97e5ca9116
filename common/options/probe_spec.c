#include "common/options/probe_spec.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/duration.h"
#include "common/base/scope.h"
#include "common/base/words.h"

#define INTERVAL_LEAST MILLISECONDS(100)
#define INTERVAL_MOST  SECONDS(3600)
#define TIMEOUT_LEAST  MILLISECONDS(10)
#define COUNT_MOST     1000

static const char expected_kind[] =
    "expected http://..., https://..., tcp://HOST:PORT, exec:COMMAND or consul:";

/* --- The kinds. --- */

struct kind {
    const char *prefix;
    enum probe_kind kind;
    bool keeps_prefix; /* the target is all of it */
};

static const struct kind kinds[] = {
    { "http://", PROBE_HTTP, true },    { "https://", PROBE_HTTP, true },
    { "tcp://", PROBE_TCP, false },     { "exec:", PROBE_EXEC, false },
    { "consul:", PROBE_CONSUL, false },
};

static const struct kind *find_kind(const char *text)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return &kinds[i];
    return NULL;
}

static bool has_blank(const char *text)
{
    return text[strcspn(text, " \t")] != '\0';
}

/* HOST or HOST:PORT, with an IPv6 address in brackets. */
static bool is_authority(const char *text, size_t length, bool needs_port)
{
    char authority[256], *end;

    if (length == 0 || length >= sizeof authority)
        return false;
    snprintf(authority, sizeof authority, "%.*s", (int)length, text);
    const char *host_end = *authority == '[' ? strchr(authority, ']') : authority;
    const char *colon = host_end ? strchr(host_end, ':') : NULL;
    if (!host_end || colon == authority || has_blank(authority))
        return false;
    if (!colon)
        return !needs_port;
    if (!isdigit((unsigned char)colon[1]))
        return false;
    unsigned long port = strtoul(colon + 1, &end, 10);
    return *end == '\0' && port > 0 && port <= UINT16_MAX;
}

static bool has_host(const char *url)
{
    const char *host = strstr(url, "://") + 3;

    return !has_blank(url) && is_authority(host, strcspn(host, "/?"), false);
}

static bool has_password(const char *url)
{
    const char *host = strstr(url, "://") + 3;

    return memchr(host, '@', strcspn(host, "/?")) != NULL;
}

static int check_target(const struct probe_spec *spec, const char *text, struct error *err)
{
    AUTO_FREE char **words = NULL;

    switch (spec->kind) {
    case PROBE_HTTP:
        if (has_password(spec->target))
            return error_set(err,
                             "a user and password do not belong in a probe's address (expected "
                             "a path that needs none)");
        if (!has_host(spec->target))
            return error_set(err, "\"%.80s\" has no HOST[:PORT] (%s)", text, expected_kind);
        return 0;
    case PROBE_TCP:
        if (!is_authority(spec->target, strlen(spec->target), true))
            return error_set(err, "\"%.80s\" is not tcp://HOST:PORT", text);
        return 0;
    case PROBE_EXEC:
        return words_split(spec->target, &words, err);
    case PROBE_CONSUL:
        if (spec->target[0] != '\0')
            return error_set(err, "\"%.80s\" names something behind consul: (expected consul:)",
                             text);
        return 0;
    case PROBE_KINDS:
        break;
    }
    return error_set(err, "\"%.80s\" is not a probe (%s)", text, expected_kind);
}

/* --- The options. --- */

struct probe_option {
    const char *name;
    int (*parse)(const struct probe_option *option, void *field, const char *text,
                 struct error *err);
    size_t offset, size;
    uint64_t least, most;
    bool only_http;
};

static int parse_duration(const struct probe_option *option, void *field, const char *text,
                          struct error *err)
{
    char least[DURATION_TEXT_SIZE], most[DURATION_TEXT_SIZE];
    uint64_t duration_ns;

    if (duration_parse(text, &duration_ns, err) < 0)
        return -1;
    if (duration_ns < option->least || duration_ns > option->most)
        return error_set(err, "\"%.80s\" is out of range (expected %s to %s)", text,
                         duration_format(option->least, least),
                         duration_format(option->most, most));
    *(uint64_t *)field = duration_ns;
    return 0;
}

static int parse_count(const struct probe_option *option, void *field, const char *text,
                       struct error *err)
{
    char *end;
    unsigned long count = isdigit((unsigned char)*text) ? strtoul(text, &end, 10) : 0;

    if (count < option->least || count > option->most || *end != '\0')
        return error_set(err, "\"%.80s\" is not a count (expected %u to %u)", text,
                         (unsigned)option->least, (unsigned)option->most);
    *(unsigned *)field = (unsigned)count;
    return 0;
}

/* `204`, `2xx`, `200-299`. Returns whether it is one. */
static bool parse_status(const char *text, size_t length, struct probe_statuses *statuses)
{
    unsigned least, most;
    int single = 0, range = 0;
    char word[8];

    if (length >= sizeof word)
        return false;
    snprintf(word, sizeof word, "%.*s", (int)length, text);
    sscanf(word, "%3u%n-%3u%n", &least, &single, &most, &range);
    if (single > 0 && word[single] == '\0')
        most = least;
    else if (single == 1 && strcmp(word + single, "xx") == 0)
        most = (least *= 100) + 99;
    else if (range == 0 || word[range] != '\0')
        return false;
    *statuses = (struct probe_statuses){ .least = (uint16_t)least, .most = (uint16_t)most };
    return least >= 100 && most <= 599 && least <= most;
}

static int parse_statuses(const struct probe_option *option, void *field, const char *text,
                          struct error *err)
{
    struct probe_statuses *statuses = field;
    size_t count = 0;

    memset(statuses, 0, option->size);
    for (const char *rest = text;; rest++) {
        size_t length = strcspn(rest, "+");

        if (count == PROBE_STATUSES_MAX - 1 || !parse_status(rest, length, &statuses[count++]))
            return error_set(err,
                             "\"%.80s\" are not HTTP statuses (expected for example 2xx+304, "
                             "at most %d)",
                             text, PROBE_STATUSES_MAX - 1);
        rest += length;
        if (*rest == '\0')
            return 0;
    }
}

static int parse_switch(const struct probe_option *option, void *field, const char *text,
                        struct error *err)
{
    (void)option;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        return error_set(err, "\"%.80s\" is not a boolean (expected true or false)", text);
    *(bool *)field = strcmp(text, "true") == 0;
    return 0;
}

static int parse_text(const struct probe_option *option, void *field, const char *text,
                      struct error *err)
{
    if (strlen(text) >= option->size)
        return error_set(err, "\"%.80s\" is too long (expected at most %zu bytes)", text,
                         option->size - 1);
    strcpy(field, text);
    return 0;
}

static int parse_path(const struct probe_option *option, void *field, const char *text,
                      struct error *err)
{
    if (*text != '/')
        return error_set(err, "\"%.80s\" is not an absolute path", text);
    return parse_text(option, field, text, err);
}

#define FIELD(field) offsetof(struct probe_spec, field), sizeof((struct probe_spec *)NULL)->field

static const struct probe_option probe_options[] = {
    { "interval", parse_duration, FIELD(interval_ns), INTERVAL_LEAST, INTERVAL_MOST, false },
    { "timeout", parse_duration, FIELD(timeout_ns), TIMEOUT_LEAST, INTERVAL_MOST, false },
    { "grace", parse_duration, FIELD(grace_ns), 0, INTERVAL_MOST, false },
    { "rise", parse_count, FIELD(rise), 1, COUNT_MOST, false },
    { "fall", parse_count, FIELD(fall), 1, COUNT_MOST, false },
    { "status", parse_statuses, FIELD(statuses), 0, 0, true },
    { "verify", parse_switch, FIELD(tls.verify), 0, 0, true },
    { "server-name", parse_text, FIELD(tls.server_name), 0, 0, true },
    { "ca-file", parse_path, FIELD(tls.ca_file), 0, 0, true },
    { "client-cert", parse_path, FIELD(tls.client_cert), 0, 0, true },
    { "client-key", parse_path, FIELD(tls.client_key), 0, 0, true },
};

static const struct probe_option *find_option(const char *name)
{
    for (size_t i = 0; i < sizeof probe_options / sizeof *probe_options; i++)
        if (strcmp(probe_options[i].name, name) == 0)
            return &probe_options[i];
    return NULL;
}

static int parse_option(struct probe_spec *spec, char *text, struct error *err)
{
    char *value = strchr(text, '=');

    if (value)
        *value++ = '\0';
    const struct probe_option *option = find_option(text);
    if (!option || !value)
        return error_set(err,
                         "\"%.80s\" is no option of a probe (expected name=value of interval, "
                         "timeout, grace, rise, fall; of http also status, verify, "
                         "server-name, ca-file, client-cert, client-key)",
                         text);
    if (option->only_http && spec->kind != PROBE_HTTP)
        return error_set(err, "\"%.80s\" is for http:// and https:// alone", text);
    if (option->parse(option, (char *)spec + option->offset, value, err) < 0)
        return error_wrap(err, "%s", text);
    return 0;
}

static int parse_options(struct probe_spec *spec, char *text, struct error *err)
{
    char *rest = text;

    for (char *word; rest && *rest && (word = strsep(&rest, ","));)
        if (parse_option(spec, word, err) < 0)
            return -1;
    if ((spec->tls.client_cert[0] == '\0') != (spec->tls.client_key[0] == '\0'))
        return error_set(err, "client-cert and client-key need each other");
    return 0;
}

/* --- The whole. --- */

int probe_spec_parse(const char *text, struct probe_spec *spec, struct error *err)
{
    const struct kind *kind = find_kind(text);
    char options[PROBE_TEXT_SIZE] = "";

    if (!kind)
        return error_set(err, "\"%.80s\" is not a probe (%s)", text, expected_kind);
    if (strlen(text) >= PROBE_TEXT_SIZE)
        return error_set(err, "\"%.80s\" is too long (expected at most %d bytes)", text,
                         PROBE_TEXT_SIZE - 1);
    *spec = (struct probe_spec){
        .kind = kind->kind,
        .interval_ns = SECONDS(5),
        .timeout_ns = SECONDS(1),
        .grace_ns = SECONDS(10),
        .rise = 1,
        .fall = 3,
        .statuses = { { 200, 399 } },
        .tls.verify = true,
    };
    strcpy(spec->target, kind->keeps_prefix ? text : text + strlen(kind->prefix));
    char *mark = strrchr(spec->target, '#');
    if (mark) {
        *mark = '\0';
        strcpy(options, mark + 1);
    }
    if (parse_options(spec, options, err) < 0)
        return -1;
    return check_target(spec, text, err);
}

const char *probe_text_find(const char *texts, size_t number, char text[PROBE_TEXT_SIZE])
{
    for (; number > 0 && *texts; number--) {
        texts += strcspn(texts, "\n");
        texts += *texts == '\n';
    }
    if (*texts == '\0')
        return NULL;
    snprintf(text, PROBE_TEXT_SIZE, "%.*s", (int)strcspn(texts, "\n"), texts);
    return text;
}

bool probe_text_has(const char *texts, enum probe_kind kind)
{
    char text[PROBE_TEXT_SIZE];

    for (size_t i = 0; probe_text_find(texts, i, text); i++) {
        const struct kind *found = find_kind(text);
        if (found && found->kind == kind)
            return true;
    }
    return false;
}

#define SUFFIX_SIZE 16

/* What may be shown of it. */
static void show(const char *text, char *shown, size_t size)
{
    AUTO_FREE char **words = NULL;
    struct probe_spec spec;
    struct error ignored;

    *shown = '\0';
    if (probe_spec_parse(text, &spec, &ignored) < 0)
        return;
    switch (spec.kind) {
    case PROBE_HTTP:
        snprintf(shown, size, "%.*s", (int)strcspn(spec.target, "?"), spec.target);
        break;
    case PROBE_TCP:
        snprintf(shown, size, "tcp://%.200s", spec.target);
        break;
    case PROBE_EXEC:
        if (words_split(spec.target, &words, &ignored) == 0)
            snprintf(shown, size, "exec:%s", *words);
        break;
    case PROBE_CONSUL:
        snprintf(shown, size, "consul:");
        break;
    case PROBE_KINDS:
        break;
    }
}

void probe_text_name(const char *texts, size_t number, char name[PROBE_NAME_SIZE])
{
    char text[PROBE_TEXT_SIZE], other[PROBE_NAME_SIZE - SUFFIX_SIZE];
    unsigned same = 1;

    *name = '\0';
    if (!probe_text_find(texts, number, text))
        return;
    show(text, name, PROBE_NAME_SIZE - SUFFIX_SIZE);
    for (size_t i = 0; i < number && probe_text_find(texts, i, text); i++) {
        show(text, other, sizeof other);
        same += strcmp(other, name) == 0;
    }
    if (same > 1)
        snprintf(name + strlen(name), SUFFIX_SIZE, " (%u)", same);
}
