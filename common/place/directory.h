/* directory.h - the folders that we make for ourselves, and where. */
#ifndef PLACE_DIRECTORY_H
#define PLACE_DIRECTORY_H

#include "common/base/error.h"
#include "common/options/settings.h"

/* Makes PARENT/NAME if need be, mode 0711, and puts its path (PATH_MAX) there. It has to be ours,
 * or is refused: another user could put there what he likes. An empty name: PARENT itself, whosever
 * it is.
 */
int directory_open(char *path, const char *parent, const char *name, struct error *err);

/* Whether a directory serves for what is to be put there: 0, or -1. */
typedef int directory_use(void *context, const char *directory, struct error *err);

/* The runtime directory that was asked for, else the first that serves, in the order of the manual
 * page's --runtime-dir. -1: none does, and why not the last. The folder in /dev/shm has to be ours.
 */
int directory_find(const struct settings *settings, directory_use *use, void *context,
                   struct error *err);

#endif
