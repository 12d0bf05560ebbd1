/* A pickle is a program for a stack machine with a memo. Containers change after they were put
 * into the memo, so they are boxes that items point to; at the end they are frozen into values. */
#include "wire/unpickle.h"

#include <endian.h>
#include <string.h>

#include "base/error.h"
#include "base/vector.h"
#include "wire/pickle_op.h"

/* Written out, what is shared is there as often as it is used: at most this many values, or as many
 * as there are bytes. */
#define NVALUES_MAX ((size_t)1 << 22)

enum box_kind { LIST, DICT, SET, CALLABLE };

/* The functions that pickles of plain values call. */
enum callable { MAKE_SET, MAKE_BYTES, ENCODE };

struct item;

struct box {
    enum box_kind kind;
    enum callable callable;
    struct item *items; /* of a dict: keys and values in turn */
    uint32_t count;
    uint32_t capacity;
    enum { OPEN, FREEZING, FROZEN } state;
    int height;
    size_t nvalues;
    struct wire_value frozen;
};

struct item {
    struct wire_value plain;
    struct box *box; /* NULL: plain */
};

struct machine {
    struct arena *arena;
    struct cursor cursor;
    size_t nbytes;       /* of the pickle */
    size_t ncopied;      /* items and bytes, by calls */
    struct vector stack; /* of struct item */
    struct vector marks; /* of size_t: heights of the stack */
    struct vector memo;  /* of struct item */
    dk_error *err;
};

static dk_status broken(struct machine *machine, const char *why)
{
    error_set(machine->err, DK_EPARSE, "no pickle: %s", why);
    return DK_EPARSE;
}

static bool is_too_much(const struct machine *machine, size_t nvalues)
{
    return nvalues > (machine->nbytes > NVALUES_MAX ? machine->nbytes : NVALUES_MAX);
}

/* ---- the stack ---- */

static dk_status push_item(struct machine *machine, struct item item)
{
    if (vector_append(&machine->stack, &item, 1) != DK_OK)
        return error_nomem(machine->err);
    return DK_OK;
}

static dk_status push(struct machine *machine, struct wire_value plain)
{
    return push_item(machine, (struct item){.plain = plain});
}

/* Where nothing was ever pushed there is no place; nobody looks for more than that. */
static struct item *item_at(const struct vector *items, size_t i)
{
    return items->data ? &((struct item *)items->data)[i] : NULL;
}

/* What lies above the last mark cannot be reached by who looks for less. */
static size_t floor_of(const struct machine *machine)
{
    const struct vector *marks = &machine->marks;
    return marks->count ? ((const size_t *)marks->data)[marks->count - 1] : 0;
}

/* The top `n` items, taken off: they stay where they are until something is pushed. */
static dk_status pop(struct machine *machine, size_t n, struct item **out)
{
    if (machine->stack.count - floor_of(machine) < n)
        return broken(machine, "its stack is empty");
    machine->stack.count -= n;
    *out = item_at(&machine->stack, machine->stack.count);
    return DK_OK;
}

static dk_status pop_mark(struct machine *machine, struct item **out, size_t *n)
{
    if (!machine->marks.count)
        return broken(machine, "a mark is missing");
    *n = machine->stack.count - floor_of(machine);
    DK_TRY(pop(machine, *n, out));
    machine->marks.count--;
    return DK_OK;
}

static dk_status mark(struct machine *machine)
{
    size_t height = machine->stack.count;
    if (vector_append(&machine->marks, &height, 1) != DK_OK)
        return error_nomem(machine->err);
    return DK_OK;
}

/* ---- containers ---- */

static struct box *new_box(struct machine *machine, enum box_kind kind)
{
    struct box *box = arena_calloc(machine->arena, sizeof(*box));
    if (box)
        box->kind = kind;
    return box;
}

static dk_status push_box(struct machine *machine, struct box *box)
{
    return box ? push_item(machine, (struct item){.box = box}) : error_nomem(machine->err);
}

/* Puts `n` items into a container; they may lie on the stack. */
static dk_status fill(struct machine *machine, struct box *box, const struct item *items, size_t n)
{
    size_t count = box->count + n;
    if (count > UINT32_MAX)
        return broken(machine, "a container of too many items");
    if (count > box->capacity) {
        size_t capacity = count < (size_t)box->capacity * 2 ? (size_t)box->capacity * 2 : count;
        struct item *room = arena_alloc(machine->arena, capacity * sizeof(*room));
        if (!room)
            return error_nomem(machine->err);
        if (box->count)
            memcpy(room, box->items, box->count * sizeof(*room));
        box->items = room;
        box->capacity = (uint32_t)(capacity < UINT32_MAX ? capacity : UINT32_MAX);
    }
    if (n)
        memcpy(box->items + box->count, items, n * sizeof(*items));
    box->count = (uint32_t)count;
    return DK_OK;
}

/* A new container of these items. */
static dk_status push_filled(struct machine *machine, enum box_kind kind, const struct item *items,
                             size_t n)
{
    struct box *box = new_box(machine, kind);
    if (!box)
        return error_nomem(machine->err);
    DK_TRY(fill(machine, box, items, n));
    return push_box(machine, box);
}

/* Fills the container on top of the stack. */
static dk_status fill_top(struct machine *machine, enum box_kind kind, const struct item *items,
                          size_t n)
{
    if (machine->stack.count == floor_of(machine))
        return broken(machine, "its stack is empty");
    const struct item *top = item_at(&machine->stack, machine->stack.count - 1);
    if (!top->box || top->box->kind != kind || (kind == DICT && n % 2))
        return broken(machine, "items for another container");
    return fill(machine, top->box, items, n);
}

static dk_status fill_from_mark(struct machine *machine, enum box_kind kind)
{
    struct item *items = NULL;
    size_t n = 0;
    DK_TRY(pop_mark(machine, &items, &n));
    return fill_top(machine, kind, items, n);
}

static dk_status fill_from_top(struct machine *machine, enum box_kind kind, size_t n)
{
    struct item *items = NULL;
    DK_TRY(pop(machine, n, &items));
    return fill_top(machine, kind, items, n);
}

static dk_status collect(struct machine *machine, enum box_kind kind)
{
    struct item *items = NULL;
    size_t n = 0;
    DK_TRY(pop_mark(machine, &items, &n));
    return push_filled(machine, kind, items, n);
}

static dk_status push_tuple(struct machine *machine, size_t n)
{
    struct item *items = NULL;
    DK_TRY(pop(machine, n, &items));
    return push_filled(machine, LIST, items, n);
}

/* ---- the memo ---- */

/* Numbers are given one by one, each by an opcode: none is beyond the bytes. */
static dk_status memoize(struct machine *machine, uint64_t number)
{
    struct vector *memo = &machine->memo;
    if (machine->stack.count == floor_of(machine) || number >= machine->nbytes)
        return broken(machine, "a memo of nothing");
    while (memo->count <= number) {
        if (!vector_push(memo))
            return error_nomem(machine->err);
    }
    *item_at(memo, number) = *item_at(&machine->stack, machine->stack.count - 1);
    return DK_OK;
}

static dk_status recall(struct machine *machine, uint64_t number)
{
    if (number >= machine->memo.count)
        return broken(machine, "it remembers what it has not seen");
    return push_item(machine, *item_at(&machine->memo, number));
}

/* ---- functions ---- */

static bool is_text(const struct item *item)
{
    return !item->box && item->plain.kind == WIRE_TEXT;
}

static bool equals(struct wire_bytes bytes, const char *text)
{
    return bytes.nbytes == strlen(text) && memcmp(bytes.data, text, bytes.nbytes) == 0;
}

static dk_status refuse(struct machine *machine, struct wire_bytes module, struct wire_bytes name)
{
    return error_set(machine->err, DK_ENOTSUP, "%.*s.%.*s cannot be read without Python",
                     (int)(module.nbytes < 200 ? module.nbytes : 200), module.data,
                     (int)(name.nbytes < 200 ? name.nbytes : 200), name.data);
}

/* The few that older protocols need for plain values; all others take Python. */
static dk_status push_global(struct machine *machine, struct wire_bytes module,
                             struct wire_bytes name)
{
    enum callable callable = ENCODE;
    bool is_known = equals(module, "_codecs") && equals(name, "encode");
    if (equals(module, "builtins") || equals(module, "__builtin__")) {
        bool is_set = equals(name, "set") || equals(name, "frozenset");
        bool is_bytes = equals(name, "bytes") || equals(name, "bytearray");
        callable = is_set ? MAKE_SET : MAKE_BYTES;
        is_known = is_set || is_bytes;
    }
    if (!is_known)
        return refuse(machine, module, name);
    struct box *box = new_box(machine, CALLABLE);
    if (box)
        box->callable = callable;
    return push_box(machine, box);
}

static dk_status push_stack_global(struct machine *machine)
{
    struct item *names = NULL;
    DK_TRY(pop(machine, 2, &names));
    if (!is_text(&names[0]) || !is_text(&names[1]))
        return broken(machine, "a class without a name");
    struct wire_bytes module = {names[0].plain.as.bytes, names[0].plain.count};
    struct wire_bytes name = {names[1].plain.as.bytes, names[1].plain.count};
    return push_global(machine, module, name);
}

/* Protocol 2 has no bytes: it encodes a text as latin-1. */
static dk_status push_latin1(struct machine *machine, const struct wire_value *text)
{
    const unsigned char *from = (const unsigned char *)text->as.bytes;
    char *to = arena_alloc(machine->arena, text->count);
    size_t nbytes = 0;
    if (!to)
        return error_nomem(machine->err);
    for (uint32_t i = 0; i < text->count; i++) {
        unsigned byte = from[i];
        if (byte >= 0x80) {
            if ((byte & 0xfcu) != 0xc0u || i + 1 == text->count)
                return broken(machine, "bytes that are none");
            byte = (byte & 3u) << 6 | (from[++i] & 0x3fu);
        }
        to[nbytes++] = (char)byte;
    }
    return push(machine, wire_bin((struct wire_bytes){to, nbytes}));
}

static dk_status call(struct machine *machine, enum callable callable, const struct box *args)
{
    const struct item *first = args->count ? &args->items[0] : NULL;
    bool is_list = first && first->box && first->box->kind == LIST;
    bool is_bin = first && !first->box && first->plain.kind == WIRE_BIN;
    if (first)
        machine->ncopied += is_list ? first->box->count : first->plain.count;
    if (is_too_much(machine, machine->ncopied))
        return broken(machine, "it copies too much");
    if (callable == MAKE_SET && (!first || is_list))
        return push_filled(machine, SET, first ? first->box->items : NULL,
                           first ? first->box->count : 0);
    if (callable == MAKE_BYTES && (!first || is_bin))
        return push(machine, first ? first->plain : wire_bin((struct wire_bytes){"", 0}));
    if (callable == ENCODE && first && is_text(first))
        return push_latin1(machine, &first->plain);
    return broken(machine, "arguments of another function");
}

static dk_status reduce(struct machine *machine)
{
    struct item *items = NULL;
    DK_TRY(pop(machine, 2, &items));
    const struct box *function = items[0].box;
    const struct box *args = items[1].box;
    if (!function || function->kind != CALLABLE || !args || args->kind != LIST)
        return broken(machine, "a call of what is no function");
    return call(machine, function->callable, args);
}

/* ---- plain values ---- */

/* Little-endian, in two's complement, of any number of bytes. */
static dk_status push_long(struct machine *machine, struct wire_bytes bytes)
{
    bool is_negative = bytes.nbytes && (bytes.data[bytes.nbytes - 1] & 0x80);
    char sign = is_negative ? (char)0xff : 0;
    uint64_t bits = is_negative ? UINT64_MAX : 0;
    bool fits = true;
    for (size_t i = sizeof(bits); i < bytes.nbytes; i++)
        fits = fits && bytes.data[i] == sign;
    if (bytes.nbytes)
        memcpy(&bits, bytes.data, bytes.nbytes < sizeof(bits) ? bytes.nbytes : sizeof(bits));
    bits = le64toh(bits);
    if (!fits || (is_negative && !(bits >> 63)))
        return error_set(machine->err, DK_EOVERFLOW, "an integer beyond 64 bits");
    if (is_negative || !(bits >> 63))
        return push(machine, wire_int((int64_t)bits));
    return push(machine, (struct wire_value){.kind = WIRE_UINT, .as.natural = bits});
}

static dk_status push_float(struct machine *machine, uint64_t big_endian)
{
    uint64_t bits = be64toh(htole64(big_endian));
    double real;
    memcpy(&real, &bits, sizeof(real));
    return push(machine, wire_float(real));
}

static dk_status push_bytes(struct machine *machine, enum wire_kind kind, struct wire_bytes bytes)
{
    if (bytes.nbytes > UINT32_MAX)
        return error_set(machine->err, DK_EOVERFLOW, "%s beyond 4 GiB", wire_kind_name(kind));
    return push(machine, (struct wire_value){kind, (uint32_t)bytes.nbytes, {.bytes = bytes.data}});
}

/* ---- opcodes ---- */

static dk_status run_number(struct machine *machine, const struct pickle_op *op)
{
    switch (op->code) {
    case OP_PROTO:
        if (op->number < 2 || op->number > 5)
            return broken(machine, "of a protocol other than 2 to 5");
        return DK_OK;
    case OP_FRAME:
        return DK_OK;
    case OP_BININT:
        return push(machine, wire_int((int32_t)(uint32_t)op->number));
    case OP_BININT1:
    case OP_BININT2:
        return push(machine, wire_int((int64_t)op->number));
    case OP_BINFLOAT:
        return push_float(machine, op->number);
    case OP_BINPUT:
    case OP_LONG_BINPUT:
        return memoize(machine, op->number);
    case OP_MEMOIZE:
        return memoize(machine, machine->memo.count);
    case OP_BINGET:
    case OP_LONG_BINGET:
        return recall(machine, op->number);
    default:
        return error_set(machine->err, DK_ENOTSUP,
                         "a pickle with opcode 0x%02x cannot be read without Python", op->code);
    }
}

static dk_status run_stack(struct machine *machine, const struct pickle_op *op)
{
    struct item *items = NULL;
    size_t n = 0;
    switch (op->code) {
    case OP_MARK:
        return mark(machine);
    case OP_POP_MARK:
        return pop_mark(machine, &items, &n);
    case OP_POP:
        return pop(machine, 1, &items);
    case OP_DUP: {
        DK_TRY(pop(machine, 1, &items));
        struct item top = *items;
        DK_TRY(push_item(machine, top));
        return push_item(machine, top);
    }
    case OP_REDUCE:
        return reduce(machine);
    case OP_GLOBAL:
        return push_global(machine, op->bytes, op->second);
    case OP_STACK_GLOBAL:
        return push_stack_global(machine);
    default:
        return run_number(machine, op);
    }
}

static dk_status run_container(struct machine *machine, const struct pickle_op *op)
{
    switch (op->code) {
    case OP_EMPTY_LIST:
    case OP_EMPTY_TUPLE:
        return push_box(machine, new_box(machine, LIST));
    case OP_EMPTY_DICT:
        return push_box(machine, new_box(machine, DICT));
    case OP_EMPTY_SET:
        return push_box(machine, new_box(machine, SET));
    case OP_APPEND:
        return fill_from_top(machine, LIST, 1);
    case OP_APPENDS:
        return fill_from_mark(machine, LIST);
    case OP_SETITEM:
        return fill_from_top(machine, DICT, 2);
    case OP_SETITEMS:
        return fill_from_mark(machine, DICT);
    case OP_ADDITEMS:
        return fill_from_mark(machine, SET);
    case OP_FROZENSET:
        return collect(machine, SET);
    case OP_TUPLE:
        return collect(machine, LIST);
    case OP_TUPLE1:
    case OP_TUPLE2:
    case OP_TUPLE3:
        return push_tuple(machine, (size_t)(op->code - OP_TUPLE1) + 1);
    default:
        return run_stack(machine, op);
    }
}

static dk_status run(struct machine *machine, const struct pickle_op *op)
{
    switch (op->code) {
    case OP_NONE:
        return push(machine, wire_nil());
    case OP_NEWTRUE:
    case OP_NEWFALSE:
        return push(machine, wire_bool(op->code == OP_NEWTRUE));
    case OP_LONG1:
    case OP_LONG4:
        return push_long(machine, op->bytes);
    case OP_BINUNICODE:
    case OP_SHORT_BINUNICODE:
    case OP_BINUNICODE8:
        return push_bytes(machine, WIRE_TEXT, op->bytes);
    case OP_BINBYTES:
    case OP_SHORT_BINBYTES:
    case OP_BINBYTES8:
    case OP_BYTEARRAY8:
        return push_bytes(machine, WIRE_BIN, op->bytes);
    default:
        return run_container(machine, op);
    }
}

static dk_status run_all(struct machine *machine)
{
    struct pickle_op op;
    if (!machine->nbytes || (unsigned char)*machine->cursor.at != OP_PROTO)
        return broken(machine, "it does not begin as one");
    while (pickle_op_next(&machine->cursor, &op)) {
        if (op.code == OP_STOP)
            return DK_OK;
        DK_TRY(run(machine, &op));
    }
    return broken(machine, "it is cut off, or has an unknown opcode");
}

/* ---- values of what is on the stack at last ---- */

static dk_status freeze(struct machine *machine, struct box *box, int depth);

/* The value of an item of `into`, and what is in it, counted there. */
static dk_status value_of(struct machine *machine, const struct item *item, int depth,
                          struct box *into, struct wire_value *out)
{
    *out = item->plain;
    size_t nvalues = 1;
    if (item->box) {
        DK_TRY(freeze(machine, item->box, depth + 1));
        *out = item->box->frozen;
        nvalues = item->box->nvalues;
        if (into->height <= item->box->height)
            into->height = item->box->height + 1;
    }
    into->nvalues += nvalues;
    if (is_too_much(machine, into->nvalues) || into->height > WIRE_DEPTH_MAX)
        return broken(machine, "too many values, or nested too deep");
    return DK_OK;
}

/* A dict's items are laid out as entries are. */
_Static_assert(sizeof(struct wire_entry) == 2 * sizeof(struct wire_value), "a key and a value");

static dk_status freeze_items(struct machine *machine, struct box *box, int depth)
{
    struct wire_value *values = arena_alloc(machine->arena, box->count * sizeof(*values));
    struct wire_entry *entries = (struct wire_entry *)(void *)values;
    if (!values)
        return error_nomem(machine->err);
    box->nvalues = 1;
    for (uint32_t i = 0; i < box->count; i++)
        DK_TRY(value_of(machine, &box->items[i], depth, box, &values[i]));
    box->frozen =
        box->kind == DICT ? wire_map(entries, box->count / 2) : wire_array(values, box->count);
    if (box->kind == SET)
        box->frozen.kind = WIRE_SET;
    return DK_OK;
}

static dk_status freeze(struct machine *machine, struct box *box, int depth)
{
    if (box->state == FROZEN)
        return DK_OK;
    if (box->state == FREEZING)
        return error_set(machine->err, DK_ENOTSUP, "a container that is inside itself");
    if (depth > WIRE_DEPTH_MAX)
        return broken(machine, "too many values, or nested too deep");
    if (box->kind == CALLABLE)
        return error_set(machine->err, DK_ENOTSUP, "a class cannot be read without Python");
    box->state = FREEZING;
    DK_TRY(freeze_items(machine, box, depth));
    box->state = FROZEN;
    return DK_OK;
}

static dk_status finish(struct machine *machine, struct wire_value *out)
{
    struct box whole = {.kind = LIST};
    if (machine->stack.count != 1 || machine->marks.count)
        return broken(machine, "it ends with more or less than one value");
    return value_of(machine, item_at(&machine->stack, 0), 0, &whole, out);
}

dk_status pickle_unpack(struct arena *arena, struct wire_bytes bytes, struct wire_value *out,
                        dk_error *err)
{
    struct machine machine = {.arena = arena, .nbytes = bytes.nbytes, .err = err};
    machine.cursor = (struct cursor){bytes.data, bytes.data + bytes.nbytes, false};
    vector_init(&machine.stack, arena->memory, sizeof(struct item));
    vector_init(&machine.marks, arena->memory, sizeof(size_t));
    vector_init(&machine.memo, arena->memory, sizeof(struct item));
    dk_status status = run_all(&machine);
    if (status == DK_OK)
        status = finish(&machine, out);
    vector_deinit(&machine.memo);
    vector_deinit(&machine.marks);
    vector_deinit(&machine.stack);
    return status;
}

/* ---- the payload of a Task ---- */

/* Its first two texts are the name of the class. */
bool pickle_find_bytes(struct wire_bytes pickle, struct wire_bytes *out)
{
    static const char *const names[] = {"dask._task_spec", "Task"};
    struct cursor cursor = {pickle.data, pickle.data + pickle.nbytes, false};
    struct pickle_op op;
    size_t nnames = 0;
    while (pickle_op_next(&cursor, &op) && op.code != OP_STOP) {
        if (nnames < 2 && pickle_op_is_text(&op)) {
            if (!equals(op.bytes, names[nnames++]))
                return false;
        } else if (pickle_op_is_bytes(&op)) {
            *out = op.bytes;
            return nnames == 2;
        }
    }
    return false;
}

bool pickle_find_last_text(struct wire_bytes pickle, struct wire_bytes *out)
{
    struct cursor cursor = {pickle.data, pickle.data + pickle.nbytes, false};
    struct pickle_op op;
    bool is_found = false;
    while (pickle_op_next(&cursor, &op) && op.code != OP_STOP) {
        if (pickle_op_is_text(&op)) {
            *out = op.bytes;
            is_found = true;
        } else if (pickle_op_is_bytes(&op) && op.bytes.nbytes > 1 &&
                   (unsigned char)op.bytes.data[0] == OP_PROTO && op.bytes.nbytes < pickle.nbytes) {
            is_found |= pickle_find_last_text(op.bytes, out);
        }
    }
    return is_found;
}
