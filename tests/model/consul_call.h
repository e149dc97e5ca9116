/* consul_call.h - one request to the model's HTTP API, and its answer. Private to consul_*.c.
 *
 * consul_model.c           which request goes where, and time
 * consul_call.c            the path and the query
 * consul_body.c            JSON bodies
 * consul_*_api.c           the endpoints of keys, sessions and the catalog
 * consul_txn.c             transactions
 * consul_verbs.c           their operations
 */
#ifndef MODEL_CONSUL_CALL_H
#define MODEL_CONSUL_CALL_H

#include "tests/model/consul_model.h"
#include "tests/model/consul_state.h"

#define QUERY_MAX 16

struct parameter {
    const char *name, *value; /* not escaped any more */
};

struct consul_call {
    const char *method;
    const char *name; /* what stands in the path behind the endpoint's own; not escaped any more */
    const char *body;
    size_t body_length;
    uint64_t now;
    size_t parameter_count;
    struct parameter parameters[QUERY_MAX]; /* of the query; further ones are dropped */
};

struct consul_reply {
    int status;
    uint64_t index;
    struct text body;
};

struct consul_model {
    struct consul_state state;
    uint64_t session_ttl_min_ns;
    bool leads;
    char *agent; /* shared */
    uint64_t sessions_made;
    char next_session[SESSION_ID_LENGTH + 1]; /* empty: by counting */
    struct text words, values, scratch;       /* of the present call */
    struct consul_call call;
    struct consul_reply reply;
};

typedef void consul_endpoint(struct consul_model *model, const struct consul_call *call,
                             struct consul_reply *reply);

consul_endpoint consul_kv_get, consul_kv_put, consul_kv_delete, consul_txn, consul_session_create,
    consul_session_renew, consul_session_destroy, consul_session_info, consul_catalog_register,
    consul_catalog_deregister;

/* Takes the path behind the endpoint's own and the query apart. words: keeps what was not escaped
 * any more.
 */
void consul_call_read(struct consul_call *call, const char *rest, struct text *words);

/* NULL: not there. */
const char *consul_call_parameter(const struct consul_call *call, const char *name);

/* What all reads check of their query. False: refused, and answered. */
bool consul_call_check(const struct consul_call *call, struct consul_reply *reply);

void consul_reply_set(struct consul_reply *reply, int status, const char *body);

/* One key as JSON. */
void consul_kv_show(struct text *text, const struct kv_entry *entry, bool with_value);

#endif
