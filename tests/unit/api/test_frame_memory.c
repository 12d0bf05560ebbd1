/* What expressions take of the ledger, and when they give it back. */
#include "api_support.h"

static int64_t bytes_of(const dk_context *dk)
{
    return dk_context_memory(dk).current;
}

/* Frames of every kind, a wrong one among them. */
static void build_some(dk_frame df)
{
    dk_frame high = dk_col(df, "high");
    dk_frame day = dk_dt_floor(dk_col(df, "timestamp"), "1d");
    dk_frame kept = dk_filter(df, dk_gt(high, dk_float(df.dk, 1.5)));
    dk_frame late = dk_ge(dk_col(df, "timestamp"), dk_text(df.dk, "2015-05-02"));
    dk_frame wider = dk_assign(kept, "mean", dk_mean(high));
    dk_frame by_low = dk_groupby_column(dk_select(df, DK_NAMES("low", "high")), "low");
    assert_null(dk_frame_error(dk_max(dk_col(dk_groupby(df, day), "high"))));
    assert_null(dk_frame_error(dk_filter(df, late)));
    assert_null(dk_frame_error(dk_rename(dk_astype(dk_col(wider, "mean"), DK_TEXT), "text")));
    assert_null(dk_frame_error(dk_nunique(by_low)));
    assert_int_equal(dk_frame_error(dk_col(df, "hihg"))->status, DK_ECOLUMN);
}

/* Building the same expression again finds it: not a byte is added to the ledger. */
static void test_building_again_takes_nothing(void **state)
{
    (void)state;
    struct days days;
    days_make(&days, 2);
    dk_context *dk = dk_open(NULL);
    dk_frame df = days_read(dk, &days);
    build_some(df);
    int64_t before = bytes_of(dk);
    for (int i = 0; i < 10; i++)
        build_some(df);
    dk_frame again = days_read(dk, &days);
    assert_ptr_equal(again.expression, df.expression);
    assert_int_equal(bytes_of(dk), before);
    dk_close(dk);
    days_remove(&days);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_building_again_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
