"""The notebook's computation: 52 business days of minutes, grouped by rounded day into 63 spreads."""
import random
import threading

import dask.dataframe as dd
import pandas as pd
import pytest

from cdask_ctypes import AGGREGATES, Context, compute_all, ntasks
from compare import assert_near, assert_same

SCHEDULERS = [dict(scheduler="sync"), dict(scheduler="threads", num_workers=1),
              dict(scheduler="threads", num_workers=2), dict(scheduler="threads", num_workers=8),
              dict(scheduler="processes", num_workers=1), dict(scheduler="processes", num_workers=3)]
BLOCKSIZES = [-1, 0, 997, 5000, 12345, 10**6]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One file a business day, one row a minute from 9:00 to 16:59, with holes in the prices."""
    folder = tmp_path_factory.mktemp("stocks")
    rng, price = random.Random(2015), 500.0
    for day in pd.date_range("2015-04-20", "2015-06-30", freq="B"):
        lines = ["timestamp,close,high,low,open"]
        for minute in range(480):
            opening, price = price, price + rng.gauss(0, 0.4)
            high = max(opening, price) + abs(rng.gauss(0, 0.2))
            low = min(opening, price) - abs(rng.gauss(0, 0.2))
            fields = ["" if rng.random() < 0.001 else f"{x:.6f}" for x in (price, high, low, opening)]
            lines.append(f"{day + pd.Timedelta(9 * 60 + minute, 'min')},{','.join(fields)}")
        (folder / f"{day.date()}.csv").write_text("\n".join([*lines, ""]))
    return folder


@pytest.fixture(scope="module")
def pattern(folder):
    return str(folder / "*.csv")


@pytest.fixture(scope="module")
def prices(folder):
    """All rows by pandas."""
    return pd.concat(pd.read_csv(path, parse_dates=["timestamp"]) for path in sorted(folder.iterdir()))


def read(dk, pattern, **options):
    return dk.read_csv(pattern, parse_dates=["timestamp"], **options)


def spread_of(df):
    day = df["timestamp"].dt_round("1d")
    return df.groupby(day)["high"].max() - df.groupby(day)["low"].min()


def pandas_spread(df):
    day = df.timestamp.dt.round("1D")
    return df.groupby(day).high.max() - df.groupby(day).low.min()


def test_shape(dk, pattern):
    """52 files are 52 partitions; afternoons count for the next day, which adds 10 Saturdays and July 1st."""
    assert read(dk, pattern).npartitions == 52
    spread = spread_of(read(dk, pattern)).compute()
    assert len(spread) == 63 and (spread.index.day_of_week == 5).sum() == 10
    assert spread.name is None and spread.index.name == "timestamp" and spread.dtype == "float64"


def test_pandas(dk, pattern, prices):
    """pandas on one frame gives the same result to the last bit."""
    assert_same(spread_of(read(dk, pattern)).compute(), pandas_spread(prices))


def test_dask(dk, pattern):
    """So does Dask, whose groups come in no order."""
    df = dd.read_csv(pattern, parse_dates=["timestamp"])
    want = pandas_spread(df).compute(scheduler="threads").sort_index()
    assert_same(spread_of(read(dk, pattern)).compute(), want)


@pytest.mark.parametrize("blocksize", BLOCKSIZES)
def test_schedulers_and_blocks(dk, pattern, prices, blocksize):
    """Every scheduler, any number of workers, blocks from a few rows to whole files."""
    want = pandas_spread(prices)
    frame = spread_of(read(dk, pattern, blocksize=blocksize))
    for how in SCHEDULERS if blocksize in (-1, 12345) else SCHEDULERS[:3]:
        assert_same(frame.compute(**how), want)


def test_every_aggregate(dk, pattern, prices):
    """Sums, means and deviations, too, are the same bits under every scheduler and for all blocks."""
    def results(blocksize, **how):
        df = read(dk, pattern, blocksize=blocksize)
        groups = df.groupby(df["timestamp"].dt_round("1d"))["close"]
        return compute_all([groups.aggregate(name) for name in AGGREGATES], **how)
    want = results(-1, scheduler="sync")
    for blocksize, how in zip(BLOCKSIZES, SCHEDULERS):
        for one, other in zip(results(blocksize, **how), want):
            assert_same(one, other)
    groups = prices.groupby(prices.timestamp.dt.round("1D")).close
    for name, one in zip(AGGREGATES, want):
        assert_near(one, getattr(groups, name)(), 1e-9 if name in ("std", "var") else 1e-12)


def test_shared_work(pattern):
    """The files are read once for both reductions; only three of the five columns are parsed."""
    with Context() as dk:
        df = read(dk, pattern)
        day = df["timestamp"].dt_round("1d")
        high, low = df.groupby(day)["high"].max(), df.groupby(day)["low"].min()
        alone = ntasks(high)
        assert 52 < alone < 70
        assert ntasks(high, low) <= alone + 2
        assert ntasks(high - low) <= alone + 2
        assert ntasks(high, low, high - low, df.groupby(day)["high"].mean()) <= alone + 6
        assert ntasks(high, high) <= alone + 1
        # The same expression made a second time is the same expression.
        again = read(dk, pattern)
        assert ntasks(high, again.groupby(again["timestamp"].dt_round("1d"))["low"].min()) <= alone + 2
        assert "parses 3 of 5 columns" in (high - low).explain()


def test_together_and_alone(dk, pattern):
    """What is computed together is what is computed alone."""
    df = read(dk, pattern)
    frames = [spread_of(df), df["high"].max(), df[df["close"] > 500], df.groupby("open").size(),
              df["timestamp"].dt("hour").nunique()]
    for one, frame in zip(compute_all(frames), frames):
        assert_same(one, frame.compute(scheduler="sync"))


def test_one_rounded_day(dk, pattern, prices):
    """2015-05-05 has the afternoon before and the morning up to noon: 481 rows, with their labels."""
    df = read(dk, pattern)
    got = df[df["timestamp"].dt_round("1d") == "2015-05-05"].compute()
    assert_same(got, prices[prices.timestamp.dt.round("1D") == "2015-05-05"])
    assert len(got) == 481


def test_computed_at_the_same_time(dk, pattern, prices):
    """Several threads may compute in one context at once."""
    frame, want = spread_of(read(dk, pattern)), pandas_spread(prices)
    results = [None] * 6

    def compute(i):
        results[i] = frame.compute(scheduler=("threads", "sync")[i % 2])
    threads = [threading.Thread(target=compute, args=[i]) for i in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        assert_same(result, want)


@pytest.mark.parametrize("how", SCHEDULERS[::2])
def test_memory_is_given_back(dk, pattern, how):
    """After a computation the ledger has what it had before, and the result."""
    frame = spread_of(read(dk, pattern))
    frame.compute(**how)
    before = dk.memory().current
    for _ in range(3):
        frame.compute(**how)
    assert dk.memory().current <= before


def test_head(dk, pattern, prices):
    assert_same(read(dk, pattern).head(), prices.head())
    assert_same(read(dk, pattern).head(1000), prices.head(480))
