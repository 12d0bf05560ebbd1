"""Arithmetic of rows that meet by label: pandas' outer join."""
import operator

import numpy as np
import pandas as pd
import pytest

from compare import assert_near, assert_same
from random_data import FLOATS, generator, series

LABELS = ["int8", "int64", "uint64", "float64", "bool", "text", "timestamp", "duration"]
OPERATORS = {"add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
             "floordiv": operator.floordiv, "mod": operator.mod, "pow": operator.pow}
VALUES = {"int64": ["add", "sub", "mul", "div"], "float64": list(OPERATORS), "float32": ["add", "mul"],
          "duration": ["add", "sub"], "text": ["add"]}

pytestmark = pytest.mark.filterwarnings("ignore")


def labelled(rng, kind, n, values="float64", repeated=False, missing=0.0, name="v"):
    """A series of `n` values (or fewer) under labels from a pool of thirty."""
    pool = series(rng, kind, 60, missing=0).drop_duplicates().head(30).reset_index(drop=True)
    if kind in FLOATS:
        pool = (pool.replace([np.inf, -np.inf], 7.5).dropna() + 0.0).drop_duplicates().reset_index(drop=True)
    at = rng.integers(0, len(pool), n) if repeated else rng.permutation(len(pool))[:n]
    data = series(rng, values, len(at), name=name)
    if values == "int64":
        data %= 1000  # what floats hold: pandas computes with floats when a label is missing
    if values == "duration":
        data = data // 4
    labels = pool.iloc[at].reset_index(drop=True)
    data.index = pd.Index(labels.mask(rng.random(len(at)) < missing) if missing else labels)
    data.index.name = None
    return data


def check_operators(dk, a, b, ops):
    x, y = dk.from_pandas(a), dk.from_pandas(b)
    for name in ops:
        want = OPERATORS[name](a, b)
        got = x.operate(name, y).compute()
        if name == "pow":
            assert_near(got, want)
        else:
            assert_same(got, want)


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("labels", LABELS)
def test_outer_join(dk, labels, repeated, values):
    """The union of the labels, sorted; every pair of rows of a repeated one; missing where a side lacks it."""
    for case in range(3):
        rng = generator(labels, values, repeated, case)
        a = labelled(rng, labels, 12, values, repeated)
        b = labelled(rng, labels, 9, values, repeated, name="v" if case else "w")
        if case == 2:
            a, b = a.sort_index(), b.sort_index()
        check_operators(dk, a, b, VALUES[values])


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize("labels", LABELS)
def test_identical_labels(dk, labels, repeated):
    """The same labels in the same order meet row by row, also when they repeat: no product, no sorting."""
    rng = generator(labels, repeated)
    a = labelled(rng, labels, 20, "int64", repeated)
    b = pd.Series(rng.integers(1, 100, len(a)), index=a.index.copy(), name="v")
    check_operators(dk, a, b, ["add", "sub", "mul", "div", "floordiv"])


def test_same_labels_in_another_order(dk):
    a = pd.Series([1, 2, 3], index=[3, 1, 2], name="v")
    b = pd.Series([10, 20, 30], index=[1, 2, 3], name="v")
    check_operators(dk, a, b, ["add", "sub"])


@pytest.mark.parametrize("pair", [("int8", "int64"), ("int64", "float64")])
def test_labels_of_two_types(dk, pair):
    """Numbers of two types are the same label when they are equal."""
    for seed in range(4):
        rng = generator(*pair, seed)
        a, b = (labelled(rng, kind, 12) for kind in pair)
        check_operators(dk, a, b, ["add"])


def test_equal_labels_of_two_types(dk):
    """Equal labels of two types are labels of the wider one, as all others are: what is known before
    the labels are read must hold for any."""
    a = pd.Series([1, 2], index=pd.Index([1, 2], dtype="int8"))
    b = pd.Series([1, 2], index=pd.Index([1, 2], dtype="int64"))
    got = (dk.from_pandas(a) + dk.from_pandas(b)).compute()
    assert got.index.dtype == np.int64 and got.tolist() == [2, 4]


def test_categories_are_texts(dk):
    """Labels of categories meet by their texts and come out as text."""
    a = pd.Series([1, 2, 3], index=pd.CategoricalIndex(["b", "a", "c"]))
    b = pd.Series([1, 2, 3], index=pd.CategoricalIndex(["b", "d", "a"], categories=["d", "b", "a"]))
    for other in (b, b.rename(str), a.copy()):
        got = (dk.from_pandas(a) + dk.from_pandas(other)).compute()
        want = a.rename(str) + other.rename(str)
        want.index = want.index.astype("str")
        assert_same(got, want.rename("x"))


@pytest.mark.parametrize("labels", ["float64", "text"])
def test_missing_labels(dk, labels, seed):
    """Missing labels are equal to each other and come last."""
    rng = generator(labels, seed)
    a, b = (labelled(rng, labels, 10, missing=0.2) for _ in range(2))
    check_operators(dk, a, b, ["add"])


def test_missing_times_come_last(dk):
    """pandas has missing timestamps first, unlike all other missing labels."""
    a, b = (pd.Series([1., 2.], index=pd.DatetimeIndex([day, pd.NaT]).as_unit("ns"))
            for day in ("2015-01-02", "2015-01-01"))
    got = (dk.from_pandas(a) + dk.from_pandas(b)).compute()
    assert got.index.isna().tolist() == [False, False, True] and got.iloc[2] == 4


def test_index_names(dk):
    """The index keeps the left side's name, the values keep theirs when both have the same."""
    for left in ("i", "j", None):
        for right in ("i", "j", None):
            for labels in ([1, 2], [2, 3]):
                a = pd.Series([1., 2.], index=pd.Index([1, 2], name=left), name="v")
                b = pd.Series([1., 2.], index=pd.Index(labels, name=right), name="v")
                check_operators(dk, a, b, ["sub"])


def test_large_integers_stay_exact(dk):
    """pandas turns integers to floats when a label is missing; cdask leaves them integers, and missing."""
    a = pd.Series([2**62 + 1, 5], index=[1, 2])
    b = pd.Series([1, 7], index=[1, 3])
    added = (dk.from_pandas(a) + dk.from_pandas(b)).table().to_arrow().column(0)
    assert added.to_pylist() == [2**62 + 2, None, None]


def test_many_rows(dk, seed):
    """Thousands of labels, with repeated ones on both sides."""
    rng = generator("rows", seed)
    a = pd.Series(rng.normal(0, 1, 5000), index=rng.integers(0, 4000, 5000), name="v")
    b = pd.Series(rng.normal(0, 1, 3000), index=rng.integers(0, 4000, 3000), name="v")
    check_operators(dk, a, b, ["add"])


def test_group_results(dk, seed):
    """Results of two groupings meet by key, though neither has all of them."""
    rng = generator("groups", seed)
    data = pd.DataFrame({"k": rng.integers(0, 40, 300), "j": rng.integers(20, 60, 300),
                         "v": rng.normal(0, 1, 300)})
    lazy = dk.from_pandas(data, 7)
    got = (lazy.groupby("k")["v"].max() - lazy.groupby("j")["v"].min()).compute()
    assert_same(got, data.groupby("k")["v"].max() - data.groupby("j")["v"].min())


def test_empty(dk):
    a = pd.Series([1., 2.], index=[1, 2], name="v")
    check_operators(dk, a, a.iloc[:0], ["add"])
    check_operators(dk, a.iloc[:0], a, ["add"])


def test_comparison(dk):
    """Comparisons align as pandas' methods do; its operators refuse other labels."""
    a, b = (pd.Series([1., 2.], index=labels, name="v") for labels in ([1, 2], [2, 3]))
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        assert_same(dk.from_pandas(a).operate(name, dk.from_pandas(b)).compute(), getattr(a, name)(b))


def test_several_partitions(dk, tmp_path):
    """Rows of tables meet as a whole. Those of files do not: nobody knows which labels are where."""
    data = pd.DataFrame({"v": range(10)})
    frame = dk.from_pandas(data, 2)["v"] + dk.from_pandas(data * 2, 3)["v"]
    assert_same(frame.compute(), data["v"] * 3)
    own = dk.from_pandas(data, 2)
    assert_same((own["v"] + own["v"]).compute(), data["v"] + data["v"])
    for name in "ab":
        data.to_csv(tmp_path / f"{name}.csv", index=False)
    files = [dk.read_csv(tmp_path / f"{name}.csv", blocksize=5) for name in "ab"]
    frame = files[0]["v"] + files[1]["v"]
    assert frame.error.status == "DK_EALIGN"
    assert "not all divisions are known, can't align partitions" in frame.error.message


def test_labels_that_do_not_compare(dk):
    a, b = (dk.from_pandas(pd.Series([1, 2], index=labels)) for labels in ([1, 2], ["a", "b"]))
    assert (a + b).error.status == "DK_EALIGN"
    assert "int64" in (a + b).error.message and "str" in (a + b).error.message
