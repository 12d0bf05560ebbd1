"""The C API of libcdask.so as the tests need it: pandas objects in, pandas objects out.

Frames and tables are thin handles, an error of the library is an Error with its status by name.
$CDASK_BUILD is the build whose library is loaded (default build/release).
"""
import ctypes
import os
import pathlib

import pandas as pd
import pyarrow as pa

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CDASK_BUILD") or "build/release")
LIBRARY = ctypes.CDLL(str(ROOT / BUILD / "lib" / "libcdask.so"))

TYPES = ["bool", "int8", "int16", "int32", "int64", "uint64", "float32", "float64",
         "datetime64[ns]", "timedelta64[ns]", "str", "category"]
AGGREGATES = ["sum", "min", "max", "mean", "count", "first", "last", "std", "var", "nunique", "size"]
OPERATORS = ["add", "sub", "mul", "div", "floordiv", "mod", "pow", "eq", "ne", "lt", "le", "gt", "ge",
             "and", "or", "xor"]
UNARY = ["neg", "abs", "not", "isna", "notna"]
NULL, BOOL, INT, FLOAT, TEXT = range(5)  # dk_kind

pointer, text, int32, int64 = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32, ctypes.c_int64
flag = ctypes.c_bool


class c_error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("line", int64), ("key", ctypes.c_char * 128),
                ("message", ctypes.c_char * 1024)]


class c_options(ctypes.Structure):
    _fields_ = [("allocator", pointer), ("memory_limit", int64), ("scheduler", text),
                ("num_workers", int32), ("fork_hooks", pointer)]


class c_memory(ctypes.Structure):
    _fields_ = [("current", int64), ("peak", int64), ("limit", int64), ("blocks", int64)]


class c_names(ctypes.Structure):
    _fields_ = [("names", ctypes.POINTER(text)), ("count", ctypes.c_size_t)]


class c_column_type(ctypes.Structure):
    _fields_ = [("name", text), ("type", ctypes.c_int)]


class c_csv_options(ctypes.Structure):
    _fields_ = [("parse_dates", c_names), ("dtype", ctypes.POINTER(c_column_type)),
                ("ndtype", ctypes.c_size_t), ("usecols", c_names), ("names", c_names),
                ("header", flag), ("na_values", c_names), ("keep_default_na_off", flag),
                ("sep", ctypes.c_char), ("blocksize", int64), ("include_path_column", text),
                ("infer_all", flag), ("sample", int64), ("assume_missing", flag)]


class c_to_csv_options(ctypes.Structure):
    _fields_ = [("sep", ctypes.c_char), ("no_header", flag), ("no_index", flag), ("na_rep", text)]


class c_print_options(ctypes.Structure):
    _fields_ = [("max_rows", int32), ("min_rows", int32), ("width", int32)]


class c_frame(ctypes.Structure):
    _fields_ = [("dk", pointer), ("expression", pointer)]


class c_value(ctypes.Structure):  # the union as its bits: ctypes passes no union by value
    _fields_ = [("kind", ctypes.c_int), ("bits", ctypes.c_uint64)]


class c_get_options(ctypes.Structure):
    _fields_ = [("num_workers", int32), ("callbacks", pointer), ("ncallbacks", ctypes.c_size_t),
                ("profile", pointer), ("cancel", pointer), ("no_fuse", flag),
                ("raised", pointer), ("client", pointer), ("submit", pointer)]


class c_compute_options(ctypes.Structure):
    _fields_ = [("scheduler", text), ("get", pointer), ("run", c_get_options),
                ("error", ctypes.POINTER(c_error))]


error_pointer = ctypes.POINTER(c_error)
status = ctypes.c_int


def declare(name, result, *arguments):
    function = getattr(LIBRARY, "dk_" + name)
    function.restype, function.argtypes = result, arguments
    return function


status_name = declare("status_name", text, status)
open_with = declare("open_with", status, pointer, ctypes.POINTER(pointer), error_pointer)
close = declare("close", None, pointer)
context_memory = declare("context_memory", c_memory, pointer)
read_csv = declare("read_csv", c_frame, pointer, text, ctypes.POINTER(c_csv_options))
read_csv_list = declare("read_csv_list", c_frame, pointer, c_names, ctypes.POINTER(c_csv_options))
table_from_arrow = declare("table_from_arrow", status, pointer, pointer, pointer, text,
                           ctypes.POINTER(pointer), error_pointer)
table_to_arrow = declare("table_to_arrow", status, pointer, pointer, pointer, error_pointer)
table_unref = declare("table_unref", None, pointer)
table_nrows = declare("table_nrows", int64, pointer)
table_format = declare("table_format", status, pointer, ctypes.POINTER(c_print_options),
                       ctypes.POINTER(pointer), error_pointer)
table_to_csv = declare("table_to_csv", status, pointer, text, ctypes.POINTER(c_to_csv_options),
                       error_pointer)
text_free = declare("text_free", None, pointer)
from_table = declare("from_table", c_frame, pointer, pointer, int32)
literals = {bool: declare("bool", c_frame, pointer, flag),
            int: declare("int", c_frame, pointer, int64),
            float: declare("float", c_frame, pointer, ctypes.c_double),
            str: declare("text", c_frame, pointer, text)}
frame_col = declare("col", c_frame, c_frame, text)
frame_select = declare("select", c_frame, c_frame, c_names)
frame_assign = declare("assign", c_frame, c_frame, text, c_frame)
frame_rename = declare("rename", c_frame, c_frame, text)
frame_filter = declare("filter", c_frame, c_frame, c_frame)
operators = {name: declare(name, c_frame, c_frame, c_frame) for name in OPERATORS}
unary = {name: declare(name, c_frame, c_frame) for name in UNARY + AGGREGATES}
frame_astype = declare("astype", c_frame, c_frame, ctypes.c_int)
rounding = {name: declare("dt_" + name, c_frame, c_frame, text) for name in ("round", "floor", "ceil")}
frame_dt = declare("dt", c_frame, c_frame, text)
frame_aggregate = declare("aggregate", c_frame, c_frame, text)
frame_groupby = declare("groupby", c_frame, c_frame, c_frame)
frame_groupby_column = declare("groupby_column", c_frame, c_frame, text)
frame_error = declare("frame_error", error_pointer, c_frame)
frame_npartitions = declare("frame_npartitions", int32, c_frame)
frame_ncolumns = declare("frame_ncolumns", int32, c_frame)
frame_column_name = declare("frame_column_name", text, c_frame, int32)
frame_column_type = declare("frame_column_type", ctypes.c_int, c_frame, int32)
frame_format = declare("frame_format", status, c_frame, ctypes.POINTER(pointer), error_pointer)
explain_frames = declare("explain", status, ctypes.POINTER(c_frame), ctypes.c_size_t,
                         ctypes.POINTER(pointer), error_pointer)
compute_many = declare("compute_many", status, ctypes.POINTER(c_frame), ctypes.c_size_t,
                       ctypes.POINTER(c_compute_options), ctypes.POINTER(pointer))
compute_values = declare("compute_values", status, ctypes.POINTER(c_frame), ctypes.c_size_t,
                         ctypes.POINTER(c_compute_options), ctypes.POINTER(c_value))
frame_head = declare("head", status, c_frame, int64, ctypes.POINTER(c_compute_options),
                     ctypes.POINTER(pointer))
frame_graph = declare("frame_graph", status, ctypes.POINTER(c_frame), ctypes.c_size_t,
                      ctypes.POINTER(pointer), ctypes.POINTER(ctypes.c_uint32), error_pointer)
graph_ntasks = declare("graph_ntasks", ctypes.c_size_t, pointer)
graph_free = declare("graph_free", None, pointer)
value_data = declare("value_data", pointer, c_value, ctypes.POINTER(ctypes.c_size_t))
value_unref = declare("value_unref", None, c_value)


class Error(Exception):
    """What the library filled in: `status` ("DK_EPARSE"), `message`, `line`, `key`."""

    def __init__(self, error):
        self.status = status_name(error.status).decode()
        self.message = error.message.decode()
        self.line, self.key = error.line, error.key.decode()
        super().__init__(f"{self.status}: {self.message}")


def check(code, error):
    if code < 0:
        assert error.status == code, "the error object says what the function returned"
        raise Error(error)


def encoded(word):
    return None if word is None else os.fsencode(word)


def names(words):
    words = [words] if isinstance(words, str) else list(words)
    return c_names((text * len(words))(*map(encoded, words)), len(words))


def taken_text(address):
    """The string a function returned, as Python's; the library's copy is freed."""
    try:
        return ctypes.string_at(address).decode()
    finally:
        text_free(address)


class Context:
    """dk_context: reads files, takes pandas objects, holds the expressions made from them."""

    def __init__(self, scheduler=None, num_workers=0, memory_limit=0):
        options = c_options(None, memory_limit, encoded(scheduler), num_workers)
        self.handle, error = pointer(), c_error()
        check(open_with(ctypes.byref(options), ctypes.byref(self.handle), error), error)

    def close(self):
        close(self.handle)
        self.handle = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def memory(self):
        return context_memory(self.handle)

    def read_csv(self, paths, **options):
        """dk_read_csv() for one path, dk_read_csv_list() for several; the options by their C names."""
        options = csv_options(**options)
        if isinstance(paths, (str, os.PathLike)):
            return Frame(self, read_csv(self.handle, encoded(paths), options))
        return Frame(self, read_csv_list(self.handle, names(map(os.fspath, paths)), options))

    def table(self, frame):
        """A pandas DataFrame as a table; its index too, unless the rows are just numbered."""
        numbered = isinstance(frame.index, pd.RangeIndex) and frame.index.equals(
            pd.RangeIndex(len(frame))) and frame.index.name is None
        batch = pa.RecordBatch.from_pandas(frame, preserve_index=not numbered)
        index = None if numbered else encoded(batch.schema.names[-1])
        with ArrowPair() as (schema, array):
            batch._export_to_c(array, schema)
            out, error = pointer(), c_error()
            check(table_from_arrow(self.handle, schema, array, index, ctypes.byref(out), error), error)
        return Table(out)

    def from_pandas(self, data, npartitions=1):
        """dk_from_table() of a DataFrame, or of a Series as one column of it."""
        frame = data if isinstance(data, pd.DataFrame) else data.to_frame("x" if data.name is None
                                                                         else data.name)
        table = self.table(frame)
        made = Frame(self, from_table(self.handle, table.handle, npartitions))
        return made if isinstance(data, pd.DataFrame) else made[frame.columns[0]]

    def literal(self, value):
        if isinstance(value, Frame):
            return value.handle
        value = encoded(value) if isinstance(value, str) else value
        kind = str if isinstance(value, bytes) else type(value)
        return literals[kind](self.handle, value)


def csv_options(**given):
    options = c_csv_options()
    for name, value in given.items():
        if name == "dtype":
            value = (c_column_type * len(value))(*((encoded(column), TYPES.index(of))
                                                   for column, of in value.items()))
            options.ndtype = len(value)
        elif name in ("parse_dates", "usecols", "names", "na_values"):
            value = names(value)
        elif name in ("sep", "include_path_column"):
            value = encoded(value)
        setattr(options, name, value)
    return options


class ArrowPair:
    """Room for an ArrowSchema (72 bytes) and an ArrowArray (80), as addresses."""

    def __enter__(self):
        self.schema, self.array = ctypes.create_string_buffer(72), ctypes.create_string_buffer(80)
        return ctypes.addressof(self.schema), ctypes.addressof(self.array)

    def __exit__(self, *exception):
        pass


def pandas_series(array):
    series = array.to_pandas()
    if series.dtype == "category" and not len(series.cat.categories):  # pyarrow forgets that it is text
        series = series.cat.set_categories(pd.Index([], dtype="str"))
    return series


class Table:
    """dk_table: one reference, dropped with the object."""

    def __init__(self, handle):
        self.handle = handle

    def __del__(self):
        table_unref(self.handle)

    def __len__(self):
        return table_nrows(self.handle)

    def to_arrow(self):
        with ArrowPair() as (schema, array):
            error = c_error()
            check(table_to_arrow(self.handle, schema, array, error), error)
            return pa.RecordBatch._import_from_c(array, schema)

    def to_pandas(self):
        batch = self.to_arrow()
        metadata = batch.schema.metadata or {}
        columns = [pandas_series(batch.column(i)) for i in range(batch.num_columns)]
        labels = list(batch.schema.names)
        index = pd.RangeIndex(batch.num_rows)
        if b"cdask.index" in metadata:
            assert labels[-1] == metadata[b"cdask.index"].decode()
            name = labels.pop()
            index = pd.Index(columns.pop())
            index.name = None if name == "__index_level_0__" else name
        for column in columns:
            column.index = index
        if metadata.get(b"cdask.series") == b"1":
            return columns[0].rename(labels[0] or None)
        frame = pd.DataFrame(dict(enumerate(columns)), index=index)
        frame.columns = pd.Index(labels, dtype="str")
        return frame

    def format(self, max_rows=0, min_rows=0, width=0):
        out, error = pointer(), c_error()
        check(table_format(self.handle, c_print_options(max_rows, min_rows, width),
                           ctypes.byref(out), error), error)
        return taken_text(out)

    def to_csv(self, path, sep=b"\0", no_header=False, no_index=False, na_rep=None):
        error = c_error()
        options = c_to_csv_options(encoded(sep), no_header, no_index, encoded(na_rep))
        check(table_to_csv(self.handle, encoded(path), options, error), error)


class Frame:
    """dk_frame: a frame, series, scalar or groupby. Methods are the functions of frame.h."""

    def __init__(self, context, handle):
        self.context, self.handle = context, handle

    def made(self, handle):
        return Frame(self.context, handle)

    def __getitem__(self, key):
        if isinstance(key, Frame):
            return self.made(frame_filter(self.handle, key.handle))
        if isinstance(key, str):
            return self.made(frame_col(self.handle, encoded(key)))
        return self.made(frame_select(self.handle, names(key)))

    def assign(self, **series):
        frame = self
        for name, one in series.items():
            frame = self.made(frame_assign(frame.handle, encoded(name), self.context.literal(one)))
        return frame

    def rename(self, name):
        return self.made(frame_rename(self.handle, encoded(name)))

    def operate(self, name, other):
        return self.made(operators[name](self.handle, self.context.literal(other)))

    def roperate(self, name, other):
        return self.made(operators[name](self.context.literal(other), self.handle))

    def astype(self, of):
        return self.made(frame_astype(self.handle, TYPES.index(of)))

    def dt_round(self, freq):
        return self.made(rounding["round"](self.handle, encoded(freq)))

    def dt_floor(self, freq):
        return self.made(rounding["floor"](self.handle, encoded(freq)))

    def dt_ceil(self, freq):
        return self.made(rounding["ceil"](self.handle, encoded(freq)))

    def dt(self, field):
        return self.made(frame_dt(self.handle, encoded(field)))

    def groupby(self, key):
        if isinstance(key, str):
            return self.made(frame_groupby_column(self.handle, encoded(key)))
        return self.made(frame_groupby(self.handle, key.handle))

    def aggregate(self, name):
        return self.made(frame_aggregate(self.handle, encoded(name)))

    @property
    def error(self):
        error = frame_error(self.handle)
        return Error(error.contents) if error else None

    @property
    def npartitions(self):
        return frame_npartitions(self.handle)

    @property
    def columns(self):
        found = (frame_column_name(self.handle, i) for i in range(frame_ncolumns(self.handle)))
        return [name.decode() if name is not None else None for name in found]

    @property
    def dtypes(self):
        return [TYPES[frame_column_type(self.handle, i)] for i in range(frame_ncolumns(self.handle))]

    def format(self):
        out, error = pointer(), c_error()
        check(frame_format(self.handle, ctypes.byref(out), error), error)
        return taken_text(out)

    def explain(self):
        out, error = pointer(), c_error()
        check(explain_frames(ctypes.byref(self.handle), 1, ctypes.byref(out), error), error)
        return taken_text(out)

    def table(self, **how):
        return compute_tables([self], **how)[0]

    def compute(self, **how):
        return self.table(**how).to_pandas()

    def value(self, **how):
        return compute_scalars([self], **how)[0]

    def head(self, n=5, **how):
        error, out = c_error(), pointer()
        check(frame_head(self.handle, n, compute_options(error, **how), ctypes.byref(out)), error)
        return Table(out).to_pandas()


def dunder(name, other=None):
    def forward(self, right):
        return self.operate(name, right)

    def backward(self, left):
        return self.roperate(name, left)
    setattr(Frame, f"__{other or name}__", forward)
    if name not in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Frame, f"__r{other or name}__", backward)


for _name in OPERATORS:
    dunder(_name, {"div": "truediv"}.get(_name))
for _name in UNARY + AGGREGATES:
    setattr(Frame, {"neg": "__neg__", "abs": "__abs__", "not": "__invert__"}.get(_name, _name),
            lambda self, function=unary[_name]: self.made(function(self.handle)))


def frames_array(frames):
    return (c_frame * len(frames))(*(frame.handle for frame in frames))


def compute_options(error, scheduler=None, num_workers=0):
    run = c_get_options(num_workers=num_workers)
    return c_compute_options(encoded(scheduler), None, run, ctypes.pointer(error))


def compute_tables(frames, **how):
    """dk_compute_many()."""
    error, out = c_error(), (pointer * len(frames))()
    check(compute_many(frames_array(frames), len(frames), compute_options(error, **how), out), error)
    return [Table(pointer(table)) for table in out]


def compute_all(frames, **how):
    return [table.to_pandas() for table in compute_tables(frames, **how)]


def compute_scalars(frames, **how):
    """dk_compute_values() of scalars, as Python's None, bool, int, float and str."""
    error, out = c_error(), (c_value * len(frames))()
    check(compute_values(frames_array(frames), len(frames), compute_options(error, **how), out), error)
    return [python_value(value) for value in out]


def python_value(value):
    try:
        bits = value.bits.to_bytes(8, "little")
        if value.kind == NULL:
            return None
        if value.kind == BOOL:
            return bits[0] == 1
        if value.kind == INT:
            return int64.from_buffer_copy(bits).value
        if value.kind == FLOAT:
            return ctypes.c_double.from_buffer_copy(bits).value
        assert value.kind == TEXT, f"kind {value.kind} is no scalar"
        nbytes = ctypes.c_size_t()
        data = value_data(value, ctypes.byref(nbytes))
        return ctypes.string_at(data, nbytes.value).decode()
    finally:
        value_unref(value)


def ntasks(*frames):
    """How many tasks the graph of `frames` has."""
    graph, keys, error = pointer(), (ctypes.c_uint32 * len(frames))(), c_error()
    check(frame_graph(frames_array(frames), len(frames), ctypes.byref(graph), keys, error), error)
    try:
        return graph_ntasks(graph)
    finally:
        graph_free(graph)
