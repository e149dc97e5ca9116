#include "common/options/option_value.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/duration.h"
#include "common/base/scope.h"
#include "common/base/signals.h"
#include "common/base/words.h"

static void *field(const struct option *option, struct settings *settings)
{
    return (char *)settings + option->offset;
}

static bool has_control_character(const char *text)
{
    for (; *text; text++) {
        if (iscntrl((unsigned char)*text))
            return true;
    }
    return false;
}

/* Copies a text into its field; shown: whether a message may quote it. */
static int copy_text(const struct option *option, struct settings *settings, const char *text,
                     bool shown, struct error *err)
{
    const char *quote = shown ? "\"" : "";
    const char *quoted = shown ? text : "the value";

    if (has_control_character(text))
        return error_set(err, "%s%.80s%s has a control character in it (expected plain text)",
                         quote, quoted, quote);
    if (strlen(text) >= option->size)
        return error_set(err, "%s%.80s%s is too long (expected at most %zu bytes)", quote, quoted,
                         quote, option->size - 1);
    strcpy(field(option, settings), text);
    return 0;
}

int value_text(const struct option *option, struct settings *settings, const char *text, bool again,
               struct error *err)
{
    (void)again;
    return copy_text(option, settings, text, true, err);
}

int value_secret(const struct option *option, struct settings *settings, const char *text,
                 bool again, struct error *err)
{
    (void)again;
    return copy_text(option, settings, text, false, err);
}

/* Adds one element to the comma-separated list. */
static int list_add(const struct option *option, char *list, const char *element, size_t length,
                    struct error *err)
{
    size_t used = strlen(list);
    size_t comma = used > 0;

    if (length == 0)
        return error_set(err, "an element of the list is empty (expected %s)", option->placeholder);
    if (used + comma + length >= option->size)
        return error_set(err, "the list is too long (expected at most %zu bytes)",
                         option->size - 1);
    snprintf(list + used, option->size - used, "%s%.*s", comma ? "," : "", (int)length, element);
    return 0;
}

int value_list(const struct option *option, struct settings *settings, const char *text, bool again,
               struct error *err)
{
    char *list = field(option, settings);

    if (has_control_character(text))
        return error_set(err, "\"%.80s\" has a control character in it (expected plain text)",
                         text);
    if (!again)
        *list = '\0';
    if (strcmp(text, "none") == 0) {
        *list = '\0';
        return 0;
    }
    for (;;) {
        const char *end = strchrnul(text, ',');
        const char *start = text + strspn(text, " ");
        size_t length = (size_t)(end - start);

        while (length > 0 && start[length - 1] == ' ')
            length--;
        if (length == strlen("none") && strncmp(start, "none", length) == 0)
            return error_set(err, "\"none\" stands alone (expected none or %s)",
                             option->placeholder);
        if (list_add(option, list, start, length, err))
            return -1;
        if (*end == '\0')
            return 0;
        text = end + 1;
    }
}

int value_choice(const struct option *option, struct settings *settings, const char *text,
                 bool again, struct error *err)
{
    (void)again;
    for (int i = 0; option->choices[i]; i++) {
        if (strcmp(text, option->choices[i]) == 0) {
            memcpy(field(option, settings), &i, option->size);
            return 0;
        }
    }
    error_set(err, "\"%.80s\" is unknown (expected one of:", text);
    for (int i = 0; option->choices[i]; i++) {
        size_t length = strlen(err->text);

        snprintf(err->text + length, sizeof err->text - length, " %s%s", option->choices[i],
                 option->choices[i + 1] ? "," : ")");
    }
    return -1;
}

int value_switch(const struct option *option, struct settings *settings, const char *text,
                 bool again, struct error *err)
{
    static const char *const words[2][6] = {
        { "false", "0", "f", "F", "FALSE", "False" },
        { "true", "1", "t", "T", "TRUE", "True" },
    };

    (void)again;
    for (int value = 0; value < 2; value++) {
        for (size_t i = 0; i < sizeof words[value] / sizeof *words[value]; i++) {
            if (strcmp(text, words[value][i]) == 0) {
                *(bool *)field(option, settings) = value;
                return 0;
            }
        }
    }
    return error_set(err, "\"%.80s\" is not a boolean (expected true or false)", text);
}

int value_duration(const struct option *option, struct settings *settings, const char *text,
                   bool again, struct error *err)
{
    uint64_t duration_ns;

    (void)again;
    if (duration_parse(text, &duration_ns, err))
        return -1;
    if (duration_ns < option->least_ns || duration_ns > option->most_ns) {
        char least[DURATION_TEXT_SIZE], most[DURATION_TEXT_SIZE];

        return error_set(err, "\"%.80s\" is out of range (expected %s to %s)", text,
                         duration_format(option->least_ns, least),
                         duration_format(option->most_ns, most));
    }
    *(uint64_t *)field(option, settings) = duration_ns;
    return 0;
}

int value_auto(const struct option *option, struct settings *settings, const char *text, bool again,
               struct error *err)
{
    if (strcmp(text, "auto") != 0)
        return value_duration(option, settings, text, again, err);
    *(uint64_t *)field(option, settings) = DURATION_AUTOMATIC;
    return 0;
}

int value_signal(const struct option *option, struct settings *settings, const char *text,
                 bool again, struct error *err)
{
    (void)again;
    return signal_parse(text, field(option, settings), err);
}

int value_signals(const struct option *option, struct settings *settings, const char *text,
                  bool again, struct error *err)
{
    uint64_t *mask = field(option, settings);
    uint64_t read = again ? *mask : 0;

    if (signals_parse(text, &read, err))
        return -1;
    *mask = read;
    return 0;
}

int value_rewrites(const struct option *option, struct settings *settings, const char *text,
                   bool again, struct error *err)
{
    struct signal_rewrites *rewrites = field(option, settings);
    struct signal_rewrites read = { 0 };

    if (again)
        read = *rewrites;
    if (signal_rewrites_parse(text, &read, err))
        return -1;
    *rewrites = read;
    return 0;
}

/* A number of decimal digits; -1: it is none, or out of range. */
static long read_number(const char *text, size_t length, long least, long most)
{
    char *end;

    if (length == 0 || length > 9 || !isdigit((unsigned char)*text))
        return -1;
    long number = strtol(text, &end, 10);
    return end == text + length && number >= least && number <= most ? number : -1;
}

int value_restart_limit(const struct option *option, struct settings *settings, const char *text,
                        bool again, struct error *err)
{
    struct restart_limit *limit = field(option, settings);
    size_t length = strcspn(text, "/");
    long count = read_number(text, length, 0, RESTARTS_MAX);
    uint64_t window_ns;

    (void)again;
    if (count < 0 || text[length] != '/')
        return error_set(err,
                         "\"%.80s\" is not COUNT/DURATION (expected for example 5/1m, at most "
                         "%d/...)",
                         text, RESTARTS_MAX);
    if (duration_parse(text + length + 1, &window_ns, err))
        return -1;
    if (window_ns == 0)
        return error_set(err, "\"%.80s\" has no time (expected for example 5/1m)", text);
    *limit = (struct restart_limit){ .count = (unsigned)count, .window_ns = window_ns };
    return 0;
}

static size_t count_lines(const char *text)
{
    size_t count = *text != '\0';

    for (; *text; text++)
        count += *text == '\n';
    return count;
}

/* A variable holds several, one a line, as a flag holds one. */
int value_probes(const struct option *option, struct settings *settings, const char *text,
                 bool again, struct error *err)
{
    char *probes = field(option, settings), word[PROBE_TEXT_SIZE];
    struct probe_spec spec;

    if (!again)
        *probes = '\0';
    for (size_t i = 0; probe_text_find(text, i, word); i++) {
        size_t used = strlen(probes);

        if (word[0] != '\0' && probe_spec_parse(word, &spec, err))
            return -1;
        if (word[0] == '\0')
            continue;
        if (has_control_character(word))
            return error_set(err, "\"%.80s\" has a control character in it (expected plain text)",
                             word);
        if (used + 1 + strlen(word) >= option->size || count_lines(probes) == PROBES_MAX)
            return error_set(err, "there are too many (expected at most %d, of together %zu bytes)",
                             PROBES_MAX, option->size - 1);
        snprintf(probes + used, option->size - used, "%s%s", used > 0 ? "\n" : "", word);
    }
    return *text ? 0 : error_set(err, "\"\" is not a probe (expected %s)", option->placeholder);
}

int value_endpoint(const struct option *option, struct settings *settings, const char *text,
                   bool again, struct error *err)
{
    const char *colon = strrchr(text, ':');
    const char *port_text = colon ? colon + 1 : text;
    long port = read_number(port_text, strlen(port_text), 1, UINT16_MAX);
    bool bracketed = colon && *text == '[' && colon[-1] == ']';
    const char *address = bracketed ? text + 1 : text;
    int length = colon ? (int)(colon - address) - bracketed : 0;

    (void)again;
    if (port < 0 || (colon && length <= 0) || strpbrk(text, " \t/") ||
        (colon && !bracketed && strchr(text, ':') != colon))
        return error_set(err,
                         "\"%.80s\" is not PORT or ADDRESS:PORT (expected for example 6379, "
                         "10.0.0.1:6379, [::1]:6379)",
                         text);
    if (has_control_character(text) || (size_t)length >= option->size)
        return error_set(err,
                         "\"%.80s\" has an address that cannot be (expected plain text of at "
                         "most %zu bytes)",
                         text, option->size - 1);
    snprintf(field(option, settings), option->size, "%.*s", length, address);
    settings->register_port = (unsigned)port;
    return 0;
}

int value_hook(const struct option *option, struct settings *settings, const char *text, bool again,
               struct error *err)
{
    AUTO_FREE char **words = NULL;

    (void)again;
    if (words_split(text, &words, err))
        return -1;
    if (strlen(text) >= option->size)
        return error_set(err, "\"%.80s\" is too long (expected at most %zu bytes)", text,
                         option->size - 1);
    strcpy(field(option, settings), text);
    return 0;
}

/* Writes the path from the root, links in its folders resolved: two spellings of one file shall
 * be one lock by name as well. A folder that is not there is for options_check_files() to report.
 */
static int make_absolute(char absolute[PATH_MAX], const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    AUTO_FREE char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    AUTO_FREE char *real_folder = folder ? realpath(folder, NULL) : NULL;
    AUTO_FREE char *here = getcwd(NULL, 0);
    int length;

    if (!folder)
        return error_set(err, "out of memory");
    if (real_folder)
        length = snprintf(absolute, PATH_MAX, "%s/%s",
                          strcmp(real_folder, "/") == 0 ? "" : real_folder, name);
    else if (*path == '/' || !here)
        length = snprintf(absolute, PATH_MAX, "%s", path);
    else
        length = snprintf(absolute, PATH_MAX, "%s/%s", here, path);
    if (length >= PATH_MAX)
        return error_set(err, "\"%.80s\" is too long a path", path);
    return 0;
}

int value_path(const struct option *option, struct settings *settings, const char *text, bool again,
               struct error *err)
{
    (void)again;
    if (has_control_character(text))
        return error_set(err, "\"%.80s\" has a control character in it (expected plain text)",
                         text);
    if (strlen(text) >= option->size)
        return error_set(err, "\"%.80s\" is too long (expected at most %zu bytes)", text,
                         option->size - 1);
    return make_absolute(field(option, settings), text, err);
}

int value_store(const struct option *option, struct settings *settings, const char *text,
                bool again, struct error *err)
{
    const char *path = strncmp(text, "file:", 5) == 0 ? text + 5 : NULL;

    (void)option;
    (void)again;
    if (strcmp(text, "consul") == 0) {
        settings->store = STORE_CONSUL;
        *settings->store_path = '\0';
        return 0;
    }
    if (!path || !*path)
        return error_set(err, "\"%.80s\" is not a store (expected consul or file:PATH)", text);
    if (has_control_character(path))
        return error_set(err, "\"%.80s\" has a control character in it (expected plain text)",
                         text);
    if (path[strlen(path) - 1] == '/')
        return error_set(err, "\"%.80s\" names a directory (expected file:PATH of a file)", text);
    settings->store = STORE_FILE;
    return make_absolute(settings->store_path, path, err);
}

/* What of an address is HOST[:PORT]: from where it begins up to the path. */
static bool is_host_and_port(const char *text, size_t length)
{
    char authority[NAME_SIZE];
    char *port, *bracket;
    char *end;

    if (length == 0 || length >= sizeof authority)
        return false;
    memcpy(authority, text, length);
    authority[length] = '\0';

    bracket = *authority == '[' ? strchr(authority, ']') : NULL; /* an IPv6 address */
    if (*authority == '[' && (!bracket || (bracket[1] && bracket[1] != ':')))
        return false;
    port = strchr(bracket ? bracket : authority, ':');
    if (port == authority || strpbrk(authority, " ?#"))
        return false;
    if (!port)
        return true;
    if (!isdigit((unsigned char)port[1]))
        return false;

    unsigned long number = strtoul(port + 1, &end, 10);
    return *end == '\0' && number > 0 && number <= 65535;
}

int value_address(const struct option *option, struct settings *settings, const char *text,
                  bool again, struct error *err)
{
    static const char expected[] = "expected HOST:PORT, http://..., https://... or unix://PATH";
    const char *separator = strstr(text, "://");
    size_t scheme = separator ? (size_t)(separator - text) : 0;
    const char *authority = separator ? separator + 3 : text;
    size_t length = strcspn(authority, "/");

    (void)again;
    if (separator && scheme == 4 && strncmp(text, "unix", scheme) == 0) {
        if (!*authority)
            return error_set(err, "\"%.80s\" has no path (%s)", text, expected);
        return copy_text(option, settings, text, true, err);
    }
    /* Such an address would show a password to all who can list processes. */
    if (memchr(authority, '@', length))
        return error_set(err, "a user and password do not belong in an address (expected them in "
                              "CONSUL_HTTP_AUTH)");
    if (separator && !(scheme == 4 && strncmp(text, "http", scheme) == 0) &&
        !(scheme == 5 && strncmp(text, "https", scheme) == 0))
        return error_set(err, "\"%.80s\" has an unknown scheme (%s)", text, expected);
    if (!is_host_and_port(authority, length) || (!separator && authority[length]))
        return error_set(err, "\"%.80s\" is not an address (%s)", text, expected);
    return copy_text(option, settings, text, true, err);
}

int value_tag_service(const struct option *option, struct settings *settings, const char *text,
                      bool again, struct error *err)
{
    const char *star = strchr(text, '*');

    (void)again;
    if (star && (star == text || star[1]))
        return error_set(err,
                         "\"%.80s\" has its * not at the end of a prefix (expected auto, none, "
                         "an ID, or a prefix ending in *)",
                         text);
    return copy_text(option, settings, text, true, err);
}
