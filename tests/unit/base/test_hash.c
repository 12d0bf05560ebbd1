#include "support/failing.h"

#include "base/hash.h"

/* Proves that tokens do not change from one build or machine to the next: keys on disk and wire
 * hold them. The values are XXH3's for these inputs. */
static void test_tokens_are_stable(void **state)
{
    (void)state;
    char text[33];
    token_text(token_of("", 0), text);
    assert_string_equal(text, "99aa06d3014798d86001c324468d497f");
    assert_true(hash_bytes("", 0) == UINT64_C(0x2d06800538d394c2));
}

/* Proves that mixing depends on both tokens and on their order. */
static void test_mix(void **state)
{
    (void)state;
    struct token a = token_of("a", 1);
    struct token b = token_of("b", 1);
    assert_true(token_equal(a, token_of("abc", 1)));
    assert_false(token_equal(a, b));
    assert_true(token_equal(token_mix(a, b), token_mix(a, b)));
    assert_false(token_equal(token_mix(a, b), token_mix(b, a)));
    assert_false(token_equal(token_mix(a, b), a));
}

/* Proves that a missing text is another thing than an empty one. */
static void test_no_text_is_not_an_empty_one(void **state)
{
    (void)state;
    assert_true(token_equal(token_of_text("high"), token_of("high", 4)));
    assert_true(token_equal(token_of_text(NULL), token_none()));
    assert_false(token_equal(token_of_text(NULL), token_of_text("")));
}

/* Proves that the text is 32 digits also when the leading ones are zero. */
static void test_text_keeps_zeros(void **state)
{
    (void)state;
    char text[33];
    token_text((struct token){1, 0xabc}, text);
    assert_string_equal(text, "00000000000000010000000000000abc");
}

/* Proves that neighbouring integers spread over the low bits that hash tables use. */
static void test_integers_spread(void **state)
{
    (void)state;
    int used[256] = {0};
    for (uint64_t i = 0; i < 1024; i++)
        used[hash_u64(i << 32) & 255]++;
    for (int i = 0; i < 256; i++)
        assert_in_range(used[i], 0, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_are_stable),
        cmocka_unit_test(test_mix),
        cmocka_unit_test(test_no_text_is_not_an_empty_one),
        cmocka_unit_test(test_text_keeps_zeros),
        cmocka_unit_test(test_integers_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
