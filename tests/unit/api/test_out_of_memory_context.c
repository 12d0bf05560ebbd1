/* Every allocation fails once of opening contexts, of values, and of what names things. */
#include <signal.h>

#include "out_of_memory.h"

/* The ledger is the context's; where it is shown, the limit is too. */
static dk_status opening(dk_context *dk, struct trial *trial)
{
    assert_true(dk_context_memory(dk).current > 0);
    dk_options options = {.allocator = &trial->allocator,
                          .memory_limit = 1 << 20,
                          .scheduler = "Sync",
                          .num_workers = 3};
    dk_context *other = dk_open(&options);
    if (!other)
        return DK_ENOMEM;
    assert_int_equal(dk_context_memory(other).limit, 1 << 20);
    dk_close(other);
    dk_close(NULL);
    return DK_OK;
}

static dk_status opening_badly(dk_context *dk, struct trial *trial)
{
    (void)dk;
    dk_options options = {.allocator = &trial->allocator, .scheduler = "sink"};
    dk_context *other = NULL;
    dk_error err = {0};
    dk_status status = dk_open_with(&options, &other, &err);
    assert_int_equal(err.status, status);
    assert_null(other);
    return refused(status, DK_EINVAL);
}

static dk_status names(dk_context *dk, struct trial *trial)
{
    (void)dk;
    (void)trial;
    dk_error err = {0};
    dk_get get = NULL;
    assert_string_equal(dk_status_name(DK_ENOMEM), "DK_ENOMEM");
    assert_string_equal(dk_status_text(DK_ENOMEM), "out of memory");
    assert_string_equal(dk_type_name(DK_TEXT), "str");
    assert_string_equal(dk_kind_name(DK_KIND_MAP), "map");
    assert_int_equal(dk_find_scheduler("fibres", &get, &err), DK_EINVAL);
    dk_status status = dk_find_scheduler("threading", &get, &err);
    assert_string_equal(dk_scheduler_name(get), "threads");
    return status;
}

static dk_status interrupts(dk_context *dk, struct trial *trial)
{
    (void)dk;
    (void)trial;
    volatile int cancel = 0;
    dk_interrupt watch;
    signal(SIGINT, SIG_DFL); /* a shell's background jobs ignore it */
    DK_TRY(dk_interrupt_begin(&cancel, &watch, NULL));
    raise(SIGINT);
    dk_interrupt_end(&watch);
    assert_int_equal(cancel, 1);
    return DK_OK;
}

static dk_status texts(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_value text = dk_value_null();
    dk_value bytes = dk_value_null();
    dk_status status = DK_OK;
    size_t nbytes = 0;
    DK_TRY_OUT(dk_value_text(dk, "partition", 9, &text));
    assert_string_equal(dk_value_data(text, &nbytes), "partition");
    assert_int_equal(nbytes, 9);
    DK_TRY_OUT(dk_value_bytes(dk, "\0\1", 2, &bytes));
    assert_memory_equal(dk_value_data(bytes, &nbytes), "\0\1", 2);
    assert_true(dk_value_nbytes(bytes) > 2);
out:
    dk_value_unref(bytes);
    dk_value_unref(text);
    return status;
}

/* {"key": [the key, 7]} */
static dk_status containers(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_value key = dk_value_null();
    dk_value list = dk_value_null();
    dk_value map = dk_value_null();
    size_t count = 0;
    DK_TRY(dk_value_text(dk, "key", 3, &key));
    dk_value items[] = {dk_value_ref(key), dk_value_int(7)};
    dk_status status = dk_value_list(dk, items, 2, &list);
    if (status == DK_OK)
        status = dk_value_map(dk, (dk_value[]){dk_value_ref(key), dk_value_ref(list)}, 2, &map);
    if (status == DK_OK) {
        assert_int_equal(dk_value_items(dk_value_find(map, "key"), &count)[1].as.integer, 7);
        assert_int_equal(count, 2);
    }
    dk_value_unref(map);
    dk_value_unref(list);
    dk_value_unref(key);
    return status;
}

/* The items are taken although nothing is made of them. */
static dk_status no_map(dk_context *dk, struct trial *trial)
{
    (void)trial;
    dk_value items[2] = {dk_value_int(1), dk_value_null()};
    dk_value map = dk_value_null();
    DK_TRY(dk_value_text(dk, "value", 5, &items[1]));
    return refused(dk_value_map(dk, items, 2, &map), DK_EINVAL);
}

static void let_go(void *object)
{
    int *held = object;
    --*held;
}

static const dk_object_type held_object = {.name = "held", .free = let_go};

static dk_status objects(dk_context *dk, struct trial *trial)
{
    (void)trial;
    int held = 1;
    dk_value value = dk_value_null();
    dk_status status = dk_value_object(dk, &held_object, &held, &value);
    if (status == DK_OK)
        assert_ptr_equal(dk_value_as_object(value, &held_object), &held);
    dk_value_unref(value);
    assert_int_equal(held, 0);
    return status;
}

/* Nothing of the context is needed for this. */
static dk_status commands(dk_context *dk, struct trial *trial)
{
    char program[] = "cdask", version[] = "--version";
    char *words[] = {program, version, NULL};
    (void)trial;
    assert_int_equal(dk_main(dk, 2, words), 0);
    return DK_OK;
}

static const struct scenario scenarios[] = {
    {"commands", commands},     {"opening", opening},       {"opening_badly", opening_badly},
    {"names", names},           {"interrupts", interrupts}, {"texts", texts},
    {"containers", containers}, {"no_map", no_map},         {"objects", objects},
};

int main(void)
{
    return run_scenarios(scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
