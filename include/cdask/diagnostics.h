/* Looking inside: what a computation is doing, where its time went, and what it looks like.
 *
 * Everything here is opt-in and costs nothing when unused. The parts fit together in
 * dk_get_options:
 *
 *     dk_callbacks watchers[] = {dk_progress_callbacks(bar), dk_recorder_callbacks(recorder)};
 *     dk_get_options run = {.callbacks = watchers, .ncallbacks = 2, .profile = profile};
 *
 *   dk_progress    a progress bar on a terminal                          every scheduler
 *   dk_profile     a table of functions and kernels                      every scheduler
 *   dk_recorder    a record of every task                                every scheduler
 *   dk_resources   CPU and memory over time, children included           every scheduler
 *   dk_report      one line: wall, CPU, tasks, bytes read, peak memory   every scheduler
 *   dk_stacks      sampled stacks with symbols, all threads              the calling process only
 *   dk_draw_*      the graph, and a time line of what was recorded, as pictures
 *
 * The objects are on the ledger of the context they were made with, and must be freed before it is
 * closed. One object observes one computation at a time; several in a row add up, except in the
 * bar.
 */
#ifndef CDASK_DIAGNOSTICS_H
#define CDASK_DIAGNOSTICS_H

#include <cdask/graph.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- progress bar ---- */

typedef struct dk_progress dk_progress;

typedef struct dk_progress_options {
    double minimum_s; /* computations that take less are not drawn at all */
    double dt_s;      /* seconds between redraws; 0: 0.1 */
    int32_t width;    /* of the bar in characters; 0: 40; never wider than the terminal */
    bool force;       /* draw even if `fd` is no terminal */
} dk_progress_options;

/* Makes a bar like "[####      ] | 40% Completed | 1.2 s", drawn on the file descriptor `fd`
 * whenever a task begins or ends, and once more at the end. On what is no terminal it stays silent
 * unless forced. `options` may be NULL.
 *
 * Ownership: the caller frees it with dk_progress_free(); `fd` stays the caller's.
 * Errors: DK_ENOMEM, DK_EINVAL (a negative option).   Source: dask.diagnostics.ProgressBar. */
DK_API dk_status dk_progress_new(dk_context *dk, int fd, const dk_progress_options *options,
                                 dk_progress **out, dk_error *err) DK_NODISCARD;
DK_API void dk_progress_free(dk_progress *progress);
/* For dk_get_options.callbacks; valid as long as the bar. */
DK_API dk_callbacks dk_progress_callbacks(dk_progress *progress);

/* ---- profile ---- */

typedef struct dk_profile dk_profile; /* dk_get_options.profile */

/* A task function, or a kernel inside the functions. Times are sums over all workers. */
typedef struct dk_profile_line {
    const char *name; /* borrowed for the life of the context */
    bool is_kernel;
    int64_t calls;
    int64_t total_ns;
    int64_t self_ns; /* total_ns less the time in kernels that have lines of their own */
    int64_t wait_ns; /* functions: from being ready to being started */
    int64_t nrows;   /* kernels: rows gone through */
    int64_t nbytes;  /* kernels: bytes gone through; functions: bytes of results */
} dk_profile_line;

typedef struct dk_profile_summary {
    double wall_s; /* from the start to the end of the computations */
    double user_s; /* CPU time of the process and of its children meanwhile */
    double system_s;
    double busy_s;       /* inside task functions, all workers together */
    double utilisation;  /* busy_s as a part of wall_s times workers: 0 .. 1 */
    int32_t num_workers; /* of the last computation */
    int64_t ntasks;
    bool is_incomplete; /* some calls are not in it: there was no memory to note them */
} dk_profile_summary;

/* Makes an empty profile. It tells the same under every scheduler: workers, processes included,
 * count for themselves and are added up at the end. Ownership: the caller frees it with
 * dk_profile_free().   Errors: DK_ENOMEM. */
DK_API dk_status dk_profile_new(dk_context *dk, dk_profile **out) DK_NODISCARD;
DK_API void dk_profile_free(dk_profile *profile);

/* Copies the heaviest `nlines` lines by self time into `lines`, heaviest first; returns how many
 * there are. */
DK_API size_t dk_profile_lines(const dk_profile *profile, dk_profile_line *lines, size_t nlines);
DK_API dk_profile_summary dk_profile_sum(const dk_profile *profile);

/* The summary and all lines as a table to read, heaviest first.
 * Ownership: `*out` is the caller's, free with dk_text_free().   Errors: DK_ENOMEM. */
DK_API dk_status dk_profile_text(const dk_profile *profile, char **out) DK_NODISCARD;

/* ---- recorder ---- */

typedef struct dk_recorder dk_recorder;

typedef struct dk_task_record {
    const char *key;      /* as dk_graph_key_text(); borrowed from the recorder */
    const char *function; /* borrowed for the life of the context */
    int32_t worker;
    dk_status status;
    int64_t start_ns; /* of the monotonic clock */
    int64_t end_ns;
    int64_t result_nbytes;
} dk_task_record;

/* Makes an empty recorder.
 * Ownership: the caller frees it with dk_recorder_free().   Errors: DK_ENOMEM.
 * Source: dask.diagnostics.Profiler. */
DK_API dk_status dk_recorder_new(dk_context *dk, dk_recorder **out) DK_NODISCARD;
DK_API void dk_recorder_free(dk_recorder *recorder);
DK_API dk_callbacks dk_recorder_callbacks(dk_recorder *recorder);

/* The records in the order in which tasks ended. Not while a computation is recorded. */
DK_API size_t dk_recorder_count(const dk_recorder *recorder);
DK_API dk_task_record dk_recorder_at(const dk_recorder *recorder, size_t i);
/* Tasks that found no memory for their record. */
DK_API int64_t dk_recorder_ndropped(const dk_recorder *recorder);

/* All records, a line with names first, as CSV; as a JSON array of objects. Names are those of
 * dk_task_record. Ownership: `*out` is the caller's, free with dk_text_free().   Errors: DK_ENOMEM.
 */
DK_API dk_status dk_recorder_csv(const dk_recorder *recorder, char **out) DK_NODISCARD;
DK_API dk_status dk_recorder_json(const dk_recorder *recorder, char **out) DK_NODISCARD;

/* ---- resources ---- */

typedef struct dk_resources dk_resources;

/* The calling process and its children, since the reading before. */
typedef struct dk_resource_reading {
    int64_t time_ns;    /* of the monotonic clock */
    double cpu_percent; /* 100: one CPU all the time */
    int64_t rss_nbytes; /* resident memory; what processes share counts in each */
    int64_t ledger_nbytes;
    int32_t nchildren;
} dk_resource_reading;

/* Starts a thread that takes a reading every `dt_s` seconds (0: 1), one at once and one at the end.
 * It holds signals blocked and sleeps in between.
 *
 * Ownership: the caller stops and frees it with dk_resources_free().
 * Errors: DK_ENOMEM, DK_EINVAL (dt_s below a millisecond), DK_EIO (no thread).
 * Source: dask.diagnostics.ResourceProfiler. */
DK_API dk_status dk_resources_start(dk_context *dk, double dt_s, dk_resources **out,
                                    dk_error *err) DK_NODISCARD;
/* Takes the last reading and ends the thread, at once. Does nothing the second time. */
DK_API void dk_resources_stop(dk_resources *resources);
DK_API void dk_resources_free(dk_resources *resources);

/* The readings, once stopped; before that there are none. One that found no memory is left out. */
DK_API size_t dk_resources_count(const dk_resources *resources);
DK_API dk_resource_reading dk_resources_at(const dk_resources *resources, size_t i);
/* As dk_recorder_csv(). */
DK_API dk_status dk_resources_csv(const dk_resources *resources, char **out) DK_NODISCARD;

/* ---- sampled stacks ---- */

typedef struct dk_stacks dk_stacks;

/* Starts a thread that every `dt_s` seconds (0: 0.01) has each other thread of this process that
 * runs note its stack, by a real-time signal. Up to `max_samples` (0: 10,000) are kept: when there
 * are more, every second one is dropped and the pace halved, so they stand for the whole time
 * evenly. Threads that block the signal are left out. The handler of SIGRTMIN + 4 is taken over
 * until dk_stacks_stop(), which puts the old one back; system calls in running threads may return
 * EINTR meanwhile. Forked workers are out of reach: under processes this shows the calling process
 * only, and dk_profile covers the workers.
 *
 * Ownership: the caller stops and frees it with dk_stacks_free(). One at a time in a process.
 * Errors: DK_ENOMEM, DK_EINVAL (dt_s below a millisecond, max_samples of 1), DK_ENOTSUP (another
 * one is running), DK_EIO. */
DK_API dk_status dk_stacks_start(dk_context *dk, double dt_s, int32_t max_samples, dk_stacks **out,
                                 dk_error *err) DK_NODISCARD;
/* Ends the sampling, at once. Does nothing the second time. */
DK_API void dk_stacks_stop(dk_stacks *stacks);
DK_API void dk_stacks_free(dk_stacks *stacks);
/* Samples kept, and those dropped to make room. */
DK_API size_t dk_stacks_count(const dk_stacks *stacks);
DK_API size_t dk_stacks_ndropped(const dk_stacks *stacks);

/* The samples, once stopped, as a tree from the outermost function in, hottest branch first, with
 * the share of all samples that is in the function and what it calls, and in itself. It says so
 * when children used CPU time that it cannot show. Names are those of symbol tables.
 * Ownership: `*out` is the caller's, free with dk_text_free().   Blocks: while symbols are read.
 * Errors: DK_ENOMEM. */
DK_API dk_status dk_stacks_text(const dk_stacks *stacks, char **out) DK_NODISCARD;
/* The same as "outer;inner;innermost SAMPLES" lines, which flame graph programs read. */
DK_API dk_status dk_stacks_folded(const dk_stacks *stacks, char **out) DK_NODISCARD;

/* ---- report ---- */

/* What %%time tells, and a little more. Put it anywhere; it owns nothing. */
typedef struct dk_report {
    double wall_s;
    double user_s; /* CPU time of the process and its children */
    double system_s;
    int64_t ntasks;             /* of computations started here with dk_report_callbacks() */
    int64_t read_nbytes;        /* through read(), children included; -1: the system does not say */
    int64_t peak_rss_nbytes;    /* of the process (or its largest child) since it started */
    int64_t peak_ledger_nbytes; /* of the context since it was opened */
    struct {
        dk_context *context;
        int64_t wall_ns;
        int64_t user_ns;
        int64_t system_ns;
        int64_t read_nbytes;
    } begin; /* not for callers */
} dk_report;

/* dk_report_begin() clears the report and starts it, dk_report_end() fills it in; ended again, it
 * covers more. */
DK_API void dk_report_begin(dk_context *dk, dk_report *report);
DK_API void dk_report_end(dk_report *report);
/* Counts tasks when a computation starts; costs nothing per task. Valid as long as the report stays
 * in place. */
DK_API dk_callbacks dk_report_callbacks(dk_report *report);

#define DK_REPORT_TEXT_MAX 256

/* "wall 1.24 s, user 4.02 s, sys 310 ms, 1,204 tasks, 1.2 GiB read, peak 312 MiB RSS, 240 MiB on
 * the ledger"; the tasks are left out if none were counted, as those of a cluster are not */
DK_API void dk_report_text(const dk_report *report, char out[DK_REPORT_TEXT_MAX]);

/* ---- pictures ---- */

typedef struct dk_draw_options {
    const char *color; /* "order": as they run, pale to dark, numbered; "function"; NULL: none */
    const char *direction; /* Graphviz' rankdir: "BT", "TB", "LR" or "RL"; NULL: "BT", upwards */
    bool full_keys; /* whole keys in the boxes; else numbers, and names without their token */
} dk_draw_options;

/* dk_graph_to_dot() with options (NULL: none).
 * Errors: as there, and DK_EINVAL (an unknown colour or direction).   Source: dask.visualize. */
DK_API dk_status dk_graph_draw(const dk_graph *graph, const dk_task_id *keys, size_t nkeys,
                               const dk_draw_options *options, char **out,
                               dk_error *err) DK_NODISCARD;

/* Has Graphviz' program `dot` draw the document `dot` into the file `path`, which ends in .svg,
 * .png or .pdf and is left alone on failure.
 * Blocks: until drawn; large graphs take minutes.
 * Errors: DK_ENOTSUP (no `dot`), DK_EINVAL (another ending), DK_EIO, DK_ENOFILE. */
DK_API dk_status dk_draw_dot(const char *dot, const char *path, dk_error *err) DK_NODISCARD;

/* Draws the recorded tasks as an SVG file: one lane a worker, a rectangle a task, coloured by
 * function (a failed one black), with key and time in its tooltip; under it CPU and memory, when
 * `resources` (stopped) is given, else NULL. Neighbours too narrow to be seen are drawn as one.
 * Errors: DK_EINVAL (nothing recorded), DK_EIO, DK_ENOFILE, DK_ENOMEM.
 * Source: dask.diagnostics Profiler.visualize, ResourceProfiler.visualize. */
DK_API dk_status dk_draw_timeline(const dk_recorder *recorder, const dk_resources *resources,
                                  const char *path, dk_error *err) DK_NODISCARD;

#ifdef __cplusplus
}
#endif
#endif
