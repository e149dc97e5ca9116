#include "consul/address.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

static void scope_url(CURLU **url)
{
    curl_url_cleanup(*url);
}

static void scope_part(char **part)
{
    curl_free(*part);
}

static bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "[::1]") == 0;
}

static int refuse(const char *text, const char *why, struct error *err)
{
    return error_set(err,
                     "Consul's address \"%s\": %s (expected host:port, http://host:port, "
                     "https://host:port or unix:///path)",
                     text, why);
}

static int parse_socket(const char *text, const char *path, bool tls, struct address *address,
                        struct error *err)
{
    if (path[0] != '/' || strlen(path) >= 108) /* sun_path */
        return refuse(text, "no path of a socket", err);
    snprintf(address->socket, sizeof address->socket, "%s", path);
    snprintf(address->url, sizeof address->url, "%s://localhost", tls ? "https" : "http");
    snprintf(address->text, sizeof address->text, "unix://%s", path);
    address->loopback = true;
    return 0;
}

/* Leaves the check of host and port to libcurl, which will use them. */
static int parse_host(const char *text, const char *rest, bool tls, bool prefix_allowed,
                      struct address *address, struct error *err)
{
    __attribute__((cleanup(scope_url))) CURLU *url = curl_url();
    __attribute__((cleanup(scope_part))) char *host = NULL;

    snprintf(address->url, sizeof address->url, "%s://%s", tls ? "https" : "http", rest);
    if (rest[0] == '\0' || strpbrk(rest, "@?# \t") || (!prefix_allowed && strchr(rest, '/')))
        return refuse(text, "not an address", err);
    CURLUcode code = curl_url_set(url, CURLUPART_URL, address->url, 0);
    if (code == CURLUE_OK)
        code = curl_url_get(url, CURLUPART_HOST, &host, 0);
    if (code != CURLUE_OK)
        return refuse(text, curl_url_strerror(code), err);

    address->loopback = is_loopback(host);
    for (size_t length = strlen(address->url); address->url[length - 1] == '/'; length--)
        address->url[length - 1] = '\0'; /* every path begins with its own */
    snprintf(address->text, sizeof address->text, "%.*s", (int)sizeof address->text - 1,
             address->url);
    return 0;
}

int address_parse(const char *text, bool tls, struct address *address, struct error *err)
{
    const char *scheme_end = strstr(text, "://");

    memset(address, 0, sizeof *address);
    if (!scheme_end)
        return parse_host(text, text, tls, false, address, err);

    const char *rest = scheme_end + 3;
    size_t length = (size_t)(scheme_end - text);
    if (length == 4 && strncmp(text, "unix", 4) == 0)
        return parse_socket(text, rest, tls, address, err);
    if (length == 4 && strncmp(text, "http", 4) == 0)
        return parse_host(text, rest, tls, true, address, err);
    if (length == 5 && strncmp(text, "https", 5) == 0)
        return parse_host(text, rest, true, true, address, err);
    return refuse(text, "unknown scheme", err);
}
