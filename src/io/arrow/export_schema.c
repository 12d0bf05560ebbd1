#include "io/arrow/export_schema.h"

#include <string.h>

#include "base/text.h"
#include "io/arrow/metadata.h"

static const char *format_of(dk_type type)
{
    static const char *const formats[DK_TYPE_COUNT] = {
        [DK_BOOL] = "b",         [DK_INT8] = "c",       [DK_INT16] = "s",   [DK_INT32] = "i",
        [DK_INT64] = "l",        [DK_UINT64] = "L",     [DK_FLOAT32] = "f", [DK_FLOAT64] = "g",
        [DK_TIMESTAMP] = "tsn:", [DK_DURATION] = "tDn", [DK_TEXT] = "U",    [DK_CATEGORY] = "i",
    };
    return formats[type];
}

/* The schema of one column, or of the whole (then `children`). */
struct exported_schema {
    struct memory *memory;
    struct text name;
    struct text metadata;
    struct ArrowSchema words; /* category: the dictionary's, a schema without private data */
    size_t nchildren;
    struct ArrowSchema *children;
    struct ArrowSchema **pointers;
};

static void release_nothing(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    struct exported_schema *exported = schema->private_data;
    struct memory *memory = exported->memory;
    size_t n = exported->nchildren;
    for (size_t i = 0; exported->children && i < n; i++) {
        if (exported->children[i].release)
            exported->children[i].release(&exported->children[i]);
    }
    memory_free(memory, exported->children, n * sizeof(*exported->children));
    memory_free(memory, exported->pointers, n * sizeof(*exported->pointers));
    text_deinit(&exported->name);
    text_deinit(&exported->metadata);
    memory_free(memory, exported, sizeof(*exported));
    schema->release = NULL;
}

static dk_status begin_schema(struct memory *memory, const char *format, const char *name,
                              struct ArrowSchema *schema)
{
    struct exported_schema *exported = memory_calloc(memory, sizeof(*exported));
    if (!exported)
        return DK_ENOMEM;
    exported->memory = memory;
    text_init(&exported->name, memory);
    text_init(&exported->metadata, memory);
    *schema = (struct ArrowSchema){.format = format,
                                   .flags = ARROW_FLAG_NULLABLE,
                                   .release = release_schema,
                                   .private_data = exported};
    text_puts(&exported->name, name);
    schema->name = exported->name.data;
    if (!exported->name.failed)
        return DK_OK;
    release_schema(schema);
    return DK_ENOMEM;
}

static dk_status export_column(struct memory *memory, const struct column *column, const char *name,
                               struct ArrowSchema *schema)
{
    DK_TRY(begin_schema(memory, format_of(column->view.type), name, schema));
    if (column->view.type != DK_CATEGORY)
        return DK_OK;
    struct exported_schema *exported = schema->private_data;
    exported->words = (struct ArrowSchema){.format = format_of(DK_TEXT),
                                           .name = "",
                                           .flags = ARROW_FLAG_NULLABLE,
                                           .release = release_nothing};
    schema->dictionary = &exported->words;
    return DK_OK;
}

static const char *index_name(const dk_table *table)
{
    return table->index_name ? table->index_name : ARROW_UNNAMED_INDEX;
}

static dk_status fill_children(struct exported_schema *exported, const dk_table *table,
                               struct ArrowSchema *schema)
{
    size_t n = exported->nchildren;
    exported->children = memory_calloc(exported->memory, n * sizeof(*exported->children));
    exported->pointers = memory_calloc(exported->memory, n * sizeof(*exported->pointers));
    if (!exported->children || !exported->pointers)
        return DK_ENOMEM;
    schema->children = exported->pointers;
    schema->n_children = (int64_t)n;
    for (size_t i = 0; i < n; i++) {
        exported->pointers[i] = &exported->children[i];
        bool is_index = i == (size_t)table->ncolumns;
        struct column *column = is_index ? table->index : table->columns[i];
        const char *name = is_index ? index_name(table) : table->names[i] ? table->names[i] : "";
        DK_TRY(export_column(exported->memory, column, name, &exported->children[i]));
    }
    return DK_OK;
}

static dk_status fill_metadata(struct exported_schema *exported, const dk_table *table,
                               struct ArrowSchema *schema)
{
    int32_t npairs = (table->index != NULL) + table->is_series;
    if (!npairs)
        return DK_OK;
    arrow_metadata_begin(&exported->metadata, npairs);
    if (table->index)
        arrow_metadata_add(&exported->metadata, ARROW_KEY_INDEX, index_name(table));
    if (table->is_series)
        arrow_metadata_add(&exported->metadata, ARROW_KEY_SERIES, "1");
    schema->metadata = exported->metadata.data;
    return text_status(&exported->metadata);
}

dk_status arrow_export_schema(const dk_table *table, struct ArrowSchema *schema)
{
    DK_TRY(begin_schema(table->memory, "+s", "", schema));
    schema->flags = 0;
    struct exported_schema *exported = schema->private_data;
    exported->nchildren = (size_t)table->ncolumns + (table->index != NULL);
    dk_status status = fill_children(exported, table, schema);
    if (status == DK_OK)
        status = fill_metadata(exported, table, schema);
    if (status != DK_OK)
        release_schema(schema);
    return status;
}
