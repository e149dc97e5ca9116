#include "tests/soak/terms.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/options/options.h"
#include "tests/simulation/chance.h"
#include "tests/soak/script.h"

/* The shortest that the options allow, and three times as much. */
#define TIMEOUT_LEAST_MS 100
#define TIMEOUT_MOST_MS  300

/* What a stop has to have besides the demotion's time. */
#define RELEASE_MS 300

#define WORDS_MAX 32

struct words {
    int count;
    char *list[WORDS_MAX];
    char texts[WORDS_MAX][PATH_MAX];
};

static void put(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct words *words, const char *format, ...)
{
    va_list arguments;
    char *text = words->texts[words->count];

    va_start(arguments, format);
    vsnprintf(text, sizeof words->texts[0], format, arguments);
    va_end(arguments);
    words->list[words->count++] = text;
    words->list[words->count] = NULL;
}

static void put_hook(struct words *words, const char *option, const char *program,
                     const char *board, unsigned lane)
{
    put(words, "%s", option);
    put(words, "'%s' hook '%s' %u", program, board, lane);
}

static unsigned draw_timeout(void)
{
    return (unsigned)chance_between(TIMEOUT_LEAST_MS, TIMEOUT_MOST_MS);
}

char **terms_draw(struct settings *settings, const char *program, const char *board, unsigned lane)
{
    static const char *const modes[] = { "follow", "leader-only", "sidecar" };
    static const char *const kill_modes[] = { "mixed", "group", "process" };
    static struct words words;
    unsigned mode = (unsigned)chance(3), demote_timeout = draw_timeout();
    char **command;
    struct error err;

    words.count = 0;
    put(&words, "soak");
    put(&words, "--service=soak");
    put(&words, "--mode=%s", modes[mode]);
    put(&words, "--promote-timeout=%ums", draw_timeout());
    put(&words, "--demote-timeout=%ums", demote_timeout);
    put(&words, "--stop-timeout=%ums", demote_timeout + RELEASE_MS + draw_timeout());
    put(&words, "--kill-mode=%s", kill_modes[chance(3)]);
    put(&words, "--on-hook-failure=%s", chance_of(800) ? "step-down" : "ignore");
    put_hook(&words, "--on-promote", program, board, lane);
    put_hook(&words, "--on-demote", program, board, lane);
    put_hook(&words, "--on-leader-change", chance_of(800) ? program : "/not/there", board, lane);
    if (mode != MODE_SIDECAR) {
        put(&words, "--");
        put(&words, "%s", program);
        put(&words, "program");
        put(&words, "%u", (unsigned)chance(PROGRAM_TRAITS));
    }
    if (options_parse(settings, words.count, words.list, &command, &err) != 0) {
        fprintf(stderr, "soak: %s\n", err.text);
        abort();
    }
    return command;
}
