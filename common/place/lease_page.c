#include "common/place/lease_page.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>

void lease_page_publish(struct consul_leader_lease_page *page, instant_ns deadline, uint64_t token)
{
    if (!page)
        return;
    __atomic_store_n(&page->deadline, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&page->token, token, __ATOMIC_RELEASE);
    __atomic_store_n(&page->deadline, deadline, __ATOMIC_RELEASE);
}

void lease_page_extend(struct consul_leader_lease_page *page, instant_ns deadline)
{
    uint64_t present = page ? __atomic_load_n(&page->deadline, __ATOMIC_RELAXED) : 0;

    /* Exchanged, not stored: the keeper may clear it at this very moment. */
    if (present != 0)
        __atomic_compare_exchange_n(&page->deadline, &present, deadline, false, __ATOMIC_RELEASE,
                                    __ATOMIC_RELAXED);
}

void lease_page_clear(struct consul_leader_lease_page *page)
{
    if (page)
        __atomic_store_n(&page->deadline, 0, __ATOMIC_RELEASE);
}

void lease_page_remove(const char *path, bool with_folder)
{
    char folder[PATH_MAX + 16];

    if (path[0] == '\0')
        return;
    unlink(path);
    snprintf(folder, sizeof folder, "%s", path);
    if (with_folder)
        rmdir(dirname(folder));
}
