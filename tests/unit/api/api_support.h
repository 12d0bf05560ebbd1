/* Files to read, and the notebook's expression over them, for tests of the public functions. */
#ifndef API_SUPPORT_H
#define API_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cdask/cdask.h>

/* A folder of `nfiles` days of hourly bars around noon; prices are small fractions. */
struct days {
    char folder[64];
    char glob[96];
    int nfiles;
};

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline void days_path(const struct days *days, int day, char path[128])
{
    snprintf(path, 128, "%s/2015-05-%02d.csv", days->folder, day + 1);
}

static inline void days_make(struct days *days, int nfiles)
{
    strcpy(days->folder, "/tmp/cdask-test-XXXXXX");
    assert_non_null(mkdtemp(days->folder));
    snprintf(days->glob, sizeof(days->glob), "%s/*.csv", days->folder);
    days->nfiles = nfiles;
    for (int day = 0; day < nfiles; day++) {
        char text[2048] = "timestamp,close,high,low,open\n";
        for (int hour = 9; hour < 17; hour++) {
            double price = day + hour / 16.0;
            size_t length = strlen(text);
            snprintf(text + length, sizeof(text) - length,
                     "2015-05-%02d %02d:30:00,%.4f,%.4f,%.4f,%.4f\n", day + 1, hour, price,
                     price + 0.25, price - 0.5, price);
        }
        char path[128];
        days_path(days, day, path);
        write_file(path, text);
    }
}

static inline void days_remove(const struct days *days)
{
    for (int day = 0; day < days->nfiles; day++) {
        char path[128];
        days_path(days, day, path);
        unlink(path);
    }
    rmdir(days->folder);
}

static inline dk_frame days_read(dk_context *dk, const struct days *days)
{
    dk_csv_options options = {.parse_dates = DK_NAMES("timestamp")};
    return dk_read_csv(dk, days->glob, &options);
}

static inline dk_frame days_spread(dk_frame df)
{
    dk_frame day = dk_dt_round(dk_col(df, "timestamp"), "1d");
    dk_frame high = dk_max(dk_col(dk_groupby(df, day), "high"));
    dk_frame low = dk_min(dk_col(dk_groupby(df, day), "low"));
    return dk_sub(high, low);
}

#endif
