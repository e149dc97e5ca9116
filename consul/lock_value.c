#include "consul/lock_value.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/options/options.h"

void lock_identity_init(struct lock_identity *identity, const struct settings *settings)
{
    memset(identity, 0, sizeof *identity);
    identity->pid = (uint64_t)getppid();
    gethostname(identity->node, sizeof identity->node - 1);
    _Static_assert(sizeof identity->instance == sizeof settings->instance &&
                       sizeof identity->allocation == sizeof settings->nomad_alloc_id,
                   "they fit");
    if (settings->instance[0] != '\0')
        strcpy(identity->instance, settings->instance);
    else
        snprintf(identity->instance, sizeof identity->instance, "%.200s/%d", identity->node,
                 (int)getppid());
    strcpy(identity->allocation, settings->nomad_alloc_id);
    if (settings->register_port != 0)
        lock_identity_describe(identity, settings->tag_service, settings->register_address,
                               settings->register_port);
}

bool lock_identity_describe(struct lock_identity *identity, const char *service_id,
                            const char *host, unsigned port)
{
    struct lock_identity former = *identity;
    const char *name = host[0] != '\0' ? host : identity->node;
    bool is_ipv6 = strchr(name, ':') != NULL;

    snprintf(identity->service_id, sizeof identity->service_id, "%s", service_id);
    int length =
        snprintf(identity->address, sizeof identity->address, is_ipv6 ? "[%s]" : "%s", name);
    if (port != 0 && length < NAME_SIZE)
        snprintf(identity->address + length, (size_t)(NAME_SIZE - length), ":%u", port);
    return strcmp(former.address, identity->address) != 0 ||
           strcmp(former.service_id, identity->service_id) != 0;
}

void lock_value_time(char text[LOCK_VALUE_TIME_SIZE])
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t length = strftime(text, LOCK_VALUE_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + length, LOCK_VALUE_TIME_SIZE - length, ".%03ldZ", now.tv_nsec / 1000000);
}

struct json_object *lock_value_read(const char *value, size_t length)
{
    struct json_object *object = json_read(value, length);

    if (json_number(object, "format") >= LOCK_VALUE_FORMAT && json_text(object, "state")[0] != '\0')
        return object;
    json_object_put(object);
    return NULL;
}

static struct json_object *copy_of(const struct json_object *present)
{
    return present ? json_copy(present) : json_new_object();
}

struct json_object *lock_value_claim(const struct json_object *present,
                                     const struct lock_identity *identity,
                                     const struct lock_claim *claim)
{
    struct json_object *value = copy_of(present);

    json_set_number(value, "format", LOCK_VALUE_FORMAT);
    json_set_text(value, "state", claim->state);
    json_set_text(value, "instance", identity->instance);
    json_set_text(value, "node", identity->node);
    json_set_text(value, "address", identity->address);
    json_set_text(value, "service_id", identity->service_id);
    json_set_text(value, "allocation", identity->allocation);
    json_set_number(value, "pid", identity->pid);
    json_set_text(value, "version", CONSUL_LEADER_VERSION);
    json_set_text(value, "since", claim->since);
    json_set_number(value, "lease_ms", claim->lease_ns / MILLISECONDS(1));
    json_set_number(value, "previous_token", claim->previous_token);
    json_set_number(value, "token", claim->token);
    json_set_text(value, "successor", "");
    if (claim->unhealthy)
        json_set_flag(value, "unhealthy", true);
    else
        json_object_object_del(value, "unhealthy");
    return value;
}

struct json_object *lock_value_released(const struct json_object *present, uint64_t index)
{
    struct json_object *value = copy_of(present);

    json_set_text(value, "state", "released");
    if (json_number(value, "token") == 0)
        json_set_number(value, "token", index);
    return value;
}

static uint64_t higher(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

static uint64_t lease_of(const struct json_object *value)
{
    uint64_t lease_ms = json_number(value, "lease_ms");

    return lease_ms > LOCK_VALUE_LEASE_LIMIT_NS / MILLISECONDS(1) ? LOCK_VALUE_LEASE_LIMIT_NS
                                                                  : MILLISECONDS(lease_ms);
}

/* The first `count` of these, the rest only where there is room. */
static bool write_holder(const struct json_object *value, unsigned count, char *holder, size_t size)
{
    static const char *const names[] = { "instance", "node", "address", "service_id",
                                         "allocation" };
    AUTO_JSON struct json_object *identity = json_new_object();

    for (unsigned i = 0; i < count; i++)
        json_set_text(identity, names[i], json_text(value, names[i]));
    json_set_number(identity, "pid", json_number(value, "pid"));
    return snprintf(holder, size, "%s", json_line(identity)) < (int)size;
}

static int64_t seconds_of(const char *time)
{
    struct tm utc = { 0 };

    return strptime(time, "%Y-%m-%dT%H:%M:%S", &utc) ? timegm(&utc) : 0;
}

static void show_holder(const struct json_object *value, struct lock_view *view)
{
    const char *name = json_text(value, "instance");

    snprintf(view->holder_name, sizeof view->holder_name, "%s",
             name[0] != '\0' ? name : json_text(value, "node"));
    view->held_since = seconds_of(json_text(value, "since"));
    for (unsigned count = 5; count > 0; count--)
        if (write_holder(value, count, view->holder, sizeof view->holder))
            return;
    view->holder[0] = '\0';
}

void lock_value_show(const struct json_object *value, struct lock_view *view)
{
    view->foreign = !value;
    if (!value)
        return;
    view->token = higher(json_number(value, "token"), json_number(value, "previous_token"));
    view->lease_ns = lease_of(value);
    view->released = strcmp(json_text(value, "state"), "released") == 0;
    view->unhealthy = json_object_get_boolean(json_member(value, "unhealthy", json_type_boolean));
    show_holder(value, view);
}

void lock_identity_show(const struct lock_identity *identity, struct lock_view *view)
{
    const struct lock_claim claim = { .state = "held", .since = "" };
    AUTO_JSON struct json_object *value = lock_value_claim(NULL, identity, &claim);

    show_holder(value, view);
}

bool lock_value_names(const struct json_object *value, const struct lock_identity *identity)
{
    return value && strcmp(json_text(value, "instance"), identity->instance) == 0 &&
           strcmp(json_text(value, "allocation"), identity->allocation) == 0 &&
           json_number(value, "pid") == identity->pid;
}
