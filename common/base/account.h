/* account.h - whom `NAME[:GROUP]` means. */
#ifndef BASE_ACCOUNT_H
#define BASE_ACCOUNT_H

#include <sys/types.h>

#include "common/base/error.h"

struct account {
    uid_t uid;
    gid_t gid;      /* the group named, else the user's own */
    char name[256]; /* for initgroups(); empty: a number that no user has */
};

/* Looks the user and the group up. Each may be a number, as in a container whose image names
 * nobody; one without a user then needs its group. -1 with `"x" is not a user ...`.
 */
int account_resolve(const char *text, struct account *account, struct error *err);

#endif
