/* Every allocation fails once of what watches a computation and of what shows it. */
#include <fcntl.h>

#include "out_of_memory.h"

static dk_status count_args(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                            dk_error *err)
{
    (void)task;
    (void)args;
    (void)err;
    *result = dk_value_int((int64_t)nargs);
    return DK_OK;
}

/* A graph of a task that uses two others. */
static dk_status make_graph(dk_context *dk, dk_graph **graph, dk_task_id *top)
{
    dk_value parts[2];
    DK_TRY(dk_register(dk, "count", count_args, NULL, NULL));
    DK_TRY(dk_graph_new(dk, graph));
    for (int64_t i = 0; i < 2; i++) {
        dk_task_id part;
        DK_TRY(dk_graph_add(*graph, dk_key_at("part", i), "count", NULL, 0, &part, NULL));
        parts[i] = dk_value_task(part);
    }
    return dk_graph_add(*graph, dk_key_text("top"), "count", parts, 2, top, NULL);
}

static dk_status watch(dk_context *dk, dk_get get, const dk_get_options *options)
{
    dk_graph *graph = NULL;
    dk_task_id top;
    dk_value result = dk_value_null();
    dk_status status = make_graph(dk, &graph, &top);
    if (status == DK_OK)
        status = get(dk, graph, &top, 1, options, &result, NULL);
    if (status == DK_OK)
        assert_int_equal(result.as.integer, 2);
    dk_graph_free(graph);
    return status;
}

static dk_status progress(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_progress *bar = NULL;
    int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    dk_error err = {0};
    dk_status status = dk_progress_new(dk, fd, &(dk_progress_options){.force = true}, &bar, &err);
    assert_int_equal(err.status, status);
    if (status == DK_OK) {
        dk_callbacks callbacks = dk_progress_callbacks(bar);
        status =
            watch(dk, dk_get_sync, &(dk_get_options){.callbacks = &callbacks, .ncallbacks = 1});
    }
    dk_progress_free(bar);
    close(fd);
    return status;
}

/* Three tasks of one function, or it says that some are missing. */
static void check_profile(const dk_profile *profile)
{
    dk_profile_line lines[4];
    dk_profile_summary sum = dk_profile_sum(profile);
    if (sum.is_incomplete)
        return;
    assert_int_equal(sum.ntasks, 3);
    assert_int_equal(dk_profile_lines(profile, lines, 4), 1);
    assert_string_equal(lines[0].name, "count");
}

static dk_status profile(dk_context *dk, dk_get get)
{
    dk_profile *profile = NULL;
    char *text = NULL;
    DK_TRY(dk_profile_new(dk, &profile));
    dk_status status = watch(dk, get, &(dk_get_options){.profile = profile});
    if (status == DK_OK) {
        check_profile(profile);
        status = dk_profile_text(profile, &text);
    }
    if (status == DK_OK)
        assert_non_null(strstr(text, "function, or kernel"));
    dk_text_free(text);
    dk_profile_free(profile);
    return status;
}

static dk_status profile_sync(dk_context *dk, struct trial *trial)
{
    (void)trial;
    return profile(dk, dk_get_sync);
}

static dk_status profile_threads(dk_context *dk, struct trial *trial)
{
    (void)trial;
    return profile(dk, dk_get_threads);
}

static dk_status profile_processes(dk_context *dk, struct trial *trial)
{
    (void)trial;
    return profile(dk, dk_get_processes);
}

/* Records three tasks, or counts those that were dropped. */
static dk_status record(dk_context *dk, dk_recorder *recorder)
{
    dk_callbacks callbacks = dk_recorder_callbacks(recorder);
    DK_TRY(watch(dk, dk_get_sync, &(dk_get_options){.callbacks = &callbacks, .ncallbacks = 1}));
    size_t count = dk_recorder_count(recorder);
    assert_int_equal(count + (size_t)dk_recorder_ndropped(recorder), 3);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(dk_recorder_at(recorder, i).function, "count");
    return DK_OK;
}

static dk_status recording(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_recorder *recorder = NULL;
    char *csv = NULL;
    char *json = NULL;
    DK_TRY(dk_recorder_new(dk, &recorder));
    dk_status status = record(dk, recorder);
    if (status == DK_OK)
        status = dk_recorder_csv(recorder, &csv);
    if (status == DK_OK)
        status = dk_recorder_json(recorder, &json);
    if (status == DK_OK) {
        assert_non_null(strstr(csv, "key,function"));
        assert_int_equal(json[0], '[');
    }
    dk_text_free(json);
    dk_text_free(csv);
    dk_recorder_free(recorder);
    return status;
}

/* One reading at the start and one at the end, as far as there is memory for them. */
static dk_status resources(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_resources *resources = NULL;
    char *csv = NULL;
    dk_error err = {0};
    DK_TRY(dk_resources_start(dk, 1000, &resources, &err));
    assert_int_equal(dk_resources_count(resources), 0);
    dk_resources_stop(resources);
    assert_true(dk_resources_count(resources) <= 2);
    for (size_t i = 0; i < dk_resources_count(resources); i++)
        assert_true(dk_resources_at(resources, i).rss_nbytes > 0);
    dk_status status = dk_resources_csv(resources, &csv);
    if (status == DK_OK)
        assert_non_null(strstr(csv, "time_ns,cpu_percent"));
    dk_text_free(csv);
    dk_resources_free(resources);
    return status;
}

/* Runs until it has been seen. The system call is where sanitizers deliver signals. */
static void spin(const dk_stacks *stacks)
{
    while (dk_stacks_count(stacks) + dk_stacks_ndropped(stacks) == 0)
        getppid();
}

static dk_status stacks(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_stacks *stacks = NULL;
    char *text = NULL;
    char *folded = NULL;
    dk_error err = {0};
    DK_TRY(dk_stacks_start(dk, 0.001, 10, &stacks, &err));
    spin(stacks);
    dk_stacks_stop(stacks);
    dk_status status = dk_stacks_text(stacks, &text);
    if (status == DK_OK)
        status = dk_stacks_folded(stacks, &folded);
    if (status == DK_OK) {
        assert_non_null(strstr(text, "self  function"));
        assert_non_null(strstr(folded, ";"));
    }
    dk_text_free(folded);
    dk_text_free(text);
    dk_stacks_free(stacks);
    return status;
}

static dk_status report(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_report report;
    char text[DK_REPORT_TEXT_MAX];
    dk_report_begin(dk, &report);
    dk_callbacks callbacks = dk_report_callbacks(&report);
    dk_status status =
        watch(dk, dk_get_sync, &(dk_get_options){.callbacks = &callbacks, .ncallbacks = 1});
    dk_report_end(&report);
    dk_report_text(&report, text);
    if (status == DK_OK)
        assert_non_null(strstr(text, "3 tasks"));
    return status;
}

/* With nothing recorded there is no picture, which is the answer as well when all was dropped. */
static dk_status timeline(dk_context *dk, struct trial *trial)
{
    dk_recorder *recorder = NULL;
    dk_resources *resources = NULL;
    char path[128];
    dk_error err = {0};
    snprintf(path, sizeof(path), "%s/timeline.svg", trial->days.folder);
    dk_status status = DK_OK;
    DK_TRY_OUT(dk_recorder_new(dk, &recorder));
    DK_TRY_OUT(dk_resources_start(dk, 1000, &resources, &err));
    DK_TRY_OUT(record(dk, recorder));
    dk_resources_stop(resources);
    status = dk_draw_timeline(recorder, resources, path, &err);
    assert_int_equal(err.status, status);
    if (dk_recorder_count(recorder) == 0)
        status = refused(status, DK_EINVAL);
out:
    unlink(path);
    dk_resources_free(resources);
    dk_recorder_free(recorder);
    return status;
}

static const struct scenario scenarios[] = {
    {"progress", progress},
    {"profile_sync", profile_sync},
    {"profile_threads", profile_threads},
    {"profile_processes", profile_processes},
    {"recording", recording},
    {"resources", resources},
    {"stacks", stacks},
    {"report", report},
    {"timeline", timeline},
};

int main(void)
{
    return run_scenarios(scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
