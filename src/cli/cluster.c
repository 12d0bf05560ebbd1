#include "cli/cluster.h"

#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cdask/distributed.h>

#include "node/worker/preload.h"
#include "cli/quantity.h"

static const char usage[] =
    "Usage: cdask cluster [OPTION]...\n"
    "Start a scheduler and workers on this machine, print the scheduler's address, and run until\n"
    "Ctrl-C.\n"
    "\n"
    "  --nworkers N          processes (default: one for each CPU, fewer with more threads from 5 "
    "on)\n"
    "  --nthreads N          threads of each (default: the CPUs, shared out)\n"
    "  --memory-limit SIZE   of each: 4GB ... (default: its share of the memory; 0: none)\n"
    "  --dashboard-address AT  serve /health, /metrics and /json there: :8787 (the default) or\n"
    "                        HOST:PORT; at another port when that one is in use\n"
    "  --no-dashboard        serve none\n"
    "  --preload LIBRARY     a shared object with tasks; may be given several times\n"
    "  --help                this text\n";

#define PRELOADS_MAX 16

struct command {
    dk_cluster_options cluster;
    const char *preloads[PRELOADS_MAX];
    int npreloads;
    bool help;
    atomic_bool is_lost; /* it has ended by itself */
};

static bool complain(const char *option, const char *text, const char *expected)
{
    fprintf(stderr, "cdask cluster: --%s: expected %s, not '%s'\n", option, expected, text);
    return false;
}

static bool read_count(const char *option, const char *text, int32_t *out)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < 1 || value > 1024)
        return complain(option, text, "a number from 1 to 1024");
    *out = (int32_t)value;
    return true;
}

static bool read_memory(const char *text, int64_t *out)
{
    double nbytes;
    if (!quantity_parse_bytes(text, &nbytes) || nbytes < 0 || nbytes > 1e18)
        return complain("memory-limit", text, "a size such as 4GB, or 0");
    *out = nbytes >= 1 ? (int64_t)nbytes : -1;
    return true;
}

static bool add_preload(struct command *command, const char *path)
{
    if (command->npreloads == PRELOADS_MAX)
        return complain("preload", path, "at most 16 of them");
    command->preloads[command->npreloads++] = path;
    return true;
}

static bool take_option(struct command *command, int option)
{
    switch (option) {
    case 'w':
        return read_count("nworkers", optarg, &command->cluster.nworkers);
    case 't':
        return read_count("nthreads", optarg, &command->cluster.nthreads);
    case 'm':
        return read_memory(optarg, &command->cluster.memory_limit);
    case 'd':
        command->cluster.dashboard_address = optarg;
        return true;
    case 'n':
        command->cluster.dashboard_address = "";
        return true;
    case 'p':
        return add_preload(command, optarg);
    case 'h':
        command->help = true;
        return true;
    default:
        return false; /* getopt has complained */
    }
}

static bool read_command(int argc, char **argv, struct command *command)
{
    static const struct option options[] = {
        {"nworkers", required_argument, NULL, 'w'},
        {"nthreads", required_argument, NULL, 't'},
        {"memory-limit", required_argument, NULL, 'm'},
        {"dashboard-address", required_argument, NULL, 'd'},
        {"no-dashboard", no_argument, NULL, 'n'},
        {"preload", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        if (!take_option(command, option)) {
            fprintf(stderr, "Try `cdask cluster --help`.\n");
            return false;
        }
    if (optind == argc)
        return true;
    fprintf(stderr, "cdask cluster: what is '%s'? Options begin with --.\n", argv[optind]);
    return false;
}

static int fail(const dk_error *err)
{
    fprintf(stderr, "cdask cluster: %s\n", err->message);
    return 1;
}

/* Ends the waiting below as a signal would. */
static void on_lost(void *self, const char *why)
{
    struct command *command = self;
    fprintf(stderr, "cdask cluster: %s\n", why);
    atomic_store(&command->is_lost, true);
    kill(getpid(), SIGTERM);
}

/* The signals are blocked before there are other threads, so that they are for us alone. */
static void wait_for_signal(const sigset_t *ends)
{
    int number = 0;
    sigwait(ends, &number);
}

static int serve(dk_context *dk, struct command *command, const sigset_t *ends)
{
    dk_error err = {0};
    command->cluster.lost = on_lost;
    command->cluster.self = command;
    dk_cluster *cluster;
    for (int i = 0; i < command->npreloads; i++)
        if (preload(dk, command->preloads[i], &err) != DK_OK)
            return fail(&err);
    if (dk_cluster_open(dk, &command->cluster, &cluster, &err) != DK_OK)
        return fail(&err);
    printf("Scheduler at: %s\n", dk_cluster_address(cluster));
    if (dk_cluster_dashboard(cluster))
        printf("Dashboard at: %s\n", dk_cluster_dashboard(cluster));
    fflush(stdout);
    wait_for_signal(ends);
    dk_cluster_close(cluster);
    return atomic_load(&command->is_lost);
}

int cluster_command(dk_context *host, int argc, char **argv)
{
    struct command command = {0};
    dk_error err = {0};
    sigset_t ends;
    if (!read_command(argc, argv, &command))
        return 2;
    if (command.help) {
        fputs(usage, stdout);
        return 0;
    }
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    dk_context *dk = host;
    if (!host && dk_open_with(NULL, &dk, &err) != DK_OK)
        return fail(&err);
    int exit_status = serve(dk, &command, &ends);
    if (!host)
        dk_close(dk);
    return exit_status;
}
