#include "wire/pickle_op.h"

#include <endian.h>

/* What follows an opcode. */
enum operand {
    UNKNOWN,
    NOTHING,
    BYTES_1, /* a number of that many bytes */
    BYTES_2,
    BYTES_4,
    BYTES_8,
    COUNTED_1, /* as many bytes as a number of that many bytes says */
    COUNTED_4,
    COUNTED_8,
    LINE,
    TWO_LINES
};

static const uint8_t operands[256] = {
    ['('] = NOTHING,    ['.'] = NOTHING,    ['0'] = NOTHING,    ['1'] = NOTHING,
    ['2'] = NOTHING,    ['N'] = NOTHING,    ['Q'] = NOTHING,    ['R'] = NOTHING,
    [')'] = NOTHING,    [']'] = NOTHING,    ['}'] = NOTHING,    ['a'] = NOTHING,
    ['b'] = NOTHING,    ['d'] = NOTHING,    ['e'] = NOTHING,    ['l'] = NOTHING,
    ['o'] = NOTHING,    ['s'] = NOTHING,    ['t'] = NOTHING,    ['u'] = NOTHING,
    [0x81] = NOTHING,   [0x85] = NOTHING,   [0x86] = NOTHING,   [0x87] = NOTHING,
    [0x88] = NOTHING,   [0x89] = NOTHING,   [0x8f] = NOTHING,   [0x90] = NOTHING,
    [0x91] = NOTHING,   [0x92] = NOTHING,   [0x93] = NOTHING,   [0x94] = NOTHING,
    [0x97] = NOTHING,   [0x98] = NOTHING,   ['K'] = BYTES_1,    ['h'] = BYTES_1,
    ['q'] = BYTES_1,    [0x80] = BYTES_1,   [0x82] = BYTES_1,   ['M'] = BYTES_2,
    [0x83] = BYTES_2,   ['J'] = BYTES_4,    ['j'] = BYTES_4,    ['r'] = BYTES_4,
    [0x84] = BYTES_4,   ['G'] = BYTES_8,    [0x95] = BYTES_8,   ['U'] = COUNTED_1,
    ['C'] = COUNTED_1,  [0x8a] = COUNTED_1, [0x8c] = COUNTED_1, ['T'] = COUNTED_4,
    ['B'] = COUNTED_4,  ['X'] = COUNTED_4,  [0x8b] = COUNTED_4, [0x8d] = COUNTED_8,
    [0x8e] = COUNTED_8, [0x96] = COUNTED_8, ['F'] = LINE,       ['I'] = LINE,
    ['L'] = LINE,       ['P'] = LINE,       ['S'] = LINE,       ['V'] = LINE,
    ['g'] = LINE,       ['p'] = LINE,       ['c'] = TWO_LINES,  ['i'] = TWO_LINES,
};

static uint64_t take_number(struct cursor *cursor, size_t nbytes)
{
    uint64_t number = 0;
    cursor_take(cursor, &number, nbytes);
    return le64toh(number);
}

static struct wire_bytes take_counted(struct cursor *cursor, size_t nbytes)
{
    uint64_t count = take_number(cursor, nbytes);
    return (struct wire_bytes){cursor_skip(cursor, count), count};
}

static struct wire_bytes take_line(struct cursor *cursor)
{
    size_t left = cursor_left(cursor);
    const char *end = left ? memchr(cursor->at, '\n', left) : NULL;
    size_t nbytes = end ? (size_t)(end - cursor->at) : left;
    struct wire_bytes line = {cursor_skip(cursor, nbytes), nbytes};
    cursor_skip(cursor, 1);
    return line;
}

bool pickle_op_next(struct cursor *cursor, struct pickle_op *out)
{
    *out = (struct pickle_op){.code = cursor_u8(cursor)};
    enum operand operand = (enum operand)operands[out->code];
    switch (operand) {
    case BYTES_1:
    case BYTES_2:
    case BYTES_4:
    case BYTES_8:
        out->number = take_number(cursor, (size_t)1 << (operand - BYTES_1));
        break;
    case COUNTED_1:
        out->bytes = take_counted(cursor, 1);
        break;
    case COUNTED_4:
    case COUNTED_8:
        out->bytes = take_counted(cursor, operand == COUNTED_4 ? 4 : 8);
        break;
    case TWO_LINES:
        out->bytes = take_line(cursor);
        out->second = take_line(cursor);
        break;
    case LINE:
        out->bytes = take_line(cursor);
        break;
    case NOTHING:
        break;
    case UNKNOWN:
        return false;
    }
    return !cursor->overrun;
}
