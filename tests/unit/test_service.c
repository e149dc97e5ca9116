#include <string.h>

#include "consul/service.h"
#include "tests/unit/suites.h"

#define COUNT(list)       ((int)(sizeof(list) / sizeof *(list)))
#define SERVICE(id, name) "\"" id "\":{\"ID\":\"" id "\",\"Service\":\"" name "\"}"
#define PROXY(id, name)                                                                            \
    "\"" id "\":{\"ID\":\"" id "\",\"Service\":\"" name "\",\"Kind\":\"connect-proxy\"}"
#define IN_NOMAD(alloc, name) "_nomad-task-" alloc "-group-g-" name "-http"

static struct json_object *read_text(const char *text)
{
    struct json_object *object = json_read(text, strlen(text));

    ck_assert_msg(object != NULL, "%s", text);
    return object;
}

/* --- Which one. --- */

static const struct {
    const char *tag_service;
    const char *allocation;
    const char *list;
    enum service_choice choice;
    const char *id;
} choices[] = {
    { "auto", "", "{}", SERVICE_ABSENT, NULL },
    { "auto", "", "{" SERVICE("r1", "redis") "," SERVICE("o", "other") "}", SERVICE_FOUND, "r1" },
    { "auto", "", "{" SERVICE("o", "other") "}", SERVICE_ABSENT, NULL },
    { "auto", "", "{" SERVICE("r1", "redis") "," SERVICE("r2", "redis") "}", SERVICE_AMBIGUOUS,
      NULL },
    { "auto", "", "{" PROXY("r1", "redis") "," SERVICE("r2", "redis") "}", SERVICE_FOUND, "r2" },
    { "auto", "", "{\"r1\":null,\"r2\":7}", SERVICE_ABSENT, NULL },
    { "r2", "", "{" SERVICE("r1", "redis") "," SERVICE("r2", "x") "}", SERVICE_FOUND, "r2" },
    { "r", "", "{" SERVICE("r1", "redis") "}", SERVICE_ABSENT, NULL },
    { "p", "", "{" PROXY("p", "redis") "}", SERVICE_FOUND, "p" },
    { "r*", "", "{" SERVICE("o", "other") "," SERVICE("r1", "redis") "}", SERVICE_FOUND, "r1" },
    { "r*", "", "{" SERVICE("r1", "a") "," SERVICE("r2", "b") "}", SERVICE_AMBIGUOUS, NULL },
    { "auto", "A", "{" SERVICE(IN_NOMAD("A", "redis"), "redis") "}", SERVICE_FOUND,
      IN_NOMAD("A", "redis") },
    { "auto", "A",
      "{" SERVICE(IN_NOMAD("A", "redis"), "redis") "," SERVICE(IN_NOMAD("A", "ui"), "ui") "}",
      SERVICE_FOUND, IN_NOMAD("A", "redis") },
    { "auto", "A", "{" SERVICE(IN_NOMAD("A", "ui"), "ui") "}", SERVICE_ONLY, IN_NOMAD("A", "ui") },
    { "auto", "A",
      "{" SERVICE(IN_NOMAD("A", "ui"), "ui") "," SERVICE(IN_NOMAD("A", "db"), "db") "}",
      SERVICE_AMBIGUOUS, NULL },
    { "auto", "A", "{" SERVICE(IN_NOMAD("B", "redis"), "redis") "," SERVICE("r", "redis") "}",
      SERVICE_ABSENT, NULL },
    { "auto", "A",
      "{" SERVICE(IN_NOMAD("A", "ui"), "ui") "," SERVICE(IN_NOMAD("A", "ui") "-sidecar-proxy",
                                                         "p") "}",
      SERVICE_ONLY, IN_NOMAD("A", "ui") },
};

START_TEST(the_service_is_chosen)
{
    AUTO_JSON struct json_object *list = read_text(choices[_i].list);
    struct settings settings = { .service = "redis" };
    char id[SERVICE_ID_SIZE] = "";
    struct error reason = { "" };

    strcpy(settings.tag_service, choices[_i].tag_service);
    strcpy(settings.nomad_alloc_id, choices[_i].allocation);
    ck_assert_int_eq(service_choose(list, &settings, id, &reason), choices[_i].choice);
    if (choices[_i].id)
        ck_assert_str_eq(id, choices[_i].id);
    else
        ck_assert_str_ne(reason.text, "");
}
END_TEST

START_TEST(several_services_are_named)
{
    AUTO_JSON struct json_object *list =
        read_text("{" SERVICE("r1", "redis") "," SERVICE("r2", "redis") "}");
    struct settings settings = { .service = "redis", .tag_service = "auto" };
    char id[SERVICE_ID_SIZE];
    struct error reason;

    service_choose(list, &settings, id, &reason);
    ck_assert_str_eq(reason.text, "this agent has 2 services \"redis\": which is to be tagged? "
                                  "(--tag-service ID): r1, r2");
}
END_TEST

static const struct {
    const char *id;
    bool ours;
} owners[] = {
    { "_nomad-task-A-task-redis-db", true },
    { "_nomad-task-A-task-redis-", true },
    { "_nomad-task-B-task-redis-db", false },
    { "_nomad-task-A-group-task-redis-db", false },
    { "_nomad-task-A-task-2-redis-db", false },
    { "_nomad-task-A-task-redis", false },
    { "_nomad-task-A-task-redis-redis-db", false },
    { "_nomad-task-A", false },
    { "redis", false },
};

START_TEST(a_service_of_our_task_is_known)
{
    struct settings settings = { .nomad_alloc_id = "A", .nomad_task_name = "task" };
    AUTO_JSON struct json_object *definition = read_text("{\"Service\":\"redis\"}");

    json_set_text(definition, "ID", owners[_i].id);
    ck_assert_int_eq(service_is_of_our_task(definition, &settings), owners[_i].ours);
    settings.nomad_task_name[0] = '\0';
    ck_assert(!service_is_of_our_task(definition, &settings));
}
END_TEST

START_TEST(a_proxy_has_its_service_s_id)
{
    char longest[SERVICE_ID_SIZE], id[SERVICE_ID_SIZE];

    ck_assert(service_proxy_id("redis", id));
    ck_assert_str_eq(id, "redis-sidecar-proxy");
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ck_assert(!service_proxy_id(longest, id));
}
END_TEST

/* --- Its marks. --- */

static const struct service_marks leader = {
    .tag = "primary",
    .foreign_tags = { "", "replica" },
    .session = "",
    .old_session = "",
};

static const struct service_marks gone = {
    .tag = "",
    .foreign_tags = { "primary", "" },
    .session = "",
    .old_session = "s1",
};

static const struct {
    const struct service_marks *marks;
    const char *before;
    const char *after; /* NULL: nothing to write */
} markings[] = {
    { &leader, "[]", "[\"primary\"]" },
    { &leader, "null", "[\"primary\"]" },
    { &leader, "[\"b\",\"a\",\"b\"]", "[\"b\",\"a\",\"b\",\"primary\"]" },
    { &leader, "[\"primary\",\"a\"]", NULL },
    { &leader, "[\"replica\",\"primary\"]", "[\"primary\"]" },
    { &leader, "[\"a\",\"replica\"]", "[\"a\",\"primary\"]" },
    { &gone, "[\"primary\",\"a\",\"primary\"]", "[\"a\"]" },
    { &gone, "[\"a\",\"primary2\"]", NULL },
    { &gone, "[]", NULL },
    { &gone, "null", NULL },
};

START_TEST(the_tags_are_changed)
{
    AUTO_JSON struct json_object *definition = read_text("{\"ID\":\"r1\",\"Service\":\"redis\"}");

    json_object_object_add(definition, "Tags", json_tokener_parse(markings[_i].before));
    AUTO_JSON struct json_object *body = service_marked(definition, markings[_i].marks);
    if (markings[_i].after)
        ck_assert_str_eq(json_line(json_member(body, "Tags", json_type_array)), markings[_i].after);
    else
        ck_assert_ptr_null(body);
}
END_TEST

START_TEST(all_else_is_sent_back_as_it_was)
{
    AUTO_JSON struct json_object *definition = read_text(
        "{\"ID\":\"r1\",\"Service\":\"redis\",\"Tags\":[\"a\"],\"Meta\":{\"v\":\"1\"},\"Port\":"
        "6379,"
        "\"Address\":\"\",\"TaggedAddresses\":{\"lan\":{\"Address\":\"10.1.2.3\",\"Port\":1}},"
        "\"Weights\":{\"Passing\":7,\"Warning\":3},\"EnableTagOverride\":true,"
        "\"ContentHash\":\"e98e\",\"Connect\":{\"Native\":true},\"Datacenter\":\"dc1\","
        "\"ModifyIndex\":7,\"CreateIndex\":5,\"Of2030\":[1.5]}");
    AUTO_JSON struct json_object *body = service_marked(definition, &leader);

    ck_assert_str_eq(
        json_line(body),
        "{\"ID\":\"r1\",\"Tags\":[\"a\",\"primary\"],\"Meta\":{\"v\":\"1\"},\"Port\":6379,"
        "\"Address\":\"\",\"TaggedAddresses\":{\"lan\":{\"Address\":\"10.1.2.3\",\"Port\":1}},"
        "\"Weights\":{\"Passing\":7,\"Warning\":3},\"EnableTagOverride\":true,"
        "\"Connect\":{\"Native\":true},\"Of2030\":[1.5],\"Name\":\"redis\"}");
}
END_TEST

START_TEST(the_session_comes_and_goes)
{
    AUTO_JSON struct json_object *definition =
        read_text("{\"ID\":\"r1\",\"Service\":\"redis\",\"Tags\":[\"primary\"],\"Meta\":null}");
    struct service_marks with_session = leader;

    with_session.session = "s1";
    AUTO_JSON struct json_object *marked = service_marked(definition, &with_session);
    ck_assert_str_eq(json_line(json_member(marked, "Meta", json_type_object)),
                     "{\"session\":\"s1\"}");
    ck_assert_ptr_null(service_marked(marked, &with_session));

    AUTO_JSON struct json_object *cleared = service_marked(marked, &gone);
    ck_assert_str_eq(json_line(json_member(cleared, "Meta", json_type_object)), "{}");
}
END_TEST

START_TEST(a_session_of_somebody_else_stays)
{
    AUTO_JSON struct json_object *definition =
        read_text("{\"ID\":\"r1\",\"Service\":\"redis\",\"Meta\":{\"session\":\"s2\"}}");

    ck_assert_ptr_null(service_marked(definition, &gone));
}
END_TEST

START_TEST(a_field_that_consul_does_not_know_is_left_out)
{
    AUTO_JSON struct json_object *body = read_text("{\"ID\":\"r1\",\"Of2030\":7}");

    ck_assert(service_drop_unknown(body, "Request decode failed: json: unknown field \"Of2030\""));
    ck_assert_str_eq(json_line(body), "{\"ID\":\"r1\"}");
    ck_assert(!service_drop_unknown(body, "json: unknown field \"Of2030\""));
    ck_assert(!service_drop_unknown(body, "Missing service name"));
}
END_TEST

Suite *service_suite(void)
{
    Suite *suite = suite_create("service");
    TCase *choice = tcase_create("choice");
    TCase *marks = tcase_create("marks");

    tcase_add_loop_test(choice, the_service_is_chosen, 0, COUNT(choices));
    tcase_add_test(choice, several_services_are_named);
    tcase_add_loop_test(choice, a_service_of_our_task_is_known, 0, COUNT(owners));
    tcase_add_test(choice, a_proxy_has_its_service_s_id);
    suite_add_tcase(suite, choice);

    tcase_add_loop_test(marks, the_tags_are_changed, 0, COUNT(markings));
    tcase_add_test(marks, all_else_is_sent_back_as_it_was);
    tcase_add_test(marks, the_session_comes_and_goes);
    tcase_add_test(marks, a_session_of_somebody_else_stays);
    tcase_add_test(marks, a_field_that_consul_does_not_know_is_left_out);
    suite_add_tcase(suite, marks);
    return suite;
}
