/* The lock as a file, where its path comes to name another file. The rest of the file store is
 * tried by whole programs (tests/integration/test_file_store.py).
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "stores/store.h"
#include "tests/unit/suites.h"

/* One instance's store, and what it has told last. */
struct instance {
    struct settings settings;
    struct store *store;
    struct lock_answer answer;
    struct lock_view view;
    struct session_id session;
};

static char folder[] = "/tmp/consul-leader-test-XXXXXX";
static char path[PATH_MAX];
static struct instance leader, follower;

static void note_answer(void *context, const struct lock_answer *answer, int fd)
{
    struct instance *instance = context;

    (void)fd;
    instance->answer = *answer;
}

static void note_view(void *context, const struct lock_view *view)
{
    struct instance *instance = context;

    instance->view = *view;
}

static enum answer_result asks(struct instance *instance, enum request_type type)
{
    store_file.request(instance->store, &(struct lock_request){
                                            .type = type,
                                            .term = 1,
                                            .session = instance->session,
                                            .index = instance->view.index,
                                            .token = instance->view.token,
                                        });
    if (type == REQUEST_SESSION)
        instance->session = instance->answer.session;
    return instance->answer.result;
}

static void start(struct instance *instance)
{
    struct store_listener listener = {
        .context = instance,
        .answer = note_answer,
        .lock_seen = note_view,
    };
    struct error err;

    *instance = (struct instance){ .settings.lease_ns = SECONDS(4) };
    ck_assert_uint_lt(strlen(path), sizeof instance->settings.store_path);
    strcpy(instance->settings.store_path, path);
    instance->store = store_file.open(&instance->settings, &listener, &err);
    ck_assert_ptr_nonnull(instance->store);
    ck_assert_int_eq(asks(instance, REQUEST_SESSION), ANSWER_DONE);
}

static void end(struct instance *instance)
{
    asks(instance, REQUEST_DESTROY);
    close(store_file.descriptor(instance->store));
    free(instance->store);
}

static void replace_by_nothing(void)
{
    ck_assert_int_eq(unlink(path), 0);
}

static void replace_by_a_copy(void)
{
    char copy[PATH_MAX + sizeof ".copy"], text[4096];
    int from = open(path, O_RDONLY);
    ssize_t size = read(from, text, sizeof text);

    close(from);
    snprintf(copy, sizeof copy, "%s.copy", path);
    int to = open(copy, O_WRONLY | O_CREAT, 0644);
    ck_assert_int_eq(write(to, text, (size_t)size), size);
    close(to);
    ck_assert_int_eq(rename(copy, path), 0);
}

static void (*const replacements[])(void) = { replace_by_nothing, replace_by_a_copy };

#define REPLACEMENTS (int)(sizeof replacements / sizeof *replacements)

static void make_leader_and_follower(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/lock", folder);
    start(&leader);
    ck_assert_int_eq(asks(&leader, REQUEST_ACQUIRE), ANSWER_DONE);
    start(&follower);
    ck_assert(follower.view.released); /* only a try can tell that it is not */
}

static void remove_them(void)
{
    end(&leader);
    end(&follower);
    unlink(path);
    rmdir(folder);
    strcpy(folder + sizeof folder - sizeof "XXXXXX", "XXXXXX");
}

START_TEST(the_next_has_a_higher_token)
{
    ck_assert_int_eq(asks(&follower, REQUEST_ACQUIRE), ANSWER_REFUSED);
    ck_assert(!follower.view.released);
    ck_assert_int_eq(asks(&leader, REQUEST_RELEASE), ANSWER_DONE);
    ck_assert_int_eq(asks(&follower, REQUEST_ACQUIRE), ANSWER_DONE);
    ck_assert_uint_eq(follower.answer.index, leader.view.index + 1);
}
END_TEST

START_TEST(an_acquire_for_the_former_file_does_not_take_the_new_one)
{
    replacements[_i]();
    ck_assert_int_eq(asks(&follower, REQUEST_ACQUIRE), ANSWER_REFUSED);
    ck_assert_int_eq(asks(&leader, REQUEST_RELEASE), ANSWER_DONE);
    ck_assert_int_eq(asks(&follower, REQUEST_ACQUIRE), ANSWER_GONE);
    ck_assert(!follower.view.released);
}
END_TEST

START_TEST(nor_one_that_comes_when_the_new_one_was_seen)
{
    replacements[_i]();
    store_file.due(follower.store);
    ck_assert(!follower.view.released);
    ck_assert_int_eq(asks(&follower, REQUEST_ACQUIRE), ANSWER_GONE);
}
END_TEST

START_TEST(the_new_file_is_released_when_somebody_has_led_by_it)
{
    replacements[_i]();
    store_file.due(follower.store);
    ck_assert_int_eq(asks(&follower, REQUEST_SESSION), ANSWER_DONE);
    ck_assert(!follower.view.released);

    ck_assert_int_eq(asks(&leader, REQUEST_RELEASE), ANSWER_DONE);
    ck_assert_int_eq(asks(&leader, REQUEST_SESSION), ANSWER_DONE);
    ck_assert_int_eq(asks(&leader, REQUEST_ACQUIRE), ANSWER_DONE);
    ck_assert_int_eq(asks(&leader, REQUEST_RELEASE), ANSWER_DONE);
    store_file.due(follower.store);
    ck_assert(follower.view.released);
    ck_assert_int_eq(asks(&follower, REQUEST_ACQUIRE), ANSWER_DONE);
}
END_TEST

START_TEST(each_answer_names_the_asker_of_its_request)
{
    for (enum request_type type = REQUEST_RENEW; type < REQUEST_TYPES; type++)
        for (enum asker asker = 0; asker < ASKERS; asker++) {
            struct lock_request request = { .type = type, .asker = asker, .serial = 9 };
            leader.answer = (struct lock_answer){ .asker = ASKERS };
            store_file.request(leader.store, &request);
            ck_assert_uint_eq(leader.answer.asker, asker);
            ck_assert_uint_eq(leader.answer.serial, 9);
        }
}
END_TEST

Suite *file_store_suite(void)
{
    Suite *suite = suite_create("file store");
    TCase *replaced = tcase_create("replaced");

    tcase_add_checked_fixture(replaced, make_leader_and_follower, remove_them);
    tcase_add_test(replaced, the_next_has_a_higher_token);
    tcase_add_loop_test(replaced, an_acquire_for_the_former_file_does_not_take_the_new_one, 0,
                        REPLACEMENTS);
    tcase_add_loop_test(replaced, nor_one_that_comes_when_the_new_one_was_seen, 0, REPLACEMENTS);
    tcase_add_loop_test(replaced, the_new_file_is_released_when_somebody_has_led_by_it, 0,
                        REPLACEMENTS);
    tcase_add_test(replaced, each_answer_names_the_asker_of_its_request);
    suite_add_tcase(suite, replaced);
    return suite;
}
