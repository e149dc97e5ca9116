/* transfer.h - libcurl's transfers of the probes, apart from Consul's connections.
 *
 * One descriptor stands for all of them, so that fifty that hang cost the loop no more than one.
 */
#ifndef PROBES_TRANSFER_H
#define PROBES_TRANSFER_H

#include <curl/curl.h>
#include <stdint.h>

#include "common/base/error.h"
#include "probes/probe.h"

struct transfers;
struct transfer;

/* Once a process; aborts without memory or descriptors. */
struct transfers *transfers_open(void);

/* A handle with what all probes have in common; the caller adds what it is about, and begins it. */
CURL *transfer_new(void);

/* judge: called once with what came of it, unless it is cancelled; it says whether that is good,
 * and if not why, which reason says already where libcurl failed. The probe's run has ended after
 * it. easy is the transfer's from here on.
 */
struct transfer *transfer_begin(struct transfers *transfers, struct probe *probe, CURL *easy,
                                bool (*judge)(const struct probe *probe, CURL *easy, CURLcode code,
                                              struct error *reason));

void transfer_cancel(struct transfer *transfer);

/* Readable when transfers_turn() has something to do; when it wants to be called by time, 0: not.
 */
int transfers_descriptor(const struct transfers *transfers);
uint64_t transfers_next_due(const struct transfers *transfers);
void transfers_turn(struct transfers *transfers);

#endif
