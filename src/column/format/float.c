/* Floats as pandas prints them: all of a column with the same number of decimals, at most six, or
 * all with an exponent.   Source: pandas FloatArrayFormatter. */
#include "column/format/format.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DIGITS      6 /* pandas display.precision */
#define LONGEST     (DIGITS + 6)
#define NUMBER_MAX  352 /* the largest double has 309 digits before the point */
#define LARGE_VALUE 1e6

/* snprintf() writes the decimal point of the process's locale; the digits before and behind it are
 * ours. */
static size_t replace_point(char *text, size_t nbytes, size_t tail)
{
    size_t whole = 1;
    while (text[whole] >= '0' && text[whole] <= '9')
        whole++;
    text[whole] = '.';
    memmove(text + whole + 1, text + nbytes - tail, tail);
    return whole + 1 + tail;
}

static size_t print_fixed(double value, char text[NUMBER_MAX])
{
    size_t nbytes = (size_t)snprintf(text, NUMBER_MAX, "% .*f", DIGITS, value);
    return isinf(value) ? nbytes : replace_point(text, nbytes, DIGITS);
}

static size_t print_exponent(double value, char text[NUMBER_MAX])
{
    size_t nbytes = (size_t)snprintf(text, NUMBER_MAX, "% .*e", DIGITS, value);
    if (isinf(value))
        return nbytes;
    size_t exponent = nbytes;
    while (text[exponent - 1] != 'e')
        exponent--;
    return replace_point(text, nbytes, nbytes - exponent + 1 + DIGITS);
}

typedef size_t print_function(double value, char text[NUMBER_MAX]);

/* Left-aligned columns keep a blank where numbers have their sign. */
static struct cell missing(enum justify justify)
{
    struct cell cell = format_literal("NaN");
    cell.blanks_before = justify == JUSTIFY_LEFT;
    return cell;
}

static dk_status print_all(struct arena *arena, const double *values, int64_t count,
                           print_function *print, enum justify justify, struct cells *cells)
{
    char text[NUMBER_MAX];
    cells->count = 0;
    for (int64_t i = 0; i < count; i++) {
        struct cell cell = missing(justify);
        if (!isnan(values[i]))
            DK_TRY(format_copy(arena, text, print(values[i], text), &cell));
        cells_push(cells, cell);
    }
    return DK_OK;
}

static size_t count_zeros(const struct cell *cell)
{
    size_t n = 0;
    while (cell->bytes[cell->nbytes - 1 - n] == '0')
        n++;
    return n;
}

/* Takes away the zeros that all finite numbers end with, but leaves one decimal.
 * Source: pandas _trim_zeros_float. */
static void trim_zeros(const double *values, struct cells *cells)
{
    size_t common = DIGITS - 1;
    for (int64_t i = 0; i < cells->count; i++) {
        if (!isfinite(values[i]))
            continue;
        size_t zeros = count_zeros(&cells->cell[i]);
        if (zeros < common)
            common = zeros;
    }
    for (int64_t i = 0; i < cells->count; i++) {
        if (!isfinite(values[i]))
            continue;
        cells->cell[i].nbytes -= common;
        cells->cell[i].nchars -= common;
    }
}

/* An exponent is used where six decimals would show a number as zero, or take too much room. */
static bool wants_exponent(const double *values, const struct cells *cells, bool single)
{
    double smallest = single ? (double)1e-6f : 1e-6;
    bool large = false;
    for (int64_t i = 0; i < cells->count; i++) {
        double magnitude = fabs(values[i]);
        if (magnitude > 0 && magnitude < smallest)
            return true;
        large = large || magnitude > LARGE_VALUE;
    }
    return large && cells_width(cells) > LONGEST;
}

dk_status format_floats(struct arena *arena, const double *values, int64_t count, bool single,
                        enum justify justify, struct cells *out)
{
    DK_TRY(print_all(arena, values, count, print_fixed, justify, out));
    trim_zeros(values, out);
    if (!wants_exponent(values, out, single))
        return DK_OK;
    return print_all(arena, values, count, print_exponent, justify, out);
}

void format_lone_float(double value, struct text *text)
{
    char out[NUMBER_MAX];
    size_t nbytes = print_fixed(value, out);
    while (isfinite(value) && out[nbytes - 1] == '0' && out[nbytes - 2] != '.')
        nbytes--;
    size_t blank = out[0] == ' ';
    text_append(text, out + blank, nbytes - blank);
}
