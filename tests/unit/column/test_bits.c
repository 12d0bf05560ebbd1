#include "unit/column/column_support.h"

#include "column/bits.h"

#define NBITS 300

static bool pattern(int64_t i)
{
    return (i * i + i / 3) % 5 < 3;
}

/* Proves that any run can be copied to any place and that the bits around it stay. */
static void test_copy_any_run(void **state)
{
    (void)state;
    uint8_t from[NBITS / 8 + 1] = {0};
    for (int64_t i = 0; i < NBITS; i++) {
        if (pattern(i))
            bit_set(from, i);
    }
    for (int64_t to_start = 0; to_start < 17; to_start++) {
        for (int64_t from_start = 0; from_start < 17; from_start++) {
            for (int64_t n = 0; n < 80; n += 7) {
                uint8_t to[NBITS / 8 + 1];
                memset(to, 0xa5, sizeof(to));
                bits_copy(to, to_start, from, from_start, n);
                for (int64_t i = 0; i < 120; i++) {
                    bool inside = i >= to_start && i < to_start + n;
                    bool before = (0xa5 >> (i & 7)) & 1;
                    bool expected = inside ? pattern(from_start + i - to_start) : before;
                    assert_int_equal(bit_get(to, i), expected);
                }
            }
        }
    }
}

/* Proves that a run is set and zeros are counted from any place on. */
static void test_set_and_count(void **state)
{
    (void)state;
    for (int64_t start = 0; start < 20; start++) {
        for (int64_t n = 0; n < 200; n += 13) {
            uint8_t bits[NBITS / 8 + 1] = {0};
            bits_set(bits, start, n);
            assert_int_equal(bits_count_zeros(bits, 0, NBITS), NBITS - n);
            assert_int_equal(bits_count_zeros(bits, start, n), 0);
            if (n > 2)
                bit_clear(bits, start + n / 2);
            assert_int_equal(bits_count_zeros(bits, start, n), n > 2);
        }
    }
}

/* Proves that packing and unpacking are each other's reverse, for any byte that is not zero. */
static void test_pack(void **state)
{
    (void)state;
    uint8_t bytes[NBITS];
    uint8_t bits[NBITS / 8 + 1];
    uint8_t back[NBITS];
    for (int64_t i = 0; i < NBITS; i++)
        bytes[i] = (uint8_t)(pattern(i) ? 1 + i % 200 : 0);
    for (int64_t n = 0; n < 40; n++) {
        bits_pack(bits, bytes, n);
        for (int64_t start = 0; start < n; start++) {
            bits_unpack(back, bits, start, n - start);
            for (int64_t i = start; i < n; i++)
                assert_int_equal(back[i - start], pattern(i));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_any_run),
        cmocka_unit_test(test_set_and_count),
        cmocka_unit_test(test_pack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
