/* The options of TLS, which several commands have. */
#ifndef CLI_TLS_OPTIONS_H
#define CLI_TLS_OPTIONS_H

#include <stdbool.h>

#include "node/tls.h"

/* For the table of getopt_long(); each gives `val` + 0, 1 or 2. */
#define TLS_OPTIONS(val)                                                                           \
    {"tls-ca-file", required_argument, NULL, (val)},                                               \
        {"tls-cert", required_argument, NULL, (val) + 1},                                          \
    {                                                                                              \
        "tls-key", required_argument, NULL, (val) + 2                                              \
    }

/* Their lines of a command's help. */
#define TLS_USAGE                                                                                  \
    "  --tls-ca-file FILE       for tls://: the authority that is trusted, in PEM,\n"              \
    "  --tls-cert FILE          a certificate of its for us\n"                                     \
    "  --tls-key FILE           and the key of that (default: it is in the same file)\n"

/* Takes option number 0, 1 or 2. */
void tls_take_option(int number, const char *value, struct tls_files *files);

#endif
