#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 1500

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};
_Static_assert(sizeof level_names / sizeof *level_names == LOG_LEVELS, "each level has its name");

static struct {
    const char *process;
    enum log_level level;
    enum log_format format;
    int fd;
    bool is_socket;
    bool needs_relay;
    bool (*relay)(void *context, const char *line, size_t length);
    void *context;
    uint64_t dropped;
} self = { .process = "consul-leader", .level = LOG_INFO, .fd = STDERR_FILENO };

void log_open(const char *process, enum log_level level, enum log_format format)
{
    struct stat status;

    self.process = process;
    self.level = level;
    self.format = format;
    self.is_socket = false;
    self.needs_relay = false;
    self.fd = STDERR_FILENO;
    if (fstat(STDERR_FILENO, &status) < 0 || S_ISREG(status.st_mode))
        return;
    if (S_ISSOCK(status.st_mode)) {
        self.is_socket = true;
        return;
    }

    /* O_NONBLOCK belongs to the open file, which the program shares: hence a file of our own. */
    self.fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (self.fd < 0) {
        self.fd = STDERR_FILENO;
        self.needs_relay = true;
    }
}

bool log_needs_relay(void)
{
    return self.needs_relay;
}

void log_set_relay(bool (*relay)(void *context, const char *line, size_t length), void *context)
{
    self.relay = relay;
    self.context = context;
}

static bool put(const char *line, size_t length)
{
    if (self.relay)
        return self.relay(self.context, line, length);

    ssize_t written;
    do
        written = self.is_socket ? send(self.fd, line, length, MSG_DONTWAIT | MSG_NOSIGNAL)
                                 : write(self.fd, line, length);
    while (written < 0 && errno == EINTR);
    return written >= 0;
}

static void format_time(char *text, size_t size)
{
    struct timespec now;
    struct tm parts;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + length, size - length, ".%03ldZ", now.tv_nsec / 1000000);
}

static size_t format_json(char *line, size_t size, const char *level, const char *text)
{
    char when[40];
    format_time(when, sizeof when);
    size_t length = (size_t)snprintf(line, size,
                                     "{\"time\":\"%s\",\"level\":\"%s\",\"process\":\"%s\","
                                     "\"message\":\"",
                                     when, level, self.process);

    for (; *text && length + 5 < size; text++) {
        if (*text == '"' || *text == '\\')
            line[length++] = '\\';
        line[length++] = *text;
    }
    return length + (size_t)snprintf(line + length, size - length, "\"}\n");
}

static size_t format_line(char *line, size_t size, enum log_level level, const char *text)
{
    if (self.format == LOG_JSON)
        return format_json(line, size, level_names[level], text);

    char when[40];
    format_time(when, sizeof when);
    int length = snprintf(line, size - 1, "%s %s %s", when, level_names[level], text);
    size_t end = (size_t)length < size - 1 ? (size_t)length : size - 2;
    line[end] = '\n';
    return end + 1;
}

/* What an earlier full pipe swallowed is told before the next line that goes through. */
static void report_dropped(void)
{
    char text[64], line[LINE_SIZE];

    snprintf(text, sizeof text, "log lines dropped=%llu", (unsigned long long)self.dropped);
    if (put(line, format_line(line, sizeof line, LOG_WARN, text)))
        self.dropped = 0;
}

void log_write_line(const char *line, size_t length)
{
    if (self.dropped > 0)
        report_dropped();
    if (!put(line, length))
        self.dropped++;
}

static void mask_control_characters(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void log_output(const char *name, const char *text, size_t length)
{
    int saved = errno;
    char shown[LINE_SIZE - 200], line[LINE_SIZE];

    snprintf(shown, sizeof shown, "%s: %.*s", name, (int)length, text);
    mask_control_characters(shown);
    log_write_line(line, format_line(line, sizeof line, LOG_INFO, shown));
    errno = saved;
}

void log_line(enum log_level level, const char *format, ...)
{
    int saved = errno;
    char text[LINE_SIZE - 200], line[LINE_SIZE];
    va_list arguments;

    if (level >= self.level) {
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
        mask_control_characters(text);
        log_write_line(line, format_line(line, sizeof line, level, text));
    }
    errno = saved;
}
