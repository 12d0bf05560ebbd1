/* Where the time goes: a line for each task function and each kernel inside it. Every worker fills
 * a profile of its own, so nothing is shared while tasks run; they are merged at the end. */
#ifndef GRAPH_PROFILE_H
#define GRAPH_PROFILE_H

#include "base/vector.h"

enum profile_kind { PROFILE_FUNCTION, PROFILE_KERNEL };

/* Names are borrowed for the life of the context (registry entries and string constants). */
struct profile_line {
    const char *name;
    enum profile_kind kind;
    int64_t calls;
    int64_t total_ns;
    int64_t inner_ns; /* of total_ns, spent in kernels that have lines of their own */
    int64_t wait_ns;  /* between being ready and being started */
    int64_t nrows;
    int64_t nbytes;
};

struct profile {
    struct vector lines; /* of struct profile_line */
    int64_t inner_ns;    /* of the running task so far */
    bool is_incomplete;  /* some calls found no memory for a line */
};

void profile_init(struct profile *profile, struct memory *memory);
void profile_deinit(struct profile *profile);

/* Adds one call; for want of memory it is left out and the profile incomplete. A kernel's time
 * counts as inner time of the task. */
void profile_kernel(struct profile *profile, const char *name, int64_t ns, int64_t nrows,
                    int64_t nbytes);
void profile_function(struct profile *profile, const char *name, int64_t ns, int64_t wait_ns,
                      int64_t nbytes);
/* Adds the calls of a line to those of its kind and name; of all lines. */
void profile_add(struct profile *into, const struct profile_line *from);
void profile_merge(struct profile *into, const struct profile *from);

/* Wall time, and CPU time of the process and of the children it has reaped. */
struct profile_clocks {
    int64_t wall_ns;
    int64_t user_ns;
    int64_t system_ns;
};

struct profile_clocks profile_clocks_now(void);

/* What dk_get_options.profile points to: the lines of all workers, and the clocks of the
 * computations they come from. A scheduler merges its workers' profiles into `lines`. */
struct dk_profile {
    struct profile lines;
    struct profile_clocks begun; /* as the running computation began */
    struct profile_clocks spent;
    int64_t capacity_ns; /* wall time times workers */
    int32_t num_workers; /* of the last computation */
};

/* Called around a computation by the scheduler that runs it. */
void profile_begin(struct dk_profile *profile);
void profile_end(struct dk_profile *profile, int32_t num_workers);

#endif
