#include "consul/complaints.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"

#define SAID_AGAIN_AFTER SECONDS(600)

/* The place of this text, or the oldest, which it takes. */
static struct complaint *find(struct complaints *complaints, const char *text)
{
    struct complaint *oldest = &complaints->list[0];

    for (size_t i = 0; i < COMPLAINTS_KEPT; i++) {
        struct complaint *complaint = &complaints->list[i];
        if (strcmp(complaint->text, text) == 0)
            return complaint;
        if (complaint->said_ns < oldest->said_ns)
            oldest = complaint;
    }
    oldest->said_ns = 0;
    strcpy(oldest->text, text);
    return oldest;
}

void complaints_say(struct complaints *complaints, enum log_level level, const char *text)
{
    char beginning[sizeof complaints->list[0].text];
    uint64_t now = clock_now_ns();

    snprintf(beginning, sizeof beginning, "%s", text);
    struct complaint *complaint = find(complaints, beginning);
    if (complaint->said_ns != 0 && now < complaint->said_ns + SAID_AGAIN_AFTER)
        return;
    complaint->said_ns = now;
    log_line(level, "%s", text);
}
