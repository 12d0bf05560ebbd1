/* Values as JSON, for those who do not read msgpack. */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "base/text.h"
#include "wire/value.h"

/* Appends the value. What JSON does not know is null: bytes, payloads, numbers that are none; keys
 * that are no text are the text of their JSON. Whatever is no UTF-8 is a question mark. */
void wire_write_json(struct text *out, const struct wire_value *value);

#endif
