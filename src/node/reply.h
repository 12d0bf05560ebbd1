/* What an operation that has failed is answered, in Dask's form.
 *
 * Source: distributed.core.error_message, clean_exception, send_recv. */
#ifndef NODE_REPLY_H
#define NODE_REPLY_H

#include "wire/value.h"

#include <cdask/status.h>

/* The reply of an operation that has failed: Python's peers raise the exception `kind`, one of the
 * builtins ("KeyError"), with `text`, which is cut at REPLY_TEXT_MAX bytes. */
#define REPLY_TEXT_MAX 1023
struct error_reply {
    struct wire_value value; /* points into the rest */
    struct wire_entry entries[5];
    char text[REPLY_TEXT_MAX + 1];
    char pickle[REPLY_TEXT_MAX + 128];
};

/* `out` stays where it is while its value is used. */
void error_reply_init(struct error_reply *out, const char *kind, const char *text);

/* The exception that says the same in Python: "KeyError" for DK_EKEY, ... */
const char *error_reply_kind(dk_status status);

/* DK_OK unless `reply` says that the operation has failed: then DK_ETASK, and `err` has the peer's
 * address and its words. A "status" of "error" alone is for whoever asked. */
dk_status reply_check(const struct wire_value *reply, const char *peer, dk_error *err) DK_NODISCARD;

#endif
