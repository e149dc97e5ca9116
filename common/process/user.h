/* user.h - who the program and the hooks run as. */
#ifndef PROCESS_USER_H
#define PROCESS_USER_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "common/base/account.h"
#include "common/base/error.h"

#define USER_GROUPS_MAX 128

struct user {
    bool set; /* false: they run as we do */
    struct account account;
    int group_count;
    gid_t groups[USER_GROUPS_MAX];
    char home[PATH_MAX];
};

/* Looks up `NAME[:GROUP]`, with all groups of the user where no group is named. Empty text: not
 * set.
 */
int user_resolve(struct user *user, const char *text, struct error *err);

/* Makes the calling process run as this user, for good; does nothing where it is not set. -1: errno
 * says why.
 */
int user_become(const struct user *user);

#endif
