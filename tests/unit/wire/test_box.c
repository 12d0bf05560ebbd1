/* Boxes: a value that outlives its message, deep copies of every kind in one block. */
#include "support/failing.h"

#include "unit/wire/wire_support.h"

#include "wire/box.h"

/* Proves that a copy says the same when what it was made from is gone, payloads included. */
static dk_status copy_everything(struct memory *memory)
{
    char text[] = "text", frame[] = "frame", header[] = "\x80";
    struct wire_bytes frames[] = {{frame, 5}, {frame, 0}};
    struct wire_payload payload = {{header, 1}, frames, 2};
    struct wire_value serialized = {WIRE_SERIALIZED, 0, {.payload = &payload}};
    struct wire_value items[] = {wire_int(7), wire_text(text), serialized};
    struct wire_entry entry = {wire_text(text), wire_array(items, 3)};
    struct wire_value map = wire_map(&entry, 1);
    struct wire_box *box = wire_box_new(memory, &map);
    if (!box)
        return DK_ENOMEM;
    memset(text, 'x', 4);
    memset(frame, 'x', 5);
    memset(items, 0, sizeof(items));
    const struct wire_value *copied = wire_find(&box->value, "text");
    assert_non_null(copied);
    assert_int_equal(copied->count, 3);
    assert_int_equal(copied->as.items[0].as.integer, 7);
    assert_true(wire_text_is(&copied->as.items[1], "text"));
    const struct wire_payload *kept = copied->as.items[2].as.payload;
    assert_int_equal(kept->nframes, 2);
    assert_memory_equal(kept->frames[0].data, "frame", 5);
    assert_int_equal(kept->frames[1].nbytes, 0);
    assert_ptr_equal(wire_box_ref(box), box);
    wire_box_unref(box);
    assert_true(memory_use(memory).blocks == 1);
    wire_box_unref(box);
    return DK_OK;
}

static void test_copy(void **state)
{
    (void)state;
    fail_each_allocation(copy_everything);
}

static void count_down(void *owner)
{
    --*(int *)owner;
}

/* Proves that frames may stay where they are, until the last reference has gone. */
static dk_status keep_frames(struct memory *memory)
{
    int nowners = 1;
    char frame[] = "frame", header[] = "\x80";
    struct wire_bytes frames[] = {{frame, 5}};
    struct wire_payload payload = {{header, 1}, frames, 1};
    struct wire_value serialized = {WIRE_SERIALIZED, 0, {.payload = &payload}};
    struct wire_box *box = wire_box_keep(memory, &serialized, &nowners, count_down);
    if (!box)
        return nowners == 1 ? DK_ENOMEM : DK_EINVAL;
    const struct wire_payload *kept = box->value.as.payload;
    header[0] = 'x';
    memset(frames, 0, sizeof(frames));
    assert_ptr_equal(kept->frames[0].data, frame);
    assert_int_equal(kept->frames[0].nbytes, 5);
    assert_memory_equal(kept->header.data, "\x80", 1);
    wire_box_unref(wire_box_ref(box));
    assert_int_equal(nowners, 1);
    wire_box_unref(box);
    assert_int_equal(nowners, 0);
    return DK_OK;
}

static void test_keep(void **state)
{
    (void)state;
    fail_each_allocation(keep_frames);
}

/* Proves that nothing is nil. */
static void test_null(void **state)
{
    (void)state;
    wire_box_unref(wire_box_ref(NULL));
    assert_int_equal(wire_box_value(NULL).kind, WIRE_NIL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
