#include "common/base/machine.h"

#include "common/base/log.h"

void machine_moved(const struct machine *machine, unsigned from, unsigned event, unsigned to)
{
    log_debug("%s: %s -> %s event=\"%s\"", machine->name, machine->state_name(from),
              machine->state_name(to), machine->event_name(event));
}
