/* Lazy dataframes: expressions over many partitions, and computing them.
 *
 * A dk_frame is a small value that points to an expression. It may be copied, dropped and used
 * again freely: its context keeps the expression until dk_close(). A program that runs for long
 * gives each frame that a function gave it back to dk_forget(), once. Equal expressions are one, so
 * that building one again takes no memory.
 *
 * Building never fails loudly: an expression made from a bad one is bad too, and dk_compute()
 * reports the first error (dk_frame_error() tells earlier). More than 2,000 operations inside each
 * other are refused (DK_ENOTSUP).
 *
 * A frame is a table of many columns, a series one column, a scalar one value; a groupby is what
 * dk_groupby() gives. Functions that say *series* take one of these by dk_col(). Expressions from
 * different contexts must not be mixed.   Thread: every function here may be called from any
 * thread. Source of names and semantics: dask.dataframe and pandas.
 */
#ifndef CDASK_FRAME_H
#define CDASK_FRAME_H

#include <cdask/csv.h>
#include <cdask/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dk_frame {
    dk_context *dk;
    const struct dk_expression *expression;
} dk_frame;

/* Tells that the caller will not use `frame` and its copies again: what no other frame, lazy value,
 * graph or running computation needs goes, with its table or files; when another thread is
 * building, as soon as it is done. A frame that two functions gave, or one twice, is forgotten
 * twice. `{0}` is ignored.   Thread: any. */
DK_API void dk_forget(dk_frame frame);

/* ---- where data comes from ---- */

/* Reads CSV files: `path` is one or a glob, whose matches are taken in lexical order.
 * A sample is read now, the rest when computed; every block of `options->blocksize` bytes is a
 * partition. Errors (carried): DK_ENOFILE, DK_EIO, DK_EPARSE, DK_ECOLUMN (parse_dates, dtype,
 * usecols), DK_EINVAL. Source: dask.dataframe.read_csv. */
DK_API dk_frame dk_read_csv(dk_context *dk, const char *path, const dk_csv_options *options);
/* The same for a list of paths and globs, in the order given. */
DK_API dk_frame dk_read_csv_list(dk_context *dk, dk_names paths, const dk_csv_options *options);

/* The rows of `table`, cut into `npartitions` of nearly equal size (fewer when there are fewer
 * rows). Ownership: adds a reference.   Source: dask.dataframe.from_pandas. */
DK_API dk_frame dk_from_table(dk_context *dk, dk_table *table, int32_t npartitions);

/* Literals, for the other side of an operator. A text that is compared with timestamps is read as
 * one. Times are nanoseconds, timestamps since 1970-01-01. */
DK_API dk_frame dk_bool(dk_context *dk, bool value);
DK_API dk_frame dk_int(dk_context *dk, int64_t value);
DK_API dk_frame dk_float(dk_context *dk, double value);
DK_API dk_frame dk_text(dk_context *dk, const char *value);
DK_API dk_frame dk_timestamp(dk_context *dk, int64_t ns);
DK_API dk_frame dk_duration(dk_context *dk, int64_t ns);

/* ---- columns ---- */

/* One column of a frame, or of a groupby.   Errors (carried): DK_ECOLUMN, listing the columns. */
DK_API dk_frame dk_col(dk_frame frame, const char *name);
/* Several columns of a frame or groupby, as a frame or groupby. */
DK_API dk_frame dk_select(dk_frame frame, dk_names names);
/* The frame with the series as column `name`, which replaces one of that name. */
DK_API dk_frame dk_assign(dk_frame frame, const char *name, dk_frame series);
/* The series under another name. */
DK_API dk_frame dk_rename(dk_frame series, const char *name);
/* The rows where the bool series `mask` is true; missing is not. A file's column that only rows
 * behind the filter need is converted in these rows only: what stands in a cell of a row that is
 * dropped is not looked at and no error (a category's is, whose words are those of all rows). */
DK_API dk_frame dk_filter(dk_frame frame, dk_frame mask);

/* Element by element, of series, or of frames column by column: columns of the same name meet, and
 * one that only one frame has is missing in every row (comparisons refuse that). Both sides have
 * the same rows, or one is a literal or a scalar or a frame of one row; else rows meet by label, as
 * an outer join (pandas' alignment), in one partition. Nobody knows which labels are in which
 * partition of files, so files of several partitions do not meet. A frame does not combine with a
 * series. Errors (carried): DK_ETYPE, DK_EALIGN, DK_EINVAL. */
DK_API dk_frame dk_add(dk_frame a, dk_frame b);
DK_API dk_frame dk_sub(dk_frame a, dk_frame b);
DK_API dk_frame dk_mul(dk_frame a, dk_frame b);
DK_API dk_frame dk_div(dk_frame a, dk_frame b);
DK_API dk_frame dk_floordiv(dk_frame a, dk_frame b);
DK_API dk_frame dk_mod(dk_frame a, dk_frame b);
DK_API dk_frame dk_pow(dk_frame a, dk_frame b);
DK_API dk_frame dk_eq(dk_frame a, dk_frame b);
DK_API dk_frame dk_ne(dk_frame a, dk_frame b);
DK_API dk_frame dk_lt(dk_frame a, dk_frame b);
DK_API dk_frame dk_le(dk_frame a, dk_frame b);
DK_API dk_frame dk_gt(dk_frame a, dk_frame b);
DK_API dk_frame dk_ge(dk_frame a, dk_frame b);
DK_API dk_frame dk_and(dk_frame a, dk_frame b);
DK_API dk_frame dk_or(dk_frame a, dk_frame b);
DK_API dk_frame dk_xor(dk_frame a, dk_frame b);
DK_API dk_frame dk_neg(dk_frame x);
DK_API dk_frame dk_abs(dk_frame x);
DK_API dk_frame dk_not(dk_frame x);
DK_API dk_frame dk_isna(dk_frame x);
DK_API dk_frame dk_notna(dk_frame x);
DK_API dk_frame dk_astype(dk_frame x, dk_type type);

/* Timestamps and durations to multiples of `freq` ("1d", "90min"); half goes to the even multiple.
 * Errors (carried): DK_EINVAL (unknown frequency, or one of no fixed length), DK_ETYPE. */
DK_API dk_frame dk_dt_round(dk_frame series, const char *freq);
DK_API dk_frame dk_dt_floor(dk_frame series, const char *freq);
DK_API dk_frame dk_dt_ceil(dk_frame series, const char *freq);
/* A field of timestamps: "year", "month", "day", "hour", ..., "dayofweek", "is_month_end".
 * Errors (carried): DK_EINVAL, listing the fields; DK_ETYPE. */
DK_API dk_frame dk_dt(dk_frame series, const char *field);

/* ---- groups and reductions ---- */

/* Groups the rows of `frame` by the series `key`, a column or something derived from columns.
 * Missing keys are dropped, results are sorted by key and indexed by it. */
DK_API dk_frame dk_groupby(dk_frame frame, dk_frame key);
/* Groups by a column, which is then not aggregated itself. */
DK_API dk_frame dk_groupby_column(dk_frame frame, const char *key);

/* Of a groupby: one value a group (a series for one column, else a frame). Of a series: a scalar;
 * of a frame: a frame of one row. Missing values are skipped; std and var divide by n - 1. Errors
 * (carried): DK_ETYPE (no such aggregate of that type). */
DK_API dk_frame dk_sum(dk_frame x);
DK_API dk_frame dk_min(dk_frame x);
DK_API dk_frame dk_max(dk_frame x);
DK_API dk_frame dk_mean(dk_frame x);
DK_API dk_frame dk_count(dk_frame x);
DK_API dk_frame dk_first(dk_frame x);
DK_API dk_frame dk_last(dk_frame x);
DK_API dk_frame dk_std(dk_frame x);
DK_API dk_frame dk_var(dk_frame x);
DK_API dk_frame dk_nunique(dk_frame x);
/* Rows of each group, missing values included; of a series or frame: its length. */
DK_API dk_frame dk_size(dk_frame x);
/* The aggregate called `name` ("sum", "max", ...).   Errors (carried): DK_EINVAL, listing the
 * names. */
DK_API dk_frame dk_aggregate(dk_frame x, const char *name);

/* ---- your own functions ---- */

/* The lazy result of a registered task function. Arguments are values, or other lazy things by
 * dk_lazy(); a frame then arrives as its computed table. Ownership: *takes* the arguments.   Errors
 * (carried): DK_EKEY (no such function), DK_EINVAL (an argument by dk_value_task(), or something
 * lazy inside a list or map).
 * Source: dask.delayed. */
DK_API dk_frame dk_delayed(dk_context *dk, const char *function, const dk_value *args,
                           size_t nargs);
/* Stands for the result of `frame`, which may be forgotten, among the arguments of dk_delayed(),
 * which also reports when this found no memory. It does not outlive the context. */
DK_API dk_value dk_lazy(dk_frame frame);

/* The registered task function over every partition of a frame or series: called as
 * function(partition, args...) with a table, it gives a table like `meta` (its names and types, of
 * any number of rows), or with a series of them a scalar, which becomes a row labelled 0. Whole
 * numbers widen where `meta` says float64; any other difference is an error of that partition.
 * Partitions stay in order; what is known of their labels is not.
 *
 * Ownership: *takes* the arguments, adds a reference to `meta`, of which only the schema is used.
 * Errors (carried): DK_EKEY (no such function), DK_EINVAL (a groupby or scalar; a lazy argument).
 * Source: dask.dataframe map_partitions. */
DK_API dk_frame dk_map_partitions(dk_frame frame, const char *function, const dk_value *args,
                                  size_t nargs, dk_table *meta);

/* ---- what is known without computing ---- */

/* The first error of building, NULL when there is none.   Ownership: the frame's. */
DK_API const dk_error *dk_frame_error(dk_frame frame);
DK_API int32_t dk_frame_npartitions(dk_frame frame);
/* The index bounds of the partitions: a series of npartitions + 1 labels; partition i holds those
 * from label i up to label i + 1, the last one included. `*out` is NULL when they are not known: of
 * files, of groups, and of a table whose index is not sorted. Ownership: `*out` is the caller's.
 * Errors: DK_ENOMEM, and what the frame carries. */
DK_API dk_status dk_frame_divisions(dk_frame frame, dk_table **out, dk_error *err) DK_NODISCARD;
DK_API int32_t dk_frame_ncolumns(dk_frame frame);
/* Name of column `i`; NULL for an unnamed series.   Ownership: the frame's. */
DK_API const char *dk_frame_column_name(dk_frame frame, int32_t i);
DK_API dk_type dk_frame_column_type(dk_frame frame, int32_t i);
/* Name of the index; NULL when it has none.   Ownership: the context's. */
DK_API const char *dk_frame_index_name(dk_frame frame);
/* Type of the labels; DK_INT64 when the rows are simply numbered from 0. */
DK_API dk_type dk_frame_index_type(dk_frame frame);

/* Renders the frame as Dask does: column names, types, partitions, no data.
 * Ownership: `*out` is the caller's, free with dk_text_free(). */
DK_API dk_status dk_frame_format(dk_frame frame, char **out, dk_error *err) DK_NODISCARD;

/* Renders the expression as written, and the plan that is run: which files and columns are read,
 * what each task does, how many tasks there are. Deep inside an expression it shows "...".
 * Ownership: `*out` is the caller's, free with
 * dk_text_free(). */
DK_API dk_status dk_explain(const dk_frame *frames, size_t nframes, char **out,
                            dk_error *err) DK_NODISCARD;

/* ---- computing ---- */

typedef struct dk_compute_options {
    const char *scheduler; /* by name; NULL: `get`, else the context's default */
    dk_get get;            /* one of dk_get_sync, dk_get_threads, dk_get_processes, or your own */
    dk_get_options run;    /* workers, callbacks, profile, cancel */
    dk_error *error;       /* filled on failure; may be NULL */
} dk_compute_options;

/* Computes `frame` into one table (a scalar: one row). `options` may be NULL.
 *
 * Ownership: `*out` is the caller's, release with dk_table_unref(); untouched on failure.
 * Blocks: until done.
 * Errors: those the expression carries, of the scheduler (see dk_get), of reading and parsing (with
 * file and line), DK_EINVAL (a delayed that is no table; unknown scheduler). Source: dask.compute.
 */
DK_API dk_status dk_compute(dk_frame frame, const dk_compute_options *options,
                            dk_table **out) DK_NODISCARD;
/* Several at once: what they share is read and computed once. `out[nframes]`. */
DK_API dk_status dk_compute_many(const dk_frame *frames, size_t nframes,
                                 const dk_compute_options *options, dk_table **out) DK_NODISCARD;
/* The same for results of any kind: a scalar arrives as bool, int, float or text (missing: null),
 * timestamps as int nanoseconds, a delayed as what its function gave. Ownership: the values are the
 * caller's, release with dk_value_unref(); on failure there is nothing to release. */
DK_API dk_status dk_compute_values(const dk_frame *frames, size_t nframes,
                                   const dk_compute_options *options, dk_value *out) DK_NODISCARD;

/* Computes frames and keeps their results: `out[i]` is a frame, series, scalar or delayed like
 * `frames[i]`, of as many partitions with the same divisions, on which nothing is left to be
 * computed; until it is forgotten. What the frames share is computed once.
 *
 * On a cluster (see <cdask/distributed.h>) the results stay there, each where it was computed, and
 * are computed again when they are lost; who persists an equal frame meanwhile finds them. What is
 * built on `out` has to be computed by the same client, while it is open.
 * Ownership: `out[nframes]` are the caller's, as any frame; on failure it is not touched. It may be
 * where `frames` are: `dk_persist(&df, 1, NULL, &df)`.
 * Blocks: until done; on a cluster not at all.
 * Errors: as dk_compute(); on a cluster those of tasks come when something is computed of `out`.
 * Source: dask.persist. */
DK_API dk_status dk_persist(const dk_frame *frames, size_t nframes,
                            const dk_compute_options *options, dk_frame *out) DK_NODISCARD;

/* What a persisted frame, series or scalar is beside its results: plain values, for dk_adopt() in
 * another process.   Ownership: `*out` is the caller's.   Errors: DK_EINVAL (it has no partitions,
 * as delayed results and groups), DK_ENOMEM, what the frame carries. */
DK_API dk_status dk_frame_description(dk_frame frame, dk_value *out, dk_error *err) DK_NODISCARD;
/* A persisted frame as it was described, of partitions that are results of a cluster's (see
 * dk_future_kept()), with the divisions of dk_frame_divisions(), or NULL.
 * Ownership: borrows all.   Errors (carried): DK_EINVAL (that is no description, or one of another
 * number of partitions). */
DK_API dk_frame dk_adopt(dk_context *dk, dk_value description, dk_table *divisions,
                         const dk_value *results, size_t nresults);

/* The first `n` rows of the first partition, reading no more than they need.   Source: dask head().
 */
DK_API dk_status dk_head(dk_frame frame, int64_t n, const dk_compute_options *options,
                         dk_table **out) DK_NODISCARD;

/* The graph that computing `frames` runs, and the tasks that give the results (`keys[nframes]`),
 * for drawing and for schedulers of your own.   Ownership: the caller frees the graph, which needs
 * the frames no longer. */
DK_API dk_status dk_frame_graph(const dk_frame *frames, size_t nframes, dk_graph **out,
                                dk_task_id *keys, dk_error *err) DK_NODISCARD;

/* Writes a table as CSV.   Errors: DK_EIO, DK_ENOFILE (with the path), DK_ENOMEM.   Source: pandas
 * to_csv. */
DK_API dk_status dk_table_to_csv(const dk_table *table, const char *path,
                                 const dk_to_csv_options *options, dk_error *err) DK_NODISCARD;

#ifdef __cplusplus
}
#endif
#endif
