/* option_table.h - every option there is, as data; private to the option_*.c files.
 *
 * An option is a flag `--name`, a variable CONSUL_LEADER_NAME and a line `name = value` in a
 * configuration file. An entry without a name is none of these: it is taken from its variables
 * alone, as secrets are.
 */
#ifndef OPTIONS_OPTION_TABLE_H
#define OPTIONS_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/options/settings.h"

enum option_id {
    OPTION_STORE,
    OPTION_HTTP_ADDR,
    OPTION_TOKEN_FILE,
    OPTION_CA_FILE,
    OPTION_CA_PATH,
    OPTION_CLIENT_CERT,
    OPTION_CLIENT_KEY,
    OPTION_TLS_SERVER_NAME,
    OPTION_NAMESPACE,
    OPTION_PARTITION,
    OPTION_SERVICE,
    OPTION_KEY,
    OPTION_INSTANCE,
    OPTION_TTL,
    OPTION_LEASE,
    OPTION_RENEW_INTERVAL,
    OPTION_LOCK_DELAY,
    OPTION_NODE_CHECKS,
    OPTION_PRIMARY_TAG,
    OPTION_REPLICA_TAG,
    OPTION_TAG_SERVICE,
    OPTION_REGISTER,
    OPTION_MODE,
    OPTION_PROMOTE_SIGNAL,
    OPTION_DEMOTE_SIGNAL,
    OPTION_DEMOTE_ACK,
    OPTION_ON_PROMOTE,
    OPTION_ON_DEMOTE,
    OPTION_ON_LEADER_CHANGE,
    OPTION_PROMOTE_TIMEOUT,
    OPTION_DEMOTE_TIMEOUT,
    OPTION_STOP_TIMEOUT,
    OPTION_ON_HOOK_FAILURE,
    OPTION_PROBE,
    OPTION_UNHEALTHY_LEADER,
    OPTION_KILL_SIGNAL,
    OPTION_KILL_MODE,
    OPTION_STOP_SIGNALS,
    OPTION_REWRITE,
    OPTION_RESTART,
    OPTION_RESTART_LIMIT,
    OPTION_EXIT_ON_DEMOTE,
    OPTION_USER,
    OPTION_ALLOW_SETUID,
    OPTION_RUNTIME_DIR,
    OPTION_STATE_DIR,
    OPTION_ROLE_FILE,
    OPTION_LEADER_FILE,
    OPTION_START_TIMEOUT,
    OPTION_LOG_LEVEL,
    OPTION_LOG_FORMAT,
    OPTION_CONFIG,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_TOKEN,
    OPTION_HTTP_SSL,
    OPTION_HTTP_SSL_VERIFY,
    OPTION_HTTP_AUTH,
    OPTION_COUNT,
};

struct option;

/* Puts the text into the option's field of the settings. again: the same source gave this option
 * before, which matters to lists. -1 with `"5x" is not ...`.
 */
typedef int option_parse_value(const struct option *option, struct settings *settings,
                               const char *text, bool again, struct error *err);

struct option {
    const char *name;          /* NULL: of the environment alone */
    const char *placeholder;   /* what the help shows for the value; NULL: takes none */
    option_parse_value *parse; /* NULL: options.c itself acts on it */
    size_t offset;             /* of the field in struct settings */
    size_t size;
    const char *default_value;  /* parsed first of all; NULL: unset */
    const char *default_text;   /* the words for it where the value does not tell */
    const char *const *choices; /* value_choice: index is the enum's value; NULL-terminated */
    uint64_t least_ns, most_ns; /* value_duration */
    const char *variables[3];   /* of the environment, besides its own; the first that is set */
    const char *meaning;        /* a sentence for the help, without its full stop */
};

extern const struct option option_table[OPTION_COUNT];

/* What `auto` is in a duration's field until option_settle() puts the number there. */
#define DURATION_AUTOMATIC UINT64_MAX

/* Whether an option is a flag alone, that is neither read from the environment nor from a file. */
bool option_is_flag_alone(enum option_id id);

#define OPTION_VARIABLE_PREFIX "CONSUL_LEADER_"
#define OPTION_VARIABLE_SIZE   64

/* The option's own variable, CONSUL_LEADER_NAME. Returns variable. */
const char *option_variable(const struct option *option, char variable[OPTION_VARIABLE_SIZE]);

#endif
