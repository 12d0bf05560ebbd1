/* Where frames begin: files, tables, literals. */
#include <stdio.h>
#include <string.h>

#include "column/kernels/datetime.h"
#include "column/kernels/number_text.h"
#include "column/table.h"
#include "frame/build.h"

/* One COL_SOURCE a column, over `rows`. */
static dk_frame frame_of_sources(dk_context *dk, const struct rowset *rows, int32_t ncolumns,
                                 const char *const *names, const dk_type *types)
{
    size_t nbytes = (size_t)ncolumns * sizeof(struct col *);
    const struct col **columns = memory_calloc(dk->memory, nbytes);
    if (!columns)
        return frame_nomem(dk);
    dk_frame frame = frame_nomem(dk);
    int32_t i = 0;
    for (; i < ncolumns; i++) {
        struct col wanted = {.kind = COL_SOURCE, .type = types[i], .rows = rows, .number = i};
        wanted.text = names[i];
        columns[i] = col_intern(dk->expressions, &wanted);
        if (!columns[i])
            break;
    }
    if (i == ncolumns)
        frame = frame_new(dk, SHAPE_FRAME, rows, ncolumns, names, columns);
    memory_free(dk->memory, columns, nbytes);
    return frame;
}

/* The names and types of a source, in arrays of the ledger. */
struct schema {
    struct memory *memory;
    int32_t ncolumns;
    const char **names;
    dk_type *types;
};

static dk_status schema_init(struct schema *schema, struct memory *memory, int32_t ncolumns)
{
    schema->memory = memory;
    schema->ncolumns = ncolumns;
    schema->names = memory_calloc(memory, (size_t)ncolumns * sizeof(*schema->names));
    schema->types = memory_calloc(memory, (size_t)ncolumns * sizeof(*schema->types));
    return schema->names && schema->types ? DK_OK : DK_ENOMEM;
}

static void schema_deinit(struct schema *schema)
{
    memory_free(schema->memory, schema->names, (size_t)schema->ncolumns * sizeof(*schema->names));
    memory_free(schema->memory, schema->types, (size_t)schema->ncolumns * sizeof(*schema->types));
}

static dk_frame frame_of_csv(dk_context *dk, struct csv_source *csv)
{
    struct rowset wanted = {
        .kind = ROWS_CSV,
        .npartitions = csv_source_nblocks(csv),
        .index_type = DK_INT64,
        .numbered = true,
        .csv = csv,
    };
    const struct rowset *rows = rowset_intern(dk->expressions, &wanted);
    if (!rows)
        return frame_nomem(dk);
    struct schema schema;
    dk_frame frame = frame_nomem(dk);
    if (schema_init(&schema, dk->memory, csv_source_ncolumns(rows->csv)) == DK_OK) {
        for (int32_t i = 0; i < schema.ncolumns; i++) {
            schema.names[i] = csv_source_name(rows->csv, i);
            schema.types[i] = csv_source_type(rows->csv, i);
        }
        frame = frame_of_sources(dk, rows, schema.ncolumns, schema.names, schema.types);
    }
    schema_deinit(&schema);
    return frame;
}

dk_frame dk_read_csv_list(dk_context *dk, dk_names paths, const dk_csv_options *options)
{
    dk_error err = {0};
    struct csv_source *csv = NULL;
    dk_status status = csv_source_open(dk->memory, paths.names, paths.count, options, &csv, &err);
    building_begin(dk);
    return hand_out(status == DK_OK ? frame_of_csv(dk, csv) : frame_error(dk, &err));
}

dk_frame dk_read_csv(dk_context *dk, const char *path, const dk_csv_options *options)
{
    return dk_read_csv_list(dk, (dk_names){&path, 1}, options);
}

dk_frame frame_of_schema(dk_context *dk, const struct rowset *rows, bool is_frame, int32_t ncolumns,
                         const char *const *names, const dk_type *types)
{
    dk_frame frame = frame_of_sources(dk, rows, ncolumns, names, types);
    if (is_frame || frame.expression->error)
        return frame;
    return frame_series(dk, rows, names[0], frame.expression->columns[0]);
}

dk_frame frame_of_results(dk_context *dk, const struct rowset *rows,
                          const struct dk_expression *like)
{
    struct schema schema;
    dk_frame frame = frame_nomem(dk);
    if (schema_init(&schema, dk->memory, like->ncolumns) == DK_OK) {
        for (int32_t i = 0; i < schema.ncolumns; i++) {
            schema.names[i] = like->names[i];
            schema.types[i] = like->columns[i]->type;
        }
        frame = frame_of_schema(dk, rows, like->shape == SHAPE_FRAME, schema.ncolumns, schema.names,
                                schema.types);
    }
    schema_deinit(&schema);
    return frame;
}

dk_frame frame_of_table(dk_context *dk, const struct rowset *rows, const dk_table *table)
{
    struct schema schema;
    dk_frame frame = frame_nomem(dk);
    if (schema_init(&schema, dk->memory, table->ncolumns) == DK_OK) {
        for (int32_t i = 0; i < schema.ncolumns; i++) {
            schema.names[i] = table->names[i];
            schema.types[i] = table->columns[i]->view.type;
        }
        frame = frame_of_sources(dk, rows, schema.ncolumns, schema.names, schema.types);
    }
    schema_deinit(&schema);
    if (!table->is_series || frame.expression->error)
        return frame;
    return frame_series(dk, rows, table->names[0], frame.expression->columns[0]);
}

static dk_frame partitions_of(dk_context *dk, dk_table *table, int32_t npartitions)
{
    if (npartitions < 1) {
        return frame_fail(dk, DK_EINVAL, "from_table: npartitions must be at least 1, not %d",
                          npartitions);
    }
    if (npartitions > table->nrows)
        npartitions = table->nrows ? (int32_t)table->nrows : 1;
    struct rowset wanted = {
        .kind = ROWS_TABLE,
        .npartitions = npartitions,
        .index_type = dk_table_index_type(table),
        .index_name = table->index_name,
        .numbered = !table->index && npartitions == 1,
        .table = dk_table_ref(table),
    };
    const struct rowset *rows = rowset_intern(dk->expressions, &wanted);
    if (!rows)
        return frame_nomem(dk);
    return frame_of_table(dk, rows, table);
}

dk_frame dk_from_table(dk_context *dk, dk_table *table, int32_t npartitions)
{
    building_begin(dk);
    return hand_out(partitions_of(dk, table, npartitions));
}

/* ---- literals ---- */

/* Takes the vec's storage. */
static dk_frame literal(dk_context *dk, struct vec *vec, dk_status status, const char *text)
{
    struct col wanted = {.kind = COL_LITERAL, .type = vec->type, .text = text};
    if (status == DK_OK)
        status = vec_freeze(vec, &wanted.literal);
    vec_deinit(vec);
    if (status != DK_OK)
        return frame_nomem(dk);
    return frame_series(dk, NULL, NULL, col_intern(dk->expressions, &wanted));
}

static dk_frame fixed_literal(dk_context *dk, dk_type type, const void *value, const char *text)
{
    struct vec vec;
    vec_init(&vec, dk->memory, type);
    dk_status status = vec_reset(&vec, 1);
    if (status == DK_OK)
        memcpy(vec.data, value, type_nbytes(type));
    return literal(dk, &vec, status, text);
}

dk_frame dk_bool(dk_context *dk, bool value)
{
    uint8_t byte = value;
    building_begin(dk);
    return hand_out(fixed_literal(dk, DK_BOOL, &byte, value ? "True" : "False"));
}

dk_frame dk_int(dk_context *dk, int64_t value)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    building_begin(dk);
    return hand_out(fixed_literal(dk, DK_INT64, &value, text));
}

dk_frame float_literal(dk_context *dk, double value)
{
    char text[32];
    snprintf(text, sizeof(text), "%.17g", value);
    return fixed_literal(dk, DK_FLOAT64, &value, text);
}

dk_frame dk_float(dk_context *dk, double value)
{
    building_begin(dk);
    return hand_out(float_literal(dk, value));
}

dk_frame dk_text(dk_context *dk, const char *value)
{
    struct vec vec;
    vec_init(&vec, dk->memory, DK_TEXT);
    building_begin(dk);
    return hand_out(literal(dk, &vec, vec_append_text(&vec, value, strlen(value)), value));
}

dk_frame dk_timestamp(dk_context *dk, int64_t ns)
{
    char text[40];
    timestamp_format(ns, ns % NS_PER_DAY == 0, ns % NS_PER_SECOND == 0 ? 0 : 9, text);
    building_begin(dk);
    return hand_out(fixed_literal(dk, DK_TIMESTAMP, &ns, text));
}

dk_frame dk_duration(dk_context *dk, int64_t ns)
{
    char text[NUMBER_TEXT_MAX + 1];
    text[number_format_duration(ns, text)] = '\0';
    building_begin(dk);
    return hand_out(fixed_literal(dk, DK_DURATION, &ns, text));
}
