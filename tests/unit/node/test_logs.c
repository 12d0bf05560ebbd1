/* The last lines of a node's log, asked for by a connection. */
#include "loop_support.h"

#include "node/logs.h"
#include "node/server.h"
#include "wire/build.h"

struct scene {
    uv_loop_t loop;
    struct memory *memory;
    struct logs logs;
    struct server *server;
    struct end end;
};

static void answer(void *self, struct request *request)
{
    logs_reply(&((struct scene *)self)->logs, request);
}

static void on_closed(void *self)
{
    ((struct scene *)self)->server = NULL;
}

static void scene_open(struct scene *scene)
{
    static const struct server_op ops[] = {{"get_logs", answer}};
    struct listener_options options = local_options();
    struct server_events events = {.self = scene, .closed = on_closed};
    *scene = (struct scene){.memory = memory_new(NULL, 0)};
    logs_init(&scene->logs, scene->memory);
    assert_int_equal(uv_loop_init(&scene->loop), 0);
    assert_int_equal(
        server_new(&scene->loop, scene->memory, &options, ops, 1, events, &scene->server, NULL),
        DK_OK);
    assert_int_equal(comm_connect(&scene->loop, scene->memory, server_address(scene->server),
                                  &roomy, end_events(&scene->end), &scene->end.comm, NULL),
                     DK_OK);
    RUN_UNTIL(&scene->loop, scene->end.nopened);
}

static void scene_close(struct scene *scene)
{
    comm_close(scene->end.comm);
    server_close(scene->server);
    uv_run(&scene->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&scene->loop), 0);
    logs_deinit(&scene->logs);
    assert_int_equal(memory_use(scene->memory).current, 0);
    memory_close(scene->memory);
}

/* The lines; borrowed until the next question. */
static const struct wire_value *ask(struct scene *scene, struct wire_value n,
                                    struct wire_value start, bool has_times)
{
    struct wire_entry entries[] = {{wire_text("op"), wire_text("get_logs")},
                                   {wire_text("n"), n},
                                   {wire_text("start"), start},
                                   {wire_text("timestamps"), wire_bool(has_times)}};
    struct wire_value question = wire_map(entries, 4);
    size_t before = scene->end.nreceived;
    assert_int_equal(comm_send(scene->end.comm, &question, NULL), DK_OK);
    RUN_UNTIL(&scene->loop, scene->end.nreceived > before);
    assert_int_equal(scene->end.message.root.kind, WIRE_ARRAY);
    return &scene->end.message.root;
}

static const struct wire_value *part(const struct wire_value *lines, uint32_t line, uint32_t number)
{
    assert_in_range(line, 0, lines->count - 1);
    assert_in_range(number, 0, lines->as.items[line].count - 1);
    return &lines->as.items[line].as.items[number];
}

/* How the text of a line ends. */
static void check_end(const struct wire_value *text, const char *end)
{
    struct wire_bytes bytes;
    assert_true(wire_read_text(text, &bytes));
    assert_in_range(strlen(end), 0, bytes.nbytes);
    assert_memory_equal(bytes.data + bytes.nbytes - strlen(end), end, strlen(end));
}

/* Proves that the newest come first, as many as are asked for, since when, and with their times. */
static void test_choice(void **state)
{
    (void)state;
    struct scene scene;
    struct wire_value nil = wire_nil();
    scene_open(&scene);
    assert_int_equal(ask(&scene, nil, nil, false)->count, 0);
    logs_add(&scene.logs, "INFO", "distributed.worker", "one");
    logs_add(&scene.logs, "WARNING", "distributed.worker", "two");
    const struct wire_value *lines = ask(&scene, nil, nil, false);
    assert_int_equal(lines->count, 2);
    assert_true(wire_text_is(part(lines, 0, 0), "WARNING"));
    check_end(part(lines, 0, 1), " - distributed.worker - WARNING - two");
    check_end(part(lines, 1, 1), " - distributed.worker - INFO - one");
    assert_int_equal(ask(&scene, wire_int(1), nil, false)->count, 1);
    assert_int_equal(ask(&scene, wire_int(0), nil, false)->count, 2);
    assert_int_equal(ask(&scene, wire_int(-1), nil, false)->count, 0);
    lines = ask(&scene, nil, nil, true);
    assert_true(wire_text_is(part(lines, 1, 1), "INFO"));
    double first_s, second_s;
    assert_true(wire_read_float(part(lines, 1, 0), &first_s));
    assert_true(wire_read_float(part(lines, 0, 0), &second_s));
    assert_true(first_s <= second_s && first_s > 1.7e9);
    assert_int_equal(ask(&scene, nil, wire_float(second_s + 1), false)->count, 0);
    assert_int_equal(ask(&scene, nil, wire_float(first_s), false)->count, 2);
    scene_close(&scene);
}

/* Proves that the oldest go: there are 10,000 at most, and 4 MiB. */
static void test_bound(void **state)
{
    (void)state;
    struct scene scene;
    char text[32], large[1024];
    scene_open(&scene);
    for (int i = 0; i < 10001; i++) {
        snprintf(text, sizeof(text), "line %d", i);
        logs_add(&scene.logs, "INFO", "a", text);
    }
    const struct wire_value *lines = ask(&scene, wire_nil(), wire_nil(), false);
    assert_int_equal(lines->count, 10000);
    check_end(part(lines, 0, 1), "line 10000");
    check_end(part(lines, 9999, 1), "line 1");
    memset(large, 'x', sizeof(large));
    large[sizeof(large) - 1] = '\0';
    for (int i = 0; i < 10000; i++)
        logs_add(&scene.logs, "INFO", "a", large);
    lines = ask(&scene, wire_nil(), wire_nil(), false);
    assert_in_range(lines->count, 3500, 4096);
    check_end(part(lines, lines->count - 1, 1), "xxx");
    scene_close(&scene);
}

/* Proves that a line is one line of UTF-8, whatever it was made of, also where it is cut. */
static void test_clean(void **state)
{
    (void)state;
    struct timespec when = {0};
    char line[128], small[64];
    size_t before;
    logs_write_line(line, sizeof(line), &when, "INFO", "a", "b\nc\xff\x1b[0m gr\xc3\xbc\xc3\x9f");
    assert_non_null(strstr(line, "a - INFO - b?c??[0m gr\xc3\xbc\xc3\x9f"));
    logs_write_line(line, sizeof(line), &when, "INFO", "a", "");
    before = strlen(line);
    logs_write_line(small, before + 2, &when, "INFO", "a", "\xc3\xbc");
    assert_int_equal(strlen(small), before);
    logs_write_line(small, before + 3, &when, "INFO", "a", "\xc3\xbc");
    assert_int_equal(strlen(small), before + 2);
}

static dk_status keep(struct memory *memory)
{
    struct logs logs;
    logs_init(&logs, memory);
    logs_add(&logs, "INFO", "a", "one");
    logs_add(&logs, "INFO", "a", "two");
    dk_status status = logs.count == 2 ? DK_OK : DK_ENOMEM;
    logs_deinit(&logs);
    return status;
}

/* Proves that what there is no memory for is not kept. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
