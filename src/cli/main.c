/* The executable `cdask`: finds the subcommand and hands over. */
#include <stdio.h>
#include <string.h>

#include "cli/demo.h"
#include "cli/demo_data_command.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    {"demo", demo_command, "run the notebook's first part on data/stocks"},
    {"demo-data", demo_data_command, "write made-up stock prices as CSV files"},
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

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_usage(stdout);
        return argc > 1 ? 0 : 2;
    }
    if (strcmp(name, "--version") == 0) {
        printf("cdask %s\n", CDASK_VERSION);
        return 0;
    }
    for (size_t i = 0; i < NCOMMANDS; i++) {
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "cdask: no command '%s'\n\n", name);
    print_usage(stderr);
    return 2;
}
