"""Rounding of timestamps and durations, and the fields of timestamps."""
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from cdask_ctypes import Error
from compare import assert_same
from random_data import TIMES, generator, series

HOWS = ["round", "floor", "ceil"]
FREQS = {"1d": 86400 * 10**9, "D": 86400 * 10**9, "12h": 43200 * 10**9, "1D12h": 129600 * 10**9,
         "90min": 5400 * 10**9, "7h": 25200 * 10**9, "h": 3600 * 10**9, "min": 60 * 10**9, "s": 10**9,
         "37s": 37 * 10**9, "ms": 10**6, "250ms": 250 * 10**6, "us": 1000, "7us": 7000, "ns": 1, "7ns": 7,
         "2ns": 2, "1.5h": 5400 * 10**9, "1d 2h": 93600 * 10**9, "100D": 8640000 * 10**9}
OLD_NAMES = {"d": "D", "H": "h", "5T": "5min", "S": "s", "L": "ms", "U": "us", "N": "ns", "1d": "1D"}
FIELDS = ["year", "month", "day", "hour", "minute", "second", "microsecond", "nanosecond", "dayofweek",
          "day_of_week", "weekday", "dayofyear", "day_of_year", "quarter", "is_month_start", "is_month_end",
          "is_quarter_start", "is_quarter_end", "is_year_start", "is_year_end", "is_leap_year",
          "days_in_month", "daysinmonth"]


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # old names of fields


def times(*texts):
    return pd.Series(pd.to_datetime(list(texts), format="ISO8601").astype("M8[ns]"), name="t")


def rounded(dk, data, how, freq, npartitions=1):
    return getattr(dk.from_pandas(data, npartitions), "dt_" + how)(freq).compute()


def test_noon(dk):
    """Half a day goes to the even day since 1970, on both sides of it."""
    data = times("2015-05-05 12:00", "2015-05-06 12:00", "1970-01-01 12:00", "1969-12-31 12:00",
                 "1970-01-02 12:00", "2015-05-05 12:00:00.000000001", "2015-05-06 11:59:59.999999999")
    assert_same(rounded(dk, data, "round", "1d"),
                times("2015-05-05", "2015-05-07", "1970-01-01", "1970-01-01", "1970-01-03", "2015-05-06",
                      "2015-05-06"))


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("freq", FREQS)
def test_rounding(dk, freq, how):
    """Timestamps and durations of any size and sign round as in pandas; a missing one stays missing."""
    for kind in TIMES:
        data = series(generator(kind, freq), kind, 1000)
        assert_same(rounded(dk, data, how, freq, 3), getattr(data.dt, how)(freq))


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("freq", FREQS)
def test_rounding_is_exact(dk, freq, how):
    """The multiples of a step and their middles, by fractions."""
    step = FREQS[freq]
    halves = np.array([n * step // 2 + d for n in range(-8, 9) for d in (-1, 0, 1)])
    data = pd.Series(halves.view("M8[ns]"), name="t")
    multiple = {"round": lambda q: round(q), "floor": lambda q: q.__floor__(), "ceil": lambda q: q.__ceil__()}
    want = [multiple[how](Fraction(int(ns), step)) * step for ns in halves]
    assert rounded(dk, data, how, freq).astype("i8").tolist() == want


def test_old_names(dk):
    """Frequencies may be spelled as in older versions of pandas."""
    data = series(generator("old"), "timestamp", 500)
    for old, new in OLD_NAMES.items():
        assert_same(rounded(dk, data, "round", old), data.dt.round(new))


@pytest.mark.parametrize("freq", ["M", "ME", "MS", "B", "W", "2W", "W-MON", "QS", "YE", "Y", "A", "bh"])
def test_no_fixed_length(dk, freq):
    with pytest.raises(Error, match="non-fixed frequency") as caught:
        rounded(dk, times("2015-05-05"), "round", freq)
    assert caught.value.status == "DK_EINVAL"


@pytest.mark.parametrize("freq", ["", "x", "d1", "1dd", "1x", "--1d", "1e3s", "0d", "-1d", " "])
def test_no_frequency(dk, freq):
    """pandas rounds to steps of nothing or less, too; here they are a mistake."""
    frame = dk.from_pandas(times("2015-05-05")).dt_round(freq)
    assert frame.error.status == "DK_EINVAL" and freq in frame.error.message


@pytest.mark.parametrize("kind", ["int64", "float64", "text", "bool", "category"])
def test_not_a_time(dk, kind):
    data = series(generator(kind), kind, 10)
    for frame in (dk.from_pandas(data).dt_round("1d"), dk.from_pandas(data).dt("year")):
        assert frame.error.status == "DK_ETYPE"


def test_too_long(dk):
    frame = dk.from_pandas(times("2015-05-05")).dt_round("99999999999D")
    assert frame.error.status == "DK_EOVERFLOW" and "99999999999D" in frame.error.message


def test_out_of_range(dk):
    """A multiple beyond 64-bit nanoseconds is an error, in both."""
    data = times("2262-04-11 20:00")
    with pytest.raises(Exception):
        data.dt.ceil("100D")
    with pytest.raises(Error) as caught:
        rounded(dk, data, "ceil", "100D")
    assert caught.value.status == "DK_EOVERFLOW"


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("missing", [0, 0.2, 1])
def test_field(dk, field, missing):
    """Every field of timestamps before and after 1970, with pandas' type."""
    data = series(generator(field), "timestamp", 2000, missing)
    assert_same(dk.from_pandas(data, 3).dt(field).compute(), getattr(data.dt, field))


def test_field_around_year_ends(dk):
    days = pd.date_range("1895-12-25", "1905-01-05", freq="D").append(
        pd.date_range("1999-12-20", "2001-03-05", freq="D"))
    data = pd.Series(days.astype("M8[ns]"), name="t")
    lazy = dk.from_pandas(data)
    for field in FIELDS:
        assert_same(lazy.dt(field).compute(), getattr(data.dt, field))


def test_no_field(dk):
    frame = dk.from_pandas(times("2015-05-05")).dt("yaer")
    assert frame.error.status == "DK_EINVAL"
    assert "'yaer'" in frame.error.message and "year" in frame.error.message


def test_compare_with_text(dk, seed):
    """A text compared with timestamps is read as one, which may be missing; one that is none is never equal."""
    data = series(generator("text", seed), "timestamp", 300)
    data[10] = pd.Timestamp("2015-05-05")
    lazy = dk.from_pandas(data, 2)
    for text in ("2015-05-05", "2015-05-05 00:00:00", "1900", "2015-05", "", "NaT", "nan"):
        for op in ("eq", "ne", "lt", "le", "gt", "ge"):
            assert_same(lazy.operate(op, text).compute(), getattr(data, op)(text))
    assert not lazy.operate("eq", "no date").compute().any()
    assert lazy.operate("lt", "no date").error.status == "DK_EPARSE"


def test_no_arithmetic_with_text(dk):
    """Beside arithmetic a text stays a text, as in pandas."""
    lazy = dk.from_pandas(times("2015-05-05"))
    for literal in ("2015-05-05", "", "NaT"):
        assert lazy.operate("sub", literal).error.status == "DK_ETYPE"
