#include "frame/file.h"

#include "base/error.h"
#include "frame/expression.h"
#include "graph/value.h"

/* Takes the source, also on failure. */
static struct frame_file *file_new(struct memory *memory, struct csv_source *csv)
{
    struct frame_file *file = memory_alloc(memory, sizeof(*file));
    if (!file) {
        csv_source_unref(csv);
        return NULL;
    }
    shared_init(&file->shared);
    file->memory = memory;
    file->csv = csv;
    return file;
}

static void file_unref(void *object)
{
    struct frame_file *file = object;
    if (!shared_unref(&file->shared))
        return;
    csv_source_unref(file->csv);
    memory_free(file->memory, file, sizeof(*file));
}

static dk_status put(const void *object, struct writer *out, dk_error *err)
{
    const struct frame_file *file = object;
    return csv_source_put(file->csv, true, out, err);
}

static dk_status pack(dk_context *dk, void *object, dk_value *out, dk_error *err)
{
    return shared_pack(dk, object, put, out, err);
}

static dk_status read_file(dk_context *dk, const void *bytes, size_t nbytes,
                           struct frame_file **out, dk_error *err)
{
    struct csv_source *csv = NULL;
    struct cursor cursor = {bytes, (const char *)bytes + nbytes, false};
    DK_TRY(csv_source_get(dk->memory, &cursor, &csv, err));
    if (cursor_left(&cursor)) {
        csv_source_unref(csv);
        error_set(err, DK_EPARSE, "more bytes than a file has");
        return DK_EPARSE;
    }
    *out = file_new(dk->memory, csv);
    return *out ? DK_OK : error_nomem(err);
}

static dk_status unpack(dk_context *dk, const void *bytes, size_t nbytes, void **object,
                        dk_error *err)
{
    struct shared_set *files = &dk->expressions->files;
    struct token token = token_of(bytes, nbytes);
    *object = shared_find(files, token);
    if (*object)
        return DK_OK;
    struct frame_file *file = NULL;
    DK_TRY(read_file(dk, bytes, nbytes, &file, err));
    *object = shared_add(files, token, &file->shared);
    if (*object != file)
        file_unref(file);
    return DK_OK;
}

const dk_object_type file_object = {
    .name = "frame.file", .free = file_unref, .pack = pack, .unpack = unpack};

dk_status file_value(struct memory *memory, struct csv_source *csv, int32_t number, dk_value *out)
{
    struct csv_source *part = csv_source_file(csv, number);
    struct frame_file *file = part ? file_new(memory, part) : NULL;
    return file ? value_object(memory, &file_object, file, out) : DK_ENOMEM;
}
