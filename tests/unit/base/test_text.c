#include "support/failing.h"

#include <string.h>

#include <cdask/table.h>

#include "base/text.h"

/* Proves that all appends go to the end and the text stays terminated. */
static void test_appends(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct text text;
    text_init(&text, memory);
    text_puts(&text, "ab");
    text_putc(&text, 'c');
    text_append(&text, "defgh", 2);
    text_append(&text, NULL, 0);
    text_repeat(&text, '-', 100);
    text_printf(&text, "%d|%s", 42, "x");
    text_repeat(&text, '-', 0);
    assert_int_equal(text.length, 5 + 100 + 4);
    assert_memory_equal(text.data, "abcde-----", 10);
    assert_string_equal(text.data + 105, "42|x");
    assert_int_equal(text_status(&text), DK_OK);
    text_deinit(&text);
    assert_int_equal(memory_use(memory).current, 0);
    memory_close(memory);
}

/* Proves that an exported string outlives the text and the ledger's owner, also an empty one. */
static void test_export(void **state)
{
    (void)state;
    struct memory *memory = memory_new(NULL, 0);
    struct text text;
    text_init(&text, memory);
    char *empty = NULL;
    char *full = NULL;
    assert_int_equal(text_export(&text, &empty), DK_OK);
    text_puts(&text, "kept");
    assert_int_equal(text_export(&text, &full), DK_OK);
    text_deinit(&text);
    memory_close(memory);
    assert_string_equal(empty, "");
    assert_string_equal(full, "kept");
    dk_text_free(empty);
    dk_text_free(full);
    dk_text_free(NULL);
}

/* Proves that widths count characters, wide ones twice, and that broken UTF-8 ends. */
static void test_width(void **state)
{
    (void)state;
    assert_int_equal(text_width("abc", 3), 3);
    assert_int_equal(text_width("k\xc3\xa4se", 5), 4);
    assert_int_equal(text_width("\xe6\x97\xa5\xe6\x9c\xac", 6), 4);
    assert_int_equal(text_width("\xf0\x9f\x98\x80", 4), 2);
    assert_int_equal(text_width("", 0), 0);
    assert_int_equal(text_width("\xe6\x97", 2), 1);
    assert_int_equal(text_width("\x80\x80", 2), 2);
}

/* Proves that characters are told from bytes that are none: cut short, overlong, surrogates, beyond
 * Unicode. */
static void test_utf8(void **state)
{
    (void)state;
    assert_int_equal(text_utf8_nbytes("a", 1), 1);
    assert_int_equal(text_utf8_nbytes("\xc3\xa4x", 3), 2);
    assert_int_equal(text_utf8_nbytes("\xe2\x82\xac", 3), 3);
    assert_int_equal(text_utf8_nbytes("\xf4\x8f\xbf\xbf", 4), 4);
    static const char *const wrong[] = {"\x80",
                                        "\xc3",
                                        "\xc3x",
                                        "\xc0\x80",
                                        "\xe0\x9f\xbf",
                                        "\xed\xa0\x80",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xff"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(text_utf8_nbytes(wrong[i], strlen(wrong[i])), 0);
    assert_int_equal(text_utf8_nbytes("", 0), 0);
}

/* Proves that one failed append is remembered although later ones would succeed. */
static void test_failure_is_remembered(void **state)
{
    (void)state;
    struct failing failing = {.left = -1};
    dk_allocator allocator = {failing_resize, &failing};
    struct memory *memory = memory_new(&allocator, 0);
    struct text text;
    text_init(&text, memory);
    failing.left = 0;
    text_puts(&text, "lost");
    failing.left = -1;
    text_puts(&text, "not written");
    char *out = NULL;
    assert_int_equal(text_status(&text), DK_ENOMEM);
    assert_int_equal(text_export(&text, &out), DK_ENOMEM);
    assert_int_equal(text.length, 0);
    text_deinit(&text);
    memory_close(memory);
}

static dk_status print(struct memory *memory)
{
    struct text text;
    text_init(&text, memory);
    for (int i = 0; i < 50; i++) {
        text_puts(&text, "one line ");
        text_printf(&text, "%d\n", i);
        text_repeat(&text, '=', 10);
    }
    dk_status status = text_status(&text);
    char *out = NULL;
    dk_status exported = text_export(&text, &out);
    if (status != DK_OK)
        assert_int_equal(exported, DK_ENOMEM);
    if (exported == DK_OK)
        dk_text_free(out);
    text_deinit(&text);
    return exported;
}

/* Proves that a printer without checks learns at the end that memory ran out. */
static void test_out_of_memory(void **state)
{
    (void)state;
    fail_each_allocation(print);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends), cmocka_unit_test(test_export),
        cmocka_unit_test(test_width),   cmocka_unit_test(test_failure_is_remembered),
        cmocka_unit_test(test_utf8),    cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
