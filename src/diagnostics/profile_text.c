/* The profile as a table to read. */
#include <cdask/diagnostics.h>

#include "base/error.h"
#include "base/text.h"
#include "diagnostics/human.h"
#include "graph/profile.h"

static int64_t seconds_ns(double s)
{
    return (int64_t)(s * 1e9);
}

static void print_summary(struct text *text, const dk_profile_summary *sum)
{
    char a[HUMAN_MAX], b[HUMAN_MAX], c[HUMAN_MAX], d[HUMAN_MAX];
    text_printf(
        text, "wall %s, cpu %s (user %s, system %s)\n", human_duration(seconds_ns(sum->wall_s), a),
        human_duration(seconds_ns(sum->user_s + sum->system_s), b),
        human_duration(seconds_ns(sum->user_s), c), human_duration(seconds_ns(sum->system_s), d));
    text_printf(text, "%s task%s on %d worker%s, busy %s, utilisation %.0f%%\n",
                human_count(sum->ntasks, a), sum->ntasks == 1 ? "" : "s", sum->num_workers,
                sum->num_workers == 1 ? "" : "s", human_duration(seconds_ns(sum->busy_s), b),
                sum->utilisation * 100);
    if (sum->is_incomplete)
        text_puts(text, "incomplete: there was no memory to note some of the calls\n");
    text_putc(text, '\n');
}

/* What does not apply to a line stays empty. */
static void print_line(struct text *text, const dk_profile_line *line, double busy_ns)
{
    char calls[HUMAN_MAX], self[HUMAN_MAX], total[HUMAN_MAX];
    char wait[HUMAN_MAX] = "", rows[HUMAN_MAX] = "", bytes[HUMAN_MAX] = "", rate[HUMAN_MAX] = "";
    if (!line->is_kernel)
        human_duration(line->wait_ns, wait);
    if (line->nrows > 0)
        human_count(line->nrows, rows);
    if (line->nrows > 0 && line->total_ns > 0)
        human_rate((double)line->nrows / ((double)line->total_ns * 1e-9), rate);
    if (line->nbytes > 0)
        human_bytes(line->nbytes, bytes);
    text_printf(text, "%5.1f%% %11s %11s %11s %9s %13s %9s %8s  %s%s\n",
                busy_ns > 0 ? (double)line->self_ns / busy_ns * 100 : 0,
                human_duration(line->self_ns, self), human_duration(line->total_ns, total), wait,
                human_count(line->calls, calls), rows, bytes, rate, line->is_kernel ? "  " : "",
                line->name);
}

static void print_lines(struct text *text, const dk_profile_line *lines, size_t nlines,
                        double busy_ns)
{
    text_printf(text, "%6s %11s %11s %11s %9s %13s %9s %8s  %s\n", "self %", "self", "total",
                "waiting", "calls", "rows", "bytes", "rows/s", "function, or kernel inside");
    for (size_t i = 0; i < nlines; i++)
        print_line(text, &lines[i], busy_ns);
}

dk_status dk_profile_text(const dk_profile *profile, char **out)
{
    struct memory *memory = profile->lines.lines.memory;
    size_t nlines = profile->lines.lines.count;
    size_t nbytes = nlines * sizeof(dk_profile_line);
    dk_profile_line *lines = memory_alloc(memory, nbytes);
    if (!lines)
        return DK_ENOMEM;
    dk_profile_lines(profile, lines, nlines);
    dk_profile_summary sum = dk_profile_sum(profile);

    struct text text;
    text_init(&text, memory);
    print_summary(&text, &sum);
    print_lines(&text, lines, nlines, sum.busy_s * 1e9);
    dk_status status = text_export(&text, out);
    text_deinit(&text);
    memory_free(memory, lines, nbytes);
    return status;
}
