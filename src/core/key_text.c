/* Reading packed keys. They are our own canonical bytes: nothing here has to be checked again. */
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "core/keys.h"

/* ---- parts ---- */

static uint64_t take_number(const unsigned char **at, int nbytes)
{
    uint64_t number = 0;
    while (nbytes--)
        number = number << 8 | *(*at)++;
    return number;
}

/* The text that begins here (or bytes, which are in names, not in keys); the count of an array;
 * false when it is neither. */
static bool take_text(const unsigned char **at, struct wire_bytes *text)
{
    const unsigned char *p = *at;
    unsigned char tag = *p++;
    if ((tag & 0xe0) == 0xa0)
        text->nbytes = tag & 0x1f;
    else if (tag >= 0xd9 && tag <= 0xdb)
        text->nbytes = take_number(&p, 1 << (tag - 0xd9));
    else if (tag >= 0xc4 && tag <= 0xc6)
        text->nbytes = take_number(&p, 1 << (tag - 0xc4));
    else
        return false;
    text->data = (const char *)p;
    *at = p + text->nbytes;
    return true;
}

static bool take_array(const unsigned char **at, uint32_t *count)
{
    const unsigned char *p = *at;
    unsigned char tag = *p++;
    if ((tag & 0xf0) == 0x90)
        *count = tag & 0x0f;
    else if (tag == 0xdc)
        *count = (uint32_t)take_number(&p, 2);
    else
        return false;
    *at = p;
    return true;
}

/* ---- as Dask shows it ---- */

/* A buffer that is filled as far as it goes. */
struct shown {
    char *at;
    size_t left; /* the terminating zero included */
};

static void show(struct shown *shown, const char *format, ...) DK_PRINTF(2, 3);

static void show(struct shown *shown, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int written = vsnprintf(shown->at, shown->left, format, args);
    va_end(args);
    size_t taken = written < 0 ? 0 : (size_t)written;
    if (taken >= shown->left)
        taken = shown->left - 1;
    shown->at += taken;
    shown->left -= taken;
}

static void show_number(struct shown *shown, const unsigned char **at)
{
    unsigned char tag = *(*at)++;
    if (tag < 0x80) {
        show(shown, "%d", tag);
    } else if (tag >= 0xe0) {
        show(shown, "%d", (int)tag - 256);
    } else if (tag == 0xcb) {
        uint64_t bits = take_number(at, 8);
        double real;
        memcpy(&real, &bits, sizeof(real));
        show(shown, "%.17g", real);
    } else if (tag >= 0xcc && tag <= 0xcf) {
        show(shown, "%" PRIu64, take_number(at, 1 << (tag - 0xcc)));
    } else {
        int nbytes = 1 << (tag - 0xd0);
        int shift = 64 - 8 * nbytes;
        show(shown, "%" PRId64, (int64_t)(take_number(at, nbytes) << shift) >> shift);
    }
}

static void show_part(struct shown *shown, const unsigned char **at, bool is_inner)
{
    struct wire_bytes text;
    uint32_t count;
    if (take_text(at, &text)) {
        show(shown, is_inner ? "'%.*s'" : "%.*s", (int)text.nbytes, text.data);
    } else if (take_array(at, &count)) {
        show(shown, "(");
        for (uint32_t i = 0; i < count; i++) {
            show(shown, "%s", i ? ", " : "");
            show_part(shown, at, true);
        }
        show(shown, count == 1 ? ",)" : ")");
    } else {
        show_number(shown, at);
    }
}

void key_text(struct wire_bytes packed, char *out, size_t capacity)
{
    struct shown shown = {out, capacity};
    const unsigned char *at = (const unsigned char *)packed.data;
    *out = '\0';
    show_part(&shown, &at, false);
}

/* ---- what keys have in common ---- */

static bool is_hex(struct wire_bytes word, size_t nbytes)
{
    if (word.nbytes != nbytes)
        return false;
    for (size_t i = 0; i < nbytes; i++)
        if (!isdigit((unsigned char)word.data[i]) && (word.data[i] < 'a' || word.data[i] > 'f'))
            return false;
    return true;
}

static bool is_letter(char c)
{
    return isalpha((unsigned char)c) || (unsigned char)c >= 0x80;
}

static bool is_alphabetic(struct wire_bytes word)
{
    for (size_t i = 0; i < word.nbytes; i++)
        if (!is_letter(word.data[i]))
            return false;
    return word.nbytes > 0;
}

static struct wire_bytes word_until(struct wire_bytes text, char end)
{
    const char *found = memchr(text.data, end, text.nbytes);
    return (struct wire_bytes){text.data, found ? (size_t)(found - text.data) : text.nbytes};
}

static struct wire_bytes strip(struct wire_bytes text, const char *unwanted)
{
    while (text.nbytes && strchr(unwanted, text.data[0])) {
        text.data++;
        text.nbytes--;
    }
    while (text.nbytes && strchr(unwanted, text.data[text.nbytes - 1]))
        text.nbytes--;
    return text;
}

/* "<module.class object at 0x...>": the class. */
static struct wire_bytes class_of(struct wire_bytes text)
{
    text = word_until(strip(text, "<>"), ' ');
    for (size_t i = text.nbytes; i > 0; i--)
        if (text.data[i - 1] == '.')
            return (struct wire_bytes){text.data + i, text.nbytes - i};
    return text;
}

/* The leading words of `text` that are words: "x" of "x-1-2", "hello-world" of "hello-world-1". */
static struct wire_bytes leading_words(struct wire_bytes text)
{
    struct wire_bytes first = word_until(text, '-');
    if (!first.nbytes || !is_letter(first.data[0]))
        return strip(word_until(first, ','), "_'()\"");
    size_t taken = first.nbytes;
    while (taken < text.nbytes) {
        struct wire_bytes rest = {text.data + taken + 1, text.nbytes - taken - 1};
        struct wire_bytes word = word_until(rest, '-');
        if (!is_alphabetic(word) || is_hex(word, 8))
            break;
        taken += 1 + word.nbytes;
    }
    return (struct wire_bytes){text.data, taken};
}

static struct wire_bytes split(struct wire_bytes text)
{
    static const struct wire_bytes data = {"data", 4};
    static const struct wire_bytes other = {"Other", 5};
    struct wire_bytes words = leading_words(text);
    if (!words.nbytes)
        return other;
    if (is_hex(words, 32))
        return data;
    return words.data[0] == '<' ? class_of(words) : words;
}

/* The text of the key, or the first one in it; `text` stays when there is none. */
static bool first_text(struct wire_bytes packed, bool *is_tuple, struct wire_bytes *text)
{
    const unsigned char *at = (const unsigned char *)packed.data;
    uint32_t count;
    *is_tuple = false;
    while (take_array(&at, &count)) {
        *is_tuple = true;
        if (!count)
            return false;
    }
    struct wire_bytes found;
    if (!take_text(&at, &found) || !found.nbytes)
        return false;
    *text = found;
    return true;
}

static void write_text(struct wire_bytes text, char *out, size_t capacity)
{
    size_t nbytes = text.nbytes < capacity ? text.nbytes : capacity - 1;
    memcpy(out, text.data, nbytes);
    out[nbytes] = '\0';
}

void key_prefix(struct wire_bytes packed, char *out, size_t capacity)
{
    bool is_tuple;
    struct wire_bytes text = {"Other", 5};
    if (first_text(packed, &is_tuple, &text))
        text = split(text);
    write_text(text, out, capacity);
}

void key_group(struct wire_bytes packed, char *out, size_t capacity)
{
    bool is_tuple;
    struct wire_bytes text = {"Other", 5};
    if (first_text(packed, &is_tuple, &text) && !is_tuple) {
        if (text.data[0] == '(')
            text = strip(word_until(text, ','), "()\"'");
        else if (text.data[0] == '<')
            text = class_of(text);
        else
            text = split(text);
    }
    write_text(text, out, capacity);
}
