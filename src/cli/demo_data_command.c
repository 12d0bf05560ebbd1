#include "cli/demo_data_command.h"

#include "base/time.h"
#include "cli/demo_data.h"
#include "column/kernels/datetime.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_START "2015-01-01"
#define DEFAULT_END   "2015-12-18"

static const char usage[] =
    "Usage: cdask demo-data [OPTION]...\n"
    "Write made-up stock prices to DIRECTORY/stocks/SYMBOL/YYYY-MM-DD.csv, one file for each\n"
    "business day (Monday to Friday), with the columns timestamp,close,high,low,open.\n"
    "\n"
    "  --start DATE         first day (default " DEFAULT_START ")\n"
    "  --end DATE           last day, included (default " DEFAULT_END ", which makes 252 files:\n"
    "                       as many as a year has trading days; holidays are not left out)\n"
    "  --freq FREQ          length of a bar: 1s, 60s, 1min, 1h ... (default 1s)\n"
    "  --hours HH:MM-HH:MM  when bars start (default 09:00-15:30 for bars under a minute,\n"
    "                       which makes 23400 rows of 1s; 09:00-17:00 for longer ones)\n"
    "  --symbols A,B,...    stock symbols (default GOOG)\n"
    "  --seed N             other prices (default 42); the same seed gives the same bytes\n"
    "  --directory PATH     where to write (default data)\n"
    "  --force              write files again that are there already\n"
    "  --quiet              print errors only\n"
    "  --help               this text\n"
    "\n"
    "The default is 5,896,800 rows in 540 MB. Running it again writes only what is missing.\n"
    "52 files of 480 rows: cdask demo-data --start 2015-04-20 --end 2015-06-30 --freq 60s\n";

struct command {
    struct demo_data_options options;
    const char *symbols;
    bool has_hours;
    bool quiet;
    bool help;
};

static bool complain(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "cdask demo-data: --%s: '%s' is not %s\n", option, value, expected);
    return false;
}

static bool parse_date(const char *option, const char *text, int64_t *day)
{
    int64_t ns;

    if (strlen(text) != 10 || !timestamp_parse(text, 10, &ns))
        return complain(option, text, "a date such as 2015-04-20");
    *day = ns / NS_PER_DAY - (ns % NS_PER_DAY < 0);
    return true;
}

static bool parse_freq(const char *text, int32_t *seconds)
{
    dk_error err = {0};
    int64_t ns;

    if (freq_parse(text, &ns, &err) != DK_OK) {
        fprintf(stderr, "cdask demo-data: --freq: %s\n", err.message);
        return false;
    }
    if (ns < NS_PER_SECOND || ns > NS_PER_DAY || ns % NS_PER_SECOND != 0)
        return complain("freq", text, "a number of whole seconds between 1s and 1d");
    *seconds = (int32_t)(ns / NS_PER_SECOND);
    return true;
}

static bool parse_hours(const char *text, struct demo_session *session)
{
    int open_hour, open_minute, close_hour, close_minute, length = 0;

    if (sscanf(text, "%2d:%2d-%2d:%2d%n", &open_hour, &open_minute, &close_hour, &close_minute,
               &length) != 4 ||
        text[length] != '\0' || open_minute > 59 || close_minute > 59)
        return complain("hours", text, "a span such as 09:00-17:00");
    session->open_second = (open_hour * 60 + open_minute) * 60;
    session->close_second = (close_hour * 60 + close_minute) * 60;
    return true;
}

static bool parse_seed(const char *text, uint64_t *seed)
{
    char *end;

    errno = 0;
    *seed = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || strchr(text, '-'))
        return complain("seed", text, "a number between 0 and 2^64 - 1");
    return true;
}

static bool parse_option(int option, const char *value, struct command *command)
{
    struct demo_data_options *options = &command->options;

    switch (option) {
    case 's':
        return parse_date("start", value, &options->first_day);
    case 'e':
        return parse_date("end", value, &options->last_day);
    case 'f':
        return parse_freq(value, &options->session.bar_seconds);
    case 'o':
        command->has_hours = true;
        return parse_hours(value, &options->session);
    case 'r':
        return parse_seed(value, &options->seed);
    case 'y':
        command->symbols = value;
        return true;
    case 'd':
        options->directory = value;
        return true;
    case 'F':
        return options->force = true;
    case 'q':
        return command->quiet = true;
    case 'h':
        return command->help = true;
    default: /* getopt has said what is wrong */
        return false;
    }
}

static bool parse_command(int argc, char **argv, struct command *command)
{
    static const struct option options[] = {{"start", required_argument, NULL, 's'},
                                            {"end", required_argument, NULL, 'e'},
                                            {"freq", required_argument, NULL, 'f'},
                                            {"hours", required_argument, NULL, 'o'},
                                            {"symbols", required_argument, NULL, 'y'},
                                            {"seed", required_argument, NULL, 'r'},
                                            {"directory", required_argument, NULL, 'd'},
                                            {"force", no_argument, NULL, 'F'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!parse_option(option, optarg, command))
            return false;
    if (optind < argc) {
        fprintf(stderr, "cdask demo-data: unexpected argument '%s'\n", argv[optind]);
        return false;
    }
    if (!command->has_hours) {
        parse_hours(command->options.session.bar_seconds < 60 ? "09:00-15:30" : "09:00-17:00",
                    &command->options.session);
    }
    return true;
}

static void show_progress(void *self, int64_t ndone, int64_t nfiles)
{
    static const char bar[] = "########################################";
    const int width = (int)sizeof bar - 1;

    fprintf(stderr, "\r%-8s [%-*.*s] %lld/%lld files", (const char *)self, width,
            (int)(ndone * width / nfiles), bar, (long long)ndone, (long long)nfiles);
    if (ndone == nfiles)
        fprintf(stderr, "\r\033[K");
}

static void report(const struct demo_data_options *options, const struct demo_data_report *done,
                   double seconds)
{
    const char *directory = options->directory, *symbol = options->symbol;

    if (done->nwritten == 0) {
        printf("%s/stocks/%s: all %lld files are there already (--force writes them again)\n",
               directory, symbol, (long long)done->nfiles);
    } else {
        printf("%s/stocks/%s: wrote %lld of %lld files, %lld rows, %.1f MB in %.1f s\n", directory,
               symbol, (long long)done->nwritten, (long long)done->nfiles, (long long)done->nrows,
               (double)done->nbytes / 1e6, seconds);
    }
    if (done->nothers > 0) {
        fprintf(stderr,
                "cdask demo-data: %s/stocks/%s also has %lld .csv files of other days, which "
                "the pattern '*.csv' will find too\n",
                directory, symbol, (long long)done->nothers);
    }
}

static bool write_symbol(struct memory *memory, const struct command *command, const char *symbol)
{
    struct demo_data_options options = command->options;
    struct demo_data_report done;
    dk_error err = {0};
    char shown[32];
    int64_t start_ns = time_now_ns();

    snprintf(shown, sizeof shown, "%s", symbol);
    options.symbol = symbol;
    options.self = shown;
    options.progress = command->quiet || !isatty(STDERR_FILENO) ? NULL : show_progress;
    if (demo_data_write(memory, &options, &done, &err) != DK_OK) {
        fprintf(stderr, "%scdask demo-data: %s\n", options.progress ? "\r\033[K" : "", err.message);
        return false;
    }
    if (!command->quiet)
        report(&options, &done, (double)(time_now_ns() - start_ns) / 1e9);
    return true;
}

static bool write_symbols(struct memory *memory, const struct command *command)
{
    const char *start = command->symbols;

    for (;;) {
        size_t length = strcspn(start, ",");
        char symbol[64];

        snprintf(symbol, sizeof symbol, "%.*s", (int)(length < 60 ? length : 60), start);
        if (!write_symbol(memory, command, symbol))
            return false;
        if (start[length] == '\0')
            return true;
        start += length + 1;
    }
}

int demo_data_command(dk_context *host, int argc, char **argv)
{
    (void)host;
    struct command command = {
        .options = {.directory = "data", .seed = 42, .session.bar_seconds = 1}, .symbols = "GOOG"};
    struct memory *memory;
    bool ok;

    parse_date("start", DEFAULT_START, &command.options.first_day);
    parse_date("end", DEFAULT_END, &command.options.last_day);
    if (!parse_command(argc, argv, &command)) {
        fprintf(stderr, "Try 'cdask demo-data --help'.\n");
        return 2;
    }
    if (command.help) {
        fputs(usage, stdout);
        return 0;
    }
    memory = memory_new(NULL, 0);
    if (!memory) {
        fprintf(stderr, "cdask demo-data: out of memory\n");
        return 1;
    }
    ok = write_symbols(memory, &command);
    memory_close(memory);
    return ok ? 0 : 1;
}
