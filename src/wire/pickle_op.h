/* The opcodes of a pickle, one by one.   Source: Python's pickletools. */
#ifndef WIRE_PICKLE_OP_H
#define WIRE_PICKLE_OP_H

#include "base/cursor.h"
#include "wire/value.h"

/* Those that are read or written here. */
enum pickle_opcode {
    OP_MARK = '(',
    OP_STOP = '.',
    OP_POP = '0',
    OP_POP_MARK = '1',
    OP_DUP = '2',
    OP_BINBYTES = 'B',
    OP_SHORT_BINBYTES = 'C',
    OP_BINFLOAT = 'G',
    OP_BININT = 'J',
    OP_BININT1 = 'K',
    OP_BININT2 = 'M',
    OP_NONE = 'N',
    OP_REDUCE = 'R',
    OP_BINUNICODE = 'X',
    OP_EMPTY_LIST = ']',
    OP_EMPTY_TUPLE = ')',
    OP_EMPTY_DICT = '}',
    OP_APPEND = 'a',
    OP_BUILD = 'b',
    OP_GLOBAL = 'c',
    OP_APPENDS = 'e',
    OP_BINGET = 'h',
    OP_LONG_BINGET = 'j',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_SETITEM = 's',
    OP_TUPLE = 't',
    OP_SETITEMS = 'u',
    OP_PROTO = 0x80,
    OP_NEWOBJ = 0x81,
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_NEWTRUE = 0x88,
    OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a,
    OP_LONG4 = 0x8b,
    OP_SHORT_BINUNICODE = 0x8c,
    OP_BINUNICODE8 = 0x8d,
    OP_BINBYTES8 = 0x8e,
    OP_EMPTY_SET = 0x8f,
    OP_ADDITEMS = 0x90,
    OP_FROZENSET = 0x91,
    OP_NEWOBJ_EX = 0x92,
    OP_STACK_GLOBAL = 0x93,
    OP_MEMOIZE = 0x94,
    OP_FRAME = 0x95,
    OP_BYTEARRAY8 = 0x96,
    OP_NEXT_BUFFER = 0x97,
    OP_READONLY_BUFFER = 0x98
};

/* An opcode and what follows it: a number, bytes, or (GLOBAL) two lines, `bytes` and `second`. */
struct pickle_op {
    int code;
    uint64_t number; /* as it lies there: little-endian, of as many bytes as the opcode has */
    struct wire_bytes bytes;
    struct wire_bytes second;
};

/* Takes the next opcode; false when it is cut off, or unknown. */
bool pickle_op_next(struct cursor *cursor, struct pickle_op *out);

static inline bool pickle_op_is_text(const struct pickle_op *op)
{
    return op->code == OP_BINUNICODE || op->code == OP_SHORT_BINUNICODE ||
           op->code == OP_BINUNICODE8;
}

static inline bool pickle_op_is_bytes(const struct pickle_op *op)
{
    return op->code == OP_BINBYTES || op->code == OP_SHORT_BINBYTES || op->code == OP_BINBYTES8;
}

#endif
