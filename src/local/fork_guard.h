/* Contexts that survive a fork() of the host's own.
 *
 * A child has one thread. A lock that another thread of its parent held at the fork stays taken
 * there, and what that thread was changing stays half changed. So whoever forks holds the locks of
 * all guarded contexts while it does. That is done inside fork(): a host that ran code of its own
 * between locking and forking, as an interpreter's hooks do, could meet a thread there that waits
 * for one of these locks and holds what the hook wants.
 */
#ifndef LOCAL_FORK_GUARD_H
#define LOCAL_FORK_GUARD_H

#include "graph/context.h"

/* Until fork_unguard(), children of this process find free what tasks may lock: the expressions of
 * `dk`, its registry, and who watches for interrupts.   Errors: DK_ENOMEM. */
dk_status fork_guard(dk_context *dk, dk_error *err) DK_NODISCARD;
/* Does nothing to a context that is not guarded. */
void fork_unguard(dk_context *dk);

#endif
