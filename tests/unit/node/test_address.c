/* Addresses: the forms that are taken, and what is said about the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/address.h"

/* Proves that both spellings give host and port, and one text for messages. */
static void test_forms(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"tcp://127.0.0.1:8786", "127.0.0.1", "8786", "tcp://127.0.0.1:8786"},
        {"localhost:1", "localhost", "1", "tcp://localhost:1"},
        {"[::1]:65535", "::1", "65535", "tcp://[::1]:65535"},
        {"tcp://[fe80::1%eth0]:08786", "fe80::1%eth0", "8786", "tcp://[fe80::1%eth0]:8786"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct node_address address;
        assert_int_equal(node_address_parse(cases[i][0], &address, NULL), DK_OK);
        assert_string_equal(address.host, cases[i][1]);
        assert_string_equal(address.port, cases[i][2]);
        assert_string_equal(address.text, cases[i][3]);
    }
}

/* Proves that everything else is refused, with the address and the reason. */
static void test_refused(void **state)
{
    (void)state;
    static const char form[] = "' is no address such as tcp://127.0.0.1:8786 or [::1]:8786: ";
    static const char *const cases[][2] = {
        {"", "it has no port (a scheduler's is 8786 by default)"},
        {"localhost", "it has no port (a scheduler's is 8786 by default)"},
        {"[::1]", "it has no port (a scheduler's is 8786 by default)"},
        {":8786", "it names no host"},
        {"[]:8786", "it names no host"},
        {"::1:8786", "an IPv6 host stands in brackets"},
        {"a b:1", "its host has characters that no host has"},
        {"user@host:1", "its host has characters that no host has"},
        {"a:", "its port is no number"},
        {"a:-1", "its port is no number"},
        {"a:8786/", "its port is no number"},
        {"a:123456", "its port is no number"},
        {"a:0", "ports are numbers from 1 to 65535"},
        {"a:65536", "ports are numbers from 1 to 65535"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct node_address address;
        dk_error err = {0};
        char expected[256];
        snprintf(expected, sizeof(expected), "'%s%s%s", cases[i][0], form, cases[i][1]);
        assert_int_equal(node_address_parse(cases[i][0], &address, &err), DK_EINVAL);
        assert_string_equal(err.message, expected);
    }
}

/* Proves that Dask's other protocols are refused by name, and that no host is too long for us. */
static void test_protocols(void **state)
{
    (void)state;
    struct node_address address;
    dk_error err = {0};
    char host[ADDRESS_HOST_MAX + 4];
    assert_int_equal(node_address_parse("tls://a:1", &address, &err), DK_ENOTSUP);
    assert_string_equal(err.message, "tls://a:1: the protocol 'tls' is not supported, tcp is");
    memset(host, 'a', sizeof(host));
    memcpy(host + ADDRESS_HOST_MAX, ":1", 3);
    assert_int_equal(node_address_parse(host, &address, &err), DK_OK);
    memcpy(host + ADDRESS_HOST_MAX, "a:1", 4);
    assert_int_equal(node_address_parse(host, &address, &err), DK_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
