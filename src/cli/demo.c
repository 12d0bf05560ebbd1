/* The notebook's first part, cell by cell: the daily high-low spread, lazily, under three
 * schedulers. */
#include "cli/demo.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cdask/cdask.h>

#include "base/time.h"

static const char usage[] =
    "Usage: cdask demo [OPTION]...\n"
    "Compute the daily high-low spread of DIRECTORY/stocks/SYMBOL/*.csv under each local "
    "scheduler.\n"
    "\n"
    "  --directory PATH  where the data is (default data; `cdask demo-data` makes it)\n"
    "  --symbol NAME     which stock (default GOOG)\n"
    "  --workers N       threads or processes (default: one a CPU)\n"
    "  --help            this text\n";

struct demo {
    dk_context *dk;
    const char *directory;
    const char *symbol;
    int32_t workers;
    dk_error error;
    dk_frame spread;
    dk_table *first; /* what the first scheduler gave */
};

static int fail(const struct demo *demo)
{
    fprintf(stderr, "cdask demo: %s\n", demo->error.message);
    return 1;
}

/* ---- cells ---- */

static void print_cell(const char *code)
{
    bool bold = isatty(STDOUT_FILENO);
    printf("\n%s%s%s\n", bold ? "\033[1m" : "", code, bold ? "\033[0m" : "");
}

static dk_frame build_spread(struct demo *demo)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/stocks/%s/*.csv", demo->directory, demo->symbol);
    dk_csv_options options = {.parse_dates = DK_NAMES("timestamp")};
    dk_frame df = dk_read_csv(demo->dk, path, &options);
    dk_frame day = dk_dt_round(dk_col(df, "timestamp"), "1d");
    dk_frame high = dk_max(dk_col(dk_groupby(df, day), "high"));
    dk_frame low = dk_min(dk_col(dk_groupby(df, day), "low"));
    return dk_sub(high, low);
}

/* Prints and frees what a function of the library wrote into `*text`. */
static int show_text(struct demo *demo, dk_status status, char **text)
{
    if (status != DK_OK)
        return fail(demo);
    printf("%s", *text);
    dk_text_free(*text);
    return 0;
}

static int cell_build(struct demo *demo)
{
    print_cell(
        "df   = dk_read_csv(dk, \"data/stocks/GOOG/*.csv\", {.parse_dates = \"timestamp\"});\n"
        "day  = dk_dt_round(dk_col(df, \"timestamp\"), \"1d\");\n"
        "high = dk_max(dk_col(dk_groupby(df, day), \"high\"));\n"
        "low  = dk_min(dk_col(dk_groupby(df, day), \"low\"));\n"
        "spread = dk_sub(high, low);");
    int64_t begin_ns = time_now_ns();
    demo->spread = build_spread(demo);
    double ms = (double)(time_now_ns() - begin_ns) * 1e-6;
    char *text = NULL;
    int failed = show_text(demo, dk_frame_format(demo->spread, &text, &demo->error), &text);
    if (!failed)
        printf("Wall time: %.2f ms (nothing but a sample has been read)\n", ms);
    return failed;
}

static int cell_explain(struct demo *demo)
{
    print_cell("dk_explain(spread);");
    char *text = NULL;
    return show_text(demo, dk_explain(&demo->spread, 1, &text, &demo->error), &text);
}

static bool same_bits(const dk_table *a, const dk_table *b)
{
    if (dk_table_nrows(a) != dk_table_nrows(b))
        return false;
    for (int64_t row = 0; row < dk_table_nrows(a); row++) {
        double left = dk_table_float(a, 0, row);
        double right = dk_table_float(b, 0, row);
        if (memcmp(&left, &right, sizeof(left)) != 0)
            return false;
        if (dk_table_int(a, -1, row) != dk_table_int(b, -1, row))
            return false;
    }
    return true;
}

static int show_result(struct demo *demo, dk_table *table, double seconds)
{
    if (demo->first) {
        bool same = same_bits(demo->first, table);
        dk_table_unref(table);
        printf("Wall time: %.3f s, %s\n", seconds,
               same ? "the same result bit for bit" : "ANOTHER RESULT");
        return same ? 0 : 1;
    }
    demo->first = table;
    char *text = NULL;
    int failed = show_text(demo, dk_table_format(table, NULL, &text, &demo->error), &text);
    if (!failed)
        printf("\nWall time: %.3f s\n", seconds);
    return failed;
}

static int cell_compute(struct demo *demo, const char *scheduler)
{
    char code[128];
    snprintf(code, sizeof(code), "dk_compute(spread, {.scheduler = \"%s\"}, &table);", scheduler);
    print_cell(code);
    dk_compute_options options = {.scheduler = scheduler, .error = &demo->error};
    options.run.num_workers = demo->workers;
    dk_table *table = NULL;
    int64_t begin_ns = time_now_ns();
    if (dk_compute(demo->spread, &options, &table) != DK_OK)
        return fail(demo);
    return show_result(demo, table, (double)(time_now_ns() - begin_ns) * 1e-9);
}

static int run_cells(struct demo *demo)
{
    int failed = cell_build(demo);
    if (!failed)
        failed = cell_explain(demo);
    if (!failed)
        failed = cell_compute(demo, "threads");
    if (!failed)
        failed = cell_compute(demo, "processes");
    if (!failed)
        failed = cell_compute(demo, "sync");
    return failed;
}

/* ---- command line ---- */

static bool parse_workers(const char *text, int32_t *out)
{
    char *end = NULL;
    long value = strtol(text, &end, 10);
    if (!*text || *end || value < 1 || value > 1024)
        return false;
    *out = (int32_t)value;
    return true;
}

/* -1: go on; otherwise the exit status. */
static int parse_options(struct demo *demo, int argc, char **argv)
{
    static const struct option options[] = {
        {"directory", required_argument, NULL, 'd'},
        {"symbol", required_argument, NULL, 's'},
        {"workers", required_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'd') {
            demo->directory = optarg;
        } else if (option == 's') {
            demo->symbol = optarg;
        } else if (option == 'w' && parse_workers(optarg, &demo->workers)) {
            continue;
        } else if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        } else {
            if (option == 'w')
                fprintf(stderr, "cdask demo: --workers: '%s' is not a number from 1 to 1024\n",
                        optarg);
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "cdask demo: unexpected '%s'\n%s", argv[optind], usage);
    return 2;
}

int demo_command(int argc, char **argv)
{
    struct demo demo = {.directory = "data", .symbol = "GOOG"};
    int exit_status = parse_options(&demo, argc, argv);
    if (exit_status >= 0)
        return exit_status;
    if (dk_open_with(NULL, &demo.dk, &demo.error) != DK_OK)
        return fail(&demo);
    int failed = run_cells(&demo);
    dk_table_unref(demo.first);
    dk_close(demo.dk);
    return failed;
}
