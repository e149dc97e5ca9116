#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The certificate has to be of that name, which TLS and HTTP are told as well: the URL gets it, and
 * the way leads to the host all the same.
 */
static void set_server_name(struct run *run, const struct probe_spec *spec)
{
    const char *scheme_end = strstr(spec->target, "://") + 3;
    const char *path = scheme_end + strcspn(scheme_end, "/?");
    const char *port =
        memchr(scheme_end, *scheme_end == '[' ? ']' : ':', (size_t)(path - scheme_end));
    char route[PROBE_TEXT_SIZE + 512];

    if (port && *port == ']')
        port++;
    if (port == path)
        port = NULL;
    int host_length = (int)((port ? port : path) - scheme_end);
    int port_length = port ? (int)(path - port) : 0;
    snprintf(run->url, sizeof run->url, "%.*s%s%.*s%s", (int)(scheme_end - spec->target),
             spec->target, spec->server_name, port_length, port ? port : "", path);
    snprintf(route, sizeof route, "::%.*s:", host_length, scheme_end);
    run->route = curl_slist_append(NULL, route);
}

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

static void set_tls(CURL *easy, const struct probe_spec *spec)
{
    if (!spec->verify) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (spec->ca_file[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_CAINFO, spec->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH,
                         NULL); /* the system's are not believed beside them */
#if LIBCURL_VERSION_NUM >= 0x075700
        curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* they may be replaced */
#endif
    }
    if (spec->client_cert[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, spec->client_cert);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, spec->client_key);
    }
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* what it shows now counts */
}

static void begin(struct probe *probe)
{
    const struct probe_spec *spec = &probe->spec;
    struct run *run = calloc(1, sizeof *run);
    CURL *easy = transfer_new();

    assert(run);
    probe->run = run;
    strcpy(run->url, spec->target);
    if (spec->server_name[0] != '\0')
        set_server_name(run, spec);
    curl_easy_setopt(easy, CURLOPT_URL, run->url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, run->route);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, about_to_ask);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, probe);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "consul-leader");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, throw_away);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &run->taken);
    set_tls(easy, spec);
    run->transfer = transfer_begin(probe->context, probe, easy, judge);
}

static void cancel(struct probe *probe)
{
    transfer_cancel(((struct run *)probe->run)->transfer);
    forget(probe);
    probe_ended(probe, false, "");
}

const struct probe_kind_operations probe_http = { begin, cancel };
