/* What a probe's text means, and what is refused of it. */

#include <string.h>

#include "common/base/clock.h"
#include "common/options/probe_spec.h"
#include "tests/unit/suites.h"

static struct probe_spec spec;
static struct error failure;

static void accept(const char *text)
{
    ck_assert_msg(probe_spec_parse(text, &spec, &failure) == 0, "%s: %s", text, failure.text);
}

START_TEST(each_kind_has_its_target)
{
    accept("https://[::1]:8443/health?deep=1");
    ck_assert_int_eq(spec.kind, PROBE_HTTP);
    ck_assert_str_eq(spec.target, "https://[::1]:8443/health?deep=1");
    accept("tcp://localhost:6379");
    ck_assert_int_eq(spec.kind, PROBE_TCP);
    ck_assert_str_eq(spec.target, "localhost:6379");
    accept("exec:sh -c 'echo #1'#");
    ck_assert_int_eq(spec.kind, PROBE_EXEC);
    ck_assert_str_eq(spec.target, "sh -c 'echo #1'");
    accept("consul:#fall=1");
    ck_assert_int_eq(spec.kind, PROBE_CONSUL);
    ck_assert_str_eq(spec.target, "");
}
END_TEST

START_TEST(what_is_not_said_has_a_default)
{
    accept("tcp://a:1");
    ck_assert_uint_eq(spec.interval_ns, SECONDS(5));
    ck_assert_uint_eq(spec.timeout_ns, SECONDS(1));
    ck_assert_uint_eq(spec.grace_ns, SECONDS(10));
    ck_assert_uint_eq(spec.rise, 1);
    ck_assert_uint_eq(spec.fall, 3);
    ck_assert(spec.tls.verify);
}
END_TEST

START_TEST(options_follow_the_last_hash)
{
    accept("http://a/#interval=2s,timeout=300ms,grace=0,rise=2,fall=5,status=204+3xx+400-404,"
           "verify=false,server-name=b,ca-file=/ca,client-cert=/c,client-key=/k");
    ck_assert_uint_eq(spec.interval_ns, SECONDS(2));
    ck_assert_uint_eq(spec.timeout_ns, MILLISECONDS(300));
    ck_assert_uint_eq(spec.grace_ns, 0);
    ck_assert_uint_eq(spec.rise, 2);
    ck_assert_uint_eq(spec.fall, 5);
    ck_assert_uint_eq(spec.statuses[0].least, 204);
    ck_assert_uint_eq(spec.statuses[0].most, 204);
    ck_assert_uint_eq(spec.statuses[1].least, 300);
    ck_assert_uint_eq(spec.statuses[1].most, 399);
    ck_assert_uint_eq(spec.statuses[2].least, 400);
    ck_assert_uint_eq(spec.statuses[2].most, 404);
    ck_assert_uint_eq(spec.statuses[3].least, 0);
    ck_assert(!spec.tls.verify);
    ck_assert_str_eq(spec.tls.server_name, "b");
    ck_assert_str_eq(spec.tls.ca_file, "/ca");
    ck_assert_str_eq(spec.tls.client_cert, "/c");
    ck_assert_str_eq(spec.tls.client_key, "/k");
}
END_TEST

static const char *const refused[][2] = {
    { "ftp://a", "is not a probe" },
    { "", "is not a probe" },
    { "http://", "has no HOST" },
    { "http://a b/", "has no HOST" },
    { "http://a:99999/", "has no HOST" },
    { "http://u:p@a/", "user and password" },
    { "tcp://a", "is not tcp://HOST:PORT" },
    { "tcp://:80", "is not tcp://HOST:PORT" },
    { "tcp://::1:80", "is not tcp://HOST:PORT" },
    { "exec:", "" },
    { "exec:'a", "" },
    { "consul:redis", "names something behind" },
    { "tcp://a:1#status=200", "\"status\" is for http" },
    { "tcp://a:1#fast", "is no option of a probe" },
    { "tcp://a:1#speed=1", "is no option of a probe" },
    { "tcp://a:1#rise=0", "rise: \"0\" is not a count" },
    { "tcp://a:1#fall=x", "fall: \"x\" is not a count" },
    { "tcp://a:1#interval=1ms", "interval: \"1ms\" is out of range" },
    { "tcp://a:1#timeout=x", "timeout: \"x\" is not a duration" },
    { "http://a#status=6xx", "are not HTTP statuses" },
    { "http://a#status=200-", "are not HTTP statuses" },
    { "http://a#status=300-200", "are not HTTP statuses" },
    { "http://a#status=1+1", "are not HTTP statuses" },
    { "http://a#status=200+201+202+203+204+205+206+207", "are not HTTP statuses" },
    { "http://a#verify=maybe", "verify: \"maybe\" is not a boolean" },
    { "http://a#ca-file=ca.pem", "ca-file: \"ca.pem\" is not an absolute path" },
    { "http://a#client-cert=/c", "need each other" },
};

START_TEST(what_cannot_be_meant_is_refused)
{
    ck_assert_int_eq(probe_spec_parse(refused[_i][0], &spec, &failure), -1);
    ck_assert_msg(strstr(failure.text, refused[_i][1]) != NULL, "%s", failure.text);
}
END_TEST

START_TEST(a_text_has_one_a_line)
{
    static const char texts[] = "tcp://a:1\nexec:b#fall=1\nconsul:";
    char text[PROBE_TEXT_SIZE];

    ck_assert_str_eq(probe_text_find(texts, 1, text), "exec:b#fall=1");
    ck_assert_str_eq(probe_text_find(texts, 2, text), "consul:");
    ck_assert_ptr_null(probe_text_find(texts, 3, text));
    ck_assert_ptr_null(probe_text_find("", 0, text));
    ck_assert(probe_text_has(texts, PROBE_EXEC));
    ck_assert(!probe_text_has(texts, PROBE_HTTP));
}
END_TEST

static const char secretive[] = "https://u.example:8443/health?token=secret#fall=1\n"
                                "exec:'/opt/my check' --password secret\n"
                                "exec:sh -c 'exit 1'\nexec:sh -c 'exit 2'\n"
                                "tcp://[::1]:80#interval=1s\nconsul:";

static const char *const names[] = {
    "https://u.example:8443/health",
    "exec:/opt/my check",
    "exec:sh",
    "exec:sh (2)",
    "tcp://[::1]:80",
    "consul:",
    "",
};

START_TEST(logs_show_no_secret_of_a_probe)
{
    char name[PROBE_NAME_SIZE];

    probe_text_name(secretive, (size_t)_i, name);
    ck_assert_str_eq(name, names[_i]);
}
END_TEST

Suite *probe_spec_suite(void)
{
    Suite *suite = suite_create("probe spec");
    TCase *tests = tcase_create("probe spec");

    tcase_add_test(tests, each_kind_has_its_target);
    tcase_add_test(tests, what_is_not_said_has_a_default);
    tcase_add_test(tests, options_follow_the_last_hash);
    tcase_add_loop_test(tests, what_cannot_be_meant_is_refused, 0,
                        (int)(sizeof refused / sizeof *refused));
    tcase_add_test(tests, a_text_has_one_a_line);
    tcase_add_loop_test(tests, logs_show_no_secret_of_a_probe, 0,
                        (int)(sizeof names / sizeof *names));
    suite_add_tcase(suite, tests);
    return suite;
}
