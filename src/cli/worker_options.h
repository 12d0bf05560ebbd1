/* The command line of `cdask worker`, in Dask's spellings. */
#ifndef CLI_WORKER_OPTIONS_H
#define CLI_WORKER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <cdask/context.h>

#include "core/worker/event.h"
#include "cli/tls_options.h"
#include "node/dashboard.h"

#define WORKER_PRELOADS_MAX  16
#define WORKER_RESOURCES_MAX 16

struct worker_options {
    struct node_address scheduler;
    struct tls_files tls;
    const char *name;     /* NULL: the address */
    int64_t first_number; /* negative: none; else the first worker is called so, the second by the
                             next one ... */
    char number[24];      /* the first one's, as its name */
    const char *host;
    char interface[64];
    struct node_ports ports;
    bool has_listen;
    struct node_address listen;
    bool has_contact;
    struct node_address contact; /* what others are told */
    uint32_t nworkers;
    uint32_t nthreads;
    int64_t memory_limit; /* of each worker; 0: none */
    const char *local_directory;
    const char *pid_file;
    const char *preloads[WORKER_PRELOADS_MAX];
    uint32_t npreloads;
    char resources_text[1024]; /* in which the names are */
    struct wkr_resource resources[WORKER_RESOURCES_MAX];
    uint32_t nresources;
    double death_timeout_s; /* negative: none */
    double lifetime_s;
    double lifetime_stagger_s; /* the most that it differs from that */
    bool has_lifetime_restart;
    struct dashboard_place dashboard;
    bool has_dashboard;
    int parent_fd;  /* negative: none */
    bool is_quiet;  /* only warnings and errors are worth a line */
    bool has_nanny; /* a process that watches over it */
    struct node_ports nanny_ports;
    const char *nanny; /* its address, in the worker's process; NULL: none */
    int nanny_fd;      /* a socket to it, or to whoever waits for it; negative: none */
    bool help;
};

/* False when the command line is wrong: stderr has said so. */
bool worker_options_read(int argc, char **argv, struct worker_options *out);
void worker_options_print_usage(void);

#endif
