/* Programs on their way to another process: what running asks for, without the expressions that it
 * was compiled from. */
#include "column/table_codec.h"
#include "frame/program.h"
#include "graph/value.h"

#define MAGIC 0x31676b64u /* of this form of the bytes */

/* ---- out ---- */

static void put_ints(struct writer *out, const struct vector *ints)
{
    writer_u32(out, (uint32_t)ints->count);
    writer_put(out, ints->data, ints->count * sizeof(int32_t));
}

/* A literal is a table of one row. */
static dk_status put_literal(struct writer *out, struct column *literal)
{
    dk_table *table = NULL;
    const char *name = "";
    DK_TRY(table_new(out->bytes.memory, 1, 1, &name, &literal, NULL, NULL, true, &table));
    dk_status status = table_put_whole(out, table);
    dk_table_unref(table);
    return status;
}

static dk_status put_step(struct writer *out, const struct step *step)
{
    const int32_t numbers[] = {step->domain, step->out,   step->a,
                               step->b,      step->input, step->number};
    writer_u8(out, (uint8_t)step->kind);
    writer_put(out, numbers, sizeof(numbers));
    writer_i64(out, step->unit_ns);
    writer_text(out, step->kernel);
    writer_u8(out, step->col ? (uint8_t)step->col->type : DK_TYPE_COUNT);
    if (!step->col)
        return DK_OK; /* a selection */
    return step->kind == STEP_LITERAL ? put_literal(out, step->col->literal) : DK_OK;
}

static void put_domain(struct writer *out, const struct domain *domain)
{
    writer_u32(out, (uint32_t)domain->parent);
    writer_u32(out, (uint32_t)domain->first_load);
    writer_u32(out, (uint32_t)domain->nloads);
}

static void put_sink(struct writer *out, const struct sink *sink)
{
    const char *const *names = sink->names.data;
    const struct agg_spec *specs = sink->specs.data;
    writer_u8(out, sink->grouped != NULL);
    writer_text(out, sink->grouped ? sink->grouped->index_name : sink->index_name);
    writer_u32(out, (uint32_t)sink->domain);
    writer_u32(out, (uint32_t)sink->index);
    writer_u32(out, (uint32_t)sink->key);
    writer_u8(out, sink->is_series);
    put_ints(out, &sink->registers);
    writer_u32(out, (uint32_t)sink->names.count);
    for (size_t i = 0; i < sink->names.count; i++)
        writer_text(out, names[i]);
    writer_u32(out, (uint32_t)sink->specs.count);
    for (size_t i = 0; i < sink->specs.count; i++) {
        writer_u8(out, (uint8_t)specs[i].agg);
        writer_u32(out, (uint32_t)specs[i].input);
    }
}

dk_status program_put(const struct program *program, struct writer *out, dk_error *err)
{
    const dk_type *types = program->types.data;
    const struct rowset *source = program->source;
    writer_u32(out, MAGIC);
    writer_u8(out, (uint8_t)source->kind);
    writer_u32(out, (uint32_t)source->npartitions);
    if (source->kind == ROWS_CSV)
        DK_TRY(csv_source_put(source->csv, false, out, err));
    writer_u32(out, (uint32_t)program->limit);
    writer_u32(out, (uint32_t)program->nscalars);
    put_ints(out, &program->loads);
    writer_u32(out, (uint32_t)program->types.count);
    for (size_t i = 0; i < program->types.count; i++)
        writer_u8(out, (uint8_t)types[i]);
    writer_u32(out, (uint32_t)program->domains.count);
    for (size_t i = 0; i < program->domains.count; i++)
        put_domain(out, program_domain(program, (int32_t)i));
    writer_u32(out, (uint32_t)program->steps.count);
    for (size_t i = 0; i < program->steps.count; i++) {
        if (put_step(out, &program_steps(program)[i]) != DK_OK)
            return error_nomem(err);
    }
    writer_u32(out, (uint32_t)program->sinks.count);
    for (size_t i = 0; i < program->sinks.count; i++)
        put_sink(out, program_sink(program, i));
    return out->failed ? error_nomem(err) : DK_OK;
}

/* ---- in ---- */

struct reader {
    dk_context *dk;
    struct program *program;
    struct cursor cursor;
    dk_error *err;
};

static dk_status damaged(struct reader *reader)
{
    return error_set(reader->err, DK_EPARSE, "a program of a frame is damaged");
}

static dk_status nomem(struct reader *reader)
{
    return error_nomem(reader->err);
}

static int32_t get_int(struct reader *reader)
{
    return (int32_t)cursor_u32(&reader->cursor);
}

/* A count of things of which each takes a byte or more. */
static dk_status get_count(struct reader *reader, size_t *count)
{
    *count = cursor_u32(&reader->cursor);
    bool fits = !reader->cursor.overrun && *count <= cursor_left(&reader->cursor);
    return fits ? DK_OK : damaged(reader);
}

static dk_status get_ints(struct reader *reader, struct vector *out)
{
    size_t count = 0;
    DK_TRY(get_count(reader, &count));
    for (size_t i = 0; i < count; i++) {
        int32_t value = get_int(reader);
        if (vector_append(out, &value, 1) != DK_OK)
            return nomem(reader);
    }
    return DK_OK;
}

static dk_status get_name(struct reader *reader, const char **out)
{
    const char *name = cursor_text(&reader->cursor);
    *out = name ? arena_strdup(&reader->program->arena, name) : NULL;
    return name && !*out ? nomem(reader) : DK_OK;
}

static dk_status get_literal(struct reader *reader, dk_type type, struct column **out)
{
    dk_table *table = NULL;
    dk_status status = table_get_whole(reader->program->memory, &reader->cursor, &table);
    if (status == DK_ENOMEM)
        return nomem(reader);
    if (status != DK_OK)
        return damaged(reader);
    bool fits = table->nrows == 1 && table->ncolumns == 1 && table_check(table, NULL) == DK_OK &&
                table->columns[0]->view.type == type;
    if (fits)
        *out = column_ref(table->columns[0]);
    dk_table_unref(table);
    return fits ? DK_OK : damaged(reader);
}

/* The expression that a step computes, of which its type is left, and its value. */
static dk_status get_col(struct reader *reader, struct step *step)
{
    dk_type type = (dk_type)cursor_u8(&reader->cursor);
    if (type == DK_TYPE_COUNT && step->kind == STEP_SELECT)
        return DK_OK;
    struct col *col = arena_calloc(&reader->program->arena, sizeof(*col));
    if (!col)
        return nomem(reader);
    col->type = type;
    step->col = col;
    if (type >= DK_TYPE_COUNT)
        return damaged(reader);
    return step->kind == STEP_LITERAL ? get_literal(reader, type, &col->literal) : DK_OK;
}

static dk_status get_step(struct reader *reader)
{
    struct step step = {.kind = (enum step_kind)cursor_u8(&reader->cursor)};
    step.domain = get_int(reader);
    step.out = get_int(reader);
    step.a = get_int(reader);
    step.b = get_int(reader);
    step.input = get_int(reader);
    step.number = get_int(reader);
    step.unit_ns = cursor_i64(&reader->cursor);
    const char *kernel = cursor_text(&reader->cursor);
    step.kernel = kernel ? registry_intern(&reader->dk->registry, kernel) : NULL;
    if (kernel && !step.kernel)
        return nomem(reader);
    dk_status status = get_col(reader, &step);
    if (status == DK_OK && vector_append(&reader->program->steps, &step, 1) == DK_OK)
        return DK_OK;
    if (step.col)
        column_unref(step.col->literal);
    return status == DK_OK ? nomem(reader) : status;
}

static dk_status get_steps(struct reader *reader)
{
    size_t count = 0;
    DK_TRY(get_count(reader, &count));
    for (size_t i = 0; i < count; i++)
        DK_TRY(get_step(reader));
    return DK_OK;
}

static dk_status get_types(struct reader *reader)
{
    size_t count = 0;
    const struct col *none = NULL;
    DK_TRY(get_count(reader, &count));
    for (size_t i = 0; i < count; i++) {
        dk_type type = (dk_type)cursor_u8(&reader->cursor);
        if (type >= DK_TYPE_COUNT)
            return damaged(reader);
        if (vector_append(&reader->program->types, &type, 1) != DK_OK ||
            vector_append(&reader->program->registers, &none, 1) != DK_OK)
            return nomem(reader);
    }
    return DK_OK;
}

static dk_status get_domains(struct reader *reader)
{
    size_t count = 0;
    DK_TRY(get_count(reader, &count));
    reader->program->domains.count = 0;
    for (size_t i = 0; i < count; i++) {
        struct domain domain = {.rows = reader->program->source, .parent = get_int(reader)};
        domain.first_load = get_int(reader);
        domain.nloads = get_int(reader);
        if (vector_append(&reader->program->domains, &domain, 1) != DK_OK)
            return nomem(reader);
    }
    return DK_OK;
}

static dk_status get_grouped(struct reader *reader, struct sink *sink, const char *index_name)
{
    struct rowset *grouped = arena_calloc(&reader->program->arena, sizeof(*grouped));
    if (!grouped)
        return nomem(reader);
    grouped->index_name = index_name;
    sink->grouped = grouped;
    return DK_OK;
}

static dk_status get_specs(struct reader *reader, struct sink *sink)
{
    size_t count = 0;
    DK_TRY(get_count(reader, &count));
    for (size_t i = 0; i < count; i++) {
        struct agg_spec spec = {.agg = (enum agg)cursor_u8(&reader->cursor)};
        spec.input = get_int(reader);
        if (vector_append(&sink->specs, &spec, 1) != DK_OK)
            return nomem(reader);
    }
    return DK_OK;
}

static dk_status get_names(struct reader *reader, struct sink *sink)
{
    size_t count = 0;
    DK_TRY(get_count(reader, &count));
    for (size_t i = 0; i < count; i++) {
        const char *name = NULL;
        DK_TRY(get_name(reader, &name));
        if (vector_append(&sink->names, &name, 1) != DK_OK)
            return nomem(reader);
    }
    return DK_OK;
}

static dk_status get_sink(struct reader *reader, struct sink *sink)
{
    const char *index_name = NULL;
    bool is_grouped = cursor_u8(&reader->cursor);
    DK_TRY(get_name(reader, &index_name));
    if (is_grouped)
        DK_TRY(get_grouped(reader, sink, index_name));
    else
        sink->index_name = index_name;
    sink->domain = get_int(reader);
    sink->index = get_int(reader);
    sink->key = get_int(reader);
    sink->is_series = cursor_u8(&reader->cursor);
    DK_TRY(get_ints(reader, &sink->registers));
    DK_TRY(get_names(reader, sink));
    return get_specs(reader, sink);
}

static dk_status get_sinks(struct reader *reader)
{
    size_t count = 0;
    DK_TRY(get_count(reader, &count));
    for (size_t i = 0; i < count; i++) {
        struct sink *sink = vector_push(&reader->program->sinks);
        if (!sink)
            return nomem(reader);
        sink_init(sink, reader->program->memory);
        DK_TRY(get_sink(reader, sink));
    }
    return DK_OK;
}

/* The rows it walks, of which the kind and the files are left. */
static dk_status get_source(struct reader *reader)
{
    struct program *program = reader->program;
    struct rowset *source = arena_calloc(&program->arena, sizeof(*source));
    if (!source)
        return nomem(reader);
    if (cursor_u32(&reader->cursor) != MAGIC)
        return error_set(reader->err, DK_EPARSE, "no program of a frame, or of another version");
    program->source = source;
    source->kind = (enum rowset_kind)cursor_u8(&reader->cursor);
    source->npartitions = get_int(reader);
    if (source->kind > ROWS_MAP || source->npartitions < 1)
        return damaged(reader);
    if (source->kind != ROWS_CSV)
        return DK_OK;
    return csv_source_get(program->memory, &reader->cursor, &source->csv, reader->err);
}

static dk_status get_program(struct reader *reader)
{
    struct program *program = reader->program;
    DK_TRY(get_source(reader));
    program->limit = get_int(reader);
    program->nscalars = get_int(reader);
    DK_TRY(get_ints(reader, &program->loads));
    DK_TRY(get_types(reader));
    DK_TRY(get_domains(reader));
    DK_TRY(get_steps(reader));
    DK_TRY(get_sinks(reader));
    if (reader->cursor.overrun || cursor_left(&reader->cursor))
        return damaged(reader);
    return program_check(program, reader->err);
}

dk_status program_get(dk_context *dk, const void *bytes, size_t nbytes, struct program **out,
                      dk_error *err)
{
    struct reader reader = {.dk = dk, .err = err};
    reader.cursor = (struct cursor){bytes, (const char *)bytes + nbytes, false};
    reader.program = program_new(dk, NULL);
    if (!reader.program)
        return error_nomem(err);
    reader.program->is_stand_in = true;
    dk_status status = get_program(&reader);
    if (status == DK_OK)
        *out = reader.program;
    else
        program_unref(reader.program);
    return status;
}
