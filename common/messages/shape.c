#include "common/messages/shape.h"

#include <stdbool.h>

#include "common/base/signals.h"
#include "common/messages/channel.h"
#include "common/messages/keeper.h"
#include "common/messages/network.h"

/* --- How the tables are written. --- */

#define MEMBER(type, member) (((type *)0)->member)

#define MEMBER_IS(type, member, wanted)                                                            \
    __builtin_types_compatible_p(__typeof__(MEMBER(type, member)), wanted)

/* 0, where the condition holds; else it does not compile. */
#define CERTAINLY(condition)                                                                       \
    (0 * sizeof(struct {                                                                           \
         _Static_assert(condition, #condition);                                                    \
         char unused;                                                                              \
     }))

#define FIELD(type, member, condition, ...)                                                        \
    {                                                                                              \
        .name = #member, .offset = offsetof(type, member) + CERTAINLY(condition),                  \
        .size = sizeof MEMBER(type, member), .kind = __VA_ARGS__                                   \
    }

#define PLAIN(type, member) FIELD(type, member, !MEMBER_IS(type, member, bool), FIELD_PLAIN)

#define TEXT(type, member) FIELD(type, member, MEMBER_IS(type, member, char[]), FIELD_TEXT)

#define FLAG(type, member) FIELD(type, member, MEMBER_IS(type, member, bool), FIELD_FLAG)

#define NUMBER(type, member, from, to)                                                             \
    FIELD(type, member, sizeof MEMBER(type, member) == 4, FIELD_NUMBER, .least = (from),           \
          .most = (to))

#define ENUM(type, member, end) NUMBER(type, member, 0, (end)-1)

#define WAIT_STATUS(type, member)                                                                  \
    FIELD(type, member, MEMBER_IS(type, member, int32_t), FIELD_WAIT_STATUS)

#define STRUCT(type, member, of)                                                                   \
    FIELD(type, member, MEMBER_IS(type, member, struct of), FIELD_STRUCT, .shape = &of##_shape)

/* NAME_shape, of a struct whose fields are NAME_fields. */
#define SHAPE(name, type)                                                                          \
    _Static_assert(sizeof(type) <= MESSAGE_BODY_SIZE, "a body fits its message");                  \
    static const struct shape name##_shape = { sizeof(type), name##_fields,                        \
                                               sizeof name##_fields / sizeof *name##_fields }

#define EXIT_STATUS_MAX 255
#define SIGNAL_MAX      (SIGNAL_NUMBERS - 1)

/* --- What both have. --- */

static const struct field session_id_fields[] = {
    TEXT(struct session_id, text),
};
SHAPE(session_id, struct session_id);

static const struct field probe_order_fields[] = {
    PLAIN(struct probe_order, serial),
    FLAG(struct probe_order, on),
};
SHAPE(probe_order, struct probe_order);

/* Whether there is such a probe is known to whoever counts its runs. */
static const struct field probe_report_fields[] = {
    PLAIN(struct probe_report, serial),
    PLAIN(struct probe_report, number),
    FLAG(struct probe_report, passed),
    TEXT(struct probe_report, reason),
};
SHAPE(probe_report, struct probe_report);

static const struct field log_line_fields[] = {
    NUMBER(struct log_line, length, 0, (int64_t)sizeof MEMBER(struct log_line, text)),
    PLAIN(struct log_line, text),
};
SHAPE(log_line, struct log_line);

/* --- Supervisor and keeper. --- */

static const struct field lease_fields[] = {
    PLAIN(struct lease, term),
    PLAIN(struct lease, soft),
    PLAIN(struct lease, hard),
};
SHAPE(lease, struct lease);

static const struct field situation_fields[] = {
    PLAIN(struct situation, token), STRUCT(struct situation, session, session_id),
    TEXT(struct situation, role),   TEXT(struct situation, old_role),
    TEXT(struct situation, reason), TEXT(struct situation, holder),
};
SHAPE(situation, struct situation);

static const struct field demotion_order_fields[] = {
    STRUCT(struct demotion_order, situation, situation),
    PLAIN(struct demotion_order, until),
    FLAG(struct demotion_order, planned),
    FLAG(struct demotion_order, restart),
};
SHAPE(demotion_order, struct demotion_order);

static const struct field stop_order_fields[] = {
    PLAIN(struct stop_order, until),
};
SHAPE(stop_order, struct stop_order);

static const struct field signal_order_fields[] = {
    NUMBER(struct signal_order, number, 1, SIGNAL_MAX),
};
SHAPE(signal_order, struct signal_order);

/* 0: the program goes on. */
static const struct field stopped_report_fields[] = {
    NUMBER(struct signal_order, number, 0, SIGNAL_MAX),
};
SHAPE(stopped_report, struct signal_order);

static const struct field started_report_fields[] = {
    NUMBER(struct started_report, pid, 1, INT32_MAX),
};
SHAPE(started_report, struct started_report);

static const struct field failure_report_fields[] = {
    NUMBER(struct failure_report, status, 0, EXIT_STATUS_MAX),
    TEXT(struct failure_report, reason),
};
SHAPE(failure_report, struct failure_report);

static const struct field exit_report_fields[] = {
    WAIT_STATUS(struct exit_report, wait_status),
    FLAG(struct exit_report, ordered),
    FLAG(struct exit_report, overdue),
};
SHAPE(exit_report, struct exit_report);

#define TO_KEEPER(type)   .name = #type, .conversation = SUPERVISOR_TO_KEEPER
#define FROM_KEEPER(type) .name = #type, .conversation = KEEPER_TO_SUPERVISOR

static const struct word keeper_words[] = {
    [KEEPER_LOCK] = { TO_KEEPER(KEEPER_LOCK), .descriptor = DESCRIPTOR_COMES },
    [KEEPER_NETWORK] = { TO_KEEPER(KEEPER_NETWORK), .descriptor = DESCRIPTOR_COMES },
    [KEEPER_LEASE] = { TO_KEEPER(KEEPER_LEASE), .body = &lease_shape },
    [KEEPER_START] = { TO_KEEPER(KEEPER_START), .body = &situation_shape },
    [KEEPER_PROMOTE] = { TO_KEEPER(KEEPER_PROMOTE), .body = &situation_shape },
    [KEEPER_RESTART] = { TO_KEEPER(KEEPER_RESTART), .body = &situation_shape },
    [KEEPER_DEMOTE] = { TO_KEEPER(KEEPER_DEMOTE), .body = &demotion_order_shape },
    [KEEPER_LEADER_CHANGED] = { TO_KEEPER(KEEPER_LEADER_CHANGED), .body = &situation_shape },
    [KEEPER_STOP] = { TO_KEEPER(KEEPER_STOP), .body = &stop_order_shape },
    [KEEPER_SIGNAL] = { TO_KEEPER(KEEPER_SIGNAL), .body = &signal_order_shape },
    [KEEPER_PROBE] = { TO_KEEPER(KEEPER_PROBE), .body = &probe_order_shape },
    [KEEPER_STARTED] = { FROM_KEEPER(KEEPER_STARTED), .body = &started_report_shape },
    [KEEPER_START_FAILED] = { FROM_KEEPER(KEEPER_START_FAILED), .body = &failure_report_shape },
    [KEEPER_STOPPED] = { FROM_KEEPER(KEEPER_STOPPED), .body = &stopped_report_shape },
    [KEEPER_EXITED] = { FROM_KEEPER(KEEPER_EXITED), .body = &exit_report_shape },
    [KEEPER_GONE] = { FROM_KEEPER(KEEPER_GONE) },
    [KEEPER_PROMOTED] = { FROM_KEEPER(KEEPER_PROMOTED) },
    [KEEPER_PROMOTION_FAILED] = { FROM_KEEPER(KEEPER_PROMOTION_FAILED),
                                  .body = &failure_report_shape },
    [KEEPER_DEMOTING] = { FROM_KEEPER(KEEPER_DEMOTING) },
    [KEEPER_DEMOTED] = { FROM_KEEPER(KEEPER_DEMOTED) },
    [KEEPER_DEMOTION_FAILED] = { FROM_KEEPER(KEEPER_DEMOTION_FAILED) },
    [KEEPER_PROBED] = { FROM_KEEPER(KEEPER_PROBED), .body = &probe_report_shape },
};
_Static_assert(sizeof keeper_words / sizeof *keeper_words == KEEPER_MESSAGES,
               "each message of the keeper's conversation has its row");

/* --- The network process. --- */

static const struct field lock_request_fields[] = {
    ENUM(struct lock_request, type, REQUEST_TYPES),
    ENUM(struct lock_request, asker, ASKERS),
    PLAIN(struct lock_request, serial),
    PLAIN(struct lock_request, term),
    STRUCT(struct lock_request, session, session_id),
    PLAIN(struct lock_request, index),
    PLAIN(struct lock_request, token),
    PLAIN(struct lock_request, others_index),
    FLAG(struct lock_request, unhealthy),
    FLAG(struct lock_request, former),
};
SHAPE(lock_request, struct lock_request);

static const struct field lock_hold_fields[] = {
    PLAIN(struct lock_hold, term),   STRUCT(struct lock_hold, session, session_id),
    PLAIN(struct lock_hold, index),  PLAIN(struct lock_hold, token),
    FLAG(struct lock_hold, holding),
};
SHAPE(lock_hold, struct lock_hold);

static const struct field role_order_fields[] = {
    FLAG(struct role_order, leader),
    FLAG(struct role_order, standing),
    FLAG(struct role_order, stopped),
    STRUCT(struct role_order, session, session_id),
};
SHAPE(role_order, struct role_order);

static const struct field health_order_fields[] = {
    FLAG(struct health_order, serves),
    FLAG(struct health_order, well),
    TEXT(struct health_order, reason),
};
SHAPE(health_order, struct health_order);

static const struct field lock_view_fields[] = {
    PLAIN(struct lock_view, term),
    PLAIN(struct lock_view, index),
    PLAIN(struct lock_view, token),
    PLAIN(struct lock_view, lease_ns),
    STRUCT(struct lock_view, session, session_id),
    FLAG(struct lock_view, exists),
    FLAG(struct lock_view, released),
    FLAG(struct lock_view, unhealthy),
    FLAG(struct lock_view, foreign),
    FLAG(struct lock_view, ours),
    FLAG(struct lock_view, consistent),
    PLAIN(struct lock_view, others_index),
    FLAG(struct lock_view, after_gap),
    PLAIN(struct lock_view, asked_ns),
    TEXT(struct lock_view, holder),
    TEXT(struct lock_view, holder_name),
    PLAIN(struct lock_view, held_since),
};
SHAPE(lock_view, struct lock_view);

static const struct field lock_answer_fields[] = {
    ENUM(struct lock_answer, type, REQUEST_TYPES),
    ENUM(struct lock_answer, result, ANSWER_RESULTS),
    ENUM(struct lock_answer, asker, ASKERS),
    PLAIN(struct lock_answer, serial),
    PLAIN(struct lock_answer, term),
    STRUCT(struct lock_answer, session, session_id),
    PLAIN(struct lock_answer, index),
    STRUCT(struct lock_answer, view, lock_view),
    PLAIN(struct lock_answer, candidates),
    TEXT(struct lock_answer, reason),
};
SHAPE(lock_answer, struct lock_answer);

static const struct field fatal_fields[] = {
    NUMBER(struct fatal_body, status, 1, EXIT_STATUS_MAX),
    TEXT(struct fatal_body, reason),
};
SHAPE(fatal, struct fatal_body);

#define NETWORK_PLACE(type) [(type)-NETWORK_REQUEST]
#define TO_NETWORK(type)    .name = #type, .conversation = SUPERVISOR_TO_NETWORK
#define FROM_NETWORK(type)  .name = #type, .conversation = NETWORK_TO_SUPERVISOR

static const struct word network_words[] = {
    NETWORK_PLACE(NETWORK_REQUEST) = { TO_NETWORK(NETWORK_REQUEST), .body = &lock_request_shape },
    NETWORK_PLACE(NETWORK_HOLD) = { TO_NETWORK(NETWORK_HOLD), .body = &lock_hold_shape,
                                    .descriptor = DESCRIPTOR_MAY_COME },
    NETWORK_PLACE(NETWORK_ROLE) = { TO_NETWORK(NETWORK_ROLE), .body = &role_order_shape },
    NETWORK_PLACE(NETWORK_HEALTH) = { TO_NETWORK(NETWORK_HEALTH), .body = &health_order_shape },
    NETWORK_PLACE(NETWORK_PROBE) = { TO_NETWORK(NETWORK_PROBE), .body = &probe_order_shape },
    NETWORK_PLACE(NETWORK_ANSWER) = { FROM_NETWORK(NETWORK_ANSWER), .body = &lock_answer_shape,
                                      .descriptor = DESCRIPTOR_MAY_COME },
    NETWORK_PLACE(NETWORK_LOCK_SEEN) = { FROM_NETWORK(NETWORK_LOCK_SEEN),
                                         .body = &lock_view_shape },
    NETWORK_PLACE(NETWORK_SIGHT_LOST) = { FROM_NETWORK(NETWORK_SIGHT_LOST) },
    NETWORK_PLACE(NETWORK_TAKEN_DOWN) = { FROM_NETWORK(NETWORK_TAKEN_DOWN) },
    NETWORK_PLACE(NETWORK_FATAL) = { FROM_NETWORK(NETWORK_FATAL), .body = &fatal_shape },
    NETWORK_PLACE(NETWORK_PROBED) = { FROM_NETWORK(NETWORK_PROBED), .body = &probe_report_shape },
    NETWORK_PLACE(NETWORK_ALL_GONE) = { .name = "NETWORK_ALL_GONE",
                                        .conversation = KEEPER_TO_NETWORK },
};
_Static_assert(sizeof network_words / sizeof *network_words == NETWORK_MESSAGES - NETWORK_REQUEST,
               "each message of the network process's conversations has its row");

/* --- The lines of the log. --- */

static const struct word log_words[] = {
    { .name = "MESSAGE_LOG_LINE", .conversation = SUPERVISOR_TO_NETWORK, .body = &log_line_shape },
    { .name = "MESSAGE_LOG_LINE", .conversation = KEEPER_TO_NETWORK, .body = &log_line_shape },
};

const struct word *shape_word(enum conversation conversation, uint32_t type)
{
    const struct word *word = NULL;

    if (type == MESSAGE_LOG_LINE)
        word = &log_words[conversation == KEEPER_TO_NETWORK];
    else if (type >= NETWORK_REQUEST && type < NETWORK_MESSAGES)
        word = &network_words[type - NETWORK_REQUEST];
    else if (type < KEEPER_MESSAGES)
        word = &keeper_words[type];
    return word && word->name && word->conversation == conversation ? word : NULL;
}
