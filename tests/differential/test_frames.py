"""Operators and reductions of whole frames, column by column."""
import operator

import numpy as np
import pandas as pd
import pytest

from cdask_ctypes import Error
from compare import assert_near, assert_same
from random_data import generator, series

ARITHMETIC = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv}
COMPARISONS = {"eq": operator.eq, "lt": operator.lt, "ge": operator.ge, "ne": operator.ne}
REDUCTIONS = ["sum", "min", "max", "mean", "count", "std", "var", "nunique"]

pytestmark = pytest.mark.filterwarnings("ignore")


def frame(rng, columns="abc", nrows=50):
    data = pd.DataFrame({name: series(rng, "float64", nrows) for name in columns})
    data[columns[0]] = rng.integers(-100, 100, nrows)
    return data.replace([np.inf, -np.inf], 7.5)


@pytest.mark.parametrize("npartitions", [1, 4])
@pytest.mark.parametrize("name", ARITHMETIC | COMPARISONS)
def test_frame_and_frame(dk, name, npartitions):
    rng = generator(name, npartitions)
    pandas = frame(rng)
    df = dk.from_pandas(pandas, npartitions)
    op = (ARITHMETIC | COMPARISONS)[name]
    assert_same(op(df, df).compute(), op(pandas, pandas))
    assert_same(op(df[["a", "b"]], df[["b", "a"]]).compute() if name in ARITHMETIC
                else op(df[["a", "b"]], df[["a", "b"]]).compute(),
                op(pandas[["a", "b"]], pandas[["b", "a"]]) if name in ARITHMETIC
                else op(pandas[["a", "b"]], pandas[["a", "b"]]))


@pytest.mark.parametrize("columns", [("ab", "ab"), ("ab", "ba"), ("ab", "bc"), ("cab", "db")])
@pytest.mark.parametrize("name", ARITHMETIC)
def test_columns_meet_by_name(dk, name, columns):
    rng = generator(name, columns)
    pandas = frame(rng, "abcd")
    left, right = list(columns[0]), list(columns[1])
    df = dk.from_pandas(pandas, 3)
    op = ARITHMETIC[name]
    assert_same(op(df[left], df[right]).compute(), op(pandas[left], pandas[right]))


@pytest.mark.parametrize("npartitions", [(1, 1), (3, 2)])
@pytest.mark.parametrize("name", ARITHMETIC)
def test_rows_meet_by_label(dk, name, npartitions):
    rng = generator(name, npartitions)
    a, b = frame(rng, nrows=40), frame(rng, "bcd", nrows=30)
    a.index, b.index = rng.permutation(60)[:40], rng.permutation(60)[:30]
    x, y = dk.from_pandas(a, npartitions[0]), dk.from_pandas(b, npartitions[1])
    op = ARITHMETIC[name]
    assert_same(op(x, y).compute(), op(a, b))
    assert_same(op(x["c"], y["c"]).compute(), op(a["c"], b["c"]))


def test_grouped_frames(dk):
    pandas = frame(generator(), "kxy", 200)
    pandas["k"] %= 7
    df = dk.from_pandas(pandas, 5)
    by, want = df.groupby("k"), pandas.groupby("k")
    assert_same((by.aggregate("max") - by.aggregate("min")).compute(), want.max() - want.min())


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reduction_is_a_row(dk, name):
    pandas = frame(generator(name), nrows=300)
    got = dk.from_pandas(pandas, 4).aggregate(name).compute()
    want = pd.DataFrame({column: [getattr(pandas[column], name)()] for column in pandas.columns})
    (assert_near if name in ("mean", "std", "var") else assert_same)(got, want)


@pytest.mark.parametrize("npartitions", [1, 5])
def test_row_meets_every_row(dk, npartitions):
    """pandas keeps reductions in one series, so of one type; ours keep the type of their column."""
    pandas = frame(generator(npartitions))
    df = dk.from_pandas(pandas, npartitions)
    spread = df.aggregate("max") - df.aggregate("min")
    assert list(spread.dtypes) == ["int64", "float64", "float64"]
    lowest = pd.DataFrame({name: pandas[name] - pandas[name].min() for name in pandas})
    assert_same((df - df.aggregate("min")).compute(), lowest)
    floats = pandas.astype("float64")
    df = dk.from_pandas(floats, npartitions)
    assert_same((df * df.aggregate("max")[["b"]]).compute(), floats * floats[["b"]].max())
    spread = df.aggregate("max") - df.aggregate("min")
    assert_same(spread.compute().loc[0], (floats.max() - floats.min()).rename(0))


def test_literals_and_scalars(dk):
    pandas = frame(generator())
    df = dk.from_pandas(pandas, 2)
    assert_same((df + 1).compute(), pandas + 1)
    assert_same((2.5 - df).compute(), 2.5 - pandas)
    assert_same((df > 0).compute(), pandas > 0)
    assert_same((df - df["b"].aggregate("max")).compute(), pandas - pandas["b"].max())


def test_one_column_at_a_time(dk):
    pandas = frame(generator())
    df = dk.from_pandas(pandas, 2)
    assert_same((-df).compute(), -pandas)
    assert_same(abs(df).compute(), abs(pandas))
    assert_same(df.isna().compute(), pandas.isna())
    assert_same((~(df > 0)).compute(), ~(pandas > 0))
    assert_same(df.astype("float64").compute(), pandas.astype("float64"))


def refusal(frame):
    with pytest.raises(Error) as caught:
        frame.compute()
    return str(caught.value)


def test_what_is_refused(dk, tmp_path):
    pandas = frame(generator())
    df = dk.from_pandas(pandas, 2)
    assert "pick a column" in refusal(df + df["a"])
    assert "identically-labeled" in refusal(df[["a", "b"]] == df[["b", "c"]])
    assert "no column in common" in refusal(df[["a"]] + df[["b"]])
    pandas["t"] = "text"
    assert "column 't'" in refusal(dk.from_pandas(pandas) - 1)
    assert "column 't'" in refusal(dk.from_pandas(pandas).aggregate("mean"))
    for name in "xy":
        pandas[["a"]].to_csv(tmp_path / f"{name}.csv", index=False)
    files = [dk.read_csv(tmp_path / f"{name}.csv", blocksize=40) for name in "xy"]
    assert "divisions" in refusal(files[0] + files[1])
