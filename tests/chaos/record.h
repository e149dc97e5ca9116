/* record.h - when a process acted as leader, and with which token.
 *
 * A file of shared memory, so that not even SIGKILL loses what was written: NAME.PID.KIND in the
 * folder CHAOS_RECORDS, NAME from TEST_NAME. Instants are nanoseconds of CLOCK_MONOTONIC, which all
 * processes of the machine share; evidence.py reads them.
 */
#ifndef CHAOS_RECORD_H
#define CHAOS_RECORD_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#define TICK_NS              INT64_C(1000000)  /* how often one who acts says so: the resolution */
#define STALL_NS             INT64_C(50000000) /* not run for longer: a new stretch */
#define RECORD_MAX_STRETCHES 8192

/* It acted from begin to last, but for stalls of at most STALL_NS. */
struct stretch {
    int64_t begin;
    int64_t last; /* moved while it goes on */
    uint64_t token;
    uint64_t resumed; /* it goes on after a stall */
};

struct record {
    _Atomic uint64_t order;  /* set by hooks: the token to act with; 0: not to act */
    _Atomic uint64_t acting; /* the token that the program acts with; 0: it does not */
    _Atomic uint64_t count;
    struct stretch stretches[RECORD_MAX_STRETCHES];
};

/* One thread of acting within a record; the forks of a process may go on with a copy. */
struct actor {
    struct record *record;
    struct stretch *stretch; /* NULL: it does not act */
};

int64_t now_ns(void);

/* Ends the process with 99 and says what failed. */
_Noreturn void fail(const char *what);

/* The record of a process of this instance, made by whoever comes first. */
struct record *record_open(pid_t pid, const char *kind);

void actor_begin(struct actor *actor, uint64_t token);
void actor_stamp(struct actor *actor);

#endif
