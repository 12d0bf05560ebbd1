/* The daily high-low spread of one stock: 252 CSV files, read lazily and in parallel.
 *
 *   cc spread.c $(pkg-config --cflags --libs cdask) && ./a.out PATH-OR-GLOB
 */
#include <cdask/cdask.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "data/stocks/GOOG/*.csv";
    dk_error err = {0};
    dk_context *dk = NULL;
    if (dk_open_with(NULL, &dk, &err) != DK_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }

    /* Nothing is read yet but a sample for the column types. */
    dk_csv_options options = {.parse_dates = DK_NAMES("timestamp")};
    dk_frame df = dk_read_csv(dk, path, &options);
    dk_frame day = dk_dt_round(dk_col(df, "timestamp"), "1d");
    dk_frame high = dk_max(dk_col(dk_groupby(df, day), "high"));
    dk_frame low = dk_min(dk_col(dk_groupby(df, day), "low"));
    dk_frame spread = dk_sub(high, low);

    dk_table *table = NULL;
    char *text = NULL;
    dk_compute_options how = {.scheduler = "threads", .error = &err};
    int failed = dk_compute(spread, &how, &table) != DK_OK ||
                 dk_table_format(table, NULL, &text, &err) != DK_OK;
    if (failed) {
        fprintf(stderr, "%s\n", err.message);
    } else {
        puts(text);
    }
    dk_text_free(text);
    dk_table_unref(table);
    dk_close(dk);
    return failed;
}
