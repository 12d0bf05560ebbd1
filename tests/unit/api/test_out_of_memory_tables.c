/* Every allocation fails once of tables: coming in, being looked at, printed, written, going out.
 */
#include "foreign_table.h"

static void look_at(dk_table *table)
{
    size_t nbytes = 0;
    assert_int_equal(dk_table_nrows(table), FOREIGN_NROWS);
    assert_int_equal(dk_table_ncolumns(table), FOREIGN_NCOLUMNS - 1);
    assert_false(dk_table_is_series(table));
    assert_true(dk_table_nbytes(table) > 0);
    assert_string_equal(dk_table_column_name(table, 4), "name");
    assert_int_equal(dk_table_column_type(table, 7), DK_CATEGORY);
    assert_int_equal(dk_table_find_column(table, "price"), 3);
    assert_string_equal(dk_table_index_name(table), "at");
    assert_int_equal(dk_table_index_type(table), DK_TIMESTAMP);
    assert_true(dk_table_is_missing(table, 1, 2));
    assert_true(dk_table_float(table, 3, 0) == 1.5);
    assert_int_equal(dk_table_int(table, 2, 3), 4000000000);
    assert_memory_equal(dk_table_text(table, 6, 2, &nbytes), "cde", 3);
    assert_memory_equal(dk_table_text(table, 7, 0, &nbytes), "b", 1);
}

/* A reference more, given back. */
static dk_status reading(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_table *table = NULL;
    dk_error err = {0};
    dk_status status = foreign_table(dk, "at", &table, &err);
    assert_int_equal(err.status, status);
    if (status == DK_OK) {
        look_at(dk_table_ref(table));
        dk_table_unref(table);
    }
    dk_table_unref(table);
    return status;
}

static dk_status reading_badly(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_table *table = NULL;
    dk_error err = {0};
    struct foreign foreign;
    DK_TRY(refused(foreign_table(dk, "nobody", &table, &err), DK_ECOLUMN));
    foreign_init(&foreign);
    foreign.child_schemas[9].format = "+l";
    dk_status status = dk_table_from_arrow(dk, &foreign.schema, &foreign.array, NULL, &table, &err);
    assert_null(foreign.array.release);
    assert_null(table);
    return refused(status, DK_ENOTSUP);
}

/* What went out comes back in the same words. */
static dk_status exchanging(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_table *table = NULL;
    dk_table *again = NULL;
    struct ArrowSchema schema;
    struct ArrowArray array;
    dk_error err = {0};
    DK_TRY(foreign_table(dk, "at", &table, &err));
    dk_status status = dk_table_to_arrow(table, &schema, &array, &err);
    assert_int_equal(err.status, status);
    dk_table_unref(table);
    if (status == DK_OK)
        status = dk_table_from_arrow(dk, &schema, &array, "at", &again, &err);
    if (status == DK_OK)
        look_at(again);
    dk_table_unref(again);
    return status;
}

static dk_status print(const dk_table *table, const dk_print_options *options, const char *wanted)
{
    char *text = NULL;
    dk_error err = {0};
    dk_status status = dk_table_format(table, options, &text, &err);
    assert_int_equal(err.status, status);
    if (status == DK_OK && !strstr(text, wanted))
        fail_msg("%s", text);
    dk_text_free(text);
    return status;
}

static dk_status printing(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_table *table = NULL;
    DK_TRY(foreign_table(dk, "at", &table, NULL));
    dk_print_options narrow = {.max_rows = 3, .min_rows = 2, .width = 30};
    dk_status status = print(table, NULL, "4000000000");
    if (status == DK_OK)
        status = print(table, &narrow, "[4 rows x 9 columns]");
    dk_table_unref(table);
    return status;
}

/* One column under numbers, and no rows at all. */
static dk_status series(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_table *table = NULL;
    dk_table *code = NULL;
    dk_table *none = NULL;
    dk_compute_options sync = {.scheduler = "sync"};
    dk_status status = DK_OK;
    DK_TRY(foreign_table(dk, NULL, &table, NULL));
    dk_frame frame = dk_from_table(dk, table, 2);
    DK_TRY_OUT(dk_compute(dk_col(frame, "code"), &sync, &code));
    DK_TRY_OUT(print(code, NULL, "Categories (2, str)"));
    DK_TRY_OUT(dk_head(frame, 0, &sync, &none));
    DK_TRY_OUT(print(none, NULL, "Empty DataFrame"));
    DK_TRY_OUT(dk_table_to_csv(table, "/dev/null", NULL, NULL));
out:
    dk_table_unref(none);
    dk_table_unref(code);
    dk_table_unref(table);
    return status;
}

static dk_status writing(dk_context *dk, struct trial *trial)
{
    dk_table *table = NULL;
    char path[128];
    dk_error err = {0};
    snprintf(path, sizeof(path), "%s/written", trial->days.folder);
    DK_TRY(foreign_table(dk, "at", &table, &err));
    dk_to_csv_options options = {.sep = ';', .na_rep = "none"};
    dk_status status = dk_table_to_csv(table, path, &options, &err);
    assert_int_equal(err.status, status);
    assert_int_equal(unlink(path), status == DK_OK ? 0 : -1);
    if (status == DK_OK)
        status = refused(dk_table_to_csv(table, trial->days.folder, NULL, &err), DK_EIO);
    dk_table_unref(table);
    return status;
}

static const struct scenario scenarios[] = {
    {"reading", reading},       {"reading_badly", reading_badly},
    {"exchanging", exchanging}, {"printing", printing},
    {"writing", writing},       {"series", series},
};

int main(void)
{
    return run_scenarios(scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
