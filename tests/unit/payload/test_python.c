/* What an interpreter's objects and callables are to other processes. */
#include "payload_support.h"

#include "base/error.h"
#include "payload/task.h"
#include "payload/value.h"
#include "support/failing_allocator.h"

/* An object is a pickle that somebody else can read. */
struct thing {
    struct memory *memory;
    size_t nbytes;
    char bytes[32];
};

static struct memory *thing_memory;

static void thing_free(void *object)
{
    struct thing *thing = object;
    memory_free(thing->memory, thing, sizeof(*thing));
}

static dk_status thing_pack(dk_context *dk, void *object, dk_value *bytes, dk_error *err)
{
    const struct thing *thing = object;
    if (!thing->nbytes)
        return error_set(err, DK_ETYPE, "it will not go");
    return dk_value_bytes(dk, thing->bytes, thing->nbytes, bytes);
}

static dk_status thing_unpack(dk_context *dk, const void *bytes, size_t nbytes, void **object,
                              dk_error *err)
{
    struct thing *thing = memory_calloc(thing_memory, sizeof(*thing));
    (void)dk;
    (void)err;
    if (!thing)
        return DK_ENOMEM;
    assert_true(nbytes <= sizeof(thing->bytes));
    thing->memory = thing_memory;
    thing->nbytes = nbytes;
    memcpy(thing->bytes, bytes, nbytes);
    *object = thing;
    return DK_OK;
}

static int64_t thing_nbytes(void *object)
{
    const struct thing *thing = object;
    return 1000 * (int64_t)thing->nbytes;
}

static const dk_object_type thing_type = {.name = "thing",
                                          .free = thing_free,
                                          .pack = thing_pack,
                                          .unpack = thing_unpack,
                                          .nbytes = thing_nbytes,
                                          .is_pickle = true};

static dk_status make_thing(struct dk_context *dk, const char *bytes, size_t nbytes, dk_value *out)
{
    void *object;
    thing_memory = dk->memory;
    DK_TRY(thing_unpack(dk, bytes, nbytes, &object, NULL));
    return dk_value_object(dk, &thing_type, object, out);
}

/* (1, 2) */
#define TUPLE "\x80\x04K\x01K\x02\x86."

/* Sends a pickle as an object, and receives it where there is Python, and where there is none. */
static dk_status travel(struct dk_context *dk, struct dk_context *native)
{
    dk_value value, back = dk_value_null(), list = dk_value_null();
    struct payload_value packed;
    size_t nbytes = 0;
    DK_TRY(make_thing(dk, TUPLE, sizeof(TUPLE) - 1, &value));
    dk_status status = payload_pack_value(dk, value, &packed, NULL);
    dk_value_unref(value);
    DK_TRY(status);
    assert_int_equal(packed.payload.nframes, 1);
    assert_memory_equal(packed.payload.frames[0].data, TUPLE, sizeof(TUPLE) - 1);
    struct wire_value wire = payload_wire(&packed);
    status = payload_unpack_value(dk, &wire, NULL, &back, NULL);
    if (status == DK_OK)
        status = payload_unpack_value(native, &wire, NULL, &list, NULL);
    if (status == DK_OK) {
        const struct thing *thing = dk_value_as_object(back, &thing_type);
        assert_non_null(thing);
        assert_memory_equal(thing->bytes, TUPLE, sizeof(TUPLE) - 1);
        assert_true(dk_value_nbytes(back) >= 1000 * (int64_t)thing->nbytes);
        assert_int_equal(list.kind, DK_KIND_LIST);
        assert_non_null(dk_value_items(list, &nbytes));
        assert_int_equal(nbytes, 2);
    }
    dk_value_unref(back);
    dk_value_unref(list);
    payload_value_deinit(&packed);
    return status;
}

static struct dk_context native; /* without Python */

static dk_status send_objects(struct dk_context *dk)
{
    DK_TRY(dk_register_type(dk, &thing_type, NULL));
    return travel(dk, &native);
}

/* Proves that an object is a pickle to others, and that what Python sends is an object where there
 * is Python, a tuple no list, and plain values elsewhere. */
static void test_objects(void **state)
{
    (void)state;
    assert_true(context_open(&native, NULL));
    fail_each_allocation_of(send_objects);
    assert_int_equal(context_close(&native), 0);
}

/* ---- in parts ---- */

static int nlent;
static char lent[1000];

static void take_back(void *self)
{
    assert_ptr_equal(self, lent);
    nlent--;
}

static dk_status lend(dk_parts *parts, const void *data, size_t nbytes)
{
    nlent++;
    return dk_parts_add(parts, data, nbytes, take_back, lent);
}

static void keep_object(void *object)
{
    assert_ptr_equal(object, lent);
}

static dk_status pack_whole(dk_context *dk, void *object, dk_value *bytes, dk_error *err)
{
    (void)object;
    (void)err;
    return dk_value_bytes(dk, TUPLE, sizeof(TUPLE) - 1, bytes);
}

static dk_status unpack_whole(dk_context *dk, const void *bytes, size_t nbytes, void **object,
                              dk_error *err)
{
    (void)dk;
    (void)bytes;
    (void)nbytes;
    (void)object;
    return error_set(err, DK_EPARSE, "it came in parts");
}

static dk_status pack_lent(dk_context *dk, void *object, dk_parts *parts, dk_error *err)
{
    (void)dk;
    (void)err;
    DK_TRY(lend(parts, TUPLE, sizeof(TUPLE) - 1));
    return lend(parts, object, sizeof(lent));
}

static dk_status unpack_lent(dk_context *dk, const dk_part *parts, size_t nparts, void **object,
                             dk_error *err)
{
    (void)dk;
    (void)err;
    assert_int_equal(nparts, 2);
    assert_memory_equal(parts[0].data, TUPLE, sizeof(TUPLE) - 1);
    assert_int_equal(parts[1].nbytes, sizeof(lent));
    *object = lent;
    return DK_OK;
}

static const dk_object_type lent_type = {.name = "lent",
                                         .free = keep_object,
                                         .pack = pack_whole,
                                         .unpack = unpack_whole,
                                         .is_pickle = true,
                                         .pack_parts = pack_lent,
                                         .unpack_parts = unpack_lent};

static dk_status send_parts(struct dk_context *dk)
{
    dk_value value, back = dk_value_null();
    struct payload_value packed;
    dk_error err = {0};
    DK_TRY(dk_register_type(dk, &lent_type, NULL));
    DK_TRY(dk_value_object(dk, &lent_type, lent, &value));
    dk_status status = payload_pack_value(dk, value, &packed, NULL);
    dk_value_unref(value);
    if (status == DK_OK) {
        struct wire_value wire = payload_wire(&packed);
        assert_int_equal(packed.payload.nframes, 2);
        assert_ptr_equal(packed.payload.frames[1].data, lent);
        status = payload_unpack_value(dk, &wire, NULL, &back, NULL);
        assert_true(status != DK_OK || dk_value_as_object(back, &lent_type) == lent);
        if (status == DK_OK)
            status = payload_unpack_value(&native, &wire, NULL, &value, &err);
        dk_value_unref(back);
        payload_value_deinit(&packed);
    }
    assert_int_equal(nlent, 0);
    if (status == DK_ENOTSUP)
        assert_string_equal(err.message, "a pickle with buffers, which is for Python");
    return status == DK_ENOTSUP ? DK_OK : status;
}

/* Proves that an object's buffers travel from where they are, are given back, and that who has no
 * Python refuses them. */
static void test_parts(void **state)
{
    (void)state;
    assert_true(context_open(&native, NULL));
    fail_each_allocation_of(send_parts);
    assert_int_equal(context_close(&native), 0);
}

static dk_status send_scalars(struct dk_context *dk)
{
    static const char seven[] = "\x80\x04K\x07.";
    struct wire_bytes frame = {seven, sizeof(seven) - 1};
    struct wire_payload payload = {{"\x81\xaaserializer\xa6pickle", 19}, &frame, 1};
    struct wire_value wire = {.kind = WIRE_SERIALIZED, .as.payload = &payload};
    dk_value value;
    DK_TRY(dk_register_type(dk, &thing_type, NULL));
    DK_TRY(payload_unpack_value(dk, &wire, NULL, &value, NULL));
    assert_int_equal(value.kind, DK_KIND_INT);
    assert_int_equal(value.as.integer, 7);
    return DK_OK;
}

/* Proves that a number is a number wherever it comes from. */
static void test_scalars(void **state)
{
    (void)state;
    fail_each_allocation_of(send_scalars);
}

static dk_status send_excuse(struct dk_context *dk)
{
    struct payload_value packed;
    dk_value value;
    dk_error err = {0};
    DK_TRY(dk_register_type(dk, &thing_type, NULL));
    DK_TRY(payload_pack_failure(dk, "it will not go", &packed, NULL));
    struct wire_value wire = payload_wire(&packed);
    dk_status status = payload_unpack_value(dk, &wire, NULL, &value, &err);
    payload_value_deinit(&packed);
    if (status == DK_ENOMEM)
        return status;
    assert_int_equal(status, DK_ETYPE);
    assert_string_equal(err.message, "it could not be sent: it will not go");
    return DK_OK;
}

/* Proves that the reader of what could not be packed is told why. */
static void test_excuses(void **state)
{
    (void)state;
    fail_each_allocation_of(send_excuse);
}

static dk_status nothing(dk_task *task, const dk_value *args, size_t nargs, dk_value *result,
                         dk_error *err)
{
    (void)task;
    (void)args;
    (void)nargs;
    (void)result;
    (void)err;
    return DK_OK;
}

static bool needs_python(struct dk_context *dk, const char *function)
{
    struct vector packed;
    vector_init(&packed, dk->memory, 1);
    assert_int_equal(payload_pack_task(dk, function, NULL, 0, NULL, &packed, NULL), DK_OK);
    bool needs = payload_needs_python((struct wire_bytes){packed.data, packed.count});
    vector_deinit(&packed);
    return needs;
}

/* Proves that callables have one name among processes, whatever people call them here. */
static void test_names(void **state)
{
    struct dk_context dk;
    int other;
    (void)state;
    assert_true(context_open(&dk, NULL));
    assert_int_equal(dk_register(&dk, "early", nothing, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(&dk, "python", nothing, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(&dk, "inc", nothing, NULL, NULL), DK_OK);
    assert_int_equal(dk_register(&dk, "other", nothing, &other, NULL), DK_OK);
    assert_true(needs_python(&dk, "python"));
    assert_true(needs_python(&dk, "inc"));
    assert_false(needs_python(&dk, "early"));
    assert_false(needs_python(&dk, "other"));
    assert_false(needs_python(&dk, "elsewhere"));
    assert_int_equal(context_close(&dk), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_objects), cmocka_unit_test(test_parts),
                                       cmocka_unit_test(test_scalars),
                                       cmocka_unit_test(test_excuses),
                                       cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
