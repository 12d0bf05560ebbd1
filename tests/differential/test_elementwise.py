"""Operators, conversions and missing values: every pair of types, beside pandas."""
import math
import operator

import numpy as np
import pandas as pd
import pytest

from cdask_ctypes import OPERATORS, TYPES, Error
from compare import assert_same, type_name
from random_data import FLOATS, INTS, KINDS, TIMES, frame, generator, series, some_floats

PANDAS = {"div": operator.truediv, "and": operator.and_, "or": operator.or_,
          **{name: getattr(operator, name) for name in OPERATORS if name not in ("div", "and", "or")}}
COMPARISONS = {"eq", "ne", "lt", "le", "gt", "ge"}
LITERALS = [True, False, 0, 1, -1, 3, 100, -7, 300, 2**31, 2**62, 0.0, -0.5, 2.5, math.inf, math.nan,
            "ab", "", "2015-01-01", "2015-05-05 12:00:00.5"]
WORDY = {"text", "category", str}
COUNTS = {"bool", *INTS, bool, int}

pytestmark = pytest.mark.filterwarnings("ignore")


def attempt(function):
    """The result, or the exception in its place."""
    try:
        with np.errstate(all="ignore"):
            return function()
    except Exception as problem:
        return problem


def kind(side):
    """Of a column its kind, of a literal its Python type."""
    return side if isinstance(side, str) and side in KINDS else type(side)


def is_literal(side):
    return not (isinstance(side, str) and side in KINDS)


def cdask_refuses(op, a, b):
    """Pairs that pandas answers and cdask does not (docs/differences.md tells why)."""
    kinds = {kind(a), kind(b)}
    if op in COMPARISONS:
        # Text is no time and no number; where pandas says "never equal" there is a mistake.
        # An unordered category has no order, from whichever side.
        return bool(kinds & WORDY) and bool(kinds & {*TIMES, float}) or "category" in kinds
    if op in ("and", "or", "xor"):
        # pandas takes the truth of a float or text beside a bool, and gives objects for int and uint64.
        return bool(kinds & {*FLOATS, *WORDY, float}) or "uint64" in kinds
    if op == "mod" and is_literal(a) and isinstance(a, str):
        return True  # Python's text formatting
    return op == "add" and "text" in kinds and float in kinds  # a missing float is no missing text


def cdask_overflows(op, a, b):
    """Durations times or over what 64 bits do not hold: pandas wraps around."""
    return "duration" in (a, b) and "uint64" in (a, b)


def expected(op, a, b, left, right, want):
    """What cdask means by the operation where pandas' answer depends on neighbouring values."""
    kinds = (kind(a), kind(b))
    if op in ("floordiv", "mod") and set(kinds) <= COUNTS and not mixes_signs(*kinds):
        # Without a float there is no infinity: what is divided by zero is missing.
        zero = pd.Series(right == 0, index=want.index)
        return want.astype("float64").mask(zero) if zero.any() else want
    if op == "floordiv" and "float32" in kinds and type_name(want.dtype) == "float64":
        narrow = np.result_type(np.float32, *(np.asarray(side).dtype for side, one in
                                              ((left, a), (right, b)) if not is_literal(one)))
        return want.astype(narrow)  # a zero among the values makes pandas widen the type
    if kinds[0] == "duration" and kinds[1] in COUNTS and op in ("floordiv", "mod"):
        # pandas truncates towards zero for arrays, and floors for single values; cdask floors.
        pairs = zip(left.astype("i8").tolist(), np.broadcast_to(right, len(left)).tolist())
        return pd.Series([pd.NaT if x == np.iinfo("i8").min or y == 0 else
                          pd.Timedelta(getattr(operator, op)(x, int(y))) for x, y in pairs],
                         dtype="m8[ns]", name=want.name, index=want.index)
    return want


def mixes_signs(a, b):
    """Unsigned and signed integers meet as floats, as in numpy."""
    return "uint64" in (a, b) and bool({a, b} & {"int8", "int16", "int32", "int64"})


def check_pair(dk, op, a, b, make):
    """`a` and `b` are kinds of columns, or literals; `make` turns both into cdask's and pandas' sides."""
    if op == "mul" and {kind(a), kind(b)} & WORDY or op == "pow" and isinstance(b, int) and b == 2**62:
        return "out of pandas' reach"  # repeats texts until memory ends
    lazy, (left, right) = make
    want = attempt(lambda: PANDAS[op](left, right))
    got = attempt(lambda: lazy(op).compute())
    where = f"{a!r} {op} {b!r}: "
    if isinstance(got, Exception):
        assert isinstance(got, Error), where + repr(got)
        assert got.status in ("DK_ETYPE", "DK_EOVERFLOW", "DK_EINVAL", "DK_EPARSE"), where + repr(got)
        assert not isinstance(want, pd.Series) or cdask_refuses(op, a, b) or cdask_overflows(op, a, b), \
            where + f"refused ({got})"
        return "refused"
    if isinstance(want, Exception):
        assert isinstance(want, OverflowError) or "Overflow" in type(want).__name__ + str(want) or \
            "out of bounds" in str(want), where + f"answered, pandas says {want!r}"
        return "answered"
    want = expected(op, a, b, left, right, want)
    if op == "pow" and want.dtype.kind == "f":
        assert got.dtype == want.dtype, where
        rtol = 1e-6 if want.dtype == np.float32 else 1e-15
        np.testing.assert_allclose(got, want, rtol=rtol, atol=0, err_msg=where)
        return "same"
    try:
        assert_same(got, want)
    except AssertionError as problem:
        raise AssertionError(where + str(problem)) from None
    return "same"


@pytest.mark.parametrize("op", OPERATORS)
def test_two_columns(dk, op):
    """Every pair of types has pandas' values and type, or is refused by name."""
    answers = []
    for a in KINDS:
        for b in KINDS:
            rng = generator(a, b, op)
            data = pd.DataFrame({"a": series(rng, a, 200), "b": series(rng, b, 200)})
            lazy = dk.from_pandas(data, 3)
            answers.append(check_pair(dk, op, a, b, (
                lambda name: lazy["a"].operate(name, lazy["b"]), (data["a"], data["b"]))))
    assert answers.count("same") >= 5


@pytest.mark.parametrize("op", OPERATORS)
def test_column_and_literal(dk, op):
    """Literals take the column's type as pandas' do, on either side."""
    answers = []
    for a in KINDS:
        data = series(generator(a, op), a, 200, name="a")
        lazy = dk.from_pandas(data, 3)
        for b in LITERALS:
            answers.append(check_pair(dk, op, a, b, (
                lambda name: lazy.operate(name, b), (data, b))))
            answers.append(check_pair(dk, op, b, a, (
                lambda name: lazy.roperate(name, b), (b, data))))
    assert answers.count("same") >= 10


@pytest.mark.parametrize("op", OPERATORS)
def test_partitions_of_one_row(dk, op):
    """A column of one row is no literal: types and values are those of the whole."""
    for a in KINDS:
        for b in KINDS:
            rng = generator(a, b, op, "single")
            data = pd.DataFrame({"a": series(rng, a, 5), "b": series(rng, b, 5)})
            literal = 2.5 if b == "float64" else 7 if b in INTS else True if b == "bool" else "ab"
            whole, cut = dk.from_pandas(data, 1), dk.from_pandas(data, 5)
            for right in (lambda frame: frame["b"], lambda frame: literal, lambda frame: frame["b"].count()):
                want, got = (attempt(lambda: frame["a"].operate(op, right(frame)).compute())
                             for frame in (whole, cut))
                if isinstance(want, Error):
                    assert isinstance(got, Error) and got.status == want.status
                else:
                    assert_same(got, want)


def test_pow_is_the_c_library(dk):
    """numpy's own pow is off in the last bit here and there; ours is the C library's."""
    rng = generator("pow")
    data = pd.DataFrame({"a": some_floats(rng, 3000), "b": some_floats(rng, 3000)})
    lazy = dk.from_pandas(data, 3)
    for a, b, got in zip(data["a"], data["b"], (lazy["a"] ** lazy["b"]).compute()):
        want = attempt(lambda: math.pow(a, b))
        if isinstance(want, float):
            assert got == want or math.isnan(got) and math.isnan(want), (a, b)


@pytest.mark.parametrize("missing", [0, 0.3, 1])
def test_one_column(dk, missing):
    """-, abs, ~, isna and notna of every type."""
    for name in KINDS:
        data = series(generator(name), name, 300, missing)
        lazy = dk.from_pandas(data, 3)
        for ours, pandas in ((lambda: -lazy, lambda: -data), (lambda: abs(lazy), lambda: abs(data)),
                             (lambda: ~lazy, lambda: ~data), (lambda: lazy.isna(), lambda: data.isna()),
                             (lambda: lazy.notna(), lambda: data.notna())):
            got, want = attempt(lambda: ours().compute()), attempt(pandas)
            if isinstance(want, Exception):
                assert isinstance(got, Error) and got.status == "DK_ETYPE", name
            else:
                assert_same(got, want)


def test_missing_integers(dk):
    """Integers keep their type beside missing ones, in arithmetic and comparison; pandas shows floats."""
    data = pd.DataFrame({"a": [7, -7, 5, 1], "b": [2, 0, -2, 1]})
    lazy = dk.from_pandas(data, 2)
    quotient = lazy["a"] // lazy["b"]
    assert quotient.dtypes == ["int64"]
    arrow = (quotient + 2**60).table().to_arrow()
    assert arrow.column(0).to_pylist() == [2**60 + 3, None, 2**60 - 3, 2**60 + 1]
    assert quotient.isna().compute().tolist() == [False, True, False, False]
    assert (quotient == 3).compute().tolist() == [True, False, False, False]
    assert (quotient != 3).compute().tolist() == [False, True, True, True]
    assert lazy[quotient > -10].compute().index.tolist() == [0, 2, 3]
    assert quotient.astype("float64").compute().isna().tolist() == [False, True, False, False]


# Conversions

OVERFLOWS = {(a, b) for a in [*INTS, *FLOATS] for b in [*INTS, *(TYPES[8:10])]}
REFUSED_CASTS = {**{(kind, "category"): "DK_ETYPE" for kind in KINDS if kind not in ("text", "category")},
                 ("timestamp", "bool"): "DK_ETYPE", ("duration", "bool"): "DK_ETYPE",
                 ("text", "timedelta64[ns]"): "DK_ETYPE"}


@pytest.mark.parametrize("missing", [0, 0.2])
@pytest.mark.parametrize("to", TYPES)
def test_astype(dk, to, missing):
    """astype has pandas' values, or refuses what does not fit, where pandas wraps around silently."""
    for name in KINDS:
        data = series(generator(name, to), name, 200, missing)
        got = attempt(lambda: dk.from_pandas(data, 3).astype(to).compute())
        want = attempt(lambda: data.astype(to))
        if isinstance(got, Error) and isinstance(want, pd.Series):
            allowed = REFUSED_CASTS.get((name, to)) or (name, to) in OVERFLOWS and "DK_ETYPE"
            assert got.status == allowed, f"{name} to {to}: {got}"
        elif isinstance(want, Exception):
            assert isinstance(got, Error), f"{name} to {to}: pandas says {want!r}"
        else:
            assert_same(got, cast_expected(name, to, data, want))


def cast_expected(name, to, data, want):
    if name in TIMES and to == "str":
        # pandas gives all texts the digits of the longest; a value's text does not hang on others here.
        return data.map(str, na_action="ignore").astype("str")
    if name in TIMES and to == "int64" or name == "text" and to == "bool":
        # Missing stays missing: neither the least integer nor true.
        return want.astype("float64" if to == "int64" else object).mask(data.isna()) \
            if data.isna().any() else want
    return want


@pytest.mark.parametrize("word", ["1", "2.5", " 3", "x", "nan", "NaT", "True", "2015-01-01", "1e3", "inf", "",
                                  "2015-05-05 12:00:00.123456789", "-7", "300", "1_0"])
def test_text_as(dk, word):
    """Single texts are numbers and times for cdask where they are for pandas."""
    data = pd.Series([word], dtype="str", name="x")
    for to in TYPES:
        got = attempt(lambda: dk.from_pandas(data).astype(to).compute())
        want = attempt(lambda: data.astype(to))
        if isinstance(want, Exception) or ("text", to) in REFUSED_CASTS:
            assert isinstance(got, Error) and got.status in ("DK_EPARSE", "DK_ETYPE", "DK_EOVERFLOW"), to
            assert to in got.message
        else:
            assert_same(got, want)


def test_chain(dk, seed):
    """A long expression over several columns, cut into any number of partitions."""
    data = frame(generator("chain", seed), 1000, ["int64", "float64", "int8", "bool", "duration", "timestamp"])
    data["int64"] %= 1000

    def chain(f):
        late = f["timestamp"] + f["duration"] // 4 > f["timestamp"]
        size = abs(f["int64"] * 2 - f["int8"]) / (f["float64"] + 0.5)
        return (late & ~f["bool"] | (size < 10)) ^ f["float64"].isna()

    data["timestamp"] = data["timestamp"].mask(abs(data["timestamp"].dt.year - 1970) > 100)
    data["duration"] = data["duration"] // 1000 * 4
    for npartitions in (1, 2, 7, 100):
        assert_same(chain(dk.from_pandas(data, npartitions)).compute(), chain(data))
