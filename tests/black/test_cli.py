"""The executable as a user runs it: commands, options, exit statuses, and where the messages go."""
import datetime
import hashlib
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CDASK = ROOT / (os.environ.get("CDASK_BUILD") or "build/release") / "bin" / "cdask"
ORACLE = ["--start", "2015-04-20", "--end", "2015-06-30", "--freq", "60s"]
SMALL = ["--start", "2015-04-20", "--end", "2015-04-28", "--freq", "1h"]  # 7 files of 8 rows
SUCCESS, FAILED, USAGE = 0, 1, 2


def cdask(*words, cwd, env=()):
    """Runs `cdask WORDS...`; returns the completed process, with text."""
    return subprocess.run([CDASK, *map(str, words)], cwd=cwd, env={**os.environ, **dict(env)}, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=120)


def demo_data(cwd, *words):
    result = cdask("demo-data", *words, cwd=cwd)
    assert (result.returncode, result.stderr) == (SUCCESS, ""), result
    return result.stdout


def contents(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def check_refused(result, status, *words):
    """A message on the error stream that names what was wrong; nothing half done on the other."""
    assert result.returncode == status, result
    for word in words:
        assert word in result.stderr, result.stderr
    assert "\033" not in result.stderr


# The command itself

def test_help(tmp_path):
    result = cdask("--help", cwd=tmp_path)
    assert result.returncode == SUCCESS and result.stderr == ""
    assert "demo-data" in result.stdout and result.stdout.startswith("Usage: cdask ")


def test_version(tmp_path):
    result = cdask("--version", cwd=tmp_path)
    assert result.returncode == SUCCESS and re.fullmatch(r"cdask \d+\.\d+\.\d+\n", result.stdout)


def test_no_command(tmp_path):
    result = cdask(cwd=tmp_path)
    check_refused(result, USAGE, "Usage: cdask")
    assert result.stdout == ""


@pytest.mark.parametrize("word", ["nope", "demodata", "--nope", "-x", "DEMO"])
def test_unknown_command(tmp_path, word):
    result = cdask(word, cwd=tmp_path)
    check_refused(result, USAGE, word, "Usage: cdask", "demo-data")
    assert result.stdout == ""


@pytest.mark.parametrize("command", ["demo", "demo-data", "info"])
def test_help_of_a_command(tmp_path, command):
    """Every option in the usage text is taken; every line fits a terminal."""
    result = cdask(command, "--help", cwd=tmp_path)
    assert result.returncode == SUCCESS and result.stderr == ""
    assert result.stdout.startswith(f"Usage: cdask {command} ")
    assert max(map(len, result.stdout.splitlines())) <= 100
    for option in re.findall(r"^  (--[a-z]+)", result.stdout, re.M):
        refused = cdask(command, option, "--help", "--help", cwd=tmp_path)
        assert "unrecognized" not in refused.stderr, option
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["demo", "demo-data", "info"])
@pytest.mark.parametrize("words", [["--nope"], ["-z"], ["extra"], ["--directory"]])
def test_bad_words(tmp_path, command, words):
    result = cdask(command, *words, cwd=tmp_path)
    check_refused(result, USAGE, words[0].lstrip("-"))
    assert result.stdout == "" and list(tmp_path.iterdir()) == []


# demo-data

def test_files(tmp_path):
    """One file for each business day, with a header and a row for each bar."""
    printed = demo_data(tmp_path, *SMALL)
    folder = tmp_path / "data/stocks/GOOG"
    days = [datetime.date(2015, 4, 20) + datetime.timedelta(n) for n in range(9)]
    assert sorted(path.name for path in folder.iterdir()) == [
        f"{day}.csv" for day in days if day.weekday() < 5]
    assert "7 of 7 files" in printed and "56 rows" in printed
    lines = (folder / "2015-04-20.csv").read_text().splitlines()
    assert lines[0] == "timestamp,close,high,low,open" and len(lines) == 9
    for hour, line in zip(range(9, 17), lines[1:]):
        time, *prices = line.split(",")
        close, high, low, opening = map(float, prices)
        assert time == f"2015-04-20 {hour:02}:00:00"
        assert low <= min(close, opening) and max(close, opening) <= high


def test_oracle_size(tmp_path):
    """The notebook's data: 52 files of 480 rows, the last one at 16:59."""
    assert "52 of 52 files, 24960 rows" in demo_data(tmp_path, *ORACLE)
    files = sorted((tmp_path / "data/stocks/GOOG").iterdir())
    assert len(files) == 52
    for path in files:
        lines = path.read_text().splitlines()
        assert len(lines) == 481 and lines[-1].startswith(f"{path.stem} 16:59:00,")


def test_same_seed_same_bytes(tmp_path):
    """The bytes hang on the options alone, and a day's not on the days around it."""
    for name in ("a", "b"):
        demo_data(tmp_path, *SMALL, "--directory", name)
    demo_data(tmp_path, *SMALL, "--directory", "c", "--seed", 7)
    a, b, c = (contents(tmp_path / name) for name in "abc")
    assert a == b
    assert a.keys() == c.keys() and all(a[name] != c[name] for name in a)


def test_resumes(tmp_path):
    """Only what is missing is written; what is there stays as it is, unless forced."""
    demo_data(tmp_path, *SMALL)
    want = contents(tmp_path)
    folder = tmp_path / "data/stocks/GOOG"
    (folder / "2015-04-21.csv").unlink()
    (folder / "2015-04-22.csv").write_text("mine\n")
    before = (folder / "2015-04-20.csv").stat().st_mtime_ns
    assert "1 of 7 files" in demo_data(tmp_path, *SMALL)
    assert (folder / "2015-04-20.csv").stat().st_mtime_ns == before
    assert (folder / "2015-04-22.csv").read_text() == "mine\n"
    assert "already" in demo_data(tmp_path, *SMALL)
    assert "7 of 7 files" in demo_data(tmp_path, *SMALL, "--force")
    assert contents(tmp_path) == want


def test_interrupted(tmp_path):
    """A file is complete or not there: what a killed run leaves is finished by the next."""
    demo_data(tmp_path, *ORACLE, "--directory", "whole")
    process = subprocess.Popen([CDASK, "demo-data", *ORACLE, "--directory", "killed"], cwd=tmp_path,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    folder = tmp_path / "killed/stocks/GOOG"
    while process.poll() is None and not (folder.exists() and any(folder.iterdir())):
        pass
    process.kill()
    process.wait()
    whole = contents(tmp_path / "whole")
    left = {name: digest for name, digest in contents(tmp_path / "killed").items() if name.endswith(".csv")}
    assert left.items() <= whole.items()
    demo_data(tmp_path, *ORACLE, "--directory", "killed")
    assert contents(tmp_path / "killed") == whole


def test_symbols(tmp_path):
    demo_data(tmp_path, *SMALL, "--symbols", "GOOG,BRK.B")
    folders = sorted((tmp_path / "data/stocks").iterdir())
    assert [folder.name for folder in folders] == ["BRK.B", "GOOG"]
    one, other = map(contents, folders)
    assert one.keys() == other.keys() and one != other


def test_quiet(tmp_path):
    assert demo_data(tmp_path, *SMALL, "--quiet") == ""
    assert len(contents(tmp_path)) == 7


@pytest.mark.parametrize("words", [
    ["--start", "x"], ["--start", "2015-02-30"], ["--end", "2015"], ["--freq", "x"], ["--freq", "0s"],
    ["--hours", "9-5"], ["--seed", "x"], ["--seed", "-1"]])
def test_bad_value(tmp_path, words):
    result = cdask("demo-data", *words, cwd=tmp_path)
    check_refused(result, USAGE, words[0], words[1])
    assert result.stdout == "" and list(tmp_path.iterdir()) == []


def test_frequency_of_no_fixed_length(tmp_path):
    check_refused(cdask("demo-data", "--freq", "1M", cwd=tmp_path), USAGE, "--freq", "non-fixed frequency")


@pytest.mark.parametrize("words", [["--start", "2015-05-05", "--end", "2015-05-04"], ["--hours", "17:00-09:00"],
                                   ["--symbols", "a/b"], ["--symbols", ","]])
def test_values_that_do_not_fit(tmp_path, words):
    result = cdask("demo-data", *words, cwd=tmp_path)
    check_refused(result, FAILED, words[-2] if "end" in words[-2] else words[0])
    assert list(tmp_path.iterdir()) == []


def test_cannot_write(tmp_path):
    (tmp_path / "file").write_text("")
    result = cdask("demo-data", *SMALL, "--directory", "file", cwd=tmp_path)
    check_refused(result, FAILED, "file", "Not a directory")
    result = cdask("demo-data", *SMALL, "--directory", "/proc/nope", cwd=tmp_path)
    check_refused(result, FAILED, "/proc/nope")


def test_full_disk(tmp_path):
    """Printing to a full device is a failure, too."""
    with open("/dev/full", "w") as full:
        result = subprocess.run([CDASK, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert result.returncode == FAILED and result.stderr


# demo

@pytest.fixture(scope="module")
def oracle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    demo_data(folder, *ORACLE)
    return folder


def test_demo(oracle):
    """63 days, and every scheduler says the same."""
    result = cdask("demo", cwd=oracle)
    assert (result.returncode, result.stderr) == (SUCCESS, "")
    assert "Length: 63, dtype: float64" in result.stdout
    for name in ("threads", "processes", "sync"):
        assert f'.scheduler = "{name}"' in result.stdout
    assert result.stdout.count("the same result, bit for bit") == 2
    assert "2015-04-20 " in result.stdout and "2015-07-01 " in result.stdout


@pytest.mark.parametrize("workers", [1, 2, 8])
def test_demo_workers(oracle, workers):
    """The printed result does not hang on the number of workers."""
    printed = [re.search(r"^timestamp\n(.*\n)+?Length: .*$", cdask("demo", *words, cwd=oracle).stdout, re.M)[0]
               for words in ([], ["--workers", workers])]
    assert printed[0] == printed[1]


def test_demo_elsewhere(oracle, tmp_path):
    result = cdask("demo", "--directory", oracle / "data", cwd=tmp_path)
    assert result.returncode == SUCCESS and "Length: 63" in result.stdout


@pytest.mark.parametrize("workers", ["x", "0", "-1", "1.5", "99999999999", ""])
def test_demo_bad_workers(oracle, workers):
    check_refused(cdask("demo", "--workers", workers, cwd=oracle), USAGE, "--workers", f"'{workers}'")


def test_demo_without_data(tmp_path):
    """The message names the files that were looked for."""
    check_refused(cdask("demo", cwd=tmp_path), FAILED, "data/stocks/GOOG/*.csv", "resolved to no files")
    check_refused(cdask("demo", "--symbol", "NOPE", cwd=tmp_path), FAILED, "data/stocks/NOPE/*.csv")


def test_demo_bad_data(oracle, tmp_path):
    """A spoilt file is named with its line."""
    folder = tmp_path / "stocks" / "GOOG"
    folder.mkdir(parents=True)
    good = (oracle / "data/stocks/GOOG/2015-04-20.csv").read_text()
    for day in range(20, 25):  # the first, the middle and the last are looked at for the types
        (folder / f"2015-04-{day}.csv").write_text(good)
    (folder / "2015-04-21.csv").write_text(good + "2015-04-21 10:00:00,1,two,3,4\n")
    result = cdask("demo", "--directory", tmp_path, cwd=tmp_path)
    check_refused(result, FAILED, "2015-04-21.csv:482", "'high'", "'two'")


def test_default_scheduler_from_the_environment(oracle):
    """A wrong name in $CDASK_SCHEDULER is refused with the list of right ones."""
    result = cdask("demo", cwd=oracle, env={"CDASK_SCHEDULER": "nope"})
    check_refused(result, FAILED, "'nope'", "threads")
    assert cdask("demo", cwd=oracle, env={"CDASK_SCHEDULER": "sync"}).returncode == SUCCESS
