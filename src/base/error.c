#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *dk_status_text(dk_status status)
{
    switch (status) {
#define STATUS_CASE(name, code, text)                                                              \
    case name:                                                                                     \
        return text;
        DK_STATUS_LIST(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown status";
}

const char *dk_status_name(dk_status status)
{
    switch (status) {
#define STATUS_CASE(name, code, text)                                                              \
    case name:                                                                                     \
        return #name;
        DK_STATUS_LIST(STATUS_CASE)
#undef STATUS_CASE
    }
    return "unknown";
}

/* A message that was cut off ends at a whole character and says so. */
static void mark_cut(char message[DK_ERROR_MESSAGE_MAX])
{
    size_t end = DK_ERROR_MESSAGE_MAX - 4;
    while (end > 0 && ((unsigned char)message[end] & 0xc0) == 0x80)
        end--;
    memcpy(message + end, "...", 4);
}

dk_status error_setv(dk_error *err, dk_status status, const char *format, va_list args)
{
    if (!err)
        return status;
    err->status = status;
    int length = vsnprintf(err->message, DK_ERROR_MESSAGE_MAX, format, args);
    if (length >= DK_ERROR_MESSAGE_MAX)
        mark_cut(err->message);
    return status;
}

dk_status error_set(dk_error *err, dk_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_setv(err, status, format, args);
    va_end(args);
    return status;
}

dk_status error_errno(dk_error *err, int errnum, const char *path)
{
    dk_status status = errnum == ENOENT || errnum == ENOTDIR ? DK_ENOFILE : DK_EIO;
    if (errnum == ENOMEM)
        status = DK_ENOMEM;
    char text[128];
    return error_set(err, status, "%s: %s", path, strerror_r(errnum, text, sizeof(text)));
}

void error_prefix(dk_error *err, const char *format, ...)
{
    if (!err)
        return;
    char old[DK_ERROR_MESSAGE_MAX];
    memcpy(old, err->message, sizeof(old));
    va_list args;
    va_start(args, format);
    error_setv(err, err->status, format, args);
    va_end(args);
    size_t length = strlen(err->message);
    int written = snprintf(err->message + length, DK_ERROR_MESSAGE_MAX - length, ": %s", old);
    if ((size_t)written >= DK_ERROR_MESSAGE_MAX - length)
        mark_cut(err->message);
}
