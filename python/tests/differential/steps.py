"""Which steps can follow: each function here draws one that applies to the objects there are.

Most are meant to work; some are not, since what pandas refuses cdask has to refuse as well.
"""
import pandas as pd
from hypothesis import strategies as st

import functions
import oracle
from frames import INTS, frames, make_frame
from oracle import FLOATS, OPERATORS, Row, Value, kind
from program import SCOPE, Step

ARITHMETIC = ["+", "-", "*", "/", "//", "%", "**"]
COMPARE = ["==", "!=", "<", "<=", ">", ">="]
AGGREGATES = ["sum", "min", "max", "mean", "count", "std", "var", "nunique"]
GROUP_AGGREGATES = AGGREGATES + ["first", "last", "size"]
TYPES = ["bool", *INTS, *FLOATS, "datetime64[ns]", "timedelta64[ns]", "str", "category"]
FIELDS = ["year", "month", "day", "hour", "minute", "second", "microsecond", "nanosecond", "dayofweek",
          "weekday", "dayofyear", "quarter", "is_month_start", "is_month_end", "is_quarter_end",
          "is_year_start", "is_leap_year", "days_in_month"]
NUMBERS = {*INTS, *FLOATS}
FREQS = ["1d", "D", "12h", "90min", "7h", "min", "s", "ms", "37us", "7ns"]
LITERALS = {
    "bool": ["True", "False", "1"],
    "number": ["0", "1", "2", "(-3)", "100", "0.5", "(-2.5)", "nan", "inf", "True", "300"],
    "datetime64[ns]": ["'2000-06-01'", "'2001-02-03 12:00'", "pd.Timestamp('2000-06-01')", "'1700-01-01'", "pd.Timedelta('36h')", "np.datetime64('2000-01-02')"],
    "timedelta64[ns]": ["2", "0.5", "(-3)", "0", "pd.Timedelta('1h')", "pd.Timedelta(0)"],
    "str": ["'a'", "''", "'Zürich'", "'zz'"],
    "category": ["'a'", "'zz'", "''"],
}
LARGE = 3000  # rows; what meets by label may multiply
RARELY = st.integers(0, 14).map(lambda n: n == 14)


class Draw:
    """Draws about the objects of a program."""

    def __init__(self, data, program):
        self.data, self.program = data, program

    def __call__(self, strategy):
        return self.data.draw(strategy)

    def one(self, choices):
        return self.data.draw(st.sampled_from(choices))

    def names(self, *types):
        return [name for name, thing in self.program.oracle.items() if isinstance(thing, types)]

    def pick(self, *types):
        """The name of an object of these types, or None."""
        names = self.names(*types)
        return self.one(names) if names else None

    def frame(self):
        """The name of a frame with columns, or None."""
        names = [name for name in self.names(pd.DataFrame) if len(self.thing(name).columns)]
        return self.one(names) if names else None

    def rows(self, text):
        """Of which rows the object in front of `text` is."""
        return self.program.rows[text.split("[")[0]]

    def thing(self, text):
        return meant(text, self.program.oracle)

    def series(self, beside=None, wanted=None):
        """A series or a column of a frame, as text, or None; if asked for, of the same rows as an
        object, and such that wanted(series)."""
        found = []
        for name, thing in self.program.oracle.items():
            if beside is not None and self.program.rows[name] != self.rows(beside):
                continue
            if isinstance(thing, pd.Series):
                found += [name] * 3
            elif isinstance(thing, pd.DataFrame):
                found += [f"{name}[{column!r}]" for column in thing]
        found = [text for text in found if wanted is None or wanted(self.thing(text))]
        return self.one(found) if found else None

    def rowful(self):
        """A series, column or frame."""
        return self.one([self.frame, self.series])() or self.series()


def meant(text, things):
    """What an operand means: an object, a column of one, or a literal."""
    return eval(text, SCOPE, things)


def literal(draw, series):
    """The text of a scalar that goes with a series, mostly."""
    if draw(RARELY):
        return draw.one(["0", "1.5", "'a'", "True", "'2000-01-01'", "1099511627776"])
    name = kind(series)
    return draw.one(LITERALS.get(name, LITERALS["number"]))


def operators_of(series):
    name = kind(series)
    if name == "bool":
        return ["&", "|", "^", "==", "!=", "+", *ARITHMETIC]
    if name == "datetime64[ns]":
        return ["-", *COMPARE]
    if name == "timedelta64[ns]":
        return ["+", "-", "*", "/", "//", "%", *COMPARE]
    if name in oracle.WORDS:
        return ["==", "!=", "+", "<", ">="]
    return ARITHMETIC + COMPARE + ["&"]


def source(draw):
    text = draw(frames())
    npartitions, sort = draw(st.integers(1, 7)), draw(st.booleans())
    frame = eval(text, SCOPE)
    frame = frame.sort_index() if sort and not frame.index.is_monotonic_increasing else frame
    frame = oracle.each(frame, oracle.imported)
    return Step(f"dd.from_pandas({text}, npartitions={npartitions}, sort={sort})", lambda _: frame)


# Columns

def column(draw):
    name = draw.frame()
    if name is None:
        return None
    wanted = "missing" if draw(RARELY) else draw.one(list(draw.thing(name)))
    text = f"{name}.{wanted}" if wanted in ("a", "b", "missing") else f"{name}[{wanted!r}]"
    return Step(text, lambda things: things[name][wanted], draw.rows(name))


def select(draw):
    name = draw.frame()
    if name is None:
        return None
    columns = draw(st.lists(st.sampled_from(list(draw.thing(name))), min_size=1, max_size=4, unique=True))
    columns += ["missing"] * draw(RARELY)
    return Step(f"{name}[{columns!r}]", lambda things: things[name][columns], draw.rows(name))


def alike(draw):
    """The columns of a frame that are numbers, so that operators work on all of them."""
    name = draw.frame()
    columns = [one for one in draw.thing(name) if kind(draw.thing(name)[one]) in NUMBERS] if name else []
    return Step(f"{name}[{columns!r}]", lambda things: things[name][columns], draw.rows(name)) if columns else None


def drop(draw):
    name = draw.frame()
    if name is None or len(draw.thing(name).columns) < 2:
        return None
    wanted = draw.one(list(draw.thing(name)))
    return Step(f"{name}.drop(columns={wanted!r})", lambda things: things[name].drop(columns=wanted),
                draw.rows(name))


def assign(draw):
    """A series of the same rows, a literal or a scalar as a new column, or in the place of one."""
    name = draw.frame()
    if name is None:
        return None
    target, text = draw.one(["a", "b", "new"]), draw.one(["1", "2.5", "'a'", "True", "nan"])
    text = draw.one([draw.series(beside=name), draw.series(beside=name), draw.pick(Value), None]) or text
    def answer(things):
        frame, series = things[name], meant(text, things)
        if isinstance(series, Value):
            series = series.over(pd.Series(0, frame.index))
        made = frame.assign(**{target: series})
        return made.assign(**{target: oracle.plain(made[target])})
    return Step(f"{name}.assign({target}={text})", answer, draw.rows(name))


def rename(draw):
    name = draw.series()
    new = draw.one(["a", "x y", None])
    return name and Step(f"{name}.rename({new!r})", lambda things: meant(name, things).rename(new), draw.rows(name))


# Operators

def operation(draw, op, left, right, rows=None):
    if op == "%" and left.startswith("'"):
        op = "-"  # that would be Python's text formatting
    return Step(f"{left} {op} {right}", lambda things: oracle.binary(op, meant(left, things), meant(right, things)),
                rows)


def goes(a, b):
    """Whether two columns are of types that meet in most operators."""
    a, b = kind(a), kind(b)
    return a == b or {a, b} <= {"bool", *NUMBERS} or {a, b} <= oracle.TIMES


def partner(draw, name):
    """Something for the other side of a series: a series of the same rows, a scalar or a literal."""
    left, how = draw.thing(name), draw.one(["series", "series", "literal", "scalar"])
    if how == "series":
        return draw.series(name, None if draw(RARELY) else lambda other: goes(left, other))
    return how == "scalar" and draw.pick(Value) or literal(draw, left)


def arithmetic(draw):
    name = draw.series()
    if name is None:
        return None
    sides = [name, partner(draw, name)]
    if draw(st.booleans()):
        sides.reverse()
    return operation(draw, draw.one(operators_of(draw.thing(name))), *sides, draw.rows(name))


def methods(draw):
    """The operators' names as methods."""
    name = draw.series()
    if name is None:
        return None
    other = draw.series(name, lambda other: goes(draw.thing(name), other))
    method, op = draw.one([("add", "+"), ("sub", "-"), ("mul", "*"), ("div", "/"), ("truediv", "/"),
                           ("floordiv", "//"), ("mod", "%"), ("pow", "**"), ("eq", "=="), ("lt", "<"),
                           ("ge", ">="), ("radd", "+"), ("rsub", "-"), ("rtruediv", "/")])
    sides = [other, name] if method.startswith("r") else [name, other]
    return Step(f"{name}.{method}({other})", operation(draw, op, *sides).answer, draw.rows(name))


def between(draw):
    name = draw.series()
    if name is None:
        return None
    low, high = literal(draw, draw.thing(name)), literal(draw, draw.thing(name))
    def answer(things):
        return oracle.binary("&", operation(draw, ">=", name, low).answer(things),
                             operation(draw, "<=", name, high).answer(things))
    return Step(f"{name}.between({low}, {high})", answer, draw.rows(name))


def frame_arithmetic(draw):
    """A frame with itself, another of its rows, a literal, a scalar, or a row of reductions."""
    name = draw.frame()
    if name is None:
        return None
    first = draw.thing(name).iloc[:, 0]
    others = [other for other in draw.names(pd.DataFrame) if draw.rows(other) == draw.rows(name)]
    others += [literal(draw, first), *draw.names(Value, Row)]
    sides = [name, draw.one(others)]
    if draw(st.booleans()):
        sides.reverse()
    return operation(draw, draw.one(operators_of(first)), *sides, draw.rows(name))


def scalar_arithmetic(draw):
    name = draw.pick(Value, Row)
    if name is None:
        return None
    sides = [name, draw.one([draw.pick(Value, Row), "2", "0.5"])]
    if draw(st.booleans()):
        sides.reverse()
    return operation(draw, draw.one(ARITHMETIC + COMPARE), *sides)


def entry(draw):
    """One of the reductions of a frame."""
    name = draw.pick(Row)
    if name is None or not len(draw.thing(name).frame.columns):
        return None
    wanted = draw.one(list(draw.thing(name).frame))
    return Step(f"{name}[{wanted!r}]", lambda things: Value(things[name].frame[wanted]))


def alignment(draw):
    """Objects of different rows, which meet by label."""
    name = draw.pick(pd.Series, pd.DataFrame)
    others = [other for other in draw.names(type(draw.thing(name)))
              if draw.rows(other) != draw.rows(name) and
              rows_of_both(draw.thing(name), draw.thing(other)) < LARGE] if name else []
    if not others:
        return None
    other = draw.one(others)
    return operation(draw, draw.one(["+", "-", "*", "/", "==", "<"]), name, other,
                     ("align", draw.rows(name), draw.rows(other)))


def rows_of_both(a, b):
    """How many rows two objects have that meet by label, at most."""
    if a.index.equals(b.index):
        return len(a)
    counts = pd.DataFrame({"a": pd.Series(a.index.astype("str")).value_counts(),
                           "b": pd.Series(b.index.astype("str")).value_counts()}).fillna(0)
    return len(a) + len(b) + (counts["a"] * counts["b"]).sum()


def unary(draw):
    name = draw.one([draw.rowful(), draw.pick(Value, Row), draw.rowful()])
    op, text = draw.one([("-", "-{}"), ("~", "~{}"), ("abs", "abs({})"), ("abs", "{}.abs()"),
                         ("isna", "{}.isna()"), ("notna", "{}.notna()"), ("isna", "{}.isnull()")])
    return name and Step(text.format(name), lambda things: oracle.unary(op, meant(name, things)), draw.rows(name))


# Rows

def where(draw):
    """The rows where a series of bools is true, or a comparison that is made here."""
    name = draw.rowful()
    if name is None:
        return None
    mask = draw.series(name, lambda series: kind(series) == "bool")
    other = draw.series(name)
    if mask and draw(st.booleans()) or other is None:
        condition = Step(mask or name, lambda things: meant(mask or name, things))
    else:
        condition = operation(draw, draw.one(["==", "!=", "<", ">="]), other, literal(draw, draw.thing(other)))
    return Step(f"{name}[{condition.source}]", lambda things: oracle.where(
        meant(name, things), condition.answer(things)), ("where", draw.rows(name), condition.source))


def head(draw):
    name = draw.rowful()
    if name is None:
        return None
    n = draw(st.integers(0, 10))
    def answer(things):
        rows = eval(name, SCOPE, draw.program.lazy).map_partitions(functions.rows).compute()
        return oracle.each(meant(name, things).iloc[:min(n, int(rows.iloc[0]))], oracle.shown)
    return Step(f"{name}.head({n})", answer, keeps=False)


def length(draw):
    name = draw.rowful()
    return name and Step(f"len({name})", lambda things: len(meant(name, things)), keeps=False)


# Types and times

def astype(draw):
    name = draw.rowful()
    if name is None:
        return None
    to = draw.one(TYPES)
    if isinstance(draw.thing(name), pd.DataFrame) and draw(st.booleans()):
        to = {draw.one(list(draw.thing(name))): to}
    return Step(f"{name}.astype({to!r})", lambda things: oracle.astype(meant(name, things), to), draw.rows(name))


def datetimes(draw):
    name = draw.series(wanted=None if draw(RARELY) else lambda series: kind(series) in oracle.TIMES)
    if name is None:
        return None
    if draw(st.booleans()):
        field = draw.one(FIELDS)
        return Step(f"{name}.dt.{field}", lambda things: oracle.dt(meant(name, things), field), draw.rows(name))
    how, freq = draw.one(["round", "floor", "ceil"]), draw.one(FREQS)
    return Step(f"{name}.dt.{how}({freq!r})", lambda things: getattr(meant(name, things).dt, how)(freq),
                draw.rows(name))


# Aggregates

def reduction(draw):
    name, how = draw.rowful(), draw.one(AGGREGATES)
    return name and Step(f"{name}.{how}()", lambda things: oracle.reduce(how, meant(name, things)))


def derived(draw, name):
    """A series of the rows of `name`, or something made of one on the spot."""
    series = draw.series(name)
    of = kind(draw.thing(series))
    if of == "datetime64[ns]" and draw(st.booleans()):
        return Step(f"{series}.dt.month", lambda things: oracle.dt(meant(series, things), "month"))
    if of in oracle.TIMES and draw(st.booleans()):
        return Step(f"{series}.dt.floor('90min')", lambda things: meant(series, things).dt.floor("90min"))
    if of in NUMBERS and draw(st.booleans()):
        made = operation(draw, *draw.one([("%", series, "3"), (">", series, "0"), ("//", series, "2")]))
        return Step(f"({made.source})", made.answer)
    return Step(series, lambda things: meant(series, things))


def groupby(draw):
    """By a column, a series of the same rows, or what is made of one; of all columns, of some, of one."""
    name = draw.rowful()
    if name is None:
        return None
    thing, how = draw.thing(name), draw.one(GROUP_AGGREGATES)
    rest = list(thing) if isinstance(thing, pd.DataFrame) else []
    if rest and draw(st.booleans()):
        by = draw.one(rest)
        rest.remove(by)
        key = Step(repr(by), lambda things: by)
    else:
        key = derived(draw, name)
    columns = draw.one([None, "one", "some"]) if rest else None
    if columns:
        columns = draw.one(rest) if columns == "one" else draw(st.lists(
            st.sampled_from(rest), min_size=1, max_size=3, unique=True))
    item = "" if columns is None else f".{columns}" if columns in ("a", "b") else f"[{columns!r}]"
    call = draw.one([f"{how}()", f"agg({how!r})"])
    return Step(f"{name}.groupby({key.source}){item}.{call}", lambda things: oracle.group(
        how, meant(name, things), key.answer(things), columns), ("group", draw.rows(name), key.source))


def group_dict(draw):
    name = draw.frame()
    if name is None or len(draw.thing(name).columns) < 2:
        return None
    key, *rest = draw(st.permutations(list(draw.thing(name))))
    how = {column: draw.one([one for one in GROUP_AGGREGATES if one != "size"]) for column in rest[:3]}
    def answer(things):
        made = [oracle.group(one, things[name], key, column) for column, one in how.items()]
        return oracle.combine(made, lambda columns: oracle.frame_of(dict(zip(how, columns)), columns[0].index))
    return Step(f"{name}.groupby({key!r}).agg({how!r})", answer, ("group", draw.rows(name), repr(key)))


# Functions over partitions, and other ways in and out

def map_partitions(draw):
    name = draw.rowful()
    if name is None:
        return None
    thing = draw.thing(name)
    of_its_own = ["renamed", "known"] if isinstance(thing, pd.Series) else ["backwards", "counted"]
    how = "missing" if holes(thing) else draw.one(["same", "missing", "plus", "doubled", *of_its_own])
    args = draw.one([", 2", ", 2, factor=3", ", number=1"]) if how == "plus" else ""
    def answer(things):
        try:
            made = eval(f"functions.{how}(thing{args})", {"functions": functions, "thing": meant(name, things)})
        except TypeError as problem:  # as Dask when it tries the function
            raise ValueError(f"Metadata inference failed: {problem}") from problem
        return oracle.each(made, oracle.plain)
    return Step(f"{name}.map_partitions(functions.{how}{args})", answer, ("map", draw.rows(name), object()))


def holes(thing):
    """Whether an integer or bool is missing somewhere: partitions with and without are of two types."""
    columns = [thing] if isinstance(thing, pd.Series) else [thing[name] for name in thing]
    return any(str(column.dtype)[0].isupper() or column.dtype == "boolean" for column in columns)


def partition_scalars(draw):
    name = draw.rowful()
    return name and Step(f"{name}.map_partitions(len).sum()",
                         lambda things: Value(pd.Series([len(meant(name, things))])))


def broken(draw):
    name = draw.rowful()
    def answer(things):
        raise KeyError("broken on purpose")
    return name and Step(f"{name}.map_partitions(functions.broken, meta=('x', 'int64'))", answer)


def persist(draw):
    name = draw.rowful()
    return name and Step(f"{name}.persist()", lambda things: meant(name, things), ("map", draw.rows(name), object()))


def arrow(draw):
    """Out by Arrow's C stream and in again."""
    name = draw.frame()
    if name is None:
        return None
    index = draw.thing(name).index.name
    if index in draw.thing(name) or not is_labelled(draw.thing(name)):
        return None
    label = index or "__index_level_0__"
    return Step(f"dd.from_arrow({name}, npartitions=2, index={label!r})", lambda things: things[name])


def is_labelled(thing):
    """Whether the labels are a column of their own, as they are unless they only count the rows."""
    return not isinstance(thing.index, pd.RangeIndex) or thing.index.name is not None


def foreign(draw):
    """Masks, columns and keys of other rows, which are refused, whatever their labels."""
    name = draw.frame()
    others = [other for other in draw.names(pd.Series, pd.DataFrame)
              if name and not roots(draw.rows(other)) & roots(draw.rows(name)) and draw.series(other)]
    if not others:
        return None
    text = draw.one(["{}[{} == {}]", "{}.assign(new={})", "{}.groupby({}).size()"])
    other = draw.series(draw.one(others))
    def answer(things):
        raise oracle.Unaligned("other rows")
    return Step(text.format(name, other, other), answer)


def roots(rows):
    """Where rows come from: those of different roots are different."""
    if isinstance(rows, tuple):
        return set().union(*map(roots, rows[1:]))
    return set() if isinstance(rows, str) else {rows}


WEIGHTS = {arithmetic: 12, groupby: 8, where: 6, reduction: 6, astype: 5, frame_arithmetic: 5, datetimes: 4, unary: 4,
           assign: 4, alignment: 4, map_partitions: 3, column: 3, alike: 3, methods: 2, select: 2, group_dict: 2,
           scalar_arithmetic: 2, head: 2, between: 1, drop: 1, rename: 1, entry: 1, partition_scalars: 1, broken: 1,
           length: 1, persist: 1, arrow: 1, source: 1, foreign: 1}
STEPS = [step for step, weight in WEIGHTS.items() for _ in range(weight)]


def next_step(draw):
    """A step that applies."""
    return draw.one(STEPS)(draw) or draw.one(STEPS)(draw) or source(draw)
