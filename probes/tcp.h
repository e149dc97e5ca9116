/* tcp.h - probes that connect: well when somebody accepts. The network process's. */
#ifndef PROBES_TCP_H
#define PROBES_TCP_H

#include "probes/probe.h"

/* Its context is the struct transfers. */
extern const struct probe_kind_operations tcp_probe;

#endif
