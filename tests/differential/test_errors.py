"""Bad input: which status, and a message with the file, the line, the column and what to do. No printing."""
import gzip
import os
import pathlib

import pandas as pd
import pytest

from cdask_ctypes import Context, Error
from csv_data import write

SCHEDULERS = ["sync", "threads", "processes"]


@pytest.fixture(autouse=True)
def silence(capfd):
    """The library never prints."""
    yield
    assert capfd.readouterr() == ("", "")


def failure(frame, **how):
    """The error of computing; what building already knew comes out the same."""
    with pytest.raises(Error) as caught:
        frame.compute(**how)
    if frame.error is not None:
        assert (frame.error.status, frame.error.message) == (caught.value.status, caught.value.message)
    return caught.value


def check(error, status, *words, line=None):
    assert error.status == status, error
    for word in words:
        assert str(word) in error.message, f"{word!r} is not in: {error.message}"
    if line is not None:
        assert error.line == line, error
        assert f":{line}:" in error.message


def text_file(folder, text, name="bad.csv"):
    return write(folder, name, text.encode() if isinstance(text, str) else text)


# Files

def test_no_matching_file(dk, tmp_path):
    check(failure(dk.read_csv(str(tmp_path / "*.csv"))), "DK_ENOFILE", tmp_path / "*.csv", "resolved to no files")
    check(failure(dk.read_csv([])), "DK_ENOFILE", "no files")


def test_missing_file(dk, tmp_path):
    check(failure(dk.read_csv(tmp_path / "a.csv")), "DK_ENOFILE", tmp_path / "a.csv", "No such file")
    good = text_file(tmp_path, "a\n1\n")
    check(failure(dk.read_csv([good, tmp_path / "b.csv"])), "DK_ENOFILE", tmp_path / "b.csv")


@pytest.fixture
def no_root():
    """Root may read everything: somebody else while the test runs."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    os.seteuid(user)


def test_unreadable_file(dk, tmp_path, no_root):
    path = tmp_path / "a.csv"
    if os.access(tmp_path, os.W_OK, effective_ids=True):
        text_file(tmp_path, "a\n1\n", "a.csv").chmod(0)
    check(failure(dk.read_csv(path)), "DK_EIO", path, "Permission denied")


def test_directory(dk, tmp_path):
    check(failure(dk.read_csv(tmp_path)), "DK_EIO", tmp_path, "Is a directory")


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_file_that_vanishes(dk, tmp_path, scheduler):
    """Files are read when computing: one that was there when the frame was made may be gone."""
    paths = [text_file(tmp_path, "a\n1\n", f"{i}.csv") for i in range(5)]
    frame = dk.read_csv(paths)
    assert frame.error is None
    paths[3].unlink()
    error = failure(frame, scheduler=scheduler)
    check(error, "DK_ENOFILE", paths[3], "No such file")
    assert "read-csv" in error.key


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_file_that_shrinks(dk, tmp_path, scheduler):
    """Blocks were planned from the file's size: another size now is an error, not other rows."""
    path = text_file(tmp_path, "a\n" + "1234567\n" * 1000)
    frame = dk.read_csv(path, blocksize=1000)
    path.write_text("a\n" + "1234567\n" * 100)
    error = failure(frame, scheduler=scheduler)
    check(error, "DK_EIO", path)


def test_empty_file(dk, tmp_path):
    for text in ("", "\n\n", "\r\n", "\ufeff"):
        path = text_file(tmp_path, text)
        check(failure(dk.read_csv(path)), "DK_EPARSE", path, "No columns to parse from file")


def test_empty_file_among_others(dk, tmp_path):
    paths = [text_file(tmp_path, text, f"{i}.csv") for i, text in enumerate(["a\n1\n", "", "a\n1\n"])]
    check(failure(dk.read_csv(paths)), "DK_EPARSE", paths[1], "No columns to parse from file")


def test_header_only_is_no_error(dk, tmp_path):
    frame = dk.read_csv(text_file(tmp_path, "a,b\n"))
    assert frame.compute().shape == (0, 2) and frame.npartitions == 1
    assert frame["a"].count().value() == 0


@pytest.mark.parametrize("name, data, word", [
    ("bad.csv.gz", b"\x1f\x8b\x08\0no data at all", "damaged gzip data"),
    ("cut.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 10000)[:60], "cut off"),
    ("bad.csv.zst", b"(\xb5/\xfdno data at all", "damaged zstd data")])
def test_damaged_compression(dk, tmp_path, name, data, word):
    path = tmp_path / name
    path.write_bytes(data)
    check(failure(dk.read_csv(path)), "DK_EPARSE", path, word)


def test_not_utf8(dk, tmp_path):
    path = text_file(tmp_path, b"a,b\n1,x\n2,\xff\xfe\n")
    check(failure(dk.read_csv(path)), "DK_EPARSE", path, "column 'b'", "UTF-8", line=3)
    path = text_file(tmp_path, "a,b\n1,2\n".encode("utf-16"))
    check(failure(dk.read_csv(path)), "DK_ENOTSUP", path, "UTF-16", "convert")


# Rows

@pytest.mark.parametrize("line", [3, 40, 900])
@pytest.mark.parametrize("blocksize", [-1, 300])
def test_too_many_fields(dk, tmp_path, line, blocksize):
    """Whichever block the row is in, the message has its line in the file."""
    rows = ["a,b,c", *["1,2,3"] * 1000]
    rows[line - 1] = "4,5,6,7"
    path = text_file(tmp_path, "\n".join(rows))
    check(failure(dk.read_csv(path, blocksize=blocksize, sample=12)), "DK_EPARSE", path,
          f"Expected 3 fields in line {line}, saw 4", line=line)


def test_lines_are_those_of_the_file(dk, tmp_path):
    """Blank lines and line ends in quotes count."""
    path = text_file(tmp_path, 'a,b\r\n\r\n"x\r\ny",1\r\n\r\nz,2,3\r\n')
    check(failure(dk.read_csv(path)), "DK_EPARSE", path, line=6)


def test_one_more_field_in_every_row(dk, tmp_path):
    """pandas silently makes an index of the first; here the names must be given."""
    path = text_file(tmp_path, "a,b\n1,2,3\n4,5,6\n")
    check(failure(dk.read_csv(path)), "DK_EPARSE", path, "3 fields", "names", line=2)
    assert dk.read_csv(path, names=["i", "a", "b"], header=True).compute().to_dict("list") == {
        "i": [1, 4], "a": [2, 5], "b": [3, 6]}


@pytest.mark.parametrize("blocksize", [-1, 50])
def test_unterminated_quote(dk, tmp_path, blocksize):
    """The line is the one where the quote opens, not the last of the file."""
    path = text_file(tmp_path, "a,b\n" + "1,x\n" * 20 + '2,"open\n' + "3,y\n" * 100)
    check(failure(dk.read_csv(path, blocksize=blocksize, sample=12)), "DK_EPARSE", path, "EOF inside string",
          line=22)


# Values

@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_unparsable_date(dk, tmp_path, scheduler):
    path = text_file(tmp_path, "t,a\n" + "2015-05-05 12:00:00,1\n" * 500 + "no date,2\n2015-05-05,3\n")
    error = failure(dk.read_csv(path, parse_dates=["t"], blocksize=1000), scheduler=scheduler)
    check(error, "DK_EPARSE", path, "column 't'", "'no date'", "parse_dates", line=502)


@pytest.mark.parametrize("date", ["13/02/2015", "2015-02-30", "2015-13-01", "2015-05-05 25:00:00", "20150",
                                  "1500-01-01"])
def test_dates_that_are_none(dk, tmp_path, date):
    path = text_file(tmp_path, f"t\n2015-01-01\n{date}\n")
    check(failure(dk.read_csv(path, parse_dates=["t"])), "DK_EPARSE", path, "column 't'", repr(date), line=3)


DRIFTS = {  # what the sample has, what comes late, the type it would be
    "int to float": ("1", "2.5", "int64", "float64"),
    "int to missing": ("1", "", "int64", "float64"),
    "int to text": ("1", "x", "int64", "str"),
    "int to unsigned": ("1", "18446744073709551615", "int64", None),
    "float to text": ("1.5", "x", "float64", "str"),
    "bool to text": ("True", "maybe", "bool", "str"),
    "bool to int": ("True", "1", "bool", None),
}


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("drift", DRIFTS)
def test_type_drift(dk, tmp_path, drift, scheduler):
    """A value of another type in a late block: where, what was found and expected, and both ways out."""
    early, late, expected, found = DRIFTS[drift]
    path = text_file(tmp_path, "a,b\n" + f"{early},1\n" * 3000 + f"{late},1\n" + f"{early},1\n" * 10)
    error = failure(dk.read_csv(path, blocksize=2000, sample=100), scheduler=scheduler)
    check(error, "DK_EPARSE", path, "column 'a'", f"expected {expected}", "dtype={'a': ", "infer_all=True",
          line=3002)
    if found:
        assert f"dtype={{'a': '{found}'}}" in error.message
        assert dk.read_csv(path, blocksize=2000, sample=100, dtype={"a": found}).compute()["a"].dtype == found
    if found == "float64":
        assert "assume_missing=True" in error.message
        dk.read_csv(path, blocksize=2000, sample=100, assume_missing=True).compute()
    dk.read_csv(path, blocksize=2000, sample=100, infer_all=True).compute()


def test_wrong_dtype(dk, tmp_path):
    path = text_file(tmp_path, "a,b\n1,2\n300,4\nx,5\n")
    for dtype, field, line in (("int8", "'300'", 3), ("float64", "'x'", 4)):
        check(failure(dk.read_csv(path, dtype={"a": dtype})), "DK_EPARSE", path, "column 'a'", field, dtype, line=line)


# Columns and options

@pytest.mark.parametrize("option", [{"parse_dates": ["zz"]}, {"usecols": ["b", "zz"]}, {"dtype": {"zz": "int8"}}])
def test_option_names_no_column(dk, tmp_path, option):
    """The message lists the columns there are."""
    path = text_file(tmp_path, "a,b\n1,2\n")
    check(failure(dk.read_csv(path, **option)), "DK_ECOLUMN", "'zz'", "'a', 'b'", path)


def test_file_without_the_column(dk, tmp_path):
    paths = [text_file(tmp_path, text, f"{i}.csv") for i, text in enumerate(["a,b\n1,2\n", "b,c\n1,2\n"])]
    check(failure(dk.read_csv(paths)), "DK_ECOLUMN", paths[1], "'a'", paths[0])


def test_missing_column(dk, tmp_path):
    """When building: the message lists the columns that are there."""
    df = dk.read_csv(text_file(tmp_path, "timestamp,high,low\n2015-01-01,2,1\n"), parse_dates=["timestamp"])
    for frame in (df["hihg"], df.groupby(df["timestamp"])["hihg"].max(), df["high"] - df["lwo"],
                  df.groupby("day")):
        assert frame.error.status == "DK_ECOLUMN"
        check(failure(frame), "DK_ECOLUMN", "'high'", "'timestamp'")


@pytest.mark.parametrize("freq, words", [("1x", ["1x"]), ("", ["Invalid frequency"]), ("fortnight", ["fortnight"]),
                                         ("M", ["non-fixed frequency", "MonthEnd"]),
                                         ("W", ["non-fixed frequency"]),
                                         ("B", ["non-fixed frequency", "BusinessDay"])])
def test_frequency(dk, freq, words):
    data = pd.DataFrame({"t": pd.to_datetime(["2015-05-05"])})
    frame = dk.from_pandas(data)["t"].dt_round(freq)
    check(frame.error, "DK_EINVAL", *words)
    check(failure(frame), "DK_EINVAL", *words)


def test_first_error_is_kept(dk):
    """An expression made from a bad one has the same error, however much is built on it."""
    data = dk.from_pandas(pd.DataFrame({"t": pd.to_datetime(["2015-05-05"]), "v": [1]}))
    bad = data["t"].dt_round("M")
    late = (data.groupby(bad)["v"].max() + 1).rename("x")
    assert late.error.message == bad.error.message
    assert failure(data.assign(day=bad)[["day", "v"]]).message == bad.error.message


@pytest.mark.parametrize("name", ["thread", "", "dask"])
def test_unknown_scheduler(dk, name):
    frame = dk.from_pandas(pd.DataFrame({"v": [1]}))
    for error in (failure(frame, scheduler=name), pytest.raises(Error, Context, scheduler=name).value):
        check(error, "DK_EINVAL", f"'{name}'", "threads", "sync", "processes", "multiprocessing")


def test_no_client(dk):
    """The scheduler of a cluster is there for as long as a client is."""
    frame = dk.from_pandas(pd.DataFrame({"v": [1]}))
    check(failure(frame, scheduler="distributed"), "DK_EINVAL", "'distributed'", "no client", "open")
    check(pytest.raises(Error, Context, scheduler="distributed").value, "DK_EINVAL", "'distributed'", "threads")


def test_memory_limit(tmp_path):
    """A limit is an error that says so; the context goes on working."""
    path = text_file(tmp_path, "a,b\n" + "1,2\n" * 200_000)
    with Context(memory_limit=2_000_000) as dk:
        frame = dk.read_csv(path, blocksize=50_000)
        error = failure(frame)
        check(error, "DK_ENOMEM", "memory")
        assert frame["a"].sum().value() == 200_000
        assert dk.memory().peak <= 2_000_000


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_an_error_does_no_harm(dk, tmp_path, scheduler):
    """After a failed computation everything it held is given back and the next one works."""
    good = text_file(tmp_path, "a\n" + "1\n" * 1000, "good.csv")
    bad = text_file(tmp_path, "a\n" + "1\n" * 1000 + "x\n", "bad.csv")
    frame = dk.read_csv([good, bad], blocksize=200, sample=10)
    failure(frame, scheduler=scheduler)
    before = dk.memory().current
    for _ in range(3):
        failure(frame, scheduler=scheduler)
    assert dk.memory().current <= before
    assert dk.read_csv(good, blocksize=200)["a"].sum().value(scheduler=scheduler) == 1000


def test_cannot_write(dk, tmp_path):
    table = dk.from_pandas(pd.DataFrame({"a": [1]})).table()
    path = pathlib.Path(tmp_path / "no" / "such" / "folder.csv")
    with pytest.raises(Error) as caught:
        table.to_csv(path)
    check(caught.value, "DK_ENOFILE", path)
    with pytest.raises(Error) as caught:
        table.to_csv(tmp_path)
    check(caught.value, "DK_EIO", tmp_path)
