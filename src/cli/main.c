/* The executable `cdask`. */
#include <cdask/command.h>

int main(int argc, char **argv)
{
    return dk_main(NULL, argc, argv);
}
