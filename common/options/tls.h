/* tls.h - how a server of https:// is believed, and what it is shown. */
#ifndef OPTIONS_TLS_H
#define OPTIONS_TLS_H

#include <limits.h>
#include <stdbool.h>

struct tls {
    bool verify;                /* the certificate */
    char server_name[256];      /* it has to be of that name; empty: of the host */
    char ca_file[PATH_MAX];     /* who is believed; with a CA file or path nobody else is */
    char ca_path[PATH_MAX];     /* a folder of such files, by the hash of their names */
    char client_cert[PATH_MAX]; /* shown to a server that asks; both or none */
    char client_key[PATH_MAX];
};

#endif
