/* What the tasks of a pass share: objects that are one in the process that makes them, and, by
 * their bytes, one in each process that gets them, as long as somebody uses them. */
#ifndef FRAME_SHARED_H
#define FRAME_SHARED_H

#include <pthread.h>
#include <stdatomic.h>

#include <cdask/value.h>

#include "base/hash.h"
#include "base/writer.h"

/* Those that came from other processes, by their bytes. Borrows the lock. */
#define SHARED_CHAINS 64
struct shared_set {
    pthread_mutex_t *lock;
    struct shared *chains[SHARED_CHAINS];
};

/* The first member of such an object. */
struct shared {
    atomic_int refs;
    struct shared_set *set; /* it is in; NULL: none */
    struct token token;     /* of its bytes, when it is in one */
    struct shared *next;
    _Atomic(struct dk_block *) packed; /* its bytes, once they were wanted; NULL */
};

/* With one reference. */
void shared_init(struct shared *shared);
/* True when that was the last reference, and nobody finds the object from then on. */
bool shared_unref(struct shared *shared) DK_NODISCARD;

/* The object of these bytes with a reference more; NULL: there is none. */
struct shared *shared_find(struct shared_set *set, struct token token);
/* Puts an object into the set, unless one came there meanwhile: gives the one that is there, with a
 * reference more if it is the other. */
struct shared *shared_add(struct shared_set *set, struct token token, struct shared *shared);

/* Its bytes as `put` writes them, which is asked once.   Errors: those of `put`, DK_ENOMEM. */
dk_status shared_pack(dk_context *dk, struct shared *shared,
                      dk_status (*put)(const void *object, struct writer *out, dk_error *err),
                      dk_value *out, dk_error *err) DK_NODISCARD;

#endif
