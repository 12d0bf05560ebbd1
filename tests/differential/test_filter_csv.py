"""Filters of files: rows that a filter drops are found but not converted, and nothing else is different."""
import numpy as np
import pandas as pd
import pytest

from cdask_ctypes import Error, compute_all
from compare import assert_same
from csv_data import write
from random_data import WORDS, generator

DTYPES = {"price": "float64", "size": "int64", "small": "int8", "single": "float32", "flag": "bool",
          "text": "str", "label": "category"}
OURS = dict(dtype=DTYPES, parse_dates=["time"])


def some_rows(seed, n=400):
    rng = generator("filter csv", seed)
    words = np.array([word for word in WORDS if word] + ["a,b", 'say "hi"', "two\nlines"], dtype=object)
    rows = pd.DataFrame({
        "price": np.where(rng.random(n) < 0.1, np.nan, rng.normal(0, 100, n).round(4)),
        "size": rng.integers(-10**12, 10**12, n),
        "small": rng.integers(-100, 100, n).astype("int8"),
        "single": rng.integers(-50, 50, n).astype("f4") / 4,
        "flag": rng.random(n) < 0.5,
        "time": pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 10**7, n), unit="s"),
        "text": rng.choice(words, n),
        "label": rng.choice(["red", "green", "blue"], n)})
    rows.loc[rng.random(n) < 0.1, "text"] = None
    return rows


def written(folder, rows, line_end="\n", blank=False):
    text = rows.to_csv(index=False, lineterminator=line_end)
    if blank:  # only outside quotes: behind the lines that end a row of the last column
        for label in ("red", "green"):
            text = text.replace(f",{label}{line_end}", f",{label}{line_end}{line_end}")
    return write(folder, "a.csv", text.encode())


def read_pandas(path):
    frame = pd.read_csv(path, dtype={**DTYPES, "time": "str"})
    return frame.assign(time=pd.to_datetime(frame["time"]))


@pytest.fixture(params=[("\n", False), ("\r\n", False), ("\n", True)], ids=["lf", "crlf", "blank"])
def form(request):
    return dict(zip(("line_end", "blank"), request.param))


@pytest.fixture(params=[None, 3000], ids=["whole", "blocks"])
def blocksize(request):
    return {} if request.param is None else dict(blocksize=request.param)


def masks(frame):
    return [frame["price"] > 150, frame["price"] > -1e9, frame["price"] > 1e9, frame["flag"],
            (frame["small"] > 0) & (frame["label"] == "red"), frame["time"] > "2015-03-01",
            ~(frame["single"] >= 0), frame["text"] == "a,b"]


def test_every_type(dk, tmp_path, seed, form, blocksize):
    """All columns behind masks of each, which keep few rows, all of them, or none."""
    path = written(tmp_path, some_rows(seed), **form)
    ours, pandas = dk.read_csv(path, **OURS, **blocksize), read_pandas(path)
    for mask, want in zip(masks(ours), masks(pandas)):
        assert_same(ours[mask].compute(), pandas[want], labels=not blocksize)
        assert_same(ours["text"][mask].compute(), pandas["text"][want], labels=not blocksize)


def test_chains(dk, tmp_path, seed, blocksize):
    """Filters of filters, arithmetic and groups behind them, and columns that are used in front as well."""
    path = written(tmp_path, some_rows(seed))
    ours, pandas = dk.read_csv(path, **OURS, **blocksize), read_pandas(path)
    kept = [frame[frame["price"] > -50] for frame in (ours, pandas)]
    kept = [frame[frame["small"] > 0] for frame in kept]
    kept = [frame[frame["flag"]] for frame in kept]
    labels = not blocksize
    assert_same(kept[0].compute(), kept[1], labels)
    assert_same((kept[0]["size"] + kept[0]["single"]).compute(), kept[1]["size"] + kept[1]["single"], labels)
    got = kept[0].groupby("text")["size"].max().compute()
    assert_same(got, kept[1].groupby("text")["size"].max())
    both = [frame.assign(more=frame["size"] + 1) for frame in (ours, pandas)]
    both = [frame[frame["price"] > 0] for frame in both]
    assert_same(both[0].compute(), both[1], labels)


def test_several_at_once(dk, tmp_path, seed):
    """One pass for a column wanted in all rows, behind a filter, and behind another."""
    path = written(tmp_path, some_rows(seed))
    ours, pandas = dk.read_csv(path, **OURS), read_pandas(path)
    many = [[frame["size"], frame[frame["price"] > 100], frame[frame["price"] < 0][["text", "size"]],
             frame["small"][frame["flag"]]] for frame in (ours, pandas)]
    for got, want in zip(compute_all(many[0]), many[1]):
        assert_same(got, want)


def test_head(dk, tmp_path, seed):
    path = written(tmp_path, some_rows(seed))
    ours, pandas = dk.read_csv(path, **OURS), read_pandas(path)
    for n in (0, 1, 7, 1000):
        assert_same(ours[ours["price"] > 0].head(n), pandas[pandas["price"] > 0].head(n))


def test_categories(dk, tmp_path):
    """A category keeps the words of the rows that are dropped; the column of paths has all files."""
    rows = pd.DataFrame({"x": [1, 2, 3], "label": ["red", "green", "blue"]})
    paths = [write(tmp_path, name, rows.to_csv(index=False).encode()) for name in ("a.csv", "b.csv")]
    ours = dk.read_csv(paths, dtype={"label": "category"}, include_path_column="file")
    got = ours[ours["x"] > 2].compute()
    pandas = pd.read_csv(paths[0], dtype={"label": "category"})
    assert got["label"].tolist() == ["blue", "blue"]
    assert set(got["label"].cat.categories) == set(pandas[pandas["x"] > 2]["label"].cat.categories)
    assert got["file"].tolist() == [str(path) for path in paths]


def test_faulty_cells(dk, tmp_path):
    """A cell of a dropped row is not looked at, unlike pandas'; one of a kept row is an error."""
    path = write(tmp_path, "a.csv", b"a,b\n1,x\n2,2\n3,y\n")
    lazy = dk.read_csv(path, dtype={"a": "int64", "b": "int64"})
    with pytest.raises(ValueError):
        pd.read_csv(path, dtype={"a": "int64", "b": "int64"})
    assert lazy[lazy["a"] == 2].compute()["b"].tolist() == [2]
    with pytest.raises(Error) as caught:
        lazy[lazy["a"] > 1].compute()
    assert caught.value.status == "DK_EPARSE" and caught.value.line == 4
    assert f"{path}:4: column 'b': cannot parse 'y' as int64" in caught.value.message
    with pytest.raises(Error) as caught:  # `b` is wanted in every row here
        compute_all([lazy["b"], lazy[lazy["a"] == 2]])
    assert caught.value.line == 2
