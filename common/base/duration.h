/* duration.h - lengths of time as people write them: Go's notation, in nanoseconds here.
 *
 * `1m30s`, `500ms`, `1.5h`, units h m s ms us µs ns (Go: time.ParseDuration). A bare number is
 * seconds, which Go does not take, and a sign is refused: nothing of ours lasts less than nothing.
 */
#ifndef BASE_DURATION_H
#define BASE_DURATION_H

#include <stdint.h>

#include "common/base/error.h"

/* Longer is refused (292 years, as in Go), so that a sum of two never overflows. */
#define DURATION_MAX_NS ((uint64_t)INT64_MAX)

/* Room for any duration as text. */
#define DURATION_TEXT_SIZE 32

/* Reads the whole text. 0, or -1 with `"5x" is not a duration (expected for example ...)`. */
int duration_parse(const char *text, uint64_t *duration_ns, struct error *err);

/* Writes `1m30s`, `29s`, `19.98s`, `500ms`: exact, without units that are zero. Returns text. */
const char *duration_format(uint64_t duration_ns, char text[DURATION_TEXT_SIZE]);

#endif
