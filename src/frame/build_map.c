/* A function of the program's own over every partition. */
#include "column/table.h"
#include "frame/build.h"
#include "graph/value.h"

/* The call in the context's arena; its arguments are the context's from then on. */
static struct call *own_call(dk_frame frame, const struct function *function, const dk_value *args,
                             size_t nargs)
{
    struct expressions *expressions = frame.dk->expressions;
    struct call *call = arena_calloc(&expressions->arena, sizeof(*call));
    dk_value *kept = arena_calloc(&expressions->arena, (nargs + 1) * sizeof(*kept));
    const struct dk_expression **lazy = arena_calloc(&expressions->arena, sizeof(*lazy));
    if (!call || !kept || !lazy || expressions_own_call(expressions, call) != DK_OK)
        return NULL;
    for (size_t i = 0; i < nargs; i++)
        kept[i] = args[i];
    lazy[0] = frame.expression;
    *call = (struct call){function, kept, nargs, lazy, expressions->ncalls++};
    return call;
}

static dk_frame map(dk_frame frame, const struct call *call, dk_table *meta)
{
    struct rowset wanted = {
        .kind = ROWS_MAP,
        .npartitions = frame.expression->rows->npartitions,
        .index_type = dk_table_index_type(meta),
        .index_name = meta->index_name,
        .left = frame.expression->rows,
        .table = dk_table_ref(meta),
        .call = call,
    };
    const struct rowset *rows = rowset_intern(frame.dk->expressions, &wanted);
    return rows ? frame_of_table(frame.dk, rows, meta) : frame_nomem(frame.dk);
}

static dk_status check(dk_frame frame, const struct function *function, const dk_value *args,
                       size_t nargs, const char *name, dk_error *err)
{
    const struct dk_expression *expression = frame.expression;
    if (expression->error) {
        *err = *expression->error;
        return expression->error->status;
    }
    if (expression->shape != SHAPE_FRAME && expression->shape != SHAPE_SERIES)
        return error_set(err, DK_EINVAL, "map_partitions works on frames and series");
    if (!function)
        return error_set(err, DK_EKEY, "no task function '%s' is registered", name);
    for (size_t i = 0; i < nargs; i++) {
        if (value_find_lazy(&args[i]))
            return error_set(err, DK_EINVAL,
                             "map_partitions: argument %zu of %s is lazy: compute it first", i,
                             name);
    }
    return DK_OK;
}

dk_frame dk_map_partitions(dk_frame frame, const char *name, const dk_value *args, size_t nargs,
                           dk_table *meta)
{
    dk_context *dk = frame.dk;
    const struct function *function = registry_find(&dk->registry, name);
    dk_error err = {0};
    struct call *call = NULL;
    dk_status status = check(frame, function, args, nargs, name, &err);
    if (status == DK_OK) {
        pthread_mutex_lock(&dk->expressions->lock);
        call = own_call(frame, function, args, nargs);
        pthread_mutex_unlock(&dk->expressions->lock);
    }
    if (call)
        return map(frame, call, meta);
    for (size_t i = 0; i < nargs; i++)
        dk_value_unref(args[i]);
    return status == DK_OK ? frame_nomem(dk) : frame_error(dk, &err);
}
