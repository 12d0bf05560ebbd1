/* Filling dk_error, and the two ways of passing a status up. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>

#include <cdask/status.h>

/* Stores status and text in `err` (NULL is fine) and returns `status`. */
dk_status error_set(dk_error *err, dk_status status, const char *format, ...) DK_PRINTF(3, 4);
dk_status error_setv(dk_error *err, dk_status status, const char *format, va_list args)
    DK_PRINTF(3, 0);
/* DK_ENOMEM with its fixed text. Inline, so that static analysis sees that it never succeeds. */
static inline dk_status error_nomem(dk_error *err)
{
    error_set(err, DK_ENOMEM, "%s", dk_status_text(DK_ENOMEM));
    return DK_ENOMEM;
}
/* DK_ENOFILE or DK_EIO from `errnum`: "PATH: what the system says". */
dk_status error_errno(dk_error *err, int errnum, const char *path);
/* Puts "PREFIX: " before the message that is there. */
void error_prefix(dk_error *err, const char *format, ...) DK_PRINTF(2, 3);

#define DK_TRY(call)                                                                               \
    do {                                                                                           \
        dk_status dk_try_status = (call);                                                          \
        if (dk_try_status != DK_OK)                                                                \
            return dk_try_status;                                                                  \
    } while (0)

/* The same for functions with a single `out:` label and a variable `status`. */
#define DK_TRY_OUT(call)                                                                           \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != DK_OK)                                                                       \
            goto out;                                                                              \
    } while (0)

#endif
