#include "graph/profile.h"

#include <string.h>
#include <sys/resource.h>

#include "base/time.h"

void profile_init(struct profile *profile, struct memory *memory)
{
    vector_init(&profile->lines, memory, sizeof(struct profile_line));
    profile->inner_ns = 0;
    profile->is_incomplete = false;
}

void profile_deinit(struct profile *profile)
{
    vector_deinit(&profile->lines);
}

/* Few distinct names, mostly the same pointer. */
static struct profile_line *line_of(struct profile *profile, enum profile_kind kind,
                                    const char *name)
{
    struct profile_line *lines = profile->lines.data;
    for (size_t i = 0; i < profile->lines.count; i++) {
        bool same_name = lines[i].name == name || strcmp(lines[i].name, name) == 0;
        if (same_name && lines[i].kind == kind)
            return &lines[i];
    }
    struct profile_line *line = vector_push(&profile->lines);
    if (line)
        *line = (struct profile_line){.name = name, .kind = kind};
    else
        profile->is_incomplete = true;
    return line;
}

void profile_kernel(struct profile *profile, const char *name, int64_t ns, int64_t nrows,
                    int64_t nbytes)
{
    profile->inner_ns += ns;
    struct profile_line *line = line_of(profile, PROFILE_KERNEL, name);
    if (!line)
        return;
    line->calls++;
    line->total_ns += ns;
    line->nrows += nrows;
    line->nbytes += nbytes;
}

void profile_function(struct profile *profile, const char *name, int64_t ns, int64_t wait_ns,
                      int64_t nbytes)
{
    struct profile_line *line = line_of(profile, PROFILE_FUNCTION, name);
    if (line) {
        line->calls++;
        line->total_ns += ns;
        line->inner_ns += profile->inner_ns;
        line->wait_ns += wait_ns;
        line->nbytes += nbytes;
    }
    profile->inner_ns = 0;
}

void profile_add(struct profile *into, const struct profile_line *from)
{
    struct profile_line *line = line_of(into, from->kind, from->name);
    if (!line)
        return;
    line->calls += from->calls;
    line->total_ns += from->total_ns;
    line->inner_ns += from->inner_ns;
    line->wait_ns += from->wait_ns;
    line->nrows += from->nrows;
    line->nbytes += from->nbytes;
}

void profile_merge(struct profile *into, const struct profile *from)
{
    const struct profile_line *lines = from->lines.data;
    for (size_t i = 0; i < from->lines.count; i++)
        profile_add(into, &lines[i]);
    into->is_incomplete |= from->is_incomplete;
}

static int64_t timeval_ns(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000000 + (int64_t)time.tv_usec * 1000;
}

struct profile_clocks profile_clocks_now(void)
{
    struct rusage self;
    struct rusage children;
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    return (struct profile_clocks){
        .wall_ns = time_now_ns(),
        .user_ns = timeval_ns(self.ru_utime) + timeval_ns(children.ru_utime),
        .system_ns = timeval_ns(self.ru_stime) + timeval_ns(children.ru_stime)};
}

void profile_begin(struct dk_profile *profile)
{
    profile->begun = profile_clocks_now();
}

void profile_end(struct dk_profile *profile, int32_t num_workers)
{
    struct profile_clocks now = profile_clocks_now();
    int64_t wall_ns = now.wall_ns - profile->begun.wall_ns;
    profile->spent.wall_ns += wall_ns;
    profile->spent.user_ns += now.user_ns - profile->begun.user_ns;
    profile->spent.system_ns += now.system_ns - profile->begun.system_ns;
    profile->capacity_ns += wall_ns * num_workers;
    profile->num_workers = num_workers;
}
