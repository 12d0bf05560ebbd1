#include "wire/pickle.h"

#include "base/error.h"
#include "wire/pickler.h"

/* No memo, no frames. */
#define PROTOCOL 4

dk_status pickle_pack(struct vector *out, const struct wire_value *value, dk_error *err)
{
    struct pickler pickler = {.out = out, .err = err};
    pickler_begin(&pickler, PROTOCOL);
    DK_TRY(pickler_value(&pickler, value));
    return pickler_end(&pickler);
}

/* ---- templates ---- */

dk_status pickle_class(struct vector *out, const char *module, const char *qualname)
{
    struct pickler pickler = {.out = out};
    pickler_begin(&pickler, PROTOCOL);
    pickler_global(&pickler, module, qualname);
    return pickler_end(&pickler);
}

dk_status pickle_exception(struct vector *out, const char *module, const char *qualname,
                           struct wire_bytes text)
{
    struct pickler pickler = {.out = out};
    pickler_begin(&pickler, PROTOCOL);
    pickler_global(&pickler, module, qualname);
    pickler_op(&pickler, OP_MARK);
    pickler_string(&pickler, OP_BINUNICODE, text);
    pickler_ops(&pickler, OP_TUPLE, OP_REDUCE);
    return pickler_end(&pickler);
}

dk_status pickle_task_exception(struct vector *out, const char *module, const char *qualname,
                                const struct wire_value *key, const struct wire_value *args,
                                size_t nargs, dk_error *err)
{
    struct pickler pickler = {.out = out, .err = err};
    pickler_begin(&pickler, PROTOCOL);
    pickler_global(&pickler, module, qualname);
    pickler_op(&pickler, OP_MARK);
    DK_TRY(pickler_key(&pickler, key));
    for (size_t i = 0; i < nargs; i++)
        DK_TRY(pickler_value(&pickler, &args[i]));
    pickler_ops(&pickler, OP_TUPLE, OP_REDUCE);
    return pickler_end(&pickler);
}

/* The second argument is a worker's state there; str() wants its address only. */
dk_status pickle_killed_worker(struct vector *out, const struct wire_value *key,
                               const char *address, int64_t allowed, dk_error *err)
{
    struct pickler pickler = {.out = out, .err = err};
    pickler_begin(&pickler, PROTOCOL);
    pickler_global(&pickler, "distributed.scheduler", "KilledWorker");
    pickler_op(&pickler, OP_MARK);
    DK_TRY(pickler_key(&pickler, key));
    pickler_global(&pickler, "types", "SimpleNamespace");
    pickler_ops(&pickler, OP_EMPTY_TUPLE, OP_REDUCE);
    pickler_ops(&pickler, OP_EMPTY_DICT, OP_MARK);
    pickler_text(&pickler, "address");
    pickler_text(&pickler, address);
    pickler_ops(&pickler, OP_SETITEMS, OP_BUILD);
    pickler_int(&pickler, allowed, false);
    pickler_ops(&pickler, OP_TUPLE, OP_REDUCE);
    return pickler_end(&pickler);
}

/* Expr._reconstruct(LLGExpr, {key: Task(...), ...}, token, {}) */
dk_status pickle_expr_begin(struct vector *out)
{
    struct pickler pickler = {.out = out};
    pickler_begin(&pickler, PROTOCOL);
    pickler_global(&pickler, "dask._expr", "Expr._reconstruct");
    pickler_op(&pickler, OP_MARK);
    pickler_global(&pickler, "dask._expr", "LLGExpr");
    pickler_ops(&pickler, OP_EMPTY_DICT, OP_MARK);
    return pickler.failed ? DK_ENOMEM : DK_OK;
}

dk_status pickle_expr_task(struct vector *out, const struct wire_value *key,
                           struct wire_bytes payload, const struct wire_value *dependencies,
                           size_t ndependencies, dk_error *err)
{
    struct pickler pickler = {.out = out, .err = err};
    DK_TRY(pickler_key(&pickler, key));
    pickler_global(&pickler, "dask._task_spec", "Task");
    pickler_op(&pickler, OP_MARK);
    DK_TRY(pickler_key(&pickler, key));
    pickler_global(&pickler, "builtins", "bytes");
    pickler_string(&pickler, OP_BINBYTES, payload);
    for (size_t i = 0; i < ndependencies; i++) {
        pickler_global(&pickler, "dask._task_spec", "TaskRef");
        pickler_op(&pickler, OP_MARK);
        DK_TRY(pickler_key(&pickler, &dependencies[i]));
        pickler_ops(&pickler, OP_TUPLE, OP_REDUCE);
    }
    pickler_ops(&pickler, OP_TUPLE, OP_REDUCE);
    return pickler.failed ? error_nomem(err) : DK_OK;
}

dk_status pickle_expr_end(struct vector *out, const char *token)
{
    struct pickler pickler = {.out = out};
    pickler_op(&pickler, OP_SETITEMS);
    pickler_text(&pickler, token);
    pickler_ops(&pickler, OP_EMPTY_DICT, OP_TUPLE);
    pickler_op(&pickler, OP_REDUCE);
    return pickler_end(&pickler);
}
