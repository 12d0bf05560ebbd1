#include "node/logs.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "wire/build.h"

/* Dask's `distributed.admin.log-length`. */
#define NLINES_MAX 10000
#define NBYTES_MAX ((size_t)4 << 20)

struct line {
    struct list link;
    double time_s;
    const char *level;
    size_t nbytes; /* of all of it */
    char text[];
};

static struct line *line_at(struct list *link)
{
    return LIST_ENTRY(link, struct line, link);
}

/* ---- keeping ---- */

void logs_init(struct logs *logs, struct memory *memory)
{
    *logs = (struct logs){.memory = memory};
    list_init(&logs->lines);
}

static void drop_oldest(struct logs *logs)
{
    struct line *line = line_at(logs->lines.next);
    list_remove(&line->link);
    logs->count--;
    logs->nbytes -= line->nbytes;
    memory_free(logs->memory, line, line->nbytes);
}

void logs_deinit(struct logs *logs)
{
    while (logs->count)
        drop_oldest(logs);
}

static void write_clean(char *out, size_t capacity, const char *text)
{
    size_t length = strlen(text), written = 0;
    for (size_t i = 0, step; i < length && written + 1 < capacity; i += step) {
        size_t nbytes = text_utf8_nbytes(text + i, length - i);
        bool is_clean = nbytes && (unsigned char)text[i] >= ' ' && text[i] != 0x7f;
        step = nbytes ? nbytes : 1;
        size_t added = is_clean ? step : 1;
        if (written + added >= capacity)
            break;
        memcpy(out + written, is_clean ? text + i : "?", added);
        written += added;
    }
    out[written] = '\0';
}

void logs_write_line(char *out, size_t capacity, const struct timespec *when, const char *level,
                     const char *name, const char *text)
{
    struct tm local;
    char date[32] = "";
    if (localtime_r(&when->tv_sec, &local))
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &local);
    int length = snprintf(out, capacity, "%s,%03d - %s - %s - ", date,
                          (int)(when->tv_nsec / 1000000), name, level);
    if (length > 0 && (size_t)length < capacity)
        write_clean(out + length, capacity - (size_t)length, text);
}

void logs_add(struct logs *logs, const char *level, const char *name, const char *text)
{
    struct timespec now;
    char shown[LOGS_LINE_MAX];
    clock_gettime(CLOCK_REALTIME, &now);
    logs_write_line(shown, sizeof(shown), &now, level, name, text);
    size_t length = strlen(shown) + 1, nbytes = sizeof(struct line) + length;
    struct line *line = memory_alloc(logs->memory, nbytes);
    if (!line)
        return;
    line->time_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    line->level = level;
    line->nbytes = nbytes;
    memcpy(line->text, shown, length);
    list_append(&logs->lines, &line->link);
    logs->count++;
    logs->nbytes += nbytes;
    while (logs->count > NLINES_MAX || logs->nbytes > NBYTES_MAX)
        drop_oldest(logs);
}

/* ---- answering ---- */

struct choice {
    double start_s;
    int64_t nlines;
    bool has_times;
};

/* As Dask reads it: no lines (0, nil) are all of them. */
static struct choice read_choice(const struct wire_value *message)
{
    const struct wire_value *times = wire_find(message, "timestamps");
    struct choice choice = {.nlines = NLINES_MAX};
    int64_t nlines;
    (void)wire_read_float(wire_find(message, "start"), &choice.start_s);
    if (wire_read_int(wire_find(message, "n"), &nlines) && nlines)
        choice.nlines = nlines;
    choice.has_times = times && times->kind == WIRE_BOOL && times->as.boolean;
    return choice;
}

static struct wire_value describe(const struct line *line, bool has_time,
                                  struct wire_builder *builder)
{
    struct wire_filling parts = wire_begin_array(builder, 3);
    if (has_time)
        wire_add(&parts, wire_float(line->time_s));
    wire_add(&parts, wire_text(line->level));
    wire_add(&parts, wire_text(line->text));
    return wire_end_array(&parts);
}

void logs_reply(const struct logs *logs, struct request *request)
{
    struct choice choice = read_choice(request_message(request));
    struct arena arena;
    arena_init(&arena, logs->memory);
    struct wire_builder builder = {.arena = &arena};
    struct wire_filling lines = wire_begin_array(&builder, logs->count);
    struct list *at = logs->lines.prev;
    for (int64_t i = 0; i < choice.nlines && at != &logs->lines; i++, at = at->prev) {
        const struct line *line = line_at(at);
        if (line->time_s < choice.start_s)
            break;
        wire_add(&lines, describe(line, choice.has_times, &builder));
    }
    struct wire_value reply = wire_end_array(&lines);
    if (builder.failed)
        request_raise(request, "MemoryError", "out of memory");
    else
        request_reply(request, &reply);
    arena_deinit(&arena);
}
