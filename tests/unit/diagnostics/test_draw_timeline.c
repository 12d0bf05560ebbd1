/* The time line of recorded tasks. */
#include "diagnostics_support.h"

#include <unistd.h>

#include "diagnostics/recorder.h"
#include "diagnostics/svg.h"

struct fixture {
    struct memory *memory;
    dk_context *dk;
    dk_recorder *recorder;
    char path[64];
    char drawn[1 << 16];
};

static void init(struct fixture *fixture)
{
    fixture->memory = memory_new(NULL, 0);
    fixture->dk = context_open(fixture->memory);
    assert_int_equal(dk_recorder_new(fixture->dk, &fixture->recorder), DK_OK);
    strcpy(fixture->path, "/tmp/cdask-timeline-XXXXXX");
    close(mkstemp(fixture->path));
}

static void deinit(struct fixture *fixture)
{
    unlink(fixture->path);
    dk_recorder_free(fixture->recorder);
    context_close(fixture->dk);
    assert_int_equal(memory_use(fixture->memory).current, 0);
    memory_close(fixture->memory);
}

static void put(struct fixture *fixture, const char *key, const char *function, int32_t worker,
                int64_t start_us, int64_t end_us, dk_status status)
{
    dk_task_record *record = vector_push(&fixture->recorder->records);
    assert_non_null(record);
    *record = (dk_task_record){key, function, worker, status, start_us * 1000, end_us * 1000, 0};
}

static const char *draw(struct fixture *fixture, const dk_resources *resources)
{
    assert_int_equal(dk_draw_timeline(fixture->recorder, resources, fixture->path, NULL), DK_OK);
    FILE *file = fopen(fixture->path, "r");
    fixture->drawn[fread(fixture->drawn, 1, sizeof(fixture->drawn) - 1, file)] = 0;
    fclose(file);
    return fixture->drawn;
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        n++;
    return n;
}

/* Every task is a rectangle with its key, in its worker's lane and its function's colour; the
 * function that took most comes first. */
static void test_tasks(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture);
    put(&fixture, "('a', 1)", "load", 0, 1000, 101000, DK_OK);
    put(&fixture, "x < \"y\" & z", "parse", 1, 51000, 251000, DK_OK);
    put(&fixture, "bad", "load", 0, 151000, 161000, DK_ETASK);
    const char *svg = draw(&fixture, NULL);
    assert_non_null(strstr(svg, ">3 tasks on 2 workers in 250 ms<"));
    assert_int_equal(count(svg, ">worker "), 2);
    assert_non_null(strstr(svg, "<rect x=\"84.00\" y=\"40.0\" width=\"356.30\" height=\"18.7\" "
                                "fill=\"#d98032\"><title>('a', 1): load, 100 ms</title></rect>"));
    assert_non_null(strstr(svg, "fill=\"#3b6fa0\"><title>x &lt; \"y\" &amp; z: parse, 200 ms<"));
    assert_non_null(strstr(svg, "fill=\"#000000\"><title>bad: load, 10 ms, task failed<"));
    assert_non_null(strstr(svg, ">parse  200 ms<"));
    assert_non_null(strstr(svg, ">load  110 ms<"));
    assert_non_null(strstr(svg, ">250 ms<"));
    deinit(&fixture);
}

/* Thousands of tasks too narrow to be seen become one rectangle, which says how many. */
static void test_narrow_tasks(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture);
    for (int64_t i = 0; i < 5000; i++)
        put(&fixture, "k", "tiny", 0, i * 10, i * 10 + 8, DK_OK);
    put(&fixture, "k", "other", 0, 50000, 100000, DK_OK);
    const char *svg = draw(&fixture, NULL);
    assert_int_equal(count(svg, "<title>"), 2);
    assert_non_null(strstr(svg, "<title>5000 tasks: tiny, 40 ms</title>"));
    deinit(&fixture);
}

/* Under the lanes come CPU and memory when there are readings. */
static void test_curves(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture);
    dk_resources *resources = NULL;
    assert_int_equal(dk_resources_start(fixture.dk, 3600, &resources, NULL), DK_OK);
    dk_resources_stop(resources);
    put(&fixture, "k", "load", 0, 0, 1000, DK_OK);
    const char *svg = draw(&fixture, resources);
    assert_int_equal(count(svg, "<polyline"), 3);
    assert_non_null(strstr(svg, ">100 %<"));
    assert_non_null(strstr(svg, ">resident memory<"));
    dk_resources_free(resources);
    deinit(&fixture);
}

/* Nothing recorded, and a file that cannot be written, are refused by name. */
static void test_errors(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture);
    dk_error error = {0};
    assert_int_equal(dk_draw_timeline(fixture.recorder, NULL, fixture.path, &error), DK_EINVAL);
    put(&fixture, "k", "load", 0, 0, 1000, DK_OK);
    assert_int_equal(dk_draw_timeline(fixture.recorder, NULL, "/nowhere/x.svg", &error),
                     DK_ENOFILE);
    assert_non_null(strstr(error.message, "/nowhere/x.svg"));
    deinit(&fixture);
}

/* Lines stand at 1, 2 or 5 times a power of ten, and never too many. */
static void test_steps(void **state)
{
    (void)state;
    static const struct {
        double span;
        double step;
    } cases[] = {{10, 1}, {10.1, 2}, {20, 2}, {21, 5}, {50, 5}, {51, 10}, {0.003, 0.0005}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_float_equal(svg_round_step(cases[i].span, 10), cases[i].step, 1e-9);
}

static dk_status draw_everything(struct memory *memory)
{
    dk_context *dk = context_open(memory);
    if (!dk)
        return DK_ENOMEM;
    dk_recorder *recorder = NULL;
    dk_status status = dk_recorder_new(dk, &recorder);
    if (status == DK_OK) {
        dk_callbacks callbacks = dk_recorder_callbacks(recorder);
        dk_get_options options = {.callbacks = &callbacks, .ncallbacks = 1};
        status = run_sum(dk, dk_get_sync, &options, 3);
    }
    if (status == DK_OK && dk_recorder_count(recorder))
        status = dk_draw_timeline(recorder, NULL, "/dev/null", NULL);
    dk_recorder_free(recorder);
    context_close(dk);
    return status;
}

/* Every failed allocation is answered by DK_ENOMEM, and nothing leaks. */
static void test_memory(void **state)
{
    (void)state;
    fail_each_allocation(draw_everything);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tasks),  cmocka_unit_test(test_narrow_tasks),
        cmocka_unit_test(test_curves), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_steps),  cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
