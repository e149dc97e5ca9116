/* lease.h - whether this instance leads, read from the lease page in nanoseconds and without a
 * system call.
 *
 * consul-leader maps a small file, the lease page, into which it writes until when its instance may
 * act as leader, and the fencing token of that lead. Its path is in CONSUL_LEADER_LEASE_FILE.
 *
 *     struct consul_leader_lease lease;
 *     uint64_t token;
 *
 *     if (consul_leader_lease_open(&lease, NULL) < 0)
 *         err(1, "no lease page");
 *     for (;;)
 *         if (consul_leader_lease_held(&lease, &token))
 *             store_write(token, ...);
 *         else
 *             wait_a_little();
 *
 * What the caller has to do:
 *
 * - Open it once, when the program starts. Each start of consul-leader makes a new page; a program
 *   that outlives its consul-leader reads a deadline that runs out, and never another's lead.
 * - Ask before each action, not once for many; and begin none that takes longer than what remains
 *   (consul_leader_lease_remaining_ns). The page says "not leader" from the beginning of a demotion
 *   on; what was begun before goes on, until the program is told or killed, or the deadline passes.
 * - Give the token to the store with each write, and let the store refuse a lower one than it has
 *   seen. Between the question and the write a process may be stopped for any time, and no lease
 * can help against that.
 *
 * Units: instants are nanoseconds of CLOCK_BOOTTIME, durations nanoseconds. Deadline and token are
 * each one aligned word of 64 bits in the machine's byte order.
 *
 * Order of memory: a new lead is written as deadline 0, token, deadline, each with release order; a
 * longer deadline of the same lead, or its end (0), as one word. A reader takes deadline, token and
 * deadline again, with acquire order, and believes them if the deadline was the same; after three
 * tries it takes "not leader" for the answer. Nothing is locked: a writer that dies between any two
 * of its stores leaves "not leader" or what was true. Reading is safe from any number of threads
 * and after a fork; a lease that was not opened is not held.
 *
 * C11 or C++, Linux, GCC's builtins, and of the C library what POSIX.1-2008 has.
 */
#ifndef CONSUL_LEADER_LEASE_H
#define CONSUL_LEADER_LEASE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef CLOCK_BOOTTIME
#error                                                                                             \
    "consul_leader/lease.h needs POSIX.1-2008: compile with -std=gnu11 or -D_POSIX_C_SOURCE=200809L"
#endif
#if __GCC_ATOMIC_LLONG_LOCK_FREE != 2
#error "consul_leader/lease.h needs a processor that reads 64 bits at once"
#endif

#define CONSUL_LEADER_LEASE_MAGIC   "CLLEASE" /* 8 bytes with its end */
#define CONSUL_LEADER_LEASE_VERSION 1

/* Whose CLOCK_BOOTTIME the deadline is of: it begins anew with each boot, and may be another in
 * another time namespace (time_namespaces(7)).
 */
struct consul_leader_lease_clock {
    uint64_t namespace_device; /* of /proc/self/ns/time; both 0: the kernel has none */
    uint64_t namespace_inode;
    char boot_id[40]; /* 36 characters, then zeros */
};

/* The file, byte by byte. */
struct consul_leader_lease_page {
    char magic[8];                          /*   0 */
    uint32_t version;                       /*   8 */
    uint32_t size;                          /*  12  of all this */
    struct consul_leader_lease_clock clock; /*  16 */
    char unused[56];                        /*  72 */
    uint64_t deadline;                      /* 128  0: not leader */
    uint64_t token;                         /* 136 */
    char rest_of_cache_line[48];            /* 144 */
};

struct consul_leader_lease {
    const struct consul_leader_lease_page *page; /* NULL: not open */
};

/* The clock of the calling process. -1 with errno: there is no /proc. */
static inline int consul_leader_lease_own_clock(struct consul_leader_lease_clock *clock)
{
    struct stat status;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    memset(clock, 0, sizeof *clock);
    if (fd < 0)
        return -1;
    ssize_t length = read(fd, clock->boot_id, 36);
    close(fd);
    if (length != 36) {
        errno = EIO;
        return -1;
    }
    if (stat("/proc/self/ns/time", &status) < 0)
        return errno == ENOENT ? 0 : -1;
    clock->namespace_device = status.st_dev;
    clock->namespace_inode = status.st_ino;
    return 0;
}

/* Why a page is not for this process: one of consul_leader_lease_open()'s errors; 0: it is. */
static inline int consul_leader_lease_refusal(const struct consul_leader_lease_page *page)
{
    struct consul_leader_lease_clock own;

    if (memcmp(page->magic, CONSUL_LEADER_LEASE_MAGIC, sizeof page->magic) != 0)
        return EBADMSG;
    if (page->version != CONSUL_LEADER_LEASE_VERSION || page->size < sizeof *page)
        return EPROTONOSUPPORT;
    if (consul_leader_lease_own_clock(&own) < 0)
        return errno;
    if (memcmp(page->clock.boot_id, own.boot_id, sizeof own.boot_id) != 0)
        return ESTALE;
    if (page->clock.namespace_device != own.namespace_device ||
        page->clock.namespace_inode != own.namespace_inode)
        return EXDEV;
    return 0;
}

/* Opens the page for reading. path: NULL for the one that CONSUL_LEADER_LEASE_FILE names. Returns
 * 0, or -1 with errno:
 *
 *   EINVAL           path is NULL, and the variable is not set: there is no page
 *   EBADMSG          the file is no lease page, or too short for one
 *   EPROTONOSUPPORT  it is of a version that this header does not know
 *   ESTALE           it was written before the machine was booted
 *   EXDEV            its deadline is of the clock of another time namespace
 *   others           of open(2), fstat(2), mmap(2), and of open(2) for /proc
 */
static inline int consul_leader_lease_open(struct consul_leader_lease *lease, const char *path)
{
    struct stat status;

    lease->page = NULL;
    if (!path)
        path = getenv("CONSUL_LEADER_LEASE_FILE");
    if (!path || path[0] == '\0') {
        errno = EINVAL;
        return -1;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;

    void *memory = MAP_FAILED;
    int refusal = 0;
    if (fstat(fd, &status) < 0)
        refusal = errno;
    else if (status.st_size < (off_t)sizeof *lease->page)
        refusal = EBADMSG;
    else if ((memory = mmap(NULL, sizeof *lease->page, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
        refusal = errno;
    else
        refusal = consul_leader_lease_refusal((const struct consul_leader_lease_page *)memory);
    close(fd);
    if (refusal == 0) {
        lease->page = (const struct consul_leader_lease_page *)memory;
        return 0;
    }
    if (memory != MAP_FAILED)
        munmap(memory, sizeof *lease->page);
    errno = refusal;
    return -1;
}

/* The deadline as it stands in the page, without a look at the clock, and its token; both 0: not
 * leader.
 */
static inline uint64_t consul_leader_lease_deadline(const struct consul_leader_lease *lease,
                                                    uint64_t *token)
{
    const struct consul_leader_lease_page *page = lease->page;

    for (int tries = 0; page && tries < 3; tries++) {
        uint64_t deadline = __atomic_load_n(&page->deadline, __ATOMIC_ACQUIRE);
        *token = __atomic_load_n(&page->token, __ATOMIC_ACQUIRE);
        if (deadline == 0)
            break;
        if (__atomic_load_n(&page->deadline, __ATOMIC_RELAXED) == deadline)
            return deadline;
    }
    *token = 0;
    return 0;
}

/* How long an action may still take that begins now, in nanoseconds; 0: this instance does not
 * lead. token: where to put the token of the lead, 0 for none; it may be NULL.
 */
static inline uint64_t consul_leader_lease_remaining_ns(const struct consul_leader_lease *lease,
                                                        uint64_t *token)
{
    uint64_t of_lead;
    struct timespec time;
    uint64_t deadline = consul_leader_lease_deadline(lease, &of_lead);
    uint64_t now = UINT64_MAX;

    if (deadline != 0 && clock_gettime(CLOCK_BOOTTIME, &time) == 0)
        now = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
    bool held = now < deadline;
    if (token)
        *token = held ? of_lead : 0;
    return held ? deadline - now : 0;
}

/* Whether this instance leads at this instant, and its token. */
static inline bool consul_leader_lease_held(const struct consul_leader_lease *lease,
                                            uint64_t *token)
{
    return consul_leader_lease_remaining_ns(lease, token) != 0;
}

/* From then on it is not held. */
static inline void consul_leader_lease_close(struct consul_leader_lease *lease)
{
    if (lease->page)
        munmap((void *)lease->page, sizeof *lease->page);
    lease->page = NULL;
}

#endif
