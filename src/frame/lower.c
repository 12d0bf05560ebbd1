#include "frame/lower.h"

#include <string.h>

void lowering_init(struct lowering *lowering, dk_context *dk)
{
    *lowering = (struct lowering){.dk = dk, .memory = dk->memory};
    building_begin(dk);
    arena_init(&lowering->arena, dk->memory);
    vector_init(&lowering->passes, dk->memory, sizeof(struct pass));
}

void lowering_deinit(struct lowering *lowering)
{
    for (size_t i = 0; i < lowering->passes.count; i++) {
        struct pass *pass = lowering_pass(lowering, (int32_t)i);
        program_unref(pass->program);
        vector_deinit(&pass->inputs);
        vector_deinit(&pass->scalars);
        vector_deinit(&pass->tasks);
        vector_deinit(&pass->results);
    }
    vector_deinit(&lowering->passes);
    arena_deinit(&lowering->arena);
    building_end(lowering->dk);
}

/* ---- passes and sinks ---- */

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

dk_status lower_pass(struct lowering *lowering, const struct rowset *source, int32_t depth,
                     int32_t *out)
{
    for (size_t i = 0; i < lowering->passes.count; i++) {
        const struct pass *known = lowering_pass(lowering, (int32_t)i);
        if (known->source != source || known->depth != depth)
            continue;
        *out = (int32_t)i;
        return DK_OK;
    }
    struct pass *pass = vector_push(&lowering->passes);
    if (!pass)
        return DK_ENOMEM;
    pass->source = source;
    pass->depth = depth;
    vector_init(&pass->inputs, lowering->memory, sizeof(struct place));
    vector_init(&pass->scalars, lowering->memory, sizeof(struct place));
    vector_init(&pass->tasks, lowering->memory, sizeof(dk_task_id));
    vector_init(&pass->results, lowering->memory, sizeof(dk_task_id));
    pass->program = program_new(lowering->dk, source);
    *out = (int32_t)lowering->passes.count - 1;
    return pass->program ? DK_OK : DK_ENOMEM;
}

/* Takes the sink when it succeeds. */
static dk_status add_sink(struct lowering *lowering, struct place *place, const struct sink *sink)
{
    struct vector *sinks = &lowering_pass(lowering, place->pass)->program->sinks;
    place->sink = (int32_t)sinks->count;
    return vector_append(sinks, sink, 1);
}

/* Passes and sinks move when vectors grow, so they are looked up again after anything that may add
 * some. */
static struct sink *sink_at(const struct lowering *lowering, struct place place)
{
    return program_sink(lowering_pass(lowering, place.pass)->program, (size_t)place.sink);
}

/* ---- collected rows ---- */

static dk_status collect_column(struct lowering *lowering, int32_t pass, const struct col *col,
                                const char *name, struct sink *sink)
{
    int32_t reg = NO_REGISTER;
    DK_TRY(lower_column(lowering, pass, col, &reg));
    struct program *program = lowering_pass(lowering, pass)->program;
    const char *copy = name ? arena_strdup(&program->arena, name) : NULL;
    if (name && !copy)
        return DK_ENOMEM;
    DK_TRY(vector_append(&sink->registers, &reg, 1));
    return vector_append(&sink->names, &copy, 1);
}

static dk_status collect_index(struct lowering *lowering, int32_t pass, const struct rowset *rows,
                               struct sink *sink)
{
    if (rows->numbered)
        return DK_OK;
    const struct col *index = index_column(lowering->dk->expressions, rows);
    return index ? lower_column(lowering, pass, index, &sink->index) : DK_ENOMEM;
}

static bool same_name(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Of the same pass: in one domain they have the same index, too. */
static bool same_collection(const struct sink *a, const struct sink *b)
{
    if (a->grouped || a->domain != b->domain || a->is_series != b->is_series ||
        a->registers.count != b->registers.count)
        return false;
    const char *const *left = a->names.data;
    const char *const *right = b->names.data;
    for (size_t i = 0; i < a->registers.count; i++) {
        if (vector_int(&a->registers, i) != vector_int(&b->registers, i) ||
            !same_name(left[i], right[i]))
            return false;
    }
    return true;
}

static bool find_collection(const struct lowering *lowering, const struct sink *sink,
                            struct place *place)
{
    const struct program *program = lowering_pass(lowering, place->pass)->program;
    for (size_t i = 0; i < program->sinks.count; i++) {
        if (!same_collection(program_sink(program, i), sink))
            continue;
        place->sink = (int32_t)i;
        return true;
    }
    return false;
}

static dk_status collect_into(struct lowering *lowering, const struct rowset *rows,
                              const struct col *const *columns, const char *const *names,
                              int32_t ncolumns, int32_t pass, struct sink *sink)
{
    sink->index_name = rows->index_name;
    DK_TRY(lower_domain(lowering, pass, rows, &sink->domain));
    for (int32_t i = 0; i < ncolumns; i++)
        DK_TRY(collect_column(lowering, pass, columns[i], names ? names[i] : NULL, sink));
    return collect_index(lowering, pass, rows, sink);
}

static dk_status collect(struct lowering *lowering, const struct rowset *rows,
                         const struct col *const *columns, const char *const *names,
                         int32_t ncolumns, bool is_series, struct place *place)
{
    struct sink sink;
    sink_init(&sink, lowering->memory);
    sink.is_series = is_series;
    dk_status status = collect_into(lowering, rows, columns, names, ncolumns, place->pass, &sink);
    bool is_new = status == DK_OK && !find_collection(lowering, &sink, place);
    if (is_new)
        status = add_sink(lowering, place, &sink);
    if (!is_new || status != DK_OK)
        sink_deinit(&sink);
    return status;
}

dk_status lower_collect(struct lowering *lowering, const struct rowset *rows,
                        const struct col *const *columns, const char *const *names,
                        int32_t ncolumns, int32_t depth, struct place *place)
{
    DK_TRY(lower_pass(lowering, rowset_source(rows), depth, &place->pass));
    return collect(lowering, rows, columns, names, ncolumns, false, place);
}

dk_status lower_rows(struct lowering *lowering, const struct dk_expression *frame,
                     struct place *out)
{
    int32_t depth = frame->rows->depth;
    for (int32_t i = 0; i < frame->ncolumns; i++)
        depth = larger(depth, frame->columns[i]->depth);
    DK_TRY(lower_pass(lowering, rowset_source(frame->rows), depth, &out->pass));
    return collect(lowering, frame->rows, frame->columns, frame->names, frame->ncolumns,
                   frame->shape != SHAPE_FRAME, out);
}

dk_status lower_frame(struct lowering *lowering, const struct dk_expression *frame,
                      struct place *out)
{
    DK_TRY(lower_rows(lowering, frame, out));
    return lower_inputs(lowering);
}

/* ---- groups ---- */

static bool find_group_sink(const struct lowering *lowering, const struct rowset *grouped,
                            struct place *place)
{
    const struct program *program = lowering_pass(lowering, place->pass)->program;
    for (size_t i = 0; i < program->sinks.count; i++) {
        if (program_sink(program, i)->grouped != grouped)
            continue;
        place->sink = (int32_t)i;
        return true;
    }
    return false;
}

static dk_status add_group_sink(struct lowering *lowering, const struct rowset *grouped,
                                struct place *place)
{
    struct sink sink; /* which owns nothing yet */
    sink_init(&sink, lowering->memory);
    sink.grouped = grouped;
    DK_TRY(lower_domain(lowering, place->pass, grouped->left, &sink.domain));
    if (grouped->column)
        DK_TRY(lower_column(lowering, place->pass, grouped->column, &sink.key));
    return add_sink(lowering, place, &sink);
}

/* The position of register `reg` among the values of the sink. */
static dk_status value_position(struct sink *sink, int32_t reg, int32_t *position)
{
    for (size_t i = 0; i < sink->registers.count; i++) {
        if (vector_int(&sink->registers, i) != reg)
            continue;
        *position = (int32_t)i;
        return DK_OK;
    }
    *position = (int32_t)sink->registers.count;
    return vector_append(&sink->registers, &reg, 1);
}

static dk_status add_spec(struct lowering *lowering, struct place place, const struct col *col,
                          int32_t *number)
{
    struct agg_spec spec = {.agg = (enum agg)col->number, .input = 0};
    int32_t reg = NO_REGISTER;
    if (col->a)
        DK_TRY(lower_column(lowering, place.pass, col->a, &reg));
    struct sink *sink = sink_at(lowering, place);
    if (col->a)
        DK_TRY(value_position(sink, reg, &spec.input));
    *number = (int32_t)sink->specs.count;
    DK_TRY(vector_append(&sink->specs, &spec, 1));
    return vector_append(&sink->columns, &col, 1);
}

dk_status lower_aggregate(struct lowering *lowering, const struct col *col, struct place *place,
                          int32_t *number)
{
    const struct rowset *grouped = col->rows;
    int32_t depth = grouped->depth - 1;
    if (col->a)
        depth = larger(depth, col->a->depth);
    DK_TRY(lower_pass(lowering, rowset_source(grouped->left), depth, &place->pass));
    if (!find_group_sink(lowering, grouped, place)) {
        DK_TRY(add_group_sink(lowering, grouped, place));
    }
    const struct sink *sink = sink_at(lowering, *place);
    const struct col *const *known = sink->columns.data;
    for (size_t i = 0; i < sink->columns.count; i++) {
        if (known[i] != col)
            continue;
        *number = (int32_t)i;
        return DK_OK;
    }
    return add_spec(lowering, *place, col, number);
}
