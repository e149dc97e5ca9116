#include "tests/simulation/story.h"

#include <stdio.h>

#include "tests/simulation/instance.h"

#define NAMES 8

static bool is_told;

void story_begin(bool told)
{
    is_told = told;
}

bool story_is_told(void)
{
    return is_told;
}

static void begin_line(void)
{
    printf("%8.3fs  ", (double)world.now / (double)SECONDS(1));
}

void story_tell(const char *format, ...)
{
    va_list arguments;

    if (!is_told)
        return;
    begin_line();
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

void story_log(const struct process *process, const char *format, va_list arguments)
{
    begin_line();
    printf("    %s: ", story_process(process));
    vprintf(format, arguments);
    putchar('\n');
}

static char *next_name(size_t *size)
{
    static char names[NAMES][64];
    static unsigned next;

    *size = sizeof names[0];
    return names[next++ % NAMES];
}

const char *story_instance(const struct instance *instance)
{
    size_t size;
    char *name = next_name(&size);

    snprintf(name, size, "%c#%u", (char)('a' + instance->slot->number), instance->number);
    return name;
}

const char *story_process(const struct process *process)
{
    static const char *const kinds[PROCESS_KINDS] = {
        [PROCESS_SUPERVISOR] = "supervisor",
        [PROCESS_KEEPER] = "keeper",
        [PROCESS_NETWORK] = "network process",
        [PROCESS_PROGRAM] = "program",
        [PROCESS_HOOK] = "hook",
        [PROCESS_DESCENDANT] = "program's child",
        [PROCESS_OUTSIDE] = "outside program",
        [PROCESS_READER] = "reader of a lease page",
    };
    size_t size;
    char *name = next_name(&size);

    if (process->instance)
        snprintf(name, size, "%c#%u's %s", (char)('a' + process->instance->slot->number),
                 process->instance->number, kinds[process->kind]);
    else
        snprintf(name, size, "%s's %s", process->host->node, kinds[process->kind]);
    return name;
}
