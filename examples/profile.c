/* Where the time goes: a table of task functions and kernels, informative under every scheduler. */
#include <cdask/cdask.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "data/stocks/GOOG/*.csv";
    const char *scheduler = argc > 2 ? argv[2] : "threads";
    dk_error err = {0};
    dk_profile *profile = NULL;
    dk_table *table = NULL;
    char *text = NULL;
    dk_context *dk = NULL;
    if (dk_open_with(NULL, &dk, &err) != DK_OK || dk_profile_new(dk, &profile) != DK_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }

    dk_csv_options options = {.parse_dates = DK_NAMES("timestamp")};
    dk_frame df = dk_read_csv(dk, path, &options);
    dk_frame hour = dk_dt(dk_col(df, "timestamp"), "hour");
    dk_frame busy = dk_gt(dk_sub(dk_col(df, "high"), dk_col(df, "low")), dk_float(dk, 0.01));
    dk_frame mean = dk_mean(dk_groupby(dk_assign(df, "busy", busy), hour));

    dk_compute_options how = {.scheduler = scheduler, .error = &err};
    how.run.profile = profile;
    dk_status status = dk_compute(dk_select(mean, DK_NAMES("close", "busy")), &how, &table);
    if (status == DK_OK)
        status = dk_table_format(table, NULL, &text, &err);
    if (status == DK_OK)
        puts(text);
    dk_text_free(text);
    text = NULL;
    if (status == DK_OK && dk_profile_text(profile, &text) == DK_OK)
        puts(text);
    if (status != DK_OK)
        fprintf(stderr, "%s\n", err.message);
    dk_text_free(text);
    dk_table_unref(table);
    dk_profile_free(profile);
    dk_close(dk);
    return status != DK_OK;
}
