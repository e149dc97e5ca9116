#include "common/base/account.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A decimal number below the highest, which means "no ID" to the kernel. */
static bool read_id(const char *text, id_t *id)
{
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;

    unsigned long number = strtoul(text, &end, 10);
    if (*end || errno || number >= (id_t)-1)
        return false;
    *id = (id_t)number;
    return true;
}

static int resolve_user(const char *name, bool has_group, struct account *account,
                        struct error *err)
{
    const struct passwd *user = getpwnam(name);
    id_t id;
    bool numeric = !user && read_id(name, &id);

    if (numeric)
        user = getpwuid(id);
    if (user) {
        account->uid = user->pw_uid;
        account->gid = user->pw_gid;
        snprintf(account->name, sizeof account->name, "%s", user->pw_name);
        return 0;
    }
    if (!numeric)
        return error_set(err, "\"%.80s\" is not a user (expected NAME[:GROUP])", name);
    if (!has_group)
        return error_set(err, "\"%.80s\" is no known user's number (expected %.80s:GROUP)", name,
                         name);
    account->uid = id;
    *account->name = '\0';
    return 0;
}

static int resolve_group(const char *name, struct account *account, struct error *err)
{
    const struct group *group = getgrnam(name);
    id_t id;

    if (group)
        account->gid = group->gr_gid;
    else if (read_id(name, &id))
        account->gid = id;
    else
        return error_set(err, "\"%.80s\" is not a group (expected NAME[:GROUP])", name);
    return 0;
}

int account_resolve(const char *text, struct account *account, struct error *err)
{
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    char user[sizeof account->name];

    if (length >= sizeof user)
        return error_set(err, "\"%.80s\" is not a user (expected NAME[:GROUP])", text);
    memcpy(user, text, length);
    user[length] = '\0';
    if (resolve_user(user, colon != NULL, account, err))
        return -1;
    return colon ? resolve_group(colon + 1, account, err) : 0;
}
