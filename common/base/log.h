/* log.h - whole lines to stderr that never stop the process that writes them.
 *
 * `2026-01-02T03:04:05.678Z info leading key=a/b token=42`: an event in plain words, then its
 * fields as name=value. As JSON the same line is one object {time, level, process, message}.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVELS };
enum log_format { LOG_TEXT, LOG_JSON, LOG_FORMATS };

/* Opens a non-blocking stderr of our own. Until it is called lines go to descriptor 2 as text.
 * process: its name in JSON lines. A regular file is written through descriptor 2 itself, which
 * cannot block and keeps its offset shared. Where a pipe or terminal cannot be opened anew
 * (another user owns it) log_needs_relay() is true and lines go to the relay.
 */
void log_open(const char *process, enum log_level level, enum log_format format);

/* Whether this process has no stderr of its own that it may write to without blocking. */
bool log_needs_relay(void);

/* Where whole lines go when this process must not write them: returns false when a line could
 * not be taken, which counts it as dropped. The network process sets none and writes itself.
 */
void log_set_relay(bool (*relay)(void *context, const char *line, size_t length), void *context);

/* Writes a line that another process relayed. */
void log_write_line(const char *line, size_t length);

/* One line, printf. Control characters within are written as `?`. Keeps errno. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A line that a hook or a probe's command has printed, whatever the level: `... info NAME: text`.
 * It need not end with a NUL. Keeps errno.
 */
void log_output(const char *name, const char *text, size_t length);

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
