"""Tables and pandas objects, each made from the other by the Arrow C data interface.

A table arrives as the DataFrame or Series it stands for, with its index; values are copied, so that
they may be written to. pandas' object columns must hold text.
"""
import ctypes

import numpy as np
import pandas as pd
import pyarrow as pa

from . import _abi, _context
from ._errors import call

UNNAMED = "__index_level_0__"  # the Arrow name of an index that has none


def table(data):
    """A DataFrame or Series as a table, one reference of which is the caller's.

    Errors: TypeError naming the column that has no type of the library's.
    """
    is_series = isinstance(data, pd.Series)
    batch, index = record_batch(data.to_frame("" if data.name is None else data.name)
                                if is_series else data)
    if is_series:
        batch = batch.replace_schema_metadata({"cdask.series": "1"})
    return import_batch(batch, index)


def import_batch(batch, index):
    """A pyarrow.RecordBatch as a table; `index` names the column with the labels, if there is one."""
    schema, array, out = _abi.ArrowSchema(), _abi.ArrowArray(), _abi.table_p()
    batch._export_to_c(ctypes.addressof(array), ctypes.addressof(schema))
    try:
        call(_abi.dk_table_from_arrow, _context.current(), ctypes.byref(schema),
             ctypes.byref(array), None if index is None else index.encode(), ctypes.byref(out))
    except NotImplementedError as problem:
        raise TypeError(str(problem)) from None
    return out


def record_batch(frame):
    """A DataFrame as (pyarrow.RecordBatch, name of the column with its labels or None)."""
    strange = [name for name in frame.columns if not isinstance(name, str)]
    if strange:
        raise TypeError(f"names of columns are text here, not {strange[0]!r}: "
                        "rename them with df.columns = df.columns.astype(str)")
    if isinstance(frame.index, pd.MultiIndex):
        raise TypeError("an index of several levels is not supported: use reset_index()")
    arrays = [array(frame[name], f"column {name!r}") for name in frame.columns]
    names = list(frame.columns)
    if is_numbered(frame.index):
        return pa.RecordBatch.from_arrays(arrays, names=names), None
    names.append(UNNAMED if frame.index.name is None else str(frame.index.name))
    arrays.append(array(frame.index.to_series(), "the index"))
    return pa.RecordBatch.from_arrays(arrays, names=names), names[-1]


def array(series, what):
    try:
        made = pa.Array.from_pandas(series)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as problem:
        raise TypeError(f"{what} of type {series.dtype}: {problem}") from None
    made = made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made
    if pa.types.is_null(made.type):  # an object column in which everything is missing
        made = made.cast(pa.large_string() if series.dtype == object else pa.float64())
    return made


def is_numbered(index):
    """Whether the rows are just counted from 0."""
    return (isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1
            and index.name is None)


def batch_of(handle):
    """The table as a pyarrow.RecordBatch, its labels last."""
    schema, array = _abi.ArrowSchema(), _abi.ArrowArray()
    call(_abi.dk_table_to_arrow, handle, ctypes.byref(schema), ctypes.byref(array))
    return pa.RecordBatch._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))


def values(column):
    """An Arrow array as pandas has it: a numpy array that can be written to, else an extension's."""
    kind = column.type
    if pa.types.is_integer(kind) and column.null_count:
        column = column.cast(pa.float64(), safe=False)  # rounded, as pandas does
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_temporal(kind):
        return column.to_numpy(zero_copy_only=False, writable=True)
    if pa.types.is_boolean(kind) and not column.null_count:
        return column.to_numpy(zero_copy_only=False, writable=True)
    series = column.to_pandas()
    if series.dtype == "category" and not len(series.cat.categories):
        series = series.cat.set_categories(pd.Index([], dtype="str"))  # Arrow forgets that it is text
    return series.array


def pandas(handle):
    """The DataFrame or Series that a table stands for."""
    batch = batch_of(handle)
    metadata = batch.schema.metadata or {}
    names, columns = list(batch.schema.names), [values(column) for column in batch.columns]
    index = pd.RangeIndex(batch.num_rows)
    if b"cdask.index" in metadata:
        name = names.pop()
        index = pd.Index(columns.pop(), name=None if name == UNNAMED else name)
    if metadata.get(b"cdask.series") == b"1":
        return pd.Series(columns[0], index=index, name=names[0] or None, copy=False)
    frame = pd.DataFrame(dict(enumerate(columns)), index=index, copy=False)
    frame.columns = pd.Index(names, dtype="str")
    return frame


DTYPES = {_abi.DK_TIMESTAMP: np.dtype("datetime64[ns]"), _abi.DK_DURATION: np.dtype("timedelta64[ns]"),
          _abi.DK_TEXT: pd.Series([], dtype="str").dtype, _abi.DK_CATEGORY: pd.CategoricalDtype()}


def dtype(kind):
    """pandas' dtype for a dk_type."""
    found = DTYPES.get(kind)
    return np.dtype(_abi.dk_type_name(kind).decode()) if found is None else found


def kind_of(dtype):
    """The dk_type for whatever pandas takes for a dtype.   Errors: TypeError."""
    if dtype in (str, "str", "string", "object", object):
        return _abi.DK_TEXT
    dtype = pd.api.types.pandas_dtype(dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        return _abi.DK_CATEGORY
    if dtype.kind in "mM":
        return _abi.DK_TIMESTAMP if dtype.kind == "M" else _abi.DK_DURATION
    for kind in range(_abi.DK_TYPE_COUNT):
        if _abi.dk_type_name(kind).decode() == str(dtype):
            return kind
    raise TypeError(f"no type for {dtype}: expected one of "
                    + ", ".join(_abi.dk_type_name(kind).decode() for kind in range(_abi.DK_TYPE_COUNT)))
