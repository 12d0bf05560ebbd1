#include "cli/info.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/tls_options.h"
#include "node/rpc.h"

static const char usage[] =
    "Usage: cdask info [OPTION]... ADDRESS\n"
    "Ask the scheduler at ADDRESS, Dask's or cdask's, who it is and which workers it has.\n"
    "ADDRESS is tcp://HOST:PORT, tls://HOST:PORT or HOST:PORT; schedulers listen on port 8786 by\n"
    "default. Workers answer, too.\n"
    "\n"
    "  --timeout SECONDS   how long to wait for an answer (default 10)\n"
    "  --tls-ca-file FILE  for tls://: the authority that is trusted, in PEM,\n"
    "  --tls-cert FILE     a certificate of its for us\n"
    "  --tls-key FILE      and the key of that (default: it is in the same file)\n"
    "  --help              this text\n";

/* The first of the options of TLS, beside letters. */
#define TLS 256

struct command {
    struct node_address address;
    struct tls_files tls;
    double timeout_s;
    bool help;
};

/* ---- printing ---- */

/* What strangers call themselves may hold anything; a terminal gets no control characters. */
static void put_foreign(struct text *out, struct wire_bytes bytes)
{
    for (size_t i = 0; i < bytes.nbytes; i++) {
        unsigned char c = (unsigned char)bytes.data[i];
        text_putc(out, c < ' ' || c == 0x7f ? '?' : (char)c);
    }
}

static void put_memory(struct text *out, double nbytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t unit = 0;
    for (; nbytes >= 1024 && unit < 5; unit++)
        nbytes /= 1024;
    text_printf(out, "%.*f %s", unit ? 1 : 0, nbytes, units[unit]);
}

static void put_threads(struct text *out, int64_t nthreads)
{
    text_printf(out, "%lld thread%s", (long long)nthreads, nthreads == 1 ? "" : "s");
}

static int64_t find_threads(const struct wire_value *worker)
{
    int64_t nthreads = 0;
    wire_read_int(wire_find(worker, "nthreads"), &nthreads);
    return nthreads;
}

/* 0 when there is no limit. */
static double find_memory(const struct wire_value *worker)
{
    double nbytes = 0;
    wire_read_float(wire_find(worker, "memory_limit"), &nbytes);
    return nbytes;
}

/* A text or a number; workers without a name of their own go by their address. */
static void put_name(struct text *out, const struct wire_value *name, struct wire_bytes address)
{
    struct wire_bytes text;
    int64_t number;
    if (wire_read_int(name, &number)) {
        text_printf(out, "  %lld", (long long)number);
    } else if (wire_read_text(name, &text) && (text.nbytes != address.nbytes ||
                                               memcmp(text.data, address.data, text.nbytes) != 0)) {
        text_puts(out, "  '");
        put_foreign(out, text);
        text_putc(out, '\'');
    }
}

static void put_worker(struct text *out, const struct wire_entry *entry)
{
    struct wire_bytes address = {"?", 1};
    struct wire_bytes status = {"unknown", 7};
    const struct wire_value *worker = &entry->value;
    wire_read_text(&entry->key, &address);
    wire_read_text(wire_find(worker, "status"), &status);
    text_puts(out, "  ");
    put_foreign(out, address);
    put_name(out, wire_find(worker, "name"), address);
    text_puts(out, "  ");
    put_threads(out, find_threads(worker));
    text_puts(out, "  ");
    if (find_memory(worker) > 0)
        put_memory(out, find_memory(worker));
    else
        text_puts(out, "no memory limit");
    text_puts(out, "  ");
    put_foreign(out, status);
    text_putc(out, '\n');
}

static void put_workers(struct text *out, const struct wire_value *workers)
{
    int64_t nthreads = 0;
    double nbytes = 0;
    for (uint32_t i = 0; i < workers->count; i++) {
        nthreads += find_threads(&workers->as.entries[i].value);
        nbytes += find_memory(&workers->as.entries[i].value);
    }
    text_printf(out, "  workers  %u", workers->count);
    if (workers->count) {
        text_puts(out, ": ");
        put_threads(out, nthreads);
        text_puts(out, ", ");
        put_memory(out, nbytes);
    }
    text_putc(out, '\n');
    for (uint32_t i = 0; i < workers->count; i++)
        put_worker(out, &workers->as.entries[i]);
}

/* ", started 2026-11-22 19:40:02" by the clock here. */
static void put_started(struct text *out, const struct wire_value *started)
{
    double seconds = 0;
    struct tm local;
    char shown[64];
    if (!wire_read_float(started, &seconds) || !(seconds > 0 && seconds < 1e11))
        return;
    time_t when = (time_t)seconds;
    if (localtime_r(&when, &local) && strftime(shown, sizeof(shown), "%Y-%m-%d %H:%M:%S", &local))
        text_printf(out, ", started %s", shown);
}

/* A scheduler has workers; a worker tells its scheduler; a nanny says only that it is one. */
static void put_identity(struct text *out, const struct wire_value *identity, const char *address)
{
    struct wire_bytes type = {"Something without a type", 24};
    struct wire_bytes scheduler;
    const struct wire_value *workers = wire_find(identity, "workers");
    wire_read_text(wire_find(identity, "type"), &type);
    put_foreign(out, type);
    text_printf(out, " at %s", address);
    if (wire_read_text(wire_find(identity, "scheduler"), &scheduler)) {
        text_puts(out, " of the scheduler at ");
        put_foreign(out, scheduler);
    }
    put_started(out, wire_find(identity, "started"));
    text_putc(out, '\n');
    if (workers && workers->kind == WIRE_MAP)
        put_workers(out, workers);
}

/* ---- the command ---- */

static int complain(const char *message)
{
    fprintf(stderr, "cdask info: %s\n", message);
    return 1;
}

static int show(struct memory *memory, const struct wire_value *identity, const char *address)
{
    if (identity->kind != WIRE_MAP) {
        fprintf(stderr, "cdask info: %s: instead of a map, the reply to 'identity' is %s\n",
                address, wire_kind_name(identity->kind));
        return 1;
    }
    struct text text;
    text_init(&text, memory);
    put_identity(&text, identity, address);
    int failed = text_status(&text) != DK_OK;
    if (failed)
        complain(dk_status_text(DK_ENOMEM));
    else
        fwrite(text.data, 1, text.length, stdout);
    text_deinit(&text);
    return failed;
}

static int ask(struct memory *memory, const struct command *command, struct tls_config *tls)
{
    struct wire_entry entries[] = {{wire_text("op"), wire_text("identity")}};
    struct wire_value request = wire_map(entries, 1);
    struct message reply;
    dk_error err = {0};
    if (node_rpc(memory, &command->address, tls, &request, (int64_t)(command->timeout_s * 1e3),
                 &reply, &err) != DK_OK)
        return complain(err.message);
    int failed = show(memory, &reply.root, command->address.text);
    message_deinit(&reply);
    return failed;
}

static int ask_safely(struct memory *memory, const struct command *command)
{
    struct tls_config *tls = NULL;
    dk_error err = {0};
    if (tls_config_for(command->address.protocol, &command->tls, &tls, &err) != DK_OK)
        return complain(err.message);
    int failed = ask(memory, command, tls);
    tls_config_free(tls);
    return failed;
}

static bool parse_timeout(const char *text, double *seconds)
{
    char *end;
    *seconds = strtod(text, &end);
    if (end != text && *end == 0 && *seconds >= 0.001 && *seconds <= 1e6)
        return true;
    fprintf(stderr, "cdask info: --timeout: '%s' is not a number of seconds from 0.001 to 1e6\n",
            text);
    return false;
}

static bool parse_address(int argc, char **argv, struct command *command)
{
    dk_error err = {0};
    if (optind != argc - 1) {
        complain(optind == argc ? "which ADDRESS?" : "one ADDRESS at a time");
        return false;
    }
    if (node_address_parse(argv[optind], &command->address, &err) == DK_OK)
        return true;
    complain(err.message);
    return false;
}

static bool parse_command(int argc, char **argv, struct command *command)
{
    static const struct option options[] = {
        {"timeout", required_argument, NULL, 't'},
        TLS_OPTIONS(TLS),
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h')
            return command->help = true;
        if (option >= TLS) {
            tls_take_option(option - TLS, optarg, &command->tls);
            continue;
        }
        if (option != 't' || !parse_timeout(optarg, &command->timeout_s))
            return false; /* getopt has said what is wrong */
    }
    return parse_address(argc, argv, command);
}

int info_command(dk_context *host, int argc, char **argv)
{
    (void)host;
    struct command command = {.timeout_s = 10};
    if (!parse_command(argc, argv, &command)) {
        fprintf(stderr, "Try 'cdask info --help'.\n");
        return 2;
    }
    if (command.help) {
        fputs(usage, stdout);
        return 0;
    }
    struct memory *memory = memory_new(NULL, 0);
    if (!memory)
        return complain(dk_status_text(DK_ENOMEM));
    signal(SIGPIPE, SIG_IGN); /* a peer that goes away is an error to report */
    int failed = ask_safely(memory, &command);
    memory_close(memory);
    return failed;
}
