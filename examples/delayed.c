/* Your own functions as tasks: the notebook's `delayed`, with frames among the arguments. */
#include <cdask/cdask.h>
#include <stdio.h>

/* The widest value in a table's first column. */
static dk_status widest(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                        dk_error *err)
{
    (void)task, (void)nargs, (void)err;
    const dk_table *table = args[0].as.table;
    double most = 0;
    for (int64_t row = 0; row < dk_table_nrows(table); row++) {
        double value = dk_table_float(table, 0, row);
        if (value > most)
            most = value;
    }
    *result = dk_value_float(most);
    return DK_OK;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "data/stocks/GOOG/*.csv";
    dk_error err = {0};
    dk_context *dk = NULL;
    if (dk_open_with(NULL, &dk, &err) != DK_OK ||
        dk_register(dk, "widest", widest, NULL, &err) != DK_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }

    dk_csv_options options = {.parse_dates = DK_NAMES("timestamp")};
    dk_frame df = dk_read_csv(dk, path, &options);
    dk_frame day = dk_dt_floor(dk_col(df, "timestamp"), "1d");
    dk_frame range = dk_sub(dk_max(dk_col(dk_groupby(df, day), "high")),
                            dk_min(dk_col(dk_groupby(df, day), "low")));
    dk_value args[] = {dk_lazy(range)};
    dk_frame answer = dk_delayed(dk, "widest", args, 1);

    dk_value value;
    dk_compute_options how = {.error = &err};
    dk_status status = dk_compute_values(&answer, 1, &how, &value);
    if (status == DK_OK)
        printf("the widest day: %.2f\n", value.as.real);
    else
        fprintf(stderr, "%s\n", err.message);
    dk_close(dk);
    return status != DK_OK;
}
