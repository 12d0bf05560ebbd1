/* What frames are made of. Two kinds of nodes, both interned, as frames are themselves: equal work
 * is one node, so common subexpressions need no search.
 *
 * A *rowset* is a set of rows: the rows of the files, those that pass a filter, one row a group,
 * the outer join of two. A *column expression* has a value in every row of one rowset. A frame is a
 * rowset and a list of named column expressions over it. Two consequences:
 *  - a reader parses only the columns that somebody's expression reaches (projection needs no pass
 * of its own);
 *  - all aggregates of the same rows by the same key are columns of one rowset, so `high - low` is
 * arithmetic inside it, and its siblings share one pass over the data.
 */
#ifndef FRAME_EXPRESSION_H
#define FRAME_EXPRESSION_H

#include <stdatomic.h>

#include <cdask/frame.h>

#include "base/error.h"
#include "base/vector.h"
#include "column/kernels/datetime.h"
#include "column/kernels/elementwise.h"
#include "column/kernels/groups.h"
#include "frame/nodes.h"
#include "frame/shared.h"
#include "graph/context.h"
#include "io/csv.h"

/* Nodes are walked recursively, so frames higher than that are refused. */
#define HEIGHT_MAX 2000

struct call;

enum rowset_kind {
    ROWS_CSV,       /* `csv` */
    ROWS_TABLE,     /* `table`, in npartitions slices */
    ROWS_PERSISTED, /* `results`, one a partition */
    ROWS_FILTER,    /* rows of `left` where `column` is true */
    ROWS_GROUP,     /* one row for each value of `column` in `left`; its index is the key */
    ROWS_REDUCE,    /* one row for all rows of `left` */
    ROWS_ALIGN,     /* outer join of the labels of `left` and `right`, each as a whole */
    ROWS_MAP /* what `call` gives for each partition of its frame, over `left`; like `table` */
};

struct rowset {
    struct node node;
    enum rowset_kind kind;
    int32_t depth;  /* the rows can be walked after that many passes */
    int32_t height; /* nodes on the longest way down from here */
    int32_t npartitions;
    dk_type index_type;
    const char *index_name; /* NULL: none */
    bool numbered;          /* the index only counts the rows of each partition */
    bool is_reduced;        /* one row of all others: a ROWS_REDUCE, or what was kept of one */
    const struct rowset *left;
    const struct rowset *right;
    const struct col *column;
    struct csv_source *csv;
    dk_table *table;  /* of ROWS_PERSISTED: its divisions; NULL: not known */
    dk_value results; /* a list: tables, or what stands for those on a cluster */
    uint64_t number;  /* tells persisted rows apart */
    const struct call *call;
};

enum col_kind {
    COL_SOURCE,  /* column `number` of the files or the table */
    COL_INDEX,   /* the labels */
    COL_LITERAL, /* `literal`, the same in every row; of no rowset */
    COL_BINARY,  /* op number: `a` op `b` */
    COL_UNARY,
    COL_CAST,
    COL_ROUND,     /* `number` is the mode, `unit_ns` */
    COL_FIELD,     /* of a timestamp, `number` */
    COL_TAKE,      /* `a`, of the rows that the filter passes */
    COL_AGGREGATE, /* aggregate `number` of `a` in each group (size: `a` is NULL) */
    COL_SCALAR,    /* `a`, of a ROWS_REDUCE, the same in every row here */
    COL_SPREAD,    /* `a`, a literal or COL_SCALAR, written into every row */
    COL_ALIGNED    /* `a`, of the left or right side, at the joined labels */
};

struct col {
    struct node node;
    enum col_kind kind;
    int32_t depth; /* the values can be computed after that many passes */
    int32_t height;
    dk_type type;
    const struct rowset *rows; /* NULL: a literal fits any */
    int32_t number;
    int64_t unit_ns;
    const struct col *a;
    const struct col *b;
    struct column *literal; /* of one row */
    const char *text;       /* as the user wrote it: column name, frequency, literal */
};

enum shape { SHAPE_FRAME, SHAPE_SERIES, SHAPE_SCALAR, SHAPE_GROUPBY, SHAPE_LITERAL, SHAPE_DELAYED };

/* A delayed call: `args` of kind DK_KIND_TASK number the entries of `lazy`. Or the call for every
 * partition of lazy[0], which comes before `args`. */
struct call {
    const struct function *function;
    const dk_value *args;
    size_t nargs;
    const struct dk_expression *const *lazy;
    size_t nlazy;
    uint64_t number; /* a call is newer than those it uses */
};

/* What a dk_frame points to. A groupby has the rows it groups, the columns it can aggregate and a
 * key. */
struct dk_expression {
    struct node node;
    enum shape shape;
    const struct rowset *rows;
    int32_t ncolumns;
    const char *const *names;
    const struct col *const *columns;
    const struct col *key;
    const char *key_name;
    bool one_column; /* a groupby of a series, or of which one column was picked */
    const struct call *call;
    const dk_error *error; /* NULL: a good one */
};

/* The context's expressions. */
struct expressions {
    struct memory *memory;
    struct nodes nodes;         /* rowsets, column expressions, frames */
    struct shared_set programs; /* and files, of other processes; their lock is that of the nodes */
    struct shared_set files;
    atomic_ullong ncalls;
    struct dk_expression nomem; /* for when there is no memory to say so */
};

struct expressions *expressions_new(struct memory *memory) DK_NODISCARD;
void expressions_free(struct expressions *expressions);

/* Every public function that makes expressions is between building_begin() and either hand_out(),
 * with the frame that its caller gets and may forget, or building_end(). Nests. */
void building_begin(dk_context *dk);
void building_end(dk_context *dk);
dk_frame hand_out(dk_frame frame);
/* Keeps the frame until dk_forget(). */
void frame_hold(dk_frame frame);

/* The node equal to `wanted`, made if need be; its token, depth and height are filled in. The
 * `csv`, `table`, `literal` and arguments of a call are taken, also on failure. NULL: out of
 * memory. Names and texts are copied. */
const struct rowset *rowset_intern(struct expressions *expressions,
                                   const struct rowset *wanted) DK_NODISCARD;
const struct col *col_intern(struct expressions *expressions,
                             const struct col *wanted) DK_NODISCARD;
/* The frame equal to `wanted`, of which everything but the arguments of a call is copied: those are
 * taken when the frame is a good one. */
dk_frame frame_intern(dk_context *dk, const struct dk_expression *wanted);

/* The number of a new call, or of persisted rows, from 1. */
static inline uint64_t next_call(struct expressions *expressions)
{
    return atomic_fetch_add(&expressions->ncalls, 1) + 1;
}

/* For nodes with a call, which may be NULL: its bytes behind the node, a copy of it there, and
 * letting go of its arguments. (frame.c) */
size_t call_nbytes(const struct call *call);
const struct call *call_put(char **at, const struct call *wanted);
void call_release(const struct call *call);

/* A frame, series or scalar of all columns of `rows`, with these names and types. */
dk_frame frame_of_schema(dk_context *dk, const struct rowset *rows, bool is_frame, int32_t ncolumns,
                         const char *const *names, const dk_type *types);
/* The same as those of `like`. */
dk_frame frame_of_results(dk_context *dk, const struct rowset *rows,
                          const struct dk_expression *like);
/* A frame or series of all columns of `rows`, named and typed as in `table`. */
dk_frame frame_of_table(dk_context *dk, const struct rowset *rows, const dk_table *table);
/* A frame on `columns` of `rows`; names and arrays are copied. */
dk_frame frame_new(dk_context *dk, enum shape shape, const struct rowset *rows, int32_t ncolumns,
                   const char *const *names, const struct col *const *columns);
dk_frame frame_series(dk_context *dk, const struct rowset *rows, const char *name,
                      const struct col *column);
/* An expression that carries an error. */
dk_frame frame_error(dk_context *dk, const dk_error *err);
dk_frame frame_nomem(dk_context *dk);
dk_frame frame_fail(dk_context *dk, dk_status status, const char *format, ...) DK_PRINTF(3, 4);

/* What a rowset's rows are read from: itself, or what lies under its filters. */
const struct rowset *rowset_source(const struct rowset *rows);

/* The index of `rows` as a column; NULL: out of memory. */
const struct col *index_column(struct expressions *expressions,
                               const struct rowset *rows) DK_NODISCARD;
/* How many rows each group of `rows` has, as a column; NULL: out of memory. */
const struct col *size_column(struct expressions *expressions,
                              const struct rowset *rows) DK_NODISCARD;
/* `column`, of the left or right side of the joined `rows`, at their labels; NULL: out of memory.
 */
const struct col *aligned_column(struct expressions *expressions, const struct rowset *rows,
                                 const struct col *column, bool left) DK_NODISCARD;

#endif
