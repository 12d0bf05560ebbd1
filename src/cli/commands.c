/* Finds the subcommand and hands over. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <cdask/command.h>

#include "cli/cluster.h"
#include "cli/demo.h"
#include "cli/demo_data_command.h"
#include "cli/info.h"
#include "cli/scheduler.h"
#include "cli/worker.h"

static const struct {
    const char *name;
    int (*run)(dk_context *host, int argc, char **argv);
    const char *summary;
} commands[] = {
    {"cluster", cluster_command, "start a scheduler and workers on this machine"},
    {"demo", demo_command, "run the notebook's first part on data/stocks"},
    {"demo-data", demo_data_command, "write made-up stock prices as CSV files"},
    {"info", info_command, "ask a scheduler who it is and which workers it has"},
    {"scheduler", scheduler_command, "run the scheduler of a cluster"},
    {"worker", worker_command, "run tasks for a scheduler"},
};

#define NCOMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_usage(FILE *out)
{
    fprintf(out, "Usage: cdask COMMAND [OPTION]...\nDask, natively.\n\nCommands:\n");
    for (size_t i = 0; i < NCOMMANDS; i++) {
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(out, "\n`cdask COMMAND --help` tells more about each.\n");
}

/* --help or --version anywhere among the words, the first of them: as Dask's commands, which look
 * for these before all else. NULL: neither. */
static const char *find_question(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "--help") == 0)
            return argv[i];
        else if (strcmp(argv[i], "-h") == 0)
            return "--help";
    return NULL;
}

static int run(dk_context *host, int argc, char **argv)
{
    optind = 0; /* somebody may have read options before */
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0) {
        printf("cdask %s\n", CDASK_VERSION);
        return 0;
    }
    for (size_t i = 0; i < NCOMMANDS; i++) {
        if (strcmp(name, commands[i].name) != 0)
            continue;
        char program[32], help[] = "--help"; /* as getopt calls it in its messages */
        const char *question = find_question(argc - 2, argv + 2);
        snprintf(program, sizeof(program), "cdask %s", name);
        argv[1] = program;
        if (question && strcmp(question, "--version") == 0) {
            printf("%s, version %s\n", program, CDASK_VERSION);
            return 0;
        }
        if (question)
            return commands[i].run(host, 2, (char *[]){program, help, NULL});
        return commands[i].run(host, argc - 1, argv + 1);
    }
    fprintf(stderr, "cdask: no command '%s'\n\n", name);
    print_usage(stderr);
    return 2;
}

/* A command whose output got lost, on a full disk say, has not succeeded. */
int dk_main(dk_context *host, int argc, char **argv)
{
    int exit_status = run(host, argc, argv);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return exit_status;
    fprintf(stderr, "cdask: cannot write the output: %s\n", strerror(errno));
    return exit_status ? exit_status : 1;
}
