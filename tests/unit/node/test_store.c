/* What a worker holds: kept, used, on disk and back, and gone. */
#include "support/failing.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph/value.h"
#include "node/worker/store.h"

static const struct wkr_task_id first = {0}, second = {5};

static struct content bytes_of(struct memory *memory, size_t nbytes)
{
    struct content content = {.value = dk_value_null(), .nbytes = (int64_t)nbytes};
    char *bytes = malloc(nbytes);
    memset(bytes, 'x', nbytes);
    content.has_value = value_bytes(memory, bytes, nbytes, &content.value) == DK_OK;
    free(bytes);
    return content;
}

/* Proves that only what the core keeps stays, and that nothing replaces it. */
static void test_keep(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct store store;
    store_init(&store, memory);
    assert_int_equal(store_bring(&store, second, bytes_of(memory, 10)), DK_OK);
    assert_null(store_find(&store, second));
    store_keep(&store, second);
    struct stored *kept = store_find(&store, second);
    assert_int_equal(kept->content.nbytes, 10);
    assert_int_equal(store_bring(&store, second, bytes_of(memory, 20)), DK_OK);
    store_discard(&store, second);
    assert_ptr_equal(store_find(&store, second), kept);
    assert_int_equal(store_bring(&store, first, bytes_of(memory, 20)), DK_OK);
    store_discard(&store, first);
    assert_null(store_find(&store, first));
    assert_int_equal(store.memory_nbytes, 10);
    store_release(&store, second);
    store_release(&store, second);
    assert_int_equal(store.memory_nbytes + (int64_t)store.count, 0);
    store_deinit(&store);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that what was not used for the longest time comes first. */
static void test_order_of_use(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct store store;
    store_init(&store, memory);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(store_bring(&store, (struct wkr_task_id){i}, bytes_of(memory, 1)), DK_OK);
        store_keep(&store, (struct wkr_task_id){i});
    }
    (void)store_find(&store, first);
    assert_int_equal(LIST_ENTRY(store.by_use.next, struct stored, by_use)->task.number, 1);
    store_deinit(&store);
    memory_close(memory);
}

static int count_files(const char *folder)
{
    int count = -2;
    DIR *directory = opendir(folder);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* A list is written to `folder` and read again. */
static dk_status there_and_back(struct memory *memory, const char *folder)
{
    struct wire_value items[] = {wire_text("text"), wire_int(7), wire_float(1.5)};
    struct wire_value list = wire_array(items, 3);
    struct spilled *spilled;
    struct held *held;
    dk_error err = {0};
    dk_status status = spilled_new(memory, folder, 1, &list, &spilled, &err);
    if (status != DK_OK)
        return status;
    assert_int_equal(count_files(folder), 1);
    status = spilled_read(spilled, &held, &err);
    if (status == DK_OK) {
        assert_int_equal(held->message.root.count, 3);
        assert_true(wire_text_is(&held->message.root.as.items[0], "text"));
        assert_int_equal(held->message.root.as.items[1].as.integer, 7);
        held_unref(held);
    }
    struct spilled_view view = {.bytes = NULL};
    if (status == DK_OK)
        status = spilled_view_open(spilled, &view, &err);
    spilled_unref(spilled);
    assert_int_equal(count_files(folder), 0);
    if (status == DK_OK)
        assert_true(wire_text_is(&view.message.root.as.items[0], "text"));
    spilled_view_close(&view);
    return status;
}

static char folder[] = "/tmp/cdask-test-store-XXXXXX";

static dk_status scenario(struct memory *memory)
{
    return there_and_back(memory, folder);
}

/* Proves that a file gives back what was written, goes with its last user, and that no allocation
 * that fails is missed on the way. */
static void test_disk(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    fail_each_allocation(scenario);
    assert_int_equal(rmdir(folder), 0);
}

/* Proves that a folder that is not there is an error that names it. */
static void test_no_folder(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct wire_value one = wire_int(1);
    struct spilled *spilled;
    dk_error err = {0};
    assert_int_not_equal(spilled_new(memory, "/no/such/folder", 1, &one, &spilled, &err), DK_OK);
    assert_non_null(strstr(err.message, "/no/such/folder"));
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that the accounts of memory and disk follow a result to disk and back. */
static void test_accounts(void **state)
{
    (void)state;
    char place[] = "/tmp/cdask-test-store-XXXXXX";
    struct memory *memory = memory_new(NULL, 0);
    struct wire_value one = wire_int(1);
    struct store store;
    struct spilled *spilled;
    store_init(&store, memory);
    assert_non_null(mkdtemp(place));
    assert_int_equal(store_bring(&store, first, bytes_of(memory, 100)), DK_OK);
    store_keep(&store, first);
    struct stored *stored = store_find(&store, first);
    assert_int_equal(spilled_new(memory, place, 1, &one, &spilled, NULL), DK_OK);
    store_set_spilled(&store, stored, spilled);
    assert_int_equal(store.memory_nbytes, 0);
    assert_int_equal(store.spilled_nbytes, 100);
    assert_int_equal(store.disk_nbytes, spilled_nbytes(spilled));
    assert_true(list_is_empty(&store.by_use));
    store_set_value(&store, stored, dk_value_int(1));
    assert_int_equal(store.memory_nbytes, 100);
    assert_int_equal(store.spilled_nbytes + store.disk_nbytes, 0);
    assert_false(list_is_empty(&store.by_use));
    assert_int_equal(rmdir(place), 0);
    store_deinit(&store);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep),     cmocka_unit_test(test_order_of_use),
        cmocka_unit_test(test_disk),     cmocka_unit_test(test_no_folder),
        cmocka_unit_test(test_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
