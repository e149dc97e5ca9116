/* Prints the manual page (docs/consul-leader.1), or with --markdown the README's table of options.
 * The options come from their table; everything else about this version is said here.
 */
#include <stdio.h>
#include <string.h>

#include "common/options/options.h"

static const char *const before_options[] = {
    ".SH NAME",
    "consul\\-leader \\- elect one leader among all instances of a program",
    ".SH SYNOPSIS",
    ".SY consul\\-leader",
    ".RI [ OPTION .\\|.\\|.]",
    ".B \\-\\-",
    ".IR COMMAND \\ [ ARG .\\|.\\|.]",
    ".YS",
    ".SY consul\\-leader",
    ".RI [ OPTION .\\|.\\|.]",
    ".YS",
    ".SH DESCRIPTION",
    "Of a service that runs as several instances, often exactly one may act: a primary, a "
    "scheduler,",
    "a consumer of a queue.",
    ".B consul\\-leader",
    "is put in front of such a program, as its entrypoint.",
    "It starts the program, elects one leader among all instances through a lock in Consul, and "
    "tells",
    "the program when it becomes leader and when it stops being one: by a signal, by a hook, or by",
    "starting and stopping it.",
    "The leader's Consul service gets a tag, so that",
    ".I primary.SERVICE.service.consul",
    "finds it.",
    ".PP",
    "A leader holds a lease, which each renewal of its session in Consul extends.",
    "When the lease is about to end it is demoted, and what still acts at its end is killed, "
    "before",
    "another instance can become leader.",
    "Each leader has a fencing token, a number that only grows, by which what it writes to can "
    "reject",
    "a leader that is late.",
    "The program never outlives its supervision, and nothing that it started outlives it.",
    ".PP",
    "Without",
    ".I COMMAND",
    "it is a sidecar: there is only the election, with its tags, hooks and files.",
    ".PP",
    "Everything is checked before anything is started.",
    "Messages go to stderr, and writing them never blocks.",
    ".SH MODES",
    ".TP",
    ".B follow",
    "The command always runs.",
    "When this instance becomes leader it gets the promote signal and the promote hook is run; "
    "when",
    "the lead is lost, the demote signal and the demote hook.",
    "A demotion is complete when the demote hook ended with status 0; with a demote signal alone,",
    "when the demote timeout has passed; in any case when the program is gone.",
    "A demotion that fails or is late is completed by killing the program.",
    "A program that is told nothing, neither by signal nor by hook, is not killed for a lost lead:",
    "its demotion is complete when its lease has ended.",
    ".TP",
    ".B leader\\-only",
    "The command runs only while this instance leads: it is started, and to stop it it gets the "
    "kill",
    "signal, then SIGKILL together with all that it started.",
    ".TP",
    ".B sidecar",
    "There is no command.",
    "When the demote hook fails or is late it is killed, the lock is not given away but left to "
    "run",
    "out, and the exit status is 75.",
    ".SH OPTIONS",
    "Every option is a flag",
    ".RB ( \\-\\-ttl\\ 20s",
    "or",
    ".BR \\-\\-ttl=20s ),",
    "a variable of the environment",
    ".RB ( CONSUL_LEADER_TTL=20s )",
    "and a line of the file that",
    ".B \\-\\-config",
    "names",
    ".RB ( ttl\\ =\\ 20s ).",
    "A flag goes before the environment, that before the file, that before the default.",
    "An option that is given again replaces what it was; lists grow.",
    "Durations are written as in Go",
    ".RB ( 1m30s ,",
    ".BR 500ms );",
    "a bare number is seconds.",
    "Signals are written with or without SIG, or as a number.",
    "Secrets are never taken from flags.",
    NULL,
};

static const char *const before_variables[] = {
    ".SH ENVIRONMENT",
    "Besides each option's own",
    ".B CONSUL_LEADER_",
    "and its name in capitals, with",
    ".B _",
    "for",
    ".BR \\- :",
    NULL,
};

static const char *const after_variables[] = {
    ".TP",
    "\\fBNOMAD_ALLOC_ID\\fR, \\fBNOMAD_TASK_NAME\\fR, \\fBNOMAD_ALLOC_DIR\\fR",
    "Set by Nomad for its tasks: the defaults of",
    ".BR \\-\\-instance ,",
    ".B \\-\\-state\\-dir",
    "and",
    ".B \\-\\-leader\\-file",
    "come from them.",
    ".PP",
    "A variable that is empty counts as unset.",
    "An unknown",
    ".B CONSUL_LEADER_",
    "variable is warned of.",
    ".PP",
    "The program and the hooks get none of the",
    ".B CONSUL_LEADER_",
    "variables that were set for",
    ".BR consul\\-leader ,",
    "but these, which say what held when they were started:",
    ".TP",
    "\\fBCONSUL_LEADER_ROLE\\fR, \\fBCONSUL_LEADER_OLD_ROLE\\fR",
    ".B leader",
    "or",
    ".BR follower .",
    ".TP",
    ".B CONSUL_LEADER_FENCING_TOKEN",
    "A decimal 64-bit number that only grows from leader to leader.",
    ".TP",
    ".B CONSUL_LEADER_ELECTION",
    "The lock: the key in Consul, or the file's absolute path.",
    ".TP",
    ".B CONSUL_LEADER_SESSION_ID",
    "The session that holds the lock.",
    ".TP",
    ".B CONSUL_LEADER_REASON",
    "Why the role changed, for example",
    ".BR acquired ,",
    ".BR lease\\-expired ,",
    ".BR lock\\-lost ,",
    ".B shutdown",
    "or",
    ".BR restart .",
    ".TP",
    ".B CONSUL_LEADER_HOLDER",
    "The leader's identity, as JSON.",
    ".TP",
    ".B CONSUL_LEADER_PROGRAM_PID",
    "The program's process, for the hooks.",
    ".SH EXIT STATUS",
    "The program's own, or 128 and the number of the signal that ended it; else:",
    ".TP",
    ".B 64",
    "A wrong option, value or combination: one line on stderr says which and what was expected.",
    ".TP",
    ".B 69",
    "The store was not reached within",
    ".BR \\-\\-start\\-timeout ,",
    "or a sidecar in Nomad never saw its service.",
    ".TP",
    ".B 70",
    "An internal error.",
    ".TP",
    ".B 75",
    "The lead was lost and",
    ".B \\-\\-exit\\-on\\-demote",
    "is set, the program had to be killed at the end of its lease, the keeper was lost, or the",
    "demotion of a sidecar failed.",
    ".TP",
    ".B 126",
    "The command was found but cannot be executed.",
    ".TP",
    ".B 127",
    "The command was not found.",
    ".SH FILES",
    ".TP",
    "\\fISTATE\\-DIR\\fB/place\\-\\fIHASH\\fR",
    "The lock of a place and the record of what runs in it, where",
    ".B \\-\\-instance",
    "names the place.",
    ".TP",
    "the file of \\fB\\-\\-role\\-file\\fR",
    "Holds",
    ".B leader",
    "or",
    ".BR follower .",
    ".TP",
    "the file of \\fB\\-\\-leader\\-file\\fR",
    "Empty; exists only while this instance leads.",
    ".SH EXAMPLES",
    "Three instances on one machine, of which one runs the program:",
    ".PP",
    ".EX",
    "consul\\-leader \\-\\-store file:/tmp/lock \\-\\-mode leader\\-only \\-\\- my\\-scheduler",
    ".EE",
    ".PP",
    "A worker that always runs and is told its role by signals:",
    ".PP",
    ".EX",
    "consul\\-leader \\-\\-service worker \\e",
    "    \\-\\-promote\\-signal USR1 \\-\\-demote\\-signal USR2 \\-\\- worker",
    ".EE",
    ".SH SEE ALSO",
    ".BR flock (2),",
    ".BR signal (7)",
    ".PP",
    "Consul:",
    ".UR https://developer.hashicorp.com/consul",
    ".UE .",
    NULL,
};

static void print_lines(const char *const *lines)
{
    for (; *lines; lines++)
        puts(*lines);
}

static void print_page(void)
{
    puts(".\\\" made by docs/manual.c; change that, or common/options/option_table.c");
    puts(".TH CONSUL\\-LEADER 1 \"\" \"consul\\-leader " CONSUL_LEADER_VERSION
         "\" \"User commands\"");
    puts(".nr HY 0\n.nh\n.ad l"); /* names of variables stay whole */
    print_lines(before_options);
    options_print_manual(stdout);
    print_lines(before_variables);
    options_print_manual_variables(stdout);
    print_lines(after_variables);
}

int main(int argc, char **argv)
{
    bool markdown = argc == 2 && strcmp(argv[1], "--markdown") == 0;

    if (argc > 1 && !markdown) {
        fprintf(stderr, "usage: manual [--markdown]\n");
        return EXIT_STATUS_USAGE;
    }
    if (markdown)
        options_print_markdown(stdout);
    else
        print_page();
    return fflush(stdout) == 0 ? 0 : EXIT_STATUS_INTERNAL;
}
