#include "support/failing_allocator.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "support/tasks.h"

/* Proves that a function is found under its name, and keeps its entry when others come. */
static void test_find(void **state)
{
    (void)state;
    struct dk_context dk;
    int user = 0;
    assert_true(context_open(&dk, NULL));
    assert_int_equal(dk_register(&dk, "first", tasks_sum, &user, NULL), DK_OK);
    const struct function *first = registry_find(&dk.registry, "first");
    char name[32];
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        assert_int_equal(dk_register(&dk, name, tasks_mix, NULL, NULL), DK_OK);
    }
    assert_ptr_equal(registry_find(&dk.registry, "first"), first);
    assert_string_equal(first->name, "first");
    assert_ptr_equal(first->user, &user);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "f%d", i);
        assert_string_equal(registry_find(&dk.registry, name)->name, name);
    }
    assert_null(registry_find(&dk.registry, "f1000"));
    assert_int_equal(dk.registry.count, 1001);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that the same registration may be repeated, and that another under the same name is
 * refused by name. */
static void test_taken(void **state)
{
    (void)state;
    struct dk_context dk;
    dk_error err = {0};
    int user = 0;
    assert_true(context_open(&dk, NULL));
    assert_int_equal(dk_register(&dk, "f", tasks_sum, NULL, &err), DK_OK);
    assert_int_equal(dk_register(&dk, "f", tasks_sum, NULL, &err), DK_OK);
    assert_int_equal(dk_register(&dk, "f", tasks_mix, NULL, &err), DK_EINVAL);
    assert_non_null(strstr(err.message, "'f'"));
    assert_int_equal(dk_register(&dk, "f", tasks_sum, &user, &err), DK_EINVAL);
    assert_int_equal(dk_register(&dk, "", tasks_sum, NULL, &err), DK_EINVAL);
    assert_int_equal(dk_register(&dk, "g", NULL, NULL, &err), DK_EINVAL);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that interning gives one copy a name, and a function's own name where there is a function.
 */
static void test_intern(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    assert_int_equal(dk_register(&dk, "f", tasks_sum, NULL, NULL), DK_OK);
    char name[] = "kernel";
    const char *copy = registry_intern(&dk.registry, name);
    assert_ptr_not_equal(copy, name);
    name[0] = 'K';
    assert_string_equal(copy, "kernel");
    assert_ptr_equal(registry_intern(&dk.registry, "kernel"), copy);
    assert_ptr_equal(registry_intern(&dk.registry, "f"), registry_find(&dk.registry, "f")->name);
    assert_int_equal(context_close(&dk), 0);
}

static void free_nothing(void *object)
{
    (void)object;
}

static dk_status pack_nothing(dk_context *dk, void *object, dk_value *bytes, dk_error *err)
{
    (void)object;
    (void)err;
    return dk_value_bytes(dk, NULL, 0, bytes);
}

static dk_status unpack_nothing(dk_context *dk, const void *bytes, size_t nbytes, void **object,
                                dk_error *err)
{
    (void)dk, (void)bytes, (void)nbytes, (void)object, (void)err;
    return DK_OK;
}

static const dk_object_type nothing = {
    .name = "nothing", .free = free_nothing, .pack = pack_nothing, .unpack = unpack_nothing};

/* Proves that an object type is found by its name and may be registered again, and that another of
 * the name, or one that cannot be packed, is refused. */
static void test_types(void **state)
{
    (void)state;
    struct dk_context dk;
    dk_error err = {0};
    assert_true(context_open(&dk, NULL));
    dk_object_type other = nothing;
    dk_object_type unnamed = nothing;
    unnamed.name = "";
    dk_object_type stays = {.name = "stays", .free = free_nothing};
    dk_object_type half = {.name = "half", .free = free_nothing, .pack = pack_nothing};
    assert_int_equal(dk_register_type(&dk, &nothing, &err), DK_OK);
    assert_int_equal(dk_register_type(&dk, &nothing, &err), DK_OK);
    assert_int_equal(dk.registry.types.count, 1);
    assert_int_equal(dk_register_type(&dk, &other, &err), DK_EINVAL);
    assert_non_null(strstr(err.message, "'nothing'"));
    assert_int_equal(dk_register_type(&dk, &unnamed, &err), DK_EINVAL);
    assert_int_equal(dk_register_type(&dk, &stays, &err), DK_EINVAL);
    assert_int_equal(dk_register_type(&dk, &half, &err), DK_EINVAL);
    assert_ptr_equal(registry_find_type(&dk.registry, "nothing"), &nothing);
    assert_null(registry_find_type(&dk.registry, "half"));
    assert_int_equal(context_close(&dk), 0);
}

static void *register_many(void *arg)
{
    struct dk_context *dk = arg;
    for (int i = 0; i < 50; i++) {
        char name[32];
        snprintf(name, sizeof(name), "f%d", i);
        if (dk_register(dk, name, tasks_sum, NULL, NULL) != DK_OK)
            return dk;
    }
    return NULL;
}

/* Proves that threads may register the same functions at once, and that each is there once after.
 */
static void test_threads(void **state)
{
    (void)state;
    struct dk_context dk;
    pthread_t threads[4];
    assert_true(context_open(&dk, NULL));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, register_many, &dk), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(dk.registry.count, 50);
    assert_int_equal(context_close(&dk), 0);
}

static dk_status add_functions(struct dk_context *dk)
{
    for (int i = 0; i < 40; i++) { /* which need more than the first room */
        char name[32];
        snprintf(name, sizeof(name), "f%d", i);
        DK_TRY(dk_register(dk, name, tasks_sum, NULL, NULL));
    }
    DK_TRY(dk_register_type(dk, &nothing, NULL));
    return registry_intern(&dk->registry, "kernel") ? DK_OK : DK_ENOMEM;
}

/* Proves that running out of memory is reported, at every allocation. */
static void test_no_memory(void **state)
{
    (void)state;
    fail_each_allocation_of(add_functions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),    cmocka_unit_test(test_taken),
        cmocka_unit_test(test_intern),  cmocka_unit_test(test_types),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
