/* transfer.h - what the probes have open in the network, apart from Consul's connections: a multi
 * handle of libcurl of its own, behind one descriptor.
 */
#ifndef PROBES_TRANSFER_H
#define PROBES_TRANSFER_H

#include <curl/curl.h>

#include "probes/probe.h"

struct transfers;
struct transfer;

/* Once a process. Aborts without memory or descriptors. */
struct transfers *transfers_open(void);

/* Readable when transfers_turn() has something to do; and when it has to be called by time, 0: not.
 */
int transfers_descriptor(const struct transfers *transfers);
instant_ns transfers_next_due(const struct transfers *transfers);

/* Goes on with all, and calls back. */
void transfers_turn(struct transfers *transfers);

/* status: of HTTP; 0: none. failure: why it failed, one line; NULL: it did not. */
typedef void transfer_done(struct probe *probe, long status, const char *failure);

/* One for the probe's run, in probe->run, with a new connection that is closed at its end. What is
 * special the caller sets on its handle; route: its CURLOPT_CONNECT_TO, or NULL, kept by it from
 * then on. Of a body a part is read and thrown away. done: once, from within transfers_turn(),
 * unless it was cancelled.
 */
struct transfer *transfer_new(struct probe *probe, const char *url, transfer_done *done);
CURL *transfer_handle(const struct transfer *transfer);
void transfer_start(struct transfer *transfer, struct curl_slist *route);
void transfer_cancel(struct transfer *transfer);

#endif
