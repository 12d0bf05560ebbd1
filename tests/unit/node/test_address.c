/* Addresses: the forms that are taken, and what is said about the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

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
        {"tls://a.b:1", "a.b", "1", "tls://a.b:1"},
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

/* Proves that any free port is a place to listen at, and nobody's address. */
static void test_any_port(void **state)
{
    (void)state;
    struct node_address address;
    dk_error err = {0};
    assert_int_equal(node_place_parse("127.0.0.1:0", &address, NULL), DK_OK);
    assert_string_equal(address.port, "0");
    assert_int_equal(node_address_parse("127.0.0.1:0", &address, NULL), DK_EINVAL);
    assert_int_equal(node_place_parse("127.0.0.1:65536", &address, &err), DK_EINVAL);
    assert_non_null(strstr(err.message, "ports are numbers from 0 to 65535"));
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
    assert_int_equal(node_address_parse("ucx://a:1", &address, &err), DK_ENOTSUP);
    assert_string_equal(err.message,
                        "ucx://a:1: the protocol 'ucx' is not supported, tcp and tls are");
    memset(host, 'a', sizeof(host));
    memcpy(host + ADDRESS_HOST_MAX, ":1", 3);
    assert_int_equal(node_address_parse(host, &address, &err), DK_OK);
    memcpy(host + ADDRESS_HOST_MAX, "a:1", 4);
    assert_int_equal(node_address_parse(host, &address, &err), DK_EINVAL);
}

/* Proves that ends of connections are told in numbers, those of IPv4 as such on any socket. */
static void test_ends(void **state)
{
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(8786)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(1)};
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct node_address address;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(node_address_of(NODE_TLS, (struct sockaddr *)&v4, &address, NULL), DK_OK);
    assert_string_equal(address.text, "tls://127.0.0.1:8786");
    v6.sin6_addr = in6addr_loopback;
    assert_int_equal(node_address_of(NODE_TCP, (struct sockaddr *)&v6, &address, NULL), DK_OK);
    assert_string_equal(address.text, "tcp://[::1]:1");
    assert_int_equal(inet_pton(AF_INET6, "::ffff:10.1.2.3", &v6.sin6_addr), 1);
    assert_int_equal(node_address_of(NODE_TCP, (struct sockaddr *)&v6, &address, NULL), DK_OK);
    assert_string_equal(address.text, "tcp://10.1.2.3:1");
    assert_int_equal(node_address_of(NODE_TCP, (struct sockaddr *)&local, &address, NULL), DK_EIO);
}

/* Proves which ports one may ask for. */
static void test_ports(void **state)
{
    (void)state;
    static const char *const refused[] = {"",      "a",  ":",  "1:", "2:1",     "65536", "0:100",
                                          "1:2:3", "-1", " 1", "1 ", "1:65536", "123456"};
    struct node_ports ports;
    dk_error err = {0};
    assert_int_equal(node_ports_parse("0", &ports, NULL), DK_OK);
    assert_true(ports.first == 0 && ports.last == 0);
    assert_int_equal(node_ports_parse("8786", &ports, NULL), DK_OK);
    assert_true(ports.first == 8786 && ports.last == 8786);
    assert_int_equal(node_ports_parse("3000:65535", &ports, NULL), DK_OK);
    assert_true(ports.first == 3000 && ports.last == 65535);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(node_ports_parse(refused[i], &ports, &err), DK_EINVAL);
    assert_string_equal(err.message,
                        "'123456' is no port (0 is any that is free) or range such as 3000:3010");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_port), cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_protocols),
        cmocka_unit_test(test_ends),     cmocka_unit_test(test_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
