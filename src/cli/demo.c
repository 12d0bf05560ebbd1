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

#include "base/error.h"
#include "cli/tls_options.h"
#include "base/time.h"

static const char usage[] =
    "Usage: cdask demo [OPTION]...\n"
    "Compute the daily high-low spread of DIRECTORY/stocks/SYMBOL/*.csv under each local "
    "scheduler.\n"
    "\n"
    "  --directory PATH  where the data is (default data; `cdask demo-data` makes it)\n"
    "  --symbol NAME     which stock (default GOOG)\n"
    "  --cluster         compute on a cluster that is started for it, and beside it here\n"
    "  --address ADDRESS compute on the cluster of the scheduler at ADDRESS, and beside it here\n"
    "  --workers N       threads or processes (default: one a CPU)\n"
    "  --visualize FILE  draw the task graph as .svg, .png or .pdf (needs Graphviz)\n" TLS_USAGE
    "  --help            this text\n";

/* The first of the options of TLS, beside letters. */
#define TLS 256

struct demo {
    dk_context *dk;
    const char *directory;
    const char *symbol;
    int32_t workers;
    const char *address;  /* of a scheduler; NULL: none */
    struct tls_files tls; /* for a tls:// address */
    bool on_cluster;      /* not under the local schedulers only */
    dk_error error;
    const char *picture; /* where to draw the graph; NULL: nowhere */
    dk_frame spread;
    dk_table *first; /* what the first scheduler gave */
};

static int fail(const struct demo *demo)
{
    fprintf(stderr, "cdask demo: %s\n", demo->error.message);
    if (demo->error.status == DK_ENOFILE)
        fprintf(stderr, "`cdask demo-data` makes the data.\n");
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

static int show_result(struct demo *demo, dk_table *table)
{
    if (demo->first) {
        bool same = same_bits(demo->first, table);
        dk_table_unref(table);
        puts(same ? "the same result, bit for bit" : "ANOTHER RESULT");
        return same ? 0 : 1;
    }
    demo->first = table;
    char *text = NULL;
    int failed = show_text(demo, dk_table_format(table, NULL, &text, &demo->error), &text);
    if (!failed)
        puts("");
    return failed;
}

/* Computes the spread, with a progress bar on a terminal, and reports what it took. */
static dk_status compute(struct demo *demo, const char *scheduler, dk_profile *profile,
                         dk_table **table, dk_report *report)
{
    dk_progress *bar = NULL;
    dk_progress_options quiet = {.minimum_s = 1};
    DK_TRY(dk_progress_new(demo->dk, STDERR_FILENO, &quiet, &bar, &demo->error));
    dk_callbacks watchers[] = {dk_progress_callbacks(bar), dk_report_callbacks(report)};
    dk_compute_options options = {.scheduler = scheduler, .error = &demo->error};
    options.run.num_workers = demo->workers;
    options.run.callbacks = watchers;
    options.run.ncallbacks = 2;
    options.run.profile = profile;
    dk_report_begin(demo->dk, report);
    dk_status status = dk_compute(demo->spread, &options, table);
    dk_report_end(report);
    dk_progress_free(bar);
    return status;
}

static int cell_compute(struct demo *demo, const char *scheduler)
{
    char code[128];
    snprintf(code, sizeof(code), "dk_compute(spread, {.scheduler = \"%s\"}, &table);", scheduler);
    print_cell(code);
    dk_table *table = NULL;
    dk_report report;
    if (compute(demo, scheduler, NULL, &table, &report) != DK_OK)
        return fail(demo);
    int failed = show_result(demo, table);
    char text[DK_REPORT_TEXT_MAX];
    dk_report_text(&report, text);
    if (!failed)
        puts(text);
    return failed;
}

static int cell_profile(struct demo *demo, const char *scheduler)
{
    char code[128];
    snprintf(code, sizeof(code),
             "dk_compute(spread, {.scheduler = \"%s\", .run.profile = profile}, &table);",
             scheduler);
    print_cell(code);
    dk_profile *profile = NULL;
    if (dk_profile_new(demo->dk, &profile) != DK_OK)
        return fail(demo);
    dk_table *table = NULL;
    dk_report report;
    dk_status status = compute(demo, scheduler, profile, &table, &report);
    char *text = NULL;
    if (status == DK_OK)
        status = dk_profile_text(profile, &text);
    dk_table_unref(table);
    dk_profile_free(profile);
    return show_text(demo, status, &text);
}

static int cell_stacks(struct demo *demo)
{
    print_cell("dk_stacks_start(dk, 0.001, 0, &stacks, &err);\n"
               "dk_compute(spread, {.scheduler = \"threads\"}, &table);");
    dk_stacks *stacks = NULL;
    if (dk_stacks_start(demo->dk, 0.001, 0, &stacks, &demo->error) != DK_OK)
        return fail(demo);
    dk_table *table = NULL;
    dk_report report;
    dk_status status = compute(demo, "threads", NULL, &table, &report);
    dk_stacks_stop(stacks);
    char *text = NULL;
    if (status == DK_OK)
        status = dk_stacks_text(stacks, &text);
    dk_table_unref(table);
    dk_stacks_free(stacks);
    return show_text(demo, status, &text);
}

static dk_status draw_graph(struct demo *demo)
{
    dk_graph *graph = NULL;
    dk_task_id key = {0};
    char *dot = NULL;
    DK_TRY(dk_frame_graph(&demo->spread, 1, &graph, &key, &demo->error));
    dk_draw_options options = {.color = "function"};
    dk_status status = dk_graph_draw(graph, &key, 1, &options, &dot, &demo->error);
    if (status == DK_OK)
        status = dk_draw_dot(dot, demo->picture, &demo->error);
    dk_text_free(dot);
    dk_graph_free(graph);
    return status;
}

static int cell_visualize(struct demo *demo)
{
    print_cell("dk_draw_dot(dot, picture);");
    if (draw_graph(demo) != DK_OK)
        return fail(demo);
    printf("%s: the task graph\n", demo->picture);
    return 0;
}

static int cell_client(struct demo *demo, dk_client **client)
{
    char code[256] = "dk_client_open(dk, NULL, &client, &err);";
    if (demo->address)
        snprintf(code, sizeof(code),
                 "dk_client_open(dk, &(dk_client_options){.address = \"%.128s\"}, &client, &err);",
                 demo->address);
    print_cell(code);
    dk_client_options options = {.address = demo->address,
                                 .timeout_s = 10,
                                 .tls_ca_file = demo->tls.ca_file,
                                 .tls_cert = demo->tls.cert_file,
                                 .tls_key = demo->tls.key_file};
    if (dk_client_open(demo->dk, &options, client, &demo->error) != DK_OK)
        return fail(demo);
    printf("<Client: '%s'>\n", dk_client_address(*client));
    return 0;
}

/* On the cluster first, so that what it gives is what the others are compared with. */
static int run_on_cluster(struct demo *demo)
{
    static const char *const schedulers[] = {"distributed", "threads"};
    dk_client *client = NULL;
    int failed = cell_build(demo);
    if (!failed)
        failed = cell_client(demo, &client);
    for (int i = 0; i < 2 && !failed; i++)
        failed = cell_compute(demo, schedulers[i]);
    dk_client_close(client);
    return failed;
}

static int run_cells(struct demo *demo)
{
    static const char *const schedulers[] = {"threads", "processes", "sync"};
    int failed = cell_build(demo);
    if (!failed)
        failed = cell_explain(demo);
    for (int i = 0; i < 3 && !failed; i++)
        failed = cell_compute(demo, schedulers[i]);
    for (int i = 0; i < 3 && !failed; i++)
        failed = cell_profile(demo, schedulers[i]);
    if (!failed)
        failed = cell_stacks(demo);
    if (!failed && demo->picture)
        failed = cell_visualize(demo);
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
        {"address", required_argument, NULL, 'a'},
        {"cluster", no_argument, NULL, 'c'},
        TLS_OPTIONS(TLS),
        {"workers", required_argument, NULL, 'w'},
        {"visualize", required_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'd') {
            demo->directory = optarg;
        } else if (option == 's') {
            demo->symbol = optarg;
        } else if (option == 'a') {
            demo->address = optarg;
            demo->on_cluster = true;
        } else if (option >= TLS) {
            tls_take_option(option - TLS, optarg, &demo->tls);
        } else if (option == 'c') {
            demo->on_cluster = true;
        } else if (option == 'v') {
            demo->picture = optarg;
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

int demo_command(dk_context *host, int argc, char **argv)
{
    (void)host;
    struct demo demo = {.directory = "data", .symbol = "GOOG"};
    int exit_status = parse_options(&demo, argc, argv);
    if (exit_status >= 0)
        return exit_status;
    if (dk_open_with(NULL, &demo.dk, &demo.error) != DK_OK)
        return fail(&demo);
    int failed = demo.on_cluster ? run_on_cluster(&demo) : run_cells(&demo);
    dk_table_unref(demo.first);
    dk_close(demo.dk);
    return failed;
}
