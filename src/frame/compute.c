/* Computing frames: lower, run, hand out. */
#include "column/table.h"
#include "frame/job.h"
#include "graph/value.h"

static dk_status build_graph(const dk_frame *frames, size_t nframes, int32_t limit, dk_graph **out,
                             dk_task_id *keys, dk_error *err)
{
    struct job job;
    dk_status status = job_init(&job, frames, nframes, limit, err);
    if (status == DK_OK) {
        for (size_t i = 0; i < nframes; i++)
            keys[i] = job_result(&job, i);
        *out = job.graph;
        job.graph = NULL;
    }
    job_deinit(&job);
    return status;
}

dk_status dk_frame_graph(const dk_frame *frames, size_t nframes, dk_graph **out, dk_task_id *keys,
                         dk_error *err)
{
    if (!nframes)
        return error_set(err, DK_EINVAL, "nothing to compute");
    return build_graph(frames, nframes, 0, out, keys, err);
}

/* ---- running ---- */

/* Gives one value a frame. */
static dk_status run(const dk_frame *frames, size_t nframes, int32_t limit,
                     const dk_compute_options *options, dk_task_id *keys, dk_value *values)
{
    dk_context *dk = frames[0].dk;
    dk_error *err = options ? options->error : NULL;
    dk_get get = NULL;
    dk_graph *graph = NULL;
    DK_TRY(job_get(dk, options, &get));
    DK_TRY(build_graph(frames, nframes, limit, &graph, keys, err));
    dk_status status = get(dk, graph, keys, nframes, options ? &options->run : NULL, values, err);
    dk_graph_free(graph);
    return status;
}

static dk_status run_limited(const dk_frame *frames, size_t nframes, int32_t limit,
                             const dk_compute_options *options, dk_value *values)
{
    dk_error *err = options ? options->error : NULL;
    if (!nframes)
        return error_set(err, DK_EINVAL, "nothing to compute");
    struct memory *memory = frames[0].dk->memory;
    dk_task_id *keys = memory_alloc(memory, nframes * sizeof(*keys));
    if (!keys)
        return error_nomem(err);
    dk_status status = run(frames, nframes, limit, options, keys, values);
    memory_free(memory, keys, nframes * sizeof(*keys));
    return status;
}

static dk_status tables_of(const dk_value *values, size_t nframes, dk_table **out, dk_error *err)
{
    for (size_t i = 0; i < nframes; i++) {
        if (values[i].kind == DK_KIND_TABLE)
            continue;
        error_set(err, DK_EINVAL, "result %zu is of kind %s, not a table: use dk_compute_values()",
                  i, dk_kind_name(values[i].kind));
        return DK_EINVAL;
    }
    for (size_t i = 0; i < nframes; i++)
        out[i] = dk_table_ref(values[i].as.table);
    return DK_OK;
}

static dk_status compute_tables(const dk_frame *frames, size_t nframes, int32_t limit,
                                const dk_compute_options *options, dk_table **out)
{
    dk_error *err = options ? options->error : NULL;
    if (!nframes)
        return error_set(err, DK_EINVAL, "nothing to compute");
    struct memory *memory = frames[0].dk->memory;
    dk_value *values = memory_calloc(memory, nframes * sizeof(*values));
    if (!values)
        return error_nomem(err);
    dk_status status = run_limited(frames, nframes, limit, options, values);
    if (status == DK_OK)
        status = tables_of(values, nframes, out, err);
    for (size_t i = 0; i < nframes; i++)
        dk_value_unref(values[i]);
    memory_free(memory, values, nframes * sizeof(*values));
    return status;
}

dk_status dk_compute_many(const dk_frame *frames, size_t nframes, const dk_compute_options *options,
                          dk_table **out)
{
    return compute_tables(frames, nframes, 0, options, out);
}

dk_status dk_compute(dk_frame frame, const dk_compute_options *options, dk_table **out)
{
    return compute_tables(&frame, 1, 0, options, out);
}

/* ---- single values ---- */

static dk_value number_at(const struct view *view, const dk_table *table)
{
    switch (view->type) {
    case DK_BOOL:
        return dk_value_bool(dk_table_int(table, 0, 0) != 0);
    case DK_FLOAT32:
    case DK_FLOAT64:
        return dk_value_float(dk_table_float(table, 0, 0));
    default:
        return dk_value_int(dk_table_int(table, 0, 0));
    }
}

/* A value has signed integers only. */
static dk_status check_fits(const struct view *view, dk_error *err)
{
    if (view->type != DK_UINT64)
        return DK_OK;
    uint64_t value = *(const uint64_t *)view->data;
    if (value <= INT64_MAX)
        return DK_OK;
    return error_set(
        err, DK_EOVERFLOW,
        "the result %llu is more than an int64 holds: take it as a table, by dk_compute()",
        (unsigned long long)value);
}

/* The one value of a scalar's table; takes the value, also on failure. */
static dk_status unpack(dk_value *value, dk_error *err)
{
    dk_table *table = value->as.table;
    const struct view *view = &table->columns[0]->view;
    dk_status status = DK_OK;
    *value = dk_value_null();
    if (view->type == DK_TEXT || view->type == DK_CATEGORY) {
        size_t nbytes = 0;
        const char *text = dk_table_text(table, 0, 0, &nbytes);
        if (text && value_text(table->memory, text, nbytes, value) != DK_OK)
            status = error_nomem(err);
    } else if (view_is_valid(view, 0)) {
        status = check_fits(view, err);
        *value = number_at(view, table);
    }
    dk_table_unref(table);
    return status;
}

static dk_status compute_values(const dk_frame *frames, size_t nframes,
                                const dk_compute_options *options, dk_value *out)
{
    dk_error *err = options ? options->error : NULL;
    DK_TRY(run_limited(frames, nframes, 0, options, out));
    dk_status status = DK_OK;
    for (size_t i = 0; i < nframes; i++) {
        bool is_scalar = frames[i].expression->shape == SHAPE_SCALAR;
        if (!is_scalar || out[i].kind != DK_KIND_TABLE)
            continue;
        dk_status unpacked = unpack(&out[i], err);
        if (unpacked != DK_OK)
            status = unpacked;
    }
    if (status == DK_OK)
        return DK_OK;
    for (size_t i = 0; i < nframes; i++) {
        dk_value_unref(out[i]);
        out[i] = dk_value_null();
    }
    return status;
}

/* The frames are looked at again when their results are there; who has them may forget them
 * meanwhile. */
dk_status dk_compute_values(const dk_frame *frames, size_t nframes,
                            const dk_compute_options *options, dk_value *out)
{
    for (size_t i = 0; i < nframes; i++)
        frame_hold(frames[i]);
    dk_status status = compute_values(frames, nframes, options, out);
    for (size_t i = 0; i < nframes; i++)
        dk_forget(frames[i]);
    return status;
}

/* ---- head ---- */

dk_status dk_head(dk_frame frame, int64_t n, const dk_compute_options *options, dk_table **out)
{
    dk_error *err = options ? options->error : NULL;
    if (n < 0 || n > INT32_MAX)
        return error_set(err, DK_EINVAL, "head: cannot give %lld rows", (long long)n);
    dk_table *table = NULL;
    DK_TRY(compute_tables(&frame, 1, n ? (int32_t)n : 1, options, &table));
    int64_t nrows = table->nrows < n ? table->nrows : n;
    dk_status status = table_slice(table, 0, nrows, out);
    dk_table_unref(table);
    return status == DK_OK ? DK_OK : error_nomem(err);
}
