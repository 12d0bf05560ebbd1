#include "wire/json.h"

#include <inttypes.h>
#include <math.h>

static void write_quoted(struct text *out, const char *bytes, size_t nbytes)
{
    text_putc(out, '"');
    for (size_t i = 0, length; i < nbytes; i += length) {
        length = text_utf8_nbytes(bytes + i, nbytes - i);
        if (bytes[i] == '"' || bytes[i] == '\\')
            text_printf(out, "\\%c", bytes[i]);
        else if ((unsigned char)bytes[i] < ' ')
            text_printf(out, "\\u%04x", (unsigned)bytes[i]);
        else
            text_append(out, length ? bytes + i : "?", length ? length : 1);
        length += !length;
    }
    text_putc(out, '"');
}

static void write_float(struct text *out, double number)
{
    if (isfinite(number))
        text_printf(out, "%.17g", number);
    else
        text_puts(out, "null");
}

static void write_array(struct text *out, const struct wire_value *array)
{
    text_putc(out, '[');
    for (uint32_t i = 0; i < array->count; i++) {
        if (i)
            text_puts(out, ", ");
        wire_write_json(out, &array->as.items[i]);
    }
    text_putc(out, ']');
}

static void write_key(struct text *out, const struct wire_value *key)
{
    if (key->kind == WIRE_TEXT) {
        write_quoted(out, key->as.bytes, key->count);
        return;
    }
    struct text text;
    text_init(&text, out->memory);
    wire_write_json(&text, key);
    write_quoted(out, text.data, text.length);
    out->failed |= text.failed;
    text_deinit(&text);
}

static void write_map(struct text *out, const struct wire_value *map)
{
    text_putc(out, '{');
    for (uint32_t i = 0; i < map->count; i++) {
        if (i)
            text_puts(out, ", ");
        write_key(out, &map->as.entries[i].key);
        text_puts(out, ": ");
        wire_write_json(out, &map->as.entries[i].value);
    }
    text_putc(out, '}');
}

void wire_write_json(struct text *out, const struct wire_value *value)
{
    switch (value->kind) {
    case WIRE_BOOL:
        text_puts(out, value->as.boolean ? "true" : "false");
        break;
    case WIRE_INT:
        text_printf(out, "%" PRId64, value->as.integer);
        break;
    case WIRE_UINT:
        text_printf(out, "%" PRIu64, value->as.natural);
        break;
    case WIRE_FLOAT:
        write_float(out, value->as.real);
        break;
    case WIRE_TEXT:
        write_quoted(out, value->as.bytes, value->count);
        break;
    case WIRE_ARRAY:
    case WIRE_SET:
        write_array(out, value);
        break;
    case WIRE_MAP:
        write_map(out, value);
        break;
    default:
        text_puts(out, "null");
    }
}
