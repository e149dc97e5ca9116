/* token.h - Consul's ACL token, from the environment or from a file that may change.
 *
 * Nomad, Vault and humans replace token files while we run; Consul's own client reads them once.
 */
#ifndef CONSUL_TOKEN_H
#define CONSUL_TOKEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/base/error.h"
#include "common/options/settings.h"

#define TOKEN_SIZE NAME_SIZE

struct token {
    char text[TOKEN_SIZE]; /* secret; empty: none */
    char fallback[TOKEN_SIZE];
    char file[PATH_MAX];
    struct stat stamp;   /* of the file that was read */
    uint64_t checked_ns; /* when the file was last looked at */
    bool complained;
};

/* -1: the file cannot be read. An empty file gives way to the token of the environment. */
int token_open(struct token *token, const struct settings *settings, struct error *err);

/* The token of now: looks at the file at most once a second. When it cannot be read any more the
 * last one is kept, and that is said once.
 */
const char *token_current(struct token *token);

/* Consul answered 403: the file is read again before the next request, changed or not. */
void token_refused(struct token *token);

#endif
