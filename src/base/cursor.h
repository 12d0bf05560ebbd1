/* Reading bytes in order, never past their end. A short read gives zeros and marks the cursor, so a
 * reader can be written without checks and asked once at the end. */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cursor {
    const char *at;
    const char *end;
    bool overrun;
};

static inline size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/* The next `nbytes` bytes where they lie; NULL when there are fewer. */
static inline const char *cursor_skip(struct cursor *cursor, uint64_t nbytes)
{
    if (nbytes > cursor_left(cursor)) {
        cursor->overrun = true;
        cursor->at = cursor->end;
        return NULL;
    }
    const char *bytes = cursor->at;
    cursor->at += nbytes;
    return bytes;
}

static inline void cursor_take(struct cursor *cursor, void *to, size_t nbytes)
{
    const char *bytes = cursor_skip(cursor, nbytes);
    if (bytes) {
        memcpy(to, bytes, nbytes);
    } else {
        memset(to, 0, nbytes);
    }
}

static inline uint8_t cursor_u8(struct cursor *cursor)
{
    uint8_t value = 0;
    cursor_take(cursor, &value, sizeof(value));
    return value;
}

static inline uint32_t cursor_u32(struct cursor *cursor)
{
    uint32_t value = 0;
    cursor_take(cursor, &value, sizeof(value));
    return value;
}

static inline uint64_t cursor_u64(struct cursor *cursor)
{
    uint64_t value = 0;
    cursor_take(cursor, &value, sizeof(value));
    return value;
}

static inline int64_t cursor_i64(struct cursor *cursor)
{
    int64_t value = 0;
    cursor_take(cursor, &value, sizeof(value));
    return value;
}

/* What writer_text() put, where it lies: NULL for NULL, and when there is no such text, which marks
 * the cursor. */
static inline const char *cursor_text(struct cursor *cursor)
{
    uint32_t nbytes = cursor_u32(cursor);
    if (nbytes == UINT32_MAX)
        return NULL;
    const char *text = cursor_skip(cursor, (uint64_t)nbytes + 1);
    if (!text || !memchr(text, 0, (size_t)nbytes + 1) || strlen(text) != nbytes) {
        cursor->overrun = true;
        return NULL;
    }
    return text;
}

#endif
