/* The notebook's daily spread by cdask, types inferred.
 *
 *     bench_cdask_spread DIRECTORY [NUM_WORKERS] [SCHEDULER | cluster] [persisted]
 *
 * cluster: one that is there before the clock starts, of so many workers of one thread.
 * persisted: the data are in memory, and the spread was computed once, before the clock starts.
 */
#include "measure.h"

#include <cdask/cdask.h>
#include <cdask/distributed.h>

#include <stdlib.h>
#include <string.h>

struct bench {
    dk_context *dk;
    dk_cluster *cluster;
    dk_client *client;
};

static dk_frame make_spread(dk_frame df)
{
    dk_frame by_day = dk_groupby(df, dk_dt_round(dk_col(df, "timestamp"), "1d"));

    return dk_sub(dk_max(dk_col(by_day, "high")), dk_min(dk_col(by_day, "low")));
}

static dk_status open_bench(struct bench *bench, int nworkers, const char *scheduler, dk_error *err)
{
    const dk_cluster_options workers = {.nworkers = nworkers, .nthreads = 1};
    const bool on_cluster = scheduler && strcmp(scheduler, "cluster") == 0;
    const dk_options options = {.num_workers = nworkers,
                                .scheduler = on_cluster ? NULL : scheduler};
    dk_status status = dk_open_with(&options, &bench->dk, err);
    if (status != DK_OK || !on_cluster)
        return status;
    status = dk_cluster_open(bench->dk, &workers, &bench->cluster, err);
    if (status != DK_OK)
        return status;
    const dk_client_options client = {.address = dk_cluster_address(bench->cluster)};
    return dk_client_open(bench->dk, &client, &bench->client, err);
}

static void close_bench(struct bench *bench)
{
    dk_client_close(bench->client);
    dk_cluster_close(bench->cluster);
    dk_close(bench->dk);
}

static dk_status compute(dk_frame frame, dk_table **out, dk_error *err)
{
    return dk_compute(frame, &(dk_compute_options){.error = err}, out);
}

/* The frame in memory, after a first look at it. */
static dk_status persist(dk_frame *df, dk_error *err)
{
    dk_table *spread;
    dk_status status = dk_persist(df, 1, &(dk_compute_options){.error = err}, df);
    if (status == DK_OK)
        status = compute(make_spread(*df), &spread, err);
    if (status == DK_OK)
        dk_table_unref(spread);
    return status;
}

static dk_status measure(struct bench *bench, const char *directory, bool is_persisted,
                         dk_error *err)
{
    const dk_csv_options dates = {.parse_dates = DK_NAMES("timestamp")};
    dk_table *spread;
    char pattern[4096];
    double checksum = 0;

    snprintf(pattern, sizeof pattern, "%s/*.csv", directory);
    double start = measure_now();
    dk_frame df = dk_read_csv(bench->dk, pattern, &dates);
    if (is_persisted) {
        dk_status status = persist(&df, err);
        if (status != DK_OK)
            return status;
        start = measure_now();
    }
    dk_status status = compute(make_spread(df), &spread, err);
    if (status != DK_OK)
        return status;
    double seconds = measure_now() - start;
    for (int64_t row = 0; row < dk_table_nrows(spread); row++)
        checksum += dk_table_float(spread, 0, row);
    measure_report_table(seconds, dk_table_nrows(spread), checksum);
    dk_table_unref(spread);
    return DK_OK;
}

int main(int argc, char **argv)
{
    dk_error err = {0};
    struct bench bench = {0};

    if (argc < 2) {
        fprintf(stderr, "usage: bench_cdask_spread DIRECTORY [NUM_WORKERS] [SCHEDULER | cluster] "
                        "[persisted]\n");
        return 2;
    }
    dk_status status =
        open_bench(&bench, argc > 2 ? atoi(argv[2]) : 0, argc > 3 ? argv[3] : NULL, &err);
    if (status == DK_OK)
        status = measure(&bench, argv[1], argc > 4, &err);
    if (status != DK_OK)
        fprintf(stderr, "bench_cdask_spread: %s\n", err.message);
    close_bench(&bench);
    return status != DK_OK;
}
