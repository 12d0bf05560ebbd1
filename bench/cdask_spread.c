/* The notebook's daily spread by cdask, types inferred.
 *
 *     bench_cdask_spread DIRECTORY [NUM_WORKERS] [SCHEDULER]
 */
#include "measure.h"

#include <cdask/cdask.h>

#include <stdlib.h>

static dk_frame make_spread(dk_context *dk, const char *pattern)
{
    dk_frame df = dk_read_csv(dk, pattern, &(dk_csv_options){.parse_dates = DK_NAMES("timestamp")});
    dk_frame by_day = dk_groupby(df, dk_dt_round(dk_col(df, "timestamp"), "1d"));

    return dk_sub(dk_max(dk_col(by_day, "high")), dk_min(dk_col(by_day, "low")));
}

int main(int argc, char **argv)
{
    const dk_options options = {.num_workers = argc > 2 ? atoi(argv[2]) : 0,
                                .scheduler = argc > 3 ? argv[3] : NULL};
    dk_error err = {0};
    dk_context *dk;
    dk_table *spread;
    char pattern[4096];
    double start, seconds, checksum = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: bench_cdask_spread DIRECTORY [NUM_WORKERS] [SCHEDULER]\n");
        return 2;
    }
    snprintf(pattern, sizeof pattern, "%s/*.csv", argv[1]);
    start = measure_now();
    if (dk_open_with(&options, &dk, &err) != DK_OK ||
        dk_compute(make_spread(dk, pattern), &(dk_compute_options){.error = &err}, &spread) !=
            DK_OK) {
        fprintf(stderr, "bench_cdask_spread: %s\n", err.message);
        return 1;
    }
    seconds = measure_now() - start;
    for (int64_t row = 0; row < dk_table_nrows(spread); row++)
        checksum += dk_table_float(spread, 0, row);
    measure_report_table(seconds, dk_table_nrows(spread), checksum);
    dk_table_unref(spread);
    dk_close(dk);
    return 0;
}
