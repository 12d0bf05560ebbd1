#include "node/machine.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOOT_PATH "/proc/sys/kernel/random/boot_id"

void machine_name(char out[MACHINE_NAME_MAX])
{
    struct stat pids;
    char boot[48] = "";
    out[0] = '\0';
    FILE *file = fopen(BOOT_PATH, "re");
    bool is_known = file && fgets(boot, sizeof(boot), file);
    if (file)
        fclose(file);
    boot[strcspn(boot, "\n")] = '\0';
    if (is_known && stat("/proc/self/ns/pid", &pids) == 0)
        snprintf(out, MACHINE_NAME_MAX, "%s-%llu-%u", boot, (unsigned long long)pids.st_ino,
                 (unsigned)getuid());
}
