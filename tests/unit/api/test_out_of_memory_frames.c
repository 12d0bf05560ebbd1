/* Every allocation fails once of building expressions, of asking about them, and of computing
 * columns element by element. */
#include "foreign_table.h"

/* Columns of every kind of expression, collected behind a filter. */
static dk_status columns(dk_context *dk, struct trial *trial)
{
    dk_frame df = days_read(dk, &trial->days);
    dk_frame high = dk_col(df, "high");
    dk_frame time = dk_col(df, "timestamp");
    df = dk_assign(df, "hour", dk_dt(time, "hour"));
    df = dk_assign(df, "mean", dk_mean(high));
    df = dk_assign(df, "label", dk_text(dk, "x"));
    df = dk_assign(df, "text", dk_astype(high, DK_TEXT));
    df = dk_filter(df, dk_and(dk_gt(high, dk_float(dk, 1)), dk_not(dk_isna(high))));
    return compute_rows(df, 20);
}

/* Every operator on columns, element by element. */
static dk_status operators(dk_context *dk, struct trial *trial)
{
    dk_frame df = days_read(dk, &trial->days);
    dk_frame a = dk_col(df, "high");
    dk_frame b = dk_rename(dk_col(df, "low"), "b");
    dk_frame day = dk_dt(dk_dt_ceil(dk_col(df, "timestamp"), "1h"), "day");
    const dk_frame made[] = {
        dk_add(a, b),
        dk_sub(a, b),
        dk_mul(a, b),
        dk_div(a, b),
        dk_floordiv(a, dk_float(dk, 2)),
        dk_mod(a, b),
        dk_pow(a, b),
        dk_eq(a, b),
        dk_ne(a, b),
        dk_le(a, b),
        dk_gt(a, b),
        dk_ge(day, dk_int(dk, 2)),
        dk_abs(dk_neg(a)),
        dk_or(dk_notna(a), dk_bool(dk, true)),
        dk_and(dk_not(dk_isna(a)), dk_bool(dk, true)),
        dk_xor(dk_isna(a), dk_lt(a, b)),
    };
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        char name[16];
        snprintf(name, sizeof(name), "column%zu", i);
        df = dk_assign(df, name, made[i]);
    }
    return compute_rows(df, 24);
}

/* Nulls, words and times, and what they can be converted to. */
static dk_status conversions(dk_context *dk, struct trial *trial)
{
    (void)trial;
    static const struct {
        const char *name;
        dk_type type;
    } casts[] = {
        {"number", DK_FLOAT64}, {"number", DK_TEXT}, {"flag", DK_INT8},
        {"name", DK_CATEGORY},  {"code", DK_TEXT},   {"price", DK_TEXT},
        {"count", DK_UINT64},   {"flag", DK_TEXT},   {"title", DK_CATEGORY},
    };
    dk_frame df;
    DK_TRY(foreign_frame(dk, "at", 2, &df));
    for (size_t i = 0; i < sizeof(casts) / sizeof(casts[0]); i++) {
        char name[16];
        snprintf(name, sizeof(name), "cast%zu", i);
        df = dk_assign(df, name, dk_astype(dk_col(df, casts[i].name), casts[i].type));
    }
    return compute_rows(df, FOREIGN_NROWS);
}

static dk_status comparisons(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_frame df;
    DK_TRY(foreign_frame(dk, "at", 1, &df));
    const dk_frame made[] = {
        dk_eq(dk_col(df, "code"), dk_text(dk, "b")),
        dk_lt(dk_col(df, "name"), dk_col(df, "title")),
        dk_add(dk_col(df, "name"), dk_text(dk, "!")),
        dk_mul(dk_col(df, "number"), dk_int(dk, 3)),
        dk_xor(dk_col(df, "flag"), dk_isna(dk_col(df, "name"))),
    };
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        DK_TRY(compute_rows(made[i], FOREIGN_NROWS));
    return DK_OK;
}

static dk_status times(dk_context *dk, struct trial *trial)
{
    dk_frame df = days_read(dk, &trial->days);
    dk_frame time = dk_col(df, "timestamp");
    dk_frame noon = dk_ge(time, dk_text(dk, "2015-05-02 12:00"));
    df = dk_select(df, DK_NAMES("high", "timestamp"));
    df = dk_assign(df, "round", dk_dt_round(time, "1d"));
    df = dk_assign(df, "floor", dk_dt_floor(time, "90min"));
    df = dk_assign(df, "since", dk_sub(time, dk_dt_ceil(time, "1h")));
    df = dk_assign(df, "never", dk_eq(time, dk_text(dk, "never")));
    df = dk_assign(df, "later", dk_add(time, dk_duration(dk, 1)));
    df = dk_assign(df, "begin", dk_timestamp(dk, 0));
    return compute_rows(dk_filter(df, noon), 5 + 8);
}

/* Frames meet column by column, label by label. */
static dk_status whole_frames(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_frame df;
    DK_TRY(foreign_frame(dk, "at", 2, &df));
    dk_frame numbers = dk_select(df, DK_NAMES("number", "price"));
    dk_frame late = dk_filter(numbers, dk_col(df, "flag"));
    dk_frame sum = dk_add(dk_neg(numbers), dk_select(late, DK_NAMES("price")));
    DK_TRY(compute_rows(sum, FOREIGN_NROWS));
    DK_TRY(compute_rows(dk_sub(dk_min(numbers), numbers), FOREIGN_NROWS));
    return compute_rows(dk_sub(dk_astype(numbers, DK_FLOAT64), dk_mean(numbers)), FOREIGN_NROWS);
}

/* Its last argument, be it a partition or what stands for all of them. */
static dk_status give_last(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                           dk_error *err)
{
    (void)task;
    (void)err;
    *result = dk_value_ref(args[nargs - 1]);
    return DK_OK;
}

/* Whole numbers under whole numbers become floats under floats, as `meta` says. */
static dk_status mapping(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_frame df;
    dk_frame like;
    dk_table *meta = NULL;
    DK_TRY(dk_register(dk, "give_last", give_last, NULL, NULL));
    DK_TRY(foreign_frame(dk, NULL, 1, &df));
    DK_TRY(foreign_frame(dk, "price", 2, &like));
    like = dk_astype(dk_select(like, DK_NAMES("number")), DK_FLOAT64);
    DK_TRY(dk_head(like, 1, &(dk_compute_options){.scheduler = "sync"}, &meta));
    dk_frame numbers = dk_select(df, DK_NAMES("number"));
    dk_status status =
        compute_rows(dk_map_partitions(numbers, "give_last", NULL, 0, meta), FOREIGN_NROWS);
    dk_table_unref(meta);
    return status;
}

/* A text becomes the one row of its partition. */
static dk_status mapping_to_scalars(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_frame df;
    dk_table *meta = NULL;
    dk_value text = dk_value_null();
    DK_TRY(dk_register(dk, "give_last", give_last, NULL, NULL));
    DK_TRY(foreign_frame(dk, NULL, 2, &df));
    DK_TRY(dk_head(dk_col(df, "name"), 1, &(dk_compute_options){.scheduler = "sync"}, &meta));
    dk_status status = dk_value_text(dk, "of all", 6, &text);
    if (status == DK_OK)
        status = compute_rows(dk_map_partitions(df, "give_last", &text, 1, meta), 2);
    dk_table_unref(meta);
    return status;
}

/* What is known of a frame without computing it. */
static dk_status asking(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_frame df;
    dk_table *divisions = NULL;
    dk_error err = {0};
    DK_TRY(foreign_frame(dk, "at", 2, &df));
    assert_int_equal(dk_frame_npartitions(df), built(df) == DK_OK ? 2 : 1);
    assert_int_equal(dk_frame_ncolumns(df), built(df) == DK_OK ? FOREIGN_NCOLUMNS - 1 : 0);
    DK_TRY(built(df));
    assert_string_equal(dk_frame_column_name(df, 2), "count");
    assert_int_equal(dk_frame_column_type(df, 2), DK_INT64);
    assert_string_equal(dk_frame_index_name(df), "at");
    assert_int_equal(dk_frame_index_type(df), DK_TIMESTAMP);
    dk_status status = dk_frame_divisions(df, &divisions, &err);
    assert_int_equal(err.status, status);
    if (status == DK_OK)
        assert_null(divisions);
    return status;
}

static dk_status divide(dk_context *dk, const char *index, int64_t last)
{
    dk_frame df;
    dk_table *divisions = NULL;
    dk_error err = {0};
    DK_TRY(foreign_frame(dk, index, 2, &df));
    dk_status status = dk_frame_divisions(df, &divisions, &err);
    assert_int_equal(err.status, status);
    if (status == DK_OK) {
        assert_int_equal(dk_table_nrows(divisions), 3);
        assert_int_equal(dk_table_int(divisions, 0, 2), last);
    }
    dk_table_unref(divisions);
    return status;
}

/* Labels in order divide, and numbers. */
static dk_status dividing(dk_context *dk, struct trial *trial)
{
    (void)trial;
    DK_TRY(divide(dk, "count", 4000000000));
    return divide(dk, NULL, FOREIGN_NROWS - 1);
}

/* An expression made of a bad one carries its error, and every question is answered by it. */
static dk_status bad_expressions(dk_context *dk, struct trial *trial)
{
    dk_frame df = days_read(dk, &trial->days);
    const dk_frame made[] = {
        dk_sum(dk_add(dk_col(df, "volume"), dk_int(dk, 1))),
        dk_select(df, DK_NAMES("high", "volume")),
        dk_groupby_column(df, "volume"),
        dk_filter(df, dk_eq(dk_col(df, "volume"), dk_text(dk, "x"))),
    };
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        dk_table *table = NULL;
        char *text = NULL;
        dk_error err = {0};
        DK_TRY(refused(built(made[i]), DK_ECOLUMN));
        DK_TRY(refused(dk_frame_format(made[i], &text, &err), DK_ECOLUMN));
        DK_TRY(refused(dk_explain(&made[i], 1, &text, &err), DK_ECOLUMN));
        DK_TRY(refused(dk_frame_divisions(made[i], &table, &err), DK_ECOLUMN));
        DK_TRY(refused(compute(made[i], &table), DK_ECOLUMN));
    }
    return refused(built(dk_dt_round(dk_col(df, "timestamp"), "1 moon")), DK_EINVAL);
}

static dk_status show(dk_frame frame, const char *wanted)
{
    char *text = NULL;
    dk_error err = {0};
    dk_status status = dk_frame_format(frame, &text, &err);
    assert_int_equal(err.status, status);
    if (status == DK_OK)
        assert_non_null(strstr(text, wanted));
    dk_text_free(text);
    return status;
}

static dk_status describing(dk_context *dk, struct trial *trial)
{
    dk_frame df = days_read(dk, &trial->days);
    dk_frame spread = days_spread(df);
    DK_TRY(show(df, "npartitions=3"));
    DK_TRY(show(spread, "dtype: float64"));
    DK_TRY(show(dk_max(dk_col(df, "high")), "<scalar high"));
    DK_TRY(show(dk_groupby_column(df, "high"), "<groupby high"));
    return show(dk_int(dk, 7), "<literal 7>");
}

static dk_status explaining(dk_context *dk, struct trial *trial)
{
    dk_frame spread = days_spread(days_read(dk, &trial->days));
    char *text = NULL;
    dk_error err = {0};
    dk_status status = dk_explain(&spread, 1, &text, &err);
    assert_int_equal(err.status, status);
    if (status == DK_OK)
        assert_non_null(strstr(text, "parses 3 of 5 columns"));
    dk_text_free(text);
    return status;
}

static const struct scenario scenarios[] = {
    {"columns", columns},
    {"operators", operators},
    {"conversions", conversions},
    {"comparisons", comparisons},
    {"times", times},
    {"whole_frames", whole_frames},
    {"mapping", mapping},
    {"mapping_to_scalars", mapping_to_scalars},
    {"asking", asking},
    {"dividing", dividing},
    {"bad_expressions", bad_expressions},
    {"describing", describing},
    {"explaining", explaining},
};

int main(void)
{
    return run_scenarios(scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
