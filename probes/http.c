#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "consul/tls.h"
#include "probes/kinds.h"

/* So much of a body is read, to leave the program with a whole answer given. */
#define BODY_BOUND 65536

static size_t throw_away(char *data, size_t size, size_t count, void *context)
{
    size_t *taken = context;

    (void)data;
    *taken += size * count;
    return *taken <= BODY_BOUND ? size * count : 0;
}

/* Called when the connection is there, its certificate believed. */
static int about_to_ask(void *context, char *peer, char *own, int peer_port, int own_port)
{
    struct probe *probe = context;

    (void)peer, (void)own, (void)peer_port, (void)own_port;
    probe->awaited = "answer";
    return CURL_PREREQFUNC_OK;
}

struct run {
    struct transfer *transfer;
    size_t taken;
    struct curl_slist *route; /* NULL: to the host of the URL */
    char url[PROBE_TEXT_SIZE + 256];
};

static bool is_good(const struct probe_spec *spec, long status)
{
    for (size_t i = 0; i < PROBE_STATUSES_MAX && spec->statuses[i].least != 0; i++)
        if (status >= spec->statuses[i].least && status <= spec->statuses[i].most)
            return true;
    return false;
}

static void forget(struct probe *probe)
{
    struct run *run = probe->run;

    curl_slist_free_all(run->route);
    free(run);
    probe->run = NULL;
}

static bool judge(const struct probe *probe, CURL *easy, CURLcode code, struct error *reason)
{
    const struct run *run = probe->run;
    bool cut = code == CURLE_WRITE_ERROR && run->taken > BODY_BOUND;
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    bool good = (code == CURLE_OK || cut) && is_good(&probe->spec, status);
    if (code == CURLE_OK || cut)
        error_set(reason, "HTTP status %ld", status);
    forget((struct probe *)probe);
    return good;
}

static void begin(struct probe *probe)
{
    const struct probe_spec *spec = &probe->spec;
    struct run *run = memory_new(sizeof *run);
    CURL *easy = transfer_new();

    probe->run = run;
    run->route = tls_route(&spec->tls, spec->target, run->url, sizeof run->url);
    curl_easy_setopt(easy, CURLOPT_URL, run->url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, run->route);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, about_to_ask);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, probe);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "consul-leader");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, throw_away);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &run->taken);
    tls_set(easy, &spec->tls);
    run->transfer = transfer_begin(probe->context, probe, easy, judge);
}

static void cancel(struct probe *probe)
{
    transfer_cancel(((struct run *)probe->run)->transfer);
    forget(probe);
    probe_ended(probe, false, "");
}

const struct probe_kind_operations probe_http = { begin, cancel };
