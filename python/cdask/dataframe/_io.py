"""Where dataframes come from."""
import ctypes
import os

import pandas as pd
import pyarrow as pa

from .. import _abi, _arrow, _context
from ._collections import DataFrame, Series


def name_list(words):
    """A list of words or paths as dk_names, which keeps what it points to."""
    words = [words] if isinstance(words, (str, os.PathLike)) else list(words or ())
    encoded = [os.fsencode(word) for word in words]
    return _abi.dk_names((ctypes.c_char_p * len(encoded))(*encoded), len(encoded))


UNITS = {"": 1, "B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
         "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def nbytes(size):
    """64000000 of "64MB".   Errors: ValueError."""
    if isinstance(size, int):
        return size
    text = str(size).strip()
    digits = text.rstrip("kKMGTiBb ")
    unit = text[len(digits):].strip()
    known = {name.lower(): factor for name, factor in UNITS.items()}
    try:
        return int(float(digits) * known[unit.lower()])
    except (ValueError, KeyError):
        raise ValueError(f"blocksize: cannot read {size!r} as a size like '64MB' or '16 MiB'") from None


def column_types(dtype):
    pairs = list(dtype.items())
    return (_abi.dk_column_type * len(pairs))(
        *(_abi.dk_column_type(name.encode(), _arrow.kind_of(of)) for name, of in pairs))


def read_csv(urlpath, blocksize="default", sample=256000, assume_missing=False,
             include_path_column=False, *, sep=",", delimiter=None, header="infer", names=None,
             usecols=None, dtype=None, parse_dates=None, na_values=None,
             keep_default_na=True, infer_all=False, **unknown):
    """Reads CSV files into a lazy dataframe; nothing but samples is read now.

    Follows :func:`pandas.read_csv` and :func:`dask.dataframe.read_csv`.

    Parameters
    ----------
    urlpath : str, path, or list of them
        Files and globs; the matches of a glob are sorted. gzip and zstd files are read as they are.
    blocksize : int, str or None
        Bytes a partition, as in "64MB"; None: one partition a file; "default": at most 64 MB.
    sample : int
        Bytes sampled to infer types.
    assume_missing : bool
        Integer columns that `dtype` does not name are read as float64.
    include_path_column : bool or str
        A column with each row's file, called "path" or as given.
    sep, delimiter : str
        One character.
    header : "infer", 0 or None
        None, or `names` without header: the files have no line of names.
    names : list of str, optional
        What the columns are called.
    usecols : list of str, optional
        The columns to read.
    dtype : dict of column name to dtype, optional
        Types that are not inferred.
    parse_dates : list of str
        Columns to read as timestamps.
    na_values : str or list of str
        More words that mean missing.
    keep_default_na : bool
        Whether pandas' words for missing (NA, null, nan, ...) mean missing.
    infer_all : bool
        Types from all rows instead of a sample.
    **unknown
        There are no others.

    Returns
    -------
    DataFrame
        Of one partition or more for each file; its divisions are not known.

    Raises
    ------
    FileNotFoundError
        When no file matches.
    KeyError
        For a column that no file has.
    TypeError
        For an option that is not listed above. What is found wrong while computing names file, line
        and column.
    """
    if unknown:
        raise TypeError(f"read_csv() got an unexpected keyword argument {next(iter(unknown))!r}")
    if header not in ("infer", 0, None) or (header is None and names is None):
        raise ValueError(f"header={header!r}: expected 'infer' or 0, or None together with names")
    if isinstance(parse_dates, bool) or isinstance(na_values, dict):
        raise TypeError("parse_dates and na_values are lists of names and words here")
    if dtype is not None and not hasattr(dtype, "items"):
        raise TypeError("dtype is a dict of column names to types here")
    options = _abi.dk_csv_options(names=name_list(names), usecols=name_list(usecols),
                                  parse_dates=name_list(parse_dates),
                                  na_values=name_list(na_values))
    options.header = names is not None and header == 0
    options.sep = (delimiter or sep).encode()
    options.sample, options.assume_missing, options.infer_all = sample, assume_missing, infer_all
    options.keep_default_na_off = not keep_default_na
    if blocksize != "default":
        options.blocksize = -1 if blocksize is None else nbytes(blocksize)
    if include_path_column:
        options.include_path_column = (b"path" if include_path_column is True
                                       else include_path_column.encode())
    if dtype:
        options.dtype, options.ndtype = column_types(dtype), len(dtype)
    return DataFrame(_abi.dk_read_csv_list(_context.current(), name_list(urlpath),
                                           ctypes.byref(options)))


def from_arrow(data, npartitions=1, index=None):
    """Data of any Arrow library as a lazy dataframe.

    Parameters
    ----------
    data : object with __arrow_c_stream__
        A pyarrow.Table or RecordBatchReader, a polars or DuckDB result, ... Its buffers are shared
        where the library has the same type.
    npartitions : int
        Into how many partitions of about as many rows it is cut.
    index : str, optional
        The column that becomes the index; default: the rows are numbered.

    Returns
    -------
    DataFrame

    Raises
    ------
    TypeError
        For a type that the library does not have, naming the column.
    KeyError
        For an `index` that is no column.
    """
    if not hasattr(data, "__arrow_c_stream__"):
        raise TypeError(f"from_arrow: {type(data).__name__} has no __arrow_c_stream__()")
    table = pa.table(data).combine_chunks()
    batches = table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
    return cut(_arrow.import_batch(batches[0], index), npartitions, DataFrame)


def cut(table, npartitions, made):
    """A lazy object on a table, whose reference is taken."""
    try:
        return made(_abi.dk_from_table(_context.current(), table, npartitions))
    finally:
        _abi.dk_table_unref(table)


def from_pandas(data, npartitions=None, sort=True, chunksize=None):
    """A pandas object as a lazy one, cut into partitions.

    Follows :func:`dask.dataframe.from_pandas`.

    Parameters
    ----------
    data : pandas.DataFrame or Series
        Copied. Names of columns are text; object columns hold text.
    npartitions : int, optional
        Default: 1.
    sort : bool
        Sorts by the index, if it is not sorted already.
    chunksize : int, optional
        Rows a partition, instead of `npartitions`.

    Returns
    -------
    DataFrame or Series

    Raises
    ------
    TypeError
        For another object, and for a type that the library does not have, naming the column.
    ValueError
        For both sizes, or one that makes no sense.
    """
    if not isinstance(data, (pd.DataFrame, pd.Series)):
        raise TypeError("Input must be a pandas DataFrame or Series")
    if npartitions is not None and chunksize is not None:
        raise ValueError("Exactly one of npartitions and chunksize must be specified.")
    if chunksize is not None:
        if chunksize < 1:
            raise ValueError(f"chunksize must be at least 1, not {chunksize}")
        npartitions = max(1, -(-len(data) // chunksize))
    data = data.sort_index() if sort and not data.index.is_monotonic_increasing else data.copy()
    return cut(_arrow.table(data), 1 if npartitions is None else npartitions,
               Series if isinstance(data, pd.Series) else DataFrame)
