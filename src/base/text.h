/* Growing text, and small helpers on C strings. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>

#include "base/memory.h"

/* Always terminated once something was appended; `failed` remembers a failed growth, so a printer
 * can be written without checks and asked once at the end. */
struct text {
    struct memory *memory;
    char *data;
    size_t length;
    size_t capacity;
    bool failed;
};

void text_init(struct text *text, struct memory *memory);
void text_deinit(struct text *text);
void text_append(struct text *text, const char *bytes, size_t nbytes);
void text_puts(struct text *text, const char *string);
void text_putc(struct text *text, char c);
void text_repeat(struct text *text, char c, size_t n);
void text_printf(struct text *text, const char *format, ...) DK_PRINTF(2, 3);
/* DK_OK, or DK_ENOMEM when any append failed. */
dk_status text_status(const struct text *text);
/* Copies the string into a block that dk_text_free() frees; the text stays.   Errors: DK_ENOMEM. */
dk_status text_export(const struct text *text, char **out) DK_NODISCARD;

/* How many bytes the UTF-8 character takes that `bytes` begin with; 0: they begin none. */
size_t text_utf8_nbytes(const char *bytes, size_t nbytes);

/* Columns a terminal needs for the UTF-8 string (code points; wide characters count two). */
size_t text_width(const char *bytes, size_t nbytes);

#endif
