/* Records as CSV and JSON. */
#include "diagnostics/recorder.h"

#include <inttypes.h>

#include "base/text.h"

static void put_csv_cell(struct text *text, const char *cell)
{
    text_putc(text, '"');
    for (; *cell; cell++) {
        if (*cell == '"')
            text_putc(text, '"');
        text_putc(text, *cell);
    }
    text_putc(text, '"');
}

static void put_json_string(struct text *text, const char *string)
{
    text_putc(text, '"');
    for (; *string; string++) {
        unsigned char c = (unsigned char)*string;
        if (c < 0x20) {
            text_printf(text, "\\u%04x", c);
            continue;
        }
        if (c == '"' || c == '\\')
            text_putc(text, '\\');
        text_putc(text, *string);
    }
    text_putc(text, '"');
}

static void put_csv_record(struct text *text, const dk_task_record *record)
{
    put_csv_cell(text, record->key);
    text_putc(text, ',');
    put_csv_cell(text, record->function);
    text_printf(text, ",%d,%" PRId64 ",%" PRId64 ",%" PRId64 ",%s\n", record->worker,
                record->start_ns, record->end_ns, record->result_nbytes,
                dk_status_name(record->status));
}

static void put_json_record(struct text *text, const dk_task_record *record)
{
    text_puts(text, "{\"key\": ");
    put_json_string(text, record->key);
    text_puts(text, ", \"function\": ");
    put_json_string(text, record->function);
    text_printf(text,
                ", \"worker\": %d, \"start_ns\": %" PRId64 ", \"end_ns\": %" PRId64
                ", \"result_nbytes\": %" PRId64 ", \"status\": \"%s\"}",
                record->worker, record->start_ns, record->end_ns, record->result_nbytes,
                dk_status_name(record->status));
}

dk_status dk_recorder_csv(const dk_recorder *recorder, char **out)
{
    struct text text;
    text_init(&text, recorder->records.memory);
    text_puts(&text, "key,function,worker,start_ns,end_ns,result_nbytes,status\n");
    const dk_task_record *records = recorder->records.data;
    for (size_t i = 0; i < recorder->records.count; i++)
        put_csv_record(&text, &records[i]);
    dk_status status = text_export(&text, out);
    text_deinit(&text);
    return status;
}

dk_status dk_recorder_json(const dk_recorder *recorder, char **out)
{
    struct text text;
    text_init(&text, recorder->records.memory);
    text_putc(&text, '[');
    const dk_task_record *records = recorder->records.data;
    for (size_t i = 0; i < recorder->records.count; i++) {
        text_puts(&text, i ? ",\n " : "");
        put_json_record(&text, &records[i]);
    }
    text_puts(&text, "]\n");
    dk_status status = text_export(&text, out);
    text_deinit(&text);
    return status;
}
