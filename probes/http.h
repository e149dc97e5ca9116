/* http.h - probes that ask by GET, over HTTP/1.1: well when the status is a good one. The network
 * process's.
 *
 * A redirect is an answer like others and is not followed. Of a body a part is read and thrown
 * away. This machine itself is never asked through a proxy.
 */
#ifndef PROBES_HTTP_H
#define PROBES_HTTP_H

#include "probes/probe.h"

/* Its context is the struct transfers. */
extern const struct probe_kind_operations http_probe;

#endif
