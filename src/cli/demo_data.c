#include "cli/demo_data.h"

#include "base/error.h"
#include "column/kernels/datetime.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYMBOL_MAX 16

/* One symbol's folder while its files are made. */
struct job {
    const struct demo_data_options *options;
    char folder[PATH_MAX / 2]; /* half: leaves room for the names in it */
    char *content;             /* of one file */
    size_t capacity;
    char *found; /* as much of a file that is there, to compare */
};

/* `path` has room for PATH_MAX. A file that is being written ends in .partial: no pattern *.csv
 * sees it. */
static void file_path(const struct job *job, int64_t day, bool partial, char *path)
{
    struct civil date = civil_from_days(day);

    snprintf(path, PATH_MAX, "%s/%04d-%02d-%02d.csv%s", job->folder, date.year, date.month,
             date.day, partial ? ".partial" : "");
}

static bool is_business_day(int64_t day)
{
    return (day % 7 + 10) % 7 < 5; /* day 0 was a Thursday; 0 is Monday here */
}

static bool is_there(const struct job *job, int64_t day)
{
    char path[PATH_MAX];

    file_path(job, day, false, path);
    return access(path, F_OK) == 0;
}

static size_t render(const struct job *job, int64_t day)
{
    const struct demo_data_options *options = job->options;

    return demo_prices_render(options->seed, options->symbol, day, &options->session, job->content);
}

static dk_status check_symbol(const char *symbol, dk_error *err)
{
    size_t length = strlen(symbol);

    for (const char *c = symbol; *c; c++)
        if (!isalnum((unsigned char)*c) && (c == symbol || !strchr(".-^=_", *c)))
            length = 0;
    if (length == 0 || length > SYMBOL_MAX) {
        return error_set(err, DK_EINVAL,
                         "--symbols: '%.64s' is no stock symbol: 1 to %d letters and digits, such "
                         "as GOOG or BRK.B",
                         symbol, SYMBOL_MAX);
    }
    return DK_OK;
}

static dk_status check_options(const struct demo_data_options *options, dk_error *err)
{
    const struct demo_session *session = &options->session;

    DK_TRY(check_symbol(options->symbol, err));
    if (options->directory[0] == '\0')
        return error_set(err, DK_EINVAL, "--directory: it has no name");
    if (options->last_day < options->first_day)
        return error_set(err, DK_EINVAL, "--end: the last day lies before --start");
    if (session->open_second < 0 || session->close_second > 86400 ||
        session->open_second >= session->close_second) {
        return error_set(err, DK_EINVAL,
                         "--hours: the exchange must open before it closes, on one day");
    }
    if (session->bar_seconds < 1 || session->bar_seconds > 86400)
        return error_set(err, DK_EINVAL, "--freq: a bar lasts between 1s and 1d");
    return DK_OK;
}

/* mkdir -p; `path` is cut at each slash and mended again. */
static dk_status make_folders(char *path, dk_error *err)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        int failed;

        if (slash)
            *slash = '\0';
        failed = mkdir(path, 0777) < 0 && errno != EEXIST ? errno : 0;
        if (failed)
            return error_errno(err, failed, path);
        if (!slash)
            return DK_OK;
        *slash = '/';
    }
}

static dk_status write_all(int fd, const char *bytes, size_t nbytes, const char *path,
                           dk_error *err)
{
    while (nbytes > 0) {
        ssize_t n = write(fd, bytes, nbytes);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_errno(err, errno, path);
        bytes += n;
        nbytes -= (size_t)n;
    }
    return DK_OK;
}

static dk_status write_partial(const char *partial, const char *bytes, size_t nbytes, dk_error *err)
{
    dk_status status;
    int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0)
        return error_errno(err, errno, partial);
    status = write_all(fd, bytes, nbytes, partial, err);
    if (close(fd) < 0 && status == DK_OK)
        status = error_errno(err, errno, partial);
    return status;
}

static dk_status write_day(const struct job *job, int64_t day, size_t *nbytes, dk_error *err)
{
    char path[PATH_MAX], partial[PATH_MAX];
    dk_status status;

    file_path(job, day, false, path);
    file_path(job, day, true, partial);
    *nbytes = render(job, day);
    status = write_partial(partial, job->content, *nbytes, err);
    if (status == DK_OK && rename(partial, path) < 0)
        status = error_errno(err, errno, path);
    if (status != DK_OK)
        unlink(partial);
    return status;
}

/* Reads up to job->capacity bytes of `path` into job->found. */
static dk_status read_file(const struct job *job, const char *path, size_t *nbytes, dk_error *err)
{
    ssize_t n = 1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_errno(err, errno, path);
    for (*nbytes = 0; *nbytes < job->capacity && n > 0;) {
        n = read(fd, job->found + *nbytes, job->capacity - *nbytes);
        *nbytes += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    return n < 0 ? error_errno(err, errno, path) : DK_OK;
}

/* Refuses a folder whose first file is of other options. */
static dk_status check_first(const struct job *job, dk_error *err)
{
    const struct demo_data_options *options = job->options;
    char path[PATH_MAX];
    size_t expected, nbytes = 0;
    int64_t day = options->first_day;

    while (day <= options->last_day && !(is_business_day(day) && is_there(job, day)))
        day++;
    if (day > options->last_day)
        return DK_OK;
    file_path(job, day, false, path);
    DK_TRY(read_file(job, path, &nbytes, err));
    expected = render(job, day);
    if (nbytes != expected || memcmp(job->found, job->content, nbytes) != 0) {
        return error_set(err, DK_EINVAL,
                         "%s is there already and holds something else than these options give; "
                         "--force replaces it, --directory keeps it",
                         path);
    }
    return DK_OK;
}

static dk_status write_missing(const struct job *job, struct demo_data_report *report,
                               dk_error *err)
{
    const struct demo_data_options *options = job->options;
    int64_t ndone = 0;

    for (int64_t day = options->first_day; day <= options->last_day; day++) {
        size_t nbytes;

        if (!is_business_day(day))
            continue;
        if (options->force || !is_there(job, day)) {
            DK_TRY(write_day(job, day, &nbytes, err));
            report->nwritten++;
            report->nrows += demo_prices_nrows(&options->session);
            report->nbytes += (int64_t)nbytes;
        }
        if (options->progress)
            options->progress(options->self, ++ndone, report->nfiles);
    }
    return DK_OK;
}

/* True for "2015-04-20.csv" when that is one of the files asked for. */
static bool belongs(const struct demo_data_options *options, const char *name)
{
    int64_t ns, day;

    if (strlen(name) != strlen("YYYY-MM-DD.csv") || !timestamp_parse(name, 10, &ns))
        return false;
    day = ns / NS_PER_DAY;
    return day >= options->first_day && day <= options->last_day && is_business_day(day);
}

static dk_status count_others(const struct job *job, int64_t *nothers, dk_error *err)
{
    DIR *folder = opendir(job->folder);

    if (!folder)
        return error_errno(err, errno, job->folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *dot = strrchr(entry->d_name, '.');

        if (dot && strcmp(dot, ".csv") == 0 && !belongs(job->options, entry->d_name))
            (*nothers)++;
    }
    closedir(folder);
    return DK_OK;
}

static dk_status run_job(struct job *job, struct demo_data_report *report, dk_error *err)
{
    const struct demo_data_options *options = job->options;

    for (int64_t day = options->first_day; day <= options->last_day; day++)
        report->nfiles += is_business_day(day);
    if (report->nfiles == 0)
        return error_set(err, DK_EINVAL, "there is no business day from --start to --end");
    DK_TRY(make_folders(job->folder, err));
    if (!options->force)
        DK_TRY(check_first(job, err));
    DK_TRY(write_missing(job, report, err));
    return count_others(job, &report->nothers, err);
}

dk_status demo_data_write(struct memory *memory, const struct demo_data_options *options,
                          struct demo_data_report *out, dk_error *err)
{
    struct job job = {.options = options};
    dk_status status;
    int length;

    *out = (struct demo_data_report){0};
    DK_TRY(check_options(options, err));
    length = snprintf(job.folder, sizeof job.folder, "%s/stocks/%s", options->directory,
                      options->symbol);
    if (length >= (int)sizeof job.folder)
        return error_set(err, DK_EINVAL, "--directory: a path of %d bytes is too long", length);
    /* One byte more than any file of ours, so that a longer one is seen to differ. */
    job.capacity = demo_prices_max_nbytes(&options->session) + 1;
    job.content = memory_alloc(memory, job.capacity);
    job.found = memory_alloc(memory, job.capacity);
    status = job.content && job.found ? run_job(&job, out, err) : error_nomem(err);
    memory_free(memory, job.found, job.capacity);
    memory_free(memory, job.content, job.capacity);
    return status;
}
