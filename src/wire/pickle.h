/* Python's pickles, written: what Dask wants as objects, made of templates. Protocol 4, no memo.
 *
 * All functions append to `out`, a vector of char.   Errors: DK_ENOMEM, and those told.
 */
#ifndef WIRE_PICKLE_H
#define WIRE_PICKLE_H

#include "base/vector.h"
#include "wire/value.h"

/* A plain value: arrays as lists, text as str, bin as bytes.
 * Errors: DK_EINVAL (nested deeper than WIRE_DEPTH_MAX, or with a payload inside). */
dk_status pickle_pack(struct vector *out, const struct wire_value *value,
                      dk_error *err) DK_NODISCARD;

/* The class `module`.`qualname`. */
dk_status pickle_class(struct vector *out, const char *module, const char *qualname) DK_NODISCARD;

/* An exception: the class called with `text` (an error map's `exception`).
 * Source: distributed.core.error_message, clean_exception. */
dk_status pickle_exception(struct vector *out, const char *module, const char *qualname,
                           struct wire_bytes text) DK_NODISCARD;

/* An exception about a task: the class called with `key` and what follows.
 * Errors: as pickle_expr_task(). */
dk_status pickle_task_exception(struct vector *out, const char *module, const char *qualname,
                                const struct wire_value *key, const struct wire_value *args,
                                size_t nargs, dk_error *err) DK_NODISCARD;

/* distributed.scheduler.KilledWorker: the task `key` was on `address` when that was lost, after
 * `allowed` other losses. Errors: as pickle_expr_task(). */
dk_status pickle_killed_worker(struct vector *out, const struct wire_value *key,
                               const char *address, int64_t allowed, dk_error *err) DK_NODISCARD;

/* A graph of native tasks for a scheduler in Python: `expr_ser` of update-graph. Each task is
 * dask's Task(key, bytes, payload, TaskRef(dependency), ...), of which Dask itself finds the
 * dependencies; a Python worker that is given it fails, or gives the payload when there are none.
 * pickle_find_bytes() finds the payload again. `token` must be another for every graph.
 * Errors: DK_EINVAL (a key that is none: nested deeper than WIRE_DEPTH_MAX, or of another kind). */
dk_status pickle_expr_begin(struct vector *out) DK_NODISCARD;
dk_status pickle_expr_task(struct vector *out, const struct wire_value *key,
                           struct wire_bytes payload, const struct wire_value *dependencies,
                           size_t ndependencies, dk_error *err) DK_NODISCARD;
dk_status pickle_expr_end(struct vector *out, const char *token) DK_NODISCARD;

#endif
