/* Writes the files the demonstrations and benchmarks read: DIRECTORY/stocks/SYMBOL/YYYY-MM-DD.csv,
 * one for each business day (Monday to Friday, holidays included). */
#ifndef CLI_DEMO_DATA_H
#define CLI_DEMO_DATA_H

#include "base/memory.h"
#include "cli/demo_prices.h"

struct demo_data_options {
    const char *directory;
    const char *symbol;
    uint64_t seed;
    int64_t first_day; /* since 1970-01-01 */
    int64_t last_day;  /* included */
    struct demo_session session;
    bool force; /* write files that are there already */
    /* Told after each file how many of `nfiles` there are; NULL: nobody. */
    void (*progress)(void *self, int64_t ndone, int64_t nfiles);
    void *self;
};

struct demo_data_report {
    int64_t nfiles;   /* there now */
    int64_t nwritten; /* by this call */
    int64_t nrows;    /* in those written */
    int64_t nbytes;   /* of those written */
    int64_t nothers;  /* .csv files of the folder that do not belong to these days */
};

/* Makes the folder and the files that are missing from it.
 *
 * A file gets its name once it is whole, so files that are there are whole, and an interrupted call
 * is finished by the next one. The first file that is there is compared with what the options give,
 * so that data of different options is not mixed. Blocks: until written. Errors: DK_EINVAL (an
 * option, or files of other options are there without `force`), DK_EIO and DK_ENOFILE naming the
 * path, DK_ENOMEM. */
dk_status demo_data_write(struct memory *memory, const struct demo_data_options *options,
                          struct demo_data_report *out, dk_error *err) DK_NODISCARD;

#endif
