/* The time line of recorded tasks. */
#include "diagnostics_support.h"

#include <unistd.h>

static void read_file(const char *path, char *out, size_t capacity)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    out[fread(out, 1, capacity - 1, file)] = 0;
    fclose(file);
}

/* Every task is a rectangle with its key; nothing recorded and a bad path are refused by name. */
static void test_tasks_are_drawn(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    dk_context *dk = context_open(memory);
    assert_int_equal(dk_register(dk, "add", call_add, NULL, NULL), DK_OK);
    dk_graph *graph = NULL;
    dk_task_id total;
    assert_int_equal(dk_graph_new(dk, &graph), DK_OK);
    assert_int_equal(add_sum(graph, 5, &total), DK_OK);
    dk_recorder *recorder = NULL;
    assert_int_equal(dk_recorder_new(dk, &recorder), DK_OK);
    char path[] = "/tmp/cdask-timeline-XXXXXX";
    close(mkstemp(path));
    dk_error err = {0};
    assert_int_equal(dk_draw_timeline(recorder, NULL, path, &err), DK_EINVAL);

    dk_callbacks watchers[] = {dk_recorder_callbacks(recorder)};
    dk_get_options options = {.callbacks = watchers, .ncallbacks = 1};
    dk_value result;
    assert_int_equal(dk_get_sync(dk, graph, &total, 1, &options, &result, &err), DK_OK);
    assert_int_equal(dk_draw_timeline(recorder, NULL, path, &err), DK_OK);
    static char text[65536];
    read_file(path, text, sizeof(text));
    assert_non_null(strstr(text, "6 tasks in "));
    assert_non_null(strstr(text, "worker 0"));
    assert_non_null(strstr(text, "('part', 4): add"));
    assert_non_null(strstr(text, "</svg>"));
    assert_int_equal(dk_draw_timeline(recorder, NULL, "/nowhere/x.svg", &err), DK_ENOFILE);
    assert_non_null(strstr(err.message, "/nowhere/x.svg"));

    unlink(path);
    dk_recorder_free(recorder);
    dk_graph_free(graph);
    context_close(dk);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tasks_are_drawn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
