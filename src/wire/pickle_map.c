#include "wire/pickle_map.h"

#include "base/error.h"
#include "wire/pickle_references.h"
#include "wire/unpickle.h"

/* Arguments of Expr._reconstruct: the class, then its parameters. */
enum { FUNCTION = 1, ITERABLES, KEY, PURE, ANNOTATIONS, KEYWORDS, CACHED_KEYS };

/* Longer keyword arguments are tasks of their own. */
#define SHARED_NBYTES 100000
/* An iterable that only Python can open goes whole with each row; all of them together may take: */
#define WHOLE_NBYTES_MAX ((size_t)64 << 20)

static const char spec_module[] = "dask._task_spec";

enum column_kind { COLUMN_ITEMS, COLUMN_RANGE, COLUMN_WHOLE };

/* One of the iterables. */
struct column {
    enum column_kind kind;
    struct pickle_node *whole;
    struct pickle_node **items; /* by row, `step` apart */
    size_t step;
    int64_t first; /* of a range, whose step is: */
    int64_t stride;
};

struct keyword {
    struct pickle_node *name;
    struct pickle_node *value;
    struct wire_value shared; /* the key of its task; nil: it is written out */
};

struct pickle_map {
    struct pickle_node *function;
    struct column *columns;
    uint32_t ncolumns;
    struct keyword *keywords;
    uint32_t nkeywords;
    uint32_t nshared; /* tasks in front of the rows */
};

/* A map while it is read. */
struct reading {
    struct pickle_graph *graph;
    struct pickle_map *map;
    const struct pickle_node *call;
    struct vector items; /* of struct pickle_node *: of the container at hand */
    uint32_t nrows;
    dk_error *err;
};

static void *alloc(struct reading *reading, size_t nbytes)
{
    return arena_calloc(reading->graph->tree.arena, nbytes);
}

static dk_status unclear(struct reading *reading, const char *what)
{
    return error_set(reading->err, DK_ENOTSUP, "client.map: %s", what);
}

/* The items of a container become `items`. */
static dk_status open_container(struct reading *reading, const struct pickle_node *node,
                                const char *otherwise)
{
    dk_status status = pickle_node_items(node, &reading->items);
    if (status == DK_ENOMEM)
        return error_nomem(reading->err);
    return status == DK_OK ? DK_OK : unclear(reading, otherwise);
}

static dk_status keep_items(struct reading *reading, struct pickle_node ***out)
{
    size_t nbytes = reading->items.count * sizeof(**out);
    *out = alloc(reading, nbytes);
    if (!*out)
        return error_nomem(reading->err);
    if (nbytes)
        memcpy(*out, reading->items.data, nbytes);
    return DK_OK;
}

/* The bytes of the pickle of one node, with its buffers. */
static dk_status measure(struct reading *reading, struct pickle_node *node, size_t *nbytes)
{
    struct pickle_part part;
    struct vector out, buffers;
    struct memory *memory = reading->graph->tree.arena->memory;
    vector_init(&out, memory, 1);
    vector_init(&buffers, memory, sizeof(uint32_t));
    pickle_part_begin(&part, &reading->graph->tree, &out, &buffers, reading->err);
    dk_status status = pickle_part_put(&part, node);
    if (status == DK_OK)
        status = pickle_part_end(&part);
    *nbytes = out.count;
    for (size_t i = 0; i < buffers.count; i++)
        *nbytes += reading->graph->buffers[((const uint32_t *)buffers.data)[i]].nbytes;
    vector_deinit(&buffers);
    vector_deinit(&out);
    return status;
}

/* ---- columns ---- */

static bool read_number(struct reading *reading, const struct pickle_node *node, int64_t *out)
{
    struct wire_value value;
    return pickle_key_read(reading->graph->tree.arena, node, &value) == DK_OK &&
           wire_read_int(&value, out);
}

/* range(start, stop, step), as it pickles itself. */
static bool read_range(struct reading *reading, struct column *column)
{
    const struct pickle_node *call = column->whole;
    column->kind = COLUMN_RANGE;
    return pickle_node_is_call(call, "builtins", "range") && !call->deeds &&
           read_number(reading, pickle_node_arg(call, 0), &column->first) &&
           read_number(reading, pickle_node_arg(call, 2), &column->stride) &&
           column->stride <= INT32_MAX && column->stride >= INT32_MIN &&
           column->first <= INT64_MAX / 2 && column->first >= INT64_MIN / 2;
}

static dk_status read_whole(struct reading *reading, struct column *column)
{
    size_t nbytes;
    column->kind = COLUMN_WHOLE;
    DK_TRY(measure(reading, column->whole, &nbytes));
    if (reading->nrows && nbytes > WHOLE_NBYTES_MAX / reading->nrows)
        return unclear(reading, "this scheduler takes large iterables as lists, tuples or ranges "
                                "only");
    return DK_OK;
}

static dk_status read_column(struct reading *reading, struct column *column)
{
    dk_status status = pickle_node_items(column->whole, &reading->items);
    if (status == DK_ENOMEM)
        return error_nomem(reading->err);
    if (status != DK_OK)
        return read_range(reading, column) ? DK_OK : read_whole(reading, column);
    column->kind = COLUMN_ITEMS;
    column->step = column->whole->kind == PICKLE_DICT ? 2 : 1;
    if (reading->items.count / column->step < reading->nrows)
        return unclear(reading, "there are more keys than arguments");
    return keep_items(reading, &column->items);
}

static dk_status read_columns(struct reading *reading)
{
    struct pickle_map *map = reading->map;
    const struct pickle_node *iterables = pickle_node_arg(reading->call, ITERABLES);
    DK_TRY(open_container(reading, iterables, "its iterables are no tuple"));
    map->ncolumns = (uint32_t)reading->items.count;
    map->columns = alloc(reading, map->ncolumns * sizeof(*map->columns));
    if (!map->columns)
        return error_nomem(reading->err);
    for (uint32_t i = 0; i < map->ncolumns; i++)
        map->columns[i].whole = ((struct pickle_node **)reading->items.data)[i];
    for (uint32_t i = 0; i < map->ncolumns; i++)
        DK_TRY(read_column(reading, &map->columns[i]));
    return DK_OK;
}

/* ---- keyword arguments ---- */

static dk_status name_shared(struct reading *reading, struct keyword *keyword)
{
    struct vector name;
    struct pickle_node *const *keys = reading->items.data;
    struct arena *arena = reading->graph->tree.arena;
    struct wire_bytes word = keyword->name->bytes;
    vector_init(&name, arena->memory, 1);
    dk_status status = vector_append(&name, word.data, word.nbytes);
    if (status == DK_OK)
        status = vector_append(&name, "-", 1);
    if (status == DK_OK && keys[0]->kind == PICKLE_TEXT)
        status = vector_append(&name, keys[0]->bytes.data, keys[0]->bytes.nbytes);
    const char *text = status == DK_OK ? arena_text(arena, name.data, name.count) : NULL;
    if (text)
        keyword->shared = (struct wire_value){WIRE_TEXT, (uint32_t)name.count, {.bytes = text}};
    vector_deinit(&name);
    return text ? DK_OK : error_nomem(reading->err);
}

/* `items` are the keys of the rows. */
static dk_status look_at_keyword(struct reading *reading, struct keyword *keyword)
{
    size_t nbytes;
    if (keyword->name->kind != PICKLE_TEXT)
        return unclear(reading, "the name of a keyword argument is no text");
    if (!reading->nrows)
        return DK_OK;
    DK_TRY(measure(reading, keyword->value, &nbytes));
    if (nbytes <= SHARED_NBYTES)
        return DK_OK;
    reading->map->nshared++;
    return name_shared(reading, keyword);
}

static dk_status read_keywords(struct reading *reading)
{
    struct pickle_map *map = reading->map;
    const struct pickle_node *keywords = pickle_node_arg(reading->call, KEYWORDS);
    if (keywords->kind != PICKLE_DICT)
        return unclear(reading, "its keyword arguments are no dict");
    DK_TRY(open_container(reading, keywords, "its keyword arguments are no dict"));
    map->nkeywords = (uint32_t)(reading->items.count / 2);
    map->keywords = alloc(reading, map->nkeywords * sizeof(*map->keywords));
    if (!map->keywords)
        return error_nomem(reading->err);
    struct pickle_node *const *parts = reading->items.data;
    for (uint32_t i = 0; i < map->nkeywords; i++)
        map->keywords[i] = (struct keyword){.name = parts[2 * i], .value = parts[2 * i + 1]};
    return DK_OK;
}

/* ---- tasks ---- */

static dk_status look_at_row(struct reading *reading, struct pickle_references *references,
                             uint32_t row)
{
    const struct pickle_map *map = reading->map;
    for (uint32_t i = 0; i < map->ncolumns; i++)
        if (map->columns[i].kind == COLUMN_ITEMS)
            DK_TRY(pickle_references_look(references,
                                          map->columns[i].items[row * map->columns[i].step]));
    for (uint32_t i = 0; i < map->nkeywords; i++) {
        if (map->keywords[i].shared.kind == WIRE_NIL)
            DK_TRY(pickle_references_look(references, map->keywords[i].value));
        else
            DK_TRY(pickle_keys_add(&references->found, map->keywords[i].shared));
    }
    return DK_OK;
}

static dk_status make_row(struct reading *reading, struct pickle_node *key, uint32_t row)
{
    struct pickle_references references;
    struct pickle_graph *graph = reading->graph;
    struct pickle_graph_task *task = &graph->tasks[reading->map->nshared + row];
    pickle_references_init(&references, &graph->tree, NULL);
    dk_status status = pickle_key_read(graph->tree.arena, key, &task->key);
    if (status == DK_OK)
        status = look_at_row(reading, &references, row);
    if (status == DK_OK)
        status = pickle_references_take(&references, &task->dependencies, &task->ndependencies);
    pickle_references_deinit(&references);
    if (status == DK_ENOMEM)
        return error_nomem(reading->err);
    return status == DK_OK ? DK_OK : unclear(reading, "a key, or what is in an argument");
}

static void make_shared(struct reading *reading)
{
    struct pickle_graph_task *task = reading->graph->tasks;
    for (uint32_t i = 0; i < reading->map->nkeywords; i++)
        if (reading->map->keywords[i].shared.kind != WIRE_NIL)
            *task++ = (struct pickle_graph_task){.key = reading->map->keywords[i].shared,
                                                 .value = reading->map->keywords[i].value};
}

/* `items` are their keys. */
static dk_status make_tasks(struct reading *reading)
{
    struct pickle_graph *graph = reading->graph;
    struct pickle_node *const *keys = reading->items.data;
    for (uint32_t i = 0; i < reading->map->nkeywords; i++)
        DK_TRY(look_at_keyword(reading, &reading->map->keywords[i]));
    graph->ntasks = reading->map->nshared + reading->nrows;
    graph->tasks = alloc(reading, graph->ntasks * sizeof(*graph->tasks));
    if (!graph->tasks)
        return error_nomem(reading->err);
    make_shared(reading);
    for (uint32_t i = 0; i < reading->nrows; i++)
        DK_TRY(make_row(reading, keys[i], i));
    return DK_OK;
}

static dk_status read_keys(struct reading *reading)
{
    const struct pickle_node *keys = pickle_node_arg(reading->call, CACHED_KEYS);
    DK_TRY(open_container(reading, keys, "its keys are no list"));
    if (keys->kind == PICKLE_DICT)
        return unclear(reading, "its keys are no list");
    reading->nrows = (uint32_t)reading->items.count;
    return DK_OK;
}

dk_status pickle_map_read(struct pickle_graph *graph, const struct pickle_node *call, dk_error *err)
{
    struct reading reading = {.graph = graph, .call = call, .err = err};
    if (!pickle_node_arg(call, CACHED_KEYS))
        return unclear(&reading, "an expression of another version of Dask");
    graph->map = reading.map = alloc(&reading, sizeof(*reading.map));
    if (!reading.map)
        return error_nomem(err);
    reading.map->function = pickle_node_arg(call, FUNCTION);
    vector_init(&reading.items, graph->tree.arena->memory, sizeof(struct pickle_node *));
    dk_status status = read_keys(&reading);
    if (status == DK_OK)
        status = read_columns(&reading);
    if (status == DK_OK)
        status = read_keywords(&reading);
    if (status == DK_OK)
        status = read_keys(&reading);
    if (status == DK_OK)
        status = make_tasks(&reading);
    vector_deinit(&reading.items);
    return status;
}

/* ---- writing ---- */

/* parse_input(argument), where that changes anything. */
static dk_status put_argument(struct pickle_part *part, struct pickle_node *node)
{
    struct pickle_references references;
    pickle_references_init(&references, part->tree, NULL);
    dk_status status = pickle_references_look(&references, node);
    bool is_parsed = references.found.packed.count && node->kind != PICKLE_CALL;
    pickle_references_deinit(&references);
    DK_TRY(status);
    part->refers = true;
    if (is_parsed)
        pickler_global(&part->pickler, spec_module, "parse_input");
    DK_TRY(pickle_part_put(part, node));
    if (is_parsed)
        pickler_ops(&part->pickler, OP_TUPLE1, OP_REDUCE);
    part->refers = false;
    return DK_OK;
}

/* next(islice(whole, row, row + 1)) */
static dk_status put_element(struct pickle_part *part, struct pickle_node *whole, uint32_t row)
{
    struct pickler *pickler = &part->pickler;
    pickler_global(pickler, "builtins", "next");
    pickler_global(pickler, "itertools", "islice");
    DK_TRY(pickle_part_put(part, whole));
    pickler_int(pickler, row, false);
    pickler_int(pickler, (int64_t)row + 1, false);
    pickler_ops(pickler, OP_TUPLE3, OP_REDUCE);
    pickler_ops(pickler, OP_TUPLE1, OP_REDUCE);
    return DK_OK;
}

static dk_status put_cell(struct pickle_part *part, const struct column *column, uint32_t row)
{
    switch (column->kind) {
    case COLUMN_RANGE:
        pickler_int(&part->pickler, column->first + (int64_t)row * column->stride, false);
        return DK_OK;
    case COLUMN_ITEMS:
        return put_argument(part, column->items[row * column->step]);
    case COLUMN_WHOLE:
        break;
    }
    return put_element(part, column->whole, row);
}

static dk_status put_keyword(struct pickle_part *part, const struct keyword *keyword)
{
    DK_TRY(pickle_part_put(part, keyword->name));
    if (keyword->shared.kind == WIRE_NIL)
        return put_argument(part, keyword->value);
    pickler_global(&part->pickler, spec_module, "TaskRef");
    DK_TRY(pickler_key(&part->pickler, &keyword->shared));
    pickler_ops(&part->pickler, OP_TUPLE1, OP_REDUCE);
    return DK_OK;
}

/* (key, function, argument, ...) */
static dk_status put_arguments(struct pickle_part *part, const struct pickle_map *map,
                               const struct pickle_graph_task *task, uint32_t row)
{
    pickler_op(&part->pickler, OP_MARK);
    DK_TRY(pickler_key(&part->pickler, &task->key));
    DK_TRY(pickle_part_put(part, map->function));
    for (uint32_t i = 0; i < map->ncolumns; i++)
        DK_TRY(put_cell(part, &map->columns[i], row));
    pickler_op(&part->pickler, OP_TUPLE);
    return DK_OK;
}

/* Task(...), or apply(Task, (...), {keyword: argument, ...}): a pickle has no calls with keywords.
 */
static dk_status put_row(struct pickle_part *part, const struct pickle_map *map,
                         const struct pickle_graph_task *task, uint32_t row)
{
    struct pickler *pickler = &part->pickler;
    if (map->nkeywords)
        pickler_global(pickler, "dask.utils", "apply");
    pickler_global(pickler, spec_module, "Task");
    DK_TRY(put_arguments(part, map, task, row));
    if (map->nkeywords) {
        pickler_ops(pickler, OP_EMPTY_DICT, OP_MARK);
        for (uint32_t i = 0; i < map->nkeywords; i++)
            DK_TRY(put_keyword(part, &map->keywords[i]));
        pickler_ops(pickler, OP_SETITEMS, OP_TUPLE3);
    }
    pickler_op(pickler, OP_REDUCE);
    return DK_OK;
}

static dk_status put_shared(struct pickle_part *part, const struct pickle_graph_task *task)
{
    pickler_global(&part->pickler, spec_module, "DataNode");
    DK_TRY(pickler_key(&part->pickler, &task->key));
    DK_TRY(pickle_part_put(part, task->value));
    pickler_ops(&part->pickler, OP_TUPLE2, OP_REDUCE);
    return DK_OK;
}

dk_status pickle_map_write(struct pickle_graph *graph, uint32_t i, struct pickle_part *part)
{
    const struct pickle_map *map = graph->map;
    const struct pickle_graph_task *task = &graph->tasks[i];
    return i < map->nshared ? put_shared(part, task) : put_row(part, map, task, i - map->nshared);
}
