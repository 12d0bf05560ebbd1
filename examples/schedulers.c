/* The same computation under three schedulers, with what each took. The results are equal bit for
 * bit. */
#include <cdask/cdask.h>
#include <stdio.h>

static dk_frame daily_spread(dk_context *dk, const char *path)
{
    dk_csv_options options = {.parse_dates = DK_NAMES("timestamp")};
    dk_frame df = dk_read_csv(dk, path, &options);
    dk_frame day = dk_dt_round(dk_col(df, "timestamp"), "1d");
    dk_frame high = dk_max(dk_col(dk_groupby(df, day), "high"));
    dk_frame low = dk_min(dk_col(dk_groupby(df, day), "low"));
    return dk_sub(high, low);
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "data/stocks/GOOG/*.csv";
    static const char *const schedulers[] = {"threads", "processes", "sync"};
    dk_error err = {0};
    dk_context *dk = NULL;
    if (dk_open_with(NULL, &dk, &err) != DK_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    dk_frame spread = daily_spread(dk, path);
    int failed = 0;
    for (int i = 0; i < 3 && !failed; i++) {
        dk_report report;
        dk_callbacks watchers[] = {dk_report_callbacks(&report)};
        dk_compute_options how = {.scheduler = schedulers[i], .error = &err};
        how.run.callbacks = watchers;
        how.run.ncallbacks = 1;
        dk_table *table = NULL;
        dk_report_begin(dk, &report);
        failed = dk_compute(spread, &how, &table) != DK_OK;
        dk_report_end(&report);
        if (failed) {
            fprintf(stderr, "%s\n", err.message);
        } else {
            char text[DK_REPORT_TEXT_MAX];
            dk_report_text(&report, text);
            printf("%-10s %lld days: %s\n", schedulers[i], (long long)dk_table_nrows(table), text);
        }
        dk_table_unref(table);
    }
    dk_close(dk);
    return failed;
}
