/* Messages between our processes, and what comes along with them. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/messages/channel.h"
#include "common/messages/check.h"
#include "tests/unit/suites.h"

static int ends[2];
static struct message message;

static void open_channel(void)
{
    struct error err;

    ck_assert_int_eq(channel_pair(ends, &err), 0);
}

/* As a process would that was taken over. */
static void send_with(const int *fds, size_t count, size_t size)
{
    static const struct message sent = { .type = 7 };
    struct iovec part = { .iov_base = (void *)&sent, .iov_len = size };
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = { 0 };
    struct msghdr header = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = CMSG_SPACE(count * sizeof(int)),
    };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&header);

    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(rights), fds, count * sizeof(int));
    ck_assert_int_eq(sendmsg(ends[0], &header, 0), (ssize_t)size);
}

static int lowest_free_descriptor(void)
{
    int fd = dup(ends[0]);

    close(fd);
    return fd;
}

START_TEST(of_several_descriptors_one_is_taken_and_none_is_left_open)
{
    const int fds[] = { ends[0], ends[1], ends[0], ends[1] };
    int free_before = lowest_free_descriptor(), taken;

    send_with(fds, (size_t)_i, sizeof message);
    ck_assert_int_eq(channel_receive(ends[1], &message, &taken), CHANNEL_MESSAGE);
    ck_assert_int_eq(message.type, 7);
    ck_assert_int_eq(taken, free_before);
    close(taken);
    ck_assert_int_eq(lowest_free_descriptor(), free_before);
    ck_assert_int_eq(dup(ends[0]), free_before);
    ck_assert_int_eq(dup(ends[0]), free_before + 1);
}
END_TEST

/* Whoever hears it treats it as any other that cannot be. */
START_TEST(a_message_of_another_size_is_one_that_nobody_says)
{
    struct error why;
    int taken;

    send_with(ends, 1, _i == 0 ? 1 : sizeof message - 1);
    ck_assert_int_eq(channel_receive(ends[1], &message, &taken), CHANNEL_MESSAGE);
    for (enum conversation conversation = 0; conversation < CONVERSATIONS; conversation++)
        ck_assert(!message_is_sound(conversation, &message, taken, &why));
    ck_assert_str_eq(why.text, "it is not of the size of one");
}
END_TEST

Suite *channel_suite(void)
{
    Suite *suite = suite_create("channel");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, open_channel, NULL);
    tcase_add_loop_test(all, of_several_descriptors_one_is_taken_and_none_is_left_open, 1, 5);
    tcase_add_loop_test(all, a_message_of_another_size_is_one_that_nobody_says, 0, 2);
    suite_add_tcase(suite, all);
    return suite;
}
