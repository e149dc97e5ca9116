/* tls.h - what common/options/tls.h says, told to libcurl. Files are read anew for each connection.
 */
#ifndef CONSUL_TLS_H
#define CONSUL_TLS_H

#include <curl/curl.h>
#include <stddef.h>

#include "common/options/tls.h"

void tls_set(CURL *easy, const struct tls *tls);

/* The certificate has to be of the server name, which TLS and HTTP are told as well: the URL gets
 * it, and the way leads to the host all the same, by CURLOPT_CONNECT_TO. Returns that way, the
 * caller's to free; NULL where the URL has its own name. named: the URL to use.
 */
struct curl_slist *tls_route(const struct tls *tls, const char *url, char *named, size_t size);

#endif
