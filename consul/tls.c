#include "consul/tls.h"

#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"

static void set_authorities(CURL *easy, const struct tls *tls)
{
    if (tls->ca_file[0] == '\0' && tls->ca_path[0] == '\0')
        return;
    /* The system's are not believed beside them. */
    curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_file[0] != '\0' ? tls->ca_file : NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, tls->ca_path[0] != '\0' ? tls->ca_path : NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
#endif
}

void tls_set(CURL *easy, const struct tls *tls)
{
    if (!tls->verify) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    set_authorities(easy, tls);
    if (tls->client_cert[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->client_cert);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->client_key);
    }
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L); /* what is shown now counts */
}

struct curl_slist *tls_route(const struct tls *tls, const char *url, char *named, size_t size)
{
    const char *host = strstr(url, "://") + 3;
    const char *path = host + strcspn(host, "/?");
    const char *port = memchr(host, *host == '[' ? ']' : ':', (size_t)(path - host));
    char route[1024];

    if (tls->server_name[0] == '\0') {
        snprintf(named, size, "%s", url);
        return NULL;
    }
    if (port && *port == ']')
        port++;
    if (port == path)
        port = NULL;
    int host_length = (int)((port ? port : path) - host);
    int port_length = port ? (int)(path - port) : 0;
    snprintf(named, size, "%.*s%s%.*s%s", (int)(host - url), url, tls->server_name, port_length,
             port ? port : "", path);
    snprintf(route, sizeof route, "::%.*s:", host_length, host);
    return memory_sure(curl_slist_append(NULL, route));
}
