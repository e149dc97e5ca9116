/* parts.h - what tags.c, which finds and reads the service, writing.c, which changes it, and
 * proxy.c, which finds its Connect sidecar's proxy, share. Private to the three.
 *
 * For each of the two services one request is open at a time, so that none overtakes another.
 */
#ifndef TAGS_PARTS_H
#define TAGS_PARTS_H

#include "common/base/clock.h"
#include "consul/complaints.h"
#include "consul/service.h"
#include "network/tags/registration.h"
#include "network/tags/tags.h"

#define LOOK_AGAIN SECONDS(1)

/* Somebody who undoes each of our writes is given way to: so many at once, then one a second. */
#define WRITES_AT_ONCE 10

struct tags {
    const struct settings *settings;
    struct http *http;
    struct tags_listener listener;
    struct complaints complaints;
    struct registration *registration; /* NULL: the service is somebody else's */
    struct tags *proxy;                /* those of its Connect sidecar; NULL: not looked for yet */
    const struct tags *parent;         /* of which this is the proxy; NULL: it is none */

    bool ordered; /* the role is known */
    bool leader;
    bool standing;
    bool stopped; /* by somebody outside: the service ends with us, if it is our task's */
    struct session_id session; /* the last that was named */

    char id[SERVICE_ID_SIZE]; /* the service; empty: to be looked for; of a proxy: not there */
    bool seen;                /* it was there once */
    bool absent_told;
    bool override_warned;
    uint64_t first_look_ns; /* when Consul first listed its services */
    unsigned looks;         /* in vain, since it was there */

    struct http_request *request; /* the open one: look-up, read, watch or write */
    bool watching;                /* it is the watch */
    uint64_t asked_ns;
    uint64_t next_ns; /* when to go on; 0: a request is open */
    char hash[64];
    struct json_object *definition; /* as the agent has it, or will when it has our open write */
    bool current;                   /* no request has failed since */
    struct json_object *body;       /* of the open write */

    unsigned writes_left;
    uint64_t writes_since_ns;
    uint64_t patience_ns; /* until then somebody else may take the service down; 0: not awaited */
};

/* --- tags.c --- */

/* Sends the one request. wait_ns: how long the agent may wait before it answers. */
void tags_send(struct tags *tags, const char *method, const char *path, const char *body,
               uint64_t wait_ns, http_callback callback);

/* It was of no use: said, and tried again in a second. access: the right that it needs. */
void tags_failed(struct tags *tags, const struct http_response *response, const char *what,
                 const char *access);

/* Reads the service; waits until it is another than it was. */
void tags_read(struct tags *tags);
void tags_watch(struct tags *tags);

/* --- proxy.c --- */

/* Looks for the proxy of a service that was read. Without an ID none is known; it is asked for
 * again when its service is read again, and so has no time of its own then (next_ns).
 */
void tags_look_for_proxy(struct tags *tags);

/* Whether these are of a proxy whose service is not there any more. */
bool tags_is_orphan(const struct tags *tags);

/* --- writing.c --- */

/* Whether a service of our own is to be put up. */
bool tags_registers(const struct tags *tags);

/* Registers it, with its tags at once. */
void tags_put_up(struct tags *tags);

/* Brings the definition to what the role asks for, or waits until somebody changes it. */
void tags_settle(struct tags *tags);

#endif
