/* Which words a peer understands, by what it tells of its versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "node/dialect.h"
#include "wire/build.h"

static struct peer_version read(const char *distributed, bool is_cdask)
{
    struct wire_entry package = {wire_text("distributed"), wire_text(distributed)};
    struct wire_entry fields[] = {{wire_text("packages"), wire_map(&package, 1)},
                                  {wire_text("cdask"), wire_text("0.1.0")}};
    struct wire_value versions = wire_map(fields, is_cdask ? 2 : 1);
    struct peer_version version;
    peer_version_read(&versions, &version);
    return version;
}

static void test_versions(void **state)
{
    static const struct {
        const char *text;
        enum dialect dialect;
    } cases[] = {
        {"2022.12.1", DIALECT_2022},
        {"2022.1.0", DIALECT_2022},
        {"2023.1.0", DIALECT_BETWEEN},
        {"2025.12.0", DIALECT_BETWEEN},
        {"2026.8.0", DIALECT_2026},
        {"2026.10.0+3.gabc", DIALECT_2026},
        {"2027.1.0", DIALECT_2026},
        {"UNKNOWN", DIALECT_2026},
        {"", DIALECT_2026},
        {"2026", DIALECT_2026},
        {"2026.13.0", DIALECT_2026},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(read(cases[i].text, false).dialect, cases[i].dialect);
        assert_string_equal(read(cases[i].text, false).dask, cases[i].text);
        assert_int_equal(read(cases[i].text, true).dialect, DIALECT_NATIVE);
    }
}

static void test_nothing_told(void **state)
{
    struct wire_value number = wire_int(1);
    struct peer_version version;
    (void)state;
    peer_version_read(NULL, &version);
    assert_int_equal(version.dialect, DIALECT_2026);
    peer_version_read(&number, &version);
    assert_int_equal(version.dialect, DIALECT_2026);
    assert_string_equal(version.dask, "");
}

static void test_refusal(void **state)
{
    struct peer_version old = read("2024.5.2", false), known = read("2022.12.1", false);
    dk_error err = {0};
    (void)state;
    assert_int_equal(peer_version_check(&known, "tcp://h:1", &err), DK_OK);
    assert_int_equal(peer_version_check(&old, "tcp://h:1", &err), DK_ENOTSUP);
    assert_string_equal(err.message,
                        "tcp://h:1 is Dask's of version 2024.5.2, with which cdask cannot "
                        "talk: it can with 2026 and with 2022.12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_nothing_told),
        cmocka_unit_test(test_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
