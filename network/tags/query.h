/* query.h - what is known of a service whose tags are kept, and the one open request about it.
 *
 * The service's proxy has a struct tags of its own, so one request may be open for each of the two;
 * of one service no request overtakes another. Private to this folder.
 */
#ifndef TAGS_QUERY_H
#define TAGS_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/clock.h"
#include "common/options/settings.h"
#include "consul/complaints.h"
#include "consul/http.h"
#include "consul/json.h"
#include "consul/service.h"
#include "election/lock.h"
#include "network/tags/listener.h"

#define LOOK_AGAIN SECONDS(1)

/* Somebody who undoes each of our writes is given way to: so many at once, then one a second. */
#define WRITES_AT_ONCE 10

struct tags {
    const struct settings *settings;
    struct http *http;
    http_callback was_read; /* hears what tags_read() and tags_watch() were answered */
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

/* Sends the one request. wait_ns: how long the agent may wait before it answers. */
void tags_send(struct tags *tags, const char *method, const char *path, const char *body,
               uint64_t wait_ns, http_callback callback);

/* It was of no use: said, and tried again in a second. access: the right that it needs. */
void tags_failed(struct tags *tags, const struct http_response *response, const char *what,
                 const char *access);

/* Reads the service; waits until it is another than it was. Both are answered to was_read(). */
void tags_read(struct tags *tags);
void tags_watch(struct tags *tags);

/* There is no such service, or it is not the one that was meant. */
void tags_forget(struct tags *tags);

#endif
