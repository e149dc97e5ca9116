/* A worker that acts only while its instance leads, and gives the lead's token to the store with
 * each write.
 *
 *     cc -o worker lease.c $(pkg-config --cflags consul-leader)
 *     consul-leader --service worker -- ./worker SOCKET      (of token_store.py)
 */
#include <consul_leader/lease.h>
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define WRITE_TAKES_NS 100000000u

static FILE *connect_to_store(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        err(1, "%s", path);
    return fdopen(fd, "r");
}

/* One unit of work, under the token that was held as it began. */
static void write_value(FILE *store, uint64_t token, unsigned number)
{
    char answer[64] = "nothing\n";

    dprintf(fileno(store), "%" PRIu64 " %u of %d\n", token, number, (int)getpid());
    if (!fgets(answer, sizeof answer, store) || strcmp(answer, "ok\n") != 0)
        errx(1, "the store says: %.*s", (int)strcspn(answer, "\n"), answer);
}

int main(int argc, char **argv)
{
    const struct timespec a_little = { .tv_nsec = 10000000 };
    struct consul_leader_lease lease;
    uint64_t token;

    if (argc != 2)
        errx(64, "usage: %s SOCKET", argv[0]);
    if (consul_leader_lease_open(&lease, NULL) < 0)
        err(1, "no lease page");
    FILE *store = connect_to_store(argv[1]);
    for (unsigned number = 1;;) {
        if (consul_leader_lease_remaining_ns(&lease, &token) >= WRITE_TAKES_NS)
            write_value(store, token, number++);
        else
            nanosleep(&a_little, NULL);
    }
}
