#include "election/candidacy.h"

/* Whether it was released with our mark by the last leader that we know of. An old snapshot may
 * have brought back the mark, or a leader of that time who released it since.
 */
static bool is_released(const struct candidacy *candidacy, const struct lock_view *view)
{
    return view->exists && view->released && view->index >= candidacy->highest_index &&
           view->token >= candidacy->highest_token;
}

/* How long a lock without the mark is left alone. */
static duration_ns waiting_time(const struct candidacy *candidacy, const struct lock_view *view)
{
    duration_ns lease = view->exists ? view->lease_ns : candidacy->last_lease;
    bool never_led = !view->exists && !candidacy->seen && view->others_index == 0;

    if (never_led || is_released(candidacy, view))
        return 0;
    return (lease != 0 ? lease : candidacy->own_lease) + CANDIDACY_MARGIN;
}

static void remember(struct candidacy *candidacy, const struct lock_view *view)
{
    candidacy->seen |= view->exists || view->others_index != 0;
    if (view->index > candidacy->highest_index)
        candidacy->highest_index = view->index;
    if (view->token > candidacy->highest_token)
        candidacy->highest_token = view->token;
    if (view->lease_ns)
        candidacy->last_lease = view->lease_ns;
}

void candidacy_lose_sight(struct candidacy *candidacy)
{
    if (candidacy->absent)
        candidacy->free = false;
}

void candidacy_see(struct candidacy *candidacy, const struct lock_view *view, instant_ns now)
{
    bool others_led = view->others_index > candidacy->others_index; /* may be: between two looks */

    if (view->after_gap || others_led)
        candidacy_lose_sight(candidacy);
    if (others_led)
        candidacy->others_index = view->others_index;
    bool was_free = candidacy->free && candidacy->index == view->index;

    /* A follower that lags may not know the lock yet: absence is believed of a quorum alone. */
    candidacy->free = view->session.text[0] == '\0' && (view->exists || view->consistent);
    candidacy->index = view->index;
    candidacy->absent = !view->exists;
    candidacy->asked = view->asked_ns;
    if (candidacy->free) {
        if (!was_free)
            candidacy->free_since = now;
        candidacy->opens = candidacy->free_since + waiting_time(candidacy, view);
        if (candidacy->opens > candidacy->free_since && candidacy->opens > candidacy->doubt_until)
            candidacy->doubt_until = candidacy->opens;
        if (candidacy->opens < candidacy->doubt_until) /* another has led since, and knew nothing */
            candidacy->opens = candidacy->doubt_until;
    }
    remember(candidacy, view);
}

void candidacy_take(struct candidacy *candidacy, uint64_t token)
{
    struct lock_view ours = {
        .exists = true,
        .index = token,
        .token = token,
        .lease_ns = candidacy->own_lease,
    };

    candidacy->free = false;
    remember(candidacy, &ours);
}

void candidacy_hold_off(struct candidacy *candidacy, instant_ns until)
{
    candidacy->not_before = until;
}

instant_ns candidacy_opens(const struct candidacy *candidacy)
{
    /* Since the last look the lock may have been led and deleted again. */
    bool unwatched = candidacy->absent && candidacy->asked < candidacy->opens &&
                     candidacy->opens > candidacy->free_since;

    if (!candidacy->free || unwatched)
        return 0;
    return candidacy->opens > candidacy->not_before ? candidacy->opens : candidacy->not_before;
}
