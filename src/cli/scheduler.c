#include "cli/scheduler.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/log.h"
#include "cli/place.h"
#include "cli/quantity.h"
#include "cli/scheduler_file.h"
#include "cli/tls_options.h"
#include "node/scheduler/scheduler_node.h"

static const char usage[] =
    "Usage: cdask scheduler [OPTION]...\n"
    "Run the scheduler of a cluster, which `cdask worker` and `dask worker` join and clients of\n"
    "both use. Ctrl-C ends it.\n"
    "\n"
    "  --host HOST              listen at this name or number (default 127.0.0.1; \"\" or "
    "0.0.0.0:\n"
    "                           reachable from everywhere, by anyone)\n"
    "  --interface NAME         listen at the address of this network interface\n"
    "  --protocol tcp|tls       tls asks for the three options of TLS, which imply it\n"
    "  --port PORT              listen at this port (default 8786; 0: any that is free), or at "
    "the\n"
    "                           first that is free of FIRST:LAST\n"
    "  --scheduler-file FILE    write the address there, for workers and clients; removed at the "
    "end\n"
    "  --dashboard-address AT   serve /health, /metrics and /json there: :8787 (the default), at\n"
    "                           --host, or HOST:PORT; at another port when that one is in use\n"
    "  --dashboard-prefix PATH  stands before each of their paths\n"
    "  --no-dashboard           serve none\n"
    "  --pid-file FILE          write the process's number there; removed at the end\n"
    "  --allowed-failures N     give a task up when more than N workers died of it (default 3)\n"
    "  --worker-saturation X    root tasks given to each thread of a worker at once (default 1.1)\n"
    "  --worker-ttl TIME        a worker that is silent so long is lost (default 5 minutes)\n"
    "  --no-workers-timeout TIME  tasks that no worker may run fail after that (default: "
    "never)\n"
    "  --idle-timeout TIME      end when there was nothing to do for so long (default: never)\n"
    "  --no-work-stealing       leave tasks where they are\n"
    "  --validate               check the whole state after every event, for debugging\n" TLS_USAGE
    "  --version                the version\n"
    "  --help                   this text\n";

struct command {
    struct scheduler_node_options node;
    struct dashboard_place dashboard;
    bool has_dashboard;
    char prefix[128];
    char interface[PLACE_NBYTES];
    const char *scheduler_file;
    const char *pid_file;
    struct tls_files tls;
    bool help;
};

/* The running command, for its signal handlers. */
struct running {
    struct scheduler_node *node;
    uv_signal_t signals[2];
};

static int complain(const char *message)
{
    fprintf(stderr, "cdask scheduler: %s\n", message);
    return 1;
}

/* ---- options ---- */

enum {
    HOST = 1,
    INTERFACE,
    PROTOCOL,
    PORT,
    SCHEDULER_FILE,
    PID_FILE,
    FAILURES,
    SATURATION,
    TTL,
    NO_WORKERS,
    IDLE,
    NO_STEALING,
    VALIDATE,
    DASHBOARD,
    NO_DASHBOARD,
    DASHBOARD_ADDRESS,
    DASHBOARD_PREFIX,
    IGNORED,
    REFUSED,
    HELP,
    TLS /* and the two that follow */
};

static const struct option options[] = {
    {"host", required_argument, NULL, HOST},
    {"interface", required_argument, NULL, INTERFACE},
    {"protocol", required_argument, NULL, PROTOCOL},
    {"port", required_argument, NULL, PORT},
    {"idle-timeout", required_argument, NULL, IDLE},
    {"scheduler-file", required_argument, NULL, SCHEDULER_FILE},
    {"pid-file", required_argument, NULL, PID_FILE},
    {"allowed-failures", required_argument, NULL, FAILURES},
    {"worker-saturation", required_argument, NULL, SATURATION},
    {"worker-ttl", required_argument, NULL, TTL},
    {"no-workers-timeout", required_argument, NULL, NO_WORKERS},
    {"no-work-stealing", no_argument, NULL, NO_STEALING},
    {"validate", no_argument, NULL, VALIDATE},
    {"dashboard", no_argument, NULL, DASHBOARD},
    {"no-dashboard", no_argument, NULL, NO_DASHBOARD},
    {"dashboard-address", required_argument, NULL, DASHBOARD_ADDRESS},
    {"dashboard-prefix", required_argument, NULL, DASHBOARD_PREFIX},
    {"help", no_argument, NULL, HELP},
    /* Dask's older spellings. */
    {"bokeh", no_argument, NULL, DASHBOARD},
    {"no-bokeh", no_argument, NULL, NO_DASHBOARD},
    {"bokeh-port", required_argument, NULL, DASHBOARD_ADDRESS},
    {"bokeh-prefix", required_argument, NULL, DASHBOARD_PREFIX},
    {"show", no_argument, NULL, IGNORED},
    {"no-show", no_argument, NULL, IGNORED},
    {"use-xheaders", required_argument, NULL, IGNORED},
    /* Dask's, that are not there. */
    {"preload", required_argument, NULL, REFUSED},
    {"jupyter", no_argument, NULL, REFUSED},
    TLS_OPTIONS(TLS),
    {NULL, 0, NULL, 0},
};

static bool read_number(const char *option, const char *text, double least, double most,
                        double *out)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    if (!errno && end != text && !*end && *out >= least && *out <= most)
        return true;
    fprintf(stderr, "cdask scheduler: --%s: expected a number from %g to %g, not '%s'\n", option,
            least, most, text);
    return false;
}

static bool read_ports(const char *text, struct node_ports *out)
{
    dk_error err;
    if (node_ports_parse(text, out, &err) == DK_OK)
        return true;
    fprintf(stderr, "cdask scheduler: --port: %s\n", err.message);
    return false;
}

static bool read_dashboard(const char *text, struct dashboard_place *out)
{
    dk_error err;
    if (dashboard_place_parse(text, out, &err) == DK_OK)
        return true;
    fprintf(stderr, "cdask scheduler: --dashboard-address: %s\n", err.message);
    return false;
}

/* "cluster" and "/cluster/" mean "/cluster". */
static bool read_prefix(const char *text, struct command *command)
{
    size_t length = strlen(text);
    while (length && text[length - 1] == '/')
        length--;
    int written = snprintf(command->prefix, sizeof(command->prefix), "%s%.*s",
                           length && *text != '/' ? "/" : "", (int)length, text);
    command->dashboard.prefix = command->prefix;
    if (written < (int)sizeof(command->prefix))
        return true;
    fprintf(stderr, "cdask scheduler: --dashboard-prefix: '%s' is too long\n", text);
    return false;
}

static bool read_interface(const char *name, struct command *command)
{
    dk_error err;
    command->node.host = command->interface;
    if (place_of_interface(name, command->interface, &err))
        return true;
    fprintf(stderr, "cdask scheduler: %s\n", err.message);
    return false;
}

static bool read_protocol(const char *text, struct command *command)
{
    bool is_tls;
    dk_error err;
    bool is_right = place_read_protocol(text, &is_tls, &err);
    command->node.protocol = is_right && is_tls ? NODE_TLS : NODE_TCP;
    if (!is_right)
        fprintf(stderr, "cdask scheduler: %s\n", err.message);
    return is_right;
}

static bool read_time(const char *option, const char *text, double *seconds)
{
    if (quantity_parse_seconds(text, seconds))
        return true;
    fprintf(stderr, "cdask scheduler: --%s: expected a time such as 5 minutes, not '%s'\n", option,
            text);
    return false;
}

static bool read_limit(const char *option, const char *text, double least_s, int64_t *us)
{
    double seconds;
    if (!read_time(option, text, &seconds))
        return false;
    *us = (int64_t)(seconds * 1e6);
    if (seconds >= least_s && seconds <= 1e9)
        return true;
    fprintf(stderr, "cdask scheduler: --%s: '%s' is not from %g to 1e9 seconds\n", option, text,
            least_s);
    return false;
}

static bool refuse(const char *name)
{
    fprintf(stderr, "cdask scheduler: --%s is not there: this scheduler runs nobody else's code\n",
            name);
    return false;
}

static bool take_option(struct command *command, int option, int index, const char *value)
{
    double number = 0;
    struct sched_options *core = &command->node.core;
    switch (option) {
    case HOST:
        command->node.host = value;
        return true;
    case INTERFACE:
        return read_interface(value, command);
    case PROTOCOL:
        return read_protocol(value, command);
    case IDLE:
        return read_time("idle-timeout", value, &command->node.idle_timeout_s);
    case REFUSED:
        return refuse(options[index].name);
    case PORT:
        return read_ports(value, &command->node.ports);
    case SCHEDULER_FILE:
        command->scheduler_file = value;
        return true;
    case PID_FILE:
        command->pid_file = value;
        return true;
    case FAILURES:
        if (!read_number("allowed-failures", value, 0, 1e6, &number))
            return false;
        core->allowed_failures = (uint32_t)number;
        core->gives_up_at_once = core->allowed_failures == 0;
        return true;
    case SATURATION:
        return read_number("worker-saturation", value, 0.01, 1e9, &core->saturation);
    case TTL:
        return read_limit("worker-ttl", value, 1, &core->worker_ttl_us);
    case NO_WORKERS:
        return read_limit("no-workers-timeout", value, 0.001, &core->no_workers_timeout_us);
    case NO_STEALING:
        core->no_stealing = true;
        return true;
    case VALIDATE:
        command->node.is_validated = true;
        return true;
    case DASHBOARD:
    case NO_DASHBOARD:
        command->has_dashboard = option == DASHBOARD;
        return true;
    case DASHBOARD_ADDRESS:
        return read_dashboard(value, &command->dashboard);
    case DASHBOARD_PREFIX:
        return read_prefix(value, command);
    case IGNORED:
        return true;
    case HELP:
        command->help = true;
        return true;
    case TLS:
    case TLS + 1:
    case TLS + 2:
        tls_take_option(option - TLS, value, &command->tls);
        command->node.protocol = NODE_TLS;
        return true;
    default:
        return false; /* getopt has complained */
    }
}

static bool read_command(int argc, char **argv, struct command *command)
{
    int option, index = 0;
    *command = (struct command){.node = {.host = "127.0.0.1", .ports = {8786, 8786}},
                                .dashboard = {.port = DASHBOARD_PORT},
                                .has_dashboard = true};
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1)
        if (!take_option(command, option, index, optarg)) {
            fprintf(stderr, "Try `cdask scheduler --help`.\n");
            return false;
        }
    if (optind == argc)
        return true;
    fprintf(stderr, "cdask scheduler: what is '%s'? Options begin with --.\n", argv[optind]);
    return false;
}

/* ---- running ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct running *running = handle->data;
    char text[64];
    snprintf(text, sizeof(text), "Received signal %s (%d)", number == SIGINT ? "SIGINT" : "SIGTERM",
             number);
    log_line(NULL, "INFO", "distributed.scheduler", text);
    snprintf(text, sizeof(text), "signal-%d", number);
    scheduler_node_close(running->node, text);
}

static void on_closed(void *self)
{
    struct running *running = self;
    for (int i = 0; i < 2; i++)
        uv_close((uv_handle_t *)&running->signals[i], NULL);
}

static void watch_signals(uv_loop_t *loop, struct running *running)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        uv_signal_init(loop, &running->signals[i]);
        running->signals[i].data = running;
        uv_signal_start(&running->signals[i], on_signal, numbers[i]);
    }
}

static bool write_files(const struct command *command, struct memory *memory,
                        struct scheduler_node *node, dk_error *err)
{
    struct text identity;
    text_init(&identity, memory);
    scheduler_node_write_identity(node, &identity);
    text_putc(&identity, '\n');
    bool is_written = text_status(&identity) == DK_OK || error_nomem(err) == DK_OK;
    is_written = is_written && scheduler_file_write(command->scheduler_file, identity.data, err) &&
                 pid_file_write(command->pid_file, err);
    text_deinit(&identity);
    return is_written;
}

/* Whoever reads that the scheduler is there may end it at once: the signals wait until they are
 * watched. */
static dk_status start(struct memory *memory, struct command *command, uv_loop_t *loop,
                       struct running *running, dk_error *err)
{
    sigset_t ends, before;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, &before);
    dk_status status = scheduler_node_new(loop, memory, &command->node, &running->node, err);
    if (status == DK_OK)
        watch_signals(loop, running);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

static int serve(struct memory *memory, struct command *command, uv_loop_t *loop)
{
    struct running running = {0};
    dk_error err;
    if (!file_is_possible(command->scheduler_file, &err) ||
        !file_is_possible(command->pid_file, &err))
        return complain(err.message);
    command->node.dashboard = command->has_dashboard ? &command->dashboard : NULL;
    command->node.log = log_line;
    command->node.closed = on_closed;
    command->node.self = &running;
    if (start(memory, command, loop, &running, &err) != DK_OK) {
        uv_run(loop, UV_RUN_DEFAULT);
        return complain(err.message);
    }
    bool is_written = write_files(command, memory, running.node, &err);
    if (!is_written)
        scheduler_node_close(running.node, "no-file");
    uv_run(loop, UV_RUN_DEFAULT);
    if (!is_written)
        return complain(err.message);
    file_remove(command->scheduler_file);
    file_remove(command->pid_file);
    log_line(NULL, "INFO", "distributed.scheduler", "End scheduler");
    return 0;
}

static int run_command(struct command *command)
{
    uv_loop_t loop;
    dk_error err;
    struct memory *memory = memory_new(NULL, 0);
    if (!memory || uv_loop_init(&loop) != 0)
        return complain("out of memory");
    signal(SIGPIPE, SIG_IGN);
    int exit_status =
        tls_config_for(command->node.protocol, &command->tls, &command->node.tls, &err) == DK_OK
            ? serve(memory, command, &loop)
            : complain(err.message);
    tls_config_free(command->node.tls);
    uv_loop_close(&loop);
    memory_close(memory);
    return exit_status;
}

int scheduler_command(dk_context *host, int argc, char **argv)
{
    (void)host;
    struct command command;
    if (!read_command(argc, argv, &command))
        return 2;
    if (command.help) {
        fputs(usage, stdout);
        return 0;
    }
    return run_command(&command);
}
