#include "common/base/signals.h"

#include <ctype.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct named_signal {
    const char *name;
    int number;
};

/* Where a number has two names the first is the one that we write. */
static const struct named_signal named_signals[] = {
    { "HUP", SIGHUP },       { "INT", SIGINT },     { "QUIT", SIGQUIT }, { "ILL", SIGILL },
    { "TRAP", SIGTRAP },     { "ABRT", SIGABRT },   { "IOT", SIGABRT },  { "BUS", SIGBUS },
    { "FPE", SIGFPE },       { "KILL", SIGKILL },   { "USR1", SIGUSR1 }, { "SEGV", SIGSEGV },
    { "USR2", SIGUSR2 },     { "PIPE", SIGPIPE },   { "ALRM", SIGALRM }, { "TERM", SIGTERM },
    { "STKFLT", SIGSTKFLT }, { "CHLD", SIGCHLD },   { "CLD", SIGCHLD },  { "CONT", SIGCONT },
    { "STOP", SIGSTOP },     { "TSTP", SIGTSTP },   { "TTIN", SIGTTIN }, { "TTOU", SIGTTOU },
    { "URG", SIGURG },       { "XCPU", SIGXCPU },   { "XFSZ", SIGXFSZ }, { "VTALRM", SIGVTALRM },
    { "PROF", SIGPROF },     { "WINCH", SIGWINCH }, { "IO", SIGIO },     { "POLL", SIGIO },
    { "PWR", SIGPWR },       { "SYS", SIGSYS },
};

static const size_t named_signal_count = sizeof named_signals / sizeof *named_signals;

struct refused_signal {
    int number;
    const char *reason;
};

static const struct refused_signal refused_signals[] = {
    { SIGKILL, "cannot be caught" },
    { SIGSTOP, "cannot be caught" },
    { SIGCHLD, "only tells of children that ended" },
};

static const struct named_signal *find_number(int number)
{
    for (size_t i = 0; i < named_signal_count; i++) {
        if (named_signals[i].number == number)
            return &named_signals[i];
    }
    return NULL;
}

static bool is_real_time(int number)
{
    return number >= SIGRTMIN && number <= SIGRTMAX;
}

/* A number of one or two digits that ends the text; -1: it is something else. */
static int read_small_number(const char *text)
{
    size_t length = strspn(text, "0123456789");

    return length >= 1 && length <= 2 && text[length] == '\0' ? atoi(text) : -1;
}

/* What follows RTMIN or RTMAX: nothing, or the sign and a number. */
static int read_real_time(const char *text, int base, char sign)
{
    int offset = *text == '\0' ? 0 : *text == sign ? read_small_number(text + 1) : -1;

    if (offset < 0)
        return -1;

    int number = sign == '+' ? base + offset : base - offset;
    return is_real_time(number) ? number : -1;
}

/* The number of a signal, or -1. */
static int find_signal(const char *text)
{
    if (isdigit((unsigned char)*text)) {
        int number = read_small_number(text);

        return find_number(number) || is_real_time(number) ? number : -1;
    }
    if (strncasecmp(text, "SIG", 3) == 0)
        text += 3;
    if (strncasecmp(text, "RTMIN", 5) == 0)
        return read_real_time(text + 5, SIGRTMIN, '+');
    if (strncasecmp(text, "RTMAX", 5) == 0)
        return read_real_time(text + 5, SIGRTMAX, '-');
    for (size_t i = 0; i < named_signal_count; i++) {
        if (strcasecmp(text, named_signals[i].name) == 0)
            return named_signals[i].number;
    }
    return -1;
}

int signal_parse(const char *text, int *number, struct error *err)
{
    int found = find_signal(text);

    if (found < 0)
        return error_set(
            err, "\"%.80s\" is not a signal (expected for example TERM, SIGUSR1, 10, RTMIN+3)",
            text);
    *number = found;
    return 0;
}

const char *signal_name(int number, char name[SIGNAL_NAME_SIZE])
{
    const struct named_signal *named = find_number(number);

    if (named)
        snprintf(name, SIGNAL_NAME_SIZE, "%s", named->name);
    else if (number == SIGRTMIN)
        snprintf(name, SIGNAL_NAME_SIZE, "RTMIN");
    else if (is_real_time(number))
        snprintf(name, SIGNAL_NAME_SIZE, "RTMIN+%d", number - SIGRTMIN);
    else
        snprintf(name, SIGNAL_NAME_SIZE, "%d", number);
    return name;
}

static int check_caught(const char *text, int number, const char *expected, struct error *err)
{
    for (size_t i = 0; i < sizeof refused_signals / sizeof *refused_signals; i++) {
        if (refused_signals[i].number == number)
            return error_set(err, "\"%s\" %s (expected for example %s)", text,
                             refused_signals[i].reason, expected);
    }
    return 0;
}

#define WORD_SIZE (2 * SIGNAL_NAME_SIZE + 2)

/* Takes the next word of a comma-separated list, without the blanks around it. Returns what follows
 * its comma; NULL: it was the last.
 */
static const char *take_word(const char *text, char word[WORD_SIZE])
{
    const char *end = strchrnul(text, ',');
    const char *start = text + strspn(text, " ");
    size_t length = (size_t)(end - start);

    while (length > 0 && start[length - 1] == ' ')
        length--;
    if (length >= WORD_SIZE)
        length = WORD_SIZE - 1; /* too long for a name: it is shown cut, and no signal */
    memcpy(word, start, length);
    word[length] = '\0';
    return *end == ',' ? end + 1 : NULL;
}

int signals_parse(const char *text, uint64_t *mask, struct error *err)
{
    uint64_t read = 0;

    while (text) {
        char word[WORD_SIZE];
        int number = 0;

        text = take_word(text, word);
        if (signal_parse(word, &number, err) || check_caught(word, number, "TERM,INT", err))
            return -1;
        read |= SIGNAL_BIT(number);
    }
    *mask |= read;
    return 0;
}

static int parse_rewrite(char *word, struct signal_rewrites *rewrites, struct error *err)
{
    char *to_text = strchr(word, ':');
    int from = 0, to = SIGNAL_DROPPED;

    if (!to_text)
        return error_set(
            err, "\"%.80s\" is not SIGNAL:SIGNAL (expected for example HUP:USR1, WINCH:0)", word);
    *to_text++ = '\0';
    if (signal_parse(word, &from, err) || check_caught(word, from, "HUP:USR1", err))
        return -1;
    if (strcmp(to_text, "0") != 0 && signal_parse(to_text, &to, err))
        return -1;
    if (rewrites->to[from] != 0)
        return error_set(err, "\"%s\" is rewritten twice", word);
    rewrites->to[from] = (uint8_t)to;
    return 0;
}

int signal_rewrites_parse(const char *text, struct signal_rewrites *rewrites, struct error *err)
{
    while (text) {
        char word[WORD_SIZE];

        text = take_word(text, word);
        if (parse_rewrite(word, rewrites, err))
            return -1;
    }
    return 0;
}

int signal_rewritten(const struct signal_rewrites *rewrites, int number)
{
    int to = rewrites->to[number];

    return to == 0 ? number : to == SIGNAL_DROPPED ? 0 : to;
}
