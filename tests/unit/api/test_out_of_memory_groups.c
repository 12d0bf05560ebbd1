/* Every allocation fails once of grouping and reducing, for each aggregate. */
#include "foreign_table.h"

/* What is aggregated: groups of a column, a column, and all columns. */
struct parts {
    dk_frame groups;
    dk_frame series;
    dk_frame frame;
};

static dk_status make_parts(dk_context *dk, struct parts *parts)
{
    dk_frame df;
    DK_TRY(foreign_frame(dk, NULL, 2, &df));
    parts->groups = dk_col(dk_groupby_column(df, "code"), "price");
    parts->series = dk_col(df, "number");
    parts->frame = dk_select(df, DK_NAMES("number", "price"));
    return DK_OK;
}

/* The aggregates of the parts. */
static dk_status aggregate(dk_frame groups, dk_frame series, dk_frame frame)
{
    DK_TRY(compute_rows(groups, 2));
    DK_TRY(compute_rows(series, 1));
    return compute_rows(frame, 1);
}

static dk_status sum(dk_context *dk, struct trial *trial)
{
    (void)trial;
    struct parts of;
    DK_TRY(make_parts(dk, &of));
    return aggregate(dk_sum(of.groups), dk_sum(of.series), dk_sum(of.frame));
}

static dk_status min(dk_context *dk, struct trial *trial)
{
    (void)trial;
    struct parts of;
    DK_TRY(make_parts(dk, &of));
    return aggregate(dk_min(of.groups), dk_min(of.series), dk_min(of.frame));
}

static dk_status max(dk_context *dk, struct trial *trial)
{
    (void)trial;
    struct parts of;
    DK_TRY(make_parts(dk, &of));
    return aggregate(dk_max(of.groups), dk_max(of.series), dk_max(of.frame));
}

static dk_status mean(dk_context *dk, struct trial *trial)
{
    (void)trial;
    struct parts of;
    DK_TRY(make_parts(dk, &of));
    return aggregate(dk_mean(of.groups), dk_mean(of.series), dk_mean(of.frame));
}

static dk_status count(dk_context *dk, struct trial *trial)
{
    (void)trial;
    struct parts of;
    DK_TRY(make_parts(dk, &of));
    return aggregate(dk_count(of.groups), dk_count(of.series), dk_count(of.frame));
}

static dk_status first(dk_context *dk, struct trial *trial)
{
    (void)trial;
    struct parts of;
    DK_TRY(make_parts(dk, &of));
    return aggregate(dk_first(of.groups), dk_first(of.series), dk_first(of.frame));
}

static dk_status last(dk_context *dk, struct trial *trial)
{
    (void)trial;
    struct parts of;
    DK_TRY(make_parts(dk, &of));
    return aggregate(dk_last(of.groups), dk_last(of.series), dk_last(of.frame));
}

static dk_status std(dk_context *dk, struct trial *trial)
{
    (void)trial;
    struct parts of;
    DK_TRY(make_parts(dk, &of));
    return aggregate(dk_std(of.groups), dk_std(of.series), dk_std(of.frame));
}

static dk_status var(dk_context *dk, struct trial *trial)
{
    (void)trial;
    struct parts of;
    DK_TRY(make_parts(dk, &of));
    return aggregate(dk_var(of.groups), dk_var(of.series), dk_var(of.frame));
}

static dk_status nunique(dk_context *dk, struct trial *trial)
{
    (void)trial;
    struct parts of;
    DK_TRY(make_parts(dk, &of));
    return aggregate(dk_nunique(of.groups), dk_nunique(of.series), dk_nunique(of.frame));
}

static dk_status size(dk_context *dk, struct trial *trial)
{
    (void)trial;
    struct parts of;
    DK_TRY(make_parts(dk, &of));
    return aggregate(dk_size(of.groups), dk_size(of.series), dk_size(of.frame));
}

/* By words, with missing ones; of words, by name. */
static dk_status words(dk_context *dk, struct trial *trial)
{
    (void)trial;
    static const char *const names[] = {"min", "last", "nunique", "count"};
    dk_frame df;
    DK_TRY(foreign_frame(dk, NULL, 2, &df));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        DK_TRY(compute_rows(dk_aggregate(dk_col(dk_groupby_column(df, "name"), "title"), names[i]),
                            3));
    DK_TRY(compute_rows(dk_first(dk_groupby_column(df, "code")), 2));
    return refused(built(dk_aggregate(dk_col(df, "name"), "loudest")), DK_EINVAL);
}

/* Results of different groups meet by label. */
static dk_status aligned(dk_context *dk, struct trial *trial)
{
    dk_frame df = days_read(dk, &trial->days);
    dk_frame time = dk_col(df, "timestamp");
    dk_frame a = dk_sum(dk_col(dk_groupby(df, dk_dt(time, "day")), "close"));
    dk_frame b = dk_sum(dk_col(dk_groupby(df, dk_dt(time, "hour")), "low"));
    return compute_rows(dk_add(a, b), 3 + 8);
}

/* Results that are only counted. */
static dk_status counted(dk_context *dk, struct trial *trial)
{
    dk_frame df = days_read(dk, &trial->days);
    dk_frame low = dk_min(dk_groupby(df, dk_dt(dk_col(df, "timestamp"), "hour")));
    dk_frame joined = dk_add(dk_col(low, "low"), dk_col(low, "high"));
    joined = dk_add(joined, dk_filter(joined, dk_gt(joined, dk_float(dk, 0))));
    DK_TRY(compute_rows(dk_size(joined), 1));
    return compute_rows(dk_size(days_spread(df)), 1);
}

static const struct scenario scenarios[] = {
    {"sum", sum},         {"min", min},         {"max", max},   {"mean", mean},
    {"count", count},     {"first", first},     {"last", last}, {"std", std},
    {"var", var},         {"nunique", nunique}, {"size", size}, {"words", words},
    {"aligned", aligned}, {"counted", counted},
};

int main(void)
{
    return run_scenarios(scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
