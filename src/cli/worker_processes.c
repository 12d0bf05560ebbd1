#include "cli/worker_processes.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "cli/log.h"
#include "cli/scheduler_file.h"
#include "node/nanny/nursery.h"

struct command {
    dk_context *dk;
    int (*run)(dk_context *dk, const struct worker_options *options);
    const struct worker_options *options;
};

/* Its own name and its share of the ports. It leaves in good order when its nanny goes. */
static int be_worker(void *self, uint32_t number, const char *nanny, int fd)
{
    const struct command *command = self;
    struct worker_options own = *command->options;
    char name[ADDRESS_TEXT_MAX];
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    own.ports = node_ports_share(&own.ports, number, own.nworkers);
    own.pid_file = NULL; /* it is about all of them */
    own.nanny = nanny;
    own.nanny_fd = fd;
    if (own.first_number >= 0) {
        snprintf(name, sizeof(name), "%lld", (long long)own.first_number + number);
        own.name = name;
    } else if (own.name && own.nworkers > 1) {
        snprintf(name, sizeof(name), "%.*s-%u", ADDRESS_HOST_MAX - 16, own.name, number);
        own.name = name;
    }
    return command->run(command->dk, &own);
}

static void log_own(void *self, const char *level, const char *name, const char *text)
{
    const struct command *command = self;
    if (!command->options->is_quiet || strcmp(level, "INFO") != 0)
        log_line(NULL, level, name, text);
}

static dk_status serve(struct command *command, struct tls_config *tls, int *exit_status,
                       dk_error *err)
{
    const struct worker_options *options = command->options;
    struct nursery_options chosen = {
        .context = command->dk,
        .protocol = options->scheduler.protocol,
        .tls = tls,
        .host = options->host,
        .ports = options->nanny_ports,
        .memory_limit = options->memory_limit,
        .nworkers = options->nworkers,
        .only_waits = !options->has_nanny,
        .stop_fd = -1,
        .run = be_worker,
        .log = log_own,
        .self = command,
    };
    if (!pid_file_write(options->pid_file, err))
        return DK_EIO;
    dk_status status = nursery_run(&chosen, exit_status, err);
    file_remove(options->pid_file);
    return status;
}

int worker_processes_run(dk_context *dk, const struct worker_options *options,
                         int (*run)(dk_context *dk, const struct worker_options *options))
{
    struct command command = {dk, run, options};
    struct tls_config *tls = NULL;
    dk_error err = {0};
    int exit_status = 0;
    dk_status status = tls_config_for(options->scheduler.protocol, &options->tls, &tls, &err);
    if (status == DK_OK)
        status = serve(&command, tls, &exit_status, &err);
    if (status != DK_OK)
        fprintf(stderr, "cdask worker: %s\n", err.message);
    tls_config_free(tls);
    return status == DK_OK ? exit_status : 1;
}
