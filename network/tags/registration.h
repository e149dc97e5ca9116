/* registration.h - the service that --register asks for: when it is to be there, and its check,
 * which is fed with what the supervisor says of the program's health.
 *
 * The definition itself is written by tags.h with the role's tags in it, so that nobody finds the
 * service without them.
 */
#ifndef TAGS_REGISTRATION_H
#define TAGS_REGISTRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/messages/network.h"
#include "common/options/settings.h"
#include "consul/http.h"
#include "consul/json.h"

struct registration;

/* lost: called when the agent does not know the check any more. */
struct registration *registration_open(const struct settings *settings, struct http *http,
                                       void (*lost)(void *context), void *context);

/* Fed at once where the service is there. */
void registration_health(struct registration *registration, const struct health_order *order);

/* Whether the service is to be there. */
bool registration_is_wanted(const struct registration *registration);

/* Whether this process has registered it, so that its check is there. */
bool registration_is_made(const struct registration *registration);

/* The agent has it now, with its check; or it has it no more. */
void registration_made(struct registration *registration);
void registration_unmade(struct registration *registration);

/* When registration_due() wants to be called; 0: not by time. */
uint64_t registration_next_due(const struct registration *registration);
void registration_due(struct registration *registration);

#endif
