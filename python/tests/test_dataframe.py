"""What the dataframes do beyond the functions of the library: literals, labels, ways in and out."""
import datetime
import enum

import numpy as np
import pandas as pd
import pytest

import cdask.dataframe as dd

TIMES = pd.Series(pd.to_datetime(["2000-01-01", None, "2000-01-03 12:00"], format="ISO8601").as_unit("ns"), name="t")
HOUR = pd.Timedelta("1h")


@pytest.mark.parametrize("index", [["x", "y", "z"], [2.5, 1.0, 7.0], pd.to_datetime(["2000", "2001", "2002"]).as_unit("ns"),
                                   pd.Index([5, 3, 1], name="i"), pd.RangeIndex(3, name="i")])
def test_functions_over_partitions_see_the_labels(index):
    """What a function gives is labelled as its partitions are."""
    data = pd.DataFrame({"a": [1, 2, 3]}, index=index)
    lazy = dd.from_pandas(data, npartitions=2, sort=False)
    pd.testing.assert_frame_equal(lazy.map_partitions(lambda part: part + 1).compute(), data + 1)
    pd.testing.assert_series_equal(lazy.a.map_partitions(lambda part: part * 2).compute(), data.a * 2)


@pytest.mark.parametrize("hour", [HOUR, datetime.timedelta(hours=1), np.timedelta64(1, "h")])
def test_durations_as_literals(hour):
    lazy = dd.from_pandas(TIMES, npartitions=2)
    pd.testing.assert_series_equal((lazy + hour).compute(), TIMES + HOUR)
    pd.testing.assert_series_equal(((lazy - lazy.min()) // hour).compute(), (TIMES - TIMES.min()) // HOUR)


@pytest.mark.parametrize("day", [pd.Timestamp("2000-01-02"), datetime.datetime(2000, 1, 2),
                                 np.datetime64("2000-01-02"), np.datetime64("2000-01-02", "ns")])
def test_timestamps_as_literals(day):
    lazy, day_ns = dd.from_pandas(TIMES, npartitions=2), pd.Timestamp("2000-01-02").as_unit("ns")
    assert (lazy > day).compute().tolist() == [False, False, True]
    pd.testing.assert_series_equal((day - lazy).compute(), day_ns - TIMES)


class Number(enum.IntEnum):
    TWO = 2


class Text(str):
    pass


@pytest.mark.parametrize("number", [0, -2**63, 2**63 - 1, True, 0.5, float("nan"), np.int8(-3), np.uint64(7),
                                    np.float32(0.1), np.bool_(True), Number.TWO], ids=repr)
def test_numbers_as_literals(number):
    """Python's, numpy's, and classes of them: as pandas takes them, types included."""
    data = pd.Series([3, 4], name="n")
    lazy = dd.from_pandas(data)
    pd.testing.assert_series_equal((lazy + number).compute(), data + number)
    pd.testing.assert_series_equal((number - lazy).compute(), number - data)
    pd.testing.assert_series_equal((lazy < number).compute(), data < number)


@pytest.mark.parametrize("number", [2**63, -2**63 - 1, 2**200, np.uint64(2**63)], ids=repr)
def test_numbers_beyond_literals(number):
    """Do not fit, rather than wrap around."""
    with pytest.raises(OverflowError, match="64 bits"):
        dd.from_pandas(pd.Series([1])) + number


@pytest.mark.parametrize("text", ["b", "", "é", Text("b"), np.str_("b")], ids=repr)
def test_texts_as_literals(text):
    data = pd.Series(["a", "b", ""])
    lazy = dd.from_pandas(data, npartitions=2)
    assert (lazy == text).compute().tolist() == (data == text).tolist()
    assert (lazy >= text).compute().tolist() == (data >= text).tolist()


@pytest.mark.parametrize("thing", [None, object(), [1, 2, 3], pd.NaT, pd.Timestamp("2000-01-01", tz="UTC")])
def test_what_cannot_be_compared(thing):
    """Is an error, not a comparison of Python objects."""
    for compare in (lambda: dd.from_pandas(TIMES) == thing, lambda: dd.from_pandas(TIMES) != thing):
        with pytest.raises(TypeError):
            compare()


@pytest.mark.parametrize("npartitions", [1, 2])
def test_reductions_keep_their_type(npartitions):
    """Beside columns they count as columns do; a literal takes the type of the column."""
    data = pd.DataFrame({"small": np.array([1, 6], "int8"), "large": [46656, 3],
                         "narrow": np.array([0.1, 0.5], "float32"), "wide": [0.1, 0.05]})
    lazy = dd.from_pandas(data, npartitions=npartitions)
    assert (lazy.small | lazy.large.max()).compute().tolist() == [46657, 46662]
    assert (lazy.narrow == lazy.wide.max()).compute().tolist() == [False, False]
    assert (lazy.narrow == 0.1).compute().tolist() == [True, False]
    with pytest.raises(OverflowError, match="46656 is out of bounds for int8"):
        lazy.small | 46656


@pytest.mark.parametrize("of", ["bool", "float32", "float64"])
def test_refused_without_rows(of):
    """Types that do not go together are refused where there are no rows; pandas answers objects."""
    day, nothing = pd.Timestamp("2000-01-01"), pd.Series(dtype=of)
    assert (day - nothing).dtype == object
    with pytest.raises(TypeError, match=f"cannot apply - to .* and {of}"):
        day - dd.from_pandas(nothing)


@pytest.mark.parametrize("rows", [[None, None], [None, 2], [None, 2, -3]])
def test_negative_powers_of_missing_integers(rows):
    """What is missing has no power, and is no reason to refuse one."""
    base = pd.Series(rows, dtype="Int64")
    exponent = base.isna() * -4 + 3  # negative where the base is missing
    power = dd.from_pandas(base, npartitions=2) ** dd.from_pandas(exponent, npartitions=2)
    assert power.compute().fillna(0).tolist() == [x**3 if x else 0 for x in rows]
    if any(rows):
        with pytest.raises(ValueError, match="negative integer powers"):
            (dd.from_pandas(base) ** -1).compute()


def test_category_equals_no_bool():
    """Not even a missing one, of which pandas cannot say."""
    data = pd.DataFrame({"word": ["a", None], "truth": [True, None]})
    data = data.astype({"word": "category", "truth": "boolean"})
    lazy = dd.from_pandas(data)
    for left, right in (("word", "truth"), ("truth", "word")):
        assert (lazy[left] == lazy[right]).compute().tolist() == [False, False]
        assert (lazy[left] != lazy[right]).compute().tolist() == [True, True]


def test_persist_keeps_types():
    """Integers beside missing ones stay integers, of any size."""
    data = pd.Series([2**62 + 1, None, 3], dtype="Int64", name="n")
    kept = dd.from_pandas(data, npartitions=3).persist()
    assert kept.npartitions == 3 and kept.dtype == "int64"
    assert (kept - 2**62).compute().tolist()[0] == 1


def test_large_integers_beside_missing_ones():
    """Are shown as floats, as in pandas, the nearest ones."""
    data = pd.Series([2**62 + 1, None], dtype="Int64")
    assert dd.from_pandas(data).compute().tolist()[0] == 2.0**62


def test_no_such_field():
    with pytest.raises(AttributeError, match="hour"):
        dd.from_pandas(TIMES - TIMES.min()).dt.hour


def test_functions_of_two_dataframes():
    """Are refused, rather than called with what is lazy."""
    lazy = dd.from_pandas(TIMES)
    for arguments in ([lazy], [lazy.min()]):
        with pytest.raises(NotImplementedError, match="one dataframe"):
            lazy.map_partitions(lambda part, other: part, *arguments)
    with pytest.raises(NotImplementedError):
        lazy.map_partitions(lambda part, other: part, other=lazy)
