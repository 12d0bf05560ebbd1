/* The progress bar, drawn into a pipe. */
#include "unit/diagnostics/diagnostics_support.h"

#include <unistd.h>

struct fixture {
    struct memory *memory;
    dk_context *dk;
    dk_progress *progress;
    int pipe[2];
    char drawn[65536];
};

static void init(struct fixture *fixture, const dk_progress_options *options)
{
    fixture->memory = memory_new(NULL, 0);
    fixture->dk = context_open(fixture->memory);
    assert_int_equal(pipe(fixture->pipe), 0);
    assert_int_equal(
        dk_progress_new(fixture->dk, fixture->pipe[1], options, &fixture->progress, NULL), DK_OK);
}

/* Frees all, and collects what was drawn. */
static const char *deinit(struct fixture *fixture)
{
    close(fixture->pipe[1]);
    size_t length = 0;
    ssize_t n = 0;
    do {
        n = read(fixture->pipe[0], fixture->drawn + length, sizeof(fixture->drawn) - 1 - length);
        length += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    close(fixture->pipe[0]);
    fixture->drawn[length] = 0;
    dk_progress_free(fixture->progress);
    context_close(fixture->dk);
    assert_int_equal(memory_use(fixture->memory).current, 0);
    memory_close(fixture->memory);
    return fixture->drawn;
}

static void run(struct fixture *fixture, dk_get get, int32_t nparts)
{
    dk_callbacks callbacks = dk_progress_callbacks(fixture->progress);
    dk_get_options options = {.callbacks = &callbacks, .ncallbacks = 1};
    assert_int_equal(run_sum(fixture->dk, get, &options, nparts), DK_OK);
}

/* A complete computation ends in a full bar and a line feed. */
static void test_full_bar(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture, &(dk_progress_options){.width = 10, .force = true});
    run(&fixture, dk_get_sync, 9);
    const char *drawn = deinit(&fixture);
    const char *last = strrchr(drawn, '\r');
    assert_non_null(last);
    assert_memory_equal(last, "\r[##########] | 100% Completed | 0.", 33);
    assert_string_equal(last + strlen(last) - 3, " s\n");
}

/* Without force, a file that is no terminal stays empty. */
static void test_silent_on_files(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture, NULL);
    run(&fixture, dk_get_sync, 9);
    assert_string_equal(deinit(&fixture), "");
}

/* A computation shorter than the minimum is not drawn. */
static void test_minimum(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture, &(dk_progress_options){.minimum_s = 1e6, .force = true});
    run(&fixture, dk_get_sync, 9);
    assert_string_equal(deinit(&fixture), "");
}

static size_t count(const char *text, char c)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == c;
    return n;
}

/* Between the first drawing and the last there are no others within dt. */
static void test_dt(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture, &(dk_progress_options){.dt_s = 1e6, .force = true});
    run(&fixture, dk_get_sync, 50);
    const char *drawn = deinit(&fixture);
    assert_int_equal(count(drawn, '\r'), 2);
    assert_non_null(strstr(drawn, "] | 0% Completed | "));
}

/* Every step is drawn when dt allows it, and the share rounds down. */
static void test_steps(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture, &(dk_progress_options){.dt_s = 1e-9, .width = 8, .force = true});
    run(&fixture, dk_get_sync, 3);
    const char *drawn = deinit(&fixture);
    assert_non_null(strstr(drawn, "\r[        ] | 0% Completed | "));
    assert_non_null(strstr(drawn, "\r[##      ] | 25% Completed | "));
    assert_non_null(strstr(drawn, "\r[######  ] | 75% Completed | "));
}

/* A computation that fails leaves the bar where it was, on a line of its own. */
static void test_failure(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture, &(dk_progress_options){.width = 10, .force = true});
    dk_callbacks callbacks = dk_progress_callbacks(fixture.progress);
    dk_get_options options = {.callbacks = &callbacks, .ncallbacks = 1};
    assert_int_equal(dk_register(fixture.dk, "fail", call_fail, NULL, NULL), DK_OK);
    dk_graph *graph = NULL;
    dk_task_id id;
    dk_value result;
    assert_int_equal(dk_graph_new(fixture.dk, &graph), DK_OK);
    assert_int_equal(dk_graph_add(graph, dk_key_text("x"), "fail", NULL, 0, &id, NULL), DK_OK);
    assert_int_equal(dk_get_sync(fixture.dk, graph, &id, 1, &options, &result, NULL), DK_ETASK);
    dk_graph_free(graph);
    const char *drawn = deinit(&fixture);
    assert_non_null(strstr(drawn, "\r[          ] | 0% Completed | "));
    assert_int_equal(drawn[strlen(drawn) - 1], '\n');
}

/* Options that make no sense are named. */
static void test_bad_options(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    dk_progress *progress = NULL;
    dk_error error = {0};
    assert_int_equal(dk_progress_new(dk, 2, &(dk_progress_options){.dt_s = -1}, &progress, &error),
                     DK_EINVAL);
    assert_non_null(strstr(error.message, "dt_s"));
    assert_int_equal(dk_progress_new(dk, 2, &(dk_progress_options){.width = -1}, &progress, &error),
                     DK_EINVAL);
    assert_non_null(strstr(error.message, "width"));
    context_close(dk);
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_bar),    cmocka_unit_test(test_silent_on_files),
        cmocka_unit_test(test_minimum),     cmocka_unit_test(test_dt),
        cmocka_unit_test(test_steps),       cmocka_unit_test(test_failure),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
