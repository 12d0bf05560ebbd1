/* The profile as programs see it; the schedulers fill it in (graph/profile.h). */
#include <cdask/diagnostics.h>

#include "graph/context.h"
#include "graph/profile.h"

dk_status dk_profile_new(dk_context *dk, dk_profile **out)
{
    dk_profile *profile = memory_calloc(dk->memory, sizeof(*profile));
    if (!profile)
        return DK_ENOMEM;
    profile_init(&profile->lines, dk->memory);
    *out = profile;
    return DK_OK;
}

void dk_profile_free(dk_profile *profile)
{
    if (!profile)
        return;
    struct memory *memory = profile->lines.lines.memory;
    profile_deinit(&profile->lines);
    memory_free(memory, profile, sizeof(*profile));
}

static dk_profile_line line_of(const struct profile_line *line)
{
    return (dk_profile_line){.name = line->name,
                             .is_kernel = line->kind == PROFILE_KERNEL,
                             .calls = line->calls,
                             .total_ns = line->total_ns,
                             .self_ns = line->total_ns - line->inner_ns,
                             .wait_ns = line->wait_ns,
                             .nrows = line->nrows,
                             .nbytes = line->nbytes};
}

/* Keeps the heaviest `capacity` of what has been put in, in order: few lines, no memory needed. */
static void put_in_order(dk_profile_line *lines, size_t count, size_t capacity,
                         const dk_profile_line *line)
{
    size_t at = count < capacity ? count : capacity;
    while (at > 0 && lines[at - 1].self_ns < line->self_ns) {
        if (at < capacity)
            lines[at] = lines[at - 1];
        at--;
    }
    if (at < capacity)
        lines[at] = *line;
}

size_t dk_profile_lines(const dk_profile *profile, dk_profile_line *lines, size_t nlines)
{
    const struct vector *all = &profile->lines.lines;
    for (size_t i = 0; i < all->count; i++) {
        dk_profile_line line = line_of(&((const struct profile_line *)all->data)[i]);
        put_in_order(lines, i, nlines, &line);
    }
    return all->count;
}

dk_profile_summary dk_profile_sum(const dk_profile *profile)
{
    int64_t busy_ns = 0;
    int64_t ntasks = 0;
    const struct profile_line *lines = profile->lines.lines.data;
    for (size_t i = 0; i < profile->lines.lines.count; i++) {
        if (lines[i].kind != PROFILE_FUNCTION)
            continue;
        busy_ns += lines[i].total_ns;
        ntasks += lines[i].calls;
    }
    int64_t capacity_ns = profile->capacity_ns > 0 ? profile->capacity_ns : 1;
    double utilisation = (double)busy_ns / (double)capacity_ns;
    return (dk_profile_summary){.wall_s = (double)profile->spent.wall_ns * 1e-9,
                                .user_s = (double)profile->spent.user_ns * 1e-9,
                                .system_s = (double)profile->spent.system_ns * 1e-9,
                                .busy_s = (double)busy_ns * 1e-9,
                                .utilisation = utilisation < 1 ? utilisation : 1,
                                .num_workers = profile->num_workers,
                                .ntasks = ntasks,
                                .is_incomplete = profile->lines.is_incomplete};
}
