#include "base/text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cdask/table.h>

void text_init(struct text *text, struct memory *memory)
{
    *text = (struct text){.memory = memory};
}

void text_deinit(struct text *text)
{
    memory_free(text->memory, text->data, text->capacity);
    text->data = NULL;
    text->length = text->capacity = 0;
}

/* Room for nbytes more and the terminating zero. */
static bool make_room(struct text *text, size_t nbytes)
{
    if (text->failed)
        return false;
    size_t needed = text->length + nbytes + 1;
    if (needed <= text->capacity)
        return true;
    size_t wider = text->capacity * 2;
    if (wider < needed)
        wider = needed;
    if (wider < 64)
        wider = 64;
    char *data = memory_resize(text->memory, text->data, text->capacity, wider);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = wider;
    return true;
}

void text_append(struct text *text, const char *bytes, size_t nbytes)
{
    if (!make_room(text, nbytes))
        return;
    if (nbytes)
        memcpy(text->data + text->length, bytes, nbytes);
    text->length += nbytes;
    text->data[text->length] = 0;
}

void text_puts(struct text *text, const char *string)
{
    text_append(text, string, strlen(string));
}

void text_putc(struct text *text, char c)
{
    text_append(text, &c, 1);
}

void text_repeat(struct text *text, char c, size_t n)
{
    if (!make_room(text, n))
        return;
    memset(text->data + text->length, c, n);
    text->length += n;
    text->data[text->length] = 0;
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0 || !make_room(text, (size_t)length))
        return;
    va_start(args, format);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, args);
    va_end(args);
    text->length += (size_t)length;
}

dk_status text_status(const struct text *text)
{
    return text->failed ? DK_ENOMEM : DK_OK;
}

/* A string that left the library remembers where its bytes belong. */
struct exported {
    struct memory *memory;
    size_t nbytes;
    char string[];
};

dk_status text_export(const struct text *text, char **out)
{
    if (text->failed)
        return DK_ENOMEM;
    size_t nbytes = sizeof(struct exported) + text->length + 1;
    struct exported *exported = memory_alloc(text->memory, nbytes);
    if (!exported)
        return DK_ENOMEM;
    exported->memory = text->memory;
    exported->nbytes = nbytes;
    if (text->length)
        memcpy(exported->string, text->data, text->length);
    exported->string[text->length] = 0;
    *out = exported->string;
    return DK_OK;
}

void dk_text_free(char *string)
{
    if (!string)
        return;
    struct exported *exported =
        (struct exported *)(void *)(string - offsetof(struct exported, string));
    memory_free(exported->memory, exported, exported->nbytes);
}

/* Overlong forms, surrogates and what lies beyond U+10FFFF are told by the second byte. */
size_t text_utf8_nbytes(const char *bytes, size_t nbytes)
{
    const unsigned char *at = (const unsigned char *)bytes;
    if (!nbytes)
        return 0;
    if (at[0] < 0x80)
        return 1;
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4 || nbytes < length)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool is_wrong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
                    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f);
    return is_wrong ? 0 : length;
}

/* Decodes one code point; a byte that begins none counts as a character of its own. */
static uint32_t next_code_point(const unsigned char **at, const unsigned char *end)
{
    unsigned char first = *(*at)++;
    int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    uint32_t code = more == 3 ? first & 7u : more == 2 ? first & 15u : more ? first & 31u : first;
    while (more-- > 0 && *at < end && (**at & 0xc0) == 0x80)
        code = code << 6 | (*(*at)++ & 63u);
    return code;
}

/* The blocks that terminals draw two columns wide (Unicode East Asian Wide, and emoji). */
static bool is_wide(uint32_t c)
{
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
           (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
           (c >= 0x20000 && c <= 0x3fffd);
}

size_t text_width(const char *bytes, size_t nbytes)
{
    const unsigned char *at = (const unsigned char *)bytes;
    const unsigned char *end = at + nbytes;
    size_t width = 0;
    while (at < end)
        width += is_wide(next_code_point(&at, end)) ? 2 : 1;
    return width;
}
