#include <stdio.h>

#include "probes/kinds.h"

static bool judge(const struct probe *probe, CURL *easy, CURLcode code, struct error *reason)
{
    (void)probe, (void)easy, (void)reason;
    return code == CURLE_OK;
}

static void begin(struct probe *probe)
{
    char url[PROBE_TEXT_SIZE + 16];
    CURL *easy = transfer_new();

    snprintf(url, sizeof url, "http://%s", probe->spec.target);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    probe->run = transfer_begin(probe->context, probe, easy, judge);
}

static void cancel(struct probe *probe)
{
    transfer_cancel(probe->run);
    probe_ended(probe, false, "");
}

const struct probe_kind_operations probe_tcp = { begin, cancel };
