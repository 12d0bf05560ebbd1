/* Reads spans of time from standard input, one a line, and writes their seconds, or the name of the
 * status: for tests in Python. */
#include <stdio.h>
#include <string.h>

#include "base/timedelta.h"

int main(void)
{
    char line[512];
    while (fgets(line, sizeof(line), stdin)) {
        double seconds;
        dk_status status = timedelta_parse(line, strcspn(line, "\n"), &seconds, NULL);
        if (status == DK_OK)
            printf("%.17g\n", seconds);
        else
            printf("%s\n", dk_status_name(status));
    }
    return 0;
}
