"""DataFrame, Series, Scalar, and what groupby gives: pandas' names over the library's expressions.

Nothing here computes values: every operation is a function of the library, which knows names, types
and errors. What pandas has and this has not is missing here too, as an AttributeError.
"""
import datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from .. import (_abi, _arrow, _collections, _compute, _context, _errors, _lifetime, _tasks,
                _values)


def literal(value):
    """A Python scalar as a C literal.   Errors: TypeError, OverflowError beyond 64 bits."""
    make = LITERALS.get(type(value))
    if make is not None:
        return make(_context.current(), value)
    if isinstance(value, (datetime.date, np.datetime64)) and value is not pd.NaT:
        value = pd.Timestamp(value)
        if value.tzinfo is not None:
            raise TypeError("Cannot compare tz-naive and tz-aware datetime-like objects")
        return _abi.dk_timestamp(_context.current(), value.as_unit("ns").value)
    if isinstance(value, (datetime.timedelta, np.timedelta64)):
        return _abi.dk_duration(_context.current(), pd.Timedelta(value).as_unit("ns").value)
    if isinstance(value, np.generic) and type(value.item()) in LITERALS:
        return literal(value.item())
    for kind in (int, float, str):
        if isinstance(value, kind):
            return literal(kind(value))
    raise TypeError(f"cannot combine a lazy object with {type(value).__name__}")


def integer(context, value):
    if not -2**63 <= value < 2**63:
        raise OverflowError(f"{value} does not fit into 64 bits")
    return _abi.dk_int(context, value)


LITERALS = {bool: _abi.dk_bool, int: integer, float: _abi.dk_float,
            str: lambda context, value: _abi.dk_text(context, value.encode())}


def operand(value):
    """Something lazy: `value`, or a literal that is forgotten when the operation is built."""
    return value if isinstance(value, _lifetime.Lazy) else _lifetime.Lazy(literal(value))


def refuse(function, given, **accepted):
    """Parameters of pandas that have only one value here.   Errors: NotImplementedError, TypeError."""
    for name, value in given.items():
        if name not in accepted:
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
        if value not in accepted[name]:
            expected = " or ".join(map(repr, accepted[name]))
            raise NotImplementedError(f"{function}({name}={value!r}): only {expected} is supported")


class Collection(_lifetime.Lazy):
    """What DataFrame, Series, Row and Scalar share."""

    __slots__ = ()
    __hash__ = object.__hash__
    __array_ufunc__ = None  # numpy scalars leave operators to us

    def compute(self, **options):
        """Computes the result.

        Parameters
        ----------
        **options
            `scheduler`, `get` and `num_workers` as in :func:`cdask.compute`.

        Returns
        -------
        pandas.DataFrame, pandas.Series, or scalar
            All partitions, in their order. Memory of the caller's own, but for text, which is shared.

        Raises
        ------
        Exception
            What the computation finds wrong, of the classes that pandas and Dask raise, with the
            file, line, column or task it concerns; KeyboardInterrupt after Ctrl-C.
        """
        return _compute.compute([self], **options)[0]

    def persist(self, **options):
        """Computes now and keeps the result, in as many partitions: in memory, or on the cluster of
        an open client, which this does not wait for.

        Follows :meth:`dask.dataframe.DataFrame.persist`.

        Parameters
        ----------
        **options
            `scheduler`, `get` and `num_workers` as in :func:`cdask.compute`.

        Returns
        -------
        The same class
        """
        return _compute.persist([self], **options)[0]

    def _kept(self, frame):
        return type(self)(frame)

    def visualize(self, filename="mydask", **options):
        """Draws the tasks.

        Parameters
        ----------
        filename : str or None
        **options
            As in :func:`cdask.visualize`.

        Returns
        -------
        As :func:`cdask.visualize`.
        """
        return _collections.visualize(self, filename=filename, **options)

    def explain(self):
        """The expression as written and the plan that is run.

        Returns
        -------
        str
        """
        return _collections.explain(self)

    @property
    def npartitions(self):
        """How many partitions there are, an int: each is a task, at least."""
        return _abi.dk_frame_npartitions(self._frame)

    @property
    def divisions(self):
        """The bounds of the partitions in the index, a tuple of npartitions + 1 labels: partition i
        holds those from the i-th to the next, the last one included; None where not known."""
        import ctypes
        out = _abi.table_p()
        _errors.call(_abi.dk_frame_divisions, self._frame, ctypes.byref(out))
        if not out:
            return (None,) * (self.npartitions + 1)
        try:
            return tuple(_arrow.pandas(out).tolist())
        finally:
            _abi.dk_table_unref(out)

    @property
    def known_divisions(self):
        """Whether `divisions` are known."""
        return self.divisions[0] is not None

    def __repr__(self):
        return _errors.text(_abi.dk_frame_format, self._frame).rstrip("\n")

    def __bool__(self):
        raise ValueError(f"The truth value of a {type(self).__name__} is ambiguous. "
                         "Use a.any() or a.all().")

    def _names(self):
        count = _abi.dk_frame_ncolumns(self._frame)
        names = (_abi.dk_frame_column_name(self._frame, i) for i in range(count))
        return [None if name is None else name.decode() for name in names]

    def _types(self):
        return [_arrow.dtype(_abi.dk_frame_column_type(self._frame, i))
                for i in range(_abi.dk_frame_ncolumns(self._frame))]

    def _like(self, frame):
        """What an operation on this and another gives."""
        return type(self)(frame)

    def isna(self):
        """Whether each value is missing: NaN, NaT, None.

        Returns
        -------
        The same class, of bools
        """
        return self._like(_abi.dk_isna(self._frame))

    def notna(self):
        """Whether each value is there.

        Returns
        -------
        The same class, of bools
        """
        return self._like(_abi.dk_notna(self._frame))

    isnull, notnull = isna, notna

    def abs(self):
        """Absolute values.

        Returns
        -------
        The same class
        """
        return self._like(_abi.dk_abs(self._frame))


RANK = {"DataFrame": 3, "Series": 2, "Row": 1, "Scalar": 0}


def result_type(a, b):
    """The class of `a op b`: the one of more dimensions."""
    if not isinstance(b, Collection):
        return type(a)
    return type(a) if RANK[type(a).__name__] >= RANK[type(b).__name__] else type(b)


OPERATOR = """The values of ``{operation}``.

Follows :meth:`pandas.Series.{name}`, without its parameters.

Parameters
----------
other : DataFrame, Series, Scalar, or scalar
    Of the same rows, or of others: then rows meet by label. Columns meet by name.

Returns
-------
DataFrame, Series, Row or Scalar
    Of two the class with more dimensions.

Raises
------
TypeError
    For types that have no such operation.
"""


def define_operators():
    def forward(function):
        def method(self, other):
            try:
                right = operand(other)
            except TypeError:
                return NotImplemented
            return result_type(self, other)(function(self._frame, right._frame))
        return method

    def backward(function):
        def method(self, other):
            try:
                left = operand(other)
            except TypeError:
                return NotImplemented
            return type(self)(function(left._frame, self._frame))
        return method

    def named(function, name, symbol):
        def method(self, other):
            right = operand(other)
            return result_type(self, other)(function(self._frame, right._frame))
        method.__name__ = name
        method.__doc__ = OPERATOR.format(operation=f"self {symbol} other", name=name)
        return method

    def named_backward(function, name, symbol):
        def method(self, other):
            left = operand(other)
            return type(self)(function(left._frame, self._frame))
        method.__name__ = f"r{name}"
        method.__doc__ = OPERATOR.format(operation=f"other {symbol} self", name=f"r{name}")
        return method

    symbols = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%",
               "pow": "**", "and": "&", "or": "|", "xor": "^", "eq": "==", "ne": "!=", "lt": "<",
               "le": "<=", "gt": ">", "ge": ">="}
    for name, symbol in symbols.items():
        function = getattr(_abi, f"dk_{'div' if name == 'truediv' else name}")
        if name in ("eq", "ne", "lt", "le", "gt", "ge"):
            # Not by way of NotImplemented, for which Python compares by identity.
            setattr(Collection, f"__{name}__", named(function, name, symbol))
            setattr(Collection, name, named(function, name, symbol))
            continue
        setattr(Collection, f"__{name}__", forward(function))
        setattr(Collection, f"__r{name}__", backward(function))
        if name not in ("and", "or", "xor"):
            setattr(Collection, name, named(function, name, symbol))
            setattr(Collection, f"r{name}", named_backward(function, name, symbol))
    Collection.div, Collection.divide = Collection.truediv, Collection.truediv
    Collection.subtract, Collection.multiply = Collection.sub, Collection.mul
    for name, function in {"neg": _abi.dk_neg, "invert": _abi.dk_not, "abs": _abi.dk_abs}.items():
        setattr(Collection, f"__{name}__",
                lambda self, function=function: type(self)(function(self._frame)))


AGGREGATES = {"sum": "Sums", "min": "Least values", "max": "Greatest values", "mean": "Means",
              "count": "How many values are there", "std": "Standard deviations (n - 1)",
              "var": "Variances (n - 1)", "nunique": "How many different values there are",
              "first": "First values", "last": "Last values"}


REDUCTION = """{what}, missing ones left out.

Follows :meth:`pandas.{follows}`.

Parameters
----------
axis, skipna, numeric_only, **others
    Taken with pandas' default values only.

Returns
-------
{made}

Raises
------
TypeError
    For a type that cannot be aggregated so, naming the column.
NotImplementedError
    For other parameters.
"""


def define_reductions(of, made, words):
    """Methods of `of` that give a `made`: one value for all rows."""
    def reduction(name):
        function = getattr(_abi, f"dk_{name}")

        def method(self, axis=None, skipna=True, numeric_only=False, **others):
            refuse(name, {"axis": axis, "skipna": skipna, "numeric_only": numeric_only, **others},
                   axis=(None, 0, "index"), skipna=(True,), numeric_only=(False, None), ddof=(1,),
                   split_every=(None, False))
            return made(function(self._frame))
        method.__name__ = name
        method.__doc__ = REDUCTION.format(what=f"{AGGREGATES[name]} of {words}", made=made.__name__,
                                          follows=f"{of.__name__}.{name}")
        return method

    for name in AGGREGATES:
        if name not in ("first", "last"):
            setattr(of, name, reduction(name))


def first_value(series):
    return series.iloc[0]


def first_row(table):
    row = table.iloc[0]
    row.name = None
    return row


class Scalar(Collection):
    """One value that is not computed yet."""

    __slots__ = ()
    _received = staticmethod(first_value)

    def _finish_part(self, thing):
        return self._finish(first_value(thing))

    @property
    def dtype(self):
        """The type of the value."""
        return self._types()[0]

    def _finish(self, value):
        if value is None:
            return pd.NaT if self.dtype.kind in "mM" else None if self.dtype == "str" else float("nan")
        if self.dtype.kind == "M":
            return pd.Timestamp(value)
        if self.dtype.kind == "m":
            return pd.Timedelta(value)
        return self.dtype.type(value) if hasattr(self.dtype, "itemsize") and self.dtype.kind in "biuf" \
            else value

    def __repr__(self):
        return f"<cdask.dataframe.Scalar: name={self._names()[0]}, dtype={self.dtype}>"

    def __float__(self):
        return float(self.compute())

    def __int__(self):
        return int(self.compute())


class Row(Collection):
    """What a reduction of a dataframe gives: computed, a Series with an entry for each column."""

    __slots__ = ()
    _received = staticmethod(first_row)

    @property
    def index(self):
        """The names of the columns, which are the labels here."""
        return pd.Index(self._names(), dtype="str")

    def _finish(self, table):
        return first_row(table)

    def __getitem__(self, name):
        return Scalar(_abi.dk_col(self._frame, name.encode()))

    def __repr__(self):
        entries = "\n".join(f"{name}    {dtype}" for name, dtype in zip(self._names(), self._types()))
        return f"Dask Series Structure:\nnpartitions=1\n{entries}"


class Rows(Collection):
    """What DataFrame and Series share: many rows."""

    __slots__ = ()

    def __len__(self):
        return int(Scalar(_abi.dk_size(self._frame)).compute())

    def head(self, n=5, npartitions=1, compute=True, **options):
        """The first rows of the first partition, now. Reads no more than they need.

        Follows :meth:`dask.dataframe.DataFrame.head`.

        Parameters
        ----------
        n : int
            How many rows; fewer if the first partition has fewer.
        npartitions : 1
        compute : True
        **options
            `scheduler`, `get` and `num_workers` as in :func:`cdask.compute`.

        Returns
        -------
        pandas.DataFrame or pandas.Series
        """
        refuse("head", {"npartitions": npartitions, "compute": compute}, npartitions=(1,),
               compute=(True,))
        table = _compute.head(self._frame, n, **options)
        try:
            return _arrow.pandas(table)
        finally:
            _abi.dk_table_unref(table)

    def astype(self, dtype):
        """The values as another type.

        Follows :meth:`pandas.DataFrame.astype`.

        Parameters
        ----------
        dtype : str, type or dtype
            Of a dataframe also a dict of these by the names of columns.

        Returns
        -------
        The same class

        Raises
        ------
        TypeError
            For a type that the library does not have, or when values cannot become one. A value
            that does not fit is an error when it is computed.
        """
        if not hasattr(dtype, "items"):
            return self._like(_abi.dk_astype(self._frame, _arrow.kind_of(dtype)))
        return self.assign(**{name: self[name].astype(of) for name, of in dtype.items()})

    def map_partitions(self, func, *args, meta=None, **kwargs):
        """The results of a function that is called with every partition.

        Follows :meth:`dask.dataframe.DataFrame.map_partitions`.

        Parameters
        ----------
        func : callable
            ``func(partition, *args, **kwargs)`` with a pandas object gives a DataFrame, a Series, or
            a scalar; scalars become the rows of a Series.
        *args
            For `func`. Nothing lazy.
        meta : DataFrame, Series, or scalar, optional
            An empty or small example of what `func` gives. Default: `func` is tried on two rows of
            made-up values of the right types.
        **kwargs
            As `args`.

        Returns
        -------
        DataFrame or Series
            Of as many partitions.

        Raises
        ------
        ValueError
            When `func` fails with made-up values.
        NotImplementedError
            For lazy arguments.
        """
        if any(isinstance(one, _lifetime.Lazy) for one in (*args, *kwargs.values())):
            raise NotImplementedError("map_partitions() calls a function with the partitions of one "
                                      "dataframe; compute() the others first")
        if meta is None:
            meta = inferred_meta(self._example(), func, args, kwargs)
        table = _arrow.table(as_meta(meta))
        call = _tasks.Call(func, (_tasks.Slot(0), *args), kwargs, True)
        value = _values.object_value(call)
        try:
            made = _abi.dk_map_partitions(self._frame, _tasks.register(func), value, 1, table)
        finally:
            _abi.dk_table_unref(table)
        return DataFrame(made) if isinstance(meta, pd.DataFrame) else Series(made)

    def groupby(self, by, sort=True, dropna=True, group_keys=True, observed=None):
        """Groups of rows with the same key.

        Follows :meth:`pandas.DataFrame.groupby`.

        Parameters
        ----------
        by : Series, str, or list with one of these
            A series of the same rows, or the name of a column.
        sort, dropna : True
            Results are sorted by key, and missing keys are left out.
        group_keys, observed
            Make no difference here.

        Returns
        -------
        GroupBy

        Raises
        ------
        KeyError
            For a column that there is not.
        NotImplementedError
            For several keys, and other values of `sort` and `dropna`.
        """
        refuse("groupby", {"sort": sort, "dropna": dropna}, sort=(True, None), dropna=(True, None))
        if isinstance(by, list):
            if len(by) != 1:
                raise NotImplementedError("groupby by several keys is not supported")
            by = by[0]
        if isinstance(by, Series):
            return GroupBy(_abi.dk_groupby(self._frame, by._frame), isinstance(self, Series))
        if not isinstance(by, str) or not isinstance(self, DataFrame):
            raise TypeError(f"groupby: expected a series or the name of a column, not {by!r}")
        return GroupBy(_abi.dk_groupby_column(self._frame, by.encode()), False)

    def __dask_tokenize__(self):
        return _errors.text(_abi.dk_frame_format, self._frame)

    def to_arrow(self, **options):
        """Computes the result as an Arrow table.

        Parameters
        ----------
        **options
            `scheduler`, `get` and `num_workers` as in :func:`cdask.compute`.

        Returns
        -------
        pyarrow.Table
            The columns, then the labels, if there are any, as a last one.
        """
        table = _compute.table(self._frame, **options)
        try:
            return pa.Table.from_batches([_arrow.batch_of(table)])
        finally:
            _abi.dk_table_unref(table)

    def __arrow_c_stream__(self, requested_schema=None):
        """Computes, and gives the result to any Arrow library."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)


EXAMPLES = {"b": [True, False], "i": [1, 2], "u": [1, 2], "f": [1.0, 2.0],
            "M": pd.to_datetime(["2000-01-01", "2000-01-02"]),
            "m": pd.to_timedelta(["1D", "2D"])}


def example(dtype, index=None):
    """Two made-up values of a type."""
    return pd.Series(EXAMPLES.get(dtype.kind, ["foo", "foo"]), index).astype(dtype)


def example_index(frame):
    """Two made-up labels."""
    labels = example(_arrow.dtype(_abi.dk_frame_index_type(frame)))
    name = _abi.dk_frame_index_name(frame)
    return pd.Index(labels, name=None if name is None else name.decode())


def inferred_meta(partition, func, args, kwargs):
    try:
        return func(partition, *args, **kwargs)
    except Exception as problem:
        raise ValueError(
            f"Metadata inference failed in `{_tasks.name_of(func)}`: "
            f"{type(problem).__name__}: {problem}\nThe function was called with made-up values; pass "
            "an example of what it gives as meta=...") from problem


def as_meta(meta):
    """A pandas object with the names and types of `meta`."""
    if isinstance(meta, pd.Index):
        return meta.to_series()
    if isinstance(meta, (pd.DataFrame, pd.Series)):
        return meta
    if isinstance(meta, dict):
        return pd.DataFrame({name: pd.Series(dtype=of) for name, of in meta.items()})
    if isinstance(meta, tuple) and len(meta) == 2:
        return pd.Series(dtype=meta[1], name=meta[0])
    return pd.Series([meta])


class Series(Rows):
    """A lazy column. Operators, comparisons and reductions are pandas'."""

    __slots__ = ()

    @property
    def name(self):
        """The name, or None."""
        return self._names()[0]

    @property
    def dtype(self):
        """The type of the values, as pandas names it."""
        return self._types()[0]

    @property
    def dt(self):
        """Fields and rounding of timestamps: see :class:`Datetimes`."""
        return Datetimes(self)

    def _example(self):
        return example(self.dtype, example_index(self._frame)).rename(self.name)

    @property
    def size(self):
        """How many rows there are, as a Scalar."""
        return Scalar(_abi.dk_size(self._frame))

    def rename(self, name):
        """The series under another name.

        Parameters
        ----------
        name : str or None

        Returns
        -------
        Series
        """
        return Series(_abi.dk_rename(self._frame, None if name is None else name.encode()))

    def __getitem__(self, mask):
        if not isinstance(mask, Series):
            raise NotImplementedError("series[...] takes a series of bools")
        return Series(_abi.dk_filter(self._frame, mask._frame))

    def between(self, left, right):
        """Whether left <= value <= right; false for missing values.

        Follows :meth:`pandas.Series.between`.

        Parameters
        ----------
        left, right : Series, Scalar, or scalar

        Returns
        -------
        Series of bools
        """
        return (self >= left) & (self <= right)


class DataFrame(Rows):
    """A lazy table. Columns are items and attributes; operators and reductions are pandas'."""

    __slots__ = ()

    @property
    def columns(self):
        """The names of the columns, a pandas.Index."""
        return pd.Index(self._names(), dtype="str")

    @property
    def dtypes(self):
        """The types of the columns, a pandas.Series by their names."""
        return pd.Series(self._types(), index=self._names(), dtype=object)

    @property
    def ndim(self):
        """2."""
        return 2

    def _example(self):
        index = example_index(self._frame)
        columns = [example(dtype, index) for dtype in self._types()]
        return pd.DataFrame(dict(zip(self._names(), columns)), index)

    def __getattr__(self, name):
        if not name.startswith("_") and name in self._names():
            return self[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __dir__(self):
        return sorted({*super().__dir__(), *filter(str.isidentifier, self._names())})

    def __getitem__(self, key):
        if isinstance(key, str):
            return Series(_abi.dk_col(self._frame, key.encode()))
        if isinstance(key, Series):
            return DataFrame(_abi.dk_filter(self._frame, key._frame))
        if isinstance(key, (list, pd.Index)):
            from ._io import name_list
            return DataFrame(_abi.dk_select(self._frame, name_list(key)))
        raise NotImplementedError(f"df[...] takes a name, a list of names or a series of bools, not {key!r}")

    def __setitem__(self, name, value):
        """df[name] = value: this object is another dataframe from then on; others stay as they are."""
        self._handle = self.assign(**{name: value})._handle

    def __iter__(self):
        return iter(self._names())

    def __contains__(self, name):
        return name in self._names()

    def assign(self, **columns):
        """The dataframe with more columns, or others under their names.

        Follows :meth:`pandas.DataFrame.assign`.

        Parameters
        ----------
        **columns : Series, scalar, or callable
            By name: series of the same rows, values for all rows, or functions of the dataframe
            that give either.

        Returns
        -------
        DataFrame
        """
        made = self
        for name, value in columns.items():
            value = operand(value(made) if callable(value) else value)
            made = DataFrame(_abi.dk_assign(made._frame, name.encode(), value._frame))
        return made

    def drop(self, labels=None, axis=0, columns=None):
        """The dataframe without some columns.

        Follows :meth:`pandas.DataFrame.drop`.

        Parameters
        ----------
        labels : str or list of str, optional
            Names of columns, together with ``axis=1``.
        axis : {1, "columns"}
        columns : str or list of str, optional
            The same in one word.

        Returns
        -------
        DataFrame

        Raises
        ------
        KeyError
            For columns that there are not.
        NotImplementedError
            For rows.
        """
        if columns is None and axis in (1, "columns"):
            columns = labels
        if columns is None:
            raise NotImplementedError("drop(): only columns can be dropped, as in drop(columns=[...])")
        columns = [columns] if isinstance(columns, str) else list(columns)
        missing = [name for name in columns if name not in self]
        if missing:
            raise KeyError(f"{missing} not found in axis")
        return self[[name for name in self._names() if name not in columns]]

    def items(self):
        """The columns, one by one.

        Returns
        -------
        iterator of (str, Series)
        """
        return ((name, self[name]) for name in self._names())

    def _repr_html_(self):
        npartitions, types = self.npartitions, self._types()
        rows = [[str(dtype) for dtype in types]] + [["..."] * len(types)] * min(npartitions, 3)
        table = pd.DataFrame(rows, columns=self._names(), index=[f"npartitions={npartitions}"]
                             + [""] * (len(rows) - 1)).to_html(notebook=True)
        return f"<div><strong>Dask DataFrame Structure:</strong></div>\n{table}"


class Datetimes:
    """`series.dt`: fields (year, dayofweek, is_month_end, ...) as attributes, and rounding.

    Follows :attr:`pandas.Series.dt`.
    """

    __slots__ = ("_series",)

    def __init__(self, series):
        if series.dtype.kind not in "mM":
            raise AttributeError("Can only use .dt accessor with datetimelike values")
        self._series = series

    def round(self, freq):
        """To the nearest multiple of `freq` since 1970-01-01; from half way to the even one.

        Follows :meth:`pandas.Series.dt.round`.

        Parameters
        ----------
        freq : str
            A fixed length of time: "1d", "90min", "12h".

        Returns
        -------
        Series

        Raises
        ------
        ValueError
            For what is no fixed length, as months.
        """
        return self._made(_abi.dk_dt_round, freq)

    def floor(self, freq):
        """Down to a multiple of `freq` since 1970-01-01.

        Follows :meth:`pandas.Series.dt.floor`.

        Parameters
        ----------
        freq : str
            A fixed length of time: "1d", "90min", "12h".

        Returns
        -------
        Series

        Raises
        ------
        ValueError
            For what is no fixed length, as months.
        """
        return self._made(_abi.dk_dt_floor, freq)

    def ceil(self, freq):
        """Up to a multiple of `freq` since 1970-01-01.

        Follows :meth:`pandas.Series.dt.ceil`.

        Parameters
        ----------
        freq : str
            A fixed length of time: "1d", "90min", "12h".

        Returns
        -------
        Series

        Raises
        ------
        ValueError
            For what is no fixed length, as months.
        """
        return self._made(_abi.dk_dt_ceil, freq)

    def _made(self, function, text):
        return Series(function(self._series._frame, str(text).encode()))

    def __getattr__(self, field):
        if field.startswith("_"):
            raise AttributeError(field)
        try:
            return self._made(_abi.dk_dt, field)
        except (ValueError, TypeError) as problem:
            raise AttributeError(str(problem)) from None


class GroupBy(_lifetime.Lazy):
    """Groups of rows. Columns are items and attributes; aggregates give a value for each group."""

    __slots__ = ("_is_series",)

    def __init__(self, frame, is_series):
        super().__init__(frame)
        self._is_series = is_series

    def __getitem__(self, key):
        if isinstance(key, str):
            return GroupBy(_abi.dk_col(self._frame, key.encode()), True)
        from ._io import name_list
        return GroupBy(_abi.dk_select(self._frame, name_list(key)), False)

    def __getattr__(self, name):
        if name.startswith("_") or name not in Collection._names(self):
            raise AttributeError(f"'GroupBy' object has no attribute {name!r}")
        return self[name]

    def agg(self, func):
        """An aggregate by its name, or one for each column.

        Follows :meth:`pandas.DataFrame.groupby.agg`.

        Parameters
        ----------
        func : str or dict of column to str
            Of sum, min, max, mean, count, size, first, last, std, var, nunique.

        Returns
        -------
        DataFrame or Series
            A row for each group, sorted by key.

        Raises
        ------
        ValueError
            For another name, listing these.
        NotImplementedError
            For functions and lists.
        """
        if isinstance(func, str):
            return self._made(_abi.dk_aggregate(self._frame, func.encode()), func)
        if not isinstance(func, dict) or not all(isinstance(one, str) for one in func.values()):
            raise NotImplementedError("agg() takes the name of an aggregate, or one a column in a dict")
        made = None
        for name, one in func.items():
            column = self[name].agg(one)
            made = self[[name]].agg(one) if made is None else made.assign(**{name: column})
        return made

    aggregate = agg

    def size(self):
        """How many rows each group has, missing values included.

        Returns
        -------
        Series
        """
        return Series(_abi.dk_size(self._frame))

    def _made(self, frame, name):
        return Series(frame) if self._is_series or name == "size" else DataFrame(frame)

    def compute(self, **options):
        """Groups have no value.

        Parameters
        ----------
        **options

        Raises
        ------
        TypeError
        """
        raise TypeError("a groupby cannot be computed: aggregate it first")


AGGREGATE = """{what} of each group, missing ones left out.

Follows :meth:`pandas.DataFrame.groupby.{name}`.

Parameters
----------
numeric_only, **others
    Taken with pandas' default values only.

Returns
-------
DataFrame or Series
    A row for each group, sorted by key.

Raises
------
TypeError
    For a type that cannot be aggregated so, naming the column.
NotImplementedError
    For other parameters.
"""


def define_aggregates():
    def aggregate(name):
        function = getattr(_abi, f"dk_{name}")

        def method(self, numeric_only=False, **others):
            refuse(name, {"numeric_only": numeric_only, **others}, numeric_only=(False, None),
                   split_out=(1, None, True), split_every=(None, False), ddof=(1,), min_count=(0, -1))
            return self._made(function(self._frame), name)
        method.__name__ = name
        method.__doc__ = AGGREGATE.format(what=AGGREGATES[name], name=name)
        return method

    for name in AGGREGATES:
        setattr(GroupBy, name, aggregate(name))


define_operators()
define_reductions(Series, Scalar, "the values")
define_reductions(DataFrame, Row, "each column")
define_aggregates()
