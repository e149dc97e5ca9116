#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/scope.h"
#include "common/place/record.h"
#include "tests/unit/suites.h"

static struct place place;
static struct record written;
static char path[PATH_MAX + 8];

static void make_place(void)
{
    static const struct settings settings = { .key = "consul-leader/redis/lock" };

    strcpy(place.folder, "/tmp/consul-leader-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place.folder));
    snprintf(path, sizeof path, "%s/record", place.folder);
    memset(&written, 0, sizeof written);
    record_describe(&written, &settings);
    strcpy(written.session.text, "adf4238a-882b-9ddc-4a9d-5b6758e4159e");
    strcpy(written.former[0].text, "11111111-882b-9ddc-4a9d-5b6758e4159e");
    written.promoted = true;
    written.program = record_process(getpid());
    record_write(&place, &written);
}

static void remove_place(void)
{
    record_remove(&place);
    ck_assert_int_eq(rmdir(place.folder), 0);
}

static size_t read_text(char *text, size_t size)
{
    AUTO_FCLOSE FILE *file = fopen(path, "r");

    ck_assert_ptr_nonnull(file);
    return fread(text, 1, size, file);
}

static void write_text(const char *text, size_t length)
{
    AUTO_FCLOSE FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, length, file), length);
}

START_TEST(what_is_written_is_read_back)
{
    static struct record read;
    struct error err;

    ck_assert_int_eq(record_read(&place, &read, &err), 1);
    ck_assert_mem_eq(&read, &written, sizeof read);
}
END_TEST

START_TEST(where_nothing_was_written_there_is_none)
{
    static struct record read;
    struct error err;

    record_remove(&place);
    ck_assert_int_eq(record_read(&place, &read, &err), 0);
    ck_assert(!read.promoted);
}
END_TEST

START_TEST(one_that_cannot_be_replaced_is_removed)
{
    static struct record read;
    char next[PATH_MAX + 16];
    struct error err;

    snprintf(next, sizeof next, "%s.next", path);
    ck_assert_int_eq(mkdir(next, 0700), 0);
    log_open("unit", LOG_ERROR, LOG_TEXT); /* it warns */
    record_write(&place, &written);
    ck_assert_int_eq(record_read(&place, &read, &err), 0);
    rmdir(next);
}
END_TEST

START_TEST(one_that_ends_anywhere_before_its_end_is_damaged)
{
    static struct record read;
    static char text[4 * PATH_MAX];
    struct error err;
    size_t length = read_text(text, sizeof text);

    for (size_t i = 0; i < length; i++) {
        write_text(text, i);
        ck_assert_int_eq(record_read(&place, &read, &err), -1);
        ck_assert_str_eq(err.text, "its record is damaged");
    }
}
END_TEST

static const struct damage {
    const char *before;
    const char *after;
    const char *said;
} damages[] = {
    { "format 1", "format 7", "its record is of format 7" },
    { "former-session 1", "older-session- 1", "its record is damaged" },
    { "promoted yes", "promoted yet", "its record is damaged" },
    { "network 0 0", "network 0 x", "its record is damaged" },
    { "program ", "program_", "its record is damaged" },
    { "keeper 0 0", "format 1\n#", "its record is damaged" },
};

START_TEST(one_with_a_line_that_is_not_ours_is_damaged)
{
    static struct record read;
    static char text[4 * PATH_MAX];
    const struct damage *damage = &damages[_i];
    struct error err;
    size_t length = read_text(text, sizeof text - 1);

    char *found = strstr(text, damage->before);
    ck_assert_ptr_nonnull(found);
    memcpy(found, damage->after, strlen(damage->after));
    write_text(text, length);
    ck_assert_int_eq(record_read(&place, &read, &err), -1);
    ck_assert_str_eq(err.text, damage->said);
}
END_TEST

START_TEST(that_the_run_led_is_believed_of_a_damaged_one)
{
    static const char text[] = "\001\002\npromoted yes\nses";
    static struct record read;
    struct error err;

    write_text(text, sizeof text - 1);
    ck_assert_int_eq(record_read(&place, &read, &err), -1);
    ck_assert(read.promoted);
}
END_TEST

/* --- Processes. --- */

START_TEST(a_process_lives_until_it_has_ended)
{
    pid_t pid = fork();

    if (pid == 0) {
        pause();
        _exit(0);
    }
    struct recorded_process process = record_process(pid);
    ck_assert(recorded_process_lives(&process));
    struct recorded_process earlier = { .pid = pid, .start_time = process.start_time - 1 };
    ck_assert_msg(!recorded_process_lives(&earlier), "another that has its pid now");

    siginfo_t info;
    kill(pid, SIGKILL);
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    ck_assert_msg(!recorded_process_lives(&process), "what is not reaped has ended all the same");
    waitpid(pid, NULL, 0);
    ck_assert(!recorded_process_lives(&process));
}
END_TEST

static void *wait_for_ever(void *argument)
{
    pause();
    return argument;
}

START_TEST(a_process_whose_first_thread_has_ended_lives)
{
    pid_t pid = fork();
    char state = 0;

    if (pid == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, wait_for_ever, NULL);
        pthread_exit(NULL);
    }
    struct recorded_process process = record_process(pid);
    for (int i = 0; i < 5000 && state != 'Z'; i++) {
        char text[256], stat[64];
        snprintf(stat, sizeof stat, "/proc/%d/stat", (int)pid);
        AUTO_FCLOSE FILE *file = fopen(stat, "r");
        ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
        state = *(strrchr(text, ')') + 2);
        usleep(1000);
    }
    ck_assert_int_eq(state, 'Z');
    ck_assert(recorded_process_lives(&process));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}
END_TEST

Suite *record_suite(void)
{
    Suite *suite = suite_create("record");
    TCase *lines = tcase_create("lines");
    TCase *processes = tcase_create("processes");

    tcase_add_checked_fixture(lines, make_place, remove_place);
    tcase_add_test(lines, what_is_written_is_read_back);
    tcase_add_test(lines, where_nothing_was_written_there_is_none);
    tcase_add_test(lines, one_that_cannot_be_replaced_is_removed);
    tcase_add_test(lines, one_that_ends_anywhere_before_its_end_is_damaged);
    tcase_add_loop_test(lines, one_with_a_line_that_is_not_ours_is_damaged, 0,
                        sizeof damages / sizeof *damages);
    tcase_add_test(lines, that_the_run_led_is_believed_of_a_damaged_one);
    tcase_add_test(processes, a_process_lives_until_it_has_ended);
    tcase_add_test(processes, a_process_whose_first_thread_has_ended_lives);
    suite_add_tcase(suite, lines);
    suite_add_tcase(suite, processes);
    return suite;
}
