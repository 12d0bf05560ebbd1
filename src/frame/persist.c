/* Computing frames and keeping what comes out, partition by partition. */
#include "frame/delayed.h"
#include "frame/job.h"
#include "graph/value.h"

/* What is wanted of each frame: some of the keys, one after the other. */
struct wish {
    dk_frame frame;
    size_t first;
    size_t count;
    dk_frame kept;
};

struct persisting {
    dk_context *dk;
    const dk_frame *frames;
    size_t nframes;
    const dk_compute_options *options;
    dk_error *err;
    struct wish *wishes;
    struct vector keys; /* dk_task_id */
    dk_value *results;  /* one a key */
    bool on_cluster;    /* they are */
};

/* ---- what is to be run ---- */

/* An equal frame before this one; its own number: there is none. */
static size_t first_equal(const struct persisting *persisting, size_t i)
{
    size_t j = 0;
    while (persisting->frames[j].expression != persisting->frames[i].expression)
        j++;
    return j;
}

static dk_status wish_for(struct persisting *persisting, struct job *job, size_t i)
{
    struct wish *wish = &persisting->wishes[i];
    size_t before = first_equal(persisting, i);
    if (before < i) {
        *wish = persisting->wishes[before];
        return DK_OK;
    }
    bool is_delayed = wish->frame.expression->shape == SHAPE_DELAYED;
    wish->first = persisting->keys.count;
    wish->count = is_delayed ? 1 : (size_t)wish->frame.expression->rows->npartitions;
    if (vector_reserve(&persisting->keys, wish->first + wish->count) != DK_OK)
        return error_nomem(persisting->err);
    persisting->keys.count += wish->count;
    dk_task_id *keys = (dk_task_id *)persisting->keys.data + wish->first;
    if (!is_delayed)
        return job_partitions(job, i, keys, persisting->err);
    keys[0] = job_result(job, i);
    return DK_OK;
}

static dk_status run(struct persisting *persisting, const dk_graph *graph)
{
    dk_context *dk = persisting->dk;
    size_t nkeys = persisting->keys.count;
    const dk_get_options *options = persisting->options ? &persisting->options->run : NULL;
    dk_get get = NULL;
    DK_TRY(job_get(dk, persisting->options, &get));
    persisting->results = memory_calloc(dk->memory, nkeys * sizeof(*persisting->results));
    if (!persisting->results)
        return error_nomem(persisting->err);
    persisting->on_cluster = get == dk->cluster_get;
    if (persisting->on_cluster)
        return dk->cluster_begin(dk, graph, persisting->keys.data, nkeys, options,
                                 persisting->results, persisting->err);
    return get(dk, graph, persisting->keys.data, nkeys, options, persisting->results,
               persisting->err);
}

static dk_status compute(struct persisting *persisting)
{
    struct job job;
    dk_status status = job_init(&job, persisting->frames, persisting->nframes, 0, persisting->err);
    for (size_t i = 0; i < persisting->nframes && status == DK_OK; i++)
        status = wish_for(persisting, &job, i);
    if (status == DK_OK)
        status = run(persisting, job.graph);
    job_deinit(&job);
    return status;
}

/* ---- what is kept ---- */

static dk_status list_results(const struct persisting *persisting, const struct wish *wish,
                              dk_value *out)
{
    dk_value *items = persisting->results + wish->first;
    for (size_t i = 0; i < wish->count; i++)
        dk_value_ref(items[i]);
    return value_list(persisting->dk->memory, items, wish->count, out);
}

static dk_frame keep_rows(const struct persisting *persisting, const struct wish *wish)
{
    dk_context *dk = persisting->dk;
    const struct rowset *from = wish->frame.expression->rows;
    struct rowset wanted = {
        .kind = ROWS_PERSISTED,
        .npartitions = from->npartitions,
        .index_type = from->index_type,
        .index_name = from->index_name,
        .numbered = from->numbered,
        .is_reduced = from->is_reduced,
        .number = next_call(dk->expressions),
    };
    if (dk_frame_divisions(wish->frame, &wanted.table, NULL) != DK_OK)
        return frame_nomem(dk);
    if (list_results(persisting, wish, &wanted.results) != DK_OK) {
        dk_table_unref(wanted.table);
        return frame_nomem(dk);
    }
    const struct rowset *rows = rowset_intern(dk->expressions, &wanted);
    return rows ? frame_of_results(dk, rows, wish->frame.expression) : frame_nomem(dk);
}

static dk_frame keep(const struct persisting *persisting, const struct wish *wish)
{
    building_begin(persisting->dk);
    if (wish->frame.expression->shape != SHAPE_DELAYED)
        return hand_out(keep_rows(persisting, wish));
    dk_value result = dk_value_ref(persisting->results[wish->first]);
    const char *function = persisting->on_cluster ? CLUSTER_RESULT : KEPT_VALUE;
    dk_frame kept = dk_delayed(persisting->dk, function, &result, 1);
    building_end(persisting->dk);
    return kept;
}

static dk_status keep_all(const struct persisting *persisting)
{
    struct wish *wishes = persisting->wishes;
    for (size_t i = 0; i < persisting->nframes; i++) {
        wishes[i].kept = keep(persisting, &wishes[i]);
        if (!wishes[i].kept.expression->error)
            continue;
        dk_error *err = persisting->err;
        dk_status status = wishes[i].kept.expression->error->status;
        if (err)
            *err = *wishes[i].kept.expression->error;
        for (size_t j = 0; j <= i; j++)
            dk_forget(wishes[j].kept);
        return status;
    }
    return DK_OK;
}

/* ---- dk_persist ---- */

/* The frames are looked at again when their results are there; who has them may forget them
 * meanwhile. */
static void hold_all(struct persisting *persisting)
{
    for (size_t i = 0; i < persisting->nframes; i++) {
        persisting->wishes[i].frame = persisting->frames[i];
        frame_hold(persisting->frames[i]);
    }
}

/* `out` may be where the frames are: it is written last. */
static dk_status persist(struct persisting *persisting, dk_frame *out)
{
    hold_all(persisting);
    dk_status status = compute(persisting);
    if (status == DK_OK)
        status = keep_all(persisting);
    for (size_t i = 0; i < persisting->nframes; i++) {
        dk_forget(persisting->wishes[i].frame);
        if (status == DK_OK)
            out[i] = persisting->wishes[i].kept;
    }
    for (size_t i = 0; persisting->results && i < persisting->keys.count; i++)
        dk_value_unref(persisting->results[i]);
    return status;
}

dk_status dk_persist(const dk_frame *frames, size_t nframes, const dk_compute_options *options,
                     dk_frame *out)
{
    dk_error *err = options ? options->error : NULL;
    if (!nframes)
        return error_set(err, DK_EINVAL, "nothing to persist");
    struct persisting persisting = {
        .dk = frames[0].dk, .frames = frames, .nframes = nframes, .options = options, .err = err};
    struct memory *memory = persisting.dk->memory;
    persisting.wishes = memory_calloc(memory, nframes * sizeof(*persisting.wishes));
    if (!persisting.wishes)
        return error_nomem(err);
    vector_init(&persisting.keys, memory, sizeof(dk_task_id));
    dk_status status = persist(&persisting, out);
    memory_free(memory, persisting.results, persisting.keys.count * sizeof(dk_value));
    memory_free(memory, persisting.wishes, nframes * sizeof(*persisting.wishes));
    vector_deinit(&persisting.keys);
    return status;
}
