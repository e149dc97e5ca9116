/* settings.h - everything that the operator settled, checked and complete.
 *
 * Plain data without pointers, so that the network process gets it as it is in a sealed memory
 * file. Durations are nanoseconds. A string that is empty is not set.
 */
#ifndef OPTIONS_SETTINGS_H
#define OPTIONS_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/log.h"
#include "common/base/signals.h"
#include "common/options/probe_spec.h"
#include "common/options/tls.h"

enum mode { MODE_FOLLOW, MODE_LEADER_ONLY, MODE_SIDECAR, MODES };

enum store_kind { STORE_CONSUL, STORE_FILE };

/* Who gets the kill signal, and what follows for what the program has started (docs/operating.md).
 */
enum kill_mode { KILL_MIXED, KILL_GROUP, KILL_PROCESS, KILL_MODES };

enum restart { RESTART_NEVER, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTARTS };

/* So many restarts within so much time; count is at most RESTARTS_MAX. */
#define RESTARTS_MAX 100

struct restart_limit {
    unsigned count;
    uint64_t window_ns;
};

/* What a promote hook that fails costs. */
enum hook_failure { HOOK_FAILURE_STEP_DOWN, HOOK_FAILURE_IGNORE, HOOK_FAILURE_EXIT, HOOK_FAILURES };

/* What a leader does whose probes fail. */
enum unhealthy_leader { UNHEALTHY_STEP_DOWN, UNHEALTHY_STAY, UNHEALTHY_STOP, UNHEALTHY_LEADERS };

/* How much faster the store's clock may run than ours. */
#define DRIFT_PPM 1000

#define NAME_SIZE 256
#define HOOK_SIZE 4096

struct settings {
    enum store_kind store;
    char store_path[PATH_MAX]; /* absolute; store file */

    char http_addr[NAME_SIZE]; /* as given: host:port, http://, https://, unix:// */
    char token[NAME_SIZE];     /* secret: from the environment only */
    char token_file[PATH_MAX];
    bool http_ssl; /* CONSUL_HTTP_SSL */
    struct tls tls;
    char http_auth[NAME_SIZE]; /* secret: CONSUL_HTTP_AUTH */
    char consul_namespace[NAME_SIZE];
    char partition[NAME_SIZE];

    char service[NAME_SIZE];
    bool service_given;       /* not the default name */
    char key[2 * NAME_SIZE];  /* the lock; for store file its path */
    char instance[NAME_SIZE]; /* names the place; empty: none */

    uint64_t ttl_ns;
    uint64_t lease_ns;
    uint64_t renew_interval_ns;
    uint64_t lock_delay_ns;
    char node_checks[NAME_SIZE]; /* IDs with a comma between; empty: none */

    char primary_tag[NAME_SIZE];
    char replica_tag[NAME_SIZE];
    char tag_service[NAME_SIZE];      /* auto, none, an ID (with --register ours), a prefix and * */
    char register_address[NAME_SIZE]; /* --register; empty: the agent's */
    unsigned register_port;           /* 0: the service is not ours to register */

    enum mode mode;
    int promote_signal; /* 0: none */
    int demote_signal;
    bool demote_ack;
    char on_promote[HOOK_SIZE];
    char on_demote[HOOK_SIZE];
    char on_leader_change[HOOK_SIZE];
    enum hook_failure on_hook_failure;
    uint64_t promote_timeout_ns;
    uint64_t demote_timeout_ns;
    uint64_t stop_timeout_ns;
    int kill_signal;
    enum kill_mode kill_mode;
    uint64_t stop_signals; /* bit n-1: signal n */
    struct signal_rewrites rewrites;
    enum restart restart;
    struct restart_limit restart_limit;
    bool exit_on_demote;
    char user[NAME_SIZE]; /* NAME[:GROUP] */
    bool allow_setuid;

    char probes[PROBES_TEXT_SIZE]; /* one a line: common/options/probe_spec.h */
    enum unhealthy_leader unhealthy_leader;

    char runtime_dir[PATH_MAX]; /* as given */
    char state_dir[PATH_MAX];
    char role_file[PATH_MAX];
    char leader_file[PATH_MAX];
    uint64_t start_timeout_ns; /* 0: none */

    enum log_level log_level;
    enum log_format log_format;

    /* What Nomad tells its task; empty elsewhere. */
    char nomad_alloc_id[NAME_SIZE];
    char nomad_task_name[NAME_SIZE];
    char nomad_alloc_dir[PATH_MAX];
};

/* How long a request to the store may take before it is given up: a fifth of the shorter of TTL
 * and lease.
 */
uint64_t settings_request_timeout(const struct settings *settings);

/* From the soft deadline to the hard one. */
uint64_t settings_demote_budget(const struct settings *settings);

/* How long the store's servers may be away without a change of leader. */
uint64_t settings_outage(const struct settings *settings);

#endif
