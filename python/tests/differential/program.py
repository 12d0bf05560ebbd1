"""A program of single steps, each run by cdask and answered by the oracle.

A step is a line of Python over the names of earlier results: what a user would write. What failed is
therefore shown as a program that can be run.
"""
import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

import cdask
import cdask.dataframe as dd
from compare import assert_same, type_name
from oracle import Near, Row, Value, each, frame_of, kind, shown

import functions
from frames import make_frame

# Of an error of cdask, what pandas may have raised. What types refuse is known before values are looked at.
FAMILIES = {(KeyError, AttributeError): (KeyError, AttributeError),
            (TypeError, NotImplementedError): (TypeError, NotImplementedError, ValueError, ArithmeticError),
            (ValueError, ArithmeticError): (ValueError, ArithmeticError)}
SCOPE = {"pd": pd, "pa": pa, "np": np, "dd": dd, "make_frame": make_frame, "nan": float("nan"),
         "inf": float("inf"), "functions": functions, "len": len}


@dataclass
class Step:
    """`answer` takes the oracle's objects by name; `rows` says of which rows the result is: objects of
    equal `rows` have the same ones."""
    source: str
    answer: object
    rows: object = None
    keeps: bool = True  # whether later steps may use the result


@dataclass
class Program:
    lazy: dict = field(default_factory=dict)
    oracle: dict = field(default_factory=dict)
    rows: dict = field(default_factory=dict)
    lines: list = field(default_factory=list)
    refused: int = 0

    def run(self, step):
        """Runs a step on both sides; asserts that they agree and keeps the result."""
        name = f"v{len(self.lines)}"
        self.lines.append(f"{name} = {step.source}")
        want = outcome(lambda: computable(step.answer(self.oracle)))
        got = outcome(lambda: computed(eval(step.source, SCOPE, self.lazy)))
        if isinstance(want, Exception) or isinstance(got, Exception):
            same_failure(got, want)
            self.refused += 1
            return
        lazy, got = got
        want = same(got, want)
        if step.keeps:
            same_schema(lazy, want)
            self.lazy[name], self.oracle[name] = lazy, want
            self.rows[name] = step.rows if step.rows is not None else object()

    def compute_all(self, **how):
        """Everything once more, at once."""
        names = list(self.lazy)
        for name, got in zip(names, cdask.compute(*self.lazy.values(), **how)):
            same(got, self.oracle[name])

    def text(self):
        """The last line and those that it needs."""
        needed, kept = set(), []
        for number in reversed(range(len(self.lines))):
            if not kept or f"v{number}" in needed:
                kept.append(self.lines[number])
                needed.update(re.findall(r"\bv\d+\b", self.lines[number]))
        return "\n".join(reversed(kept))


def outcome(function):
    try:
        return function()
    except Exception as problem:
        return problem


def computable(thing):
    """What the oracle says, if it can be a result."""
    if isinstance(thing, Value) and kind(thing.series) == "uint64":
        if (thing.series.dropna() > np.iinfo("int64").max).any():
            raise OverflowError("more than an int64 holds")
    return thing


def computed(thing):
    """A result and, if it is lazy, its value."""
    return thing, thing.compute(scheduler="sync") if isinstance(thing, dd._collections.Collection) else thing


def same_failure(got, want):
    """Both refuse, by errors of one family."""
    assert isinstance(want, Exception), f"refused ({got!r}), where the oracle says\n{want}"
    assert isinstance(got, Exception), f"answered, where the oracle says {want!r}\n{got[1]}"
    if not any(isinstance(got, ours) and isinstance(want, theirs) for ours, theirs in FAMILIES.items()):
        raise AssertionError(f"another error: {got!r}, not {want!r}") from want


def same(got, want):
    """Asserts that what was computed is what the oracle says. Returns what to go on with."""
    if isinstance(want, Near):
        return same_near(got, want)
    if isinstance(want, Value):
        got = as_series(got, want.series)
        assert_same(got, shown(want.series))
    elif isinstance(want, Row):
        assert isinstance(got, pd.Series), f"no row: {got!r}"
        assert_same(got, row(want.frame))
    elif isinstance(want, pd.DataFrame):
        assert_same(got, each(want, shown))
    elif isinstance(want, pd.Series):
        assert_same(got, shown(want))
    else:
        assert type(got) is type(want) and got == want, f"{got!r}, not {want!r}"
    return want


def row(frame):
    """A frame of one row as it is shown: a series, of one type for all columns."""
    made = each(frame, shown).iloc[0]
    return made.rename(None)


def as_series(got, like):
    """A computed scalar as a series of one row of the type that it should have."""
    assert not isinstance(got, (pd.Series, pd.DataFrame)), f"no scalar: {got!r}"
    if pd.isna(got):
        return shown(like.iloc[:0].reindex([0]))
    made = pd.Series([got], name=like.name)
    assert made.dtype.kind == like.dtype.kind or type_name(made.dtype) == type_name(like.dtype), \
        f"{got!r} is no {like.dtype}"
    return made.astype(shown(like).dtype)


def same_near(got, want):
    """The floats (or times) of `got` are near, all else is the same; later steps go on with `got`."""
    answer = want.answer
    if isinstance(answer, Value):
        got = Value(as_series(got, answer.series))
        near_columns(got.series, answer.series, want)
        return got
    if isinstance(answer, Row):
        made = pd.DataFrame({name: as_series(got[name], answer.frame[name]) for name in answer.frame})
        return Row(near_frame(made, answer.frame, want))
    if isinstance(answer, pd.Series):
        near_columns(got, answer, want)
        return got
    return near_frame(got, answer, want)


def near_frame(got, want, how):
    assert list(got.columns) == list(want.columns), f"columns {list(got)}, not {list(want)}"
    return frame_of({name: near_columns(got[name], want[name], how) for name in want}, got.index)


def near_columns(got, want, how):
    """`got`, which is near `want`; of a type that is not rounded: `want`, which it equals."""
    if want.dtype.kind not in "fm":
        assert_same(got, shown(want))
        return want
    assert_same(pd.Series(got.index), pd.Series(want.index))
    assert type_name(got.dtype) == type_name(want.dtype) and got.name == want.name
    if want.dtype.kind == "m":
        a, b = (side.astype("i8").astype("f8").mask(side.isna()).to_numpy() for side in (got, want))
    else:
        a, b = got.to_numpy(), want.to_numpy()
    with np.errstate(all="ignore"):
        allowed = how.ulps * np.spacing(np.abs(b)) + how.rtol * np.abs(b)
        right = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= allowed)
    assert right.all(), f"{a[~right][0]!r} is not near {b[~right][0]!r}"
    return got


def same_schema(lazy, want):
    """What is known before computing is right."""
    if isinstance(want, Value):
        assert type_name(lazy.dtype) == shown_type(want.series), f"scalar of {lazy.dtype}"
    elif isinstance(want, pd.Series):
        assert lazy.name == want.name and type_name(lazy.dtype) == shown_type(want), \
            f"{lazy.name!r} of {lazy.dtype}, not {want.name!r} of {want.dtype}"
    elif isinstance(want, pd.DataFrame):
        assert list(lazy.columns) == list(want.columns)
        types = [type_name(dtype) for dtype in lazy.dtypes]
        assert types == [shown_type(want[name]) for name in want], f"types {types}"


def shown_type(values):
    name = type_name(values.dtype)
    return "bool" if name == "boolean" else name.lower() if name[0] in "IU" else name
