#include "probes/tcp.h"

#include "base/scope.h"
#include "consul/memory.h"
#include "probes/transfer.h"

static void done(struct probe *probe, long status, const char *failure)
{
    (void)status;
    probe_ended(probe, !failure, failure);
}

static void begin(struct probe *probe)
{
    AUTO_FREE char *url = memory_text("http://%s", probe->spec.target);
    struct transfer *transfer = transfer_new(probe, url, done);

    curl_easy_setopt(transfer_handle(transfer), CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(transfer_handle(transfer), CURLOPT_PROXY, "");
    transfer_start(transfer, NULL);
}

static void cancel(struct probe *probe)
{
    transfer_cancel(probe->run);
    probe_ended(probe, false, "");
}

const struct probe_kind_operations tcp_probe = { .begin = begin, .cancel = cancel };
