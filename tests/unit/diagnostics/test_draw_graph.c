/* Drawing graphs: the document, and Graphviz on it. */
#include "unit/diagnostics/diagnostics_support.h"

#include <unistd.h>

#define TOKEN "0123456789abcdef0123456789abcdef"

struct fixture {
    struct memory *memory;
    dk_context *dk;
    dk_graph *graph;
    dk_task_id total;
};

static void init(struct fixture *fixture)
{
    fixture->memory = memory_new(NULL, 0);
    fixture->dk = context_open(fixture->memory);
    assert_int_equal(dk_register(fixture->dk, "add", call_add, NULL, NULL), DK_OK);
    assert_int_equal(dk_graph_new(fixture->dk, &fixture->graph), DK_OK);
}

static void deinit(struct fixture *fixture)
{
    dk_graph_free(fixture->graph);
    context_close(fixture->dk);
    assert_int_equal(memory_use(fixture->memory).current, 0);
    memory_close(fixture->memory);
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        n++;
    return n;
}

/* A circle and a box for each task, an edge for each use and each result. */
static void test_shapes(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture);
    assert_int_equal(add_sum(fixture.graph, 3, &fixture.total), DK_OK);
    char *dot = NULL;
    assert_int_equal(dk_graph_to_dot(fixture.graph, NULL, 0, &dot, NULL), DK_OK);
    assert_int_equal(count(dot, "shape=circle, label=\"add\""), 4);
    assert_int_equal(count(dot, "shape=box"), 4);
    assert_int_equal(count(dot, " -> "), 4 + 3);
    assert_int_equal(count(dot, "r1 -> f3;"), 1);
    assert_int_equal(count(dot, "f3 -> r3;"), 1);
    assert_int_equal(count(dot, "label=\"2\""), 1);
    assert_int_equal(count(dot, "label=\"total\""), 1);
    dk_text_free(dot);
    deinit(&fixture);
}

/* With keys, only what they need is drawn. */
static void test_culled(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture);
    assert_int_equal(add_sum(fixture.graph, 3, &fixture.total), DK_OK);
    char *dot = NULL;
    assert_int_equal(dk_graph_to_dot(fixture.graph, &(dk_task_id){1}, 1, &dot, NULL), DK_OK);
    assert_int_equal(count(dot, "shape="), 2);
    dk_text_free(dot);
    deinit(&fixture);
}

/* Quotes and backslashes are escaped, tokens left out unless asked for. */
static void test_labels(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture);
    dk_task_id id;
    assert_int_equal(
        dk_graph_add(fixture.graph, dk_key_text("a \"b\" \\-" TOKEN), "add", NULL, 0, &id, NULL),
        DK_OK);
    char *dot = NULL;
    assert_int_equal(dk_graph_to_dot(fixture.graph, NULL, 0, &dot, NULL), DK_OK);
    assert_non_null(strstr(dot, "label=\"a \\\"b\\\" \\\\\""));
    dk_text_free(dot);
    dk_draw_options full = {.full_keys = true};
    assert_int_equal(dk_graph_draw(fixture.graph, NULL, 0, &full, &dot, NULL), DK_OK);
    assert_non_null(strstr(dot, TOKEN "\""));
    dk_text_free(dot);
    deinit(&fixture);
}

/* By order, the first task is the palest and the last the darkest, and each has its number. */
static void test_color_by_order(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture);
    assert_int_equal(add_sum(fixture.graph, 3, &fixture.total), DK_OK);
    char *dot = NULL;
    dk_draw_options options = {.color = "order", .direction = "lr"};
    assert_int_equal(dk_graph_draw(fixture.graph, NULL, 0, &options, &dot, NULL), DK_OK);
    assert_non_null(strstr(dot, "rankdir=LR"));
    assert_non_null(strstr(dot, "label=\"0\\n#0\", fillcolor=\"#faf6d4\"]"));
    assert_non_null(
        strstr(dot, "label=\"total\\n#3\", fillcolor=\"#242a60\", fontcolor=\"white\"]"));
    dk_text_free(dot);
    options.color = "function";
    assert_int_equal(dk_graph_draw(fixture.graph, NULL, 0, &options, &dot, NULL), DK_OK);
    assert_int_equal(count(dot, "fillcolor=\"#3b6fa0\""), 8);
    dk_text_free(dot);
    deinit(&fixture);
}

/* Unknown colours and directions are refused with those there are; a task that is not defined by
 * its key. */
static void test_errors(void **state)
{
    (void)state;
    struct fixture fixture;
    init(&fixture);
    char *dot = NULL;
    dk_error error = {0};
    dk_draw_options options = {.color = "red"};
    assert_int_equal(dk_graph_draw(fixture.graph, NULL, 0, &options, &dot, &error), DK_EINVAL);
    assert_non_null(strstr(error.message, "order, function or none"));
    options = (dk_draw_options){.direction = "up"};
    assert_int_equal(dk_graph_draw(fixture.graph, NULL, 0, &options, &dot, &error), DK_EINVAL);
    assert_non_null(strstr(error.message, "'up'"));
    dk_task_id id;
    assert_int_equal(dk_graph_task(fixture.graph, dk_key_text("lost"), &id), DK_OK);
    assert_int_equal(dk_graph_to_dot(fixture.graph, NULL, 0, &dot, &error), DK_EKEY);
    assert_non_null(strstr(error.message, "lost"));
    deinit(&fixture);
}

static void make_path(char out[64], const char *ending)
{
    snprintf(out, 64, "/tmp/cdask-draw-%d%s", (int)getpid(), ending);
}

static bool starts_with(const char *path, const char *start)
{
    char bytes[8] = "";
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    size_t n = fread(bytes, 1, strlen(start), file);
    fclose(file);
    return n == strlen(start) && memcmp(bytes, start, n) == 0;
}

/* Graphviz draws what we write, in the format that the name ends in. */
static void test_pictures(void **state)
{
    (void)state;
    char svg[64], png[64];
    make_path(svg, ".svg");
    make_path(png, ".PNG");
    dk_error error = {0};
    dk_status status = dk_draw_dot("digraph { a -> b }", svg, &error);
    if (status == DK_ENOTSUP)
        skip();
    assert_int_equal(status, DK_OK);
    assert_true(starts_with(svg, "<?xml"));
    assert_int_equal(dk_draw_dot("digraph { a -> b }", png, &error), DK_OK);
    assert_true(starts_with(png, "\211PNG"));
    unlink(svg);
    unlink(png);
}

/* What cannot be drawn, or not there, is said, and leaves no file. */
static void test_picture_errors(void **state)
{
    (void)state;
    char path[64];
    make_path(path, ".svg");
    dk_error error = {0};
    if (dk_draw_dot("digraph {}", path, &error) == DK_ENOTSUP)
        skip();
    unlink(path);
    assert_int_equal(dk_draw_dot("this is no document", path, &error), DK_EIO);
    assert_non_null(strstr(error.message, "syntax error"));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(dk_draw_dot("digraph {}", "picture.bmp", &error), DK_EINVAL);
    assert_non_null(strstr(error.message, "picture.bmp"));
    assert_int_equal(dk_draw_dot("digraph {}", "/nowhere/at/all.svg", &error), DK_ENOFILE);
    assert_non_null(strstr(error.message, "/nowhere/at/all.svg"));
}

/* Without Graphviz the error says what to install. */
static void test_not_installed(void **state)
{
    (void)state;
    char *saved = strdup(getenv("PATH"));
    setenv("PATH", "/nowhere", 1);
    dk_error error = {0};
    assert_int_equal(dk_draw_dot("digraph {}", "graph.svg", &error), DK_ENOTSUP);
    assert_non_null(strstr(error.message, "graphviz"));
    setenv("PATH", saved, 1);
    free(saved);
}

static dk_status draw_everything(struct memory *memory)
{
    dk_context *dk = context_open(memory);
    if (!dk)
        return DK_ENOMEM;
    dk_graph *graph = NULL;
    dk_task_id total;
    char *dot = NULL;
    dk_draw_options options = {.color = "function"};
    dk_status status = dk_register(dk, "add", call_add, NULL, NULL);
    if (status == DK_OK)
        status = dk_graph_new(dk, &graph);
    if (status == DK_OK)
        status = add_sum(graph, 3, &total);
    if (status == DK_OK)
        status = dk_graph_draw(graph, NULL, 0, &options, &dot, NULL);
    dk_text_free(dot);
    dk_graph_free(graph);
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
        cmocka_unit_test(test_shapes),         cmocka_unit_test(test_culled),
        cmocka_unit_test(test_labels),         cmocka_unit_test(test_color_by_order),
        cmocka_unit_test(test_errors),         cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_picture_errors), cmocka_unit_test(test_not_installed),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
