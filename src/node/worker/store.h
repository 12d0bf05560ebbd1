/* The results that a worker holds, by the numbers of its core's tasks: in memory, in the order in
 * which they were used, or on disk. */
#ifndef NODE_WORKER_STORE_H
#define NODE_WORKER_STORE_H

#include <cdask/value.h>

#include "base/vector.h"
#include "core/list.h"
#include "core/worker/event.h"
#include "node/worker/spilled.h"

/* A value; or, of what came in a serialisation of Python's, that as it came, which is what others
 * are given, until some task needs its value. What only Python can read never gets one. Or neither:
 * it is on disk. */
struct content {
    dk_value value;
    bool has_value;
    struct wire_box *box;
    struct spilled *spilled;
    int64_t nbytes;
};

void content_deinit(struct content *content);

enum stored_state {
    STORED_BROUGHT, /* by the event that is being handled; the core may not want it */
    STORED_KEPT
};

struct stored {
    enum stored_state state;
    struct content content;
    struct wkr_task_id task;
    uint64_t serial; /* another one for each */
    bool is_spilling;
    struct list by_use; /* of those in memory that can be spilled */
};

struct store {
    struct memory *memory;
    struct vector list; /* of struct stored *, by number of the task; NULL: nothing */
    struct list by_use; /* the one that was not used for the longest time is the first */
    size_t count;       /* that are kept */
    uint64_t nserials;
    int64_t memory_nbytes;  /* of those kept in memory; those that are being spilled included */
    int64_t spilled_nbytes; /* of those on disk, as they were in memory */
    int64_t disk_nbytes;
};

void store_init(struct store *store, struct memory *memory);
void store_deinit(struct store *store);

/* *Takes* `content`, also when there is something already, which stays.   Errors: DK_ENOMEM. */
dk_status store_bring(struct store *store, struct wkr_task_id task,
                      struct content content) DK_NODISCARD;
void store_keep(struct store *store, struct wkr_task_id task);
/* Forgets what was brought and not kept; and what is kept. */
void store_discard(struct store *store, struct wkr_task_id task);
void store_release(struct store *store, struct wkr_task_id task);
/* NULL when nothing is kept. Counts as a use.   Ownership: borrowed until it is released. */
struct stored *store_find(struct store *store, struct wkr_task_id task);

/* It is on disk now: *takes* `spilled`. And back: *takes* `value`. */
void store_set_spilled(struct store *store, struct stored *stored, struct spilled *spilled);
void store_set_value(struct store *store, struct stored *stored, dk_value value);

#endif
