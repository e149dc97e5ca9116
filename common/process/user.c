#include "common/process/user.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int user_resolve(struct user *user, const char *text, struct error *err)
{
    memset(user, 0, sizeof *user);
    if (text[0] == '\0')
        return 0;
    if (account_resolve(text, &user->account, err) < 0)
        return -1;

    user->set = true;
    const struct passwd *entry = getpwuid(user->account.uid);
    snprintf(user->home, sizeof user->home, "%s", entry ? entry->pw_dir : "/");
    if (strchr(text, ':') || user->account.name[0] == '\0') {
        user->groups[0] = user->account.gid;
        user->group_count = 1;
        return 0;
    }
    user->group_count = USER_GROUPS_MAX;
    if (getgrouplist(user->account.name, user->account.gid, user->groups, &user->group_count) < 0)
        return error_set(err, "the user %s is in more than %d groups", text, USER_GROUPS_MAX);
    return 0;
}

int user_become(const struct user *user)
{
    if (!user->set)
        return 0;
    if (setgroups((size_t)user->group_count, user->groups) < 0 ||
        setresgid(user->account.gid, user->account.gid, user->account.gid) < 0 ||
        setresuid(user->account.uid, user->account.uid, user->account.uid) < 0)
        return -1;
    return 0;
}
