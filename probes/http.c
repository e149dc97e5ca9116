#include "probes/http.h"

#include <stdio.h>
#include <string.h>

#include "base/scope.h"
#include "consul/address.h"
#include "consul/memory.h"
#include "probes/transfer.h"

/* --- The answer. --- */

static bool is_good(const struct probe_statuses *statuses, long status)
{
    for (; statuses->least != 0; statuses++)
        if (status >= statuses->least && status <= statuses->most)
            return true;
    return false;
}

static void done(struct probe *probe, long status, const char *failure)
{
    char reason[64];

    snprintf(reason, sizeof reason, "status %ld", status);
    if (failure)
        probe_ended(probe, false, failure);
    else
        probe_ended(probe, is_good(probe->spec.statuses, status), reason);
}

/* Called when the connection is there. */
static int about_to_ask(void *context, char *peer, char *own, int peer_port, int own_port)
{
    struct probe *probe = context;

    (void)peer, (void)own, (void)peer_port, (void)own_port;
    probe->awaited = "answer";
    return CURL_PREREQFUNC_OK;
}

/* --- Where it is, and who it has to be. --- */

struct target {
    CURLU *url;
    char *host, *port;
};

static void target_end(struct target *target)
{
    curl_free(target->host);
    curl_free(target->port);
    curl_url_cleanup(target->url);
}

/* False: libcurl will say what it does not like. */
static bool target_read(struct target *target, const char *url)
{
    return curl_url_set(target->url, CURLUPART_URL, url, CURLU_PATH_AS_IS) == CURLUE_OK &&
           curl_url_get(target->url, CURLUPART_HOST, &target->host, 0) == CURLUE_OK &&
           curl_url_get(target->url, CURLUPART_PORT, &target->port, CURLU_DEFAULT_PORT) ==
               CURLUE_OK;
}

/* Whoever is there is asked as the server of that name. */
static struct curl_slist *route_to(const struct target *target, CURL *easy,
                                   const struct probe_spec *spec)
{
    const char *host = strstr(spec->target, "://") + 3;
    AUTO_FREE char *url = memory_text("%.*s%s:%s%s", (int)(host - spec->target), spec->target,
                                      spec->server_name, target->port, host + strcspn(host, "/?"));
    AUTO_FREE char *where = memory_text("::%s:%s", target->host, target->port);

    curl_easy_setopt(easy, CURLOPT_URL, url);
    return curl_slist_append(NULL, where);
}

/* Only that authority is believed, not the system's beside it. */
static void set_security(CURL *easy, const struct probe_spec *spec)
{
    if (!spec->verify) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (spec->ca_file[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_CAINFO, spec->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
        curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* it may be replaced */
#endif
    }
    if (spec->client_cert[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, spec->client_cert);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, spec->client_key);
    }
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* what it shows now counts */
}

/* --- A run. --- */

static void begin(struct probe *probe)
{
    const struct probe_spec *spec = &probe->spec;
    __attribute__((cleanup(target_end))) struct target target = { .url = curl_url() };
    struct curl_slist *route = NULL;

    bool is_read = target_read(&target, spec->target);
    struct transfer *transfer = transfer_new(probe, spec->target, done);
    CURL *easy = transfer_handle(transfer);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "consul-leader");
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, about_to_ask);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, probe);
    set_security(easy, spec);
    if (is_read && address_is_loopback(target.host))
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (is_read && spec->server_name[0] != '\0')
        route = route_to(&target, easy, spec);
    transfer_start(transfer, route);
}

static void cancel(struct probe *probe)
{
    transfer_cancel(probe->run);
    probe_ended(probe, false, "");
}

const struct probe_kind_operations http_probe = { .begin = begin, .cancel = cancel };
