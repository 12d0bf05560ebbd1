#include "node/dialect.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

#define TALKS "2026 and with 2022.12"
/* What lies between was not looked at. */
#define SINCE_2026 202601
#define AFTER_2022 202301

/* Year and month as one number: 202212 for "2022.12.1", 0 for what is no version. */
static long number_of(const char *text)
{
    char *end;
    long year = strtol(text, &end, 10);
    if (year < 2000 || year > 9999 || *end != '.')
        return 0;
    long month = strtol(end + 1, NULL, 10);
    return month < 1 || month > 12 ? 0 : year * 100 + month;
}

static enum dialect dialect_of(long number)
{
    if (number == 0 || number >= SINCE_2026)
        return DIALECT_2026;
    return number < AFTER_2022 ? DIALECT_2022 : DIALECT_BETWEEN;
}

void peer_version_read(const struct wire_value *versions, struct peer_version *out)
{
    struct wire_bytes text = {"", 0};
    (void)wire_read_text(wire_find(wire_find(versions, "packages"), "distributed"), &text);
    snprintf(out->dask, sizeof(out->dask), "%.*s", (int)text.nbytes, text.data);
    out->dialect = wire_find(versions, "cdask") ? DIALECT_NATIVE : dialect_of(number_of(out->dask));
}

dk_status peer_version_check(const struct peer_version *version, const char *whom, dk_error *err)
{
    if (version->dialect != DIALECT_BETWEEN)
        return DK_OK;
    return error_set(err, DK_ENOTSUP,
                     "%s is Dask's of version %s, with which cdask cannot talk: it can with " TALKS,
                     whom, version->dask);
}
