/* listener.h - whom the tags tell what they find. */
#ifndef TAGS_LISTENER_H
#define TAGS_LISTENER_H

struct tags_listener {
    void *context;
    /* Where others reach the service, each time that it was read. host: empty for one at its node's
     * address; port 0: none. */
    void (*described)(void *context, const char *service_id, const char *host, unsigned port);
    /* A sidecar in Nomad has never seen its service. */
    void (*fatal)(void *context, int status, const char *reason);
};

#endif
