#include "tests/simulation/hands.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/simulation/datacenter.h"
#include "tests/simulation/story.h"

#define FOREIGN_INTERVAL SECONDS(1)

void hands_unlock(void)
{
    char path[160];

    if (datacenter_is_away() || datacenter_holder()[0] == '\0')
        return;
    snprintf(path, sizeof path, "/v1/kv/" LOCK_KEY "?release=%s", datacenter_holder());
    datacenter_freed_by_hand(false);
    datacenter_by_hand("PUT", path, "freed by hand");
}

void hands_delete(bool with_candidates)
{
    if (datacenter_is_away())
        return;
    datacenter_freed_by_hand(with_candidates);
    datacenter_by_hand("DELETE", "/v1/kv/" LOCK_KEY, "");
    if (with_candidates)
        datacenter_by_hand("DELETE", "/v1/kv/" CANDIDATES_KEY "?recurse", "");
}

void hands_overwrite(void)
{
    if (datacenter_is_away())
        return;
    datacenter_by_hand("PUT", "/v1/kv/" LOCK_KEY, "written by hand");
}

void hands_destroy_session(void)
{
    char path[160];

    if (datacenter_is_away() || datacenter_holder()[0] == '\0')
        return;
    snprintf(path, sizeof path, "/v1/session/destroy/%s", datacenter_holder());
    datacenter_by_hand("PUT", path, "");
}

static void destroy_session(void *subject, uint64_t detail)
{
    (void)subject, (void)detail;
    hands_destroy_session();
}

void hands_destroy_session_at(true_ns at)
{
    world_plan(at, destroy_session, NULL, 0);
}

struct foreigner {
    char session[64];
    duration_ns holds;
    bool dies;
    true_ns until;
    true_ns held_until; /* 0: waits */
};

static void foreign_request(const struct foreigner *foreigner, const char *to, const char *body)
{
    char path[160];

    snprintf(path, sizeof path, "%s%s", to, foreigner->session);
    datacenter_by_hand("PUT", path, body);
}

static void foreign_lives(void *subject, uint64_t detail)
{
    struct foreigner *foreigner = subject;
    bool holds = strcmp(datacenter_holder(), foreigner->session) == 0;

    (void)detail;
    if (datacenter_is_away()) {
        world_plan(world.now + FOREIGN_INTERVAL, foreign_lives, foreigner, 0);
        return;
    }
    if (!holds && foreigner->held_until != 0) /* it was taken away: it goes */
        return;
    if (!holds && (world.now >= foreigner->until || !datacenter_session_lives(foreigner->session)))
        return;
    if (holds && foreigner->held_until == 0) {
        foreigner->held_until = world.now + foreigner->holds;
        story_tell("a plain candidate has taken the lock");
    }
    if (foreigner->held_until != 0 && world.now >= foreigner->held_until) {
        story_tell("the plain candidate %s", foreigner->dies ? "dies" : "releases the lock");
        if (!foreigner->dies)
            foreign_request(foreigner, "/v1/kv/" LOCK_KEY "?release=", "");
        return;
    }
    foreign_request(foreigner, "/v1/session/renew/", "");
    if (!holds && datacenter_grantable() <= world.now) {
        foreign_request(foreigner, "/v1/kv/" LOCK_KEY "?acquire=", "a plain candidate's");
        world_plan(world.now, foreign_lives, foreigner, 0);
        return;
    }
    true_ns next = world.now + FOREIGN_INTERVAL;
    true_ns grantable = datacenter_grantable();
    world_plan(grantable > world.now && grantable < next ? grantable : next, foreign_lives,
               foreigner, 0);
}

void hands_foreign_candidate(duration_ns holds, bool dies, true_ns until)
{
    struct foreigner *foreigner = world_memory(sizeof *foreigner);

    if (datacenter_is_away())
        return;
    struct consul_answer made =
        datacenter_by_hand("PUT", "/v1/session/create",
                           "{\"Node\":\"elsewhere\",\"TTL\":\"10s\",\"LockDelay\":\"1s\"}");
    const char *id = strstr(made.body, "\"ID\":\"");
    assert(id);
    snprintf(foreigner->session, sizeof foreigner->session, "%.36s", id + 6);
    foreigner->holds = holds;
    foreigner->dies = dies;
    foreigner->until = until;
    world_plan(world.now, foreign_lives, foreigner, 0);
}
