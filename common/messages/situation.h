/* situation.h - what programs and hooks are told of the election. */
#ifndef MESSAGES_SITUATION_H
#define MESSAGES_SITUATION_H

#include <stdint.h>

#include "election/lock.h"

/* Their variables: docs/operating.md, "Environment". */
struct situation {
    uint64_t token; /* 0: not leader */
    struct session_id session;
    char role[16];
    char old_role[16];
    char reason[32];
    char holder[512]; /* the leader's identity as JSON; empty: unknown */
};

#endif
