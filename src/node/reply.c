#include "node/reply.h"

#include <endian.h>
#include <stdio.h>

#include "base/error.h"

/* An opcode of pickle with the length of the text behind it in one byte, or in four. */
static char *put_short_text(char *at, const char *text)
{
    size_t length = strlen(text);
    *at++ = '\x8c';
    *at++ = (char)length;
    memcpy(at, text, length);
    return at + length;
}

static char *put_text(char *at, const char *text)
{
    uint32_t length = htole32((uint32_t)strlen(text));
    *at++ = 'X';
    memcpy(at, &length, sizeof(length));
    memcpy(at + sizeof(length), text, strlen(text));
    return at + sizeof(length) + strlen(text);
}

/* builtins.KIND(text), in protocol 4. */
static struct wire_bytes write_pickle(char *pickle, const char *kind, const char *text)
{
    char *at = pickle;
    *at++ = '\x80';
    *at++ = 4;
    at = put_short_text(at, "builtins");
    at = put_short_text(at, kind);
    *at++ = '\x93'; /* the class of that name */
    *at++ = '(';
    at = put_text(at, text);
    memcpy(at, "tR.", 3); /* called with a tuple of the text */
    return (struct wire_bytes){pickle, (size_t)(at + 3 - pickle)};
}

/* At most `max` bytes of it, and no part of a character. */
static void cut(char *out, const char *text, size_t max)
{
    size_t length = strnlen(text, max + 1);
    if (length > max) {
        length = max;
        while (length && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(out, text, length);
    out[length] = 0;
}

void error_reply_init(struct error_reply *out, const char *kind, const char *text)
{
    cut(out->text, text, REPLY_TEXT_MAX);
    struct wire_bytes pickle = write_pickle(out->pickle, kind, out->text);
    struct wire_entry entries[] = {
        {wire_text("status"), wire_text("uncaught-error")},
        {wire_text("exception"), wire_bin(pickle)},
        {wire_text("traceback"), wire_nil()},
        {wire_text("exception_text"), wire_text(out->text)},
        {wire_text("traceback_text"), wire_text("")},
    };
    memcpy(out->entries, entries, sizeof(entries));
    out->value = wire_map(out->entries, 5);
}

const char *error_reply_kind(dk_status status)
{
    switch (status) {
    case DK_ENOMEM:
        return "MemoryError";
    case DK_EINVAL:
    case DK_EPARSE:
        return "ValueError";
    case DK_EIO:
        return "OSError";
    case DK_ENOFILE:
        return "FileNotFoundError";
    case DK_ETYPE:
        return "TypeError";
    case DK_EKEY:
    case DK_ECOLUMN:
        return "KeyError";
    case DK_ENOTSUP:
        return "NotImplementedError";
    default:
        return "RuntimeError";
    }
}

dk_status reply_check(const struct wire_value *reply, const char *peer, dk_error *err)
{
    const struct wire_value *status = wire_find(reply, "status");
    const struct wire_value *exception = wire_find(reply, "exception");
    struct wire_bytes text = {"no reason given", 15};
    bool has_failed = wire_text_is(status, "uncaught-error") ||
                      (wire_text_is(status, "error") && exception != NULL);
    if (!has_failed)
        return DK_OK;
    if (!wire_read_text(wire_find(reply, "exception_text"), &text))
        wire_read_text(exception, &text);
    int length = text.nbytes < DK_ERROR_MESSAGE_MAX ? (int)text.nbytes : DK_ERROR_MESSAGE_MAX;
    return error_set(err, DK_ETASK, "%s: the operation failed there: %.*s", peer, length,
                     text.data);
}
