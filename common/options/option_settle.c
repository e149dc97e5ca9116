#include "common/options/option_settle.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/options/option_times.h"

#define DEFAULT_SERVICE "consul-leader"

/* Copies what the environment says into a field, if it says anything. */
static int copy_variable(char *field, size_t size, const char *variable, struct error *err)
{
    const char *value = getenv(variable);

    if (!value)
        return 0;
    if (strlen(value) >= size)
        return error_set(err, "%s: \"%.80s\" is too long (expected at most %zu bytes)", variable,
                         value, size - 1);
    strcpy(field, value);
    return 0;
}

/* Joins two texts into a field of the settings that is left as it is when one is empty. */
static int join(char *field, size_t size, const char *left, const char *between, const char *right,
                struct error *err)
{
    if (!*left || !*right)
        return 0;
    if ((size_t)snprintf(field, size, "%s%s%s", left, between, right) >= size)
        return error_set(err, "\"%.80s%s%.80s\" is too long (expected at most %zu bytes)", left,
                         between, right, size - 1);
    return 0;
}

static int settle_mode(struct option_reading *reading, bool has_command, struct error *err)
{
    struct settings *settings = reading->settings;

    if (!option_is_given(reading, OPTION_MODE))
        settings->mode = has_command ? MODE_FOLLOW : MODE_SIDECAR;
    if (has_command && settings->mode == MODE_SIDECAR)
        return option_refuse(reading, OPTION_MODE, err,
                             "\"sidecar\" takes no command (expected follow or leader-only)");
    if (!has_command && settings->mode != MODE_SIDECAR)
        return option_refuse(reading, OPTION_MODE, err,
                             "\"%s\" needs a command behind -- (without one: sidecar)",
                             settings->mode == MODE_FOLLOW ? "follow" : "leader-only");
    if (settings->mode == MODE_FOLLOW)
        return 0;
    if (settings->promote_signal)
        return option_refuse(reading, OPTION_PROMOTE_SIGNAL, err,
                             "needs the mode follow, in which the program always runs");
    if (settings->demote_signal)
        return option_refuse(reading, OPTION_DEMOTE_SIGNAL, err,
                             "needs the mode follow, in which the program always runs");
    if (settings->demote_ack)
        return option_refuse(reading, OPTION_DEMOTE_ACK, err,
                             "needs the mode follow, in which the program always runs");
    return 0;
}

static int settle_service(struct option_reading *reading, bool has_command, struct error *err)
{
    struct settings *settings = reading->settings;

    settings->service_given = option_is_given(reading, OPTION_SERVICE);
    if (settings->store == STORE_CONSUL && has_command && !settings->service_given &&
        !option_is_given(reading, OPTION_KEY))
        return error_set(err, "--service or --key is required with a command, so that two "
                              "unrelated programs never share a lock by accident");
    if (!settings->service_given)
        strcpy(settings->service, DEFAULT_SERVICE);
    return 0;
}

/* The operator's own key, without leading slashes. */
static int settle_given_key(struct option_reading *reading, struct error *err)
{
    char *key = reading->settings->key;
    size_t slashes = strspn(key, "/");
    size_t length = strlen(key + slashes);

    if (reading->settings->store == STORE_FILE)
        return option_refuse(reading, OPTION_KEY, err,
                             "\"%.80s\" cannot be used with a file store, whose lock is the file",
                             key);
    if (length == 0)
        return option_refuse(reading, OPTION_KEY, err,
                             "\"%.80s\" is empty without its slashes (expected for example a/b)",
                             key);
    if (key[slashes + length - 1] == '/')
        return option_refuse(reading, OPTION_KEY, err,
                             "\"%.80s\" ends in a slash (expected for example a/b)", key);
    memmove(key, key + slashes, length + 1);
    return 0;
}

static int settle_key(struct option_reading *reading, struct error *err)
{
    struct settings *settings = reading->settings;

    if (option_is_given(reading, OPTION_KEY))
        return settle_given_key(reading, err);
    if (settings->store == STORE_FILE) {
        if (strlen(settings->store_path) >= sizeof settings->key)
            return option_refuse(reading, OPTION_STORE, err,
                                 "\"%.80s...\" is too long (expected a path of at most %zu bytes)",
                                 settings->store_path, sizeof settings->key - 1);
        strcpy(settings->key, settings->store_path);
        return 0;
    }
    if (strcmp(settings->service, DEFAULT_SERVICE) == 0)
        strcpy(settings->key, "consul-leader/lock");
    else
        snprintf(settings->key, sizeof settings->key, "consul-leader/%s/lock", settings->service);
    return 0;
}

/* A file's lock has no service beside it, unless the operator names one. */
static int settle_tags(struct option_reading *reading, struct error *err)
{
    struct settings *settings = reading->settings;

    if (strcmp(settings->primary_tag, settings->replica_tag) == 0)
        return option_refuse(
            reading,
            option_is_given(reading, OPTION_PRIMARY_TAG) ? OPTION_PRIMARY_TAG : OPTION_REPLICA_TAG,
            err, "\"%.80s\" is the tag of both roles (expected two tags)", settings->primary_tag);
    if (settings->store == STORE_FILE && !option_is_given(reading, OPTION_TAG_SERVICE))
        strcpy(settings->tag_service, "none");
    return 0;
}

/* What Nomad and the container tell of the place that we run in. */
static int settle_place(struct option_reading *reading, struct error *err)
{
    struct settings *settings = reading->settings;

    if (copy_variable(settings->nomad_alloc_id, sizeof settings->nomad_alloc_id, "NOMAD_ALLOC_ID",
                      err) ||
        copy_variable(settings->nomad_alloc_dir, sizeof settings->nomad_alloc_dir,
                      "NOMAD_ALLOC_DIR", err) ||
        copy_variable(settings->nomad_task_name, sizeof settings->nomad_task_name,
                      "NOMAD_TASK_NAME", err))
        return -1;

    if (!option_is_given(reading, OPTION_INSTANCE)) {
        if (*settings->nomad_alloc_id && *settings->nomad_task_name) {
            if (join(settings->instance, sizeof settings->instance, settings->nomad_alloc_id, "/",
                     settings->nomad_task_name, err))
                return option_blame(reading, OPTION_INSTANCE, err);
        } else if (getpid() == 1) {
            if (gethostname(settings->instance, sizeof settings->instance - 1))
                return error_errno(err, "--instance: cannot read the host's name");
        }
    }
    if (!option_is_given(reading, OPTION_STATE_DIR) && *settings->nomad_alloc_id)
        strcpy(settings->state_dir, settings->nomad_alloc_dir);
    _Static_assert(sizeof settings->state_dir == sizeof settings->nomad_alloc_dir, "it fits");
    if (!option_is_given(reading, OPTION_LEADER_FILE) && settings->mode == MODE_SIDECAR &&
        join(settings->leader_file, sizeof settings->leader_file, settings->nomad_alloc_dir, "/",
             settings->nomad_alloc_id, err))
        return option_blame(reading, OPTION_LEADER_FILE, err);
    return 0;
}

static int settle_signals(struct option_reading *reading, struct error *err)
{
    const struct settings *settings = reading->settings;
    char name[SIGNAL_NAME_SIZE];

    for (int number = 1; number <= SIGRTMAX; number++)
        if (settings->rewrites.to[number] != 0 && settings->stop_signals & SIGNAL_BIT(number))
            return option_refuse(reading, OPTION_REWRITE, err,
                                 "\"%s\" is a stop signal and not forwarded (expected another, or "
                                 "--stop-signals without it)",
                                 signal_name(number, name));
    return 0;
}

static int settle_restart(struct option_reading *reading, struct error *err)
{
    const struct settings *settings = reading->settings;

    if (settings->restart != RESTART_NEVER && settings->mode == MODE_SIDECAR)
        return option_refuse(reading, OPTION_RESTART, err, "needs a command behind --");
    return 0;
}

/* What we register is what is tagged; its ID is the same after each restart, and of this address
 * alone.
 */
static int name_own_service(struct option_reading *reading, struct error *err)
{
    struct settings *settings = reading->settings;
    const char *address = settings->register_address;
    int length = snprintf(settings->tag_service, sizeof settings->tag_service, "%s%s%s-%u",
                          settings->service, address[0] != '\0' ? "-" : "", address,
                          settings->register_port);

    if (length >= (int)sizeof settings->tag_service)
        return option_refuse(reading, OPTION_SERVICE, err,
                             "\"%.80s...\" is too long to be registered", settings->service);
    return 0;
}

static int settle_probes(struct option_reading *reading, struct error *err)
{
    const struct settings *settings = reading->settings;

    if (!probe_text_has(settings->probes, PROBE_CONSUL))
        return 0;
    if (settings->store == STORE_FILE)
        return option_refuse(reading, OPTION_PROBE, err,
                             "\"consul:\" needs the store consul (--store)");
    if (settings->register_port != 0)
        return option_refuse(reading, OPTION_PROBE, err,
                             "\"consul:\" would ask for the check that --register feeds from it");
    if (strcmp(settings->tag_service, "none") == 0)
        return option_refuse(reading, OPTION_PROBE, err,
                             "\"consul:\" asks for the service that is tagged, and none is "
                             "(--tag-service)");
    return 0;
}

static int settle_registration(struct option_reading *reading, struct error *err)
{
    const struct settings *settings = reading->settings;

    if (settings->register_port == 0)
        return 0;
    if (settings->store == STORE_FILE)
        return option_refuse(reading, OPTION_REGISTER, err, "needs the store consul (--store)");
    if (option_is_given(reading, OPTION_TAG_SERVICE))
        return option_refuse(reading, OPTION_TAG_SERVICE, err,
                             "cannot be used with --register, whose service is the one that is "
                             "tagged");
    return name_own_service(reading, err);
}

static int settle_tls(struct option_reading *reading, struct error *err)
{
    const struct tls *tls = &reading->settings->tls;

    if (tls->client_cert[0] != '\0' && tls->client_key[0] == '\0')
        return option_refuse(reading, OPTION_CLIENT_CERT, err, "needs its key (--client-key)");
    if (tls->client_key[0] != '\0' && tls->client_cert[0] == '\0')
        return option_refuse(reading, OPTION_CLIENT_KEY, err,
                             "needs its certificate (--client-cert)");
    return 0;
}

int option_settle(struct option_reading *reading, bool has_command, struct error *err)
{
    if (settle_mode(reading, has_command, err) || settle_service(reading, has_command, err) ||
        settle_key(reading, err) || settle_tags(reading, err) || settle_place(reading, err) ||
        settle_signals(reading, err) || settle_restart(reading, err) ||
        settle_probes(reading, err) || settle_registration(reading, err) ||
        settle_tls(reading, err))
        return -1;
    return option_settle_times(reading, err);
}
