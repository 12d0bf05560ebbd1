/* Writing metrics as Prometheus reads them: its text format, version 0.0.4. */
#ifndef CORE_PROMETHEUS_H
#define CORE_PROMETHEUS_H

#include "base/text.h"
#include "wire/value.h"

#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metric_kind { METRIC_GAUGE, METRIC_COUNTER };

/* A metric that is being written; its values follow, one after the other. */
struct metric {
    struct text *out;
    const char *name; /* of counters with its "_total" */
};

/* What is said of it before its values. */
struct metric metric_begin(struct text *out, enum metric_kind kind, const char *name,
                           const char *help);
/* The value of all, and that of those whose `label` is `of`. */
void metric_put(const struct metric *metric, double value);
void metric_put_of(const struct metric *metric, const char *label, struct wire_bytes of,
                   double value);
/* The same with a second label, "state". */
void metric_put_state_of(const struct metric *metric, const char *label, struct wire_bytes of,
                         const char *state, double value);

/* A metric of one value. */
void metric_write(struct text *out, enum metric_kind kind, const char *name, const char *help,
                  double value);

#endif
