#include "common/options/options.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/scope.h"
#include "common/options/option_reading.h"
#include "common/options/option_settle.h"
#include "common/options/option_table.h"

#define PREFIX_LENGTH (sizeof OPTION_VARIABLE_PREFIX - 1)

/* What a consul-leader sets for its program, which may be another consul-leader. */
static const char *const given_to_programs[] = {
    "ROLE",   "OLD_ROLE", "FENCING_TOKEN", "ELECTION",   "SESSION_ID",
    "REASON", "HOLDER",   "PROGRAM_PID",   "LEASE_FILE", "ACK_FD",
};

static int take_defaults(struct option_reading *reading, struct error *err)
{
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const char *text = option_table[id].default_value;

        if (text &&
            option_take(reading, id, (struct option_origin){ .source = SOURCE_DEFAULT }, text, err))
            return -1;
    }
    return 0;
}

/* The option of this name, OPTION_COUNT: none. */
static enum option_id find_option(const char *name, size_t length)
{
    enum option_id id = 0;

    for (; id < OPTION_COUNT; id++) {
        const char *candidate = option_table[id].name;

        if (candidate && strlen(candidate) == length && strncmp(candidate, name, length) == 0)
            break;
    }
    return id;
}

static int print(enum option_id id)
{
    if (id == OPTION_HELP)
        options_print_help(stdout);
    else
        printf("consul-leader %s\n", CONSUL_LEADER_VERSION);
    return 1;
}

/* Reads one flag and, where it is a word of its own, its value, which *next moves over. */
static int read_flag(struct option_reading *reading, const char *flag, char ***next,
                     struct error *err)
{
    const char *equals = strchr(flag, '=');
    int length = (int)(equals ? equals - flag : (ptrdiff_t)strlen(flag));
    enum option_id id = find_option(flag + 2, (size_t)length - 2);
    const struct option_origin origin = { .source = SOURCE_FLAG };

    if (id == OPTION_COUNT)
        return error_set(err, "%.*s: unknown option (--help lists them)", length, flag);
    if (option_is_flag_alone(id))
        return equals ? error_set(err, "%.*s: takes no value", length, flag) : print(id);
    if (equals)
        return option_take(reading, id, origin, equals + 1, err);
    if (!option_table[id].placeholder)
        return option_take(reading, id, origin, "true", err);
    /* A value that looks like a flag is a value that was forgotten. */
    if (!**next || strncmp(**next, "--", 2) == 0)
        return error_set(err, "%s: the value is missing (expected %s)", flag,
                         option_table[id].placeholder);
    return option_take(reading, id, origin, *(*next)++, err);
}

static int read_flags(struct option_reading *reading, char **argv, char ***command,
                      struct error *err)
{
    char **next = *argv ? argv + 1 : argv;

    while (*next) {
        const char *word = *next++;

        if (strcmp(word, "--") == 0) {
            if (!*next)
                return error_set(err, "--: a command is missing behind it (expected "
                                      "consul-leader [OPTION...] -- COMMAND [ARG...])");
            *command = next;
            return 0;
        }
        if (strncmp(word, "--", 2) != 0)
            return error_set(err,
                             "\"%.80s\" is neither an option nor behind -- (expected "
                             "consul-leader [OPTION...] -- COMMAND [ARG...])",
                             word);

        int result = read_flag(reading, word, &next, err);
        if (result != 0)
            return result;
    }
    return 0;
}

/* The value of a variable that is set and not empty, or NULL. */
static const char *variable_value(const char *variable)
{
    const char *value = getenv(variable);

    return value && *value ? value : NULL;
}

static int read_variables(struct option_reading *reading, enum option_id id, struct error *err)
{
    const struct option *option = &option_table[id];
    struct option_origin origin = { .source = SOURCE_ENVIRONMENT };
    char variable[OPTION_VARIABLE_SIZE];
    const char *value = option->name ? variable_value(option_variable(option, variable)) : NULL;

    for (size_t i = 0; !value && option->variables[i]; i++) {
        origin.alias = option->variables[i];
        value = variable_value(origin.alias);
    }
    return value ? option_take(reading, id, origin, value, err) : 0;
}

static bool is_known_variable(const char *variable)
{
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        const struct option *option = &option_table[id];
        char own[OPTION_VARIABLE_SIZE];

        if (option->name && !option_is_flag_alone(id) &&
            strcmp(variable, option_variable(option, own)) == 0)
            return true;
        for (size_t i = 0; option->variables[i]; i++) {
            if (strcmp(variable, option->variables[i]) == 0)
                return true;
        }
    }
    for (size_t i = 0; i < sizeof given_to_programs / sizeof *given_to_programs; i++) {
        if (strcmp(variable + PREFIX_LENGTH, given_to_programs[i]) == 0)
            return true;
    }
    return false;
}

static void warn_of_unknown_variables(void)
{
    for (char **entry = environ; entry && *entry; entry++) {
        char variable[OPTION_VARIABLE_SIZE];
        size_t length = strcspn(*entry, "=");

        if (strncmp(*entry, OPTION_VARIABLE_PREFIX, PREFIX_LENGTH) != 0)
            continue;
        snprintf(variable, sizeof variable, "%.*s", (int)length, *entry);
        if (!is_known_variable(variable))
            log_warn("%s: unknown variable, ignored (--help lists the options)", variable);
    }
}

static int read_environment(struct option_reading *reading, struct error *err)
{
    for (enum option_id id = 0; id < OPTION_COUNT; id++) {
        if (!option_is_flag_alone(id) && read_variables(reading, id, err))
            return -1;
    }
    warn_of_unknown_variables();
    return 0;
}

/* The text without the blanks around it, in its own memory. */
static char *trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    *end = '\0';
    return text;
}

static int read_line(struct option_reading *reading, unsigned line, char *text, struct error *err)
{
    char *equals;
    enum option_id id;

    text = trim(text);
    if (*text == '\0' || *text == '#')
        return 0;
    equals = strchr(text, '=');
    if (!equals)
        return error_set(err, "%s:%u: \"=\" is missing (expected name = value)", reading->config,
                         line);
    *equals = '\0';
    text = trim(text);
    id = find_option(text, strlen(text));
    if (id == OPTION_COUNT || id == OPTION_CONFIG || option_is_flag_alone(id))
        return error_set(err, "%s:%u: \"%.80s\" is no option of a file (--help lists them)",
                         reading->config, line, text);
    return option_take(reading, id, (struct option_origin){ .source = SOURCE_FILE, .line = line },
                       trim(equals + 1), err);
}

static int read_config(struct option_reading *reading, struct error *err)
{
    AUTO_FCLOSE FILE *file = fopen(reading->config, "re");
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    ssize_t length;

    if (!file) {
        error_errno(err, "cannot open \"%.200s\"", reading->config);
        return option_blame(reading, OPTION_CONFIG, err);
    }
    errno = 0;
    for (unsigned line = 1; (length = getline(&text, &size, file)) >= 0; line++) {
        if (strlen(text) != (size_t)length)
            return error_set(err, "%s:%u: has a zero byte in it (expected a text file)",
                             reading->config, line);
        if (read_line(reading, line, text, err))
            return -1;
    }
    if (!feof(file)) {
        error_errno(err, "cannot read \"%.200s\"", reading->config);
        return option_blame(reading, OPTION_CONFIG, err);
    }
    return 0;
}

/* Whatever a value held, what is said of it is one line. */
static void make_one_line(char *text)
{
    for (; *text; text++) {
        if (iscntrl((unsigned char)*text))
            *text = '?';
    }
}

int options_parse(struct settings *settings, int argc, char **argv, char ***command,
                  struct error *err)
{
    struct option_reading reading = { .settings = settings };
    int result;

    (void)argc;
    *command = NULL;
    memset(settings, 0, sizeof *settings);
    result = take_defaults(&reading, err);
    if (result == 0)
        result = read_flags(&reading, argv, command, err);
    if (result == 0)
        result = read_environment(&reading, err);
    if (result == 0 && reading.config)
        result = read_config(&reading, err);
    if (result == 0)
        result = option_settle(&reading, *command != NULL, err);
    if (result < 0)
        make_one_line(err->text);
    return result;
}
