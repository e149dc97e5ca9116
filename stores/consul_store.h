/* consul_store.h - what the parts of the Consul store share. Private to stores/consul*.
 *
 * consul.c            the operations of store.h, and what each answer changes
 * consul_operation    one request of the supervisor's, from its sending to its answer
 * consul_read         one look at the lock
 * consul_watch        look after look
 * consul_value        the lock's value as we know it and as we write it
 * consul_candidate    our entry in the list of candidates
 * consul_will         what is done when nothing of this instance is left
 * consul_report       what the log is told of Consul
 */
#ifndef STORES_CONSUL_STORE_H
#define STORES_CONSUL_STORE_H

#include <string.h>

#include <string.h>

#include "consul/http.h"
#include "consul/refusal.h"
#include "stores/consul_candidate.h"
#include "stores/consul_report.h"
#include "stores/consul_value.h"
#include "stores/consul_watch.h"
#include "stores/consul_will.h"
#include "stores/store.h"

struct store {
    const struct settings *settings;
    struct store_listener listener;
    struct http *http;
    struct consul_value value;
    struct consul_watch watch;
    struct consul_candidate candidate;
    struct consul_will will;
    struct consul_report report;
};

#endif
