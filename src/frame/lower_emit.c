/* The graph of the passes: a task a partition, trees that combine what they give, and a task for
 * each result. */
#include <stdio.h>

#include "base/text.h"
#include "column/table.h"
#include "frame/file.h"
#include "frame/lower.h"
#include "frame/pass.h"
#include "graph/value.h"

/* Partials are merged this many at a time. */
#define SPLIT_EVERY 16
/* Results are taken out of a pass's list unless they come from a combination. */
#define NOT_IN_A_LIST (-1)

struct emission {
    struct lowering *lowering;
    dk_graph *graph;
    dk_error *err;
};

/* ---- names ---- */

static struct token sink_token(const struct sink *sink)
{
    const int64_t parts[4] = {sink->domain, sink->key, sink->index, sink->is_series};
    const struct vector *registers = &sink->registers;
    const struct col *const *aggregates = sink->columns.data;
    const char *const *names = sink->names.data;
    struct token token = token_of(parts, sizeof(parts));
    token = token_mix(token, token_of(registers->data, registers->count * sizeof(int32_t)));
    for (size_t i = 0; i < sink->columns.count; i++)
        token = token_mix(token, aggregates[i]->node.token);
    for (size_t i = 0; i < sink->names.count; i++)
        token = token_mix(token, token_of_text(names[i]));
    return token;
}

/* The same work has the same key, whatever else is computed beside it. */
static struct token pass_token(const struct pass *pass)
{
    const struct program *program = pass->program;
    const struct col *const *columns = program->registers.data;
    struct token token = pass->source->node.token;
    token = token_mix(token, token_of(&program->limit, sizeof(program->limit)));
    for (size_t i = 0; i < program->registers.count; i++)
        token = token_mix(token, columns[i]->node.token);
    for (size_t i = 0; i < program->domains.count; i++)
        token = token_mix(token, program_domain(program, (int32_t)i)->rows->node.token);
    for (size_t i = 0; i < program->sinks.count; i++)
        token = token_mix(token, sink_token(program_sink(program, i)));
    return token;
}

static const char *source_label(const struct rowset *source)
{
    switch (source->kind) {
    case ROWS_CSV:
        return "read-csv";
    case ROWS_TABLE:
        return "from-table";
    case ROWS_PERSISTED:
        return "persisted";
    case ROWS_ALIGN:
        return "align";
    case ROWS_MAP:
        return source->call->function->name;
    case ROWS_REDUCE:
        return "reduced";
    default:
        return "grouped";
    }
}

/* "read-csv-dt.round-groupby-max-min-5f0c9a7e": the parts of a fused task stay visible in its key.
 */
static const char *label_of(struct lowering *lowering, const struct pass *pass)
{
    char token[33];
    token_text(pass_token(pass), token);
    struct text text;
    text_init(&text, lowering->memory);
    text_puts(&text, source_label(pass->source));
    const struct step *steps = program_steps(pass->program);
    for (size_t i = 0; i < pass->program->steps.count && text.length < 60; i++) {
        bool named = steps[i].kind >= STEP_ROUND && steps[i].kind <= STEP_SELECT;
        if (named)
            text_printf(&text, "-%s", steps[i].kernel);
    }
    for (size_t i = 0; i < pass->program->sinks.count && text.length < 70; i++) {
        const struct sink *sink = program_sink(pass->program, i);
        const struct agg_spec *specs = sink->specs.data;
        if (sink->grouped)
            text_puts(&text, sink->grouped->column ? "-groupby" : "-reduce");
        for (size_t j = 0; j < sink->specs.count && text.length < 70; j++) {
            text_printf(&text, "-%s", agg_name(specs[j].agg));
        }
    }
    text_printf(&text, "-%.12s", token);
    const char *label =
        text_status(&text) == DK_OK ? arena_strdup(&lowering->arena, text.data) : NULL;
    text_deinit(&text);
    return label;
}

static const char *part_label(struct emission *emission, const struct pass *pass, const char *part,
                              size_t sink, int level)
{
    char text[192];
    snprintf(text, sizeof(text), "%s-%zu-%d-%s", part, sink, level, pass->label);
    return arena_strdup(&emission->lowering->arena, text);
}

/* ---- tasks ---- */

/* Arguments of one task under construction. */
static dk_status push(struct vector *args, dk_value value)
{
    dk_status status = vector_append(args, &value, 1);
    if (status != DK_OK)
        dk_value_unref(value);
    return status;
}

static void drop(struct vector *args)
{
    const dk_value *values = args->data;
    for (size_t i = 0; i < args->count; i++)
        dk_value_unref(values[i]);
    vector_deinit(args);
}

/* Adds function(args...) and empties `args`. */
static dk_status add(struct emission *emission, dk_key key, const char *function,
                     struct vector *args, dk_task_id *out)
{
    dk_status status =
        dk_graph_add(emission->graph, key, function, args->data, args->count, out, emission->err);
    args->count = 0;
    return status;
}

/* The inputs of a ROWS_ALIGN, joined: one task that gives the list of all of them. */
static dk_status add_align(struct emission *emission, const struct pass *pass, struct vector *args,
                           dk_task_id *out)
{
    const struct place *inputs = pass->inputs.data;
    for (size_t i = 0; i < pass->inputs.count; i++) {
        DK_TRY(push(args, dk_value_bool(inputs[i].right)));
        DK_TRY(push(args, dk_value_task(lower_task(emission->lowering, inputs[i]))));
    }
    const char *label = part_label(emission, pass, "align", 0, 0);
    if (!label)
        return DK_ENOMEM;
    return add(emission, dk_key_text(label), "frame.align", args, out);
}

/* Keys of what is done for each partition of a ROWS_MAP. */
struct map_labels {
    const char *partition;
    const char *call;
    const char *conform;
};

static dk_status label_map(struct emission *emission, const struct pass *pass,
                           struct map_labels *out)
{
    out->partition = part_label(emission, pass, "partition", 0, 0);
    out->call = part_label(emission, pass, "map", 0, 0);
    out->conform = part_label(emission, pass, "conform", 0, 0);
    return out->partition && out->call && out->conform ? DK_OK : DK_ENOMEM;
}

/* Calls the function for a partition: what the pass before collected of it, taken out of its list;
 * the call; and the table made of what it gave. */
static dk_status add_map(struct emission *emission, const struct pass *pass,
                         const struct map_labels *labels, int32_t partition, struct vector *args,
                         dk_task_id *out)
{
    const struct place *input = pass->inputs.data;
    const dk_task_id *tasks = lowering_pass(emission->lowering, input->pass)->tasks.data;
    const struct call *call = pass->source->call;
    DK_TRY(push(args, dk_value_int(input->sink)));
    DK_TRY(push(args, dk_value_task(tasks[partition])));
    DK_TRY(add(emission, dk_key_at(labels->partition, partition), "frame.concat", args, out));
    DK_TRY(push(args, dk_value_task(*out)));
    for (size_t i = 0; i < call->nargs; i++)
        DK_TRY(push(args, dk_value_ref(call->args[i])));
    DK_TRY(add(emission, dk_key_at(labels->call, partition), call->function->name, args, out));
    DK_TRY(push(args, dk_value_table(dk_table_ref(pass->source->table))));
    DK_TRY(push(args, dk_value_task(*out)));
    return add(emission, dk_key_at(labels->conform, partition), "frame.conform", args, out);
}

/* The rows of a partition of a table: no task is sent more. Numbered ones are counted on from the
 * row that it begins with. */
static dk_status push_rows(const struct rowset *source, int32_t partition, struct vector *args)
{
    dk_table *rows = NULL;
    int64_t begin = pass_first_row(partition, source->npartitions, source->table->nrows);
    int64_t end = pass_first_row(partition + 1, source->npartitions, source->table->nrows);
    DK_TRY(push(args, dk_value_int(begin)));
    DK_TRY(table_window(source->table, begin, end - begin, &rows));
    return push(args, dk_value_table(rows));
}

/* The block of a partition: its number in its file, and the file, an object that is made for the
 * first of its blocks and kept in `file`. */
static dk_status push_block(struct memory *memory, const struct rowset *source, int32_t partition,
                            dk_value *file, struct vector *args)
{
    int32_t block = 0;
    int32_t number = csv_source_file_of(source->csv, partition, &block);
    if (block == 0) {
        dk_value_unref(*file);
        *file = dk_value_null();
        DK_TRY(file_value(memory, source->csv, number, file));
    }
    DK_TRY(push(args, dk_value_int(block)));
    return push(args, dk_value_ref(*file));
}

/* The rows of a partition that are there already: a table, or what stands for one on a cluster,
 * which is a task whose result is known. */
static dk_status push_result(struct emission *emission, const struct pass *pass, int32_t partition,
                             struct vector *args)
{
    size_t count = 0;
    dk_value result = dk_value_items(pass->source->results, &count)[partition];
    dk_task_id task = {0};
    if (result.kind == DK_KIND_TABLE) {
        DK_TRY(push(args, dk_value_int(partition)));
        return push(args, dk_value_ref(result));
    }
    const char *label = part_label(emission, pass, "result", 0, 0);
    if (!label)
        return DK_ENOMEM;
    dk_value_ref(result);
    DK_TRY(dk_graph_add(emission->graph, dk_key_at(label, partition), CLUSTER_RESULT, &result, 1,
                        &task, emission->err));
    DK_TRY(push(args, dk_value_int(partition)));
    return push(args, dk_value_task(task));
}

/* The tables a pass goes through: its inputs one by one, or the one task that `gives` them. */
static dk_status push_inputs(struct emission *emission, const struct pass *pass,
                             const dk_task_id *gives, struct vector *args)
{
    if (gives)
        return push(args, dk_value_task(*gives));
    const struct place *inputs = pass->inputs.data;
    for (size_t i = 0; i < pass->inputs.count; i++)
        DK_TRY(push(args, dk_value_task(lower_task(emission->lowering, inputs[i]))));
    return DK_OK;
}

static dk_status add_partition(struct emission *emission, struct pass *pass, dk_value program,
                               int32_t partition, const dk_task_id *gives, dk_value *file,
                               struct vector *args)
{
    const struct place *scalars = pass->scalars.data;
    dk_task_id task = {0};
    DK_TRY(push(args, dk_value_ref(program)));
    if (pass->source->kind == ROWS_TABLE)
        DK_TRY(push_rows(pass->source, partition, args));
    else if (pass->source->kind == ROWS_CSV)
        DK_TRY(push_block(emission->lowering->memory, pass->source, partition, file, args));
    else if (pass->source->kind == ROWS_PERSISTED)
        DK_TRY(push_result(emission, pass, partition, args));
    else
        DK_TRY(push(args, dk_value_int(partition)));
    DK_TRY(push_inputs(emission, pass, gives, args));
    for (size_t i = 0; i < pass->scalars.count; i++)
        DK_TRY(push(args, dk_value_task(lower_task(emission->lowering, scalars[i]))));
    DK_TRY(add(emission, dk_key_at(pass->label, partition), "frame.pass", args, &task));
    return vector_append(&pass->tasks, &task, 1);
}

static dk_status add_partitions(struct emission *emission, struct pass *pass, dk_value program,
                                dk_value *file, struct vector *args)
{
    int32_t count = pass->program->limit > 0 ? 1 : pass->source->npartitions;
    bool is_align = pass->source->kind == ROWS_ALIGN;
    bool is_map = pass->source->kind == ROWS_MAP;
    struct map_labels labels = {0};
    dk_task_id gives = {0};
    if (is_align)
        DK_TRY(add_align(emission, pass, args, &gives));
    if (is_map)
        DK_TRY(label_map(emission, pass, &labels));
    for (int32_t i = 0; i < count; i++) {
        if (is_map)
            DK_TRY(add_map(emission, pass, &labels, i, args, &gives));
        DK_TRY(add_partition(emission, pass, program, i, is_align || is_map ? &gives : NULL, file,
                             args));
    }
    return DK_OK;
}

/* One level of a tree: merges groups of SPLIT_EVERY until there are no more than that. `from` is
 * replaced. */
static dk_status combine(struct emission *emission, const struct pass *pass, dk_value program,
                         size_t sink, struct vector *from, int32_t *in_list, struct vector *args)
{
    for (int level = 1; from->count > SPLIT_EVERY; level++) {
        const char *label = part_label(emission, pass, "combine", sink, level);
        if (!label)
            return DK_ENOMEM;
        dk_task_id *tasks = from->data;
        size_t made = 0;
        for (size_t start = 0; start < from->count; start += SPLIT_EVERY, made++) {
            size_t end = start + SPLIT_EVERY < from->count ? start + SPLIT_EVERY : from->count;
            DK_TRY(push(args, dk_value_ref(program)));
            DK_TRY(push(args, dk_value_int((int64_t)sink)));
            DK_TRY(push(args, dk_value_int(*in_list)));
            for (size_t i = start; i < end; i++)
                DK_TRY(push(args, dk_value_task(tasks[i])));
            DK_TRY(add(emission, dk_key_at(label, (int64_t)made), "frame.combine", args,
                       &tasks[made]));
        }
        from->count = made;
        *in_list = NOT_IN_A_LIST;
    }
    return DK_OK;
}

static dk_status add_result(struct emission *emission, struct pass *pass, dk_value program,
                            size_t sink, struct vector *from, struct vector *args)
{
    bool grouped = program_sink(pass->program, sink)->grouped != NULL;
    int32_t in_list = (int32_t)sink;
    DK_TRY(vector_append(from, pass->tasks.data, pass->tasks.count));
    if (grouped)
        DK_TRY(combine(emission, pass, program, sink, from, &in_list, args));
    if (grouped) {
        DK_TRY(push(args, dk_value_ref(program)));
        DK_TRY(push(args, dk_value_int((int64_t)sink)));
    }
    DK_TRY(push(args, dk_value_int(in_list)));
    const dk_task_id *tasks = from->data;
    for (size_t i = 0; i < from->count; i++)
        DK_TRY(push(args, dk_value_task(tasks[i])));
    const char *label = part_label(emission, pass, grouped ? "finish" : "concat", sink, 0);
    if (!label)
        return DK_ENOMEM;
    dk_task_id task = {0};
    DK_TRY(
        add(emission, dk_key_text(label), grouped ? "frame.finish" : "frame.concat", args, &task));
    return vector_append(&pass->results, &task, 1);
}

static dk_status add_results(struct emission *emission, struct pass *pass, dk_value program,
                             struct vector *args)
{
    for (size_t sink = 0; sink < pass->program->sinks.count; sink++) {
        struct vector from;
        vector_init(&from, emission->lowering->memory, sizeof(dk_task_id));
        dk_status status = add_result(emission, pass, program, sink, &from, args);
        vector_deinit(&from);
        DK_TRY(status);
    }
    return DK_OK;
}

/* The program goes over to the graph's arguments; the pass only looks at it from then on. */
static dk_status emit_pass(struct emission *emission, struct pass *pass)
{
    struct memory *memory = emission->lowering->memory;
    pass->label = label_of(emission->lowering, pass);
    if (!pass->label)
        return DK_ENOMEM;
    dk_value program = dk_value_null();
    dk_value file = dk_value_null();
    struct program *owned = pass->program;
    program_hold(owned);
    struct vector args;
    vector_init(&args, memory, sizeof(dk_value));
    dk_status status = value_object(memory, &program_object, owned, &program);
    if (status != DK_OK)
        pass->program = NULL;
    if (status == DK_OK)
        status = add_partitions(emission, pass, program, &file, &args);
    if (status == DK_OK)
        status = add_results(emission, pass, program, &args);
    drop(&args);
    dk_value_unref(file);
    dk_value_unref(program);
    pass->program = NULL;
    pass->emitted = true;
    return status;
}

/* Shallow passes first: what a pass needs has been emitted before it. */
dk_status lower_emit(struct lowering *lowering, dk_graph *graph, dk_error *err)
{
    struct emission emission = {lowering, graph, err};
    size_t left = lowering->passes.count;
    for (int32_t depth = 0; left; depth++) {
        for (size_t i = 0; i < lowering->passes.count; i++) {
            struct pass *pass = lowering_pass(lowering, (int32_t)i);
            if (pass->depth != depth)
                continue;
            dk_status status = emit_pass(&emission, pass);
            if (status == DK_ENOMEM)
                return error_nomem(err);
            DK_TRY(status);
            left--;
        }
    }
    return DK_OK;
}

dk_task_id lower_task(const struct lowering *lowering, struct place place)
{
    const struct pass *pass = lowering_pass(lowering, place.pass);
    return ((const dk_task_id *)pass->results.data)[place.sink];
}

/* ---- partitions of their own ---- */

static dk_status add_taken(struct emission *emission, const struct pass *pass, struct place place,
                           const char *label, dk_task_id *out)
{
    const dk_task_id *tasks = pass->tasks.data;
    for (int32_t i = 0; i < pass->source->npartitions; i++) {
        dk_value args[2] = {dk_value_int(place.sink), dk_value_task(tasks[i])};
        DK_TRY(dk_graph_add(emission->graph, dk_key_at(label, i), "frame.concat", args, 2, &out[i],
                            emission->err));
    }
    return DK_OK;
}

/* Equal frames have equal keys, whatever else is computed beside them. */
dk_status lower_partitions(struct lowering *lowering, struct place place, struct token token,
                           dk_graph *graph, dk_task_id *out, dk_error *err)
{
    struct emission emission = {lowering, graph, err};
    const struct pass *pass = lowering_pass(lowering, place.pass);
    char hex[33], label[128];
    token_text(token, hex);
    snprintf(label, sizeof(label), "%.80s-%s", source_label(pass->source), hex);
    return add_taken(&emission, pass, place, label, out);
}
