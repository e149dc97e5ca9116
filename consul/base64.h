/* base64.h - RFC 4648 with padding, as Consul's JSON carries values. */
#ifndef CONSUL_BASE64_H
#define CONSUL_BASE64_H

#include <stddef.h>

/* The bytes as text; the caller's to free(). */
char *base64_encode(const char *bytes, size_t length);

/* The bytes, with a NUL behind that is not counted; the caller's to free(). NULL: not base64. */
char *base64_decode(const char *text, size_t *length);

#endif
