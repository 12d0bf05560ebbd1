#include "support/failing.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

/* Proves that every status has a name and a text, and that a number that is none has one too. */
static void test_names_and_texts(void **state)
{
    (void)state;
#define CHECK_STATUS(name, code, text)                                                             \
    assert_string_equal(dk_status_name(name), #name);                                              \
    assert_string_equal(dk_status_text(name), text);
    DK_STATUS_LIST(CHECK_STATUS)
#undef CHECK_STATUS
    assert_string_equal(dk_status_name((dk_status)-999), "unknown");
    assert_string_equal(dk_status_text((dk_status)7), "unknown status");
}

/* Proves that status and message are stored, and that no error object is needed. */
static void test_set(void **state)
{
    (void)state;
    dk_error err = {0};
    assert_int_equal(error_set(&err, DK_ETYPE, "column '%s' is %d", "x", 3), DK_ETYPE);
    assert_int_equal(err.status, DK_ETYPE);
    assert_string_equal(err.message, "column 'x' is 3");
    assert_int_equal(error_set(NULL, DK_EIO, "nobody reads this"), DK_EIO);
    assert_int_equal(error_nomem(&err), DK_ENOMEM);
    assert_string_equal(err.message, "out of memory");
    error_prefix(NULL, "nothing to do");
}

/* Proves that a prefix goes before the message and keeps the status. */
static void test_prefix(void **state)
{
    (void)state;
    dk_error err = {0};
    error_set(&err, DK_EPARSE, "not a number");
    error_prefix(&err, "file %d", 2);
    assert_string_equal(err.message, "file 2: not a number");
    assert_int_equal(err.status, DK_EPARSE);
}

/* Proves that a message that is too long ends in dots after a whole UTF-8 character. */
static void test_long_messages(void **state)
{
    (void)state;
    char name[3 * DK_ERROR_MESSAGE_MAX];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(name, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof(name); i += 3)
            memcpy(name + i, "\xe2\x82\xac", 4);
        dk_error err = {0};
        error_set(&err, DK_EINVAL, "%s", name);
        size_t length = strlen(err.message);
        assert_in_range(length, DK_ERROR_MESSAGE_MAX - 8, DK_ERROR_MESSAGE_MAX - 1);
        assert_string_equal(err.message + length - 3, "...");
        assert_int_equal((length - 3 - shift) % 3, 0);
        error_set(&err, DK_EINVAL, "%.1000s", name);
        error_prefix(&err, "%.100s", name);
        assert_string_equal(err.message + strlen(err.message) - 3, "...");
    }
}

/* Proves that errno becomes the right status with the path in front. */
static void test_errno(void **state)
{
    (void)state;
    dk_error err = {0};
    assert_int_equal(error_errno(&err, ENOENT, "/a/b.csv"), DK_ENOFILE);
    assert_string_equal(err.message, "/a/b.csv: No such file or directory");
    assert_int_equal(error_errno(&err, EACCES, "/a"), DK_EIO);
    assert_int_equal(error_errno(NULL, ENOMEM, "/a"), DK_ENOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_texts), cmocka_unit_test(test_set),
        cmocka_unit_test(test_prefix),          cmocka_unit_test(test_long_messages),
        cmocka_unit_test(test_errno),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
