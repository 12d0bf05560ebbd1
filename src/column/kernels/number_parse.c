#include "column/kernels/number_text.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Longer numbers are not read. */
#define PARSE_MAX 1000

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void trim(const char **text, size_t *nbytes)
{
    while (*nbytes && is_blank((*text)[0])) {
        (*text)++;
        (*nbytes)--;
    }
    while (*nbytes && is_blank((*text)[*nbytes - 1]))
        (*nbytes)--;
}

/* Copies without the "_" between digits; false for one anywhere else. */
static bool copy_plain(const char *text, size_t nbytes, char *out, size_t *nout)
{
    size_t n = 0;
    for (size_t i = 0; i < nbytes; i++) {
        if (text[i] != '_')
            out[n++] = text[i];
        else if (i == 0 || i + 1 == nbytes || !is_digit(text[i - 1]) || !is_digit(text[i + 1]))
            return false;
    }
    out[n] = '\0';
    *nout = n;
    return true;
}

/* Is it digits with an optional point and exponent? (strtod reads more than that.) */
static bool is_decimal(const char *at)
{
    int ndigits = 0;
    for (; is_digit(*at); at++)
        ndigits++;
    if (*at == '.')
        for (at++; is_digit(*at); at++)
            ndigits++;
    if (ndigits == 0)
        return false;
    if (*at == 'e' || *at == 'E') {
        at++;
        if (*at == '+' || *at == '-')
            at++;
        if (!is_digit(*at))
            return false;
        while (is_digit(*at))
            at++;
    }
    return *at == '\0';
}

/* Up to 15 digits and a small power of ten are exact doubles, so one division gives the nearest
 * one. */
static bool parse_short(const char *at, double *out)
{
    static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    uint64_t digits = 0;
    int ndigits = 0, ndecimals = 0;
    for (; is_digit(*at); at++, ndigits++)
        digits = digits * 10 + (uint64_t)(*at - '0');
    if (*at == '.')
        for (at++; is_digit(*at); at++, ndigits++, ndecimals++)
            digits = digits * 10 + (uint64_t)(*at - '0');
    if (*at || ndigits == 0 || ndigits > 15)
        return false;
    *out = (double)digits / powers[ndecimals];
    return true;
}

/* Any number, by the C library in the "C" locale, which costs no memory. */
static bool parse_long(const char *text, double *out)
{
    if (!is_decimal(text))
        return false;
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!locale)
        return false;
    *out = strtod_l(text, NULL, locale);
    freelocale(locale);
    return true;
}

static bool parse_word(const char *text, double *out)
{
    bool infinite = strcasecmp(text, "inf") == 0 || strcasecmp(text, "infinity") == 0;
    *out = infinite ? (double)INFINITY : (double)NAN;
    return infinite || strcasecmp(text, "nan") == 0;
}

bool number_parse_float64(const char *text, size_t nbytes, double *out)
{
    char copy[PARSE_MAX + 1];
    size_t n;
    trim(&text, &nbytes);
    if (nbytes == 0 || nbytes > PARSE_MAX || memchr(text, '\0', nbytes) ||
        !copy_plain(text, nbytes, copy, &n))
        return false;
    const char *at = copy + (copy[0] == '-' || copy[0] == '+');
    if (!parse_short(at, out) && !parse_long(at, out) && !parse_word(at, out))
        return false;
    if (copy[0] == '-')
        *out = -*out;
    return true;
}

bool number_parse_uint64(const char *text, size_t nbytes, bool *negative, uint64_t *magnitude)
{
    char copy[PARSE_MAX + 1];
    size_t n;
    trim(&text, &nbytes);
    if (nbytes == 0 || nbytes > PARSE_MAX || !copy_plain(text, nbytes, copy, &n))
        return false;
    size_t i = copy[0] == '-' || copy[0] == '+';
    *negative = copy[0] == '-';
    *magnitude = 0;
    if (i == n)
        return false;
    for (; i < n; i++)
        if (!is_digit(copy[i]) || __builtin_mul_overflow(*magnitude, 10, magnitude) ||
            __builtin_add_overflow(*magnitude, (uint64_t)(copy[i] - '0'), magnitude))
            return false;
    return true;
}
