#include "cli/worker_options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/place.h"
#include "cli/quantity.h"
#include "cli/scheduler_file.h"
#include "local/cpus.h"
#include "local/machine_memory.h"

static const char usage[] =
    "Usage: cdask worker [OPTION]... [ADDRESS]\n"
    "Run native tasks for the scheduler at ADDRESS (default: $DASK_SCHEDULER_ADDRESS), cdask's or\n"
    "Dask's. Ctrl-C once hands the "
    "results\n"
    "over to other workers and ends it; twice ends it at once.\n"
    "\n"
    "  --nworkers N            so many workers, each a process; auto, or negative: CPUs + 1 + N\n"
    "                          (default 1; also --nprocs)\n"
    "  --nthreads N            threads of each (default: the CPUs, shared out)\n"
    "  --name NAME             what it is called; several are NAME-0, NAME-1 ...\n"
    "  --number-from N         they are called N, N + 1 ... instead\n"
    "  --host HOST             listen at this name or number (default 127.0.0.1; 0.0.0.0:\n"
    "                          reachable from everywhere, by anyone)\n"
    "  --interface NAME        listen at the address of this network interface\n"
    "  --protocol tcp|tls      the scheduler's, to be sure\n"
    "  --worker-port PORT      listen at this port, or at the first that is free of FIRST:LAST\n"
    "                          (default 0: any that is free)\n"
    "  --listen-address ADDRESS  the same as --host and --worker-port, as tcp://HOST:PORT\n"
    "  --contact-address ADDRESS where others reach that, when it is behind a forwarded port\n"
    "  --memory-limit LIMIT    of each: auto (its share of the memory, the default), 4GB, 0.5 (of\n"
    "                          the memory), 0 (none)\n"
    "  --local-directory PATH  where to put what does not fit (default $TMPDIR or /tmp)\n"
    "  --resources \"GPU=2 ...\"  what tasks may ask for\n"
    "  --preload LIBRARY       a shared object with tasks: its `dk_status cdask_preload(dk_context "
    "*)`\n"
    "                          registers them; may be given several times\n"
    "  --scheduler-file FILE   where the scheduler writes its address; waits until it is there\n"
    "  --death-timeout TIME    leave after so long without a scheduler (default: wait for the "
    "first\n"
    "                          one for ever, leave when it is lost)\n"
    "  --lifetime TIME         leave after so long: 5 minutes, 1h ...\n"
    "  --lifetime-stagger TIME up to so much sooner or later, so that not all leave at once\n"
    "  --lifetime-restart      its nanny then starts another\n"
    "  --pid-file FILE         write the process's number there; removed at the end\n"
    "  --parent-fd FD          leave when this file descriptor can be read or its other end "
    "closes,\n"
    "                          for programs that start workers\n"
    "  --nanny                 a process beside it starts it again when it was killed or has\n"
    "                          crashed, or a client restarts the cluster, and kills it when it\n"
    "                          takes 95% of the memory limit (the default)\n"
    "  --no-nanny              without one\n"
    "  --nanny-port PORT       the nanny listens at this port, or at the first that is free of\n"
    "                          FIRST:LAST (default 0: any that is free)\n"
    "  --dashboard-address AT  serve /health and /metrics there: PORT or HOST:PORT (default: any\n"
    "                          port that is free); at another port when that one is in use\n"
    "  --no-dashboard          serve none\n" TLS_USAGE "  --version               the version\n"
    "  --help                  this text\n";

enum {
    NWORKERS = 1,
    NTHREADS,
    NAME,
    NUMBER_FROM,
    HOST,
    INTERFACE,
    PROTOCOL,
    PORT,
    MEMORY,
    DIRECTORY,
    RESOURCES,
    PRELOAD,
    SCHEDULER_FILE,
    DEATH_TIMEOUT,
    LIFETIME,
    LIFETIME_STAGGER,
    LIFETIME_RESTART,
    NO_LIFETIME_RESTART,
    PID_FILE,
    PARENT_FD,
    QUIET,
    NANNY,
    NO_NANNY,
    NANNY_PORT,
    LISTEN_ADDRESS,
    CONTACT_ADDRESS,
    DASHBOARD,
    NO_DASHBOARD,
    DASHBOARD_ADDRESS,
    REFUSED,
    HELP,
    TLS /* and the two that follow */
};

static const struct option options[] = {
    {"nworkers", required_argument, NULL, NWORKERS},
    {"nprocs", required_argument, NULL, NWORKERS},
    {"nthreads", required_argument, NULL, NTHREADS},
    {"name", required_argument, NULL, NAME},
    {"number-from", required_argument, NULL, NUMBER_FROM},
    {"host", required_argument, NULL, HOST},
    {"interface", required_argument, NULL, INTERFACE},
    {"protocol", required_argument, NULL, PROTOCOL},
    {"worker-port", required_argument, NULL, PORT},
    {"memory-limit", required_argument, NULL, MEMORY},
    {"local-directory", required_argument, NULL, DIRECTORY},
    {"resources", required_argument, NULL, RESOURCES},
    {"preload", required_argument, NULL, PRELOAD},
    {"scheduler-file", required_argument, NULL, SCHEDULER_FILE},
    {"death-timeout", required_argument, NULL, DEATH_TIMEOUT},
    {"lifetime", required_argument, NULL, LIFETIME},
    {"lifetime-stagger", required_argument, NULL, LIFETIME_STAGGER},
    {"lifetime-restart", no_argument, NULL, LIFETIME_RESTART},
    {"no-lifetime-restart", no_argument, NULL, NO_LIFETIME_RESTART},
    {"pid-file", required_argument, NULL, PID_FILE},
    {"parent-fd", required_argument, NULL, PARENT_FD},
    {"quiet", no_argument, NULL, QUIET},
    {"nanny", no_argument, NULL, NANNY},
    {"no-nanny", no_argument, NULL, NO_NANNY},
    {"nanny-port", required_argument, NULL, NANNY_PORT},
    {"listen-address", required_argument, NULL, LISTEN_ADDRESS},
    {"contact-address", required_argument, NULL, CONTACT_ADDRESS},
    {"dashboard", no_argument, NULL, DASHBOARD},
    {"no-dashboard", no_argument, NULL, NO_DASHBOARD},
    {"dashboard-address", required_argument, NULL, DASHBOARD_ADDRESS},
    {"bokeh", no_argument, NULL, DASHBOARD}, /* as it was once called */
    {"no-bokeh", no_argument, NULL, NO_DASHBOARD},
    {"bokeh-port", required_argument, NULL, DASHBOARD_ADDRESS},
    {"help", no_argument, NULL, HELP},
    /* Dask's, that are not there (yet). */
    {"preload-nanny", required_argument, NULL, REFUSED},
    {"worker-class", required_argument, NULL, REFUSED},
    {"scheduler-sni", required_argument, NULL, REFUSED},
    TLS_OPTIONS(TLS),
    {NULL, 0, NULL, 0},
};

static bool complain(const char *option, const char *value, const char *expected)
{
    fprintf(stderr, "cdask worker: --%s: expected %s, not '%s'\n", option, expected, value);
    return false;
}

/* ---- values ---- */

static bool read_count(const char *option, const char *text, int64_t least, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (!errno && end != text && !*end && *out >= least && *out <= 4096)
        return true;
    return complain(option, text, "a number up to 4096");
}

static bool read_fd(const char *text, int *out)
{
    int64_t fd;
    if (!read_count("parent-fd", text, 0, &fd))
        return false;
    *out = (int)fd;
    if (fcntl(*out, F_GETFD) >= 0)
        return true;
    fprintf(stderr, "cdask worker: --parent-fd: %d is not open\n", *out);
    return false;
}

/* A number; "auto", as Dask shares the CPUs out; or all CPUs but some. */
static bool read_nworkers(const char *text, uint32_t *out)
{
    int64_t count, ncpus = cpus_available();
    if (strcmp(text, "auto") == 0) {
        for (count = 1; count * count < ncpus; count++) {
        }
    } else if (!read_count("nworkers", text, -4096, &count)) {
        return false;
    } else if (count < 0) {
        count += ncpus + 1;
    }
    if (count < 1)
        return complain("nworkers", text, "at least one worker");
    *out = (uint32_t)count;
    return true;
}

/* Source: distributed.worker_memory.parse_memory_limit. */
static bool read_memory(const char *text, uint32_t nthreads, int64_t *out)
{
    double number, machine = (double)machine_nbytes();
    int32_t ncpus = cpus_available();
    if (strcmp(text, "auto") == 0) {
        number = nthreads < (uint32_t)ncpus ? machine * nthreads / ncpus : machine;
    } else if (!quantity_parse_bytes(text, &number)) {
        return complain("memory-limit", text, "auto, a size such as 4GB, a fraction or 0");
    } else if (number > 0 && number <= 1) {
        number *= machine;
    }
    *out = (int64_t)(number < machine ? number : machine);
    return true;
}

/* "GPU=2 MEM=10e9" */
static bool read_resources(const char *text, struct worker_options *out)
{
    char *rest;
    if (strlen(text) >= sizeof(out->resources_text))
        return complain("resources", text, "less");
    memcpy(out->resources_text, text, strlen(text) + 1);
    for (char *word = strtok_r(out->resources_text, " ,", &rest); word;
         word = strtok_r(NULL, " ,", &rest)) {
        char *equals = strchr(word, '='), *end = NULL;
        double amount = equals ? strtod(equals + 1, &end) : 0;
        if (!equals || equals == word || end == equals + 1 || *end || amount < 0 ||
            out->nresources == WORKER_RESOURCES_MAX)
            return complain("resources", word, "NAME=NUMBER");
        out->resources[out->nresources++] =
            (struct wkr_resource){{word, (size_t)(equals - word)}, amount};
    }
    return true;
}

static bool read_time(const char *option, const char *text, double *out)
{
    return quantity_parse_seconds(text, out) || complain(option, text, "a time such as 5 minutes");
}

static bool read_ports(const char *text, struct node_ports *out)
{
    dk_error err = {0};
    if (node_ports_parse(text, out, &err) == DK_OK)
        return true;
    fprintf(stderr, "cdask worker: --worker-port: %s\n", err.message);
    return false;
}

static bool read_dashboard(const char *text, struct dashboard_place *out)
{
    dk_error err = {0};
    if (dashboard_place_parse(text, out, &err) == DK_OK)
        return true;
    fprintf(stderr, "cdask worker: --dashboard-address: %s\n", err.message);
    return false;
}

typedef dk_status (*parse_address)(const char *text, struct node_address *out, dk_error *err);

static bool read_address(const char *option, const char *text, parse_address parse, bool *is_there,
                         struct node_address *out)
{
    dk_error err = {0};
    *is_there = parse(text, out, &err) == DK_OK;
    if (!*is_there)
        fprintf(stderr, "cdask worker: --%s: %s\n", option, err.message);
    return *is_there;
}

/* ---- the command line ---- */

/* What can be known only when all options are. */
struct pending {
    const char *memory;
    const char *scheduler_file;
    const char *protocol;
    int64_t nthreads; /* 0: not told */
};

static bool read_interface(const char *name, struct worker_options *out)
{
    dk_error err;
    out->host = out->interface;
    if (place_of_interface(name, out->interface, &err))
        return true;
    fprintf(stderr, "cdask worker: %s\n", err.message);
    return false;
}

/* It is the scheduler's anyway. */
static bool check_protocol(const char *text, const struct node_address *scheduler)
{
    bool is_tls = false;
    dk_error err = {0};
    if (text && place_read_protocol(text, &is_tls, &err) &&
        is_tls != (scheduler->protocol == NODE_TLS))
        error_set(&err, DK_EINVAL, "--protocol: %s, but the scheduler is at %s", text,
                  scheduler->text);
    if (err.status == DK_OK)
        return true;
    fprintf(stderr, "cdask worker: %s\n", err.message);
    return false;
}

static bool refuse(const char *name)
{
    fprintf(stderr, "cdask worker: --%s is not there yet\n", name);
    return false;
}

static bool take_option(struct worker_options *out, struct pending *pending, int option, int index)
{
    switch (option) {
    case NWORKERS:
        return read_nworkers(optarg, &out->nworkers);
    case NTHREADS:
        return read_count("nthreads", optarg, 1, &pending->nthreads);
    case NAME:
        out->name = optarg;
        return true;
    case NUMBER_FROM:
        return read_count("number-from", optarg, 0, &out->first_number);
    case HOST:
        out->host = optarg;
        return true;
    case INTERFACE:
        return read_interface(optarg, out);
    case PROTOCOL:
        pending->protocol = optarg;
        return true;
    case PORT:
        return read_ports(optarg, &out->ports);
    case MEMORY:
        pending->memory = optarg;
        return true;
    case DIRECTORY:
        out->local_directory = optarg;
        return true;
    case RESOURCES:
        return read_resources(optarg, out);
    case PRELOAD:
        if (out->npreloads == WORKER_PRELOADS_MAX)
            return complain("preload", optarg, "at most 16 of them");
        out->preloads[out->npreloads++] = optarg;
        return true;
    case SCHEDULER_FILE:
        pending->scheduler_file = optarg;
        return true;
    case DEATH_TIMEOUT:
        return read_time("death-timeout", optarg, &out->death_timeout_s);
    case LIFETIME:
        return read_time("lifetime", optarg, &out->lifetime_s);
    case LIFETIME_STAGGER:
        return read_time("lifetime-stagger", optarg, &out->lifetime_stagger_s);
    case LIFETIME_RESTART:
    case NO_LIFETIME_RESTART:
        out->has_lifetime_restart = option == LIFETIME_RESTART;
        return true;
    case PID_FILE:
        out->pid_file = optarg;
        return true;
    case PARENT_FD:
        return read_fd(optarg, &out->parent_fd);
    case QUIET:
        return out->is_quiet = true;
    case NANNY:
    case NO_NANNY:
        out->has_nanny = option == NANNY;
        return true;
    case NANNY_PORT:
        return read_ports(optarg, &out->nanny_ports);
    case DASHBOARD:
    case NO_DASHBOARD:
        out->has_dashboard = option == DASHBOARD;
        return true;
    case DASHBOARD_ADDRESS:
        return read_dashboard(optarg, &out->dashboard);
    case LISTEN_ADDRESS:
        return read_address("listen-address", optarg, node_place_parse, &out->has_listen,
                            &out->listen);
    case CONTACT_ADDRESS:
        return read_address("contact-address", optarg, node_address_parse, &out->has_contact,
                            &out->contact);
    case REFUSED:
        return refuse(options[index].name);
    case HELP:
        return out->help = true;
    case TLS:
    case TLS + 1:
    case TLS + 2:
        tls_take_option(option - TLS, optarg, &out->tls);
        return true;
    default:
        return false; /* getopt has complained */
    }
}

/* Told in one place: as a word, in a file, or, if in neither, in the environment, as Dask's. */
static bool find_scheduler(int argc, char **argv, const struct pending *pending,
                           struct worker_options *out)
{
    char address[ADDRESS_TEXT_MAX];
    const char *text = optind < argc ? argv[optind] : NULL, *file = pending->scheduler_file;
    dk_error err = {0};
    if (argc - optind > 1) {
        fprintf(stderr, "cdask worker: one ADDRESS at a time\n");
        return false;
    }
    if (text && file) {
        fprintf(stderr, "cdask worker: either ADDRESS or --scheduler-file\n");
        return false;
    }
    if (!text && !file)
        text = getenv("DASK_SCHEDULER_ADDRESS");
    if (!text && !file) {
        fprintf(stderr, "cdask worker: which ADDRESS? (or --scheduler-file, or "
                        "DASK_SCHEDULER_ADDRESS)\n");
        return false;
    }
    if ((text ||
         scheduler_file_await(file, out->death_timeout_s, address, sizeof(address), &err)) &&
        node_address_parse(text ? text : address, &out->scheduler, &err) == DK_OK)
        return true;
    fprintf(stderr, "cdask worker: %s\n", err.message);
    return false;
}

static bool refuse_address(const char *why)
{
    fprintf(stderr, "cdask worker: %s\n", why);
    return false;
}

/* Source: distributed.cli.dask_worker. */
static bool place_listener(struct worker_options *out)
{
    const struct node_address *at = &out->listen;
    bool has_place = out->host || out->ports.first;
    if (!out->host)
        out->host = "127.0.0.1";
    if (out->has_contact && !out->has_listen)
        return refuse_address("--contact-address is for those with a --listen-address");
    if (!out->has_listen)
        return true;
    if (out->nworkers > 1)
        return refuse_address("--listen-address is one, and cannot be that of several workers");
    if (has_place)
        return refuse_address("either --listen-address, or --host, --interface and --worker-port");
    if (at->protocol != out->scheduler.protocol ||
        (out->has_contact && out->contact.protocol != at->protocol))
        return refuse_address("--listen-address and --contact-address have the protocol of the "
                              "scheduler's");
    out->host = at->host;
    out->ports.first = out->ports.last = (uint16_t)atoi(at->port);
    return true;
}

/* Source: distributed.cli.dask_worker. */
static bool check_ports(const char *option, const struct node_ports *ports, uint32_t nworkers)
{
    uint32_t nports = (uint32_t)ports->last - ports->first + 1;
    if (!ports->first || nports >= nworkers)
        return true;
    fprintf(stderr, "cdask worker: --%s %u:%u: not enough ports for %u workers\n", option,
            (unsigned)ports->first, (unsigned)ports->last, (unsigned)nworkers);
    return false;
}

static bool complete(int argc, char **argv, const struct pending *pending,
                     struct worker_options *out)
{
    if (out->name && out->first_number >= 0) {
        fprintf(stderr, "cdask worker: either --name or --number-from\n");
        return false;
    }
    if (out->first_number >= 0) {
        snprintf(out->number, sizeof(out->number), "%lld", (long long)out->first_number);
        out->name = out->number;
    }
    bool asks_nanny = out->has_lifetime_restart || out->nanny_ports.first;
    if (asks_nanny && !out->has_nanny) {
        fprintf(stderr, "cdask worker: --%s is for the nanny, and there is none with --no-nanny\n",
                out->has_lifetime_restart ? "lifetime-restart" : "nanny-port");
        return false;
    }
    uint32_t share = (uint32_t)cpus_available() / out->nworkers;
    out->nthreads = pending->nthreads ? (uint32_t)pending->nthreads : share ? share : 1;
    return read_memory(pending->memory, out->nthreads, &out->memory_limit) &&
           find_scheduler(argc, argv, pending, out) &&
           check_protocol(pending->protocol, &out->scheduler) &&
           check_ports("worker-port", &out->ports, out->nworkers) &&
           check_ports("nanny-port", &out->nanny_ports, out->nworkers) && place_listener(out);
}

bool worker_options_read(int argc, char **argv, struct worker_options *out)
{
    const char *tmp = getenv("TMPDIR");
    struct pending pending = {.memory = "auto"};
    int option, index = 0;
    *out = (struct worker_options){.nworkers = 1,
                                   .has_dashboard = true,
                                   .death_timeout_s = -1,
                                   .parent_fd = -1,
                                   .first_number = -1,
                                   .has_nanny = true,
                                   .nanny_fd = -1,
                                   .local_directory = tmp && *tmp ? tmp : "/tmp"};
    bool is_right = true;
    while (is_right && !out->help && (option = getopt_long(argc, argv, "", options, &index)) != -1)
        is_right = take_option(out, &pending, option, index);
    if (is_right && !out->help)
        is_right = complete(argc, argv, &pending, out);
    if (!is_right)
        fprintf(stderr, "Try `cdask worker --help`.\n");
    return is_right;
}

void worker_options_print_usage(void)
{
    fputs(usage, stdout);
}
