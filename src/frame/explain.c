/* dk_explain: the expression as written, and the passes it becomes. */
#include <inttypes.h>

#include "base/text.h"
#include "frame/lower.h"

/* ---- as written ---- */

static void put_rows(struct text *text, const struct rowset *rows, int depth);

/* What lies deeper than that is left out: parts that are used again and again fill the page. */
#define LEVELS_MAX 8

static void put_part(struct text *text, const struct col *col, int levels)
{
    if (!levels) {
        text_puts(text, "...");
        return;
    }
    switch (col->kind) {
    case COL_SOURCE:
    case COL_LITERAL:
        text_puts(text, col->text ? col->text : "");
        break;
    case COL_INDEX:
        text_puts(text, "index");
        break;
    case COL_BINARY:
        text_putc(text, '(');
        put_part(text, col->a, levels - 1);
        text_printf(text, " %s ", binary_op_symbol((enum binary_op)col->number));
        put_part(text, col->b, levels - 1);
        text_putc(text, ')');
        break;
    case COL_UNARY:
        text_printf(text, "%s(", unary_op_symbol((enum unary_op)col->number));
        put_part(text, col->a, levels - 1);
        text_putc(text, ')');
        break;
    case COL_CAST:
        put_part(text, col->a, levels - 1);
        text_printf(text, ".astype(%s)", dk_type_name(col->type));
        break;
    case COL_ROUND:
    case COL_FIELD: {
        static const char *const rounds[] = {"round", "floor", "ceil"};
        put_part(text, col->a, levels - 1);
        if (col->kind == COL_FIELD) {
            text_printf(text, ".dt.%s", dt_field_name((enum dt_field)col->number));
        } else {
            text_printf(text, ".dt.%s('%s')", rounds[col->number], col->text);
        }
        break;
    }
    case COL_AGGREGATE:
        if (col->a) {
            put_part(text, col->a, levels - 1);
            text_putc(text, '.');
        }
        text_printf(text, "%s()", agg_name((enum agg)col->number));
        break;
    default:
        put_part(text, col->a, levels);
    }
}

static void put_column(struct text *text, const struct col *col)
{
    put_part(text, col, LEVELS_MAX);
}

static void indent(struct text *text, int depth)
{
    text_repeat(text, ' ', (size_t)depth * 2);
}

static void put_source(struct text *text, const struct rowset *rows)
{
    if (rows->kind == ROWS_CSV) {
        const struct csv_source *csv = rows->csv;
        text_printf(text, "read_csv: %d columns, %d files, %d partitions, from %s\n",
                    csv_source_ncolumns(csv), csv_source_nfiles(csv), rows->npartitions,
                    csv_source_path(csv, 0));
    } else {
        text_printf(text, "from_table: %" PRId64 " rows, %d partitions\n",
                    dk_table_nrows(rows->table), rows->npartitions);
    }
}

static void put_rows(struct text *text, const struct rowset *rows, int depth)
{
    indent(text, depth);
    switch (rows->kind) {
    case ROWS_PERSISTED:
        text_printf(text, "persisted: %d partitions\n", rows->npartitions);
        return;
    case ROWS_CSV:
    case ROWS_TABLE:
        put_source(text, rows);
        return;
    case ROWS_FILTER:
        text_puts(text, "filter: ");
        break;
    case ROWS_GROUP:
        text_puts(text, "groupby: ");
        break;
    case ROWS_REDUCE:
        text_puts(text, "reduce all rows");
        break;
    case ROWS_ALIGN:
        text_puts(text, "align by label (outer join)");
        break;
    case ROWS_MAP:
        text_printf(text, "map_partitions: %s", rows->call->function->name);
        break;
    }
    if (rows->column)
        put_column(text, rows->column);
    text_putc(text, '\n');
    put_rows(text, rows->left, depth + 1);
    if (rows->right)
        put_rows(text, rows->right, depth + 1);
}

static void put_frame(struct text *text, const struct dk_expression *frame)
{
    if (frame->shape == SHAPE_DELAYED) {
        text_printf(text, "  delayed %s: %zu arguments\n", frame->call->function->name,
                    frame->call->nargs);
        return;
    }
    for (int32_t i = 0; i < frame->ncolumns; i++) {
        text_printf(text, "  %s = ", frame->names[i] ? frame->names[i] : "(unnamed)");
        put_column(text, frame->columns[i]);
        text_putc(text, '\n');
    }
    put_rows(text, frame->rows, 2);
}

/* ---- as run ---- */

/* The filters that a domain is behind. */
static void put_conditions(struct text *text, const struct program *program, int32_t number)
{
    const struct domain *domain = program_domain(program, number);
    if (domain->parent > 0) {
        put_conditions(text, program, domain->parent);
        text_puts(text, " and ");
    }
    put_column(text, domain->rows->column);
}

static void put_loads(struct text *text, const struct program *program, const struct domain *domain)
{
    const struct csv_source *csv = program->source->csv;
    for (int32_t i = 0; i < domain->nloads; i++) {
        int32_t column = vector_int(&program->loads, (size_t)(domain->first_load + i));
        text_printf(text, "%s %s %s", i ? "," : "", csv_source_name(csv, column),
                    dk_type_name(csv_source_type(csv, column)));
    }
    text_putc(text, '\n');
}

/* What is parsed in every row, and what only in those that a filter passes. */
static void put_parsed(struct text *text, const struct program *program)
{
    indent(text, 3);
    text_printf(text, "parses %zu of %d columns:", program->loads.count,
                csv_source_ncolumns(program->source->csv));
    put_loads(text, program, program_domain(program, 0));
    for (int32_t i = 1; i < (int32_t)program->domains.count; i++) {
        const struct domain *domain = program_domain(program, i);
        if (!domain->nloads)
            continue;
        indent(text, 4);
        text_puts(text, "where ");
        put_conditions(text, program, i);
        text_putc(text, ':');
        put_loads(text, program, domain);
    }
}

static void put_steps(struct text *text, const struct program *program)
{
    const struct step *steps = program_steps(program);
    for (size_t i = 0; i < program->steps.count; i++) {
        const struct step *step = &steps[i];
        if (step->kind < STEP_BINARY || step->kind == STEP_TAKE)
            continue;
        indent(text, 3);
        if (step->kind == STEP_SELECT) {
            text_puts(text, "keep rows where ");
            put_column(text, program_domain(program, step->domain)->rows->column);
        } else {
            text_puts(text, "compute ");
            put_column(text, step->col);
        }
        text_putc(text, '\n');
    }
}

static void put_sink(struct text *text, const struct sink *sink)
{
    indent(text, 3);
    if (!sink->grouped) {
        text_printf(text, "collect %zu columns\n", sink->registers.count);
        return;
    }
    text_puts(text, sink->grouped->column ? "group by " : "reduce");
    if (sink->grouped->column)
        put_column(text, sink->grouped->column);
    text_putc(text, ':');
    const struct col *const *columns = sink->columns.data;
    for (size_t i = 0; i < sink->columns.count; i++) {
        text_puts(text, i ? ", " : " ");
        put_column(text, columns[i]);
    }
    text_putc(text, '\n');
}

static void put_pass(struct text *text, const struct pass *pass, int number)
{
    static const char *const sources[] = {
        [ROWS_CSV] = "the files",
        [ROWS_TABLE] = "the table",
        [ROWS_GROUP] = "the groups",
        [ROWS_REDUCE] = "the reduced row",
        [ROWS_ALIGN] = "the joined rows",
        [ROWS_MAP] = "the mapped partitions",
        [ROWS_PERSISTED] = "the persisted partitions",
    };
    text_printf(text, "  pass %d over %s, %d task%s\n", number, sources[pass->source->kind],
                pass->source->npartitions, pass->source->npartitions == 1 ? "" : "s");
    if (pass->source->kind == ROWS_CSV)
        put_parsed(text, pass->program);
    put_steps(text, pass->program);
    for (size_t i = 0; i < pass->program->sinks.count; i++) {
        put_sink(text, program_sink(pass->program, i));
    }
}

static void put_plan(struct text *text, const struct lowering *lowering)
{
    size_t left = lowering->passes.count;
    int number = 1;
    for (int32_t depth = 0; left; depth++) {
        for (size_t i = 0; i < lowering->passes.count; i++) {
            const struct pass *pass = lowering_pass(lowering, (int32_t)i);
            if (pass->depth != depth)
                continue;
            put_pass(text, pass, number++);
            left--;
        }
    }
}

static dk_status lower_frames(struct lowering *lowering, const dk_frame *frames, size_t nframes,
                              dk_error *err)
{
    for (size_t i = 0; i < nframes; i++) {
        const struct dk_expression *frame = frames[i].expression;
        if (frame->shape == SHAPE_DELAYED)
            continue;
        struct place place;
        if (lower_frame(lowering, frame, &place) != DK_OK)
            return error_nomem(err);
    }
    return lower_push_filters(lowering) == DK_OK ? DK_OK : error_nomem(err);
}

static dk_status explain(const dk_frame *frames, size_t nframes, struct lowering *lowering,
                         struct text *text, char **out, dk_error *err)
{
    dk_task_id *keys = arena_alloc(&lowering->arena, nframes * sizeof(*keys));
    dk_graph *graph = NULL;
    if (!keys)
        return error_nomem(err);
    DK_TRY(dk_frame_graph(frames, nframes, &graph, keys, err));
    size_t ntasks = dk_graph_ntasks(graph);
    dk_graph_free(graph);
    DK_TRY(lower_frames(lowering, frames, nframes, err));
    text_puts(text, "expression\n");
    for (size_t i = 0; i < nframes; i++)
        put_frame(text, frames[i].expression);
    text_puts(text, "plan\n");
    put_plan(text, lowering);
    text_printf(text, "  %zu tasks in all\n", ntasks);
    return text_export(text, out) == DK_OK ? DK_OK : error_nomem(err);
}

dk_status dk_explain(const dk_frame *frames, size_t nframes, char **out, dk_error *err)
{
    if (!nframes)
        return error_set(err, DK_EINVAL, "nothing to explain");
    struct lowering lowering;
    struct text text;
    lowering_init(&lowering, frames[0].dk);
    text_init(&text, frames[0].dk->memory);
    dk_status status = explain(frames, nframes, &lowering, &text, out, err);
    text_deinit(&text);
    lowering_deinit(&lowering);
    return status;
}
