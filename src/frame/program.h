/* A program: what one pass over a source does with every morsel of it. Compiled from column
 * expressions, immutable once it runs, and shared by the tasks of all partitions.
 *
 * A register holds one column of the current morsel. A domain is the rows that are left behind a
 * filter: domain 0 is all of the morsel, any other is a selection of the rows of its parent.
 */
#ifndef FRAME_PROGRAM_H
#define FRAME_PROGRAM_H

#include "base/arena.h"
#include "frame/expression.h"

#define NO_REGISTER (-1)

enum step_kind {
    STEP_LOAD,   /* column `number` of input table `input`, or load `number` of the files */
    STEP_LABELS, /* the index of input table 0 */
    STEP_NUMBER, /* the rows of the partition, counted from 0 */
    STEP_LITERAL,
    STEP_SCALAR, /* the value in column 0 of scalar table `number` */
    STEP_BINARY,
    STEP_UNARY,
    STEP_CAST,
    STEP_ROUND,
    STEP_FIELD,
    STEP_SELECT, /* makes domain `domain` from the mask in register `a` */
    STEP_SPREAD, /* the one value of register `a` in every row */
    STEP_TAKE    /* register `a` of the parent, as domain `domain` sees it */
};

struct step {
    enum step_kind kind;
    int32_t domain;
    int32_t out; /* register */
    int32_t a;
    int32_t b;
    int32_t input;
    int32_t number;
    int64_t unit_ns;
    const struct col *col; /* what it computes; NULL for a selection */
    const char *kernel;    /* for the profile */
};

/* Its file columns are converted together, as soon as its rows are known. */
struct domain {
    const struct rowset *rows;
    int32_t parent;
    int32_t first_load; /* of the program's loads */
    int32_t nloads;
};

/* What is kept of a pass: rows, or the state of groups. */
struct sink {
    const struct rowset *grouped; /* ROWS_GROUP or ROWS_REDUCE; NULL: rows are collected */
    int32_t domain;
    struct vector registers; /* int32_t: the columns collected, or the values aggregated */
    /* collected rows */
    struct vector names; /* const char * */
    const char *index_name;
    int32_t index; /* register, NO_REGISTER: the rows are numbered */
    bool is_series;
    /* groups */
    int32_t key;           /* register, NO_REGISTER without one */
    struct vector specs;   /* struct agg_spec; `input` counts in `registers` */
    struct vector columns; /* const struct col *: the aggregate each spec computes */
};

/* A program that came from another process has no expressions: its source, domains, steps and
 * sinks point to stand-ins in its arena, which say no more than what running asks for. */
struct program {
    struct shared shared;
    struct memory *memory;
    struct nodes *nodes;
    bool is_holding;
    bool is_stand_in;
    struct arena arena;
    const struct rowset *source;
    int32_t limit;           /* rows to collect of the first partition; 0: all rows of all */
    struct vector loads;     /* int32_t: the file columns that are parsed, domain by domain */
    struct vector types;     /* dk_type of each register */
    struct vector steps;     /* struct step */
    struct vector domains;   /* struct domain */
    struct vector sinks;     /* struct sink */
    struct vector registers; /* const struct col * of each register */
    int32_t nscalars;
};

struct program *program_new(dk_context *dk, const struct rowset *source) DK_NODISCARD;
/* Drops a reference. NULL is ignored. */
void program_unref(struct program *program);
void sink_init(struct sink *sink, struct memory *memory);
void sink_deinit(struct sink *sink);
/* Makes a program that is complete hold all that it points to, until it is freed. */
void program_hold(struct program *program);
/* Programs travel to their tasks as objects of this type, also to those in other processes
 * (program_codec.c), where equal ones are one. */
extern const dk_object_type program_object;

/* Writes a program's bytes.   Errors: DK_ENOMEM, DK_EIO. */
dk_status program_put(const struct program *program, struct writer *out,
                      dk_error *err) DK_NODISCARD;
/* Reads them; nothing of `bytes` is needed after. What they say is checked, so that any bytes can
 * be given.   Errors: DK_EPARSE, DK_ENOMEM. */
dk_status program_get(dk_context *dk, const void *bytes, size_t nbytes, struct program **out,
                      dk_error *err) DK_NODISCARD;

/* Whether it reads and writes nothing but registers, domains, loads and columns that are there, in
 * the order of its steps, and each with values of its type: programs of strangers may not.
 * Errors: DK_EPARSE, DK_ENOMEM.   (program_check.c) */
dk_status program_check(const struct program *program, dk_error *err) DK_NODISCARD;
/* Whether these are the arguments of one of its passes: the file and the number of its block (NULL
 * and any without files), and the inputs' tables, then the scalars'. */
bool program_takes(const struct program *program, const struct csv_source *csv, int64_t block,
                   dk_table *const *tables, size_t ntables);

static inline const struct step *program_steps(const struct program *program)
{
    return program->steps.data;
}

static inline struct sink *program_sink(const struct program *program, size_t i)
{
    return &((struct sink *)program->sinks.data)[i];
}

static inline struct domain *program_domain(const struct program *program, int32_t i)
{
    return &((struct domain *)program->domains.data)[i];
}

static inline dk_type program_type(const struct program *program, int32_t reg)
{
    return ((const dk_type *)program->types.data)[reg];
}

static inline int32_t vector_int(const struct vector *vector, size_t i)
{
    return ((const int32_t *)vector->data)[i];
}

#endif
