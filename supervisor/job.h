/* job.h - what the job control of a shell sees of us.
 *
 * Nothing of ours may stop: a stopped supervisor renews no lease. But a shell whose job is stopped
 * in its terminal (Ctrl-Z) waits until the process that it started has stopped. So where a terminal
 * is, that process is one of its own, the job process: it stops and goes on as the program does,
 * passes on every signal, and ends with our status. Its death ends the supervisor.
 */
#ifndef SUPERVISOR_JOB_H
#define SUPERVISOR_JOB_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/error.h"

struct job {
    pid_t pid;    /* the process that was started: the job process, or the supervisor itself */
    pid_t group;  /* the process group that it was started in; -1: in the background, unnamed */
    int stops_fd; /* where the job process reads how to stop; -1: there is none */
    bool stopped; /* it is, or will be at once, as far as the supervisor knows */
};

/* Becomes two processes where that is needed; returns in the one that is to be the supervisor, in a
 * group of its own. All signals must be blocked. Returns 0, or -1 when there are not two.
 */
int job_begin(struct job *job, bool has_program, struct error *err);

/* The program was stopped by that signal. */
void job_stop(struct job *job, int number);

/* The program goes on, or has ended. */
void job_continue(struct job *job);

#endif
