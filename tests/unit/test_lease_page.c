#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/file_system.h"
#include "common/place/lease_file.h"
#include "common/place/lease_page.h"
#include "tests/unit/suites.h"

#define AT(member) offsetof(struct consul_leader_lease_page, member)

static char directory[] = "/dev/shm/consul-leader-unit-XXXXXX";
static struct settings settings;
static struct place place = { .lock_fd = -1 };
static struct lease_file file;
static struct consul_leader_lease lease;
static uint64_t token;

/* As an instance with a place makes it, shown. */
static void make_file(void)
{
    struct error err;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(settings.runtime_dir, sizeof settings.runtime_dir, "%s", directory);
    snprintf(settings.state_dir, sizeof settings.state_dir, "%s", directory);
    snprintf(settings.instance, sizeof settings.instance, "web-1");
    ck_assert_msg(place_open(&place, &settings, &err) == 0, "%s", err.text);
    ck_assert_msg(lease_file_make(&file, &settings, &place, &err) == 0, "%s", err.text);
    lease_file_show(&file);
}

static void open_page(void)
{
    make_file();
    ck_assert_int_eq(consul_leader_lease_open(&lease, file.path), 0);
}

static void remove_file(void)
{
    consul_leader_lease_close(&lease);
    close(place.lock_fd);
    strcpy(strrchr(place.folder, '\0'), "/lock");
    unlink(place.folder);
    lease_page_remove(file.path, true);
    rmdir(directory);
}

static void ck_page_says(uint64_t deadline, uint64_t its_token)
{
    ck_assert_uint_eq(consul_leader_lease_deadline(&lease, &token), deadline);
    ck_assert_uint_eq(token, its_token);
}

/* --- What is written is read. --- */

START_TEST(a_new_page_says_not_leader)
{
    ck_page_says(0, 0);
    ck_assert(!consul_leader_lease_held(&lease, &token));
}
END_TEST

START_TEST(a_lead_is_read_with_its_token_until_it_is_cleared)
{
    lease_page_publish(file.page, SECONDS(100), 7);
    ck_page_says(SECONDS(100), 7);
    lease_page_extend(file.page, SECONDS(102));
    ck_page_says(SECONDS(102), 7);
    lease_page_clear(file.page);
    ck_page_says(0, 0);
    lease_page_publish(file.page, SECONDS(200), 9);
    ck_page_says(SECONDS(200), 9);
}
END_TEST

START_TEST(a_page_that_was_cleared_is_not_extended)
{
    lease_page_publish(file.page, SECONDS(100), 7);
    lease_page_clear(file.page);
    lease_page_extend(file.page, SECONDS(102));
    ck_page_says(0, 0);
}
END_TEST

START_TEST(a_lead_is_held_until_its_deadline_and_no_longer)
{
    instant_ns now = clock_now_ns();

    lease_page_publish(file.page, now + SECONDS(60), 7);
    ck_assert(consul_leader_lease_held(&lease, &token));
    ck_assert_uint_eq(token, 7);
    uint64_t remaining = consul_leader_lease_remaining_ns(&lease, NULL);
    ck_assert(remaining > SECONDS(50) && remaining <= SECONDS(60));

    lease_page_publish(file.page, now, 8);
    ck_assert(!consul_leader_lease_held(&lease, &token));
    ck_assert_uint_eq(token, 0);
    ck_assert_uint_eq(consul_leader_lease_remaining_ns(&lease, NULL), 0);
}
END_TEST

START_TEST(what_is_not_open_is_not_held)
{
    lease_page_publish(file.page, clock_now_ns() + SECONDS(60), 7);
    consul_leader_lease_close(&lease);
    ck_assert(!consul_leader_lease_held(&lease, &token));
    ck_assert_uint_eq(token, 0);
}
END_TEST

START_TEST(without_a_page_nothing_is_written)
{
    lease_page_publish(NULL, SECONDS(100), 7);
    lease_page_extend(NULL, SECONDS(102));
    lease_page_clear(NULL);
}
END_TEST

START_TEST(readers_cannot_write)
{
    pid_t child = fork();

    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile uint64_t *)&((struct consul_leader_lease_page *)lease.page)->deadline = 1;
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}
END_TEST

/* --- Two processes at once. --- */

/* A lead's deadlines tell its token: of each five are published. */
static uint64_t deadline_of(uint64_t its_token, uint64_t number)
{
    return its_token << 8 | number;
}

static void write_without_end(void)
{
    for (uint64_t its_token = 1;; its_token++) {
        lease_page_publish(file.page, deadline_of(its_token, 1), its_token);
        for (uint64_t number = 2; number <= 5; number++)
            lease_page_extend(file.page, deadline_of(its_token, number));
        if (its_token % 2)
            lease_page_clear(file.page);
    }
}

START_TEST(a_token_is_only_seen_with_a_deadline_of_its_lead)
{
    pid_t writer = fork();
    uint64_t seen = 0, leads = 0, last = 0;

    if (writer == 0)
        write_without_end();
    for (instant_ns end = clock_now_ns() + SECONDS(1); clock_now_ns() < end;)
        for (int i = 0; i < 1000; i++) {
            uint64_t deadline = consul_leader_lease_deadline(&lease, &token);
            if (deadline == 0)
                continue;
            ck_assert_uint_eq(deadline >> 8, token);
            ck_assert_uint_ge(token, last);
            leads += token != last;
            last = token;
            seen++;
        }
    kill(writer, SIGKILL);
    waitpid(writer, NULL, 0);
    ck_assert_uint_gt(seen, 1000);
    ck_assert_uint_gt(leads, 1);
}
END_TEST

/* --- One of two stands still. --- */

static volatile bool *done; /* shared with the child */

/* Begins something in a child, which stops before it. */
static pid_t begin_slowly(void (*deed)(void))
{
    int status;

    if (!done)
        done = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *done = false;
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        deed();
        *done = true;
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSTOPPED(status));
    return child;
}

/* Lets it run one instruction. Returns whether there is more to do. */
static bool step(pid_t child)
{
    ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    return !*done;
}

/* Lets it run on. Returns whether it ends well. */
static bool finish(pid_t child)
{
    int status;

    ck_assert_int_eq(ptrace(PTRACE_CONT, child, NULL, NULL), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status);
}

static void publish_the_next(void)
{
    lease_page_publish(file.page, SECONDS(200), 9);
}

/* What is seen after each instruction of a writer is what it leaves if it is killed there. */
START_TEST(a_writer_that_dies_between_any_two_stores_leaves_not_leader_or_the_truth)
{
    bool cleared = false, published = false;

    lease_page_publish(file.page, SECONDS(100), 7);
    pid_t writer = begin_slowly(publish_the_next);
    while (step(writer)) {
        uint64_t deadline = consul_leader_lease_deadline(&lease, &token);
        cleared |= deadline == 0;
        published |= deadline == SECONDS(200);
        if (deadline == 0)
            ck_assert_uint_eq(token, 0);
        else if (!cleared)
            ck_page_says(SECONDS(100), 7);
        else
            ck_page_says(SECONDS(200), 9);
    }
    ck_assert(cleared && published);
    ck_assert(finish(writer));
}
END_TEST

static void read_one_of_two(void)
{
    uint64_t deadline = consul_leader_lease_deadline(&lease, &token);
    bool first = deadline == SECONDS(100) && token == 7;
    bool next = deadline == SECONDS(200) && token == 9;

    if (!first && !next)
        abort();
}

START_TEST(a_reader_that_stands_still_at_any_instruction_reads_one_lead_or_the_next)
{
    bool more = true;

    for (unsigned instructions = 1; more; instructions++) {
        lease_page_publish(file.page, SECONDS(100), 7);
        pid_t reader = begin_slowly(read_one_of_two);
        for (unsigned i = 0; more && i < instructions; i++)
            more = step(reader);
        publish_the_next();
        ck_assert_msg(finish(reader), "after %u instructions", instructions);
    }
}
END_TEST

/* --- Pages that are refused. --- */

static void patch(off_t offset, const void *bytes, size_t size)
{
    int fd = open(file.path, O_WRONLY);

    ck_assert_int_eq(pwrite(fd, bytes, size, offset), (ssize_t)size);
    close(fd);
}

static void ck_refused(const char *path, int reason)
{
    errno = 0;
    ck_assert_int_eq(consul_leader_lease_open(&lease, path), -1);
    ck_assert_msg(errno == reason, "%s", strerror(errno));
    ck_assert_ptr_null(lease.page);
}

START_TEST(a_file_that_is_no_page_is_refused)
{
    patch(AT(magic), "X", 1);
    ck_refused(file.path, EBADMSG);
}
END_TEST

START_TEST(a_file_that_is_too_short_is_refused)
{
    ck_assert_int_eq(truncate(file.path, sizeof(struct consul_leader_lease_page) - 1), 0);
    ck_refused(file.path, EBADMSG);
    ck_assert_int_eq(truncate(file.path, 0), 0);
    ck_refused(file.path, EBADMSG);
}
END_TEST

START_TEST(a_page_of_another_version_is_refused)
{
    patch(AT(version), &(uint32_t){ CONSUL_LEADER_LEASE_VERSION + 1 }, sizeof(uint32_t));
    ck_refused(file.path, EPROTONOSUPPORT);
}
END_TEST

START_TEST(a_page_of_another_boot_is_refused)
{
    patch(AT(clock.boot_id), "00000000", 8);
    ck_refused(file.path, ESTALE);
}
END_TEST

START_TEST(a_page_of_another_time_namespace_is_refused)
{
    patch(AT(clock.namespace_inode), &(uint64_t){ 1 }, sizeof(uint64_t));
    ck_refused(file.path, EXDEV);
}
END_TEST

START_TEST(where_there_is_no_page_opening_says_so)
{
    unsetenv("CONSUL_LEADER_LEASE_FILE");
    ck_refused(NULL, EINVAL);
    ck_refused("/does/not/exist", ENOENT);
}
END_TEST

START_TEST(the_page_is_found_by_the_environment)
{
    setenv("CONSUL_LEADER_LEASE_FILE", file.path, 1);
    ck_assert_int_eq(consul_leader_lease_open(&lease, NULL), 0);
}
END_TEST

/* --- The file. --- */

START_TEST(everybody_may_read_the_file_and_nobody_else_write_it)
{
    char path[sizeof file.path];
    struct stat status;

    ck_assert_int_eq(stat(file.path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0644);
    ck_assert_int_eq(stat(dirname(strcpy(path, file.path)), &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0711);
}
END_TEST

/* Who waits for its place leaves the page of the one that has it alone. */
START_TEST(a_file_that_is_not_shown_yet_changes_nothing)
{
    static struct lease_file next;
    struct error err;

    lease_page_publish(file.page, SECONDS(100), 7);
    ck_assert_int_eq(lease_file_make(&next, &settings, &place, &err), 0);
    ck_assert_str_eq(next.path, file.path);
    lease_page_publish(next.page, SECONDS(200), 9);
    ck_assert_int_eq(consul_leader_lease_open(&lease, file.path), 0);
    ck_page_says(SECONDS(100), 7);
    lease_file_remove(&next);
    ck_assert_int_eq(access(file.path, F_OK), 0);
}
END_TEST

/* Containers may share a name and the directory, but not the place that is locked. */
START_TEST(two_places_of_one_name_have_each_their_page)
{
    char elsewhere[] = "/dev/shm/consul-leader-unit-XXXXXX";
    struct place other;
    static struct lease_file of_other;
    struct error err;

    ck_assert_ptr_nonnull(mkdtemp(elsewhere));
    snprintf(settings.state_dir, sizeof settings.state_dir, "%s", elsewhere);
    ck_assert_int_eq(place_open(&other, &settings, &err), 0);
    ck_assert_int_eq(lease_file_make(&of_other, &settings, &other, &err), 0);
    ck_assert_str_ne(of_other.path, file.path);
    lease_file_show(&of_other);
    lease_page_publish(of_other.page, SECONDS(100), 7);
    ck_assert_int_eq(consul_leader_lease_open(&lease, file.path), 0);
    ck_page_says(0, 0);

    lease_page_remove(of_other.path, true);
    close(other.lock_fd);
    strcpy(strrchr(other.folder, '\0'), "/lock");
    lease_page_remove(other.folder, true);
    rmdir(elsewhere);
}
END_TEST

START_TEST(the_next_start_replaces_the_file_and_clears_the_page_of_its_predecessor)
{
    static struct lease_file next;
    struct consul_leader_lease of_next;
    struct error err;

    lease_page_publish(file.page, SECONDS(100), 7);
    ck_assert_int_eq(consul_leader_lease_open(&lease, file.path), 0);
    ck_assert_int_eq(lease_file_make(&next, &settings, &place, &err), 0);
    lease_file_show(&next);
    ck_page_says(0, 0);
    lease_page_publish(next.page, SECONDS(200), 9);
    ck_page_says(0, 0);
    ck_assert_int_eq(consul_leader_lease_open(&of_next, file.path), 0);
    ck_assert_uint_eq(consul_leader_lease_deadline(&of_next, &token), SECONDS(200));
    consul_leader_lease_close(&of_next);
}
END_TEST

START_TEST(a_directory_on_a_disk_does_not_serve)
{
    struct error err;

    ck_assert(file_system_is_memory("/dev/shm"));
    ck_assert(!file_system_is_memory("/proc"));
    snprintf(settings.runtime_dir, sizeof settings.runtime_dir, "/proc");
    ck_assert_int_eq(lease_file_make(&file, &settings, &place, &err), -1);
    ck_assert_ptr_null(file.page);
}
END_TEST

Suite *lease_page_suite(void)
{
    Suite *suite = suite_create("lease page");

    TCase *words = tcase_create("words");
    tcase_set_timeout(words, 60); /* step by step, with the sanitizers */
    tcase_add_checked_fixture(words, open_page, remove_file);
    tcase_add_test(words, a_new_page_says_not_leader);
    tcase_add_test(words, a_lead_is_read_with_its_token_until_it_is_cleared);
    tcase_add_test(words, a_page_that_was_cleared_is_not_extended);
    tcase_add_test(words, a_lead_is_held_until_its_deadline_and_no_longer);
    tcase_add_test(words, what_is_not_open_is_not_held);
    tcase_add_test(words, without_a_page_nothing_is_written);
    tcase_add_test(words, readers_cannot_write);
    tcase_add_test(words, a_token_is_only_seen_with_a_deadline_of_its_lead);
    tcase_add_test(words, a_writer_that_dies_between_any_two_stores_leaves_not_leader_or_the_truth);
    tcase_add_test(words, a_reader_that_stands_still_at_any_instruction_reads_one_lead_or_the_next);
    suite_add_tcase(suite, words);

    TCase *pages = tcase_create("file");
    tcase_add_checked_fixture(pages, make_file, remove_file);
    tcase_add_test(pages, a_file_that_is_no_page_is_refused);
    tcase_add_test(pages, a_file_that_is_too_short_is_refused);
    tcase_add_test(pages, a_page_of_another_version_is_refused);
    tcase_add_test(pages, a_page_of_another_boot_is_refused);
    tcase_add_test(pages, a_page_of_another_time_namespace_is_refused);
    tcase_add_test(pages, where_there_is_no_page_opening_says_so);
    tcase_add_test(pages, the_page_is_found_by_the_environment);
    tcase_add_test(pages, everybody_may_read_the_file_and_nobody_else_write_it);
    tcase_add_test(pages, a_file_that_is_not_shown_yet_changes_nothing);
    tcase_add_test(pages, two_places_of_one_name_have_each_their_page);
    tcase_add_test(pages, the_next_start_replaces_the_file_and_clears_the_page_of_its_predecessor);
    suite_add_tcase(suite, pages);

    TCase *directories = tcase_create("directory");
    tcase_add_test(directories, a_directory_on_a_disk_does_not_serve);
    suite_add_tcase(suite, directories);
    return suite;
}
