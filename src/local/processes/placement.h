/* Which child runs which unit: the ready ones, and how long functions take.
 *
 * A unit that becomes ready is meant for the child with the most bytes of what it needs, which runs
 * its newest first (depth first, as the plan's order). Units that need nothing go out in the plan's
 * order. A child with nothing left takes the oldest that is meant for another: tables are shared
 * memory, so that costs little.
 */
#ifndef LOCAL_PLACEMENT_H
#define LOCAL_PLACEMENT_H

#include "local/processes/results.h"

/* What is known of a function. */
struct estimate {
    const struct function *function;
    int64_t ns;     /* moving average of the units that begin with it */
    uint32_t nseen; /* units measured */
};

/* Ready units that are meant for one child. */
struct ready {
    struct vector ids; /* of uint32_t */
    size_t first;      /* those before have been taken by others */
};

struct placement {
    struct run *run;
    struct results *results;
    struct ready *ready; /* by child */
    int32_t nprocesses;
    struct vector roots; /* of uint32_t */
    size_t next_root;
    size_t nready; /* units ready and not handed out */
    struct vector estimates;
    size_t last_estimate;
};

/* To be followed by placement_deinit() also when it fails. */
dk_status placement_init(struct placement *placement, struct run *run, struct results *results,
                         int32_t nprocesses, dk_error *err) DK_NODISCARD;
/* Cleared memory is fine, too. */
void placement_deinit(struct placement *placement);

/* The next unit for `process`: its own, then one that needs nothing. */
bool placement_next(struct placement *placement, int32_t process, uint32_t *id);
/* A unit that is meant for another child. */
bool placement_steal(struct placement *placement, int32_t process, uint32_t *id);
/* Makes `id` ready, for `process`. */
dk_status placement_add(struct placement *placement, int32_t process, uint32_t id) DK_NODISCARD;
/* The result of `tail` is there, made by `process`: what it was the last to wait for becomes ready.
 */
dk_status placement_release(struct placement *placement, int32_t process,
                            uint32_t tail) DK_NODISCARD;

/* The line of the function that `id` calls; NULL when out of memory. */
struct estimate *placement_estimate(struct placement *placement, uint32_t id);
void estimate_learn(struct estimate *estimate, int64_t ns);

#endif
