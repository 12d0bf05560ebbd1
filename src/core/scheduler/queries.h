/* What others may ask about the state, as the values that they are answered.
 *
 * Keys and boxes are borrowed from the state: answers are sent before the next step.
 * Source: distributed.scheduler.Scheduler (identity, get_who_has, get_has_what, get_ncores ...). */
#ifndef CORE_SCHEDULER_QUERIES_H
#define CORE_SCHEDULER_QUERIES_H

#include "core/scheduler/scheduler.h"
#include "wire/build.h"

/* {address: {...}} of the first `count` workers. */
struct wire_value sched_describe_workers(const struct sched *sched, struct wire_builder *builder,
                                         uint32_t count);
int64_t sched_total_threads(const struct sched *sched);
int64_t sched_total_memory(const struct sched *sched);
/* Nothing is processing, or waits for a worker. */
bool sched_is_idle(const struct sched *sched);
/* How many tasks were ever given to workers. */
uint64_t sched_nassigned(const struct sched *sched);

/* What a worker told of itself beside what all tell; NULL: nothing by this name. */
const struct wire_value *sched_worker_extra(const struct sched *sched, uint32_t worker,
                                            const char *name);

/* {key: [address]}, of these keys or (NULL) of all that are in memory. */
struct wire_value sched_who_has(const struct sched *sched, struct wire_builder *builder,
                                const struct sched_keys *keys);
/* {address: what `of` says}, of the workers in an array of addresses, or of all. */
enum sched_worker_question { SCHED_HAS_WHAT, SCHED_NCORES, SCHED_NCORES_RUNNING, SCHED_PROCESSES };
struct wire_value sched_ask_workers(const struct sched *sched, struct wire_builder *builder,
                                    enum sched_worker_question question,
                                    const struct wire_value *addresses);
/* {key: nbytes}, of these keys or (NULL) of all whose size is known; and summed up by what the keys
 * begin with: {prefix: nbytes}. */
struct wire_value sched_sizes(const struct sched *sched, struct wire_builder *builder,
                              const struct sched_keys *keys);
struct wire_value sched_sizes_by_prefix(const struct sched *sched, struct wire_builder *builder,
                                        const struct sched_keys *keys);
/* {key: state or nil} */
struct wire_value sched_states(const struct sched *sched, struct wire_builder *builder,
                               const struct sched_keys *keys);
/* {state: number of tasks} */
struct wire_value sched_counts(const struct sched *sched, struct wire_builder *builder);

/* The tasks there are, one after the other: `*at` is 0 to begin with. False after the last.
 * Ownership: `*key` is borrowed from the state. */
bool sched_next_task(const struct sched *sched, size_t *at, struct wire_bytes *key);

/* Why a task has failed: what was raised, at itself or at what it needs.
 * Ownership: borrowed from the state; NULL when it has not. */
struct sched_reason {
    struct wire_box *exception;
    struct wire_box *traceback;
};
struct sched_reason sched_reason_of(const struct sched *sched, struct wire_bytes key);

/* The worker that was given the task to run; SCHED_NOBODY when none was. */
uint32_t sched_runner(const struct sched *sched, struct wire_bytes key);

/* The addresses of those that hold a key: at most `max` into `out`, and how many there are. */
size_t sched_holders(const struct sched *sched, struct wire_bytes key, uint32_t *out, size_t max);

#endif
