#include "cli/demo_prices.h"

#include "column/kernels/datetime.h"

#include <string.h>

/* Prices count 1e-13 dollars, and stay in a range where doubles lie closer than that: 13 decimals
 * are then exactly the shortest text of their double, once zeros at the end are dropped. */
#define DOLLAR        INT64_C(10000000000000)
#define LOWEST_PRICE  (100 * DOLLAR)
#define HIGHEST_PRICE (512 * DOLLAR - 1)

/* A price moves four times a second, each time by up to 4 cents (2^15 steps of 1.2e-6 dollars). */
#define TICKS_PER_SECOND 4
#define TICK_STEP        INT64_C(12207031)
/* Seconds until most of the way to the day's level is done; a day of 6.5 hours has 23400. */
#define PULL_SECONDS 8192

/* What a day adds to a symbol's level, and for how many days that is felt. */
#define DAILY_MOVE  (6 * DOLLAR)
#define MEMORY_DAYS 256

static const char header[] = "timestamp,close,high,low,open\n";
/* "2015-04-20 09:00:00" and four of ",123.4567890123456", and a line feed. */
#define MAX_ROW_NBYTES (19 + 4 * 18 + 1)

struct walk {
    uint64_t random;
    int64_t price;
    int64_t target;
};

struct bar {
    int64_t open;
    int64_t high;
    int64_t low;
    int64_t close;
};

/* One step of splitmix64 (Steele, Lea, Flood 2014): good bits from any input, however regular. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t symbol_hash(uint64_t seed, const char *symbol)
{
    uint64_t hash = mix(seed);

    for (const char *c = symbol; *c; c++)
        hash = mix(hash ^ (uint64_t)(unsigned char)*c);
    return hash;
}

static uint64_t day_hash(uint64_t symbol, int64_t day)
{
    return mix(symbol + mix((uint64_t)day));
}

static int64_t within_range(int64_t price)
{
    if (price < LOWEST_PRICE)
        return LOWEST_PRICE;
    return price > HIGHEST_PRICE ? HIGHEST_PRICE : price;
}

/* Where the price of a symbol heads for on `day`: its own base and the moves of the last days, the
 * older the less. A sum instead of a walk from some first day, so that a day can be made on its
 * own. */
static int64_t day_level(uint64_t symbol, int64_t day)
{
    int64_t level = 200 * DOLLAR + (int64_t)(mix(symbol) % (100 * DOLLAR));
    int64_t weight = 65536;

    for (int64_t age = 0; age < MEMORY_DAYS; age++) {
        int64_t move = (int64_t)(day_hash(symbol, day - age) % (2 * DAILY_MOVE)) - DAILY_MOVE;

        level += move / 65536 * weight;
        weight -= weight / 64;
    }
    return within_range(level);
}

static void walk_second(struct walk *walk, struct bar *bar)
{
    uint64_t draw = mix(walk->random++);

    walk->price += (walk->target - walk->price) / PULL_SECONDS;
    for (int tick = 0; tick < TICKS_PER_SECOND; tick++) {
        int64_t steps = (int64_t)(draw & 0xffff) - 0x8000;

        walk->price = within_range(walk->price + steps * TICK_STEP);
        bar->high = walk->price > bar->high ? walk->price : bar->high;
        bar->low = walk->price < bar->low ? walk->price : bar->low;
        draw >>= 16;
    }
}

static struct bar walk_bar(struct walk *walk, int32_t nseconds)
{
    struct bar bar = {walk->price, walk->price, walk->price, 0};

    for (int32_t second = 0; second < nseconds; second++)
        walk_second(walk, &bar);
    bar.close = walk->price;
    return bar;
}

static inline char *put_digits(char *out, uint32_t value, int ndigits)
{
    for (int i = ndigits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + ndigits;
}

static char *put_price(char *out, int64_t price)
{
    uint64_t fraction = (uint64_t)price % DOLLAR;

    *out++ = ',';
    out = put_digits(out, (uint32_t)(price / DOLLAR), 3);
    *out++ = '.';
    /* Halves of 32 bits divide faster, and side by side. */
    out = put_digits(out, (uint32_t)(fraction / 10000000), 6);
    out = put_digits(out, (uint32_t)(fraction % 10000000), 7);
    while (out[-1] == '0' && out[-2] != '.')
        out--;
    return out;
}

static char *put_date(char *out, int64_t day)
{
    struct civil date = civil_from_days(day);

    out = put_digits(out, (uint32_t)date.year, 4);
    *out++ = '-';
    out = put_digits(out, (uint32_t)date.month, 2);
    *out++ = '-';
    return put_digits(out, (uint32_t)date.day, 2);
}

static char *put_time(char *out, int32_t second)
{
    *out++ = ' ';
    out = put_digits(out, (uint32_t)second / 3600, 2);
    *out++ = ':';
    out = put_digits(out, (uint32_t)second / 60 % 60, 2);
    *out++ = ':';
    return put_digits(out, (uint32_t)second % 60, 2);
}

int64_t demo_prices_nrows(const struct demo_session *session)
{
    int64_t open_seconds = session->close_second - session->open_second;

    return (open_seconds + session->bar_seconds - 1) / session->bar_seconds;
}

size_t demo_prices_max_nbytes(const struct demo_session *session)
{
    return sizeof header + (size_t)demo_prices_nrows(session) * MAX_ROW_NBYTES;
}

size_t demo_prices_render(uint64_t seed, const char *symbol, int64_t day,
                          const struct demo_session *session, char *out)
{
    uint64_t hash = symbol_hash(seed, symbol);
    struct walk walk = {day_hash(~hash, day), day_level(hash, day - 1), day_level(hash, day)};
    char *end = out + sizeof header - 1;
    char date[10];

    memcpy(out, header, sizeof header - 1);
    put_date(date, day);
    for (int32_t second = session->open_second; second < session->close_second;
         second += session->bar_seconds) {
        struct bar bar = walk_bar(&walk, session->bar_seconds);

        memcpy(end, date, sizeof date);
        end = put_time(end + sizeof date, second);
        end = put_price(end, bar.close);
        end = put_price(end, bar.high);
        end = put_price(end, bar.low);
        end = put_price(end, bar.open);
        *end++ = '\n';
    }
    return (size_t)(end - out);
}
