#include "core/prometheus.h"

#include <string.h>

struct metric metric_begin(struct text *out, enum metric_kind kind, const char *name,
                           const char *help)
{
    text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                kind == METRIC_COUNTER ? "counter" : "gauge");
    return (struct metric){out, name};
}

static void put_value(struct text *out, double value)
{
    text_printf(out, " %.15g\n", value);
}

void metric_put(const struct metric *metric, double value)
{
    text_puts(metric->out, metric->name);
    put_value(metric->out, value);
}

/* Whatever is no UTF-8, which would make all of the page unreadable, is a question mark. */
static void put_escaped(struct text *out, struct wire_bytes value)
{
    for (size_t i = 0, length; i < value.nbytes; i += length) {
        const char *at = value.data + i;
        length = text_utf8_nbytes(at, value.nbytes - i);
        if (*at == '"' || *at == '\\')
            text_printf(out, "\\%c", *at);
        else if (*at == '\n')
            text_puts(out, "\\n");
        else
            text_append(out, length ? at : "?", length ? length : 1);
        length += !length;
    }
}

static void begin_labels(const struct metric *metric, const char *label, struct wire_bytes of)
{
    text_printf(metric->out, "%s{%s=\"", metric->name, label);
    put_escaped(metric->out, of);
    text_putc(metric->out, '"');
}

void metric_put_of(const struct metric *metric, const char *label, struct wire_bytes of,
                   double value)
{
    begin_labels(metric, label, of);
    text_putc(metric->out, '}');
    put_value(metric->out, value);
}

void metric_put_state_of(const struct metric *metric, const char *label, struct wire_bytes of,
                         const char *state, double value)
{
    begin_labels(metric, label, of);
    text_printf(metric->out, ",state=\"%s\"}", state);
    put_value(metric->out, value);
}

void metric_write(struct text *out, enum metric_kind kind, const char *name, const char *help,
                  double value)
{
    struct metric metric = metric_begin(out, kind, name, help);
    metric_put(&metric, value);
}
