#include "election/guard.h"

#include <assert.h>

void guard_grant(struct guard *guard, struct lease lease)
{
    if (lease.term > guard->lease.term)
        guard->lease = lease;
    else
        lease_extend(&guard->lease, lease);
}

void guard_arm(struct guard *guard)
{
    guard->armed = true;
}

void guard_disarm(struct guard *guard)
{
    guard->armed = false;
    guard->lease.soft = 0;
    guard->lease.hard = UINT64_MAX; /* no grant of this term can be longer */
}

bool guard_may_start(const struct guard *guard, instant_ns now)
{
    return guard->armed && now < guard->lease.soft;
}

instant_ns guard_deadline(const struct guard *guard, duration_ns needed)
{
    assert(!guard->armed || guard->lease.hard > needed); /* a lease precedes every promotion */
    return guard->armed ? guard->lease.hard - needed : 0;
}
