#include "support/failing.h"

#include <string.h>

#include "base/error.h"
#include "wire/pickle.h"
#include "wire/pickle_graph.h"
#include "wire/pickle_part.h"

static struct memory *memory;

static int open_memory(void **state)
{
    (void)state;
    memory = memory_new(NULL, 0);
    return memory ? 0 : -1;
}

static int close_memory(void **state)
{
    (void)state;
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
    return 0;
}

static struct wire_bytes bytes_of(const struct vector *vector)
{
    return (struct wire_bytes){vector->data, vector->count};
}

/* ---- trees ---- */

/* The whole tree, written again. */
static dk_status rewrite(struct memory *ledger, struct wire_bytes pickle, struct vector *out,
                         struct vector *buffers, dk_error *err)
{
    struct arena arena;
    struct pickle_tree tree;
    struct pickle_part part;
    arena_init(&arena, ledger);
    dk_status status = pickle_tree_read(&tree, &arena, pickle, err);
    if (status == DK_OK) {
        pickle_part_begin(&part, &tree, out, buffers, err);
        status = pickle_part_put(&part, tree.root);
    }
    if (status == DK_OK)
        status = pickle_part_end(&part);
    arena_deinit(&arena);
    return status;
}

static void assert_rewritten(const char *pickle, size_t nbytes, const char *expected,
                             size_t expected_nbytes)
{
    struct vector out, buffers;
    dk_error err = {0};
    vector_init(&out, memory, 1);
    vector_init(&buffers, memory, sizeof(uint32_t));
    dk_status status = rewrite(memory, (struct wire_bytes){pickle, nbytes}, &out, &buffers, &err);
    assert_string_equal(err.message, "");
    assert_int_equal(status, DK_OK);
    assert_int_equal(out.count, expected_nbytes);
    assert_memory_equal(out.data, expected, expected_nbytes);
    vector_deinit(&buffers);
    vector_deinit(&out);
}

#define ASSERT_REWRITTEN(pickle, expected)                                                         \
    assert_rewritten(pickle, sizeof(pickle) - 1, expected, sizeof(expected) - 1)

/* Proves that what is written makes the same objects: shared ones once, and what happens to them in
 * the order it did. */
static void test_rewritten(void **state)
{
    (void)state;
    ASSERT_REWRITTEN("\x80\x05K\x07.", "\x80\x05K\x07.");
    ASSERT_REWRITTEN("\x80\x04\x95\x09\0\0\0\0\0\0\0]\x94(K\x01\x8c\x01xe.",
                     "\x80\x05](K\x01\x8c\x01xe.");
    /* [a, a] and a list that contains itself */
    ASSERT_REWRITTEN("\x80\x05](\x8c\x01"
                     "a\x94h\0e.",
                     "\x80\x05](\x8c\x01"
                     "a\x94h\0e.");
    ASSERT_REWRITTEN("\x80\x05]\x94h\0a.", "\x80\x05]\x94(h\0e.");
    /* the state of an object, and a call for what it does to one */
    ASSERT_REWRITTEN("\x80\x05\x8c\x01m\x8c\x01"
                     "C\x93)\x81}b.",
                     "\x80\x05\x8c\x01m\x8c\x01"
                     "C\x93)\x81}b.");
    ASSERT_REWRITTEN("\x80\x05}\x94\x8c\x01m\x8c\x01"
                     "f\x93h\0K\x01\x86R0.",
                     "\x80\x05}\x94\x8c\x01m\x8c\x01"
                     "f\x93h\0K\x01\x86R0.");
}

static void assert_refused(const char *pickle, size_t nbytes, dk_status expected,
                           const char *message)
{
    struct vector out, buffers;
    dk_error err = {0};
    vector_init(&out, memory, 1);
    vector_init(&buffers, memory, sizeof(uint32_t));
    assert_int_equal(rewrite(memory, (struct wire_bytes){pickle, nbytes}, &out, &buffers, &err),
                     expected);
    assert_string_equal(err.message, message);
    vector_deinit(&buffers);
    vector_deinit(&out);
}

#define ASSERT_REFUSED(pickle, status, message)                                                    \
    assert_refused(pickle, sizeof(pickle) - 1, status, message)

/* Proves that what is no pickle, or cannot be taken apart, is refused with the reason. */
static void test_refused(void **state)
{
    (void)state;
    ASSERT_REFUSED("", DK_EPARSE, "no pickle: it does not begin as one");
    ASSERT_REFUSED("\x80\x01N.", DK_EPARSE, "no pickle: of a protocol other than 2 to 5");
    ASSERT_REFUSED("\x80\x05.", DK_EPARSE, "no pickle: it ends with more or less than one value");
    ASSERT_REFUSED("\x80\x05N", DK_EPARSE, "no pickle: it is cut off, or has an unknown opcode");
    ASSERT_REFUSED("\x80\x05h\0.", DK_EPARSE, "no pickle: it remembers what it has not seen");
    ASSERT_REFUSED("\x80\x05\x85.", DK_EPARSE, "no pickle: its stack is empty");
    ASSERT_REFUSED("\x80\x05NQ.", DK_ENOTSUP,
                   "a pickle with opcode 0x51 cannot be read without Python");
    ASSERT_REFUSED("\x80\x05NN)R0.", DK_ENOTSUP, "a pickle with a call for nothing");
    /* t = ([t],) */
    ASSERT_REFUSED("\x80\x05]\x94h\0\x85\x94\x61\x30h\1.", DK_ENOTSUP,
                   "an object that is made of itself");
}

/* Lists within lists, beyond what Python itself would read. */
static void test_deep(void **state)
{
    (void)state;
    struct vector pickle;
    vector_init(&pickle, memory, 1);
    assert_int_equal(vector_append(&pickle, "\x80\x05N", 3), DK_OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(vector_append(&pickle, "\x85", 1), DK_OK);
    assert_int_equal(vector_append(&pickle, ".", 1), DK_OK);
    assert_refused(pickle.data, pickle.count, DK_ENOTSUP, "nested deeper than 2000");
    vector_deinit(&pickle);
}

/* ---- graphs ---- */

/* {"a": Task("a", bytes, "code"), ("b", 1): Task(..., TaskRef("a"), TaskRef("a"))} */
static dk_status make_graph(struct vector *out)
{
    struct wire_value parts[2] = {wire_text("b"), wire_int(1)};
    struct wire_value keys[2] = {wire_text("a"), wire_array(parts, 2)};
    struct wire_value twice[2] = {keys[0], keys[0]};
    struct wire_bytes code = {"code", 4};
    DK_TRY(pickle_expr_begin(out));
    DK_TRY(pickle_expr_task(out, &keys[0], code, NULL, 0, NULL));
    DK_TRY(pickle_expr_task(out, &keys[1], code, twice, 2, NULL));
    return pickle_expr_end(out, "token");
}

static void check_tasks(const struct pickle_graph *graph)
{
    assert_int_equal(graph->ntasks, 2);
    assert_true(wire_text_is(&graph->tasks[0].key, "a"));
    assert_int_equal(graph->tasks[0].ndependencies, 0);
    assert_int_equal(graph->tasks[1].key.kind, WIRE_ARRAY);
    assert_int_equal(graph->tasks[1].key.as.items[1].as.integer, 1);
    assert_int_equal(graph->tasks[1].ndependencies, 1);
    assert_true(wire_text_is(&graph->tasks[1].dependencies[0], "a"));
}

static dk_status take_apart(struct memory *ledger)
{
    struct arena arena;
    struct pickle_graph graph;
    struct vector pickle, out, buffers;
    vector_init(&pickle, ledger, 1);
    vector_init(&out, ledger, 1);
    vector_init(&buffers, ledger, sizeof(uint32_t));
    arena_init(&arena, ledger);
    dk_status status = make_graph(&pickle);
    if (status == DK_OK)
        status = pickle_graph_read(&graph, &arena, bytes_of(&pickle), NULL, 0, NULL);
    for (uint32_t i = 0; status == DK_OK && i < 2; i++)
        status = pickle_graph_write(&graph, i, &out, &buffers, NULL);
    if (status == DK_OK)
        check_tasks(&graph);
    arena_deinit(&arena);
    vector_deinit(&buffers);
    vector_deinit(&out);
    vector_deinit(&pickle);
    return status;
}

/* Expr._reconstruct(distributed.client._MapExpr, f, ([x, x],), "f", True, {}, {"k": x}, ["a", "b"],
 * "token", {}), where x is [[Future("c")], 1] */
static const char map_pickle[] = "\x80\x05\x8c\x0a"
                                 "dask._expr\x8c\x11"
                                 "Expr._reconstruct\x93("
                                 "\x8c\x12"
                                 "distributed.client\x94\x8c\x08"
                                 "_MapExpr\x93"
                                 "\x8c\x01m\x8c\x01"
                                 "f\x93"
                                 "](](](h\0\x8c\x06"
                                 "Future\x93\x8c\x01"
                                 "c\x85ReK\x01"
                                 "e\x94h\1"
                                 "e\x85"
                                 "\x8c\x01"
                                 "f\x88}}\x8c\x01kh\1s"
                                 "](\x8c\x01"
                                 "a\x8c\x01"
                                 "be\x8c\x05token}tR.";

static dk_status take_map_apart(struct memory *ledger)
{
    struct arena arena;
    struct pickle_graph graph;
    struct vector out, buffers;
    dk_error err = {0};
    vector_init(&out, ledger, 1);
    vector_init(&buffers, ledger, sizeof(uint32_t));
    arena_init(&arena, ledger);
    dk_status status = pickle_graph_read(
        &graph, &arena, (struct wire_bytes){map_pickle, sizeof(map_pickle) - 1}, NULL, 0, &err);
    for (uint32_t i = 0; status == DK_OK && i < graph.ntasks; i++)
        status = pickle_graph_write(&graph, i, &out, &buffers, &err);
    if (status == DK_OK) {
        assert_int_equal(graph.ntasks, 2);
        assert_true(wire_text_is(&graph.tasks[1].key, "b"));
        assert_int_equal(graph.tasks[1].ndependencies, 1);
        assert_true(wire_text_is(&graph.tasks[1].dependencies[0], "c"));
    } else if (status != DK_ENOMEM) {
        fail_msg("%s", err.message);
    }
    arena_deinit(&arena);
    vector_deinit(&buffers);
    vector_deinit(&out);
    return status;
}

/* Proves that tasks are found with what they depend on, each once, and that any allocation may
 * fail. */
static void test_graph(void **state)
{
    (void)state;
    assert_int_equal(take_apart(memory), DK_OK);
    fail_each_allocation(take_apart);
}

/* Proves the same of client.map, with a future within what all rows share. */
static void test_map(void **state)
{
    (void)state;
    assert_int_equal(take_map_apart(memory), DK_OK);
    fail_each_allocation(take_map_apart);
}

static void assert_graph_refused(const char *pickle, size_t nbytes, dk_status expected,
                                 const char *message)
{
    struct arena arena;
    struct pickle_graph graph;
    dk_error err = {0};
    arena_init(&arena, memory);
    assert_int_equal(
        pickle_graph_read(&graph, &arena, (struct wire_bytes){pickle, nbytes}, NULL, 0, &err),
        expected);
    assert_non_null(strstr(err.message, message));
    arena_deinit(&arena);
}

#define ASSERT_GRAPH_REFUSED(pickle, status, message)                                              \
    assert_graph_refused(pickle, sizeof(pickle) - 1, status, message)

#define RECONSTRUCT                                                                                \
    "\x80\x05\x8c\x0a"                                                                             \
    "dask._expr\x8c\x11"                                                                           \
    "Expr._reconstruct\x93("

/* Proves that a collection is refused by name, and what is none for what it is. */
static void test_graph_refused(void **state)
{
    (void)state;
    ASSERT_GRAPH_REFUSED("\x80\x05N.", DK_EPARSE, "no pickle of a Dask expression");
    ASSERT_GRAPH_REFUSED(RECONSTRUCT "\x8c\x01m\x8c\x07HLGExpr\x93tR.", DK_ENOTSUP,
                         "no collections yet (HLGExpr)");
    ASSERT_GRAPH_REFUSED(RECONSTRUCT "tR.", DK_ENOTSUP, "no collections yet (?)");
    ASSERT_GRAPH_REFUSED("\x80\x05\x97.", DK_EPARSE, "a pickle of 1 buffers came with 0");
    ASSERT_GRAPH_REFUSED(RECONSTRUCT "\x8c\x0a"
                                     "dask._expr\x8c\x07LLGExpr\x93NtR.",
                         DK_ENOTSUP, "a graph that is no dict");
    ASSERT_GRAPH_REFUSED(RECONSTRUCT "\x8c\x0a"
                                     "dask._expr\x8c\x07LLGExpr\x93}NNstR.",
                         DK_ENOTSUP, "a graph with a key");
    ASSERT_GRAPH_REFUSED(RECONSTRUCT "\x8c\x12"
                                     "distributed.client\x8c\x08_MapExpr\x93tR.",
                         DK_ENOTSUP, "another version of Dask");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rewritten, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(test_refused, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(test_deep, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(test_graph, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(test_map, open_memory, close_memory),
        cmocka_unit_test_setup_teardown(test_graph_refused, open_memory, close_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
