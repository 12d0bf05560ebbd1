/* The results that a worker holds, by the numbers of its core's tasks. */
#ifndef NODE_WORKER_STORE_H
#define NODE_WORKER_STORE_H

#include <cdask/value.h>

#include "base/vector.h"
#include "core/worker/event.h"

/* A value; or, of what came in a serialisation of Python's, that as it came, which is what others
 * are given, until some task needs its value. What only Python can read never gets one. */
struct content {
    dk_value value;
    bool has_value;
    struct wire_box *box; /* NULL: there is a value only */
    int64_t nbytes;
};

void content_deinit(struct content *content);

enum stored_state {
    STORED_NOTHING,
    STORED_BROUGHT, /* by the event that is being handled; the core may not want it */
    STORED_KEPT
};

struct stored {
    enum stored_state state;
    struct content content;
};

struct store {
    struct vector list; /* of struct stored, by number of the task */
    size_t count;       /* that are kept */
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
/* NULL when nothing is kept.   Ownership: borrowed until it is released. */
struct content *store_find(const struct store *store, struct wkr_task_id task);

#endif
