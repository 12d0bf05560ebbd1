/* The structural scan without special instructions, the state machine behind it, and the choice. */
#include "io/csv/structure.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bytes of a word are taken low first");

#define TARGET
#define SCAN         csv_structure_portable
#define LOWEST(bits) ((bits) ? (unsigned)__builtin_ctzll(bits) : 64u)

struct masks {
    uint64_t separators;
    uint64_t newlines;
    uint64_t returns;
    uint64_t quotes;
};

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* A bit for each of the eight bytes of `word` that equals `c`. */
static inline uint64_t equal_bits(uint64_t word, char c)
{
    uint64_t low7 = EACH_BYTE * 0x7f;
    uint64_t x = word ^ (EACH_BYTE * (uint8_t)c);
    uint64_t zero_bytes = ~(((x & low7) + low7) | x | low7);
    return ((zero_bytes >> 7) * UINT64_C(0x0102040810204080)) >> 56;
}

static inline struct masks find_masks(const char *bytes, char separator)
{
    struct masks masks = {0, 0, 0, 0};
    for (int i = 0; i < 8; i++) {
        uint64_t word;
        memcpy(&word, bytes + 8 * i, 8);
        masks.separators |= equal_bits(word, separator) << (8 * i);
        masks.newlines |= equal_bits(word, '\n') << (8 * i);
        masks.returns |= equal_bits(word, '\r') << (8 * i);
        masks.quotes |= equal_bits(word, '"') << (8 * i);
    }
    return masks;
}

static inline uint64_t prefix_xor(uint64_t bits)
{
    for (int shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

#include "io/csv/structure.inc.h"

enum state { FIELD_START, IN_FIELD, IN_QUOTES, QUOTE_IN_QUOTES };

static bool ends_line(const char *bytes, uint32_t at)
{
    return bytes[at] == '\n' || (bytes[at] == '\r' && bytes[at + 1] != '\n');
}

/* The state behind a byte that neither separates nor ends a line. */
static enum state state_after(enum state state, char c)
{
    if (c != '"')
        return IN_FIELD;
    if (state == FIELD_START)
        return IN_QUOTES;
    return state == QUOTE_IN_QUOTES ? IN_QUOTES : IN_FIELD;
}

void csv_structure_scalar(struct csv_structure *structure, const char *bytes, uint32_t begin,
                          uint32_t end, char separator)
{
    enum state state = FIELD_START;
    uint32_t at = begin;
    for (; at < end && structure->nends < structure->max_ends &&
           structure->nrows < structure->max_rows;
         at++) {
        char c = bytes[at];
        if (state == IN_QUOTES) {
            if (c == '"')
                state = QUOTE_IN_QUOTES;
        } else if (c == separator) {
            structure->ends[structure->nends++] = at;
            state = FIELD_START;
        } else if (ends_line(bytes, at)) {
            structure->ends[structure->nends++] = at;
            structure->rows[structure->nrows++] = (uint32_t)structure->nends;
            state = FIELD_START;
        } else if (c != '\r' || bytes[at + 1] != '\n') {
            state = state_after(state, c);
        }
    }
    structure->is_full = at < end;
}

uint32_t csv_structure_open_quote(const char *bytes, uint32_t begin, uint32_t end, char separator)
{
    enum state state = FIELD_START;
    uint32_t open = end;
    for (uint32_t at = begin; at < end; at++) {
        char c = bytes[at];
        if (state == IN_QUOTES) {
            if (c == '"')
                state = QUOTE_IN_QUOTES;
        } else if (c == separator || ends_line(bytes, at)) {
            state = FIELD_START;
        } else {
            if (state == FIELD_START && c == '"')
                open = at;
            state = state_after(state, c);
        }
    }
    return state == IN_QUOTES ? open : end;
}

static void find_scalar(struct csv_structure *structure, const char *bytes, uint32_t begin,
                        uint32_t end, char separator)
{
    structure->nends = structure->nrows = 0;
    structure->has_return = true;
    structure->ends[-1] = begin - 1;
    csv_structure_scalar(structure, bytes, begin, end, separator);
}

static bool has_avx2(void)
{
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") &&
           __builtin_cpu_supports("pclmul");
#else
    return false;
#endif
}

void csv_structure_find(struct csv_structure *structure, enum csv_engine engine, const char *bytes,
                        uint32_t begin, uint32_t end, char separator)
{
    if (engine == CSV_ENGINE_SCALAR) {
        find_scalar(structure, bytes, begin, end, separator);
#if defined(__x86_64__)
    } else if (engine == CSV_ENGINE_BEST && has_avx2()) {
        csv_structure_avx2(structure, bytes, begin, end, separator);
#endif
    } else {
        csv_structure_portable(structure, bytes, begin, end, separator);
    }
}
