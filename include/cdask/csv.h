/* Options of dk_read_csv() and dk_to_csv(). All zero is the default of pandas and Dask. */
#ifndef CDASK_CSV_H
#define CDASK_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cdask/table.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A borrowed list of names: DK_NAMES("timestamp", "high"). */
typedef struct dk_names {
    const char *const *names;
    size_t count;
} dk_names;

#define DK_NAMES(...)                                                                              \
    ((dk_names){(const char *const[]){__VA_ARGS__},                                                \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)})

/* The type of one column: {"volume", DK_INT64}. */
typedef struct dk_column_type {
    const char *name;
    dk_type type;
} dk_column_type;

typedef struct dk_csv_options {
    dk_names parse_dates;        /* columns to read as timestamps; each must exist */
    const dk_column_type *dtype; /* given types, ndtype of them; they win over inference */
    size_t ndtype;
    dk_names usecols;         /* columns to keep, in file order; none: all */
    dk_names names;           /* column names; the file then has no header line, unless `header` */
    bool header;              /* with `names`: the first line is a header to be replaced */
    dk_names na_values;       /* more words that mean missing */
    bool keep_default_na_off; /* only `na_values` mean missing, and empty fields */
    char sep;                 /* 0: ',' */
    int64_t blocksize; /* bytes a partition; 0: min(64 MB, memory / cores / 10); -1: one a file */
    const char
        *include_path_column; /* name of a category column with each row's file; NULL: none */
    bool infer_all; /* types from all rows instead of a sample of the first, middle and last file */
    int64_t sample; /* bytes sampled of each sampled file; 0: 256 KiB */
    bool assume_missing; /* integer columns not given in dtype are read as float64 */
} dk_csv_options;

/* How a table or frame is written. */
typedef struct dk_to_csv_options {
    char sep;           /* 0: ',' */
    bool no_header;     /* leave the header line out */
    bool no_index;      /* leave the index column out */
    const char *na_rep; /* text of a missing value; NULL: "" */
} dk_to_csv_options;

#ifdef __cplusplus
}
#endif
#endif
