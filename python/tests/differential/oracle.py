"""What a step should give: pandas' answer, as docs/differences.md changes it.

Columns are held as cdask means them: numpy's types, times in nanoseconds, and pandas' nullable types for
integers and bools beside missing values. A scalar is a Series of one row in a `Value`, a reduction of a
frame a frame of one row in a `Row`: so the types of missing ones are known.

What cdask refuses on purpose raises Refused here. An answer that pandas rounds on its way is `Near`.
"""
import math
import operator

import numpy as np
import pandas as pd

from exact import EXACT, ULPS
from random_data import FLOATS

NULLABLE = {"bool": "boolean", "int8": "Int8", "int16": "Int16", "int32": "Int32", "int64": "Int64",
            "uint64": "UInt64"}
INTS = {*NULLABLE} - {"bool"}
WORDS = {"str", "category"}
TIMES = {"datetime64[ns]", "timedelta64[ns]"}
OPERATORS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
             "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "==": operator.eq,
             "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
             "&": operator.and_, "|": operator.or_, "^": operator.xor}
ORDERINGS = {"<", "<=", ">", ">="}
COMPARISONS = {"==", "!=", *ORDERINGS}
LOGIC = {"&", "|", "^"}
NAT = np.iinfo("i8").min


class Refused(TypeError):
    """What pandas answers and cdask refuses on purpose."""


class Unfit(TypeError, ValueError):
    """A value that the other type does not hold; the error of another column may be told instead."""


class Unaligned(ValueError):
    """Labels or columns that do not meet."""


class Value:
    """A scalar: `series` has one row."""

    def __init__(self, series):
        self.series = series

    def over(self, rows):
        """It in every row of a series, whose name it takes."""
        values = self.series.iloc[np.zeros(len(rows), int)]
        return values.set_axis(rows.index).rename(rows.name)


class Row:
    """What a reduction of a frame gives: `frame` has one row."""

    def __init__(self, frame):
        self.frame = frame


class Near:
    """An answer whose floats may be off by `ulps` in the last place, or by `rtol`."""

    def __init__(self, answer, ulps=0, rtol=0):
        self.answer, self.ulps, self.rtol = answer, ulps, rtol


def kind(side):
    """The name of a column's type, nullable or not, or of a time's; of other literals their Python type."""
    if isinstance(side, (pd.Series, pd.Index)):
        return "bool" if side.dtype == "boolean" else str(side.dtype).lower()
    if isinstance(side, pd.Timedelta):
        return "timedelta64[ns]"
    return "datetime64[ns]" if isinstance(side, (pd.Timestamp, np.datetime64)) else type(side)


def plain(values):
    """A column as cdask holds it."""
    name = str(values.dtype)
    if name.startswith(("datetime64", "timedelta64")):
        return values.astype(name.split("[")[0] + "[ns]")
    if name.startswith("Float"):
        return pd.Series(values.to_numpy(name.lower(), na_value=np.nan), values.index, name=values.name)
    if name[0].isupper() or name == "boolean":
        return values if values.isna().any() else values.astype(kind(values))
    if name == "object":
        raise AssertionError(f"an object column came out: {values.tolist()[:5]}")
    return values


def imported(values):
    """A column of pandas' as cdask takes it."""
    wider = {"uint8": "int16", "uint16": "int32", "uint32": "int64", "object": "str"}
    return plain(values.astype(wider.get(str(values.dtype), values.dtype)))


def nullable(values):
    """Integers and bools as pandas' nullable types, which keep integers beside missing ones."""
    name = NULLABLE.get(kind(values))
    return values.astype(name) if name else values


def shown(values):
    """A column as it is exported: as pandas shows integers and bools beside missing values."""
    if values.dtype == "boolean" and values.isna().any():
        return values.astype(object).where(values.notna(), None)
    if kind(values) == "bool":
        return values.astype("bool")
    if kind(values) in INTS and not values.isna().any():
        return values.astype(kind(values))
    if kind(values) in INTS:
        return pd.Series(values.to_numpy("float64", na_value=np.nan), values.index, name=values.name)
    return values


def spread(made, there):
    """The values of the rows that are `there`, in all rows; in the others they are missing."""
    full = nullable(plain(made)).set_axis(np.flatnonzero(there)).reindex(range(len(there)))
    return plain(full.set_axis(there.index))


# Operators

def refuses(op, a, b):
    """Pairs that pandas answers and cdask does not."""
    kinds = {a, b}
    if kinds <= {"bool", bool} and op in ("-", "/", "//", "**"):
        return True
    texts = {str, "str"}
    if op in COMPARISONS:
        if kinds & TIMES and "str" in kinds or "timedelta64[ns]" in kinds and str in kinds:
            return True
        if op not in ("==", "!=") and kinds & TIMES and kinds & {"bool", *INTS, *FLOATS, bool, int, float}:
            return True
        return op not in ("==", "!=") and "datetime64[ns]" not in kinds and (
            "category" in kinds or bool(kinds & texts) and not kinds <= texts)
    if op in LOGIC:
        return bool(kinds & {*FLOATS, *WORDS, str, float}) or \
            "uint64" in kinds and bool(kinds & {"int8", "int16", "int32", "int64"})
    if op == "%" and a in texts:
        return True  # Python's text formatting
    return op in "+*" and bool(kinds & texts) and not kinds <= texts  # repeated texts; a float is no missing one


def divided(op, a, b):
    """// and % of integers: what is divided by zero is missing."""
    if {kind(a), kind(b)} & {"bool"}:  # counts as an integer
        wider = {kind(a), kind(b)} & INTS
        of = NULLABLE[wider.pop() if wider else "int64" if int in (kind(a), kind(b)) else "int8"]
        a, b = (side.astype(of) if kind(side) == "bool" else side for side in (a, b))
    zero = b == 0
    if isinstance(b, pd.Series):
        lost = b.isna() | zero.fillna(False).astype("bool")  # pandas also looks at what stands under missing ones
        made = OPERATORS[op](nullable(a) if isinstance(a, pd.Series) else a, nullable(b.mask(lost, 1)))
        return made.mask(lost)
    made = OPERATORS[op](nullable(a), 1 if zero else b)
    return made.mask(pd.Series(bool(zero), a.index))


def powered(a, b):
    """Integers ** integers, where both are there: pandas also looks at what stands under missing ones."""
    there = pd.notna(a) & pd.notna(b)
    return spread(operator.pow(*(side[there].astype(kind(side)) if isinstance(side, pd.Series) else side
                                 for side in (a, b))), there)


def floored(op, a, b):
    """// and % of durations round down, whatever the numbers are; by zero is missing."""
    name = (a == b).name
    a, b = (plain(side if isinstance(side, pd.Series) else pd.Series(side, rows.index))
            for side, rows in ((a, b), (b, a)))
    is_number = kind(b) != "timedelta64[ns]"
    exact = [None if pd.isna(x) or pd.isna(y) or not y else floored_value(op, x.value, y if is_number else y.value)
             for x, y in zip(a, b)]
    made = pd.Series(exact, a.index, dtype="Int64", name=name)
    return made.astype("timedelta64[ns]") if is_number or op == "%" else made


def floored_value(op, x, y):
    """Of nanoseconds; floats round the quotient first."""
    if not isinstance(y, (float, np.floating)):
        return OPERATORS[op](x, int(y))
    quotient = math.floor(x / float(y))
    if op == "//":
        return quotient
    return None if math.isinf(y) else x - int(quotient * float(y))


def elementwise(op, a, b):
    """Two columns of the same rows, or a column and a literal."""
    kinds = kind(a), kind(b)
    a, b = (side.as_unit("ns") if isinstance(side, (pd.Timestamp, pd.Timedelta)) else side for side in (a, b))
    if {"datetime64[ns]", str} == {*kinds} and op in ORDERINGS:  # read as one, or a ValueError
        a, b = (pd.Timestamp(side) if isinstance(side, str) else side for side in (a, b))
    if refuses(op, *kinds):
        raise Refused(f"{kinds[0]} {op} {kinds[1]}")
    if {*kinds} == {"category", "bool"}:  # which are never equal; pandas stumbles over missing bools
        a, b = (side.fillna(False).astype("bool") if kind(side) == "bool" else side for side in (a, b))
    counts = {*INTS, "bool", int, bool}
    if {*kinds} & {"bool", bool} and "timedelta64[ns]" in kinds and op not in COMPARISONS:
        raise Refused("a bool is no number beside durations")
    mixes = "uint64" in kinds and bool({*kinds} & {"int8", "int16", "int32", "int64"})
    with np.errstate(all="ignore"):
        if op in ("//", "%") and {*kinds} <= counts and not mixes:
            made = divided(op, a, b)
        elif op == "**" and {*kinds} <= counts and not mixes:
            made = powered(a, b)
        elif op in ("//", "%") and kinds[0] == "timedelta64[ns]" and kinds[1] in {*counts, *FLOATS, float, kinds[0]}:
            made = floored(op, a, b)
        elif op in LOGIC and {*kinds} & {"bool", bool}:  # where missing is false
            made = OPERATORS[op](*(side.fillna(False if kind(side) == "bool" else 0).astype(kind(side)) if isinstance(side, pd.Series) else side
                                   for side in (a, b)))
        else:
            made = OPERATORS[op](a, b)
    if made.dtype == object and not len(made):
        raise Refused(f"{kinds[0]} {op} {kinds[1]}: pandas looks at single values, of which there are none")
    if op in COMPARISONS and made.dtype == "boolean":
        made = made.fillna(op == "!=")
    if op == "//" and "float32" in kinds and kind(made) == "float64" and not {*kinds} & {"int32", "int64", "uint64", "float64"}:
        made = made.astype("float32")
    return plain(made)


def aligned(a, b):
    """Two columns or frames whose rows meet by label."""
    if a.index.equals(b.index) and kind(a.index) == kind(b.index):
        return a, b.set_axis(a.index)
    def ready(side):
        side = each(side, nullable)
        return side.set_axis(side.index.astype("str")) if side.index.dtype == "category" else side
    a, b = ready(a), ready(b)
    kinds = {kind(a.index), kind(b.index)}
    if len(kinds) > 1 and (kinds & {"str", "bool", *TIMES} or "uint64" in kinds and kinds & INTS - {"uint64"}):
        raise Unaligned("labels that do not compare")
    b = b.rename_axis(index=a.index.name)  # pandas fails if only the name is another
    axis = {"axis": 0} if isinstance(a, pd.DataFrame) else {}
    left, right = (each(side, plain) for side in a.align(b, join="outer", **axis))
    labels = left.index
    if len(kinds) > 1:
        labels = labels.astype("float64" if kinds & {*FLOATS} else "int64")
    return left.set_axis(labels), right.set_axis(labels)


def joined(op, a, b):
    """Two series, or a series and a literal or Value."""
    if isinstance(a, Value):
        a = a.over(b)
    if isinstance(b, Value):
        b = b.over(a)
    if isinstance(a, pd.Series) and isinstance(b, pd.Series):
        a, b = aligned(a, b)
    return elementwise(op, a, b)


def binary(op, a, b):
    """Any two operands."""
    return near(combined(op, a, b), op)


def combined(op, a, b):
    if isinstance(a, Row) or isinstance(b, Row):
        return binary_row(op, a, b)
    if isinstance(a, pd.DataFrame) and isinstance(b, pd.DataFrame):
        return binary_frames(op, a, b)
    for one, other in ((a, b), (b, a)):
        if isinstance(one, pd.DataFrame):
            if isinstance(other, pd.Series):
                raise Unaligned("a frame and a series")
            return frame_of({name: joined(op, *((one[name], b) if one is a else (a, one[name])))
                             for name in one}, one.index)
    if not isinstance(a, pd.Series) and not isinstance(b, pd.Series):
        left, right = (side.series if isinstance(side, Value) else side for side in (a, b))
        return Value(elementwise(op, left, right))
    return joined(op, a, b)


def near(made, op):
    """An answer with powers of floats, which are the C library's: numpy's may miss them by little."""
    values = made.series if isinstance(made, Value) else made.frame if isinstance(made, Row) else made
    types = {str(one) for one in (values.dtypes if isinstance(values, pd.DataFrame) else [values.dtype])}
    if op != "**" or not types & {*FLOATS}:
        return made
    return Near(made, rtol=1e-6 if "float32" in types else 1e-15)


def frame_of(columns, index):
    made = pd.DataFrame(columns, index=index)
    made.columns = pd.Index(list(columns), dtype="str")
    return made


def binary_frames(op, a, b):
    if op in COMPARISONS and set(a) != set(b):
        raise Unaligned("frames of other columns")
    names = list(a) if set(a) == set(b) else sorted(set(a) | set(b), key=lambda name: name.encode())
    if not set(a) & set(b):
        raise Unaligned("no column in common")
    a, b = aligned(a, b)
    missing = pd.Series(np.nan, a.index)
    return frame_of({name: elementwise(op, a[name], b[name]) if name in a and name in b else missing
                     for name in names}, a.index)


def binary_row(op, a, b):
    if isinstance(a, Row) and isinstance(b, Row):
        return Row(binary_frames(op, a.frame, b.frame))
    if isinstance(a, pd.DataFrame):
        spread = frame_of({name: Value(b.frame[name]).over(a.iloc[:, 0]) for name in b.frame}, a.index)
        return binary_frames(op, a, spread)
    if isinstance(b, pd.DataFrame):
        spread = frame_of({name: Value(a.frame[name]).over(b.iloc[:, 0]) for name in a.frame}, b.index)
        return binary_frames(op, spread, b)
    made = combined(op, *(side.frame if isinstance(side, Row) else side for side in (a, b)))
    return Row(made)


def each(thing, function):
    """A function of a column, over whatever there is."""
    if isinstance(thing, Value):
        return Value(function(thing.series))
    if isinstance(thing, Row):
        return Row(each(thing.frame, function))
    if isinstance(thing, pd.DataFrame):
        return frame_of({name: function(thing[name]) for name in thing}, thing.index)
    return function(thing)


def unary(op, thing):
    function = {"-": operator.neg, "~": operator.invert, "abs": operator.abs,
                "isna": lambda s: s.isna(), "notna": lambda s: s.notna()}[op]
    def checked(column):
        if op == "~" and kind(column) not in {"bool", *INTS}:
            raise Refused("~ of floats and texts")  # which pandas answers when there are no rows
        return plain(function(column))
    return each(thing, checked)


def where(thing, mask):
    """The rows in which `mask` is true."""
    if kind(mask) != "bool":
        raise Refused("no bools")
    return each(thing[mask.fillna(False).astype("bool")], plain)


# Conversions

def cast(column, to):
    """astype of one column."""
    name = kind(column)
    if name == to:
        return column
    if to == "category" and name != "str" or to == "bool" and name in TIMES or \
            to == "timedelta64[ns]" and name in WORDS or to in ("int8", "int16", "int32", "uint64") and name in TIMES:
        raise Refused(f"{name} to {to}")
    if to == "bool" and name in FLOATS:
        return column.astype(to)  # a NaN is true
    if to in INTS and name in FLOATS and column.isna().any():
        raise Unfit("a NaN is no integer")
    if to in INTS | TIMES and (name in INTS or name in FLOATS) and not fits(column, to):
        raise Unfit("out of range")
    there = column.dropna()
    if name in TIMES and to == "str":
        made = there.map(str).astype("str")  # a value's text does not hang on the others
    elif name == "category" and to != "str":
        made = there.astype("str").astype(to)
    else:
        made = there.astype(kind(there)).astype(to) if name in NULLABLE else there.astype(to)
    if len(there) == len(column):
        return plain(made)
    if to == "category":
        return column.astype(to)
    return spread(made, column.notna())


def fits(column, to):
    limits = np.iinfo(to if to in INTS else "int64")
    return all(math.isfinite(value) and limits.min <= int(value) <= limits.max for value in column.dropna().tolist())


def astype(thing, to):
    if isinstance(to, dict):
        return thing.assign(**{name: cast(thing[name], of) for name, of in to.items()})
    return each(thing, lambda column: cast(column, to))


# Times

def dt(series, field):
    """A field; of a missing time it is missing and stays an integer."""
    if kind(series) != "datetime64[ns]":
        raise AttributeError(field)
    made = getattr(series.dropna().dt, field)
    if made.dtype == bool:
        return getattr(series.dt, field)
    return spread(made, series.notna())


# Reductions

def of_type(value, dtype, name):
    return pd.Series([value], dtype=dtype, name=name)


def truncated_mean(values):
    exact = [value.value for value in values]
    mean = abs(sum(exact)) // len(exact) if exact else None
    return None if mean is None else math.copysign(1, sum(exact)) * mean if mean < 2**53 else \
        (mean if sum(exact) >= 0 else -mean)


def reduced(name, column):
    """One value of a column, as a series of one row."""
    values, of = column.dropna(), kind(column)
    values = values.astype(of) if of in NULLABLE else values
    if name in ("size", "count", "nunique"):
        made = {"size": len(column), "count": len(values), "nunique": values.nunique()}[name]
        return of_type(made, "int64", column.name)
    if of == "str" and name == "sum":
        raise Refused("texts have no sum")
    if name in EXACT and of not in WORDS | TIMES and not (name == "sum" and of not in FLOATS):
        return exact(name, values, of, column.name)
    if of in TIMES and name == "mean":
        made = truncated_mean(values)
        return of_type(None if made is None else int(made), "Int64", column.name).astype(of)
    if name in ("first", "last"):
        made = values.iloc[[0 if name == "first" else -1]] if len(values) else column.iloc[:0].reindex([0])
        return made.reset_index(drop=True)
    made = getattr(values, name)()
    if of in FLOATS and len(values):
        made += 0.0  # of zeros the positive one
    if name == "sum":
        return of_type(made, {"uint64": "uint64", "timedelta64[ns]": of}.get(of, "int64"), column.name)
    if name == "std":
        return Near(of_type(made, "timedelta64[ns]", column.name), rtol=1e-12)
    if len(values) == 0:
        return nullable(column.iloc[:0]).reindex([0]).reset_index(drop=True)
    return of_type(made, of, column.name)


def exact(name, values, of, label):
    """Sums, means and variances of numbers, rounded once."""
    with np.errstate(all="ignore"):
        made = of_type(EXACT[name](values), "float32" if of == "float32" else "float64", label)
    return Near(made, ulps=ULPS[name]) if ULPS[name] else made


def combine(answers, make):
    """make(answers), near if one of them is."""
    how = [one for one in answers if isinstance(one, Near)]
    made = make([one.answer if isinstance(one, Near) else one for one in answers])
    return Near(made, max(one.ulps for one in how), max(one.rtol for one in how)) if how else made


def reduce(name, thing):
    if isinstance(thing, pd.DataFrame):
        return combine([reduced(name, thing[column]) for column in thing],
                       lambda columns: Row(frame_of(dict(zip(thing, columns)), range(1))))
    return combine([reduced(name, thing)], lambda columns: Value(columns[0]))


# Groups

def key_of(key):
    """A group key as cdask has it: categories as texts, one zero."""
    if kind(key) == "category":
        return key.astype("str")
    return key + 0.0 if kind(key) in FLOATS else key


def grouped(name, column, key):
    """An aggregate of one column."""
    if name == "size":
        made = column.groupby(key).size()
    elif kind(column) == "str" and name == "sum":
        raise Refused("texts have no sum")
    else:
        made = getattr(column.groupby(key), name)()
    made.index = made.index.astype(kind(key))
    if kind(column) == "float32" and name == "mean":
        made = made.astype("float32")  # as the mean of a series is
    if kind(made) in FLOATS and name in ("min", "max"):
        made = made + 0.0  # of zeros the positive one
    if name == "sum" and kind(made) in INTS - {"uint64"}:
        made = made.astype("Int64" if str(made.dtype)[0].isupper() else "int64")  # whether they fit or not
    if name not in ("mean", "sum", "std", "var") or name == "sum" and kind(column) not in FLOATS:
        return plain(made)
    parts = [reduced(name, values) for _, values in column.groupby(key)]
    made = plain(made)
    def put(values):
        return pd.concat([one.astype(made.dtype) for one in values]).set_axis(made.index) \
            .rename(made.name) if values else made
    return combine(parts, put)


def group(name, thing, key, columns=None):
    """`key` is a series of the rows of `thing`, or the name of a column."""
    by = key_of(thing[key] if isinstance(key, str) else key)
    if isinstance(thing, pd.Series):
        return grouped(name, thing, by)
    rest = thing.drop(columns=key) if isinstance(key, str) else thing
    if isinstance(columns, str):
        return grouped(name, rest[columns], by)
    rest = rest if columns is None else rest[columns]
    if name == "size":
        return grouped(name, pd.Series(0, by.index), by)
    return combine([grouped(name, rest[column], by) for column in rest],
                   lambda made: frame_of(dict(zip(rest, made)), grouped("size", by, by).index))
