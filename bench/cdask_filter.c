/* The rows of high prices by cdask, types inferred: all columns where `close` is above a limit.
 *
 *     bench_cdask_filter DIRECTORY LIMIT [NUM_WORKERS]
 */
#include "measure.h"

#include <cdask/cdask.h>

#include <stdlib.h>

static dk_frame make_filter(dk_context *dk, const char *pattern, double limit)
{
    dk_frame df = dk_read_csv(dk, pattern, &(dk_csv_options){.parse_dates = DK_NAMES("timestamp")});

    return dk_filter(df, dk_gt(dk_col(df, "close"), dk_float(dk, limit)));
}

/* The mean of the last column, `open`: sums hang on the order of addition in more places. */
static double mean_open(const dk_table *table)
{
    int32_t open = dk_table_ncolumns(table) - 1;
    int64_t nrows = dk_table_nrows(table);
    double sum = 0;

    for (int64_t row = 0; row < nrows; row++)
        sum += dk_table_float(table, open, row);
    return sum / (double)nrows;
}

int main(int argc, char **argv)
{
    const dk_options options = {.num_workers = argc > 3 ? atoi(argv[3]) : 0};
    dk_error err = {0};
    dk_context *dk;
    dk_table *rows;
    char pattern[4096];
    double start, seconds;

    if (argc < 3) {
        fprintf(stderr, "usage: bench_cdask_filter DIRECTORY LIMIT [NUM_WORKERS]\n");
        return 2;
    }
    snprintf(pattern, sizeof pattern, "%s/*.csv", argv[1]);
    start = measure_now();
    if (dk_open_with(&options, &dk, &err) != DK_OK ||
        dk_compute(make_filter(dk, pattern, atof(argv[2])), &(dk_compute_options){.error = &err},
                   &rows) != DK_OK) {
        fprintf(stderr, "bench_cdask_filter: %s\n", err.message);
        return 1;
    }
    seconds = measure_now() - start;
    measure_report_table(seconds, dk_table_nrows(rows), mean_open(rows));
    dk_table_unref(rows);
    dk_close(dk);
    return 0;
}
