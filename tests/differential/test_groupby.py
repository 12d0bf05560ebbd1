"""Every aggregate of every type by every type of key, beside pandas and beside exact arithmetic."""
import numpy as np
import pandas as pd
import pytest

from cdask_ctypes import AGGREGATES, Error, compute_all
from compare import assert_near, assert_same
from exact import EXACT, assert_exact
from random_data import FLOATS, INTS, KINDS, TIMES, frame, generator, series

KEYS = ["bool", "int8", "int64", "uint64", "float32", "float64", *TIMES, "text", "category"]
# pandas puts texts one after the other; Dask's result would depend on the partitions' sizes.
REFUSED = {("sum", "text")}

pytestmark = pytest.mark.filterwarnings("ignore")


def key_series(rng, kind, n, nkeys=12):
    if kind in ("text", "category", "bool"):
        return series(rng, kind, n, name="k")
    pool = series(rng, kind, nkeys)
    if kind in FLOATS:
        pool = pool + 0.0  # one zero only: see test_two_zeros
    return pool.iloc[rng.integers(0, nkeys, n)].reset_index(drop=True).rename("k")


def value_series(rng, kind, n):
    values = series(rng, kind, n, name="v")
    # Sums of durations in range; sums beyond it are test_durations_out_of_range's.
    return values // 2**10 if kind == "duration" else values


def pandas_groups(data, key="k"):
    """pandas' groups; a category key as its texts, which is what cdask's index holds."""
    by = data[key].astype("str") if data[key].dtype == "category" else data[key]
    return data.groupby(by)


def check_aggregate(got, groups, aggregate, kind):
    want = getattr(groups["v"], aggregate)()
    if aggregate in EXACT and kind in [*FLOATS, *INTS, "bool"] and want.dtype.kind == "f":
        assert_near(got, want, 1e-4 if kind == "float32" else 1e-9)
        for key, values in groups["v"]:
            assert_exact(got[key], aggregate, values)
    elif aggregate in ("mean", "std") and kind in TIMES:
        check_times(got, want, aggregate, groups)
    else:
        assert_same(got, want)


def check_times(got, want, aggregate, groups):
    """pandas goes by way of floats, which lose nanoseconds; the mean here is exact."""
    assert str(got.dtype) == str(want.dtype) and got.index.equals(want.index)
    if aggregate == "std":
        np.testing.assert_allclose(got.astype("i8"), want.astype("i8"), rtol=1e-12)
        return
    for key, values in groups["v"]:
        integers = [int(value) for value in values.dropna().astype("i8")]
        exact = abs(sum(integers)) // len(integers) if integers else None
        assert pd.isna(got[key]) if exact is None else abs(got[key].value) == exact


@pytest.mark.parametrize("aggregate", AGGREGATES)
@pytest.mark.parametrize("key", KEYS)
def test_aggregate(dk, key, aggregate):
    """Values, types, names and order of the groups; missing keys are dropped, missing values skipped."""
    for kind in KINDS:
        rng = generator(key, kind, aggregate)
        data = pd.DataFrame({"k": key_series(rng, key, 300), "v": value_series(rng, kind, 300)})
        lazy = dk.from_pandas(data, 4).groupby("k")["v"].aggregate(aggregate)
        try:
            got = lazy.compute()
        except Error as error:
            assert error.status == "DK_ETYPE" and aggregate in error.message
            if (aggregate, kind) not in REFUSED:
                with pytest.raises(TypeError):
                    getattr(pandas_groups(data)["v"], aggregate)()
        else:
            check_aggregate(got, pandas_groups(data), aggregate, kind)


def test_whole_frame(dk, seed):
    """Without a column all others are aggregated, in their order; a derived key is no column of theirs."""
    rng = generator("whole", seed)
    data = frame(rng, 500, ["int64", "float64", "timestamp", "bool", "int8"])
    data["k"] = key_series(rng, "int8", 500)
    lazy = dk.from_pandas(data, 5)
    month = data["timestamp"].dt.month.astype("Int32")  # which is an integer also beside missing ones
    for aggregate in ("min", "max", "count", "first", "last", "nunique"):
        assert_same(lazy.groupby("k").aggregate(aggregate).compute(), getattr(data.groupby("k"), aggregate)())
        assert_same(lazy.groupby(lazy["timestamp"].dt("month")).aggregate(aggregate).compute(),
                    by_integer(getattr(data.groupby(month), aggregate)()))
    assert_same(lazy.groupby("k").size().compute(), data.groupby("k").size())
    assert_same(lazy.groupby("k")[["bool", "int64"]].max().compute(), data.groupby("k")[["bool", "int64"]].max())


def by_integer(result):
    result.index = result.index.astype("int32")
    return result


def test_groups_of_a_series(dk, seed):
    """A series grouped by another gives series, also of its rows' number."""
    rng = generator("series", seed)
    data = pd.DataFrame({"k": key_series(rng, "int8", 100), "v": value_series(rng, "float64", 100)})
    lazy = dk.from_pandas(data, 3)
    for aggregate in ("min", "last", "count", "size"):
        assert_same(lazy["v"].groupby(lazy["k"]).aggregate(aggregate).compute(),
                    getattr(data["v"].groupby(data["k"]), aggregate)())


def test_derived_keys(dk, seed):
    """Keys that are computed: rounded timestamps, arithmetic, comparisons, under the name of their source."""
    rng = generator("derived", seed)
    data = frame(rng, 400, ["timestamp", "int64", "float64"])
    data["timestamp"] = pd.Timestamp("2015-04-20").as_unit("ns") + pd.to_timedelta(rng.integers(0, 10**15, 400))
    lazy = dk.from_pandas(data, 7)
    keys = [(lazy["timestamp"].dt_round("1d"), data["timestamp"].dt.round("1D")),
            (lazy["timestamp"].dt("hour"), data["timestamp"].dt.hour),
            (lazy["int64"] % 7, data["int64"] % 7),
            (lazy["int64"] > lazy["float64"], data["int64"] > data["float64"]),
            (lazy["float64"].isna(), data["float64"].isna())]
    for ours, pandas in keys:
        for aggregate in ("max", "count", "first"):
            assert_same(lazy.groupby(ours)["int64"].aggregate(aggregate).compute(),
                        getattr(data.groupby(pandas)["int64"], aggregate)())


def test_partitions_do_not_matter(dk, seed):
    """Every aggregate is the same to the last bit, however the rows are cut and wherever they are computed."""
    rng = generator("cut", seed)
    data = pd.DataFrame({"k": key_series(rng, "float64", 3000, 40), "v": rng.normal(0, 1, 3000) *
                         10.0 ** rng.integers(-15, 15, 3000)})

    def results(npartitions, **how):
        groups = dk.from_pandas(data, npartitions).groupby("k")["v"]
        return compute_all([groups.aggregate(name) for name in AGGREGATES], **how)

    want = results(1, scheduler="sync")
    for npartitions in (2, 3, 17, 1000, 3000):
        for one, other in zip(results(npartitions, scheduler="threads", num_workers=3), want):
            assert_same(one, other)


def test_many_groups(dk):
    """As many groups as rows, and few with a key in every partition."""
    rng = generator("many")
    n = 50_000
    data = pd.DataFrame({"k": rng.permutation(n), "few": rng.integers(0, 3, n), "v": rng.integers(-9, 9, n)})
    data["text"] = data["k"].astype("str")
    lazy = dk.from_pandas(data, 9)
    for key in ("k", "few", "text"):
        for aggregate in ("sum", "size", "nunique", "last"):
            want = getattr(data.groupby(key)["v"], aggregate)()
            assert_same(lazy.groupby(key)["v"].aggregate(aggregate).compute(), want)


def test_no_rows_and_no_keys(dk):
    """Nothing to group: empty results of the right types."""
    data = pd.DataFrame({"k": [np.nan, np.nan], "v": [1, 2]})
    for rows in (data, data.iloc[:0]):
        lazy = dk.from_pandas(rows.reset_index(drop=True), 2)
        for aggregate in AGGREGATES:
            got = lazy.groupby("k")["v"].aggregate(aggregate).compute()
            assert_same(got, getattr(rows.groupby("k")["v"], aggregate)())


def test_filtered_groups(dk):
    """Groups that a filter empties are not in the result."""
    data = pd.DataFrame({"k": list("aabbcc"), "v": range(6)})
    lazy = dk.from_pandas(data, 3)
    kept = lazy[lazy["v"] > 3]
    assert_same(kept.groupby("k")["v"].sum().compute(), data[data["v"] > 3].groupby("k")["v"].sum())


# What is meant otherwise than in pandas (docs/differences.md)

def test_two_zeros(dk):
    """0.0 and -0.0 are one key, shown as 0.0 whichever came first."""
    for values in ([-0.0, 0.0, 1.0], [0.0, -0.0, 1.0]):
        got = dk.from_pandas(pd.DataFrame({"k": values, "v": [1, 2, 3]})).groupby("k")["v"].sum().compute()
        assert_same(got, pd.Series([3, 3], index=pd.Index([0.0, 1.0], name="k"), name="v"))


def test_category_key(dk):
    """A category groups by its texts: sorted as texts, and the index is text."""
    data = pd.DataFrame({"k": ["b", "a", "b", None], "v": [1, 2, 3, 4]})
    data["k"] = data["k"].astype(pd.CategoricalDtype(["b", "a", "c"]))
    got = dk.from_pandas(data).groupby("k")["v"].sum().compute()
    assert_same(got, pd.Series([2, 4], index=pd.Index(["a", "b"], name="k", dtype="str"), name="v"))


def test_sum_wraps(dk):
    """Sums of integers wrap around at 64 bits, as numpy's do."""
    data = pd.DataFrame({"k": [1, 1, 2], "v": [2**62, 2**62, 5]})
    assert_same(dk.from_pandas(data, 2).groupby("k")["v"].sum().compute(), data.groupby("k")["v"].sum())


def test_durations_out_of_range(dk):
    """Time does not wrap around: a sum or deviation beyond 64 bits is refused, as in pandas."""
    data = pd.DataFrame({"k": [1, 1, 2], "v": pd.to_timedelta([2**62, 2**62, 5]), "w": [1, 2, 3],
                         "x": pd.to_timedelta([-9 * 10**18, 9 * 10**18, -9 * 10**18])})
    lazy = dk.from_pandas(data, 2)
    for total in (lazy.groupby("k")["v"].sum(), lazy["v"].sum(), lazy.groupby("k")["x"].std(), lazy["x"].std()):
        with pytest.raises(Error) as caught:
            total.compute()
        assert caught.value.status == "DK_EOVERFLOW"
