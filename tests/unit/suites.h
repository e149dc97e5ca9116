/* suites.h - the suites that the unit tests run, in this order. A new one is added here alone. */
#ifndef TESTS_UNIT_SUITES_H
#define TESTS_UNIT_SUITES_H

#include <check.h>

#define UNIT_SUITES(SUITE)                                                                         \
    SUITE(duration_suite)                                                                          \
    SUITE(words_suite)                                                                             \
    SUITE(signals_suite)                                                                           \
    SUITE(probe_spec_suite)                                                                        \
    SUITE(option_values_suite)                                                                     \
    SUITE(options_suite)                                                                           \
    SUITE(option_settle_suite)                                                                     \
    SUITE(option_check_suite)                                                                      \
    SUITE(memory_suite)                                                                            \
    SUITE(manner_suite)                                                                            \
    SUITE(lock_value_suite)                                                                        \
    SUITE(consul_answers_suite)                                                                    \
    SUITE(service_suite)                                                                           \
    SUITE(candidate_suite)                                                                         \
    SUITE(file_store_suite)                                                                        \
    SUITE(record_suite)                                                                            \
    SUITE(lease_suite)                                                                             \
    SUITE(lease_page_suite)                                                                        \
    SUITE(guard_suite)                                                                             \
    SUITE(candidacy_suite)                                                                         \
    SUITE(transitions_suite)                                                                       \
    SUITE(election_suite)                                                                          \
    SUITE(renewal_suite)                                                                           \
    SUITE(election_random_suite)                                                                   \
    SUITE(acquire_suite)                                                                           \
    SUITE(held_lock_suite)                                                                         \
    SUITE(schedule_suite)                                                                          \
    SUITE(health_suite)                                                                            \
    SUITE(channel_suite)                                                                           \
    SUITE(askers_suite)                                                                            \
    SUITE(check_suite)                                                                             \
    SUITE(hearing_suite)                                                                           \
    SUITE(output_suite)                                                                            \
    SUITE(outbox_suite)

#define DECLARE_SUITE(suite) Suite *suite(void);
UNIT_SUITES(DECLARE_SUITE)
#undef DECLARE_SUITE

#endif
