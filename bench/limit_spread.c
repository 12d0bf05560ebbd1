/* The limit: the notebook's daily spread by a loop made for nothing else.
 *
 * It knows the columns, the width of a timestamp, that a price is three digits, a point and up to
 * 16 digits more, and that nothing is ever quoted or missing. It is as fast as one would write it
 * by hand in an afternoon, without SIMD, and what a general engine is measured against.
 *
 *     bench_limit_spread DIRECTORY [NTHREADS]
 */
#include "measure.h"

#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER       "timestamp,close,high,low,open\n"
#define BUFFER_BYTES (1 << 20)
#define MARGIN_BYTES 64    /* words are loaded past the last row */
#define MAX_DAYS     65536 /* since 1970-01-01 */
#define MAX_THREADS  64

struct day {
    double high;
    double low;
};

struct work {
    glob_t files;
    atomic_size_t next_file;
};

struct worker {
    struct work *work;
    pthread_t thread;
    struct day *days; /* high is 0 where there are no rows */
    bool failed;
    char date[10]; /* of the row before, and its day: rows of one file repeat it */
    int32_t day;
    char buffer[BUFFER_BYTES + MARGIN_BYTES];
};

static inline uint64_t load(const char *p)
{
    uint64_t word;

    memcpy(&word, p, sizeof word);
    return word;
}

/* How many of the word's bytes come before the first that is no digit; 8 if all are. */
static inline int count_digits(uint64_t word)
{
    uint64_t others = (word & UINT64_C(0xf0f0f0f0f0f0f0f0)) ^ UINT64_C(0x3030303030303030);

    return others ? __builtin_ctzll(others) / 8 : 8;
}

/* The number that eight digits make, the first in the lowest byte. Bytes of zero count as the
 * digit. */
static inline uint64_t eight_digits(uint64_t word)
{
    word = (word & UINT64_C(0x0f0f0f0f0f0f0f0f)) * 2561 >> 8;
    word = (word & UINT64_C(0x00ff00ff00ff00ff)) * 6553601 >> 16;
    return (word & UINT64_C(0x0000ffff0000ffff)) * UINT64_C(42949672960001) >> 32;
}

/* The first `n` of the word's digits, 1 to 8 of them. */
static inline uint64_t first_digits(uint64_t word, int n)
{
    return eight_digits(word << (64 - 8 * n));
}

/* Skips "ddd.d..." and the byte after. */
static inline const char *skip_price(const char *p)
{
    int n = count_digits(load(p + 4));

    return p + 4 + n + (n == 8 ? count_digits(load(p + 12)) : 0) + 1;
}

/* Digits below 2^53 over a power of ten below 10^22: the division rounds correctly, as strtod
 * would. */
static inline const char *parse_price(const char *p, double *price)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8};
    uint64_t word = load(p + 4);
    uint64_t digits = eight_digits(load(p) << 40);
    int n = count_digits(word), m;

    if (n < 8) {
        *price = (double)(digits * (uint64_t)powers[n] + first_digits(word, n)) / powers[n];
        return p + 4 + n + 1;
    }
    digits = digits * 100000000 + eight_digits(word);
    word = load(p + 12);
    m = count_digits(word);
    if (m > 0)
        digits = digits * (uint64_t)powers[m] + first_digits(word, m);
    *price = (double)digits / (1e8 * powers[m]);
    return p + 12 + m + 1;
}

static int32_t parse_day(const char *date)
{
    struct tm tm = {
        .tm_year = atoi(date) - 1900, .tm_mon = atoi(date + 5) - 1, .tm_mday = atoi(date + 8)};

    return (int32_t)(timegm(&tm) / 86400);
}

/* "YYYY-MM-DD HH:MM:SS" to the nearest day; noon goes to the even one. */
static inline int32_t parse_rounded_day(struct worker *worker, const char *p)
{
    if (memcmp(p, worker->date, sizeof worker->date) != 0) {
        memcpy(worker->date, p, sizeof worker->date);
        worker->day = parse_day(p);
    }
    if (memcmp(p + 11, "12:00:00", 8) == 0)
        return worker->day + (worker->day & 1);
    return worker->day + ((p[11] - '0') * 10 + (p[12] - '0') >= 12);
}

/* Whole rows only. */
static void scan_rows(struct worker *worker, const char *p, const char *end)
{
    while (p < end) {
        struct day *day = &worker->days[parse_rounded_day(worker, p)];
        double high, low;

        p = skip_price(p + 20);
        p = parse_price(p, &high);
        p = parse_price(p, &low);
        p = skip_price(p);
        day->high = high > day->high ? high : day->high;
        day->low = low < day->low || day->low == 0 ? low : day->low;
    }
}

/* Reads on from the first row that was cut off, so nothing is ever moved within the buffer. */
static bool scan_file(struct worker *worker, int fd)
{
    off_t offset = sizeof HEADER - 1;

    if (pread(fd, worker->buffer, sizeof HEADER - 1, 0) != sizeof HEADER - 1 ||
        memcmp(worker->buffer, HEADER, sizeof HEADER - 1) != 0)
        return false;
    for (;;) {
        ssize_t n = pread(fd, worker->buffer, BUFFER_BYTES, offset);
        const char *last = n > 0 ? memrchr(worker->buffer, '\n', (size_t)n) : NULL;

        if (!last)
            return n == 0;
        scan_rows(worker, worker->buffer, last + 1);
        offset += last + 1 - worker->buffer;
    }
}

static void *run_worker(void *argument)
{
    struct worker *worker = argument;
    struct work *work = worker->work;

    for (size_t i; (i = atomic_fetch_add(&work->next_file, 1)) < work->files.gl_pathc;) {
        int fd = open(work->files.gl_pathv[i], O_RDONLY | O_CLOEXEC);

        worker->failed |= fd < 0 || !scan_file(worker, fd);
        if (fd >= 0)
            close(fd);
    }
    return NULL;
}

static struct worker *start_worker(struct work *work)
{
    struct worker *worker = calloc(1, sizeof *worker);

    worker->work = work;
    worker->days = calloc(MAX_DAYS, sizeof *worker->days);
    if (!worker->days || pthread_create(&worker->thread, NULL, run_worker, worker) != 0) {
        perror("bench_limit_spread");
        exit(1);
    }
    return worker;
}

/* Waits for `worker`, adds what it found to `total`, and frees it. */
static void join_worker(struct worker *worker, struct worker *total)
{
    pthread_join(worker->thread, NULL);
    for (int day = 0; day < MAX_DAYS; day++) {
        const struct day *from = &worker->days[day];
        struct day *to = &total->days[day];

        to->high = from->high > to->high ? from->high : to->high;
        to->low = to->low == 0 || (from->low < to->low && from->low > 0) ? from->low : to->low;
    }
    total->failed |= worker->failed;
    free(worker->days);
    free(worker);
}

static void report(const struct worker *total, double seconds)
{
    double checksum = 0;
    int ngroups = 0;

    for (int day = 0; day < MAX_DAYS; day++) {
        ngroups += total->days[day].high > 0;
        checksum += total->days[day].high - total->days[day].low;
    }
    measure_report_table(seconds, ngroups, checksum);
}

int main(int argc, char **argv)
{
    static struct work work;
    static struct day days[MAX_DAYS];
    static struct worker total = {.days = days};
    struct worker *workers[MAX_THREADS];
    int nthreads = argc > 2 ? atoi(argv[2]) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    char pattern[4096];
    double start;

    snprintf(pattern, sizeof pattern, "%s/*.csv", argc > 1 ? argv[1] : "");
    if (argc < 2 || nthreads < 1 || nthreads > MAX_THREADS ||
        glob(pattern, 0, NULL, &work.files) != 0) {
        fprintf(stderr, "usage: bench_limit_spread DIRECTORY [NTHREADS]\n");
        return 2;
    }
    start = measure_now();
    for (int i = 0; i < nthreads; i++)
        workers[i] = start_worker(&work);
    for (int i = 0; i < nthreads; i++)
        join_worker(workers[i], &total);
    if (total.failed) {
        fprintf(stderr, "bench_limit_spread: a file cannot be read or is of another shape\n");
        return 1;
    }
    report(&total, measure_now() - start);
    globfree(&work.files);
    return 0;
}
