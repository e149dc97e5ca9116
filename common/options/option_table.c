#include "common/options/option_table.h"

#include <ctype.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "common/options/option_value.h"

#define FIELD(field)                                                                               \
    .offset = offsetof(struct settings, field), .size = sizeof(((struct settings *)NULL)->field)

#define DAY (24 * 3600)

/* The words of an enum that has so many values, and their end. */
#define EACH_HAS_A_WORD(words, values)                                                             \
    _Static_assert(sizeof words / sizeof *words == (values) + 1, "each value has its word")

static const char *const modes[] = {
    [MODE_FOLLOW] = "follow",
    [MODE_LEADER_ONLY] = "leader-only",
    [MODE_SIDECAR] = "sidecar",
    NULL,
};
EACH_HAS_A_WORD(modes, MODES);

static const char *const log_levels[] = {
    [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error", NULL,
};
EACH_HAS_A_WORD(log_levels, LOG_LEVELS);

static const char *const log_formats[] = {
    [LOG_TEXT] = "text",
    [LOG_JSON] = "json",
    NULL,
};
EACH_HAS_A_WORD(log_formats, LOG_FORMATS);

static const char *const kill_modes[] = {
    [KILL_MIXED] = "mixed",
    [KILL_GROUP] = "group",
    [KILL_PROCESS] = "process",
    NULL,
};
EACH_HAS_A_WORD(kill_modes, KILL_MODES);

static const char *const restarts[] = {
    [RESTART_NEVER] = "never",
    [RESTART_ON_FAILURE] = "on-failure",
    [RESTART_ALWAYS] = "always",
    NULL,
};
EACH_HAS_A_WORD(restarts, RESTARTS);

static const char *const hook_failures[] = {
    [HOOK_FAILURE_STEP_DOWN] = "step-down",
    [HOOK_FAILURE_IGNORE] = "ignore",
    [HOOK_FAILURE_EXIT] = "exit",
    NULL,
};
EACH_HAS_A_WORD(hook_failures, HOOK_FAILURES);

static const char *const unhealthy_leaders[] = {
    [UNHEALTHY_STEP_DOWN] = "step-down",
    [UNHEALTHY_STAY] = "stay",
    [UNHEALTHY_STOP] = "stop",
    NULL,
};
EACH_HAS_A_WORD(unhealthy_leaders, UNHEALTHY_LEADERS);

const struct option option_table[OPTION_COUNT] = {
    [OPTION_STORE] = {
        "store", "STORE", value_store, FIELD(store_path), .default_value = "consul",
        .meaning = "where the lock lives: consul, or file:PATH for the instances of one machine",
    },
    [OPTION_HTTP_ADDR] = {
        "http-addr", "ADDRESS", value_address, FIELD(http_addr),
        .default_value = "127.0.0.1:8500", .variables = { "CONSUL_HTTP_ADDR" },
        .meaning = "the Consul agent: HOST:PORT, http://..., https://... or unix://PATH",
    },
    [OPTION_TOKEN_FILE] = {
        "token-file", "FILE", value_path, FIELD(token_file),
        .variables = { "CONSUL_HTTP_TOKEN_FILE" },
        .meaning = "holds Consul's ACL token, and goes before CONSUL_HTTP_TOKEN",
    },
    [OPTION_CA_FILE] = {
        "ca-file", "FILE", value_path, FIELD(tls.ca_file), .default_text = "the system's",
        .variables = { "CONSUL_CACERT" },
        .meaning = "the authorities that are believed of an agent with https://, PEM",
    },
    [OPTION_CA_PATH] = {
        "ca-path", "FOLDER", value_path, FIELD(tls.ca_path), .variables = { "CONSUL_CAPATH" },
        .meaning = "a folder of such files, named by openssl rehash",
    },
    [OPTION_CLIENT_CERT] = {
        "client-cert", "FILE", value_path, FIELD(tls.client_cert),
        .variables = { "CONSUL_CLIENT_CERT" },
        .meaning = "the certificate that an agent is shown, PEM",
    },
    [OPTION_CLIENT_KEY] = {
        "client-key", "FILE", value_path, FIELD(tls.client_key),
        .variables = { "CONSUL_CLIENT_KEY" },
        .meaning = "its key, PEM",
    },
    [OPTION_TLS_SERVER_NAME] = {
        "tls-server-name", "NAME", value_text, FIELD(tls.server_name),
        .default_text = "the host of the address", .variables = { "CONSUL_TLS_SERVER_NAME" },
        .meaning = "the name that the agent's certificate has to be of",
    },
    [OPTION_NAMESPACE] = {
        "namespace", "NAME", value_text, FIELD(consul_namespace),
        .variables = { "CONSUL_NAMESPACE" },
        .meaning = "Consul Enterprise's namespace",
    },
    [OPTION_PARTITION] = {
        "partition", "NAME", value_text, FIELD(partition), .variables = { "CONSUL_PARTITION" },
        .meaning = "Consul Enterprise's admin partition",
    },
    [OPTION_SERVICE] = {
        "service", "NAME", value_text, FIELD(service), .default_text = "sidecar: consul-leader",
        .variables = { "CONSUL_LEADER_SERVICE_NAME" },
        .meaning = "the service that gets a leader; it is part of the default key",
    },
    [OPTION_KEY] = {
        "key", "KEY", value_text, FIELD(key),
        .default_text = "consul-leader/SERVICE/lock; for the service consul-leader: "
                        "consul-leader/lock",
        .meaning = "the lock's key in Consul; leading slashes are dropped",
    },
    [OPTION_INSTANCE] = {
        "instance", "NAME", value_text, FIELD(instance),
        .default_text = "in Nomad ALLOC_ID/TASK; as PID 1 of a container its host name; else none",
        .meaning = "names the place where this instance runs, the same after each restart",
    },
    [OPTION_TTL] = {
        "ttl", "DURATION", value_duration, FIELD(ttl_ns), .default_value = "10s",
        .least_ns = SECONDS(1), .most_ns = SECONDS(DAY),
        .meaning = "the TTL of Consul's session; Consul allows 10s to 24h unless its servers say "
                   "otherwise",
    },
    [OPTION_LEASE] = {
        "lease", "DURATION", value_auto, FIELD(lease_ns), .default_value = "auto",
        .default_text = "2 x TTL, at most 57s; with a given --lock-delay at most that less 3s, but "
                        "not below the smaller of TTL and 57s",
        .least_ns = MILLISECONDS(500), .most_ns = SECONDS(57),
        .meaning = "how long leadership lasts without a renewal; at most 2 x TTL",
    },
    [OPTION_RENEW_INTERVAL] = {
        "renew-interval", "DURATION", value_auto, FIELD(renew_interval_ns),
        .default_value = "auto", .default_text = "a fifth of the shorter of TTL and lease",
        .least_ns = MILLISECONDS(100), .most_ns = SECONDS(DAY),
        .variables = { "CONSUL_LEADER_SLEEP" },
        .meaning = "how often the session is renewed",
    },
    [OPTION_LOCK_DELAY] = {
        "lock-delay", "DURATION", value_auto, FIELD(lock_delay_ns), .default_value = "auto",
        .default_text = "auto: lease + 3s", .least_ns = 0, .most_ns = SECONDS(60),
        .variables = { "CONSUL_LEADER_LOCKDELAY" },
        .meaning = "how long Consul grants nobody the lock of a session that ended without giving "
                   "it away; less than lease + 3s risks two leaders",
    },
    [OPTION_NODE_CHECKS] = {
        "node-checks", "CHECK,...", value_list, FIELD(node_checks), .default_value = "serfHealth",
        .meaning = "checks of the node that end the session when they fail, or none",
    },
    [OPTION_PRIMARY_TAG] = {
        "primary-tag", "TAG", value_text, FIELD(primary_tag), .default_value = "primary",
        .variables = { "CONSUL_LEADER_PRIMARY_LABEL" },
        .meaning = "tag of the leader's service",
    },
    [OPTION_REPLICA_TAG] = {
        "replica-tag", "TAG", value_text, FIELD(replica_tag),
        .variables = { "CONSUL_LEADER_REPLICA_LABEL" },
        .meaning = "tag of the others' services",
    },
    [OPTION_TAG_SERVICE] = {
        "tag-service", "ID", value_tag_service, FIELD(tag_service), .default_value = "auto",
        .meaning = "the service that is tagged: none, an ID, a prefix of one ending in *, or auto: "
                   "in Nomad, of this allocation's services the one named as --service, else the "
                   "only one; elsewhere the only one of that name on this agent",
    },
    [OPTION_REGISTER] = {
        "register", "[ADDRESS:]PORT", value_endpoint, FIELD(register_address),
        .meaning = "register the service in Consul while the program runs, with a TTL check that "
                   "the probes feed",
    },
    [OPTION_MODE] = {
        "mode", "MODE", value_choice, FIELD(mode), .default_text = "follow; without a command "
        "sidecar", .choices = modes,
        .meaning = "how the command runs: follow: always, and is told of its role; leader-only: "
                   "only while this instance leads; sidecar: there is none",
    },
    [OPTION_PROMOTE_SIGNAL] = {
        "promote-signal", "SIGNAL", value_signal, FIELD(promote_signal),
        .meaning = "sent to the program when it becomes leader (mode follow)",
    },
    [OPTION_DEMOTE_SIGNAL] = {
        "demote-signal", "SIGNAL", value_signal, FIELD(demote_signal),
        .meaning = "sent to the program when it stops being leader (mode follow)",
    },
    [OPTION_DEMOTE_ACK] = {
        "demote-ack", NULL, value_switch, FIELD(demote_ack), .default_value = "false",
        .meaning = "the program answers a demotion: it writes the line demoted to the descriptor "
                   "CONSUL_LEADER_ACK_FD when it acts no more (mode follow)",
    },
    [OPTION_ON_PROMOTE] = {
        "on-promote", "COMMAND", value_hook, FIELD(on_promote),
        .meaning = "hook that is run to become leader: split like shell words, run without a shell",
    },
    [OPTION_ON_DEMOTE] = {
        "on-demote", "COMMAND", value_hook, FIELD(on_demote),
        .meaning = "hook that is run to stop being leader",
    },
    [OPTION_ON_LEADER_CHANGE] = {
        "on-leader-change", "COMMAND", value_hook, FIELD(on_leader_change),
        .meaning = "hook that a follower runs when another instance has become leader",
    },
    [OPTION_PROMOTE_TIMEOUT] = {
        "promote-timeout", "DURATION", value_duration, FIELD(promote_timeout_ns),
        .default_value = "30s", .least_ns = MILLISECONDS(100), .most_ns = SECONDS(DAY),
        .meaning = "how long the whole promotion may take",
    },
    [OPTION_DEMOTE_TIMEOUT] = {
        "demote-timeout", "DURATION", value_duration, FIELD(demote_timeout_ns),
        .default_value = "3s", .least_ns = MILLISECONDS(100), .most_ns = SECONDS(DAY),
        .meaning = "how long the whole demotion may take; what still acts at its end is killed",
    },
    [OPTION_STOP_TIMEOUT] = {
        "stop-timeout", "DURATION", value_duration, FIELD(stop_timeout_ns), .default_value = "4s",
        .least_ns = MILLISECONDS(400), .most_ns = SECONDS(DAY),
        .meaning = "how long a whole planned stop may take, the lock's release included; the "
                   "scheduler's own timeout must be longer",
    },
    [OPTION_ON_HOOK_FAILURE] = {
        "on-hook-failure", "POLICY", value_choice, FIELD(on_hook_failure),
        .default_value = "step-down", .choices = hook_failures,
        .meaning = "what a promote hook that fails costs: step-down: the lead, for a while; ignore: "
                   "nothing; exit: this instance",
    },
    [OPTION_PROBE] = {
        "probe", "PROBE", value_probes, FIELD(probes),
        .meaning = "asks whether the program is well: http://..., https://..., tcp://HOST:PORT, "
                   "exec:COMMAND or consul: (the service's own checks); options behind #, as in "
                   "#interval=5s,timeout=1s,rise=1,fall=3; all that are given must succeed",
    },
    [OPTION_UNHEALTHY_LEADER] = {
        "unhealthy-leader", "POLICY", value_choice, FIELD(unhealthy_leader),
        .default_value = "step-down", .choices = unhealthy_leaders,
        .meaning = "what a leader does whose probes fail: step-down: gives the lead to another "
                   "healthy candidate, where there is one; stay; stop: ends",
    },
    [OPTION_KILL_SIGNAL] = {
        "kill-signal", "SIGNAL", value_signal, FIELD(kill_signal), .default_value = "TERM",
        .meaning = "asks the program to end",
    },
    [OPTION_KILL_MODE] = {
        "kill-mode", "MODE", value_choice, FIELD(kill_mode), .default_value = "mixed",
        .choices = kill_modes,
        .meaning = "who gets the kill signal: mixed: the program, and SIGKILL what it has left; "
                   "group: its process group; process: the program alone, and SIGTERM what it has "
                   "left; all end with SIGKILL to everything",
    },
    [OPTION_STOP_SIGNALS] = {
        "stop-signals", "SIGNAL,...", value_signals, FIELD(stop_signals),
        .default_value = "TERM,INT",
        .meaning = "signals to consul-leader that mean stop; all others are forwarded",
    },
    [OPTION_REWRITE] = {
        "rewrite", "SIGNAL:SIGNAL,...", value_rewrites, FIELD(rewrites),
        .meaning = "what a signal becomes when it is forwarded; SIGNAL:0 drops it",
    },
    [OPTION_RESTART] = {
        "restart", "POLICY", value_choice, FIELD(restart), .default_value = "never",
        .choices = restarts,
        .meaning = "whether a program that ended by itself is started again: never, on-failure, "
                   "always",
    },
    [OPTION_RESTART_LIMIT] = {
        "restart-limit", "COUNT/DURATION", value_restart_limit, FIELD(restart_limit),
        .default_value = "5/1m",
        .meaning = "so many restarts in so much time; the next end is the end of this instance",
    },
    [OPTION_EXIT_ON_DEMOTE] = {
        "exit-on-demote", NULL, value_switch, FIELD(exit_on_demote), .default_value = "false",
        .meaning = "end with status 75 after losing the lead instead of standing again",
    },
    [OPTION_USER] = {
        "user", "NAME[:GROUP]", value_text, FIELD(user), .default_text = "our own",
        .meaning = "who the program and the hooks run as",
    },
    [OPTION_ALLOW_SETUID] = {
        "allow-setuid", NULL, value_switch, FIELD(allow_setuid), .default_value = "false",
        .meaning = "let set-uid programs become another user when we are not root, though we "
                   "cannot kill them then",
    },
    [OPTION_RUNTIME_DIR] = {
        "runtime-dir", "DIRECTORY", value_path, FIELD(runtime_dir),
        .default_text = "the first writable of $RUNTIME_DIRECTORY, /run/consul-leader, "
                        "$XDG_RUNTIME_DIR/consul-leader, /dev/shm/consul-leader-UID",
        .meaning = "where the lease page lies, in memory (tmpfs), and the state when there is no "
                   "state directory",
    },
    [OPTION_STATE_DIR] = {
        "state-dir", "DIRECTORY", value_path, FIELD(state_dir),
        .default_text = "in Nomad $NOMAD_ALLOC_DIR, else the runtime directory",
        .meaning = "keeps the lock of this place and the record of what runs in it, for the "
                   "instance that is started there next; not on a network file system",
    },
    [OPTION_ROLE_FILE] = {
        "role-file", "FILE", value_path, FIELD(role_file),
        .meaning = "is always there, holds the role and is replaced as a whole",
    },
    [OPTION_LEADER_FILE] = {
        "leader-file", "FILE", value_path, FIELD(leader_file),
        .default_text = "sidecar in Nomad: $NOMAD_ALLOC_DIR/$NOMAD_ALLOC_ID",
        .meaning = "is there only while this instance leads",
    },
    [OPTION_START_TIMEOUT] = {
        "start-timeout", "DURATION", value_duration, FIELD(start_timeout_ns),
        .default_value = "0", .default_text = "0: never", .least_ns = 0, .most_ns = SECONDS(DAY),
        .meaning = "give up with status 69 when the store was not reached until then",
    },
    [OPTION_LOG_LEVEL] = {
        "log-level", "LEVEL", value_choice, FIELD(log_level), .default_value = "info",
        .choices = log_levels,
        .meaning = "the least that is logged: debug, info, warn or error",
    },
    [OPTION_LOG_FORMAT] = {
        "log-format", "FORMAT", value_choice, FIELD(log_format), .default_value = "text",
        .choices = log_formats,
        .meaning = "text, or json: an object a line; both go to stderr",
    },
    [OPTION_CONFIG] = {
        "config", "FILE",
        .meaning = "options from a file: a line each, name = value; lines that begin with # are "
                   "comments; lists by repeating",
    },
    [OPTION_HELP] = { "help", .meaning = "print this help" },
    [OPTION_VERSION] = { "version", .meaning = "print the version" },

    [OPTION_TOKEN] = {
        .placeholder = "TOKEN", .parse = value_secret, FIELD(token),
        .variables = { "CONSUL_HTTP_TOKEN", "CONSUL_TOKEN" },
        .meaning = "Consul's ACL token",
    },
    [OPTION_HTTP_SSL] = {
        .placeholder = "BOOLEAN", .parse = value_switch, FIELD(http_ssl),
        .default_value = "false", .variables = { "CONSUL_HTTP_SSL" },
        .meaning = "TLS to the agent where the address does not say https:// itself",
    },
    [OPTION_HTTP_SSL_VERIFY] = {
        .placeholder = "BOOLEAN", .parse = value_switch, FIELD(tls.verify),
        .default_value = "true", .variables = { "CONSUL_HTTP_SSL_VERIFY" },
        .meaning = "whether the agent's certificate is verified",
    },
    [OPTION_HTTP_AUTH] = {
        .placeholder = "USER:PASSWORD", .parse = value_secret, FIELD(http_auth),
        .variables = { "CONSUL_HTTP_AUTH" },
        .meaning = "HTTP basic authentication to the agent",
    },
};

bool option_is_flag_alone(enum option_id id)
{
    return id == OPTION_HELP || id == OPTION_VERSION;
}

const char *option_variable(const struct option *option, char variable[OPTION_VARIABLE_SIZE])
{
    snprintf(variable, OPTION_VARIABLE_SIZE, OPTION_VARIABLE_PREFIX "%s", option->name);
    for (char *character = variable; *character; character++)
        *character = *character == '-' ? '_' : (char)toupper((unsigned char)*character);
    return variable;
}
