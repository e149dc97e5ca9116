#include "common/process/output.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/scope.h"

/* As much as a pipe holds: the end of what one that is dead has printed is in it. */
#define TAKEN_AT_ONCE 65536

int output_open(struct output *output, const char *name, bool held, int *writer, struct error *err)
{
    int ends[2];

    *output = OUTPUT_NONE;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_errno(err, "cannot make a pipe");
    if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
        error_errno(err, "cannot make a pipe");
        close(ends[0]);
        close(ends[1]);
        return -1;
    }
    output->fd = ends[0];
    output->name = name;
    output->held = held;
    *writer = ends[1];
    return 0;
}

static void drop(struct output *output, size_t length)
{
    output->used -= length;
    memmove(output->text, output->text + length, output->used);
}

/* Writes the first line, or what there is where that is as long as one may be. */
static bool write_line(struct output *output, bool is_last)
{
    const char *end = memchr(output->text, '\n', output->used);
    size_t length = end ? (size_t)(end - output->text) : output->used;

    if (output->used == 0 || (!end && !is_last && output->used < sizeof output->text))
        return false;
    log_output(output->name, output->text, length);
    drop(output, end ? length + 1 : length);
    return true;
}

/* Makes room for what comes, at the cost of what is oldest. */
static void make_room(struct output *output)
{
    if (output->held && output->used > sizeof output->text / 2)
        drop(output, output->used - sizeof output->text / 2);
    while (!output->held && write_line(output, false))
        ;
}

/* Returns how much came; 0: there is no more for now. */
static size_t take(struct output *output)
{
    make_room(output);
    ssize_t size =
        read(output->fd, output->text + output->used, sizeof output->text - output->used);
    if (size == 0) /* nobody has it any more; what is kept is written at the end */
        close_end(&output->fd);
    if (size <= 0)
        return 0;
    output->used += (size_t)size;
    make_room(output);
    return (size_t)size;
}

void output_take(struct output *output)
{
    size_t size = 1;

    for (size_t taken = 0; output->fd >= 0 && size > 0 && taken < TAKEN_AT_ONCE; taken += size)
        size = take(output);
}

void output_close(struct output *output, bool told)
{
    output_take(output);
    while ((told || !output->held) && write_line(output, true))
        ;
    close_end(&output->fd);
    output->used = 0;
}
