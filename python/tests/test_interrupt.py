"""Ctrl-C ends a computation at once, whatever runs, and leaves the library as it was.

A process of its own computes and tells by a pipe what happens; it is sent SIGINT once a task runs.
"""
import os
import re
import signal
import statistics
import subprocess
import sys
import time

import pytest

from tree import BUILD

SCHEDULERS = ["sync", "threads", "processes"]

PROGRAM = '''
import os, signal, sys, threading, time
import numpy as np, pandas as pd
import cdask, cdask.dataframe as dd
from cdask.diagnostics import ProgressBar

target, (what, how, *paths) = int(sys.argv[1]), sys.argv[2:]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it

def tell(*words):
    os.write(target, (" ".join(map(str, words)) + "\\n").encode())

def sleep():
    tell("running")
    time.sleep(30)

def spin():
    tell("running")
    while True:
        pass

def groups():
    random = np.random.default_rng(1).random((2, 3_000_000))
    df = dd.from_pandas(pd.DataFrame({"key": random[0], "value": random[1]}), npartitions=3)
    return df.groupby("key").value.nunique()

def spread(paths):
    df = dd.read_csv(paths, parse_dates=["timestamp"])
    days = df.groupby(df.timestamp.dt.round("1d"))
    return days.high.max() - days.low.min()

def lazy():
    if what == "groupby":
        return groups()
    if what == "spread":
        return spread(paths * 100)
    if what == "partitions":
        df = dd.from_pandas(pd.DataFrame({"a": range(10)}), npartitions=2)
        return df.map_partitions(lambda partition: sleep(), meta=pd.DataFrame({"a": [1]}))
    return cdask.delayed({"sleep": sleep, "spin": spin}[what])()

def compute(thing):
    if what not in ("groupby", "spread"):
        return thing.compute(scheduler=how)
    with open(target, "w", closefd=False) as out, ProgressBar(out=out, dt=0.01):
        thing.compute(scheduler=how)

def interrupted(thing):
    try:
        compute(thing)
        tell("not interrupted")
    except KeyboardInterrupt:
        tell("\\ninterrupted", time.monotonic())

def check():
    """Every scheduler computes, this one more than once."""
    df = dd.from_pandas(pd.DataFrame({"key": [1, 2, 1, 2], "value": range(4)}), npartitions=2)
    for one in ("sync", "threads", "processes", how):
        assert df.groupby("key").value.sum().compute(scheduler=one).tolist() == [2, 4]
        assert cdask.delayed(sum)([cdask.delayed(abs)(-1), 2]).compute(scheduler=one) == 3
    tell("right")
'''


class Program:
    """PROGRAM and what follows it, computing `what` under the scheduler `how`."""

    BEGUN = {"groupby": r"\[", "spread": r"\| +[1-9]\d?% "}  # of progress bars; else a task says so

    def __init__(self, text, what, how, *paths):
        self.source, target = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM + text, str(target), what, how, *paths],
            pass_fds=[target], start_new_session=True, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        os.close(target)
        self.heard, self.begun = "", self.BEGUN.get(what, "running")

    def hear(self, pattern):
        """Waits for words and forgets them; fails when the process has nothing more to tell."""
        while not (found := re.search(pattern, self.heard)):
            more = os.read(self.source, 4096).decode()
            assert more, f"{self.heard}\n{self.process.stdout.read()}"
            self.heard += more
        self.heard = self.heard[found.end():]
        return found

    def interrupt(self, send):
        """Sends SIGINT and gives the seconds until KeyboardInterrupt was caught."""
        self.hear(self.begun)
        sent = time.monotonic()
        send(self.process.pid, signal.SIGINT)
        return float(self.hear(r"\ninterrupted (.*)\n")[1]) - sent

    def end(self):
        """The process comes to its end, without a word, and nobody of its session is left."""
        self.hear("right\n")
        printed, _ = self.process.communicate(timeout=20)
        assert (printed, self.process.returncode) == ("", 0)
        with pytest.raises(ProcessLookupError):
            os.killpg(self.process.pid, 0)
        os.close(self.source)


CHECK = "interrupted(lazy())\ncheck()\n"
NO_CHILDREN = '''
interrupted(lazy())
try:
    os.waitpid(-1, os.WNOHANG)
    tell("a child is left")
except ChildProcessError:
    check()
'''


@pytest.mark.parametrize("how", SCHEDULERS)
@pytest.mark.parametrize("what", ["groupby", "sleep", "spin", "partitions"])
def test_interrupt(what, how):
    """KeyboardInterrupt comes soon: below 0.1 s on a quiet machine."""
    program = Program(NO_CHILDREN, what, how)
    took = program.interrupt(os.killpg)  # as a terminal does
    program.end()
    print(f"{what} under {how}: {took * 1e3:.1f} ms")
    assert took < 1


@pytest.mark.parametrize("how", SCHEDULERS)
def test_interrupt_of_one_process(how):
    """The same when only the process is sent SIGINT, as notebooks and kill do; several times."""
    program = Program("interrupted(lazy())\n" * 3 + CHECK, "sleep", how)
    for _ in range(4):
        assert program.interrupt(os.kill) < 1
    program.end()


@pytest.fixture(scope="module")
def prices(tmp_path_factory):
    """Several files, 17 MB in all; a program reads them a hundred times over."""
    folder = tmp_path_factory.mktemp("prices")
    subprocess.run([BUILD / "bin/cdask", "demo-data", "--quiet", "--directory", folder,
                    "--start", "2015-04-20", "--end", "2015-04-29"], check=True)
    return sorted(folder.glob("stocks/GOOG/*.csv"))


@pytest.mark.parametrize("how", SCHEDULERS)
def test_interrupt_of_a_spread(prices, how):
    """In the middle of reading files: within 0.1 s, and the same files give the same after it."""
    program = Program("""
before = spread(paths).compute(scheduler=how)
for _ in range(9):
    interrupted(lazy())
pd.testing.assert_series_equal(spread(paths).compute(scheduler=how), before)
check()
""", "spread", how, *prices)
    took = [program.interrupt(os.killpg) for _ in range(9)]
    program.end()
    print(f"a spread under {how}: {statistics.median(took) * 1e3:.1f} ms, at most {max(took) * 1e3:.1f} ms")
    assert statistics.median(took) < 0.1 and max(took) < 1


def test_interrupt_just_when_waiting_begins():
    """A signal between the start of a task and the caller's wait is not lost."""
    program = Program("what = 'sleep'\n" + "interrupted(lazy())\n" * 20 + "check()\n", "sleep", "threads")
    assert max(program.interrupt(os.kill) for _ in range(20)) < 1
    program.end()


def test_ignored():
    """Where SIGINT is ignored it stays ignored."""
    program = Program("""
signal.signal(signal.SIGINT, signal.SIG_IGN)
for one in ("sync", "threads", "processes"):
    pids = lambda: (os.kill(os.getpid(), signal.SIGINT), 5)[1]
    assert cdask.delayed(pids)().compute(scheduler=one) == 5
check()
""", "sleep", "sync")
    program.end()


def test_handlers_are_put_back():
    """A program's own handler is called, and is there again afterwards."""
    program = Program("""
calls = []
def own(number, frame):
    calls.append(number)
signal.signal(signal.SIGINT, own)
for one in ("sync", "processes"):
    assert cdask.delayed(abs)(-1).compute(scheduler=one) == 1
    assert signal.getsignal(signal.SIGINT) is own
os.kill(os.getpid(), signal.SIGINT)
assert calls == [signal.SIGINT]
check()
""", "sleep", "sync")
    program.end()


def test_other_threads_go_on():
    """A computation that another thread has asked for is not ended."""
    program = Program("""
go, ended, found = threading.Event(), threading.Event(), []
def wait():
    tell("running")
    go.wait()
    return 5
def work():
    found.append(cdask.delayed(wait)().compute(scheduler=how))
    ended.set()
try:
    threading.Thread(target=work).start()
    ended.wait()
except KeyboardInterrupt:
    tell("\\ninterrupted", time.monotonic())
go.set()
assert ended.wait(20) and found == [5]
check()
""", "sleep", "threads")
    assert program.interrupt(os.kill) < 1
    program.end()
