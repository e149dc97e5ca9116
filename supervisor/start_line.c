#include "supervisor/start_line.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/duration.h"
#include "common/base/log.h"
#include "common/base/signals.h"
#include "common/options/manner.h"

/* How long serf takes to declare a node dead (Consul's defaults, up to ten nodes). */
#define NODE_DEATH SECONDS(6)

/* What schedulers grant without being asked: Nomad 5 s. */
#define USUAL_STOP SECONDS(5)

/* What rests on the program alone. */
static void tell_risks(const struct settings *settings)
{
    enum demotion_way demoted_by = manner_of(settings)->demoted_by;
    char timeout[DURATION_TEXT_SIZE], name[SIGNAL_NAME_SIZE];

    if (demoted_by == DEMOTED_BY_DEADLINE)
        log_warn(
            "the program is told nothing of its role (no signal, hook or --demote-ack) and not "
            "killed when it loses the lead: unless it asks the lease page before each action "
            "it acts beside the next leader");
    else if (demoted_by == DEMOTED_BY_TIME && settings->demote_signal != 0)
        log_warn("nothing answers a demotion (no --demote-ack, no --on-demote): a program that has "
                 "not obeyed SIG%s within %s acts beside the next leader",
                 signal_name(settings->demote_signal, name),
                 duration_format(settings->demote_timeout_ns, timeout));
    else if (demoted_by == DEMOTED_BY_TIME)
        log_warn("the program is not told of a demotion (no --demote-signal, --demote-ack or "
                 "--on-demote): it acts beside the next leader for as long as it likes");
}

void start_line_tell_settings(const struct settings *settings)
{
    char stop[DURATION_TEXT_SIZE], lease[DURATION_TEXT_SIZE];

    log_debug("leads in the manner \"%s\"", manner_of(settings)->name);
    tell_risks(settings);
    if (settings->stop_timeout_ns < USUAL_STOP)
        return;
    duration_format(settings->stop_timeout_ns, stop);
    log_info("stop-timeout %s: the scheduler has to wait longer than that (Nomad: kill_timeout, "
             "docker: --stop-timeout, systemd: TimeoutStopSec)",
             stop);
    if (settings->stop_timeout_ns > settings->lease_ns)
        log_warn("stop-timeout %s is longer than the lease: a leader's program gets less than %s",
                 stop, duration_format(settings->lease_ns, lease));
}

static const char *rounded(uint64_t duration_ns, char text[DURATION_TEXT_SIZE])
{
    uint64_t unit = duration_ns >= SECONDS(1) ? SECONDS(1) : MILLISECONDS(1);

    return duration_format(duration_ns / unit * unit, text);
}

static void describe_leader(char *text, size_t size, const struct lock_view *view)
{
    char age[DURATION_TEXT_SIZE];
    time_t now = time(NULL);

    if (view->session.text[0] == '\0')
        snprintf(text, size, "no leader yet");
    else if (view->holder_name[0] == '\0')
        snprintf(text, size, "leader unknown: session %s", view->session.text);
    else if (view->held_since > 0 && view->held_since < now)
        snprintf(text, size, "leader %s for %s", view->holder_name,
                 rounded(SECONDS(now - view->held_since), age));
    else
        snprintf(text, size, "leader %s", view->holder_name);
}

static const char *name_of(const struct settings *settings)
{
    return settings->service_given ? settings->service : settings->key;
}

static void tell_promises(const struct settings *settings, const char *role, const char *leader)
{
    char node[DURATION_TEXT_SIZE], instance[DURATION_TEXT_SIZE], outage[DURATION_TEXT_SIZE];
    const char *name = name_of(settings);

    if (settings->store == STORE_FILE)
        log_info("%s %s (%s); takeover: planned <0.1s, instance killed <0.1s", role, name, leader);
    else
        log_info("%s %s (%s); takeover: planned <0.1s, node lost %s, instance killed %s; "
                 "Consul's servers may be away %s",
                 role, name, leader,
                 settings->node_checks[0]
                     ? rounded(NODE_DEATH + settings->lock_delay_ns, node)
                     : rounded(2 * settings->ttl_ns + settings->lock_delay_ns, node),
                 rounded(2 * settings->ttl_ns + settings->lock_delay_ns, instance),
                 rounded(settings_outage(settings), outage));
}

void start_line_tell(struct start_line *start_line, const struct settings *settings,
                     const struct lock_view *view, const struct session_id *own)
{
    char leader[256];

    /* Only a try can tell that a file is not locked. */
    if (settings->store == STORE_FILE && view->session.text[0] == '\0')
        return;
    if (start_line->told &&
        (session_is(&start_line->leader, &view->session) || session_is(own, &view->session)))
        return;
    describe_leader(leader, sizeof leader, view);
    bool is_led = view->session.text[0] != '\0';
    if (!start_line->told)
        tell_promises(settings, is_led ? "follower of" : "candidate for", leader);
    else if (is_led)
        log_info("follower of %s (%s)", name_of(settings), leader);
    start_line->told = true;
    start_line->leader = view->session;
}

void start_line_tell_own(struct start_line *start_line, const struct settings *settings)
{
    if (!start_line->told)
        tell_promises(settings, "candidate for", "no leader yet");
    start_line->told = true;
}
