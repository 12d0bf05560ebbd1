"""Rows and columns: masks, selections, new columns, names, labels, head."""
import numpy as np
import pandas as pd
import pytest

from cdask_ctypes import compute_all
from compare import assert_same
from random_data import KINDS, frame, generator, series


@pytest.fixture(params=[1, 2, 13, 500])
def npartitions(request):
    return request.param


def test_round_trip(dk, npartitions, seed):
    """What goes in comes out: every type, its missing values, its labels."""
    rng = generator("trip", seed)
    data = frame(rng, 500)
    assert_same(dk.from_pandas(data, npartitions).compute(), data)
    for kind in ("int64", "text", "timestamp", "float64"):
        labelled = data.set_index(series(rng, kind, 500, 0).rename("label" if seed % 2 else None))
        assert_same(dk.from_pandas(labelled, npartitions).compute(), labelled)


def test_filter(dk, npartitions, seed):
    """Rows keep their order and labels; a missing condition is not true."""
    data = frame(generator("filter", seed), 500)
    lazy = dk.from_pandas(data, npartitions)
    masks = [(lazy["bool"], data["bool"]),
             (lazy["float64"] > 0, data["float64"] > 0),
             (lazy["text"] == "ab", data["text"] == "ab"),
             (~(lazy["int64"] >= lazy["float32"]), ~(data["int64"] >= data["float32"])),
             (lazy["timestamp"].dt_round("1d") > "1970", data["timestamp"].dt.round("D") > "1970"),
             (lazy["float64"] > 1e300, data["float64"] > 1e300),
             ((lazy["int8"] > 0) & lazy["text"].notna(), (data["int8"] > 0) & data["text"].notna())]
    for ours, pandas in masks:
        assert_same(lazy[ours].compute(), data[pandas])
        assert_same(lazy["text"][ours].compute(), data["text"][pandas])


def test_filter_of_a_filter(dk, npartitions, seed):
    """Masks of filtered rows, columns computed after them, and aggregates of what is left."""
    data = frame(generator("again", seed), 500, ["int64", "float64", "bool", "text"])
    lazy = dk.from_pandas(data, npartitions)
    ours, pandas = lazy[lazy["bool"]], data[data["bool"]]
    assert_same((ours["int64"] + ours["float64"]).compute(), pandas["int64"] + pandas["float64"])
    ours, pandas = ours[ours["float64"] > 0], pandas[pandas["float64"] > 0]
    assert_same(ours.compute(), pandas)
    assert_same(ours.groupby("text")["int64"].max().compute(), pandas.groupby("text")["int64"].max())


def test_missing_condition(dk):
    """Of a nullable mask only what is true counts."""
    lazy = dk.from_pandas(pd.DataFrame({"a": [1, 0, -1, 2]}))
    quotient = 4 // lazy["a"]
    assert lazy[quotient > 3].compute()["a"].tolist() == [1]


def test_assign(dk, npartitions, seed):
    """New columns go to the end, replaced ones stay in place, and the old frame is as it was."""
    data = frame(generator("assign", seed), 500)
    lazy = dk.from_pandas(data, npartitions)
    ours = lazy.assign(sum=lazy["int8"] + lazy["float64"], int64=lazy["int64"] // 2, text=lazy["text"] == "a")
    pandas = data.assign(sum=data["int8"] + data["float64"], int64=data["int64"] // 2, text=data["text"] == "a")
    assert ours.columns == list(pandas.columns)
    assert_same(ours.compute(), pandas)
    assert_same(lazy.compute(), data)
    ours = ours.assign(sum=ours["sum"] * ours["text"], day=ours["timestamp"].dt_floor("1d"))
    pandas = pandas.assign(sum=pandas["sum"] * pandas["text"], day=pandas["timestamp"].dt.floor("D"))
    assert_same(ours[["day", "sum", "bool"]].compute(), pandas[["day", "sum", "bool"]])


def test_assign_a_literal(dk, npartitions):
    data = pd.DataFrame({"a": range(20)})
    lazy = dk.from_pandas(data, npartitions)
    for value in (1, 2.5, True, "x"):
        assert_same(lazy.assign(b=value).compute(), data.assign(b=value))


def test_assign_a_scalar(dk, npartitions):
    data = pd.DataFrame({"a": [1.0, 2.0, 6.0]})
    lazy = dk.from_pandas(data, npartitions)
    assert_same(lazy.assign(b=lazy["a"].mean()).compute(), data.assign(b=data["a"].mean()))


def test_select(dk, npartitions):
    """Columns in the order asked for, one of them twice, none of them."""
    data = frame(generator("select"), 100)
    lazy = dk.from_pandas(data, npartitions)
    for names in (["text", "bool"], list(reversed(KINDS)), ["category"]):
        assert_same(lazy[names].compute(), data[names])
    assert lazy[["text", "bool"]].dtypes == ["str", "bool"]


def test_rename(dk, npartitions):
    data = frame(generator("rename"), 100)
    lazy = dk.from_pandas(data, npartitions)
    assert_same(lazy["text"].rename("word").compute(), data["text"].rename("word"))
    assert_same((lazy["int64"].rename("x") + lazy["int8"].rename("x")).compute(),
                data["int64"].rename("x") + data["int8"].rename("x"))
    assert_same((lazy["int64"] + lazy["int8"]).compute(), data["int64"] + data["int8"])


def test_partitions_of_a_table(dk):
    """As many partitions as asked for, of nearly the same size; no more than rows."""
    data = pd.DataFrame({"a": range(10)})
    assert [dk.from_pandas(data, n).npartitions for n in (1, 3, 10, 11)] == [1, 3, 10, 10]
    assert_same(dk.from_pandas(data, 3).head(100), data.head(4))


def test_head(dk, npartitions):
    """The first rows of the first partition, as in Dask."""
    data = frame(generator("head"), 500)
    lazy = dk.from_pandas(data, npartitions)
    first = -(-500 // npartitions)
    for n in (0, 1, 5, 1000):
        assert_same(lazy.head(n), data.head(min(n, first)))
        if npartitions == 1:
            assert_same(lazy[lazy["bool"]].head(n), data[data["bool"]].head(n))


def test_no_rows(dk):
    data = frame(generator("none"), 3).iloc[:0]
    lazy = dk.from_pandas(data, 3)
    assert_same(lazy.compute(), data)
    assert_same((lazy["int64"] + lazy["float64"]).compute(), data["int64"] + data["float64"])


def test_several_at_once(dk, npartitions, seed):
    """Results of one computation are those of each alone."""
    data = frame(generator("several", seed), 300, ["int64", "float64", "bool", "int8"])
    lazy = dk.from_pandas(data, npartitions)
    many = [lazy["int64"] + 1, lazy[lazy["bool"]], lazy.groupby("int8")["float64"].sum(), lazy["int64"].max(),
            lazy.assign(x=lazy["float64"] * 2), lazy["int64"] + 1]
    for one, alone in zip(compute_all(many), [frame.compute() for frame in many]):
        assert_same(one, alone)
    assert np.array_equal(compute_all(many[:1])[0], data["int64"] + 1)


def test_unknown_column(dk):
    """The message lists the columns there are."""
    lazy = dk.from_pandas(pd.DataFrame({"high": [1], "low": [2]}))
    for wrong in (lazy["hihg"], lazy[["high", "hihg"]], lazy.groupby("hihg"), lazy.groupby("high")["hihg"],
                  lazy["hihg"].max() + 1):
        assert wrong.error.status == "DK_ECOLUMN"
        assert "'hihg'" in wrong.error.message and "'low'" in wrong.error.message
