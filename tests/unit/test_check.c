/* What is heard is checked before it is used: common/messages/check.h. */
#include "common/messages/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/messages/keeper.h"
#include "common/messages/network.h"
#include "tests/unit/message_fixture.h"
#include "tests/unit/suites.h"

#define A_DESCRIPTOR 0 /* any that is one */

static struct error why;

static int descriptor_of(const struct word *word)
{
    return word->descriptor == DESCRIPTOR_COMES ? A_DESCRIPTOR : NONE;
}

static bool is_sound_in(enum conversation conversation, int passed_fd)
{
    return message_is_sound(conversation, &message, passed_fd, &why);
}

static bool is_sound(const struct word *word)
{
    return is_sound_in(word->conversation, descriptor_of(word));
}

/* Each message of each conversation, sound, in turn. */
#define FOR_EACH_WORD(word)                                                                        \
    const struct word *word;                                                                       \
    for (enum conversation spoken = 0; spoken < CONVERSATIONS; spoken++)                           \
        for (uint32_t said = 0; said <= MESSAGE_LOG_LINE; said++)                                  \
            if ((word = say(spoken, said)))

/* --- The tables. --- */

static bool is_said_somewhere(uint32_t type)
{
    for (enum conversation conversation = 0; conversation < CONVERSATIONS; conversation++)
        if (shape_word(conversation, type))
            return true;
    return false;
}

START_TEST(each_message_is_said_by_somebody)
{
    for (uint32_t type = KEEPER_LOCK; type < KEEPER_MESSAGES; type++)
        ck_assert_msg(is_said_somewhere(type), "%u", type);
    for (uint32_t type = NETWORK_REQUEST; type < NETWORK_MESSAGES; type++)
        ck_assert_msg(is_said_somewhere(type), "%u", type);
    ck_assert(!is_said_somewhere(0));
    ck_assert(!is_said_somewhere(KEEPER_MESSAGES));
    ck_assert(!is_said_somewhere(NETWORK_MESSAGES));
    ck_assert(!is_said_somewhere(MESSAGE_LOG_LINE + 1));
}
END_TEST

#if defined __has_builtin && __has_builtin(__builtin_clear_padding)

#define BODIES(BODY)                                                                               \
    BODY(SUPERVISOR_TO_KEEPER, KEEPER_LEASE, struct lease)                                         \
    BODY(SUPERVISOR_TO_KEEPER, KEEPER_START, struct situation)                                     \
    BODY(SUPERVISOR_TO_KEEPER, KEEPER_PROMOTE, struct situation)                                   \
    BODY(SUPERVISOR_TO_KEEPER, KEEPER_RESTART, struct situation)                                   \
    BODY(SUPERVISOR_TO_KEEPER, KEEPER_DEMOTE, struct demotion_order)                               \
    BODY(SUPERVISOR_TO_KEEPER, KEEPER_LEADER_CHANGED, struct situation)                            \
    BODY(SUPERVISOR_TO_KEEPER, KEEPER_STOP, struct stop_order)                                     \
    BODY(SUPERVISOR_TO_KEEPER, KEEPER_SIGNAL, struct signal_order)                                 \
    BODY(SUPERVISOR_TO_KEEPER, KEEPER_PROBE, struct probe_order)                                   \
    BODY(KEEPER_TO_SUPERVISOR, KEEPER_STARTED, struct started_report)                              \
    BODY(KEEPER_TO_SUPERVISOR, KEEPER_START_FAILED, struct failure_report)                         \
    BODY(KEEPER_TO_SUPERVISOR, KEEPER_STOPPED, struct signal_order)                                \
    BODY(KEEPER_TO_SUPERVISOR, KEEPER_EXITED, struct exit_report)                                  \
    BODY(KEEPER_TO_SUPERVISOR, KEEPER_PROMOTION_FAILED, struct failure_report)                     \
    BODY(KEEPER_TO_SUPERVISOR, KEEPER_PROBED, struct probe_report)                                 \
    BODY(SUPERVISOR_TO_NETWORK, NETWORK_REQUEST, struct lock_request)                              \
    BODY(SUPERVISOR_TO_NETWORK, NETWORK_HOLD, struct lock_hold)                                    \
    BODY(SUPERVISOR_TO_NETWORK, NETWORK_ROLE, struct role_order)                                   \
    BODY(SUPERVISOR_TO_NETWORK, NETWORK_HEALTH, struct health_order)                               \
    BODY(SUPERVISOR_TO_NETWORK, NETWORK_PROBE, struct probe_order)                                 \
    BODY(SUPERVISOR_TO_NETWORK, MESSAGE_LOG_LINE, struct log_line)                                 \
    BODY(NETWORK_TO_SUPERVISOR, NETWORK_ANSWER, struct lock_answer)                                \
    BODY(NETWORK_TO_SUPERVISOR, NETWORK_LOCK_SEEN, struct lock_view)                               \
    BODY(NETWORK_TO_SUPERVISOR, NETWORK_FATAL, struct fatal_body)                                  \
    BODY(NETWORK_TO_SUPERVISOR, NETWORK_PROBED, struct probe_report)                               \
    BODY(KEEPER_TO_NETWORK, MESSAGE_LOG_LINE, struct log_line)

static void mark_fields(const struct shape *shape, unsigned char *marks)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        if (field->kind == FIELD_STRUCT)
            mark_fields(field->shape, marks + field->offset);
        else
            memset(marks + field->offset, 0xff, field->size);
    }
}

/* bytes: of a struct, 0 where it has padding. */
static void expect_fields(const char *name, const struct word *word, const void *bytes, size_t size)
{
    unsigned char marks[MESSAGE_BODY_SIZE] = { 0 };

    ck_assert_msg(word && word->body && word->body->size == size, "%s", name);
    mark_fields(word->body, marks);
    ck_assert_msg(memcmp(marks, bytes, size) == 0, "%s", name);
}

#define EXPECT_FIELDS(conversation, type, body)                                                    \
    {                                                                                              \
        body all;                                                                                  \
        memset(&all, 0xff, sizeof all);                                                            \
        __builtin_clear_padding(&all);                                                             \
        expect_fields(#type, shape_word(conversation, type), &all, sizeof all);                    \
        bodies++;                                                                                  \
    }

START_TEST(the_tables_leave_out_nothing_but_padding)
{
    unsigned bodies = 0, words = 0;

    BODIES(EXPECT_FIELDS)
    FOR_EACH_WORD(word)
    words += word->body != NULL;
    ck_assert_uint_eq(words, bodies);
}
END_TEST

#else

START_TEST(the_tables_leave_out_nothing_but_padding)
{
}
END_TEST

#endif

/* --- What is sound, and each way of not being so. --- */

START_TEST(what_is_as_its_table_says_is_sound)
{
    FOR_EACH_WORD(word)
    ck_assert_msg(is_sound(word), "%s", why.text);
}
END_TEST

/* A body of zeros is one too, but for numbers that are never 0. */
START_TEST(so_is_one_of_zeros)
{
    static const uint32_t never_zero[] = { KEEPER_SIGNAL, KEEPER_STARTED, NETWORK_FATAL };

    FOR_EACH_WORD(word)
    {
        bool expected = true;
        for (size_t i = 0; i < sizeof never_zero / sizeof *never_zero; i++)
            expected = expected && message.type != never_zero[i];
        memset(message.body, 0, sizeof message.body);
        ck_assert_msg(is_sound(word) == expected, "%s", word->name);
    }
}
END_TEST

static void expect_unsound(const struct word *word, const char *path)
{
    char beginning[200];

    snprintf(beginning, sizeof beginning, "%s: %s ", word->name, path);
    ck_assert_msg(!is_sound(word), "%s", beginning);
    ck_assert_msg(strncmp(why.text, beginning, strlen(beginning)) == 0, "%s, not %s", why.text,
                  beginning);
}

static void expect_no_number(const struct word *word, const char *path, unsigned char *place,
                             int64_t number)
{
    set_number(place, number);
    expect_unsound(word, path);
}

static void break_number(const struct word *word, const struct field *field, const char *path,
                         unsigned char *place)
{
    if (field->least > INT32_MIN)
        expect_no_number(word, path, place, field->least - 1);
    if (field->most < INT32_MAX)
        expect_no_number(word, path, place, field->most + 1);
    expect_no_number(word, path, place, INT32_MIN);
}

static void break_wait_status(const struct word *word, const char *path, unsigned char *place)
{
    static const int32_t not_ends[] = { 0x7f, SIGTSTP << 8 | 0x7f, 0xffff, 0x10000, 65, 126, -1 };

    for (size_t i = 0; i < sizeof not_ends / sizeof *not_ends; i++)
        expect_no_number(word, path, place, not_ends[i]);
}

static void break_each(const struct word *word, const struct shape *shape, unsigned char *bytes,
                       const char *within)
{
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *field = &shape->fields[i];
        unsigned char *place = bytes + field->offset, kept[MESSAGE_BODY_SIZE];
        char path[100], inner[110];

        memcpy(kept, place, field->size);
        snprintf(path, sizeof path, "%.40s%.40s", within, field->name);
        switch (field->kind) {
        case FIELD_TEXT:
            place[field->size - 1] = 'x';
            expect_unsound(word, path);
            break;
        case FIELD_FLAG:
            for (unsigned byte = 2; byte <= UINT8_MAX; byte++) {
                *place = (unsigned char)byte;
                expect_unsound(word, path);
            }
            break;
        case FIELD_NUMBER:
            break_number(word, field, path, place);
            break;
        case FIELD_WAIT_STATUS:
            break_wait_status(word, path, place);
            break;
        case FIELD_STRUCT:
            snprintf(inner, sizeof inner, "%s.", path);
            break_each(word, field->shape, place, inner);
            break;
        case FIELD_PLAIN:
        case FIELD_KINDS:
            break;
        }
        memcpy(place, kept, field->size);
        ck_assert(is_sound(word));
    }
}

START_TEST(each_field_that_is_broken_is_found_by_its_name)
{
    FOR_EACH_WORD(word)
    if (word->body)
        break_each(word, word->body, message.body, "");
}
END_TEST

START_TEST(a_descriptor_comes_where_it_must_and_nowhere_else)
{
    FOR_EACH_WORD(word)
    {
        ck_assert_int_eq(is_sound_in(word->conversation, NONE),
                         word->descriptor != DESCRIPTOR_COMES);
        ck_assert_int_eq(is_sound_in(word->conversation, A_DESCRIPTOR),
                         word->descriptor != DESCRIPTOR_NONE);
    }
}
END_TEST

START_TEST(a_message_is_heard_in_its_own_conversation_alone)
{
    FOR_EACH_WORD(word)
    for (enum conversation other = 0; other < CONVERSATIONS; other++)
        if (other != word->conversation && message.type != MESSAGE_LOG_LINE)
            ck_assert(!is_sound_in(other, descriptor_of(word)));
}
END_TEST

/* --- As rules. --- */

START_TEST(a_keeper_never_hears_that_a_program_has_exited)
{
    say(KEEPER_TO_SUPERVISOR, KEEPER_EXITED);
    ck_assert(is_sound_in(KEEPER_TO_SUPERVISOR, NONE));
    ck_assert(!is_sound_in(SUPERVISOR_TO_KEEPER, NONE));
    ck_assert_str_eq(why.text, "unknown type 15");
}
END_TEST

START_TEST(only_the_keeper_says_that_all_are_gone)
{
    say(KEEPER_TO_NETWORK, NETWORK_ALL_GONE);
    ck_assert(is_sound_in(KEEPER_TO_NETWORK, NONE));
    ck_assert(!is_sound_in(SUPERVISOR_TO_NETWORK, NONE));
}
END_TEST

START_TEST(a_bool_of_2_is_neither_true_nor_false)
{
    struct demotion_order *order = MESSAGE_BODY(&message, struct demotion_order);

    say(SUPERVISOR_TO_KEEPER, KEEPER_DEMOTE);
    *(unsigned char *)&order->planned = 2;
    ck_assert(!is_sound_in(SUPERVISOR_TO_KEEPER, NONE));
    ck_assert_str_eq(why.text, "KEEPER_DEMOTE: planned is 2, and must be 0 or 1");
}
END_TEST

START_TEST(a_name_ends_within_its_place)
{
    struct lock_answer *answer = MESSAGE_BODY(&message, struct lock_answer);

    say(NETWORK_TO_SUPERVISOR, NETWORK_ANSWER);
    memset(answer->view.session.text, 'a', sizeof answer->view.session.text);
    ck_assert(!is_sound_in(NETWORK_TO_SUPERVISOR, NONE));
    ck_assert_str_eq(why.text, "NETWORK_ANSWER: view.session.text has no end");
}
END_TEST

START_TEST(no_signal_has_the_number_65)
{
    say(SUPERVISOR_TO_KEEPER, KEEPER_SIGNAL);
    MESSAGE_BODY(&message, struct signal_order)->number = 65;
    ck_assert(!is_sound_in(SUPERVISOR_TO_KEEPER, NONE));
    ck_assert_str_eq(why.text, "KEEPER_SIGNAL: number is 65, and must be from 1 to 64");
}
END_TEST

/* --- Anything at all, held against the same rules written by hand. --- */

#define ENDS(text)  (strnlen(text, sizeof(text)) < sizeof(text))
#define IS_BIT(has) (*(const unsigned char *)&(has) <= 1)

static bool view_can_be(const struct lock_view *view)
{
    return ENDS(view->session.text) && ENDS(view->holder) && ENDS(view->holder_name) &&
           IS_BIT(view->exists) && IS_BIT(view->released) && IS_BIT(view->unhealthy) &&
           IS_BIT(view->foreign) && IS_BIT(view->ours) && IS_BIT(view->consistent) &&
           IS_BIT(view->after_gap);
}

static bool situation_can_be(const struct situation *situation)
{
    return ENDS(situation->session.text) && ENDS(situation->role) && ENDS(situation->old_role) &&
           ENDS(situation->reason) && ENDS(situation->holder);
}

static bool answer_can_be(const struct lock_answer *answer)
{
    return (unsigned)answer->type < REQUEST_TYPES && (unsigned)answer->result < ANSWER_RESULTS &&
           (unsigned)answer->asker < ASKERS && ENDS(answer->session.text) &&
           view_can_be(&answer->view) && ENDS(answer->reason);
}

static bool is_end(int32_t status)
{
    int32_t number = status & 0x7f;

    return status >= 0 && status < 0x10000 && number <= 64;
}

#define BODY(type) MESSAGE_BODY(&message, const struct type)

static bool order_can_be(void)
{
    switch (message.type) {
    case KEEPER_START:
    case KEEPER_PROMOTE:
    case KEEPER_RESTART:
    case KEEPER_LEADER_CHANGED:
        return situation_can_be(BODY(situation));
    case KEEPER_DEMOTE:
        return situation_can_be(&BODY(demotion_order)->situation) &&
               IS_BIT(BODY(demotion_order)->planned) && IS_BIT(BODY(demotion_order)->restart);
    case KEEPER_SIGNAL:
        return BODY(signal_order)->number >= 1 && BODY(signal_order)->number <= 64;
    case KEEPER_PROBE:
        return IS_BIT(BODY(probe_order)->on);
    default:
        return true;
    }
}

static bool report_can_be(void)
{
    switch (message.type) {
    case KEEPER_STARTED:
        return BODY(started_report)->pid > 0;
    case KEEPER_START_FAILED:
    case KEEPER_PROMOTION_FAILED:
        return BODY(failure_report)->status >= 0 && BODY(failure_report)->status <= 255 &&
               ENDS(BODY(failure_report)->reason);
    case KEEPER_STOPPED:
        return BODY(signal_order)->number >= 0 && BODY(signal_order)->number <= 64;
    case KEEPER_EXITED:
        return is_end(BODY(exit_report)->wait_status) && IS_BIT(BODY(exit_report)->ordered) &&
               IS_BIT(BODY(exit_report)->overdue);
    case KEEPER_PROBED:
        return IS_BIT(BODY(probe_report)->passed) && ENDS(BODY(probe_report)->reason);
    default:
        return true;
    }
}

static bool request_can_be(void)
{
    const struct lock_request *request = BODY(lock_request);
    const struct role_order *role = BODY(role_order);
    const struct health_order *health = BODY(health_order);

    switch (message.type) {
    case NETWORK_REQUEST:
        return (unsigned)request->type < REQUEST_TYPES && (unsigned)request->asker < ASKERS &&
               ENDS(request->session.text) && IS_BIT(request->unhealthy) && IS_BIT(request->former);
    case NETWORK_HOLD:
        return ENDS(BODY(lock_hold)->session.text) && IS_BIT(BODY(lock_hold)->holding);
    case NETWORK_ROLE:
        return IS_BIT(role->leader) && IS_BIT(role->standing) && IS_BIT(role->stopped) &&
               ENDS(role->session.text);
    case NETWORK_HEALTH:
        return IS_BIT(health->serves) && IS_BIT(health->well) && ENDS(health->reason);
    case NETWORK_PROBE:
        return IS_BIT(BODY(probe_order)->on);
    default:
        return BODY(log_line)->length <= sizeof BODY(log_line)->text;
    }
}

static bool saying_can_be(void)
{
    switch (message.type) {
    case NETWORK_ANSWER:
        return answer_can_be(BODY(lock_answer));
    case NETWORK_LOCK_SEEN:
        return view_can_be(BODY(lock_view));
    case NETWORK_FATAL:
        return BODY(fatal_body)->status >= 1 && BODY(fatal_body)->status <= 255 &&
               ENDS(BODY(fatal_body)->reason);
    case NETWORK_PROBED:
        return IS_BIT(BODY(probe_report)->passed) && ENDS(BODY(probe_report)->reason);
    default:
        return true;
    }
}

static bool last_word_can_be(void)
{
    return message.type == NETWORK_ALL_GONE ||
           BODY(log_line)->length <= sizeof BODY(log_line)->text;
}

static bool (*const can_be[CONVERSATIONS])(void) = {
    [SUPERVISOR_TO_KEEPER] = order_can_be,    [KEEPER_TO_SUPERVISOR] = report_can_be,
    [SUPERVISOR_TO_NETWORK] = request_can_be, [NETWORK_TO_SUPERVISOR] = saying_can_be,
    [KEEPER_TO_NETWORK] = last_word_can_be,
};

#define RANDOM_ROUNDS 10000

static uint64_t chance(uint64_t below)
{
    static uint64_t state = 1;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

/* Some bytes of a sound body, or all: a body of chance alone is hardly ever sound. */
static void strew(const struct shape *shape)
{
    uint64_t count = chance(10) == 0 ? shape->size : chance(4);

    if (chance(4) == 0)
        memset(message.body, 0, sizeof message.body);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t place = count == shape->size ? i : chance(shape->size);
        message.body[place] = (unsigned char)chance(chance(2) == 0 ? 4 : 256);
    }
}

START_TEST(of_anything_at_all_only_what_can_be_is_accepted)
{
    unsigned accepted = 0, refused = 0;

    for (unsigned i = 0; i < RANDOM_ROUNDS; i++) {
        FOR_EACH_WORD(word)
        {
            if (!word->body)
                continue;
            strew(word->body);
            bool sound = is_sound(word);
            if (sound != can_be[word->conversation]())
                ck_abort_msg("%s: %s", word->name, sound ? "accepted" : why.text);
            accepted += sound;
            refused += !sound;
        }
    }
    ck_assert_uint_gt(accepted, RANDOM_ROUNDS);
    ck_assert_uint_gt(refused, RANDOM_ROUNDS);
}
END_TEST

START_TEST(nor_does_any_type_harm)
{
    memset(&message, 0xff, sizeof message);
    for (unsigned i = 0; i < RANDOM_ROUNDS; i++) {
        message.type = (uint32_t)chance(UINT64_C(1) << 32);
        for (enum conversation conversation = 0; conversation < CONVERSATIONS; conversation++)
            if (!shape_word(conversation, message.type) && is_sound_in(conversation, NONE))
                ck_abort_msg("%u", message.type);
    }
}
END_TEST

Suite *check_suite(void)
{
    Suite *suite = suite_create("check");
    TCase *tables = tcase_create("tables");

    tcase_add_test(tables, each_message_is_said_by_somebody);
    tcase_add_test(tables, the_tables_leave_out_nothing_but_padding);
    tcase_add_test(tables, what_is_as_its_table_says_is_sound);
    tcase_add_test(tables, so_is_one_of_zeros);
    tcase_add_test(tables, each_field_that_is_broken_is_found_by_its_name);
    tcase_add_test(tables, a_descriptor_comes_where_it_must_and_nowhere_else);
    tcase_add_test(tables, a_message_is_heard_in_its_own_conversation_alone);
    tcase_add_test(tables, a_keeper_never_hears_that_a_program_has_exited);
    tcase_add_test(tables, only_the_keeper_says_that_all_are_gone);
    tcase_add_test(tables, a_bool_of_2_is_neither_true_nor_false);
    tcase_add_test(tables, a_name_ends_within_its_place);
    tcase_add_test(tables, no_signal_has_the_number_65);
    tcase_add_test(tables, of_anything_at_all_only_what_can_be_is_accepted);
    tcase_add_test(tables, nor_does_any_type_harm);
    suite_add_tcase(suite, tables);
    return suite;
}
