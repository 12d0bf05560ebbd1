/* Floats read as strtod reads them, and print as the shortest text that reads back. */
#include "csv_fixture.h"

#include <math.h>

#include "io/csv_float.h"

static void expect_same(const char *text)
{
    char padded[1400];
    size_t length = strlen(text);
    double ours = -1;
    double fast;
    double theirs = strtod(text, NULL);
    assert_true(length + 16 < sizeof padded);
    memset(padded, '7', sizeof padded); /* what lies behind the cell must not matter */
    memcpy(padded, text, length);
    padded[length] = ',';
    if (!csv_float_parse(padded, padded + length, &ours) || memcmp(&ours, &theirs, 8) != 0)
        fail_msg("%s: %a, not %a", text, ours, theirs);
    if (csv_float_fast(padded, padded + length, &fast) && memcmp(&fast, &theirs, 8) != 0)
        fail_msg("%s, fast: %a, not %a", text, fast, theirs);
}

/* A random number in one of the shapes that files have, or that are hard. */
static void write_random(uint64_t *seed, int shape, char *text, size_t nbytes)
{
    uint64_t random = fixture_random(seed);
    double value;
    memcpy(&value, &random, 8);
    if (!isfinite(value))
        value = 1.5;
    switch (shape) {
    case 0:
        (void)snprintf(text, nbytes, "%.17g", value);
        break;
    case 1:
        (void)snprintf(text, nbytes, "%.*g", (int)(random % 25) + 1, value);
        break;
    case 2:
        (void)snprintf(text, nbytes, "%.17g", (double)(random >> 11) / 9007199254740992.0 * 1000);
        break;
    case 3:
        (void)snprintf(text, nbytes, "%llu.%llu", (unsigned long long)(random % 100000),
                       (unsigned long long)(fixture_random(seed) >> random % 60));
        break;
    case 4:
        (void)snprintf(text, nbytes, "%llue%d", (unsigned long long)random,
                       (int)(fixture_random(seed) % 700) - 360);
        break;
    case 5: /* half way between two doubles, printed in full or cut */
        random &= UINT64_C(0x7fefffffffffffff);
        memcpy(&value, &random, 8);
        (void)snprintf(text, nbytes, "%.*Lg", random % 3 ? 1100 : (int)(random % 40) + 1,
                       ((long double)value + (long double)nextafter(value, INFINITY)) / 2);
        break;
    case 6: /* subnormals */
        random &= UINT64_C(0x000fffffffffffff) >> random % 52;
        memcpy(&value, &random, 8);
        (void)snprintf(text, nbytes, "%.*g", (int)(fixture_random(seed) % 20) + 1, value);
        break;
    default: /* whole numbers half way between two doubles, and just beside */
        (void)snprintf(text, nbytes, "%llu%s",
                       (unsigned long long)((random >> 11 | UINT64_C(1) << 52) * 2 + 1),
                       random & 1 ? "" : ".00000000000000000001");
    }
}

/* 200,000 random numbers of eight shapes. */
static void test_random(void **state)
{
    uint64_t seed = 42;
    char text[1300];
    (void)state;
    for (int i = 0; i < 200000; i++) {
        write_random(&seed, i % 8, text, sizeof text);
        expect_same(text);
    }
}

/* Known hard cases: the ends of the range, exact ties, and far digits that decide. */
static void test_hard(void **state)
{
    static const char *const cases[] = {
        "0",
        "-0",
        "0.0",
        "1e400",
        "-1e400",
        "1e-400",
        "4.9e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.0000000000000000000000001",
        "1.",
        ".5",
        "+.5e-3",
        "8.41e23",
        "1e23",
        "9.5e-5",
        "6.02e22",
        "123456789012345678901234567890",
        "0e999999999999",
        "1e-999999999999",
        "1e999999999999",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        "00000000000000000000001.5",
        "0.000000000000000000000000000000000000000000000000012345678901234567890123",
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_same(cases[i]);
}

/* More digits than decide anything, with the last one deciding all the same. */
static void test_long(void **state)
{
    char text[1200];
    (void)state;
    int n = snprintf(text, sizeof text, "1.00000000000000011102230246251565404236316680908203125");
    memset(text + n, '0', 1000);
    text[n + 1000] = 0;
    expect_same(text);
    text[n + 999] = '1';
    expect_same(text);
    text[n + 500] = '3';
    expect_same(text);
}

/* What is no number is refused. */
static void test_refused(void **state)
{
    static const char *const cases[] = {"",
                                        "-",
                                        "+",
                                        ".",
                                        "e5",
                                        "1e",
                                        "1e+",
                                        "1.5.2",
                                        "1 ",
                                        " 1",
                                        "0x1",
                                        "1_0",
                                        "infinit",
                                        "nan",
                                        "--1",
                                        "1e5.5",
                                        "1,5",
                                        "12345678x",
                                        "1.2345678901x",
                                        "1x.5"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char padded[64] = {0};
        double out;
        size_t length = strlen(cases[i]);
        memcpy(padded, cases[i], length);
        if (csv_float_parse(padded, padded + length, &out) ||
            (length && csv_float_fast(padded, padded + length, &out)))
            fail_msg("'%s' was read as %g", cases[i], out);
    }
}

/* Texts are Python's repr(), known ones. */
static void test_repr(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0.0"},
        {-0.0, "-0.0"},
        {1.0, "1.0"},
        {0.1, "0.1"},
        {100.0, "100.0"},
        {1e15, "1000000000000000.0"},
        {1e16, "1e+16"},
        {1e22, "1e+22"},
        {1e-4, "0.0001"},
        {1e-5, "1e-05"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {1.0 / 3, "0.3333333333333333"},
        {0x1p-44, "5.684341886080802e-14"},
        {9007199254740992.0, "9007199254740992.0"},
        {123456789012345680.0, "1.2345678901234568e+17"},
        {-1.5e-10, "-1.5e-10"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {(double)NAN, "nan"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[FLOAT_REPR_MAX + 1];
        text[float_repr(cases[i].value, text)] = 0;
        assert_string_equal(text, cases[i].text);
    }
}

/* Single precision has its own shortest texts and numpy's bounds of the exponent form. */
static void test_repr_single(void **state)
{
    static const struct {
        float value;
        const char *text;
    } cases[] = {{0.1f, "0.1"},           {16777216.0f, "1.6777216e+07"},
                 {123456.7f, "123456.7"}, {1e6f, "1e+06"},
                 {0.001f, "0.001"},       {0.0001f, "1e-04"},
                 {1e-45f, "1e-45"},       {3.4028235e38f, "3.4028235e+38"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[FLOAT_REPR_MAX + 1];
        text[float_repr_single(cases[i].value, text)] = 0;
        assert_string_equal(text, cases[i].text);
    }
}

/* Significant digits of a text that float_repr() wrote. */
static int count_digits(const char *text)
{
    int count = 0;
    int zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9')
            continue;
        if (*text == '0') {
            zeros += count > 0;
        } else {
            count += zeros + 1;
            zeros = 0;
        }
    }
    return count;
}

/* Text reads back to the number, and rounding it to a digit less does not. */
static void test_repr_random(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (int i = 0; i < 50000; i++) {
        uint64_t random = fixture_random(&seed);
        double value;
        char text[FLOAT_REPR_MAX + 1];
        char shorter[64];
        memcpy(&value, &random, 8);
        if (i & 1)
            value = (double)(random % 1000000000) / 1000;
        if (!isfinite(value) || value == 0)
            continue;
        text[float_repr(value, text)] = 0;
        assert_true(strtod(text, NULL) == value);
        int ndigits = count_digits(text);
        assert_in_range(ndigits, 1, 17);
        if (ndigits == 1)
            continue;
        (void)snprintf(shorter, sizeof shorter, "%.*e", ndigits - 2, value);
        assert_true(strtod(shorter, NULL) != value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),      cmocka_unit_test(test_hard),
        cmocka_unit_test(test_long),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_repr),        cmocka_unit_test(test_repr_single),
        cmocka_unit_test(test_repr_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
