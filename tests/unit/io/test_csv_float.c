/* Floats read as strtod reads them, and print as the shortest text that reads back. */
#include "csv_fixture.h"

#include <math.h>

#include "io/csv/cells.h"
#include "io/csv/float.h"

#if defined(__x86_64__)

static bool has_avx(void)
{
    return __builtin_cpu_supports("avx") && __builtin_cpu_supports("bmi");
}

/* Compares one cell, which has only its padding around it, with what csv_float_parse() makes of it:
 * the same number, or none. `must` asks for a number. */
static void expect_avx(const char *text, size_t nbytes, bool must)
{
    char *bytes = malloc(nbytes + CSV_PADDING); /* address sanitizer guards its ends */
    uint32_t before = UINT32_MAX;
    uint32_t end = (uint32_t)nbytes;
    struct csv_cells cells = {bytes, &before, &end, 1, 1};
    double ours = 0;
    double other = 0;
    memcpy(bytes, text, nbytes);
    for (int around = 0; around < 3; around++) {
        memset(bytes + nbytes, ",.7"[around], CSV_PADDING);
        bool is_read = csv_floats_avx(&cells, 0, &ours) == 1;
        if (must && !is_read)
            fail_msg("'%.*s' was refused", (int)nbytes, text);
        if (is_read &&
            (!csv_float_parse(bytes, bytes + nbytes, &other) || memcmp(&ours, &other, 8) != 0))
            fail_msg("'%.*s', avx: %a, not %a", (int)nbytes, text, ours, other);
    }
    free(bytes);
}

#endif

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
#if defined(__x86_64__)
    if (has_avx())
        expect_avx(text, length, false);
#endif
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

#if defined(__x86_64__)

/* [-] `ndigits` random digits with a point behind the first `nwhole`; none behind all of them and
 * `nwhole` > ndigits. Zeros lead now and then. */
static size_t write_digits(uint64_t *seed, size_t ndigits, size_t nwhole, char *text)
{
    size_t n = 0;
    uint64_t random = fixture_random(seed);
    size_t nzeros = random >> 32 & 1 ? random >> 33 & 15 : 0;
    if (random >> 40 & 1)
        text[n++] = '-';
    for (size_t i = 0; i < ndigits; i++) {
        if (i == nwhole)
            text[n++] = '.';
        text[n++] = i < nzeros ? '0' : (char)('0' + fixture_random(seed) % 10);
    }
    if (nwhole == ndigits)
        text[n++] = '.';
    return n;
}

/* Every number of digits and place of the point, with bytes that do not belong at every place. */
static void test_avx_shapes(void **state)
{
    static const char odd[] = ".-+ /:eE\"\0\x80\xb0\xff";
    uint64_t seed = 3;
    (void)state;
    if (!has_avx())
        skip();
    for (size_t ndigits = 0; ndigits <= 24; ndigits++) {
        for (size_t nwhole = 0; nwhole <= ndigits + 1; nwhole++) {
            bool must = ndigits > 0 && ndigits <= 19 && (nwhole < 16 || ndigits < nwhole);
            for (int round = 0; round < 20; round++) {
                char text[32];
                size_t nbytes = write_digits(&seed, ndigits, nwhole, text);
                expect_avx(text, nbytes, must);
                for (size_t at = 0; at < nbytes; at++) {
                    char kept = text[at];
                    text[at] = odd[(at + (size_t)round) % (sizeof odd - 1)];
                    expect_avx(text, nbytes, false);
                    text[at] = kept;
                }
            }
        }
    }
}

/* Mantissas around 2^53, where one division no longer does, and around the limit of 19 digits. */
static void test_avx_limits(void **state)
{
    static const char *const cases[] = {"9007199254740991",
                                        "9007199254740992",
                                        "9007199254740993",
                                        "90071992547409.93",
                                        "0.9007199254740993",
                                        "-.9007199254740993",
                                        "9999999999999999",
                                        "0000000000000000",
                                        "0.0000000000000000",
                                        "-0.0",
                                        "-0",
                                        "9999999999999999999",
                                        "9.999999999999999999",
                                        "0.000000000000000000",
                                        "-0.000000000000000000",
                                        "5.",
                                        ".5",
                                        "0",
                                        "99999999999999.99",
                                        "900719925474099.37",
                                        "900719925474099.25",
                                        "0.1234567890123456789"};
    uint64_t seed = 11;
    (void)state;
    if (!has_avx())
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_same(cases[i]);
    for (int i = 0; i < 100000; i++) {
        char text[32];
        uint64_t mantissa = CSV_EXACT_MANTISSA - 1000 + fixture_random(&seed) % 2000;
        int n = snprintf(text, sizeof text, "0%llu", (unsigned long long)mantissa);
        size_t nwhole = fixture_random(&seed) % 15 + 1;
        memmove(text + nwhole + 1, text + nwhole, (size_t)n + 1 - nwhole);
        text[nwhole] = '.';
        expect_same(text + i % 2);
        expect_avx(text, (size_t)n + 1, true);
    }
}

/* A column is read up to the first cell of another kind, from any row on. */
static void test_avx_column(void **state)
{
    static const char bytes[128] = "1.5,2.25\n-3,4.125\nnan,0.5\n7,8.0625\n";
    static const uint32_t ends[] = {UINT32_MAX, 3, 8, 11, 17, 21, 25, 27, 34};
    struct csv_cells first = {bytes, ends, ends + 1, 2, 4};
    struct csv_cells second = {bytes, ends + 1, ends + 2, 2, 4};
    double values[4] = {0};
    (void)state;
    if (!has_avx())
        skip();
    assert_int_equal(csv_floats_avx(&first, 0, values), 2);
    assert_int_equal(csv_floats_avx(&first, 2, values), 2);
    assert_int_equal(csv_floats_avx(&first, 3, values), 4);
    assert_int_equal(csv_floats_avx(&first, 4, values), 4);
    assert_true(values[0] == 1.5 && values[1] == -3 && values[2] == 0 && values[3] == 7);
    assert_int_equal(csv_floats_avx(&second, 0, values), 4);
    assert_true(values[0] == 2.25 && values[1] == 4.125 && values[2] == 0.5 && values[3] == 8.0625);
}

#endif

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
#if defined(__x86_64__)
        cmocka_unit_test(test_avx_shapes),
        cmocka_unit_test(test_avx_limits),
        cmocka_unit_test(test_avx_column),
#endif
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_hard),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_repr),
        cmocka_unit_test(test_repr_single),
        cmocka_unit_test(test_repr_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
