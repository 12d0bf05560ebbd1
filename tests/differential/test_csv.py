"""read_csv: every value, label, name and type as pandas reads the same bytes, for any block size."""
import random

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from cdask_ctypes import Context
from compare import assert_same, assert_same_values, type_name
from csv_data import KINDS, Recipe, read_pandas, write

SIZES = [0, 1, 2, 7, 100, 1000, 5000]


def check_labels(index, most_restarts):
    """Labels count from 0 and start again with some partitions (an empty file has none)."""
    steps = np.flatnonzero(np.diff(index.to_numpy()) != 1) + 1
    assert (index.to_numpy()[steps] == 0).all() and (len(index) == 0 or index[0] == 0)
    assert len(steps) <= most_restarts


def check_reading(dk, paths, want, blocksizes, **options):
    """Whole files have pandas' labels too; blocks of them the same rows in the same order."""
    whole = dk.read_csv(paths, blocksize=-1, **options)
    assert whole.error is None
    assert whole.npartitions == len(paths)
    got = whole.compute()
    assert [type_name(t) for t in whole.dtypes] == [type_name(t) for t in want.dtypes]
    assert_same(got, want)
    for blocksize in blocksizes:
        frame = dk.read_csv(paths, blocksize=blocksize, **options)
        got = frame.compute()
        assert_same(got, want, labels=False)
        check_labels(got.index, frame.npartitions - 1)


def some_blocksizes(rng, data):
    longest_row = max(map(len, data.splitlines() or [b""])) + 2
    return [rng.randint(1, longest_row), longest_row * rng.randint(2, 20), rng.randint(1, len(data) + 1)]


def test_one_file(dk, tmp_path, seed):
    """A file of random kinds of columns reads as in pandas."""
    for nrows in SIZES[:-1] if seed else SIZES:
        recipe = Recipe(f"{seed}, {nrows} rows")
        data = recipe.file(nrows)
        path = write(tmp_path, f"{nrows}.csv", data)
        want = read_pandas([path], parse_dates=recipe.parse_dates)
        check_reading(dk, [path], want, some_blocksizes(recipe.rng, data) if nrows else [],
                      parse_dates=recipe.parse_dates, infer_all=True)


@pytest.mark.parametrize("kind", KINDS)
def test_one_kind(dk, tmp_path, kind, seed):
    """A column of each kind alone, without its neighbours' commas."""
    recipe = Recipe(seed, [kind])
    data = recipe.file(300)
    path = write(tmp_path, "one.csv", data)
    want = read_pandas([path], parse_dates=recipe.parse_dates)
    check_reading(dk, [path], want, some_blocksizes(recipe.rng, data), parse_dates=recipe.parse_dates,
                  infer_all=True)


def test_many_files(dk, tmp_path, seed):
    """Files follow each other in lexical order, compressed or not, whatever order their columns have."""
    recipe = Recipe(seed + 1000)
    rng, paths, data = recipe.rng, [], b""
    for i in range(12):
        one = recipe.file(rng.choice([1, 3, 50, 400]), shuffled=i > 0)
        data += one
        paths.append(write(tmp_path, f"f{i}.csv{rng.choice(['', '', '.gz', '.zst'])}", one))
    paths.sort()  # f0 f1 f10 f11 f2
    want = read_pandas(paths, parse_dates=recipe.parse_dates)
    check_reading(dk, paths, want, some_blocksizes(rng, data), parse_dates=recipe.parse_dates,
                  infer_all=True)
    got = dk.read_csv(str(tmp_path / "f*.csv*"), blocksize=-1, parse_dates=recipe.parse_dates,
                      infer_all=True)
    assert_same(got.compute(), want)


def test_decimals(dk, tmp_path, seed):
    """Decimals of every length, with the point anywhere or nowhere, are the nearest doubles."""
    rng = random.Random(f"decimals {seed}")
    cells = []
    for _ in range(20_000):
        length = rng.randint(1, rng.choice([4, 8, 16, 20, 40]))
        digits = "".join(rng.choice(rng.choice(["0123456789", "0", "9", "05"])) for _ in range(length))
        point = rng.randint(0, length)
        exponent = rng.choice([""] * 8 + ["e5", "E-12", "e+100", "e-300"])
        cells.append(rng.choice(["", "", "-", "+"]) + digits[:point] + "." + digits[point:] + exponent)
        if rng.random() < 0.1:
            cells[-1] = cells[-1].replace(".", "", 1)
    path = write(tmp_path, "a.csv", "\n".join(["a", "0.5", *cells, ""]).encode())
    for dtype in ({}, {"a": "float64"}):
        got = dk.read_csv(path, dtype=dtype, blocksize=rng.choice([-1, 1000]), infer_all=True).compute()["a"]
        assert_same_values(got.iloc[1:].reset_index(drop=True), pd.Series(map(float, cells)))


def test_every_block_size(dk, tmp_path):
    """No position of a cut loses, doubles or splits a row, not even inside quotes or between CR and LF."""
    recipe = Recipe(5, ["int", "text", "price"])
    recipe.end = "\r\n"
    data = recipe.file(25)
    path = write(tmp_path, "a.csv", data)
    want = read_pandas([path])
    for blocksize in range(1, len(data) + 2, 1 if len(data) < 2000 else 7):
        assert_same(dk.read_csv(path, blocksize=blocksize).compute(), want, labels=False)


def test_blocks_as_dask(dk, tmp_path):
    """Without quoted line ends, partitions are Dask's: as many, with the same rows in each."""
    rng = random.Random(1)
    lines = [f"{rng.randint(0, 10**rng.randint(1, 12))},{rng.random()}" for _ in range(200)]
    path = write(tmp_path, "a.csv", "\n".join(["a,b", *lines, ""]).encode())
    for blocksize in (100, 333, 1000, 2500, 10**6):
        want = dd.read_csv(path, blocksize=blocksize)
        got = dk.read_csv(path, blocksize=blocksize)
        assert got.npartitions == want.npartitions
        assert_same(got.compute(), want.compute(scheduler="sync"))


def test_as_dask(dk, tmp_path, seed):
    """Dask itself, with its own sampling, gives the same frame."""
    recipe = Recipe(seed + 77, ["short", "price", "label", "time", "bool"])
    recipe.bom = False  # Dask leaves a second file's mark in its first name
    paths = [write(tmp_path, f"{i}.csv", recipe.file(200)) for i in range(3)]
    want = dd.read_csv([str(p) for p in paths], parse_dates=recipe.parse_dates, blocksize=None)
    got = dk.read_csv(paths, parse_dates=recipe.parse_dates, blocksize=-1)
    assert got.npartitions == want.npartitions
    assert_same(got.compute(), want.compute())


# Single rules, each against pandas with the same text

RULES = {
    "na words": "a,b\n" + "".join(f"{w},1\n" for w in
                                  ["NA", "N/A", "null", "NaN", "-nan", "#N/A", "", "None", "<NA>", "NULL",
                                   "n/a", "nan", "-NaN", "#NA", "#N/A N/A", "1.#IND", "-1.#QNAN"]),
    "na among text": "a\nx\nNA\nna\nNan\nnone\nNONE\n Null\n",
    "na quoted": 'a,b\n"NA","x"\n"","y"\n',
    "uint64": "a\n9223372036854775808\n1\n",
    "uint64 limit": "a\n18446744073709551615\n0\n",
    "int64 limits": "a\n9223372036854775807\n-9223372036854775808\n",
    "uint64 and negative": "a\n18446744073709551615\n-1\n",
    "int and missing": "a,b\n1,1\n,2\n3,3\n",
    "int and float": "a\n1\n2.5\n",
    "int as exponent": "a\n1e3\n2\n",
    "bool and int": "a\n1\nTrue\n",
    "bool words": "a\ntrue\nFALSE\nTrue\n",
    "bool in strange case": "a\ntRue\nfalse\n",
    "all missing": "a,b\n,1\n,2\n",
    "repeated name": "a,a\n1,2\n",
    "repeated name that exists": "a,a.1,a\n1,2,3\n",
    "repeated three times": "a,a,a,b,b\n1,2,3,4,5\n",
    "no name": "a,,b,\n1,2,3,4\n",
    "quoted name": '"a,b","c ""d""",e\n1,2,3\n',
    "name with blanks": " a ,b\n1,2\n",
    "short row": "a,b,c\n1,2,3\n4\n5,6\n",
    "blank lines": "a,b\n\n1,2\n\n\n3,4\n\n",
    "lines of blanks": "a,b\n1,2\n   \n3,4\n",
    "blank lines first": "\n\na,b\n1,2\n",
    "blanks around ints": "a\n 1\n2 \n 3 \n",
    "blanks around floats": "a\n 1.5\n2.5 \n",
    "blanks around text": "a\n x\ny \n",
    "blanks around bools": "a\n True\nFalse\n",
    "blanks around dates": "a,t\n1, 2015-01-01\n",
    "plus": "a\n+5\n6\n",
    "leading zeros": "a\n007\n08\n",
    "underscore": "a\n1_000\n",
    "hexadecimal": "a\n0x10\n",
    "double minus": "a\n--1\n",
    "minus alone": "a\n-\n",
    "minus and number": "a\n-\n1\n",
    "point alone": "a\n.\n1\n",
    "exponent without digits": "a\n1e\n2\n",
    "exponent with sign only": "a\n1e+\n2\n",
    "floats": "a\n1.\n.5\n1e5\n1E-3\n1e+2\n-.5e-3\n",
    "infinities": "a\ninf\n-inf\nInfinity\n-Infinity\n+inf\nINF\niNf\n",
    "infinity alone": "a\ninf\n",
    "too large and too small": "a\n1e400\n-1e400\n1e-400\n-1e-400\n",
    "negative zero": "a\n-0\n0\n",
    "negative zero float": "a\n-0.0\n0.5\n",
    "halfway decimals": "a\n9007199254740993.0\n1.00000000000000011102230246251565404236316680908203125\n"
                        "2.2250738585072011e-308\n0.1\n",
    "quoted numbers": 'a,b\n"1","1.5"\n2,"2.5"\n',
    "quotes in quotes": 'a\n"x""y"\n""""\n',
    "text after quotes": 'a,b\n"x"y,1\nz,2\n',
    "quote inside text": 'a,b\nx"y,1\nz"z,2\n',
    "line end in quotes": 'a,b\n"x\ny",1\n"x\r\ny",2\n"x\ry",3\n',
    "comma in quotes": 'a,b\n"x,y",1\n',
    "crlf": "a,b\r\n1,x\r\n2,y\r\n",
    "crlf and blank lines": "a,b\r\n\r\n1,x\r\n\r\n",
    "cr": "a,b\r1,x\r2,y\r",
    "cr in the middle": "a,b\n1,x\r2,y\n",
    "mixed line ends": "a,b\r\n1,x\n2,y\r\n3,z",
    "no last line end": "a,b\n1,2",
    "byte order mark": "\ufeffa,b\n1,2\n",
    "byte order mark and quotes": '\ufeff"a",b\n1,2\n',
    "header only": "a,b\n",
    "header only without end": "a,b",
    "unicode": "größe,名\nα,β\n🙂,ü\n",
    "one column with missing": "a\n1\nNA\n3\n",
    "empty last field": "a,b\n1,\n2,\n",
    "dates": "t\n2015-01-01\n2015-12-31\n",
    "dates and missing": "t,a\n2015-01-01,1\n,2\nNaT,3\n",
    "T between": "t\n2015-01-01T10:00:00\n2015-01-02T11:30:00\n",
    "minutes only": "t\n2015-01-01 10:00\n2015-01-02 11:30\n",
    "fractions": "t\n2015-01-01 10:00:00.5\n2015-01-01 10:00:00.5\n",
    "microseconds": "t\n2015-01-01 10:00:00.000001\n2015-01-01 10:00:00.999999\n",
    "nanoseconds": "t\n2015-01-01 10:00:00.000000001\n2015-01-01 10:00:00.123456789\n",
    "compact dates": "t\n20150102\n20150203\n",
    "leap day": "t\n2016-02-29\n2000-02-29\n",
    "all dates missing": "t,a\n,1\n,2\n",
}


@pytest.mark.parametrize("rule", RULES)
def test_rule(dk, tmp_path, rule):
    path = write(tmp_path, "a.csv", RULES[rule].encode())
    dates = ["t"] if "t" in RULES[rule].partition("\n")[0].split(",") else []
    want = read_pandas([path], parse_dates=dates)
    assert_same(dk.read_csv(path, parse_dates=dates).compute(), want)


# What is meant otherwise than in pandas (docs/differences.md)

def read_text(dk, tmp_path, text, **options):
    return dk.read_csv(write(tmp_path, "a.csv", text.encode()), **options).compute()


def test_header_only_is_text(dk, tmp_path):
    """There is no type `object`: columns without rows are text."""
    assert [str(t) for t in read_text(dk, tmp_path, "a,b\n").dtypes] == ["str", "str"]


def test_unsigned_and_missing(dk, tmp_path):
    """Numbers that fit no type together with a missing value are text, and missing stays missing."""
    got = read_text(dk, tmp_path, "a,b\n18446744073709551615,1\n,2\n")["a"]
    assert got.tolist()[0] == "18446744073709551615" and got.isna().tolist() == [False, True]


def test_too_big_integers_are_text(dk, tmp_path):
    got = read_text(dk, tmp_path, "a\n18446744073709551616\n-1\n")["a"]
    assert got.tolist() == ["18446744073709551616", "-1"]


def test_iso_dates_of_several_forms(dk, tmp_path):
    """Every date is read by itself; pandas takes the form of the first and leaves the column as text."""
    got = read_text(dk, tmp_path, "t\n2015-01-01\n2015-01-02 10:00\n2015-01-02T10:00:00.5\n", parse_dates=["t"])
    assert got["t"].tolist() == [pd.Timestamp("2015-01-01"), pd.Timestamp("2015-01-02 10:00"),
                                 pd.Timestamp("2015-01-02 10:00:00.5")]


def test_zones_become_utc(dk, tmp_path):
    """A timestamp has no zone: those with one are converted to UTC."""
    got = read_text(dk, tmp_path, "t\n2015-01-01T10:00:00Z\n2015-01-02T10:00:00+02:00\n", parse_dates=["t"])
    assert got["t"].tolist() == [pd.Timestamp("2015-01-01 10:00"), pd.Timestamp("2015-01-02 08:00")]


def test_other_columns_of_later_files(dk, tmp_path):
    """Columns that the first file has not are left out."""
    paths = [write(tmp_path, "1.csv", b"a,b\n1,2\n"), write(tmp_path, "2.csv", b"c,b,a\n5,4,3\n")]
    assert dk.read_csv(paths).compute().to_dict("list") == {"a": [1, 3], "b": [2, 4]}


# Options, each against the pandas option it stands for

PRICES = "day,price,volume,symbol\n2015-01-01,1.5,10,A\n2015-01-02,2.5,20,B\n2015-01-05,-,30,\n"
OPTIONS = {
    "usecols": (dict(usecols=["symbol", "price"]), dict(usecols=["symbol", "price"])),
    "na_values": (dict(na_values=["-"]), dict(na_values=["-"])),
    "only own na_values": (dict(na_values=["-", "A"], keep_default_na_off=True),
                           dict(na_values=["-", "A", ""], keep_default_na=False)),
    "names": (dict(names=["a", "b", "c", "d"]), dict(names=["a", "b", "c", "d"])),
    "names for a header": (dict(names=["a", "b", "c", "d"], header=True),
                           dict(names=["a", "b", "c", "d"], header=0)),
    "dtype float": (dict(dtype={"volume": "float64"}), dict(dtype={"volume": "float64"})),
    "dtype small": (dict(dtype={"volume": "int8"}), dict(dtype={"volume": "int8"})),
    "dtype float32": (dict(dtype={"volume": "float32"}), dict(dtype={"volume": "float32"})),
    "dtype text": (dict(dtype={"volume": "str"}), dict(dtype={"volume": "str"})),
    "dtype category": (dict(dtype={"symbol": "category"}), dict(dtype={"symbol": "category"})),
    "parse_dates": (dict(parse_dates=["day"]), dict(parse_dates=["day"])),
    "assume_missing": (dict(assume_missing=True), dict(dtype={"volume": "float64"})),
    "dates with usecols": (dict(parse_dates=["day"], usecols=["day", "price"]),
                           dict(parse_dates=["day"], usecols=["day", "price"])),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_option(dk, tmp_path, option):
    ours, pandas = OPTIONS[option]
    path = write(tmp_path, "a.csv", PRICES.encode())
    assert_same(dk.read_csv(path, **ours).compute(), read_pandas([path], **pandas))


@pytest.mark.parametrize("sep", [";", "\t", "|", " "])
def test_separator(dk, tmp_path, sep):
    path = write(tmp_path, "a.csv", PRICES.replace(",", sep).encode())
    assert_same(dk.read_csv(path, sep=sep).compute(), read_pandas([path], sep=sep))


def test_path_column(dk, tmp_path):
    """include_path_column tells each row's file, as Dask's does."""
    for name in ("b.csv", "a.csv", "c.csv"):
        write(tmp_path, name, PRICES.encode())
    pattern = str(tmp_path / "*.csv")
    got = dk.read_csv(pattern, include_path_column="file", blocksize=30).compute()
    want = dd.read_csv(pattern, include_path_column="file", blocksize=None).compute()
    assert_same(got, want, labels=False)
    assert list(got["file"].cat.categories) == list(want["file"].cat.categories)


def test_files_in_the_order_given(dk, tmp_path):
    paths = [write(tmp_path, name, f"a\n{i}\n".encode()) for i, name in enumerate(("b", "a", "c"))]
    assert_same(dk.read_csv(paths).compute(), read_pandas(paths))


def test_types_of_all_rows(dk, tmp_path):
    """infer_all sees what comes after any sample: the type is that of one pandas frame of all rows."""
    data = "a,b,c\n" + "1,1,True\n" * 5000 + "2.5,x,\n" + "1,1,False\n" * 5000
    path = write(tmp_path, "a.csv", data.encode())
    want = read_pandas([path], low_memory=False)
    got = dk.read_csv(path, infer_all=True, sample=100, blocksize=1000)
    want["b"] = want["b"].astype("str")
    assert_same(got.compute(), want, labels=False)


# Any text at all

fields = st.one_of(
    st.integers(-2**63, 2**63 - 1).map(str), st.floats().map(repr), st.sampled_from(["", "NA", "True", "false"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0\""), max_size=6),
    st.text("0123456789+-.eEinfa ", max_size=8))


@given(st.lists(fields, min_size=1, max_size=6))
def test_any_column(tmp_path_factory, cells):
    """One column of whatever fields has pandas' type and values."""
    path = tmp_path_factory.mktemp("any") / "a.csv"
    path.write_bytes(("a,b\n" + "".join(f'"{cell}",1\n' for cell in cells)).encode())
    want = read_pandas([path])
    with Context() as context:
        assert_same(context.read_csv(path).compute(), want)


@given(st.lists(st.lists(st.sampled_from(["1", "x", '"q"', '"a,b"', '"l\nm"', '""', "", " ", '"\r\n"', "é"]),
                         min_size=1, max_size=3), min_size=1, max_size=8),
       st.sampled_from(["\n", "\r\n"]), st.integers(1, 40), st.booleans())
def test_any_rows(tmp_path_factory, rows, end, blocksize, last):
    """Rows of any length up to the header's, quotes and blank lines anywhere, any cut."""
    path = tmp_path_factory.mktemp("rows") / "a.csv"
    path.write_bytes((end.join(["a,b,c", *map(",".join, rows)]) + end * last).encode())
    want = read_pandas([path])
    with Context() as context:
        got = context.read_csv(path, blocksize=blocksize, infer_all=True).compute()
        assert_same(got, want, labels=False)


def test_to_csv(dk, tmp_path, seed):
    """A table written as CSV has pandas' bytes, and reads back as itself."""
    recipe = Recipe(seed + 500)
    path = write(tmp_path, "a.csv", recipe.file(100))
    table = dk.read_csv(path, parse_dates=recipe.parse_dates, infer_all=True).table()
    for index in (True, False):
        table.to_csv(tmp_path / "b.csv", no_index=not index)
        want = table.to_pandas().to_csv(index=index, lineterminator="\n")
        assert (tmp_path / "b.csv").read_bytes().decode() == want
