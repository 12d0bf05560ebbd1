/* Template: the structural scan over 64 bytes at a time. Parameters, undefined at the end:
 *   SCAN    name of the function
 *   TARGET  function attribute of the instruction set
 *   LOWEST  number of the lowest bit of a word; anything for 0
 * and two static functions defined before the include:
 *   struct masks find_masks(const char *bytes, char separator);  a bit for each of 64 bytes
 *   uint64_t prefix_xor(uint64_t bits);                          bit i: parity of bits 0 .. i
 *
 * Nearly all files have neither quotes nor \r: scan_plain() runs until it meets one, scan_quoted()
 * does the rest of the chunk. Quotes where a well-formed writer has none are left to the state
 * machine. */

struct cursor {
    struct csv_structure *out;
    const char *bytes;
    uint32_t at;
    uint32_t end;
    char separator;
};

/* Appends the positions of `all`, and of the line ends among them to the rows. Four are written
 * whatever the count is: a branch on it would be mispredicted all the time. */
static inline TARGET void emit(struct csv_structure *out, uint64_t all, uint64_t lines, uint32_t at)
{
    uint32_t *ends = out->ends + out->nends;
    uint32_t *rows = out->rows + out->nrows;
    size_t count = (size_t)__builtin_popcountll(all);
    uint64_t first_line = lines ^ (lines - 1);

    rows[0] = (uint32_t)(out->nends + (size_t)__builtin_popcountll(all & first_line));
    out->nrows += lines != 0;
    for (lines &= lines - 1; lines; lines &= lines - 1) {
        uint64_t upto = lines ^ (lines - 1);
        out->rows[out->nrows++] = (uint32_t)(out->nends + (size_t)__builtin_popcountll(all & upto));
    }
    for (int i = 0; i < 4; i++) {
        ends[i] = at + (uint32_t)LOWEST(all);
        all &= all - 1;
    }
    for (ends += 4; all; all &= all - 1)
        *ends++ = at + (uint32_t)LOWEST(all);
    out->nends += count;
}

static inline TARGET bool has_room(const struct csv_structure *out)
{
    return out->nends + CSV_STRUCTURE_SLACK <= out->max_ends &&
           out->nrows + CSV_STRUCTURE_SLACK <= out->max_rows;
}

/* The bits of a block that lie before the end. */
static inline TARGET uint64_t block_bits(const struct cursor *cursor)
{
    uint32_t left = cursor->end - cursor->at;
    return left >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
}

/* Stops at a block that holds a quote or a \r. */
static TARGET void scan_plain(struct cursor *cursor)
{
    struct csv_structure *out = cursor->out;
    while (cursor->at < cursor->end && has_room(out)) {
        struct masks masks = find_masks(cursor->bytes + cursor->at, cursor->separator);
        uint64_t bits = block_bits(cursor);
        if ((masks.quotes | masks.returns) & bits)
            return;
        emit(out, (masks.separators | masks.newlines) & bits, masks.newlines & bits, cursor->at);
        cursor->at += 64;
    }
}

/* State carried from block to block: inside quotes (all ones or zero), and whether the byte before
 * may be followed by an opening quote, or was a closing one. */
struct carry {
    uint64_t inside;
    uint64_t may_open;
    uint64_t closed;
};

/* Splits one block; false when its quotes are not where a well-formed writer puts them. */
static inline TARGET bool split_block(const struct cursor *cursor, struct carry *carry,
                                      uint64_t *all, uint64_t *lines)
{
    struct masks masks = find_masks(cursor->bytes + cursor->at, cursor->separator);
    uint64_t bits = block_bits(cursor);
    uint64_t next_newline = cursor->bytes[cursor->at + 64] == '\n';
    uint64_t lone_returns = masks.returns & ~((masks.newlines >> 1) | (next_newline << 63));
    uint64_t quotes = masks.quotes & bits;
    uint64_t delimiters = (masks.separators | masks.newlines | masks.returns) & bits;
    uint64_t inside = prefix_xor(quotes) ^ carry->inside;
    uint64_t opening = quotes & inside;
    uint64_t closing = quotes & ~inside;
    uint64_t may_open = (delimiters & ~inside) | closing;
    uint64_t after_closing = ((closing << 1) | carry->closed) & bits;
    uint64_t odd =
        (opening & ~((may_open << 1) | carry->may_open)) | (after_closing & ~(delimiters | quotes));

    carry->inside = (uint64_t)((int64_t)inside >> 63);
    carry->may_open = may_open >> 63;
    carry->closed = closing >> 63;
    *lines = (masks.newlines | lone_returns) & ~inside & bits;
    *all = *lines | (masks.separators & ~inside & bits);
    return odd == 0;
}

/* False when it met odd quotes: what is behind the last complete row is then to be done again. */
static TARGET bool scan_quoted(struct cursor *cursor, uint32_t begin)
{
    struct csv_structure *out = cursor->out;
    char before = cursor->at > begin ? cursor->bytes[cursor->at - 1] : '\n';
    struct carry carry = {0, before == cursor->separator || before == '\n' || before == '\r', 0};
    while (cursor->at < cursor->end && has_room(out)) {
        uint64_t all;
        uint64_t lines;
        if (!split_block(cursor, &carry, &all, &lines))
            return false;
        emit(out, all, lines, cursor->at);
        cursor->at += 64;
    }
    return true;
}

TARGET void SCAN(struct csv_structure *structure, const char *bytes, uint32_t begin, uint32_t end,
                 char separator)
{
    struct cursor cursor = {structure, bytes, begin, end, separator};
    structure->nends = structure->nrows = 0;
    structure->has_return = false;
    structure->ends[-1] = begin - 1;
    scan_plain(&cursor);
    if (cursor.at < end && has_room(structure)) {
        structure->has_return = true;
        if (!scan_quoted(&cursor, begin)) {
            structure->nends = structure->nrows ? structure->rows[structure->nrows - 1] : 0;
            csv_structure_scalar(structure, bytes, csv_structure_tail(structure), end, separator);
            return;
        }
    }
    structure->is_full = cursor.at < end;
}

#undef SCAN
#undef TARGET
#undef LOWEST
