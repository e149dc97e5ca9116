/* sound.c - what holds of the election between two events, whatever has come. */
#include <assert.h>
#include <string.h>

#include "election/transitions.h"

static bool is_nobodys(const struct election *election)
{
    static const struct renewal none_open[RENEWALS_OPEN_MAX];

    return election->session.text[0] == '\0' && election->lease.hard == 0 && election->token == 0 &&
           election->open_serial == 0 && !election->won &&
           memcmp(election->renewals, none_open, sizeof none_open) == 0;
}

/* Within a term a lease only grows, and a demotion ends when it was told to. The acquire alone may
 * shorten a lease: from then on it counts from the acquire, not from the session's renewal.
 */
static bool lease_is_kept(const struct election *election, const struct lease *before)
{
    bool ends = election->state == STATE_DEMOTING || election->state == STATE_RELEASING;

    if (before->hard == 0 || election->lease.hard == 0 || before->term != election->lease.term)
        return true;
    return election->lease.hard == before->hard || (!ends && election->lease.hard > before->hard);
}

void election_assert_sound(struct election *election, enum election_state from)
{
    struct lease before = election->kept;

    switch (election->state) {
    case STATE_IDLE:
        assert(!election->stopping);
        assert(is_nobodys(election));
        break;
    case STATE_STOPPED:
        assert(is_nobodys(election));
        assert(election->ghost.session.text[0] == '\0');
        break;
    case STATE_WAITING:
        assert(!election->stopping && election->standing);
        assert(election->session.text[0] != '\0' && !election->won);
        break;
    case STATE_PROMOTING:
    case STATE_LEADING:
        assert(!election->stopping);
        assert(election->won && !election->lost && election->session.text[0] != '\0');
        assert(election->lease.term == election->term);
        assert(election->token > election->acquire_highest);
        break;
    case STATE_DEMOTING:
        assert(election->won && election->session.text[0] != '\0');
        break;
    case STATE_RELEASING: /* what was acquired and never promoted is given away too */
        assert(from == STATE_DEMOTING || from == STATE_ACQUIRING || from == ELECTION_STATES);
        assert(election->won && !election->lost);
        break;
    case STATE_ACQUIRING:
    case ELECTION_STATES:
        break;
    }
    assert(election->state == STATE_ACQUIRING || from == STATE_ACQUIRING ||
           lease_is_kept(election, &before));
    election->kept = election->lease;
}
