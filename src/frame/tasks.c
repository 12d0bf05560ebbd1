/* The task functions that graphs of frames are made of. */
#include "column/kernels/align.h"
#include "column/table.h"
#include "frame/conform.h"
#include "frame/delayed.h"
#include "frame/file.h"
#include "frame/lower.h"
#include "frame/pass.h"
#include "graph/value.h"

static const struct program *program_of(dk_value value)
{
    return dk_value_as_object(value, &program_object);
}

/* `tables` is scratch for the tables among the arguments; a list gives all of its own. */
static size_t gather_tables(const dk_value *args, size_t nargs, dk_table **tables)
{
    size_t count = 0;
    for (size_t i = 0; i < nargs; i++) {
        if (args[i].kind == DK_KIND_TABLE) {
            tables[count++] = args[i].as.table;
            continue;
        }
        size_t nitems = 0;
        const dk_value *items = dk_value_items(args[i], &nitems);
        count += gather_tables(items, nitems, tables + count);
    }
    return count;
}

static size_t count_tables(const dk_value *args, size_t nargs)
{
    size_t count = 0;
    for (size_t i = 0; i < nargs; i++) {
        size_t nitems = 0;
        const dk_value *items = dk_value_items(args[i], &nitems);
        count += args[i].kind == DK_KIND_TABLE ? 1 : count_tables(items, nitems);
    }
    return count;
}

/* Tasks that other processes send may have any. */
static dk_status wrong_arguments(const char *function, dk_error *err)
{
    return error_set(err, DK_ETYPE, "%s() was called with arguments that are not its own",
                     function);
}

/* frame.pass(program, number, [file,] tables..., scalars...) -> a list, one item a sink
 * The number is that of the block in the file; of a table that a frame holds, whose rows of one
 * partition come, that of the first row. */
static dk_status run_pass(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                          dk_error *err)
{
    const struct program *program = nargs > 1 ? program_of(args[0]) : NULL;
    if (!program || args[1].kind != DK_KIND_INT)
        return wrong_arguments("frame.pass", err);
    int64_t number = args[1].as.integer;
    size_t count = count_tables(args + 2, nargs - 2);
    dk_table **tables = memory_alloc(program->memory, count * sizeof(*tables));
    if (!tables)
        return error_nomem(err);
    gather_tables(args + 2, nargs - 2, tables);
    struct pass_input input = {
        .csv = nargs > 2 ? file_of(args[2]) : NULL,
        .block = (int32_t)number,
        .first_label = program->source->kind == ROWS_TABLE ? number : 0,
        .tables = tables,
        .scalars = tables + (count - (size_t)program->nscalars),
    };
    dk_status status = program_takes(program, input.csv, number, tables, count)
                           ? pass_run(task, program, &input, result, err)
                           : wrong_arguments("frame.pass", err);
    memory_free(program->memory, tables, count * sizeof(*tables));
    return status;
}

/* The sink's item of a pass's list, or the value itself; null when there is none. */
static dk_value item_of(dk_value value, int64_t in_list)
{
    size_t count = 0;
    if (in_list < 0)
        return value;
    const dk_value *items = dk_value_items(value, &count);
    return (uint64_t)in_list < count ? items[in_list] : dk_value_null();
}

static bool is_list_of_tables(dk_value value, size_t wanted)
{
    size_t count = 0;
    const dk_value *items = value.kind == DK_KIND_LIST ? dk_value_items(value, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (items[i].kind != DK_KIND_TABLE)
            return false;
    }
    return count == wanted;
}

static dk_status merge_one(const dk_task *task, struct groups *groups, dk_value partial,
                           dk_error *err)
{
    if (dk_task_is_cancelled(task))
        return error_set(err, DK_ECANCELED, "the computation was cancelled");
    size_t count = 0;
    const dk_value *items = dk_value_items(partial, &count);
    if (!is_list_of_tables(partial, (size_t)groups_npartials(groups)))
        return wrong_arguments("frame.combine", err);
    struct memory *memory = items[0].as.table->memory;
    dk_table **tables = memory_alloc(memory, count * sizeof(*tables));
    if (!tables)
        return error_nomem(err);
    for (size_t i = 0; i < count; i++)
        tables[i] = items[i].as.table;
    dk_status status = groups_merge(groups, tables, err);
    memory_free(memory, tables, count * sizeof(*tables));
    return status;
}

/* The grouped sink that the arguments of a merge begin with; NULL: they do not. */
static const struct sink *sink_of(const dk_value *args, size_t nargs)
{
    const struct program *program = nargs > 2 ? program_of(args[0]) : NULL;
    if (!program || args[1].kind != DK_KIND_INT || args[2].kind != DK_KIND_INT ||
        (uint64_t)args[1].as.integer >= program->sinks.count)
        return NULL;
    const struct sink *sink = program_sink(program, (size_t)args[1].as.integer);
    return sink->grouped ? sink : NULL;
}

/* (program, sink, in_list, partials...) -> the groups of all partials */
static dk_status merge(const dk_task *task, const dk_value *args, size_t nargs, struct groups **out,
                       dk_error *err)
{
    const struct sink *sink = sink_of(args, nargs);
    if (!sink)
        return wrong_arguments("frame.combine", err);
    const struct program *program = program_of(args[0]);
    int64_t begin_ns = task_kernel_begin(task);
    DK_TRY(pass_groups(program, sink, out, err));
    for (size_t i = 3; i < nargs; i++) {
        dk_status status = merge_one(task, *out, item_of(args[i], args[2].as.integer), err);
        if (status == DK_OK)
            continue;
        groups_free(*out);
        return status;
    }
    task_kernel_end(task, "merge", begin_ns, (int64_t)nargs - 3, 0);
    return DK_OK;
}

/* frame.combine(program, sink, in_list, partials...) -> a partial */
static dk_status combine(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                         dk_error *err)
{
    struct groups *groups = NULL;
    DK_TRY(merge(task, args, nargs, &groups, err));
    dk_status status = pass_partial(program_of(args[0])->memory, groups, result, err);
    groups_free(groups);
    return status;
}

/* Aggregates have no names here: whoever collects them names them. */
static dk_status finish_groups(const struct program *program, const struct sink *sink,
                               const struct groups *groups, dk_table **out, dk_error *err)
{
    size_t nbytes = sink->specs.count * sizeof(char *);
    const char **names = memory_calloc(program->memory, nbytes);
    if (!names)
        return error_nomem(err);
    for (size_t i = 0; i < sink->specs.count; i++)
        names[i] = "";
    dk_status status = groups_result(groups, names, sink->grouped->index_name, false, out, err);
    memory_free(program->memory, names, nbytes);
    return status;
}

/* frame.finish(program, sink, in_list, partials...) -> the table of all groups */
static dk_status finish(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    struct groups *groups = NULL;
    DK_TRY(merge(task, args, nargs, &groups, err));
    dk_table *table = NULL;
    dk_status status =
        finish_groups(program_of(args[0]), sink_of(args, nargs), groups, &table, err);
    groups_free(groups);
    if (status == DK_OK)
        *result = dk_value_table(table);
    return status;
}

/* frame.concat(in_list, parts...) -> one table */
static dk_status concat(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    struct memory *memory = dk_task_context(task)->memory;
    if (nargs < 2 || args[0].kind != DK_KIND_INT)
        return wrong_arguments("frame.concat", err);
    size_t count = nargs - 1;
    for (size_t i = 0; i < count; i++) {
        if (item_of(args[i + 1], args[0].as.integer).kind != DK_KIND_TABLE)
            return wrong_arguments("frame.concat", err);
    }
    dk_table **tables = memory_alloc(memory, count * sizeof(*tables));
    if (!tables)
        return error_nomem(err);
    for (size_t i = 0; i < count; i++)
        tables[i] = item_of(args[i + 1], args[0].as.integer).as.table;
    dk_table *table = NULL;
    dk_status status = table_concat(memory, tables, count, &table, err);
    memory_free(memory, tables, count * sizeof(*tables));
    if (status == DK_OK)
        *result = dk_value_table(table);
    return status;
}

/* ---- alignment ---- */

/* The table with its rows at the joined labels. */
static dk_status realign(const struct alignment *joined, dk_table *table, bool right,
                         dk_table **out, dk_error *err)
{
    struct column *column = column_ref(table->columns[0]);
    if (!joined->identical) {
        column_unref(column);
        const int64_t *rows = right ? joined->right : joined->left;
        DK_TRY(column_take(table->memory, &table->columns[0]->view, rows, joined->nrows, &column,
                           err));
    }
    const char *name = table->names[0];
    dk_status status =
        table_new(table->memory, joined->nrows, 1, &name, &column, NULL, joined->labels, true, out);
    column_unref(column);
    return status == DK_OK ? DK_OK : error_nomem(err);
}

static dk_status realign_all(struct memory *memory, const struct alignment *joined,
                             const dk_value *args, size_t ntables, dk_value *result, dk_error *err)
{
    dk_value *values = memory_calloc(memory, ntables * sizeof(*values));
    if (!values)
        return error_nomem(err);
    dk_status status = DK_OK;
    size_t count = 0;
    for (; count < ntables && status == DK_OK; count++) {
        dk_table *table = NULL;
        status =
            realign(joined, args[2 * count + 1].as.table, args[2 * count].as.boolean, &table, err);
        if (status == DK_OK)
            values[count] = dk_value_table(table);
    }
    if (status == DK_OK) {
        if (value_list(memory, values, ntables, result) != DK_OK)
            status = error_nomem(err);
    } else {
        for (size_t i = 0; i < count; i++)
            dk_value_unref(values[i]);
    }
    memory_free(memory, values, ntables * sizeof(*values));
    return status;
}

/* The first table of one side; all of a side have the same labels. */
static dk_table *side(const dk_value *args, size_t nargs, bool right)
{
    for (size_t i = 0; i + 1 < nargs; i += 2) {
        if (args[i].as.boolean == right)
            return args[i + 1].as.table;
    }
    return NULL;
}

static bool are_sides(const dk_value *args, size_t nargs)
{
    for (size_t i = 0; i + 1 < nargs; i += 2) {
        if (args[i].kind != DK_KIND_BOOL || args[i + 1].kind != DK_KIND_TABLE ||
            args[i + 1].as.table->ncolumns < 1 ||
            side(args, nargs, args[i].as.boolean)->nrows != args[i + 1].as.table->nrows)
            return false;
    }
    return nargs % 2 == 0 && side(args, nargs, false) && side(args, nargs, true);
}

/* frame.align(is_right, table, ...) -> the tables at the outer join of their labels */
static dk_status align(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                       dk_error *err)
{
    struct memory *memory = dk_task_context(task)->memory;
    if (!are_sides(args, nargs))
        return wrong_arguments("frame.align", err);
    struct column *left = table_index_column(side(args, nargs, false));
    struct column *right = table_index_column(side(args, nargs, true));
    struct alignment joined = {0};
    dk_status status =
        left && right ? align_outer(memory, left, right, &joined, err) : error_nomem(err);
    if (status == DK_OK) {
        status = realign_all(memory, &joined, args, nargs / 2, result, err);
        alignment_deinit(&joined);
    }
    column_unref(left);
    column_unref(right);
    return status;
}

/* frame.value(value) -> the value: a result that was kept */
static dk_status value(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                       dk_error *err)
{
    (void)task;
    if (nargs != 1)
        return wrong_arguments(KEPT_VALUE, err);
    *result = dk_value_ref(args[0]);
    return DK_OK;
}

dk_status frame_register(dk_context *dk, dk_error *err)
{
    DK_TRY(dk_register_type(dk, &program_object, err));
    DK_TRY(dk_register_type(dk, &file_object, err));
    DK_TRY(dk_register(dk, "frame.pass", run_pass, NULL, err));
    DK_TRY(dk_register(dk, "frame.combine", combine, NULL, err));
    DK_TRY(dk_register(dk, "frame.finish", finish, NULL, err));
    DK_TRY(dk_register(dk, "frame.concat", concat, NULL, err));
    DK_TRY(dk_register(dk, KEPT_VALUE, value, NULL, err));
    DK_TRY(dk_register(dk, "frame.conform", conform, NULL, err));
    return dk_register(dk, "frame.align", align, NULL, err);
}
