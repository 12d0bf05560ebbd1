/* What each worker did when, and CPU and memory meanwhile, as a picture. */
#include <cdask/cdask.h>
#include <stdio.h>

static dk_status draw(dk_context *dk, dk_frame frame, const char *picture, dk_error *err)
{
    dk_recorder *recorder = NULL;
    dk_resources *resources = NULL;
    dk_table *table = NULL;
    if (dk_recorder_new(dk, &recorder) != DK_OK)
        return DK_ENOMEM;
    dk_status status = dk_resources_start(dk, 0.01, &resources, err);
    if (status == DK_OK) {
        dk_callbacks watchers[] = {dk_recorder_callbacks(recorder)};
        dk_compute_options how = {.error = err};
        how.run.callbacks = watchers;
        how.run.ncallbacks = 1;
        status = dk_compute(frame, &how, &table);
        dk_resources_stop(resources);
    }
    if (status == DK_OK)
        status = dk_draw_timeline(recorder, resources, picture, err);
    dk_table_unref(table);
    dk_resources_free(resources);
    dk_recorder_free(recorder);
    return status;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "data/stocks/GOOG/*.csv";
    const char *picture = argc > 2 ? argv[2] : "timeline.svg";
    dk_error err = {0};
    dk_context *dk = NULL;
    dk_status status = dk_open_with(NULL, &dk, &err);
    if (status == DK_OK) {
        dk_csv_options options = {.parse_dates = DK_NAMES("timestamp")};
        dk_frame df = dk_read_csv(dk, path, &options);
        dk_frame day = dk_dt_floor(dk_col(df, "timestamp"), "1d");
        status = draw(dk, dk_std(dk_col(dk_groupby(df, day), "close")), picture, &err);
    }
    if (status == DK_OK)
        printf("%s: what each worker did when\n", picture);
    else
        fprintf(stderr, "%s\n", err.message);
    dk_close(dk);
    return status != DK_OK;
}
