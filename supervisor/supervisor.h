/* supervisor.h - the process that decides. Private to supervisor/.
 *
 * It feeds the election with what keeper and network process say, carries out its commands, and
 * watches over the life of this instance from its start to its exit status.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include "common/messages/keeper.h"
#include "common/options/settings.h"
#include "common/place/lease_file.h"
#include "common/place/place.h"
#include "common/place/record.h"
#include "election/election.h"
#include "keeper/keeper.h"
#include "supervisor/forwarding.h"
#include "supervisor/health.h"
#include "supervisor/job.h"
#include "supervisor/predecessor.h"
#include "supervisor/restart.h"
#include "supervisor/standing.h"
#include "supervisor/start_line.h"

#define OPEN_REQUESTS_MAX 32

struct open_request {
    struct lock_request request; /* serial 0: free */
    instant_ns sent;
};

enum phase {
    PHASE_PLACE,    /* waits until the place is free */
    PHASE_PREPARES, /* ends what a predecessor has left: its demotion, then the program's start */
    PHASE_RUNS,     /* is a candidate */
    PHASE_STOPS,
};

struct peer {
    pid_t pid; /* 0: not running */
    int fd;    /* our end; -1 */

    /* Of what it said and cannot be, when last; 0: never. */
    instant_ns complained;
};

struct supervisor {
    const struct settings *settings;
    char *const *command; /* NULL: a sidecar */
    const struct user *user;
    const struct signal_state *signals;
    char network_path[PATH_MAX];
    char directory[PATH_MAX]; /* where we were started; we ourselves leave it */

    struct ack ack; /* for the program */
    int signal_fd;
    int timer_fd;
    struct job job;

    struct place place;
    instant_ns place_due; /* to try the place again */
    instant_ns place_warning;
    struct record record;
    struct predecessor predecessor;
    struct lease_file lease_file;

    enum phase phase;
    bool has_place; /* it is ours, or there is none */
    struct election election;
    bool election_over;
    struct open_request open[OPEN_REQUESTS_MAX];
    int lock_fd;              /* the file store's lock; -1 */
    char holder[512];         /* the leader's identity; empty: unknown */
    struct session_id leader; /* by the last look at the lock; empty: nobody */
    struct situation told;    /* the last that the leader-change hook was told */
    struct start_line start_line;
    instant_ns changed; /* when the present promotion or demotion began */
    struct checkup checkup;
    struct standing standing;

    struct peer keeper;
    struct peer network;
    instant_ns answer_due;   /* a keeper that has not answered by then hangs; 0: nothing is asked */
    instant_ns demotion_due; /* when the demotion itself must be over */
    bool keeper_lost;        /* it died; everything that it had is swept */
    instant_ns sweep_due;    /* 0: no sweep under way */
    instant_ns network_due;  /* to start it again; 0: it runs */
    instant_ns network_started;
    bool network_killed; /* it hung or was faulty, and is not reaped yet */

    bool taken_down; /* no tag shows this instance any more */
    struct forwarding forwarding;
    struct restarts restarts;
    bool program_runs;
    bool gone;          /* nothing of the program is left, or there never was any */
    bool gone_asked;    /* KEEPER_STOP was sent */
    bool exit_is_final; /* exit_status is not the program's to change */
    int exit_status;
    instant_ns stop_began;
    instant_ns stop_deadline; /* 0: we do not stop */
    bool told_to_stop;        /* by a signal */
    bool keeper_killed;       /* it hung, and is not reaped yet */
};

/* --- peers.c: the two processes beside the supervisor. --- */

int keeper_start_process(struct supervisor *supervisor, struct error *err);
int network_start_process(struct supervisor *supervisor, struct error *err);

/* Ends both. */
void peers_end(struct supervisor *supervisor);

/* --- losses.c: what follows when one of them is lost. --- */

/* It hangs; what it should have done follows from its death. */
void keeper_kill(struct supervisor *supervisor, const char *what_is_late);

/* The network process hangs, or is of no use any more. */
void network_kill(struct supervisor *supervisor);

/* They were reaped. */
void network_died(struct supervisor *supervisor, instant_ns now);
void keeper_died(struct supervisor *supervisor, instant_ns now);

void network_restart(struct supervisor *supervisor, instant_ns now);

/* Kills what a dead keeper has left; when nothing is left another keeper does the rest. */
void supervisor_sweep(struct supervisor *supervisor, instant_ns now);

/* --- keeper_link.c --- */

/* What a keeper with that end of a channel to us begins with. */
void keeper_fill_start(const struct supervisor *supervisor, int supervisor_fd,
                       struct keeper_start *start);
void keeper_send(struct supervisor *supervisor, enum keeper_message type, uint64_t term,
                 const void *body, size_t size, int passed_fd);

/* passed_fd: came with the message, now ours; -1. */
void keeper_said(struct supervisor *supervisor, const struct message *message, int passed_fd,
                 instant_ns now);

/* --- network_link.c --- */

/* An election's request, whose answer it gets. */
void network_ask(struct supervisor *supervisor, const struct lock_request *request, instant_ns now);

void network_send_request(struct supervisor *supervisor, const struct lock_request *request);

/* The role that tags show. standing: false at the end, all is taken down. */
void network_send_role(struct supervisor *supervisor, bool leader, bool standing);

/* What the service of --register shall show; after each change of what it depends on. */
void network_send_health(struct supervisor *supervisor);

void network_send_probe(struct supervisor *supervisor, const struct probe_order *order);

/* passed_fd: came with the message, now ours; -1. */
void network_said(struct supervisor *supervisor, const struct message *message, int passed_fd,
                  instant_ns now);

/* Another network process was started: it is told of the term that goes on, and what the dead one
 * still owed is answered in its name, since nobody knows what came of it.
 */
void network_lost(struct supervisor *supervisor, instant_ns now);

/* --- lead.c --- */

void lead_init(struct supervisor *supervisor);
void lead_carry_out(struct supervisor *supervisor, const struct election_commands *commands,
                    instant_ns now);

/* Everything is prepared: from now on this instance stands as often as it is fit. */
void lead_stand(struct supervisor *supervisor, instant_ns now);

/* Others go first for as long as stand_off. No effect on one that does not lead. */
void lead_step_down(struct supervisor *supervisor, enum election_reason reason,
                    duration_ns stand_off, instant_ns now);

/* The program of a lead that goes on is started again, and told of it as at first. */
void lead_promote_again(struct supervisor *supervisor, instant_ns now);

void lead_stop(struct supervisor *supervisor, instant_ns now);

/* Tells followers of another leader, once each, and again when more is known of it. */
void lead_tell_change(struct supervisor *supervisor);

/* Orders the demotion, or, while one is under way, that it hastens. */
void lead_order_demotion(struct supervisor *supervisor, enum election_reason reason,
                         instant_ns now);

/* Sends the order, and expects its answer in time. */
void lead_send_demotion(struct supervisor *supervisor, uint64_t term,
                        const struct demotion_order *order, instant_ns now);

/* --- supervisor.c --- */

/* All but settings, command, user and signals, which are set; the rest is 0. */
void supervisor_init(struct supervisor *supervisor);

/* Begins the planned end of this instance. status: what to exit with, or -1 for the program's. */
void supervisor_stop(struct supervisor *supervisor, int status, instant_ns now);

/* A stop whose demotion was late still has the time for its last steps: a lock that is not given
 * away has to run out, and the others wait much longer for that.
 */
void supervisor_leave_time(struct supervisor *supervisor, instant_ns now);

/* Asks the keeper for the end of the program, once, when it is time. */
void supervisor_stop_program(struct supervisor *supervisor, instant_ns now);

/* Does the next thing that has to be done before this instance stands. */
void supervisor_prepare(struct supervisor *supervisor, instant_ns now);

void supervisor_write_record(struct supervisor *supervisor);

/* The loop's turns: the first thing that is done; what has come and what has become due; when to
 * turn again if nothing comes, 0 for never; whether this instance has ended.
 */
void supervisor_begin(struct supervisor *supervisor);
void supervisor_turn(struct supervisor *supervisor);
instant_ns supervisor_next_due(const struct supervisor *supervisor);
bool supervisor_has_ended(const struct supervisor *supervisor);

/* At the end: whether the record is ours, and nobody has to be told anything by it. */
bool supervisor_leaves_nothing(const struct supervisor *supervisor);

#endif
