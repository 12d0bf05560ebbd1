#include "support/failing_allocator.h"

#include "graph/plan.h"
#include "support/tasks.h"

static dk_task_id add(dk_graph *graph, int64_t index, const dk_task_id *needed, size_t n)
{
    dk_value args[4];
    for (size_t i = 0; i < n; i++)
        args[i] = dk_value_task(needed[i]);
    return tasks_add(graph, "t", index, "mix", args, n);
}

static void make_plan(struct plan *plan, dk_graph *graph, const dk_task_id *keys, size_t nkeys)
{
    assert_int_equal(plan_init(plan, graph, keys, nkeys, NULL), DK_OK);
    assert_int_equal(plan_link(plan, NULL), DK_OK);
    assert_int_equal(plan_fuse(plan, NULL), DK_OK);
}

/* Proves the counts: an argument given twice counts twice, and so does a key that is wanted twice.
 */
static void test_counts(void **state)
{
    (void)state;
    struct dk_context dk;
    struct plan plan;
    assert_true(context_open(&dk, NULL));
    tasks_register(&dk);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id a = add(graph, 0, NULL, 0);
    dk_task_id b = add(graph, 1, (dk_task_id[]){a, a}, 2);
    dk_task_id c = add(graph, 2, (dk_task_id[]){b, a}, 2);
    dk_task_id unused = add(graph, 3, &a, 1);
    make_plan(&plan, graph, (dk_task_id[]){c, c, b}, 3);
    assert_int_equal(plan_ntasks(&plan), 3);
    assert_int_equal(plan.users[a.id], 3);
    assert_int_equal(plan.users[b.id], 2);
    assert_int_equal(plan.users[c.id], 2);
    assert_int_equal(plan.pending[a.id], 0);
    assert_int_equal(plan.pending[b.id], 2);
    assert_int_equal(plan.pending[unused.id], 0);
    assert_int_equal(plan.successor_start[a.id + 1] - plan.successor_start[a.id], 3);
    assert_int_equal(plan.successors[plan.successor_start[b.id]], c.id);
    plan_deinit(&plan);
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that only linear chains are joined: not past a result that is wanted, used twice, or
 * joined by another. */
static void test_fuse(void **state)
{
    (void)state;
    struct dk_context dk;
    struct plan plan;
    assert_true(context_open(&dk, NULL));
    tasks_register(&dk);
    dk_graph *graph = tasks_graph(&dk);
    dk_task_id a = add(graph, 0, NULL, 0);
    dk_task_id b = add(graph, 1, &a, 1);
    dk_task_id wanted = add(graph, 2, &b, 1);
    dk_task_id shared = add(graph, 3, &wanted, 1);
    dk_task_id left = add(graph, 4, &shared, 1);
    dk_task_id right = add(graph, 5, &shared, 1);
    dk_task_id top = add(graph, 6, (dk_task_id[]){left, right}, 2);
    dk_task_id twice = add(graph, 7, (dk_task_id[]){top, top}, 2);
    make_plan(&plan, graph, (dk_task_id[]){twice, wanted}, 2);
    assert_int_equal(plan.next[a.id], b.id);
    assert_int_equal(plan.next[b.id], wanted.id);
    assert_int_equal(plan.next[wanted.id], TASK_NONE);
    assert_int_equal(plan.next[shared.id], TASK_NONE);
    assert_int_equal(plan.next[left.id], TASK_NONE);
    assert_int_equal(plan.next[right.id], TASK_NONE);
    assert_int_equal(plan.next[top.id], TASK_NONE);
    assert_int_equal(plan.next[twice.id], TASK_NONE);
    plan_deinit(&plan);
    dk_graph_free(graph);
    assert_int_equal(context_close(&dk), 0);
}

static void check_plan(const struct plan *plan)
{
    size_t nsuccessors = 0;
    size_t npending = 0;
    for (size_t rank = 0; rank < plan_ntasks(plan); rank++) {
        uint32_t id = plan_at(plan, rank);
        nsuccessors += plan->successor_start[id + 1] - plan->successor_start[id];
        npending += plan->pending[id];
        for (uint32_t i = plan->successor_start[id]; i < plan->successor_start[id + 1]; i++) {
            const struct task *user = graph_task(plan->graph, plan->successors[i]);
            const dk_value *args = graph_args(plan->graph, user);
            bool is_used = false;
            for (uint32_t k = 0; k < user->nargs; k++) {
                is_used |= args[k].kind == DK_KIND_TASK && args[k].as.task == id;
            }
            assert_true(is_used);
        }
        uint32_t next = plan->next[id];
        if (next == TASK_NONE)
            continue;
        assert_int_equal(plan->users[id], 1);
        assert_int_equal(plan->pending[next], 1);
        assert_int_equal(plan->successors[plan->successor_start[id]], next);
    }
    assert_int_equal(nsuccessors, npending);
    assert_int_equal(nsuccessors, plan->nsuccessors);
}

/* Proves for random graphs that successors mirror arguments, and that joined tasks have only each
 * other. */
static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct dk_context dk;
        struct plan plan;
        dk_task_id ids[TASKS_RANDOM_MAX];
        assert_true(context_open(&dk, NULL));
        tasks_register(&dk);
        dk_graph *graph = tasks_graph(&dk);
        size_t n = tasks_random_graph(graph, seed, ids);
        make_plan(&plan, graph, (dk_task_id[]){ids[n - 1], ids[n / 3]}, 2);
        check_plan(&plan);
        plan_deinit(&plan);
        dk_graph_free(graph);
        assert_int_equal(context_close(&dk), 0);
    }
}

static dk_status plan_a_graph(struct dk_context *dk)
{
    dk_graph *graph = NULL;
    struct plan plan;
    dk_task_id id = {0};
    DK_TRY(dk_register(dk, "mix", tasks_mix, NULL, NULL));
    DK_TRY(dk_graph_new(dk, &graph));
    dk_status status = DK_OK;
    for (int64_t i = 0; i < 20 && status == DK_OK; i++) {
        dk_value arg = dk_value_task(id);
        status = dk_graph_add(graph, dk_key_at("t", i), "mix", &arg, i > 0, &id, NULL);
    }
    if (status == DK_OK)
        status = plan_init(&plan, graph, &id, 1, NULL);
    if (status == DK_OK) {
        status = plan_link(&plan, NULL);
        if (status == DK_OK)
            status = plan_fuse(&plan, NULL);
        plan_deinit(&plan);
    }
    dk_graph_free(graph);
    return status;
}

/* Proves that running out of memory is reported, at every allocation. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation_of(plan_a_graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_fuse),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
