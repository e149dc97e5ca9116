/* main.c - consul-leader-network: owns every socket to the outside, decides nothing.
 *
 * It lives as long as the supervisor or the keeper: when the supervisor is dead it waits for the
 * keeper's word that nothing is left, and executes the last will. Without that word it releases
 * nothing, but ends what those two have left.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/messages/network.h"
#include "common/options/settings.h"
#include "network/network.h"

enum { WATCH_SUPERVISOR, WATCH_KEEPER, WATCH_STORE, WATCH_PROBES, WATCHES };

static void wait_for_events(struct network *network)
{
    int store_fd = network->store ? network->operations->descriptor(network->store) : -1;
    int timeout = clock_poll_timeout(network_next_due(network));
    short to_supervisor = outbox_is_empty(&network->to_supervisor) ? 0 : POLLOUT;
    struct pollfd watches[WATCHES] = {
        [WATCH_SUPERVISOR] = { .fd = network->supervisor_fd, .events = POLLIN | to_supervisor },
        [WATCH_KEEPER] = { .fd = network->keeper_fd, .events = POLLIN },
        [WATCH_STORE] = { .fd = store_fd, .events = POLLIN },
        [WATCH_PROBES] = { .fd = network_probes_descriptor(network), .events = POLLIN },
    };

    if (network->http)
        http_wait(network->http, watches, WATCHES, timeout);
    else if (poll(watches, WATCHES, timeout) < 0 && errno != EINTR)
        abort();
}

int main(void)
{
    static struct network network = {
        .supervisor_fd = NETWORK_FD_SUPERVISOR,
        .keeper_fd = NETWORK_FD_KEEPER,
    };

    prctl(PR_SET_NAME, "consul-network");
    ssize_t size = pread(NETWORK_FD_SETTINGS, &network.settings, sizeof network.settings, 0);
    if (size != (ssize_t)sizeof network.settings)
        return EXIT_STATUS_INTERNAL;
    close(NETWORK_FD_SETTINGS);
    bool has_cgroup = fcntl(NETWORK_FD_CGROUP, F_GETFD) >= 0;
    for (int fd = NETWORK_FD_SUPERVISOR; fd < NETWORK_FD_END; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    log_open("network", network.settings.log_level, network.settings.log_format);
    network_open(&network);
    while (!network.finished) {
        wait_for_events(&network);
        network_turn(&network);
    }
    if (network.abandoned && has_cgroup && write(NETWORK_FD_CGROUP, "1", 1) < 0 && errno != ENODEV)
        log_error("the cgroup of the program cannot be killed reason=\"%s\"", strerror(errno));
    return EXIT_SUCCESS;
}
