/* go_duration.h - durations as Go's package time reads and writes them. */
#ifndef MODEL_GO_DURATION_H
#define MODEL_GO_DURATION_H

#include <stdint.h>

#include "tests/model/text.h"

/* time.ParseDuration. -1: complaint gets Go's text. */
int go_duration_parse(const char *text, int64_t *duration_ns, struct text *complaint);

/* time.Duration.String(): `24h0m0s`, `200ms`. Not negative. */
void go_duration_add(struct text *text, uint64_t duration_ns);

#endif
