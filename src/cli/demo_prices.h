/* Made-up stock prices: the bars of one symbol on one day, as the bytes of a CSV file.
 *
 * Everything is integer arithmetic on the seed, the symbol and the date, so a day's bytes are the
 * same on every machine and do not depend on the days around it. */
#ifndef CLI_DEMO_PRICES_H
#define CLI_DEMO_PRICES_H

#include <stddef.h>
#include <stdint.h>

/* When the exchange is open, and how long a bar is. Seconds of the day; 0 <= open < close <= 86400.
 */
struct demo_session {
    int32_t open_second;
    int32_t close_second; /* no bar starts here or later */
    int32_t bar_seconds;  /* at least 1 */
};

/* Bars of a day: one starts every bar_seconds while the exchange is open. */
int64_t demo_prices_nrows(const struct demo_session *session);
/* Room that one day's file needs at most. */
size_t demo_prices_max_nbytes(const struct demo_session *session);

/* Writes the file of `symbol` on `day` (days since 1970-01-01, the year of four digits) into `out`,
 * which has room for demo_prices_max_nbytes(), and returns its length. Columns: timestamp, close,
 * high, low, open.
 *
 * Prices are random walks around a level that itself wanders from day to day; low <= open, close <=
 * high. Each is written as the shortest decimal that reads back as the same double, as pandas
 * writes it. */
size_t demo_prices_render(uint64_t seed, const char *symbol, int64_t day,
                          const struct demo_session *session, char *out);

#endif
