"""dk_table_format() prints what pandas prints, character by character."""
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest

from random_data import KINDS, frame, generator, series

ROWS = [0, 1, 2, 10, 11, 59, 60, 61, 100]


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    """80 columns, and frames as in a notebook: wrapped, and cut beyond 20 columns (in a terminal of
    its own Python cuts at its width)."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "100")
    with pd.option_context("display.width", 80, "display.max_columns", 20, "display.max_rows", 60,
                           "display.min_rows", 10):
        yield


def check(dk, data):
    """The table is printed as pandas prints the same thing."""
    table = dk.from_pandas(data, 2 if len(data) > 1 else 1).table()
    assert table.format() == repr(table.to_pandas())


def floats(rng, n):
    """Prices, fractions, powers of ten, whole numbers: the ways pandas chooses digits from the column."""
    ways = [lambda: rng.normal(100, 5, n).round(int(rng.integers(0, 7))), lambda: rng.random(n),
            lambda: 10.0 ** rng.integers(-12, 13, n), lambda: rng.integers(-999, 999, n).astype("f8"),
            lambda: rng.normal(0, 1, n) * 10.0 ** rng.integers(-8, 8, n), lambda: np.full(n, 0.1) + 1e-9,
            lambda: rng.normal(0, 1e15, n), lambda: rng.normal(0, 1e-7, n), lambda: np.zeros(n)]
    values = ways[rng.integers(0, len(ways))]()
    if rng.random() < 0.4:
        values[rng.random(n) < 0.2] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0])
    return values


def times(rng, n):
    """Days only, minutes, fractions of seconds, with holes."""
    step = [86400 * 10**9, 60 * 10**9, 10**9, 10**6, 1000, 1][rng.integers(0, 6)]
    values = pd.Series((1429520400 * 10**9 // step + rng.integers(0, 10**5, n)) * step).astype("M8[ns]")
    return values.mask(rng.random(n) < rng.choice([0, 0.2]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nrows", ROWS)
def test_series(dk, kind, nrows):
    """Series of every type and length, with and without missing values."""
    for missing in (0, 0.3):
        check(dk, series(generator(kind, nrows), kind, nrows, missing))


@pytest.mark.parametrize("make", [floats, times])
def test_digits(dk, make, seed):
    """The digits shown depend on all values shown together."""
    rng = generator("digits", seed)
    for _ in range(30):
        n = int(rng.choice([1, 3, 20, 70]))
        check(dk, pd.Series(make(rng, n), name="x"))
        check(dk, pd.DataFrame({"a": make(rng, n), "b": make(rng, n)}))


def test_float32(dk, seed):
    rng = generator("single", seed)
    for _ in range(10):
        check(dk, pd.Series(floats(rng, 20).astype("f4"), name="x"))
        check(dk, pd.DataFrame({"x": floats(rng, 70).astype("f4")}))


@pytest.mark.parametrize("nrows", ROWS)
def test_frame(dk, nrows):
    """Frames of all types; wider than the terminal they are cut in the middle."""
    rng = generator("frame", nrows)
    for n in (1, 2, 3, 5, len(KINDS)):
        check(dk, frame(rng, nrows, list(rng.permutation(KINDS)[:n])))


def test_width(dk, seed):
    """Any number of columns of any width: which ones give way to dots is pandas' choice."""
    rng = generator("width", seed)
    for _ in range(20):
        names = ["".join(rng.choice(list("abc xyzäß"), rng.integers(1, 16))) + str(i)
                 for i in range(rng.integers(1, 14))]
        data = pd.DataFrame({name: floats(rng, 5) if rng.random() < 0.5 else
                             series(rng, str(rng.choice(KINDS)), 5, name=name) for name in names})
        check(dk, data)


@pytest.mark.parametrize("kind", ["int64", "float64", "text", "timestamp", "duration", "bool", "category"])
@pytest.mark.parametrize("name", [None, "label", "a long name of an index"])
def test_index(dk, kind, name):
    """Labels of every type, with the index's name on a line of its own."""
    rng = generator("index", kind)
    for nrows in (1, 5, 70):
        data = frame(rng, nrows, ["float64", "text"])
        data.index = pd.Index(series(rng, kind, nrows, 0), name=name)
        check(dk, data)
        check(dk, data["float64"])


@pytest.mark.parametrize("text", ["", " ", "x" * 49, "x" * 50, "x" * 51, "x" * 200, "two\nlines", "tab\there",
                                  "back\\slash", '"quotes"', "日本語", "e\u0301", "🙂", "\r", "'"])
def test_text(dk, text):
    """Long, wide, empty and unprintable texts, as values, names and labels."""
    check(dk, pd.Series([text, "b"], name="x", dtype="str"))
    check(dk, pd.DataFrame({"x": [text, "b"], "y": [1, 2]}))
    check(dk, pd.DataFrame({"y": [1, 2]}, index=pd.Index([text, "b"], name="i")))
    if text:
        check(dk, pd.DataFrame({text: [1, 2], "y": [1, 2]}))


def test_categories(dk):
    """The line below a series of categories, which is cut when there are many."""
    for n in (0, 1, 3, 10, 30, 100):
        for width in (1, 8, 20):
            categories = pd.Index([f"{i:0{width}}" for i in range(n)], dtype="str")
            data = pd.Series(pd.Categorical(list(categories[:5]), categories), name="x")
            check(dk, data)


def test_names(dk):
    """Series with and without a name, with and without a named index."""
    for name in ("x", "a name with blanks", "ü"):
        for index in (None, "i"):
            check(dk, pd.Series([1, 2], name=name, index=pd.Index([3, 4], name=index)))
    table = (dk.from_pandas(pd.DataFrame({"a": [1, 2], "b": [1, 2]}))["a"].operate("add", 1)).table()
    assert table.format() == repr(table.to_pandas())
    lazy = dk.from_pandas(pd.DataFrame({"a": [1, 2], "b": [1, 2]}))
    unnamed = (lazy["a"] + lazy["b"]).table()
    assert unnamed.to_pandas().name is None
    assert unnamed.format() == repr(unnamed.to_pandas())


@pytest.mark.parametrize("width", [20, 40, 80, 120, 300])
@pytest.mark.parametrize("max_rows", [1, 4, 10, 60, 200])
def test_options(dk, max_rows, width, monkeypatch):
    """Other sizes of terminal and other numbers of rows."""
    rng = generator("options", width, max_rows)
    monkeypatch.setenv("COLUMNS", str(width))
    for nrows in (3, 10, 100):
        table = dk.from_pandas(frame(rng, nrows)).table()
        for min_rows in (4, 10):
            with pd.option_context("display.width", width, "display.max_rows", max_rows,
                                   "display.min_rows", min_rows):
                assert table.format(max_rows, min_rows, width) == repr(table.to_pandas())


def test_everything(dk):
    """All rows, never cut to a width: to_string()."""
    table = dk.from_pandas(frame(generator("all"), 100)).table()
    assert table.format(max_rows=-1, width=-1) == table.to_pandas().to_string()


@pytest.mark.parametrize("npartitions", [1, 2, 3, 4, 5, 7, 20])
def test_lazy_frame(dk, npartitions):
    """A lazy frame prints as Dask's does: names, types, partitions, no data."""
    data = pd.DataFrame({"a": range(20), "flag": [True] * 20, "price": [0.5] * 20})
    lazy, theirs = dk.from_pandas(data, npartitions), dd.from_pandas(data, npartitions).clear_divisions()
    for ours, other in ((lazy, theirs), (lazy["a"], theirs["a"]), (lazy[["flag"]], theirs[["flag"]])):
        want = [line.rstrip() for line in repr(other).splitlines() if not line.startswith(("Dask Name", "Expr"))]
        got = [line.rstrip() for line in ours.format().splitlines() if not line.startswith("Name: ")]
        assert got == want
