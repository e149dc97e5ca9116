#include "tests/chaos/record.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

_Noreturn void fail(const char *what)
{
    perror(what);
    _exit(99);
}

struct record *record_open(pid_t pid, const char *kind)
{
    const char *folder = getenv("CHAOS_RECORDS"), *name = getenv("TEST_NAME");
    char path[PATH_MAX];

    if (!folder || !name)
        fail("CHAOS_RECORDS, TEST_NAME");
    snprintf(path, sizeof path, "%s/%s.%d.%s", folder, name, (int)pid, kind);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || ftruncate(fd, sizeof(struct record)) < 0)
        fail(path);
    void *memory = mmap(NULL, sizeof(struct record), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        fail(path);
    close(fd);
    return memory;
}

static void begin_stretch(struct actor *actor, uint64_t token, bool resumed)
{
    uint64_t index = atomic_fetch_add(&actor->record->count, 1);

    assert(index < RECORD_MAX_STRETCHES);
    actor->stretch = &actor->record->stretches[index];
    actor->stretch->token = token;
    actor->stretch->resumed = resumed;
    actor->stretch->last = now_ns();
    actor->stretch->begin = actor->stretch->last; /* 0 until here: who reads skips it */
}

void actor_begin(struct actor *actor, uint64_t token)
{
    begin_stretch(actor, token, false);
}

void actor_stamp(struct actor *actor)
{
    int64_t now = now_ns();

    if (now - actor->stretch->last > STALL_NS)
        begin_stretch(actor, actor->stretch->token, true);
    else
        actor->stretch->last = now;
}
