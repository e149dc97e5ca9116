/* signals.h - signals by name.
 *
 * A signal is written `TERM`, `SIGTERM`, `15`, `RTMIN+3` or `SIGRTMAX-1`, in capitals or not. The
 * numbers that the C library keeps for itself (32 up to SIGRTMIN) are no signals to us.
 */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <stdint.h>

#include "common/base/error.h"

#define SIGNAL_NAME_SIZE 16

/* The bit of a signal in a mask. */
#define SIGNAL_BIT(number) ((uint64_t)1 << ((number)-1))

/* Any signal, KILL and STOP as well. 0, or -1 with `"FOO" is not a signal (...)`. */
int signal_parse(const char *text, int *number, struct error *err);

/* Writes the name without SIG, `RTMIN+3`, or the number where it has no name. Returns name. */
const char *signal_name(int number, char name[SIGNAL_NAME_SIZE]);

/* A list `TERM,INT` of signals that a process is to receive, as a mask: bit n-1 is signal n. Adds
 * to *mask. -1: one is not a signal, cannot be caught (KILL, STOP), or is CHLD, which tells a
 * parent of its children and can mean nothing else.
 */
int signals_parse(const char *text, uint64_t *mask, struct error *err);

/* An array by a signal's number has so many. */
#define SIGNAL_NUMBERS 65

/* What a signal becomes before it is forwarded. */
struct signal_rewrites {
    uint8_t to[SIGNAL_NUMBERS]; /* 0: itself */
};

#define SIGNAL_DROPPED UINT8_MAX

/* A list `HUP:USR1,WINCH:0`; 0 drops the signal. Adds to *rewrites. -1: one of a pair is not a
 * signal, the first cannot be caught, or it has been rewritten already.
 */
int signal_rewrites_parse(const char *text, struct signal_rewrites *rewrites, struct error *err);

/* What is forwarded for it; 0: nothing. */
int signal_rewritten(const struct signal_rewrites *rewrites, int number);

#endif
