/* Which machine this is, for processes that may share memory. */
#ifndef NODE_MACHINE_H
#define NODE_MACHINE_H

#define MACHINE_NAME_MAX 96

/* A name that is the same in processes of one user that can open each other's descriptors in /proc:
 * of this start of the machine, and in one space of process numbers. "" where that is not known. */
void machine_name(char out[MACHINE_NAME_MAX]);

#endif
