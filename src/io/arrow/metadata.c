#include "io/arrow/metadata.h"

#include <string.h>

static void put_length(struct text *text, size_t length)
{
    int32_t value = (int32_t)length;
    text_append(text, (const char *)&value, sizeof(value));
}

static void put_string(struct text *text, const char *string)
{
    size_t length = strlen(string);
    put_length(text, length);
    text_append(text, string, length);
}

void arrow_metadata_begin(struct text *text, int32_t npairs)
{
    put_length(text, (size_t)npairs);
}

void arrow_metadata_add(struct text *text, const char *key, const char *value)
{
    put_string(text, key);
    put_string(text, value);
}

static int32_t read_length(const char **at)
{
    int32_t length;
    memcpy(&length, *at, sizeof(length));
    *at += sizeof(length);
    return length;
}

/* Steps over a string and says whether it is `wanted`. */
static bool read_is(const char **at, const char *wanted)
{
    size_t length = (size_t)read_length(at);
    bool same = length == strlen(wanted) && memcmp(*at, wanted, length) == 0;
    *at += length;
    return same;
}

bool arrow_metadata_has(const char *metadata, const char *key, const char *value)
{
    if (!metadata)
        return false;
    const char *at = metadata;
    for (int32_t npairs = read_length(&at); npairs > 0; npairs--) {
        bool key_found = read_is(&at, key);
        bool value_found = read_is(&at, value);
        if (key_found && value_found)
            return true;
    }
    return false;
}
