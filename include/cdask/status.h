/* Status codes and the error object.
 *
 * Every fallible function returns a dk_status: DK_OK (0) or a negative code. The text, with the
 * key, file, line and column it concerns, goes to an optional error object, which never allocates
 * and is therefore valid even when memory has run out. The library never prints and never exits.
 */
#ifndef CDASK_STATUS_H
#define CDASK_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define DK_API               __attribute__((visibility("default")))
#define DK_NODISCARD         __attribute__((warn_unused_result))
#define DK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define DK_API
#define DK_NODISCARD
#define DK_PRINTF(fmt, args)
#endif

/* name, code, short text */
#define DK_STATUS_LIST(X)                                                                          \
    X(DK_OK, 0, "ok")                                                                              \
    X(DK_ENOMEM, -1, "out of memory")                                                              \
    X(DK_EINVAL, -2, "invalid argument")                                                           \
    X(DK_EIO, -3, "input/output error")                                                            \
    X(DK_ENOFILE, -4, "no such file")                                                              \
    X(DK_EPARSE, -5, "cannot parse")                                                               \
    X(DK_ETYPE, -6, "type mismatch")                                                               \
    X(DK_ECOLUMN, -7, "no such column")                                                            \
    X(DK_EKEY, -8, "no such key")                                                                  \
    X(DK_ENOTSUP, -9, "not supported")                                                             \
    X(DK_ECANCELED, -10, "cancelled")                                                              \
    X(DK_ETASK, -11, "task failed")                                                                \
    X(DK_ECRASH, -12, "process died")                                                              \
    X(DK_ECYCLE, -13, "the graph has a cycle")                                                     \
    X(DK_EOVERFLOW, -14, "number too large")                                                       \
    X(DK_EALIGN, -15, "frames cannot be aligned")

typedef enum dk_status {
#define DK_STATUS_ENUM(name, code, text) name = (code),
    DK_STATUS_LIST(DK_STATUS_ENUM)
#undef DK_STATUS_ENUM
} dk_status;

#define DK_ERROR_MESSAGE_MAX 1024
#define DK_ERROR_KEY_MAX     128

/* What went wrong and where. The caller owns it; `{0}` is a valid empty error.
 * Fields that do not apply are 0 or "". */
typedef struct dk_error {
    dk_status status;
    int64_t line;                       /* 1-based line of a text file */
    char key[DK_ERROR_KEY_MAX];         /* key of the task that failed */
    char message[DK_ERROR_MESSAGE_MAX]; /* one complete text, UTF-8, always terminated */
} dk_error;

/* Returns the short text of `status`, never NULL.
 * Thread: any. */
DK_API const char *dk_status_text(dk_status status);

/* Returns the name of `status` ("DK_EPARSE"), never NULL.
 * Thread: any. */
DK_API const char *dk_status_name(dk_status status);

#ifdef __cplusplus
}
#endif
#endif
