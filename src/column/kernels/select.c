/* Choosing rows: the positions a mask selects, and the values at positions. */
#include <string.h>

#include "column/kernels/elementwise.h"
#include "column/kernels/validity.h"
#include "column/kernels/words.h"

/* Without a branch per row: the position is always written, and kept only when the row is chosen.
 * The write stays inside `rows`, as no more rows are chosen than were seen. */
static int64_t choose(const uint8_t *mask, int64_t start, int64_t n, int32_t *rows, int64_t count)
{
    for (int64_t i = 0; i < n; i++) {
        rows[count] = (int32_t)(start + i);
        count += mask[i];
    }
    return count;
}

/* Eight rows at a time: all or none of them is what sorted data nearly always gives. */
static int64_t choose_block(const uint8_t *mask, int64_t start, int64_t n, int32_t *rows,
                            int64_t count)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t eight;
        memcpy(&eight, mask + i, sizeof eight);
        if (eight == UINT64_C(0x0101010101010101)) {
            for (int32_t k = 0; k < 8; k++)
                rows[count + k] = (int32_t)(start + i) + k;
            count += 8;
        } else if (eight) {
            count = choose(mask + i, start + i, 8, rows, count);
        }
    }
    return choose(mask + i, start + i, n - i, rows, count);
}

int64_t filter_rows(const struct view *mask, int32_t *rows)
{
    const uint8_t *values = mask->data;
    if (!mask->validity)
        return choose_block(values, 0, mask->nrows, rows, 0);
    enum { BLOCK = 1024 };
    uint8_t block[BLOCK];
    int64_t count = 0;
    for (int64_t start = 0; start < mask->nrows; start += BLOCK) {
        int64_t n = mask->nrows - start < BLOCK ? mask->nrows - start : BLOCK;
        validity_bytes(mask, start, n, block);
        for (int64_t i = 0; i < n; i++)
            block[i] &= values[start + i];
        count = choose_block(block, start, n, rows, count);
    }
    return count;
}

/* Values of any type of a width, moved as integers. */
typedef uint16_t __attribute__((may_alias)) value_16;
typedef uint32_t __attribute__((may_alias)) value_32;
typedef uint64_t __attribute__((may_alias)) value_64;

static void gather_1(const uint8_t *restrict in, const int32_t *restrict rows, int64_t n,
                     uint8_t *restrict out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = in[rows[i]];
}

static void gather_2(const value_16 *restrict in, const int32_t *restrict rows, int64_t n,
                     value_16 *restrict out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = in[rows[i]];
}

static void gather_4(const value_32 *restrict in, const int32_t *restrict rows, int64_t n,
                     value_32 *restrict out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = in[rows[i]];
}

static void gather_8(const value_64 *restrict in, const int32_t *restrict rows, int64_t n,
                     value_64 *restrict out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = in[rows[i]];
}

static void take_values(const struct view *in, const int32_t *rows, int64_t nrows, void *out)
{
    switch (type_nbytes(in->type)) {
    case 1:
        gather_1(in->data, rows, nrows, out);
        break;
    case 2:
        gather_2(in->data, rows, nrows, out);
        break;
    case 4:
        gather_4(in->data, rows, nrows, out);
        break;
    default:
        gather_8(in->data, rows, nrows, out);
    }
}

static dk_status take_text(const struct view *in, const int32_t *rows, int64_t nrows,
                           struct vec *out)
{
    size_t nbytes = 0;
    for (int64_t i = 0; i < nrows; i++)
        nbytes += word_at(in, rows[i]).nbytes;
    DK_TRY(words_reserve(out, nbytes));
    out->nrows = nrows;
    out->offsets[0] = 0;
    for (int64_t i = 0; i < nrows; i++) {
        struct word word = word_at(in, rows[i]);
        if (word.nbytes)
            memcpy((char *)out->data + out->pool_nbytes, word.bytes, word.nbytes);
        out->pool_nbytes += word.nbytes;
        out->offsets[i + 1] = (int64_t)out->pool_nbytes;
    }
    return DK_OK;
}

dk_status take_rows(const struct view *in, const int32_t *rows, int64_t nrows, struct vec *out)
{
    DK_TRY(vec_reset(out, nrows));
    if (in->type == DK_CATEGORY)
        words_share_dictionary(out, in);
    if (in->type == DK_TEXT)
        DK_TRY(take_text(in, rows, nrows, out));
    else
        take_values(in, rows, nrows, out->data);
    if (in->validity)
        for (int64_t i = 0; i < nrows; i++)
            if (!bit_get(in->validity, in->validity_offset + rows[i]))
                vec_set_null(out, i);
    return DK_OK;
}
