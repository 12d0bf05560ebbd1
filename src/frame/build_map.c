/* A function of the program's own over every partition. */
#include "column/table.h"
#include "frame/build.h"
#include "graph/value.h"

/* Takes the arguments. */
static dk_frame map(dk_frame frame, const struct function *function, const dk_value *args,
                    size_t nargs, dk_table *meta)
{
    struct expressions *expressions = frame.dk->expressions;
    struct call call = {
        .function = function,
        .args = args,
        .nargs = nargs,
        .lazy = &frame.expression,
        .nlazy = 1,
        .number = next_call(expressions),
    };
    struct rowset wanted = {
        .kind = ROWS_MAP,
        .npartitions = frame.expression->rows->npartitions,
        .index_type = dk_table_index_type(meta),
        .index_name = meta->index_name,
        .left = frame.expression->rows,
        .table = dk_table_ref(meta),
        .call = &call,
    };
    const struct rowset *rows = rowset_intern(expressions, &wanted);
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

/* Takes the arguments. */
static dk_frame map_checked(dk_frame frame, const char *name, const dk_value *args, size_t nargs,
                            dk_table *meta)
{
    const struct function *function = registry_find(&frame.dk->registry, name);
    dk_error err = {0};
    if (check(frame, function, args, nargs, name, &err) == DK_OK)
        return map(frame, function, args, nargs, meta);
    for (size_t i = 0; i < nargs; i++)
        dk_value_unref(args[i]);
    return frame_error(frame.dk, &err);
}

dk_frame dk_map_partitions(dk_frame frame, const char *name, const dk_value *args, size_t nargs,
                           dk_table *meta)
{
    building_begin(frame.dk);
    return hand_out(map_checked(frame, name, args, nargs, meta));
}
