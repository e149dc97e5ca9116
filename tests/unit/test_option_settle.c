/* Defaults that depend on others, and combinations that cannot hold. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/signals.h"
#include "tests/unit/options_fixture.h"
#include "tests/unit/suites.h"

START_TEST(the_defaults_are_those_of_the_contract)
{
    ACCEPT(NULL);
    ck_assert_int_eq(settings.store, STORE_CONSUL);
    ck_assert_str_eq(settings.service, "consul-leader");
    ck_assert(!settings.service_given);
    ck_assert_str_eq(settings.key, "consul-leader/lock");
    ck_assert_str_eq(settings.instance, "");
    ck_assert_uint_eq(settings.ttl_ns, SECONDS(10));
    ck_assert_uint_eq(settings.lease_ns, SECONDS(20));
    ck_assert_uint_eq(settings.renew_interval_ns, SECONDS(2));
    ck_assert_uint_eq(settings.lock_delay_ns, SECONDS(23));
    ck_assert_str_eq(settings.node_checks, "serfHealth");
    ck_assert_str_eq(settings.primary_tag, "primary");
    ck_assert_str_eq(settings.replica_tag, "");
    ck_assert_str_eq(settings.tag_service, "auto");
    ck_assert_uint_eq(settings.promote_timeout_ns, SECONDS(30));
    ck_assert_uint_eq(settings.demote_timeout_ns, SECONDS(3));
    ck_assert_uint_eq(settings.stop_timeout_ns, SECONDS(4));
    ck_assert_int_eq(settings.kill_signal, SIGTERM);
    ck_assert_uint_eq(settings.stop_signals, SIGNAL_BIT(SIGTERM) | SIGNAL_BIT(SIGINT));
    ck_assert_uint_eq(settings.start_timeout_ns, 0);
    ck_assert_int_eq(settings.log_level, LOG_INFO);
    ck_assert_int_eq(settings.log_format, LOG_TEXT);
    ck_assert(settings.tls.verify);
    ck_assert(!settings.exit_on_demote);
    ck_assert_str_eq(warnings(), "");
}
END_TEST

START_TEST(what_follows_from_the_defaults_is_what_the_design_says)
{
    ACCEPT(NULL);
    ck_assert_uint_eq(settings_request_timeout(&settings), SECONDS(2));
    ck_assert_uint_eq(settings_demote_budget(&settings), MILLISECONDS(3200));
    ck_assert_uint_eq(settings_outage(&settings), MILLISECONDS(14280));
}
END_TEST

START_TEST(an_outage_that_leaves_nothing_is_none)
{
    ACCEPT("--ttl=1s", "--lease=600ms", "--renew-interval=100ms", "--demote-timeout=100ms");
    ck_assert_uint_eq(settings_request_timeout(&settings), MILLISECONDS(120));
    ck_assert_uint_eq(settings_outage(&settings), 0);
}
END_TEST

START_TEST(with_a_command_a_lock_in_consul_must_be_named)
{
    REFUSE("--service or --key is required with a command, so that two unrelated programs never "
           "share a lock by accident",
           "--", "true");
    ACCEPT("--key", "k", "--", "true");
    ck_assert_str_eq(settings.key, "k");
    ck_assert(!settings.service_given);
    ACCEPT("--service", "redis", "--", "true");
    ck_assert_str_eq(settings.key, "consul-leader/redis/lock");
    ck_assert(settings.service_given);
    ACCEPT("--store", "file:/tmp/lock", "--", "true");
}
END_TEST

START_TEST(the_key_of_the_default_name_is_short_and_leading_slashes_are_dropped)
{
    ACCEPT("--service", "consul-leader");
    ck_assert_str_eq(settings.key, "consul-leader/lock");
    ck_assert(settings.service_given);
    ACCEPT("--key", "//a//b");
    ck_assert_str_eq(settings.key, "a//b");
    REFUSE("--key: \"///\" is empty without its slashes (expected for example a/b)", "--key",
           "///");
}
END_TEST

START_TEST(the_key_of_a_file_store_is_its_absolute_path)
{
    char here[256], expected[300];

    ACCEPT("--store", "file:/tmp/../tmp/lock");
    ck_assert_int_eq(settings.store, STORE_FILE);
    ck_assert_str_eq(settings.store_path, "/tmp/lock");
    ck_assert_str_eq(settings.key, "/tmp/lock");
    ck_assert_str_eq(settings.tag_service, "none");

    ck_assert_ptr_nonnull(realpath(".", here));
    ACCEPT("--store", "file:./lock");
    snprintf(expected, sizeof expected, "%s/lock", here);
    ck_assert_str_eq(settings.key, expected);
    ACCEPT("--store", "file:no-such-folder/lock");
    snprintf(expected, sizeof expected, "%s/no-such-folder/lock", here);
    ck_assert_str_eq(settings.key, expected);
    ACCEPT("--store", "file:/lock");
    ck_assert_str_eq(settings.key, "/lock");
}
END_TEST

START_TEST(a_file_store_has_no_key_and_a_path_that_fits)
{
    char store[1024] = "file:/";

    REFUSE("--key: \"k\" cannot be used with a file store, whose lock is the file", "--store",
           "file:/tmp/lock", "--key", "k");
    memset(store + 6, 'x', 600);
    ck_assert_int_eq(PARSE("--store", store), -1);
    ck_assert_ptr_nonnull(
        strstr(failure.text, "is too long (expected a path of at most 511 bytes)"));
}
END_TEST

START_TEST(a_store_given_again_is_wholly_the_last)
{
    ACCEPT("--store", "file:/tmp/lock", "--store", "consul");
    ck_assert_int_eq(settings.store, STORE_CONSUL);
    ck_assert_str_eq(settings.store_path, "");
    ck_assert_str_eq(settings.key, "consul-leader/lock");
}
END_TEST

START_TEST(nomad_names_the_place)
{
    setenv("NOMAD_ALLOC_ID", "0a1b", 1);
    setenv("NOMAD_TASK_NAME", "redis", 1);
    setenv("NOMAD_ALLOC_DIR", "/alloc", 1);
    ACCEPT(NULL);
    ck_assert_str_eq(settings.instance, "0a1b/redis");
    ck_assert_str_eq(settings.nomad_alloc_id, "0a1b");
    ck_assert_str_eq(settings.nomad_alloc_dir, "/alloc");
    ck_assert_str_eq(settings.state_dir, "/alloc");
    ck_assert_str_eq(settings.leader_file, "/alloc/0a1b");

    ACCEPT("--instance", "web-1", "--state-dir", "/s", "--leader-file", "/l");
    ck_assert_str_eq(settings.instance, "web-1");
    ck_assert_str_eq(settings.state_dir, "/s");
    ck_assert_str_eq(settings.leader_file, "/l");

    ACCEPT("--key", "k", "--", "true");
    ck_assert_str_eq(settings.leader_file, "");
    unsetenv("NOMAD_TASK_NAME");
    ACCEPT(NULL);
    ck_assert_str_eq(settings.instance, "");
}
END_TEST

START_TEST(what_nomad_says_and_does_not_fit_is_refused)
{
    char text[NAME_SIZE + 100];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    setenv("NOMAD_ALLOC_ID", text, 1);
    ck_assert_int_eq(PARSE(NULL), -1);
    ck_assert_int_eq(strncmp(failure.text, "NOMAD_ALLOC_ID: \"xxx", 20), 0);

    text[200] = '\0';
    setenv("NOMAD_ALLOC_ID", text, 1);
    setenv("NOMAD_TASK_NAME", text, 1);
    ck_assert_int_eq(PARSE(NULL), -1);
    ck_assert_int_eq(strncmp(failure.text, "--instance: \"xxx", 16), 0);
}
END_TEST

START_TEST(mode_and_command_must_agree)
{
    REFUSE("--mode: \"sidecar\" takes no command (expected follow or leader-only)", "--key", "k",
           "--mode", "sidecar", "--", "true");
    REFUSE("--mode: \"follow\" needs a command behind -- (without one: sidecar)", "--mode",
           "follow");
    ACCEPT("--mode", "sidecar");
    ACCEPT("--key", "k", "--mode", "leader-only", "--", "true");
    ck_assert_int_eq(settings.mode, MODE_LEADER_ONLY);
}
END_TEST

START_TEST(the_program_is_signalled_in_mode_follow_alone)
{
    ACCEPT("--key", "k", "--promote-signal", "USR1", "--demote-signal", "SIGUSR2", "--", "true");
    ck_assert_int_eq(settings.promote_signal, SIGUSR1);
    ck_assert_int_eq(settings.demote_signal, SIGUSR2);
    REFUSE("--promote-signal: needs the mode follow, in which the program always runs", "--key",
           "k", "--mode", "leader-only", "--promote-signal", "USR1", "--", "true");
    REFUSE("--demote-signal: needs the mode follow, in which the program always runs", "--key", "k",
           "--mode", "leader-only", "--demote-signal", "USR1", "--", "true");
    REFUSE("--demote-ack: needs the mode follow, in which the program always runs", "--key", "k",
           "--mode", "leader-only", "--demote-ack", "--", "true");
}
END_TEST

START_TEST(one_tag_cannot_stand_for_both_roles)
{
    REFUSE("--primary-tag: \"x\" is the tag of both roles (expected two tags)", "--primary-tag",
           "x", "--replica-tag", "x");
    REFUSE("--replica-tag: \"primary\" is the tag of both roles (expected two tags)",
           "--replica-tag", "primary");
}
END_TEST

struct lease_case {
    const char *ttl;
    const char *lock_delay;
    uint64_t lease_s;
    uint64_t lock_delay_s;
};

static const struct lease_case lease_cases[] = {
    { "10s", "auto", 20, 23 }, { "28s", "auto", 56, 59 }, { "30s", "auto", 57, 60 },
    { "24h", "auto", 57, 60 }, { "10s", "15s", 12, 15 },  { "10s", "13s", 10, 13 },
    { "10s", "0", 10, 0 },     { "10s", "60s", 20, 60 },  { "40s", "60s", 57, 60 },
    { "24h", "10s", 57, 10 },  { "40s", "45s", 42, 45 },  { "40s", "20s", 40, 20 },
};

START_TEST(lease_and_lock_delay_follow_each_other)
{
    const struct lease_case *expected = &lease_cases[_i];

    ACCEPT("--ttl", expected->ttl, "--lock-delay", expected->lock_delay);
    ck_assert_uint_eq(settings.lease_ns, SECONDS(expected->lease_s));
    ck_assert_uint_eq(settings.lock_delay_ns, SECONDS(expected->lock_delay_s));

    bool safe = expected->lock_delay_s >= expected->lease_s + 3;
    ck_assert_int_eq(strstr(warnings(), "there may be two leaders") == NULL, safe);
}
END_TEST

START_TEST(a_short_lock_delay_is_obeyed_with_its_risk)
{
    setenv("CONSUL_LEADER_LOCKDELAY", "15s", 1);
    ACCEPT("--lease", "20s");
    ck_assert_uint_eq(settings.lock_delay_ns, SECONDS(15));
    ck_assert_ptr_nonnull(
        strstr(warnings(), "CONSUL_LEADER_LOCKDELAY: 15s is less than lease + 3s = 23s: there may "
                           "be two leaders for up to 8s when a session is ended from outside\n"));
}
END_TEST

START_TEST(a_file_s_lock_has_no_delay_to_warn_of)
{
    ACCEPT("--store", "file:/tmp/lock", "--lock-delay", "0");
    ck_assert_str_eq(warnings(), "");
}
END_TEST

START_TEST(a_lease_of_more_than_twice_the_ttl_is_refused)
{
    ACCEPT("--ttl", "10s", "--lease", "20s");
    REFUSE("--lease: 20.001s is longer than the session surely lives (expected at most 2 x TTL 10s "
           "= 20s)",
           "--ttl", "10s", "--lease", "20.001s");
}
END_TEST

START_TEST(the_renewal_follows_the_shorter_of_ttl_and_lease)
{
    ACCEPT("--ttl", "20s");
    ck_assert_uint_eq(settings.renew_interval_ns, SECONDS(4));
    ACCEPT("--ttl", "20s", "--lease", "15s");
    ck_assert_uint_eq(settings.renew_interval_ns, SECONDS(3));
    ck_assert_uint_eq(settings_request_timeout(&settings), SECONDS(3));
}
END_TEST

START_TEST(a_demotion_that_the_lease_does_not_bear_is_refused_with_its_sum)
{
    ACCEPT("--demote-timeout", "15.7s");
    REFUSE("--demote-timeout: the demotion does not fit the lease: renew-interval 2s + request "
           "timeout 2s + demote-timeout 15.78s + kill 200ms = 19.98s, expected less than lease 20s "
           "- 0.1% = 19.98s",
           "--demote-timeout", "15.78s");
    REFUSE("--ttl: the demotion does not fit the lease: renew-interval 200ms + request timeout "
           "200ms + demote-timeout 3s + kill 200ms = 3.6s, expected less than lease 2s - 0.1% = "
           "1.998s",
           "--ttl", "1s");
    REFUSE("--lease: the demotion does not fit the lease: renew-interval 1s + request timeout 1s + "
           "demote-timeout 3s + kill 200ms = 5.2s, expected less than lease 5s - 0.1% = 4.995s",
           "--lease", "5s");
    REFUSE("--renew-interval: the demotion does not fit the lease: renew-interval 9.9s + request "
           "timeout 2s + demote-timeout 10s + kill 200ms = 22.1s, expected less than lease 20s - "
           "0.1% = 19.98s",
           "--renew-interval", "9.9s", "--demote-timeout", "10s");
}
END_TEST

START_TEST(a_renewal_that_is_not_sooner_than_the_ttl_is_refused)
{
    ACCEPT("--renew-interval", "9.9s");
    REFUSE("--renew-interval: 10s is too long (expected less than the TTL of 10s)",
           "--renew-interval", "10s");
    setenv("CONSUL_LEADER_RENEW_INTERVAL", "10", 1);
    REFUSE("CONSUL_LEADER_RENEW_INTERVAL: 10s is too long (expected less than the TTL of 10s)",
           NULL);
}
END_TEST

START_TEST(the_sidecar_s_sleep_is_lowered_where_it_is_too_long)
{
    setenv("CONSUL_LEADER_SLEEP", "10", 1);
    ACCEPT(NULL);
    ck_assert_uint_eq(settings.renew_interval_ns, SECONDS(2));
    ck_assert_ptr_nonnull(strstr(warnings(), "CONSUL_LEADER_SLEEP: 10s is too long for a TTL of "
                                             "10s and a lease of 20s: lowered to 2s\n"));

    ck_assert_int_eq(PARSE("--demote-timeout", "20s"), -1);
    ck_assert_int_eq(strncmp(failure.text, "--demote-timeout: the demotion does not fit", 43), 0);
}
END_TEST

START_TEST(a_stop_must_be_long_enough_for_the_demote_hook)
{
    ACCEPT("--on-demote", "true", "--stop-timeout", "3.3s");
    ACCEPT("--stop-timeout", "1s");
    REFUSE("--stop-timeout: 3.2s is too short for the demotion's answer (expected at least "
           "demote-timeout 3s + release 300ms = 3.3s)",
           "--on-demote", "true", "--stop-timeout", "3.2s");
    REFUSE("--stop-timeout: 3.2s is too short for the demotion's answer (expected at least "
           "demote-timeout 3s + release 300ms = 3.3s)",
           "--key", "k", "--demote-ack", "--stop-timeout", "3.2s", "--", "true");
}
END_TEST

START_TEST(a_stop_signal_is_not_forwarded_and_so_not_rewritten)
{
    REFUSE("--rewrite: \"INT\" is a stop signal and not forwarded (expected another, or "
           "--stop-signals without it)",
           "--rewrite", "INT:QUIT");
    ACCEPT("--rewrite", "INT:QUIT", "--stop-signals", "TERM");
    ck_assert_int_eq(signal_rewritten(&settings.rewrites, SIGINT), SIGQUIT);
}
END_TEST

START_TEST(a_restart_needs_a_program)
{
    REFUSE("--restart: needs a command behind --", "--restart", "always");
    ACCEPT("--restart", "always", "--key", "k", "--", "true");
}
END_TEST

START_TEST(what_is_asked_of_consul_needs_consul)
{
    REFUSE("--probe: \"consul:\" needs the store consul (--store)", "--store", "file:/tmp/x",
           "--probe", "consul:");
    REFUSE("--register: needs the store consul (--store)", "--store", "file:/tmp/x", "--register",
           "80");
    REFUSE("--tag-service: cannot be used with --register, whose service is the one that is tagged",
           "--register", "80", "--tag-service", "web");
    REFUSE("--probe: \"consul:\" would ask for the check that --register feeds from it",
           "--register", "80", "--probe", "consul:");
    REFUSE("--probe: \"consul:\" asks for the service that is tagged, and none is (--tag-service)",
           "--tag-service", "none", "--probe", "consul:");
    ACCEPT("--probe", "consul:");
}
END_TEST

START_TEST(a_certificate_needs_its_key)
{
    REFUSE("--client-cert: needs its key (--client-key)", "--client-cert", "/c");
    REFUSE("--client-key: needs its certificate (--client-cert)", "--client-key", "/k");
    ACCEPT("--client-cert", "/c", "--client-key", "/k");
}
END_TEST

Suite *option_settle_suite(void)
{
    Suite *suite = suite_create("option settlement");
    TCase *tests = tcase_create("option settlement");

    tcase_add_checked_fixture(tests, options_setup, options_teardown);
    tcase_add_test(tests, the_defaults_are_those_of_the_contract);
    tcase_add_test(tests, what_follows_from_the_defaults_is_what_the_design_says);
    tcase_add_test(tests, an_outage_that_leaves_nothing_is_none);
    tcase_add_test(tests, with_a_command_a_lock_in_consul_must_be_named);
    tcase_add_test(tests, the_key_of_the_default_name_is_short_and_leading_slashes_are_dropped);
    tcase_add_test(tests, the_key_of_a_file_store_is_its_absolute_path);
    tcase_add_test(tests, a_file_store_has_no_key_and_a_path_that_fits);
    tcase_add_test(tests, a_store_given_again_is_wholly_the_last);
    tcase_add_test(tests, nomad_names_the_place);
    tcase_add_test(tests, what_nomad_says_and_does_not_fit_is_refused);
    tcase_add_test(tests, mode_and_command_must_agree);
    tcase_add_test(tests, the_program_is_signalled_in_mode_follow_alone);
    tcase_add_test(tests, one_tag_cannot_stand_for_both_roles);
    tcase_add_loop_test(tests, lease_and_lock_delay_follow_each_other, 0,
                        sizeof lease_cases / sizeof *lease_cases);
    tcase_add_test(tests, a_short_lock_delay_is_obeyed_with_its_risk);
    tcase_add_test(tests, a_file_s_lock_has_no_delay_to_warn_of);
    tcase_add_test(tests, a_lease_of_more_than_twice_the_ttl_is_refused);
    tcase_add_test(tests, the_renewal_follows_the_shorter_of_ttl_and_lease);
    tcase_add_test(tests, a_demotion_that_the_lease_does_not_bear_is_refused_with_its_sum);
    tcase_add_test(tests, a_renewal_that_is_not_sooner_than_the_ttl_is_refused);
    tcase_add_test(tests, the_sidecar_s_sleep_is_lowered_where_it_is_too_long);
    tcase_add_test(tests, a_stop_must_be_long_enough_for_the_demote_hook);
    tcase_add_test(tests, a_stop_signal_is_not_forwarded_and_so_not_rewritten);
    tcase_add_test(tests, a_restart_needs_a_program);
    tcase_add_test(tests, what_is_asked_of_consul_needs_consul);
    tcase_add_test(tests, a_certificate_needs_its_key);
    suite_add_tcase(suite, tests);
    return suite;
}
