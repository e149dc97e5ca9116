/* error.h - what went wrong, in words, on its way to the one place that prints it.
 *
 * A function that can fail takes `struct error *err` last, returns -1 and leaves the reason in it.
 * Each caller on the way up may add what it was doing; the user reads one line:
 * `cannot open the state directory: /var/lib/x: Permission denied`.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

/* The exit statuses that are ours (docs/operating.md). */
enum exit_status {
    EXIT_STATUS_USAGE = 64,
    EXIT_STATUS_UNAVAILABLE = 69,
    EXIT_STATUS_INTERNAL = 70,
    EXIT_STATUS_LEAD_LOST = 75,
    EXIT_STATUS_CANNOT_START = 126,
    EXIT_STATUS_NOT_FOUND = 127,
};

struct error {
    char text[1024]; /* one line, without a newline */
};

/* Sets the text (printf) and returns -1. */
int error_set(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Like error_set(), followed by `: ` and the words for errno, which it leaves as it was. */
int error_errno(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts what the caller was doing and `: ` before the text, and returns -1. */
int error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
