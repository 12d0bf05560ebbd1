/* Results in shared memory: what is put is what is taken, and a peer that says something wrong
 * about it does no harm. */
#include "support/context.h"
#include "support/failing.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "graph/value.h"
#include "node/share.h"
#include "wire/build.h"

#define NBYTES 100000

struct fixture {
    struct dk_context *dk;
    dk_value value;
    struct payload_value packed;
    struct share share;
    struct arena arena;
    struct wire_value entry; /* of which the items may be changed */
};

static dk_status put(struct fixture *fixture)
{
    struct wire_builder builder = {&fixture->arena, false};
    struct wire_bytes key = {"\xa1x", 2};
    DK_TRY(payload_pack_value(fixture->dk, fixture->value, &fixture->packed, NULL));
    dk_status status = share_put(fixture->dk->memory, &fixture->packed, &fixture->share, NULL);
    if (status == DK_OK)
        fixture->entry = share_wire(&fixture->share, key, &builder);
    else
        payload_value_deinit(&fixture->packed);
    return builder.failed ? DK_ENOMEM : status;
}

static dk_status open_fixture(struct fixture *fixture, struct dk_context *dk)
{
    static char bytes[NBYTES];
    memset(bytes, 'x', sizeof(bytes));
    *fixture = (struct fixture){.dk = dk, .share.fd = -1};
    arena_init(&fixture->arena, dk->memory);
    DK_TRY(value_bytes(dk->memory, bytes, sizeof(bytes), &fixture->value));
    return put(fixture);
}

static void close_fixture(struct fixture *fixture)
{
    if (fixture->share.fd >= 0)
        payload_value_deinit(&fixture->packed);
    share_close(&fixture->share);
    dk_value_unref(fixture->value);
    arena_deinit(&fixture->arena);
}

static dk_status take(struct fixture *fixture, dk_value *out)
{
    struct shared shared;
    dk_error err = {0};
    *out = dk_value_null();
    dk_status status = shared_open(fixture->dk->memory, &fixture->entry, &shared, &err);
    if (status == DK_OK) {
        struct wire_value value = shared_value(&shared);
        struct payload_owner owner = shared_owner(&shared);
        status = payload_unpack_value(fixture->dk, &value, &owner, out, &err);
        shared_close(&shared);
    }
    assert_int_equal(err.status, status);
    return status;
}

static dk_status put_and_take(struct memory *memory)
{
    struct dk_context dk = {.memory = memory};
    struct fixture fixture;
    dk_value value = dk_value_null();
    dk_status status = open_fixture(&fixture, &dk);
    if (status == DK_OK)
        status = take(&fixture, &value);
    if (status == DK_OK)
        assert_true(dk_value_nbytes(value) >= NBYTES);
    dk_value_unref(value);
    close_fixture(&fixture);
    return status;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(put_and_take);
}

/* Proves that no damaged notice is believed. */
static void test_damage(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    struct fixture fixture;
    dk_value value;
    assert_int_equal(open_fixture(&fixture, &dk), DK_OK);
    struct wire_value whole = fixture.entry, items[6];
    const struct wire_value wrong[] = {wire_nil(), wire_int(-1), wire_int(INT64_MAX),
                                       wire_text("x")};
    for (uint32_t count = 0; count < 6; count++) {
        fixture.entry = wire_array(whole.as.items, count);
        assert_int_equal(take(&fixture, &value), DK_EPARSE);
    }
    for (size_t at = 1; at < 6; at++)
        for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
            memcpy(items, whole.as.items, sizeof(items));
            items[at] = wrong[i];
            fixture.entry = wire_array(items, 6);
            assert_int_not_equal(take(&fixture, &value), DK_OK);
        }
    struct wire_value pair[] = {wire_int(64), wire_int(NBYTES * 2)}, places;
    places = wire_array(pair, 2);
    memcpy(items, whole.as.items, sizeof(items));
    items[5] = wire_array(&places, 1);
    fixture.entry = wire_array(items, 6);
    assert_int_equal(take(&fixture, &value), DK_EPARSE);
    close_fixture(&fixture);
    assert_int_equal(context_close(&dk), 0);
}

/* Proves that what is not such memory is not mapped: it could be cut off under our hands. */
static void test_other_files(void **state)
{
    (void)state;
    struct dk_context dk;
    assert_true(context_open(&dk, NULL));
    struct fixture fixture;
    dk_value value;
    assert_int_equal(open_fixture(&fixture, &dk), DK_OK);
    struct wire_value items[6];
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), NBYTES * 2), 0);
    memcpy(items, fixture.entry.as.items, sizeof(items));
    items[3] = wire_int(fileno(file));
    fixture.entry = wire_array(items, 6);
    assert_int_equal(take(&fixture, &value), DK_EIO);
    fclose(file);
    assert_int_equal(take(&fixture, &value), DK_EIO);
    close_fixture(&fixture);
    assert_int_equal(context_close(&dk), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_other_files),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
