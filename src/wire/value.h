/* What a message says: a tree of values as msgpack knows them, and payloads that are never opened.
 *
 * A value is 16 bytes, passed by copy, and owns nothing: text, bytes, items and frames lie where
 * whoever made it put them (a message's arena and frames, or the caller's stack). Nobody changes it
 * once it is made.
 */
#ifndef WIRE_VALUE_H
#define WIRE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Containers nest no deeper than this, in either direction. */
#define WIRE_DEPTH_MAX 256

struct wire_bytes {
    const char *data;
    size_t nbytes;
};

enum wire_kind {
    WIRE_NIL,
    WIRE_BOOL,
    WIRE_INT,
    WIRE_UINT, /* beyond INT64_MAX only */
    WIRE_FLOAT,
    WIRE_TEXT,
    WIRE_BIN,
    WIRE_ARRAY,
    WIRE_SET,        /* {"__Set__": true, "as-list": [...]} */
    WIRE_MAP,        /* keys of any kind, in the order they came */
    WIRE_SERIALIZED, /* {"__Serialized__": k} */
    WIRE_PICKLED,    /* {"__Pickled__": k} */
    WIRE_PACKED      /* msgpack's bytes of one object, to be sent as they are; never received */
};

struct wire_value {
    enum wire_kind kind;
    uint32_t count; /* bytes of text, bin and packed; items, entries */
    union {
        bool boolean;
        int64_t integer;
        uint64_t natural;
        double real;
        const char *bytes; /* of text, bin and packed; not terminated */
        struct wire_value *items;
        struct wire_entry *entries;
        const struct wire_payload *payload;
    } as;
};

struct wire_entry {
    struct wire_value key;
    struct wire_value value;
};

/* A value that travels beside frame 0. A relay passes header and frames on as they came. */
struct wire_payload {
    struct wire_bytes header; /* msgpack; its "num-sub-frames" is nframes */
    const struct wire_bytes *frames;
    size_t nframes;
};

/* Makers. Text, items and entries are borrowed for as long as the value is used. */
static inline struct wire_value wire_nil(void)
{
    return (struct wire_value){.kind = WIRE_NIL};
}

static inline struct wire_value wire_bool(bool boolean)
{
    return (struct wire_value){.kind = WIRE_BOOL, .as.boolean = boolean};
}

static inline struct wire_value wire_int(int64_t integer)
{
    return (struct wire_value){.kind = WIRE_INT, .as.integer = integer};
}

/* Inline, as the length of a literal is known. */
static inline struct wire_value wire_text(const char *text)
{
    return (struct wire_value){WIRE_TEXT, (uint32_t)strlen(text), {.bytes = text}};
}

static inline struct wire_value wire_float(double real)
{
    return (struct wire_value){.kind = WIRE_FLOAT, .as.real = real};
}

static inline struct wire_value wire_bin(struct wire_bytes bytes)
{
    return (struct wire_value){WIRE_BIN, (uint32_t)bytes.nbytes, {.bytes = bytes.data}};
}

static inline struct wire_value wire_packed(struct wire_bytes bytes)
{
    return (struct wire_value){WIRE_PACKED, (uint32_t)bytes.nbytes, {.bytes = bytes.data}};
}

struct wire_value wire_array(struct wire_value *items, uint32_t count);
struct wire_value wire_map(struct wire_entry *entries, uint32_t count);

/* The value under the text `key`; NULL when there is none, or `map` is NULL or no map. Of equal
 * keys the last counts, as in Python. */
const struct wire_value *wire_find_bytes(const struct wire_value *map, struct wire_bytes key);
static inline const struct wire_value *wire_find(const struct wire_value *map, const char *key)
{
    return wire_find_bytes(map, (struct wire_bytes){key, strlen(key)});
}

/* Readers of what wire_find() gave: false when `value` is NULL or of another kind. */
bool wire_read_int(const struct wire_value *value, int64_t *out);
/* Integers count as numbers. */
bool wire_read_float(const struct wire_value *value, double *out);
bool wire_read_text(const struct wire_value *value, struct wire_bytes *out);
bool wire_text_is(const struct wire_value *value, const char *text);

/* "nil", "an integer", "a map" ...: for messages. */
const char *wire_kind_name(enum wire_kind kind);

#endif
