/* Words that find no room are kept, in order, and none is lost without a word. */
#include "common/messages/outbox.h"

#include <unistd.h>

#include "tests/unit/suites.h"

enum { WORD = 1, STATE, FILLER };

static struct outbox outbox;
static int ours, theirs;

static void setup(void)
{
    struct error err;
    int ends[2];

    outbox = (struct outbox){ .count = 0 };
    ck_assert_int_eq(channel_pair(ends, &err), 0);
    ours = ends[0];
    theirs = ends[1];
}

static void teardown(void)
{
    close(ours);
    close(theirs);
}

static struct message message_of(uint32_t type, uint64_t serial)
{
    return (struct message){ .type = type, .serial = serial };
}

static void say(uint32_t type, uint64_t serial)
{
    const struct message message = message_of(type, serial);

    ck_assert(type == STATE ? outbox_say_state(&outbox, ours, &message)
                            : outbox_say(&outbox, ours, &message));
}

static unsigned fill(void)
{
    const struct message filler = message_of(FILLER, 0);
    unsigned count = 0;

    while (channel_send(ours, &filler, -1) == CHANNEL_SENT)
        count++;
    return count;
}

/* Reads one message after the fillers. Serial 0: there is none. */
static struct message hear(void)
{
    struct message message;
    int passed_fd;

    do
        if (channel_receive(theirs, &message, &passed_fd) != CHANNEL_MESSAGE)
            return message_of(0, 0);
    while (message.type == FILLER);
    return message;
}

static void expect(uint32_t type, uint64_t serial)
{
    const struct message heard = hear();

    ck_assert_uint_eq(heard.type, type);
    ck_assert_uint_eq(heard.serial, serial);
}

START_TEST(a_word_that_fits_goes_at_once)
{
    say(WORD, 1);
    ck_assert(outbox_is_empty(&outbox));
    expect(WORD, 1);
}
END_TEST

START_TEST(words_without_room_wait_and_come_in_their_order)
{
    ck_assert_uint_gt(fill(), 50);
    for (uint64_t i = 1; i <= OUTBOX_MAX; i++)
        say(WORD, i);
    ck_assert(!outbox_is_empty(&outbox));
    ck_assert_uint_eq(hear().serial, 0);
    outbox_flush(&outbox, ours);
    ck_assert(outbox_is_empty(&outbox));
    for (uint64_t i = 1; i <= OUTBOX_MAX; i++)
        expect(WORD, i);
}
END_TEST

START_TEST(what_is_said_later_does_not_overtake)
{
    fill();
    say(WORD, 1);
    ck_assert_uint_eq(hear().serial, 0);
    say(WORD, 2);
    expect(WORD, 1);
    expect(WORD, 2);
}
END_TEST

START_TEST(of_states_the_newest_is_kept)
{
    fill();
    for (uint64_t i = 1; i <= 1000; i++)
        say(STATE, i);
    ck_assert_uint_eq(hear().serial, 0);
    outbox_flush(&outbox, ours);
    expect(STATE, 1000);
    ck_assert_uint_eq(hear().serial, 0);
}
END_TEST

/* What was said in between may rest on the state that was true then. */
START_TEST(a_state_replaces_none_from_before_a_word)
{
    fill();
    say(STATE, 1);
    say(WORD, 2);
    say(STATE, 3);
    say(STATE, 4);
    ck_assert_uint_eq(hear().serial, 0);
    outbox_flush(&outbox, ours);
    expect(STATE, 1);
    expect(WORD, 2);
    expect(STATE, 4);
}
END_TEST

START_TEST(a_word_that_cannot_be_kept_is_told)
{
    const struct message word = message_of(WORD, 17);

    fill();
    for (uint64_t i = 1; i <= OUTBOX_MAX; i++)
        say(WORD, i);
    ck_assert(!outbox_say(&outbox, ours, &word));
    ck_assert(!outbox_say_state(&outbox, ours, &(struct message){ .type = STATE }));
}
END_TEST

START_TEST(the_dead_are_told_nothing)
{
    fill();
    say(WORD, 1);
    close(theirs);
    outbox_flush(&outbox, ours);
    ck_assert(outbox_is_empty(&outbox));
    say(WORD, 2);
    ck_assert(outbox_is_empty(&outbox));
    theirs = -1;
}
END_TEST

/* Reports and lines of the log leave half of the room to what must fit. */
START_TEST(spare_words_leave_half_of_the_room)
{
    const struct message spare = message_of(FILLER, 0);
    unsigned count = 0;

    while (channel_has_room(ours) && count++ < 1000)
        channel_send_spare(ours, &spare);
    channel_send_spare(ours, &spare);
    ck_assert(!channel_send_line(ours, "a line\n", 7));
    ck_assert_uint_ge(fill(), count - 1);
}
END_TEST

Suite *outbox_suite(void)
{
    Suite *suite = suite_create("outbox");
    TCase *tests = tcase_create("outbox");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_word_that_fits_goes_at_once);
    tcase_add_test(tests, words_without_room_wait_and_come_in_their_order);
    tcase_add_test(tests, what_is_said_later_does_not_overtake);
    tcase_add_test(tests, of_states_the_newest_is_kept);
    tcase_add_test(tests, a_state_replaces_none_from_before_a_word);
    tcase_add_test(tests, a_word_that_cannot_be_kept_is_told);
    tcase_add_test(tests, the_dead_are_told_nothing);
    tcase_add_test(tests, spare_words_leave_half_of_the_room);
    suite_add_tcase(suite, tests);
    return suite;
}
