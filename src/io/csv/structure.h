/* The structure of CSV bytes: where fields and rows end.
 *
 * A field ends at a separator or a line end outside quotes; a line ends at \n, \r\n (its end is the
 * \n) or a lone \r. A quote opens a quoted field only as its first byte, "" inside stands for one
 * quote, and bytes after the closing quote belong to the field, quotes among them literally.
 * Source: the tokenizer of pandas.read_csv. */
#ifndef IO_CSV_STRUCTURE_H
#define IO_CSV_STRUCTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes behind the ones to be looked at that must be readable. */
#define CSV_PADDING 64

/* Room in `ends` and `rows` that a scan keeps free for its wide stores. */
#define CSV_STRUCTURE_SLACK 80

enum csv_engine { CSV_ENGINE_BEST, CSV_ENGINE_PORTABLE, CSV_ENGINE_SCALAR };

/* The caller gives the arrays; ends[-1] exists too and gets the position before the first row, so
 * that field i of any row lies between ends[i - 1] + 1 and ends[i]. rows[k]  number of ends up to
 * and including the one that ends row k */
struct csv_structure {
    uint32_t *ends;
    uint32_t *rows;
    size_t max_ends;
    size_t max_rows;
    size_t nends; /* those of a last, incomplete row included */
    size_t nrows;
    bool is_full;    /* stopped for want of room in the arrays */
    bool has_return; /* a \r was seen: the last field of a row may end in one */
};

/* Finds the structure of bytes[begin .. end), which start a row. The padding must not hold a line
 * end, except when bytes[end] is the \n of a \r\n. */
void csv_structure_find(struct csv_structure *structure, enum csv_engine engine, const char *bytes,
                        uint32_t begin, uint32_t end, char separator);

/* The state machine that defines the rules; continues behind the rows already found. */
void csv_structure_scalar(struct csv_structure *structure, const char *bytes, uint32_t begin,
                          uint32_t end, char separator);
void csv_structure_portable(struct csv_structure *structure, const char *bytes, uint32_t begin,
                            uint32_t end, char separator);
void csv_structure_avx2(struct csv_structure *structure, const char *bytes, uint32_t begin,
                        uint32_t end, char separator);

/* Position of the quote that opens the field in which bytes[begin .. end), which start a row, stop;
 * `end` when they do not stop inside quotes. */
uint32_t csv_structure_open_quote(const char *bytes, uint32_t begin, uint32_t end, char separator);

/* Where the row behind the last complete one starts. */
static inline uint32_t csv_structure_tail(const struct csv_structure *structure)
{
    size_t nends = structure->nrows ? structure->rows[structure->nrows - 1] : 0;
    return structure->ends[(ptrdiff_t)nends - 1] + 1;
}

#endif
