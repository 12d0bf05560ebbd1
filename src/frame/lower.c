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
        program_free(pass->program);
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

static dk_status add_sink(struct lowering *lowering, struct place *place, const struct sink *like)
{
    struct program *program = lowering_pass(lowering, place->pass)->program;
    struct sink *sink = vector_push(&program->sinks);
    if (!sink)
        return DK_ENOMEM;
    *sink = *like;
    vector_init(&sink->registers, lowering->memory, sizeof(int32_t));
    vector_init(&sink->names, lowering->memory, sizeof(const char *));
    vector_init(&sink->specs, lowering->memory, sizeof(struct agg_spec));
    vector_init(&sink->columns, lowering->memory, sizeof(const struct col *));
    place->sink = (int32_t)program->sinks.count - 1;
    return DK_OK;
}

/* Passes and sinks move when vectors grow, so they are looked up again after anything that may add
 * some. */
static struct sink *sink_at(const struct lowering *lowering, struct place place)
{
    return program_sink(lowering_pass(lowering, place.pass)->program, (size_t)place.sink);
}

static dk_status collect_column(struct lowering *lowering, struct place place,
                                const struct col *col, const char *name)
{
    int32_t reg = 0;
    DK_TRY(lower_column(lowering, place.pass, col, &reg));
    struct program *program = lowering_pass(lowering, place.pass)->program;
    const char *copy = name ? arena_strdup(&program->arena, name) : NULL;
    if (name && !copy)
        return DK_ENOMEM;
    struct sink *sink = sink_at(lowering, place);
    DK_TRY(vector_append(&sink->registers, &reg, 1));
    return vector_append(&sink->names, &copy, 1);
}

static dk_status collect_index(struct lowering *lowering, struct place place,
                               const struct rowset *rows)
{
    if (rows->numbered)
        return DK_OK;
    const struct col *index = index_column(lowering->dk->expressions, rows);
    if (!index)
        return DK_ENOMEM;
    int32_t reg = NO_REGISTER;
    DK_TRY(lower_column(lowering, place.pass, index, &reg));
    sink_at(lowering, place)->index = reg;
    return DK_OK;
}

dk_status lower_collect(struct lowering *lowering, const struct rowset *rows,
                        const struct col *const *columns, const char *const *names,
                        int32_t ncolumns, int32_t depth, struct place *place)
{
    DK_TRY(lower_pass(lowering, rowset_source(rows), depth, &place->pass));
    struct sink like = {.index = NO_REGISTER, .key = NO_REGISTER, .index_name = rows->index_name};
    DK_TRY(lower_domain(lowering, place->pass, rows, &like.domain));
    DK_TRY(add_sink(lowering, place, &like));
    for (int32_t i = 0; i < ncolumns; i++) {
        DK_TRY(collect_column(lowering, *place, columns[i], names ? names[i] : NULL));
    }
    return collect_index(lowering, *place, rows);
}

dk_status lower_rows(struct lowering *lowering, const struct dk_expression *frame,
                     struct place *out)
{
    int32_t depth = frame->rows->depth;
    for (int32_t i = 0; i < frame->ncolumns; i++)
        depth = larger(depth, frame->columns[i]->depth);
    DK_TRY(lower_collect(lowering, frame->rows, frame->columns, frame->names, frame->ncolumns,
                         depth, out));
    sink_at(lowering, *out)->is_series = frame->shape != SHAPE_FRAME;
    return DK_OK;
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
    struct sink like = {.grouped = grouped, .index = NO_REGISTER, .key = NO_REGISTER};
    DK_TRY(lower_domain(lowering, place->pass, grouped->left, &like.domain));
    if (grouped->column)
        DK_TRY(lower_column(lowering, place->pass, grouped->column, &like.key));
    return add_sink(lowering, place, &like);
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
