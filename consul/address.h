/* address.h - where Consul's HTTP API is, as CONSUL_HTTP_ADDR and --http-addr say it.
 *
 * `host:port`, `http://host:port/prefix`, `https://...`, `unix:///path`. As in Consul's own client
 * (api/api.go, NewClient) no port is added, so that `consul.example` is port 80, and without a
 * scheme there is no path prefix.
 */
#ifndef CONSUL_ADDRESS_H
#define CONSUL_ADDRESS_H

#include <stdbool.h>

#include "common/base/error.h"
#include "common/options/settings.h"

struct address {
    char text[NAME_SIZE + 8]; /* for messages: `http://127.0.0.1:8500` */
    char url[NAME_SIZE + 16]; /* what a path is appended to */
    char socket[NAME_SIZE];   /* the Unix socket; empty: none */
    bool loopback;            /* this machine itself, or, within a container, the container */
};

/* tls: CONSUL_HTTP_SSL, which `http://` does not undo. -1: one line that names the address. */
int address_parse(const char *text, bool tls, struct address *address, struct error *err);

#endif
