/* Interned and counted nodes, without anything of frames. */
#include "support/failing.h"

#include "frame/nodes.h"

enum { PARTS_MAX = 3 };

/* A number and the items it is made of. */
struct item {
    struct node node;
    uint64_t number;
    const struct item *parts[PARTS_MAX];
    int *nreleased; /* counted up when the item goes; may be NULL */
};

static struct node *copy_item(struct memory *memory, const struct node *wanted)
{
    return node_new(memory, wanted, sizeof(struct item), 0);
}

static void parts_of_item(struct nodes *nodes, const struct node *node, node_visit visit)
{
    const struct item *item = (const struct item *)node;
    for (int i = 0; i < PARTS_MAX; i++) {
        if (item->parts[i])
            visit(nodes, &item->parts[i]->node);
    }
}

static void release_item(const struct node *node)
{
    int *nreleased = ((const struct item *)node)->nreleased;
    if (nreleased)
        ++*nreleased;
}

static const struct node_type item_type = {copy_item, parts_of_item, release_item};

/* Tokens are crowded into few home slots, so that gaps in the table have to be closed. */
static struct token crowded_token(uint64_t number)
{
    return (struct token){number, number / 8 * 8};
}

static const struct item *find_or_make(struct nodes *nodes, struct item wanted)
{
    bool is_new = false;
    wanted.node.type = &item_type;
    wanted.node.token = crowded_token(wanted.number);
    return (const struct item *)nodes_intern(nodes, &wanted.node, &is_new);
}

static const struct item *hold(struct nodes *nodes, struct item wanted)
{
    nodes_begin(nodes);
    const struct item *item = find_or_make(nodes, wanted);
    if (item)
        nodes_ref(nodes, &item->node);
    nodes_end(nodes);
    return item;
}

/* Whatever comes and goes, what is held is found again and the rest is not there. */
static void test_held_ones_are_found(void **state)
{
    (void)state;
    enum { N = 2000 };
    static const struct item *held[N];
    struct memory *memory = memory_new(NULL, 0);
    struct nodes nodes;
    nodes_init(&nodes, memory);
    uint64_t random = 1;
    size_t nheld = 0;
    for (int round = 0; round < 20000; round++) {
        random = hash_u64(random + 1);
        uint64_t number = random % N;
        if (held[number]) {
            nodes_unref(&nodes, &held[number]->node);
            held[number] = NULL;
            nheld--;
        } else {
            held[number] = hold(&nodes, (struct item){.number = number});
            assert_non_null(held[number]);
            nheld++;
        }
        assert_int_equal(nodes.count, nheld);
        uint64_t other = hash_u64(random) % N;
        if (held[other]) {
            const struct item *again = hold(&nodes, (struct item){.number = other});
            assert_ptr_equal(again, held[other]);
            nodes_unref(&nodes, &again->node);
        }
    }
    for (size_t i = 0; i < N; i++) {
        if (held[i])
            nodes_unref(&nodes, &held[i]->node);
    }
    assert_int_equal(nodes.count, 0);
    assert_in_range(nodes.capacity, 1, 64);
    nodes_deinit(&nodes);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* What a node is made of goes with it, unless somebody else needs it. */
static void test_parts_go_with_the_whole(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct nodes nodes;
    nodes_init(&nodes, memory);
    int nreleased = 0;
    const struct item *kept = hold(&nodes, (struct item){.number = 1, .nreleased = &nreleased});
    nodes_begin(&nodes);
    const struct item *part =
        find_or_make(&nodes, (struct item){.number = 2, .nreleased = &nreleased});
    struct item whole = {.number = 3, .parts = {kept, part, part}, .nreleased = &nreleased};
    const struct item *made = hold(&nodes, whole);
    nodes_end(&nodes);
    assert_int_equal(nreleased, 0);
    assert_int_equal(nodes.count, 3);
    nodes_unref(&nodes, &made->node);
    assert_int_equal(nreleased, 2);
    nodes_unref(&nodes, &kept->node);
    assert_int_equal(nreleased, 3);
    nodes_deinit(&nodes);
    memory_close(memory);
}

/* While somebody is building nothing goes, and what is found again stays; the last to end frees. */
static void test_nothing_goes_while_anybody_builds(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct nodes nodes;
    nodes_init(&nodes, memory);
    int nreleased = 0;
    struct item wanted = {.number = 1, .nreleased = &nreleased};
    const struct item *item = hold(&nodes, wanted);
    const struct item *other = hold(&nodes, (struct item){.number = 2, .nreleased = &nreleased});
    nodes_begin(&nodes);
    nodes_begin(&nodes);
    nodes_unref(&nodes, &item->node);
    nodes_unref(&nodes, &other->node);
    nodes_end(&nodes);
    assert_int_equal(nreleased, 0);
    assert_ptr_equal(hold(&nodes, wanted), item);
    nodes_end(&nodes);
    assert_int_equal(nreleased, 1);
    assert_int_equal(nodes.count, 1);
    nodes_deinit(&nodes);
    assert_int_equal(nreleased, 2);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* A chain of any length goes without recursion. */
static void test_long_chains_need_no_stack(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct nodes nodes;
    nodes_init(&nodes, memory);
    const struct item *end = hold(&nodes, (struct item){.number = 0});
    for (uint64_t i = 1; i < 300000; i++) {
        const struct item *longer = hold(&nodes, (struct item){.number = i, .parts = {end}});
        nodes_unref(&nodes, &end->node);
        end = longer;
    }
    assert_int_equal(nodes.count, 300000);
    nodes_unref(&nodes, &end->node);
    assert_int_equal(nodes.count, 0);
    nodes_deinit(&nodes);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Nodes with parts, some of which cannot be made. */
static dk_status grow_and_shrink(struct memory *memory)
{
    struct nodes nodes;
    nodes_init(&nodes, memory);
    dk_status status = DK_OK;
    const struct item *last = NULL;
    for (uint64_t i = 0; i < 200 && status == DK_OK; i++) {
        const struct item *item = hold(&nodes, (struct item){.number = i, .parts = {last}});
        if (last)
            nodes_unref(&nodes, &last->node);
        last = item;
        if (!item)
            status = DK_ENOMEM;
    }
    if (last)
        nodes_unref(&nodes, &last->node);
    assert_int_equal(nodes.count, 0);
    nodes_deinit(&nodes);
    return status;
}

/* Without memory nothing is half made, and a table that cannot shrink does without. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(grow_and_shrink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_ones_are_found),
        cmocka_unit_test(test_parts_go_with_the_whole),
        cmocka_unit_test(test_nothing_goes_while_anybody_builds),
        cmocka_unit_test(test_long_chains_need_no_stack),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
