/* file_value.h - what stands in the file store's lock file.
 *
 * The counter that gives the tokens, as twenty digits and a newline, so that it changes in one
 * sector; then one line of JSON for people: the lock's value (consul/lock_value.h).
 */
#ifndef STORES_FILE_VALUE_H
#define STORES_FILE_VALUE_H

#include <stdint.h>

#include "common/base/error.h"
#include "consul/lock_value.h"

/* Reads the counter; an empty file counts from 0. Anything else that is no counter is an error:
 * tokens must never begin anew. The view gets the holder that the value names.
 */
int file_value_read(int fd, uint64_t *token, struct lock_view *view, struct error *err);

/* Writes both, and syncs where a token depends on it. */
int file_value_write(int fd, uint64_t token, const struct lock_identity *identity,
                     const struct lock_claim *claim, bool sync, struct error *err);

#endif
