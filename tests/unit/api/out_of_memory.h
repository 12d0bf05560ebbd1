/* Scenarios of public functions, run with every allocation failing. The answer is DK_ENOMEM or a
 * right result, nothing leaks, and what failed works when there is memory again.
 *
 * A scenario calls what it calls unconditionally, up to the first status that is not DK_OK, and
 * checks what it gets: tools/out_of_memory.py watches that the scenarios call every public
 * function. It is run once and more for each of its allocations, so two short ones are faster than
 * a long one. */
#ifndef OUT_OF_MEMORY_H
#define OUT_OF_MEMORY_H

#include <stdatomic.h>
#include <sys/mman.h>

#include "api_support.h"

#include "base/error.h"

/* What a scenario finds beside its context. */
struct trial {
    struct days days;
    dk_allocator allocator; /* for contexts that it opens itself */
    atomic_llong *left;     /* allocations until the one that fails; 0: there is none, or was */
    bool for_good;          /* those after it fail, too */
    atomic_llong nblocks;   /* in use, in this process */
};

struct scenario {
    const char *name;
    /* Gets an open context and gives the status of what it did. */
    dk_status (*run)(dk_context *dk, struct trial *trial);
};

/* The count is in memory that forked processes share. */
static inline void *trial_resize(void *self, void *ptr, size_t old_nbytes, size_t new_nbytes)
{
    struct trial *trial = self;
    (void)old_nbytes;
    if (!new_nbytes) {
        atomic_fetch_sub(&trial->nblocks, 1);
        free(ptr);
        return NULL;
    }
    long long left = atomic_load(trial->left);
    while (left > 0 && !atomic_compare_exchange_weak(trial->left, &left, left - 1)) {
    }
    if (left == 1 || (left == 0 && trial->for_good))
        return NULL;
    void *block = realloc(ptr, new_nbytes);
    if (block && !ptr)
        atomic_fetch_add(&trial->nblocks, 1);
    return block;
}

/* False when fewer than `n` allocations were made, so that none failed. */
static inline bool check_status(const struct trial *trial, dk_status status, long long n)
{
    bool has_failed = atomic_load(trial->left) == 0;
    if (status != DK_OK && !(status == DK_ENOMEM && has_failed))
        fail_msg("allocation %lld: %s", n, dk_status_text(status));
    return has_failed;
}

static inline void check_blocks(const struct trial *trial, long long n)
{
    if (atomic_load(&trial->nblocks) != 0)
        fail_msg("allocation %lld: %lld blocks leak", n, atomic_load(&trial->nblocks));
}

/* Each allocation alone, those of opening the context too. */
static inline void fail_once(const struct scenario *scenario, struct trial *trial)
{
    dk_options options = {.allocator = &trial->allocator, .num_workers = 2};
    bool has_failed = true;
    for (long long n = 1; has_failed; n++) {
        dk_context *dk = NULL;
        atomic_store(trial->left, n);
        dk_status status = dk_open_with(&options, &dk, NULL);
        if (status == DK_OK) {
            status = scenario->run(dk, trial);
            dk_close(dk);
        }
        has_failed = check_status(trial, status, n);
        check_blocks(trial, n);
    }
}

/* Each allocation and all that follow, one time after the other in the same context. */
static inline void fail_for_good(const struct scenario *scenario, struct trial *trial)
{
    dk_options options = {.allocator = &trial->allocator, .num_workers = 2};
    atomic_store(trial->left, 0);
    dk_context *dk = dk_open(&options);
    assert_non_null(dk);
    trial->for_good = true;
    bool has_failed = true;
    for (long long n = 1; has_failed; n++) {
        atomic_store(trial->left, n);
        has_failed = check_status(trial, scenario->run(dk, trial), n);
    }
    dk_close(dk);
    check_blocks(trial, 0);
}

static inline void fail_each(void **state)
{
    struct trial trial = {.allocator = {trial_resize, &trial}};
    trial.left =
        mmap(NULL, sizeof(*trial.left), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(trial.left, MAP_FAILED);
    days_make(&trial.days, 3);
    fail_once(*state, &trial);
    fail_for_good(*state, &trial);
    days_remove(&trial.days);
    munmap(trial.left, sizeof(*trial.left));
}

/* A test for each scenario; what main() returns. */
static inline int run_scenarios(const struct scenario *scenarios, size_t count)
{
    struct CMUnitTest tests[count];
    for (size_t i = 0; i < count; i++) {
        tests[i] = (struct CMUnitTest){
            .name = scenarios[i].name,
            .test_func = fail_each,
            .initial_state = (void *)(uintptr_t)&scenarios[i],
        };
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* DK_OK when the function refused as it should, which it can only when it finds the memory. */
static inline dk_status refused(dk_status status, dk_status wanted)
{
    if (status == wanted)
        return DK_OK;
    assert_int_equal(status, DK_ENOMEM);
    return DK_ENOMEM;
}

/* What the expression carries. */
static inline dk_status built(dk_frame frame)
{
    const dk_error *error = dk_frame_error(frame);
    return error ? error->status : DK_OK;
}

/* Computes under sync into a table that the caller releases; `*out` is NULL on failure. */
static inline dk_status compute(dk_frame frame, dk_table **out)
{
    *out = NULL;
    return dk_compute(frame, &(dk_compute_options){.scheduler = "sync"}, out);
}

/* Computes what has `nrows` rows. */
static inline dk_status compute_rows(dk_frame frame, int64_t nrows)
{
    dk_table *table = NULL;
    dk_status status = compute(frame, &table);
    if (status == DK_OK)
        assert_int_equal(dk_table_nrows(table), nrows);
    dk_table_unref(table);
    return status;
}

#endif
