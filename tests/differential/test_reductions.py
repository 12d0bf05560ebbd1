"""One value of a whole series: every aggregate of every type, beside pandas and exact arithmetic."""
import math

import numpy as np
import pandas as pd
import pytest

from cdask_ctypes import AGGREGATES, Error, compute_scalars
from compare import type_name
from exact import EXACT, assert_exact
from random_data import FLOATS, INTS, KINDS, TIMES, generator, series

PANDAS = {"size": len, "first": lambda s: s.dropna().iloc[0] if s.notna().any() else None,
          "last": lambda s: s.dropna().iloc[-1] if s.notna().any() else None}
REFUSED = {("sum", "text")}  # pandas puts the texts one after the other

pytestmark = pytest.mark.filterwarnings("ignore")


def plain(value):
    """A result of pandas as dk_compute_values() has it: times in nanoseconds, missing as None."""
    if value is None or value is pd.NaT or value is pd.NA or isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, (pd.Timestamp, pd.Timedelta)):
        return value.as_unit("ns").value
    return value.item() if isinstance(value, np.generic) else value


def check_value(got, data, aggregate, kind):
    if aggregate in EXACT and kind in [*FLOATS, *INTS, "bool"] and not (aggregate == "sum" and kind not in FLOATS):
        if got is None:
            assert math.isnan(EXACT[aggregate](data))
        elif kind == "float32":
            assert_exact(np.float32(got), aggregate, data)
        else:
            assert_exact(got, aggregate, data)
    elif aggregate == "mean" and kind in TIMES:
        exact = [int(ns) for ns in data.dropna().astype("i8")]
        assert got == (math.copysign(1, sum(exact)) * (abs(sum(exact)) // len(exact)) if exact else None) or \
            abs(got) == abs(sum(exact)) // len(exact)
    else:
        want = plain(PANDAS.get(aggregate, lambda s: getattr(s, aggregate)())(data))
        if aggregate == "std" and kind in TIMES and got is not None:
            assert got == pytest.approx(want, rel=1e-12)
        else:
            assert got == want and type(got) is type(want)


@pytest.mark.parametrize("missing", [0, 0.3, 1])
@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_aggregate(dk, aggregate, missing):
    """Missing values are skipped; of nothing but missing ones the sum is 0 and the rest is missing."""
    for kind in KINDS:
        for n in (1, 2, 500):
            data = series(generator(kind, aggregate, n), kind, n, missing)
            if kind == "duration":
                data = data // 2**10
            if kind == "uint64":
                data = data // 2**11  # what an int64 does not hold is test_unsigned's
            try:
                got = dk.from_pandas(data, 4).aggregate(aggregate).value()
            except Error as error:
                assert error.status == "DK_ETYPE" and aggregate in error.message
                if (aggregate, kind) not in REFUSED:
                    with pytest.raises(TypeError):
                        getattr(data, aggregate)()
            else:
                check_value(got, data, aggregate, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_no_rows(dk, kind):
    data = series(generator(kind), kind, 5, 0)
    lazy = dk.from_pandas(data)
    for aggregate in ("count", "size", "min", "max", "nunique", "first"):
        if kind == "category" and aggregate in ("min", "max"):
            continue
        got = lazy[lazy.isna()].aggregate(aggregate).value()
        assert got == (0 if aggregate in ("count", "size", "nunique") else None)


def test_partitions_do_not_matter(dk, seed):
    """Sums, means and deviations of floats to the last bit, however the rows are cut."""
    rng = generator("partitions", seed)
    data = pd.Series(rng.normal(0, 1, 4000) * 10.0 ** rng.integers(-200, 100, 4000), name="x")
    def results(npartitions, **how):
        lazy = dk.from_pandas(data, npartitions)
        return compute_scalars([lazy.aggregate(name) for name in AGGREGATES], **how)
    want = results(1, scheduler="sync")
    for npartitions in (2, 3, 10, 1000, 4000):
        assert results(npartitions, scheduler="threads", num_workers=3) == want


def test_cancellation(dk):
    """What cancels out leaves exactly what is left."""
    data = pd.Series([1e308, 1.0, -1e308, 1e-300, 1e308, -1.0, -1e308], name="x")
    assert dk.from_pandas(data, 3).sum().value() == 1e-300
    big = pd.Series([1e308, 1e308, -1e308], name="x")
    assert dk.from_pandas(big, 3).sum().value() == 1e308


def test_unsigned(dk):
    """A table holds an unsigned result of any size; a single value is refused if no int64 can be it."""
    largest = dk.from_pandas(pd.Series([2**64 - 1, 1], name="x")).max()
    assert largest.compute().tolist() == [2**64 - 1]
    with pytest.raises(Error, match="18446744073709551615") as caught:
        largest.value()
    assert caught.value.status == "DK_EOVERFLOW"


def test_scalars_in_expressions(dk):
    """A reduction is an operand as any other."""
    data = pd.DataFrame({"a": [1.0, 2.0, 4.0, np.nan], "b": [1, 2, 3, 4]})
    lazy = dk.from_pandas(data, 2)
    centred = (lazy["a"] - lazy["a"].mean()) / lazy["a"].std()
    want = (data["a"] - data["a"].mean()) / data["a"].std()
    pd.testing.assert_series_equal(centred.compute(), want)
    pd.testing.assert_series_equal((lazy["b"].max() - lazy["a"]).compute(), 4 - data["a"])
    assert (lazy["a"].max() - lazy["b"].min()).value() == 3.0
    assert lazy[lazy["b"] > lazy["b"].mean()]["b"].compute().tolist() == [3, 4]


def test_types_known_before(dk):
    """The type of a result is known without computing it, and right."""
    for kind in KINDS:
        data = series(generator(kind), kind, 20, 0)
        lazy = dk.from_pandas(data // 2**10 if kind == "duration" else data)
        for aggregate in AGGREGATES:
            result = lazy.aggregate(aggregate)
            if result.error is None:
                assert type_name(result.compute().dtype) == type_name(result.dtypes[0])


def test_same_name(dk):
    """dk_aggregate("sum") is dk_sum()."""
    lazy = dk.from_pandas(pd.Series([1, 2, 3, 3], name="x"), 2)
    for name in AGGREGATES:
        assert getattr(lazy, name)().value() == lazy.aggregate(name).value()
    assert lazy.aggregate("smu").error.status == "DK_EINVAL" and "nunique" in lazy.aggregate("smu").error.message
