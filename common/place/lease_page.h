/* lease_page.h - what supervisor and keeper write into the lease page.
 *
 * Its layout and its readers are in the public header. The page belongs to the supervisor; the
 * keeper, which has inherited the mapping, only ever clears it, and removes it when the supervisor
 * is dead. NULL: there is no page, and nothing is done.
 */
#ifndef PLACE_LEASE_PAGE_H
#define PLACE_LEASE_PAGE_H

#include "election/lease.h"
#include "include/consul_leader/lease.h"

/* A new lead, with its hard deadline and its token. */
void lease_page_publish(struct consul_leader_lease_page *page, instant_ns deadline, uint64_t token);

/* A longer deadline of the same lead. A page that was cleared stays so until the next is published.
 */
void lease_page_extend(struct consul_leader_lease_page *page, instant_ns deadline);

/* Not leader any more. */
void lease_page_clear(struct consul_leader_lease_page *page);

/* At the end: its file, and the folder too, where that was made for it alone. Empty: none. */
void lease_page_remove(const char *path, bool with_folder);

#endif
