/* path.h - paths of Consul's HTTP API, with what users named escaped.
 *
 * All are the caller's to free().
 */
#ifndef CONSUL_PATH_H
#define CONSUL_PATH_H

/* `/v1/kv/KEY?QUERY`; slashes of the key stay. query: as it is, or "" for none. */
char *path_key(const char *key, const char *query);

/* PREFIX + escaped name + `?QUERY`: `/v1/session/renew/` and an ID. */
char *path_name(const char *prefix, const char *name, const char *query);

#endif
