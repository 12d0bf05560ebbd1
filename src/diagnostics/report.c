/* The report of one stretch of a program: what %%time tells, and a little more. */
#include <cdask/diagnostics.h>

#include <stdio.h>

#include "diagnostics/human.h"
#include "diagnostics/usage.h"
#include "graph/context.h"
#include "graph/profile.h"

void dk_report_begin(dk_context *dk, dk_report *report)
{
    *report = (dk_report){.begin.context = dk};
    report->begin.read_nbytes = usage_read_nbytes();
    struct profile_clocks now = profile_clocks_now();
    report->begin.wall_ns = now.wall_ns;
    report->begin.user_ns = now.user_ns;
    report->begin.system_ns = now.system_ns;
}

void dk_report_end(dk_report *report)
{
    struct profile_clocks now = profile_clocks_now();
    report->wall_s = (double)(now.wall_ns - report->begin.wall_ns) * 1e-9;
    report->user_s = (double)(now.user_ns - report->begin.user_ns) * 1e-9;
    report->system_s = (double)(now.system_ns - report->begin.system_ns) * 1e-9;
    int64_t read_nbytes = usage_read_nbytes();
    bool is_known = read_nbytes >= 0 && report->begin.read_nbytes >= 0;
    report->read_nbytes = is_known ? read_nbytes - report->begin.read_nbytes : -1;
    report->peak_rss_nbytes = usage_peak_rss_nbytes();
    report->peak_ledger_nbytes = memory_use(report->begin.context->memory).peak;
}

/* Several computations may start at once. */
static void start(void *self, const dk_graph *graph, size_t ntasks)
{
    (void)graph;
    dk_report *report = self;
    __atomic_add_fetch(&report->ntasks, (int64_t)ntasks, __ATOMIC_RELAXED);
}

dk_callbacks dk_report_callbacks(dk_report *report)
{
    return (dk_callbacks){.start = start, .self = report};
}

static const char *duration(double s, char out[HUMAN_MAX])
{
    return human_duration((int64_t)(s * 1e9), out);
}

void dk_report_text(const dk_report *report, char out[DK_REPORT_TEXT_MAX])
{
    char wall[HUMAN_MAX], user[HUMAN_MAX], system[HUMAN_MAX], count[HUMAN_MAX];
    char ntasks[HUMAN_MAX + 16] = "";
    char read[HUMAN_MAX] = "unknown bytes", rss[HUMAN_MAX], ledger[HUMAN_MAX];
    if (report->read_nbytes >= 0)
        human_bytes(report->read_nbytes, read);
    if (report->ntasks)
        snprintf(ntasks, sizeof(ntasks), ", %s task%s", human_count(report->ntasks, count),
                 report->ntasks == 1 ? "" : "s");
    snprintf(out, DK_REPORT_TEXT_MAX,
             "wall %s, user %s, sys %s%s, %s read, peak %s RSS, %s on the ledger",
             duration(report->wall_s, wall), duration(report->user_s, user),
             duration(report->system_s, system), ntasks, read,
             human_bytes(report->peak_rss_nbytes, rss),
             human_bytes(report->peak_ledger_nbytes, ledger));
}
