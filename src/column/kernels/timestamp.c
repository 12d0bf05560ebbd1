/* Timestamps as text, and the calendar. Text is read eight bytes at a time: a block of digits and
 * separators is checked and turned into numbers without a branch per character. */
#include <string.h>

#include "column/kernels/datetime.h"

int64_t days_from_civil(int32_t year, int32_t month, int32_t day)
{
    /* Years that begin in March end in the leap day, which makes the months before it regular. */
    int64_t shifted = (int64_t)year - (month <= 2);
    int64_t era = (shifted >= 0 ? shifted : shifted - 399) / 400;
    int64_t year_of_era = shifted - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct civil civil_from_days(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    return (struct civil){
        .year = (int32_t)(year_of_era + era * 400 + (month <= 2)),
        .month = (int32_t)month,
        .day = (int32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
}

static int days_in_month(int year, int month)
{
    static const int8_t days[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month] + (month == 2 && leap);
}

/* Eight characters, the first in the lowest byte. */
static inline uint64_t load_8(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Reads eight characters that must have the shape `pattern`: a digit where it has '0', else the
 * very character. `*pairs` gets in byte i ten times digit i plus digit i + 1. `slack` per byte is
 * what may be added without reaching 128: 0x76 to a digit, 0x7f to a separator that matched. */
static inline bool read_8(const char *text, uint64_t pattern, uint64_t slack, uint64_t *pairs)
{
    uint64_t digits = load_8(text) ^ pattern;
    *pairs = digits * 10 + (digits >> 8);
    return (((digits + slack) | digits) & UINT64_C(0x8080808080808080)) == 0;
}

static inline int pair_at(uint64_t pairs, int i)
{
    return (int)(pairs >> (8 * i) & 0xff);
}

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* The two digits at `text`, or -1. */
static inline int two_digits(const char *text)
{
    if (!is_digit(text[0]) || !is_digit(text[1]))
        return -1;
    return (text[0] - '0') * 10 + (text[1] - '0');
}

static inline bool date_to_days(int year, int month, int day, int64_t *days)
{
    if (month < 1 || month > 12 || day < 1 || (day > 28 && day > days_in_month(year, month)))
        return false;
    *days = days_from_civil(year, month, day);
    return true;
}

/* YYYY-MM-DD, ten characters. */
static inline bool read_date(const char *text, int64_t *days)
{
    uint64_t pairs; /* of "0000-00-" */
    if (!read_8(text, UINT64_C(0x2d30302d30303030), UINT64_C(0x7f76767f76767676), &pairs))
        return false;
    int year = pair_at(pairs, 0) * 100 + pair_at(pairs, 2);
    return date_to_days(year, pair_at(pairs, 5), two_digits(text + 8), days);
}

/* HH:MM:SS, eight characters, to seconds. */
static inline bool read_clock(const char *text, int64_t *seconds)
{
    uint64_t pairs; /* of "00:00:00" */
    if (!read_8(text, UINT64_C(0x30303a30303a3030), UINT64_C(0x76767f76767f7676), &pairs))
        return false;
    int hour = pair_at(pairs, 0), minute = pair_at(pairs, 3), second = pair_at(pairs, 6);
    *seconds = hour * 3600 + minute * 60 + second;
    return (hour < 24) & (minute < 60) & (second < 60);
}

/* ".fff": the digits behind the point to nanoseconds, more than nine truncated. Returns the
 * characters read, 0 when there is no digit. */
static inline size_t read_fraction(const char *text, size_t nbytes, int64_t *ns)
{
    int64_t unit = NS_PER_SECOND / 10;
    size_t i = 1;
    *ns = 0;
    for (; i < nbytes && is_digit(text[i]); i++, unit /= 10)
        *ns += (text[i] - '0') * unit;
    return i > 1 ? i : 0;
}

/* The `ndigits` (1 to 8) digits that end at `end`, as nanoseconds; the eight characters before
 * `end` exist. All are read at once, and those before the fraction shifted out, which leaves zeros
 * behind it. */
static inline bool read_short_fraction(const char *end, size_t ndigits, int64_t *ns)
{
    uint64_t shift = 8 * (8 - ndigits);
    uint64_t digits = (load_8(end - 8) ^ UINT64_C(0x3030303030303030)) >> shift;
    uint64_t outside = (digits + UINT64_C(0x7676767676767676)) | digits;
    uint64_t pairs = digits * 10 + (digits >> 8), even = UINT64_C(0x000000ff000000ff);
    /* Pairs 0 and 2 count millions and hundreds, 1 and 3 ten thousands and ones. */
    uint64_t high = (pairs & even) * (UINT64_C(1000000) << 32 | 100);
    uint64_t low = (pairs >> 16 & even) * (UINT64_C(10000) << 32 | 1);
    *ns = (int64_t)((high + low) >> 32) * 10;
    return (outside & UINT64_C(0x8080808080808080)) == 0;
}

/* The short and the compact forms: YYYY, YYYY-MM, YYYYMMDD. */
static bool read_short_date(const char *text, size_t nbytes, int64_t *days)
{
    int century, year, month = 1, day = 1;
    if (nbytes < 4 || (century = two_digits(text)) < 0 || (year = two_digits(text + 2)) < 0)
        return false;
    if (nbytes == 7 && text[4] == '-')
        month = two_digits(text + 5);
    else if (nbytes == 8)
        month = two_digits(text + 4), day = two_digits(text + 6);
    else if (nbytes != 4)
        return false;
    return date_to_days(century * 100 + year, month, day, days);
}

/* Nothing, Z, or +HH:MM; to the seconds that local time is ahead. */
static bool read_zone(const char *text, size_t nbytes, int64_t *ahead)
{
    *ahead = 0;
    if (nbytes == 0 || (nbytes == 1 && text[0] == 'Z'))
        return true;
    if (nbytes != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':')
        return false;
    int hour = two_digits(text + 1), minute = two_digits(text + 4);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
        return false;
    *ahead = (hour * 3600 + minute * 60) * (text[0] == '-' ? -1 : 1);
    return true;
}

/* What follows "YYYY-MM-DDT": HH:MM[:SS[.fraction]][zone], to seconds of the day and nanoseconds.
 */
static bool read_time(const char *text, size_t nbytes, int64_t *seconds, int64_t *ns)
{
    int64_t ahead;
    size_t at = 8;
    *ns = 0;
    if (nbytes >= 8 && text[5] == ':') {
        if (!read_clock(text, seconds))
            return false;
        if (nbytes > 9 && nbytes < 18 && text[8] == '.' &&
            read_short_fraction(text + nbytes, nbytes - 9, ns))
            return true;
        if (nbytes > 8 && text[8] == '.') {
            size_t used = read_fraction(text + 8, nbytes - 8, ns);
            if (used == 0)
                return false;
            at += used;
        }
    } else {
        int hour, minute;
        if (nbytes < 5 || text[2] != ':' || (hour = two_digits(text)) < 0 || hour > 23 ||
            (minute = two_digits(text + 3)) < 0 || minute > 59)
            return false;
        *seconds = hour * 3600 + minute * 60;
        at = 5;
    }
    if (!read_zone(text + at, nbytes - at, &ahead))
        return false;
    *seconds -= ahead;
    return true;
}

/* INT64_MIN is left out: it means "missing" to every other library. */
static bool combine(int64_t days, int64_t seconds, int64_t ns, int64_t *out)
{
    int64_t total = days * 86400 + seconds;
    /* Below zero the product may be out of range although the sum is not. */
    if (total < 0 && ns > 0) {
        total += 1;
        ns -= NS_PER_SECOND;
    }
    if (__builtin_mul_overflow(total, NS_PER_SECOND, out) || __builtin_add_overflow(*out, ns, out))
        return false;
    return *out != INT64_MIN;
}

bool timestamp_parse(const char *text, size_t nbytes, int64_t *out_ns)
{
    int64_t days, seconds = 0, ns = 0;
    if (nbytes < 10)
        return read_short_date(text, nbytes, &days) && combine(days, 0, 0, out_ns);
    if (!read_date(text, &days))
        return false;
    if (nbytes > 10 &&
        ((text[10] != ' ' && text[10] != 'T') || !read_time(text + 11, nbytes - 11, &seconds, &ns)))
        return false;
    return combine(days, seconds, ns, out_ns);
}

bool timestamp_is_missing_word(const char *text, size_t nbytes)
{
    static const char WORDS[][4] = {"NaT", "nat", "NAT", "NaN", "nan", "NAN"};
    for (size_t i = 0; nbytes == 3 && i < sizeof WORDS / sizeof *WORDS; i++)
        if (memcmp(text, WORDS[i], 3) == 0)
            return true;
    return false;
}

/* The nanoseconds of the date at `text`, remembered when any time of that day is in range. */
static inline bool cached_day(struct timestamp_cache *cache, const char *text)
{
    if (cache->valid && memcmp(cache->prefix, text, sizeof cache->prefix) == 0)
        return true;
    int64_t days;
    cache->valid =
        read_date(text, &days) && days > -INT64_MAX / NS_PER_DAY && days < INT64_MAX / NS_PER_DAY;
    if (!cache->valid)
        return false;
    memcpy(cache->prefix, text, sizeof cache->prefix);
    cache->day_ns = days * NS_PER_DAY;
    return true;
}

bool timestamp_parse_cached(struct timestamp_cache *cache, const char *text, size_t nbytes,
                            int64_t *out_ns)
{
    int64_t seconds = 0, ns = 0;
    bool shaped = nbytes == 19 || (nbytes > 20 && nbytes <= 28 && text[19] == '.');
    if (!shaped || (text[10] != ' ' && text[10] != 'T') || !cached_day(cache, text))
        return timestamp_parse(text, nbytes, out_ns);
    bool read = read_clock(text + 11, &seconds);
    if (nbytes > 19)
        read &= read_short_fraction(text + nbytes, nbytes - 20, &ns);
    if (!read) /* a zone may follow */
        return timestamp_parse(text, nbytes, out_ns);
    *out_ns = cache->day_ns + seconds * NS_PER_SECOND + ns;
    return true;
}

static char *put_digits(char *out, uint64_t value, int ndigits)
{
    for (int i = ndigits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    return out + ndigits;
}

static char *put_fraction(char *out, uint64_t ns, int ndigits)
{
    char all[9];
    put_digits(all, ns, 9);
    *out++ = '.';
    memcpy(out, all, (size_t)ndigits);
    return out + ndigits;
}

size_t timestamp_format(int64_t ns, bool date_only, int fraction_digits, char out[40])
{
    int64_t days = ns / NS_PER_DAY - (ns % NS_PER_DAY < 0);
    uint64_t of_day = (uint64_t)ns - (uint64_t)days * (uint64_t)NS_PER_DAY;
    struct civil civil = civil_from_days(days);
    char *at = put_digits(out, (uint64_t)civil.year, 4);
    *at++ = '-';
    at = put_digits(at, (uint64_t)civil.month, 2);
    *at++ = '-';
    at = put_digits(at, (uint64_t)civil.day, 2);
    if (!date_only) {
        uint64_t seconds = of_day / (uint64_t)NS_PER_SECOND;
        *at++ = ' ';
        at = put_digits(at, seconds / 3600, 2);
        *at++ = ':';
        at = put_digits(at, seconds / 60 % 60, 2);
        *at++ = ':';
        at = put_digits(at, seconds % 60, 2);
        if (fraction_digits > 0)
            at = put_fraction(at, of_day % (uint64_t)NS_PER_SECOND, fraction_digits);
    }
    *at = '\0';
    return (size_t)(at - out);
}
