/* What the calling process keeps of its children's results: plain values decoded, the others as the
 * parcels they came in until the caller wants them, and who holds what. Whatever a child produced
 * is here too, so a child that dies takes nothing along. */
#ifndef LOCAL_RESULTS_H
#define LOCAL_RESULTS_H

#include "local/run.h"
#include "local/processes/value_codec.h"

struct held; /* a parcel of our own */

struct results {
    struct run *run;    /* decoded results are in its `results` */
    struct held **held; /* by task id; NULL: decoded, or none */
    uint8_t *holders;   /* a row of bits by task id: the children that have the result */
    size_t row_nbytes;
    int32_t nprocesses;
    int64_t *nbytes_held; /* by child, see results_best_holder() */
    size_t nfds;          /* descriptors in `held` */
    size_t max_fds;
};

/* To be followed by results_deinit() also when it fails. */
dk_status results_init(struct results *results, struct run *run, int32_t nprocesses,
                       dk_error *err) DK_NODISCARD;
/* Cleared memory is fine, too. */
void results_deinit(struct results *results);

/* Keeps the result of `id` that `parcel` brings.   Ownership: takes the parcel's descriptor, also
 * on failure. */
dk_status results_keep(struct results *results, uint32_t id, struct parcel *parcel) DK_NODISCARD;
/* Puts the result of `id` into a message. */
dk_status results_put(struct results *results, uint32_t id, struct outbox *outbox,
                      dk_error *err) DK_NODISCARD;
/* Forgets the result of `id`, whose last user is done. */
void results_drop(struct results *results, uint32_t id);
/* Decodes the result of `id` for the caller.   Errors: as value_decode(). */
dk_status results_decode(struct results *results, uint32_t id, dk_error *err) DK_NODISCARD;
/* Closes the descriptors, in a child that inherited them. */
void results_close_fds(const struct results *results);

bool results_is_held(const struct results *results, uint32_t id, int32_t process);
void results_set_held(struct results *results, uint32_t id, int32_t process);
/* The child has died. */
void results_forget_process(struct results *results, int32_t process);
/* The child with the most bytes of what `id` needs; -1 when none has any. */
int32_t results_best_holder(struct results *results, uint32_t id);

#endif
