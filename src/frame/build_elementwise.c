/* One column in, one out: signs, missing values, casts, timestamps. Of frames every column. */
#include "frame/build.h"
#include "frame/operate.h"

/* Makes the column that `wish` asks for from `column`. */
typedef dk_status (*make_column)(dk_context *dk, int32_t wish, const struct col *column,
                                 const struct col **out, dk_error *err);

static dk_status make_all(dk_frame x, make_column make, int32_t wish, struct columns *out,
                          dk_error *err)
{
    const struct dk_expression *expression = x.expression;
    for (; out->count < expression->ncolumns; out->count++) {
        int32_t i = out->count;
        dk_status status = make(x.dk, wish, expression->columns[i], &out->columns[i], err);
        if (status != DK_OK && expression->shape == SHAPE_FRAME)
            error_prefix(err, "column '%s'", expression->names[i]);
        DK_TRY(status);
    }
    return DK_OK;
}

static dk_frame each_column(dk_frame x, const char *what, make_column make, int32_t wish)
{
    const struct dk_expression *expression = x.expression;
    if (expression->error)
        return x;
    if (!is_series(x) && expression->shape != SHAPE_FRAME)
        return frame_fail(x.dk, DK_EINVAL, "%s works on series and frames", what);
    dk_error err = {0};
    struct columns out;
    dk_status status = columns_init(&out, x.dk->memory, expression->ncolumns);
    status = status == DK_OK ? make_all(x, make, wish, &out, &err) : error_nomem(&err);
    dk_frame frame = status == DK_OK ? frame_new(x.dk, expression->shape, expression->rows,
                                                 out.count, expression->names, out.columns)
                                     : frame_error(x.dk, &err);
    columns_deinit(&out);
    return frame;
}

/* Public functions of one operand end here. */
static dk_frame build_each_column(dk_frame x, const char *what, make_column make, int32_t wish)
{
    building_begin(x.dk);
    return hand_out(each_column(x, what, make, wish));
}

static dk_status make_unary(dk_context *dk, int32_t op, const struct col *column,
                            const struct col **out, dk_error *err)
{
    return column_unary(dk, (enum unary_op)op, column, out, err);
}

static dk_status make_cast(dk_context *dk, int32_t type, const struct col *column,
                           const struct col **out, dk_error *err)
{
    return column_cast(dk, (dk_type)type, column, out, err);
}

static dk_frame operate_one(enum unary_op op, dk_frame x)
{
    return build_each_column(x, unary_op_symbol(op), make_unary, (int32_t)op);
}

dk_frame dk_neg(dk_frame x)
{
    return operate_one(OP_NEG, x);
}

dk_frame dk_abs(dk_frame x)
{
    return operate_one(OP_ABS, x);
}

dk_frame dk_not(dk_frame x)
{
    return operate_one(OP_NOT, x);
}

dk_frame dk_isna(dk_frame x)
{
    return operate_one(OP_ISNA, x);
}

dk_frame dk_notna(dk_frame x)
{
    return operate_one(OP_NOTNA, x);
}

dk_frame dk_astype(dk_frame x, dk_type type)
{
    return build_each_column(x, "astype", make_cast, (int32_t)type);
}

/* ---- timestamps ---- */

static const struct col *only_column(dk_frame series)
{
    return series.expression->columns[0];
}

/* A column made from the only one of `series`, of the same rows and name. */
static dk_frame derive(dk_frame series, struct col wanted)
{
    wanted.a = only_column(series);
    wanted.rows = series.expression->rows;
    return frame_series(series.dk, series.expression->rows, series.expression->names[0],
                        col_intern(series.dk->expressions, &wanted));
}

static dk_frame not_a_series(dk_frame frame, const char *what)
{
    return frame_fail(frame.dk, DK_EINVAL, "%s works on a series; pick a column with dk_col()",
                      what);
}

static dk_frame not_a_time(dk_frame series, const char *what)
{
    const char *name = series.expression->names[0];
    return frame_fail(series.dk, DK_ETYPE, "dt.%s: column '%s' is %s, not datetime64[ns]", what,
                      name ? name : "", dk_type_name(only_column(series)->type));
}

static dk_frame round_to(enum round_mode mode, const char *what, dk_frame series, const char *freq)
{
    if (series.expression->error)
        return series;
    if (!is_series(series))
        return not_a_series(series, what);
    dk_type type = only_column(series)->type;
    if (type != DK_TIMESTAMP && type != DK_DURATION)
        return not_a_time(series, what);
    dk_error err = {0};
    struct col wanted = {.kind = COL_ROUND, .type = type, .number = mode, .text = freq};
    if (freq_parse(freq, &wanted.unit_ns, &err) != DK_OK)
        return frame_error(series.dk, &err);
    return derive(series, wanted);
}

static dk_frame build_round(enum round_mode mode, const char *what, dk_frame series,
                            const char *freq)
{
    building_begin(series.dk);
    return hand_out(round_to(mode, what, series, freq));
}

dk_frame dk_dt_round(dk_frame series, const char *freq)
{
    return build_round(ROUND_HALF_EVEN, "round", series, freq);
}

dk_frame dk_dt_floor(dk_frame series, const char *freq)
{
    return build_round(ROUND_FLOOR, "floor", series, freq);
}

dk_frame dk_dt_ceil(dk_frame series, const char *freq)
{
    return build_round(ROUND_CEIL, "ceil", series, freq);
}

static dk_frame field_of(dk_frame series, const char *field)
{
    if (series.expression->error)
        return series;
    if (!is_series(series))
        return not_a_series(series, field);
    dk_error err = {0};
    enum dt_field number = DT_YEAR;
    if (dt_field_find(field, &number, &err) != DK_OK)
        return frame_error(series.dk, &err);
    if (only_column(series)->type != DK_TIMESTAMP)
        return not_a_time(series, field);
    return derive(series, (struct col){.kind = COL_FIELD,
                                       .type = dt_field_type(number),
                                       .number = (int32_t)number,
                                       .text = field});
}

dk_frame dk_dt(dk_frame series, const char *field)
{
    building_begin(series.dk);
    return hand_out(field_of(series, field));
}
