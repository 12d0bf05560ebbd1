"""The life of a process that uses cdask: importing, ending, forking, in silence."""
import subprocess
import sys

import pytest

PRELUDE = """
import io, os, sys, threading
import pandas as pd
import cdask, cdask.dataframe as dd
from cdask.diagnostics import Profile, Profiler, ProgressBar, ResourceProfiler

FRAME = pd.DataFrame({"key": [1, 2, 1, 2], "value": [0.5, 1.5, 2.5, 3.5]})
df = dd.from_pandas(FRAME, npartitions=2)

def fail():
    raise ValueError("boom")

def check(number=0):
    for how in ("sync", "threads", "processes"):
        assert df.groupby("key").value.sum().compute(scheduler=how).tolist() == [3, 5]
        assert df.map_partitions(lambda part: part).compute(scheduler=how).equals(FRAME)
        assert cdask.delayed(sum)([cdask.delayed(abs)(-1), 2]).compute(scheduler=how) == 3
        try:
            cdask.delayed(fail)().compute(scheduler=how)
        except ValueError as problem:
            assert problem.args == ("boom",)
    return os.getpid()
"""


def run(program, path=None):
    """The exit status of a program that must not print anything but what is meant."""
    if path:
        path.write_text(program)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", *([path] if path else ["-c", program])],
        text=True, timeout=120, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    assert done.stdout == ""
    return done.returncode


# The end

@pytest.mark.parametrize("program", [
    "import cdask",
    "import cdask.dataframe, cdask.diagnostics, cdask.multiprocessing, cdask.threaded",
    "import cdask; cdask.delayed(1)",
], ids=["package", "modules", "context"])
def test_import(program):
    """Importing, and opening the library, is silent."""
    assert run(program) == 0


def test_computing():
    """So are computations under every scheduler, and failures."""
    assert run(PRELUDE + "check()") == 0


LIVING = """
sys.living = [df, df.value + 1, df.groupby("key"), df.value.sum(), cdask.delayed(abs)(-1), df.compute()]
watchers = [Profiler(), Profile(), ResourceProfiler(dt=0.01), ProgressBar(out=io.StringIO())]
for one in watchers:
    one.register()
check()

class Cycle:
    pass
cycle = Cycle()
cycle.itself, cycle.frame, cycle.watcher = cycle, df.value + 2, Profiler()
cycle.lazy = cdask.delayed(lambda: cycle)()
"""


@pytest.mark.parametrize("last", ["", "del cycle", "raise SystemExit(0)", "del cdask, dd, df",
                                  "for name in [*sys.modules]:\n"
                                  "    if name.startswith('cdask'): del sys.modules[name]"])
def test_exit_with_living_things(last):
    """Frames, results, watchers and garbage that is left do not disturb the interpreter's end."""
    assert run(PRELUDE + LIVING + last) == 0


RUNNING = """
running, release = threading.Event(), threading.Event()
source, target = os.pipe()

def wait(how):
    os.write(target, b"x")
    release.wait(30)

def compute(how):
    cdask.delayed(wait)(how).compute(scheduler=how)

def loop(how):
    number = 0
    while True:
        (df.value + number).sum().compute(scheduler=how)
        number += 1
        if number == 20:
            os.write(target, b"x")

threading.Thread(target=WORK, args=["HOW"], daemon=True).start()
os.read(source, 1)
"""


@pytest.mark.parametrize("how", ["sync", "threads", "processes"])
@pytest.mark.parametrize("work", ["compute", "loop"])
def test_exit_while_others_compute(work, how):
    """Threads that the interpreter does not wait for may be anywhere in the library."""
    assert run(PRELUDE + RUNNING.replace("WORK", work).replace("HOW", how)) == 0


def test_exit_waits_for_threads():
    """Those that it waits for come to their end."""
    assert run(PRELUDE + """
ended = []
def work():
    check()
    ended.append(True)
import atexit
atexit.register(lambda: ended or os._exit(5))
threading.Thread(target=work).start()
""") == 0


def test_after_the_end():
    """What runs later than the library's end gets an error, not a crash."""
    assert run("import atexit\natexit.register(lambda: late())" + PRELUDE + """
lazy, profiler = cdask.delayed(abs)(-1), Profiler()
check()
def late():
    for use in (lazy.compute, df.compute, lambda: df.value + 1, lambda: cdask.delayed(1),
                lambda: cdask.get_sync({"x": 1}, "x"), profiler.register, lambda: dd.read_csv("x")):
        try:
            use()
        except RuntimeError as problem:
            assert "the interpreter is ending" in str(problem)
        else:
            os._exit(5)
""") == 0


@pytest.mark.parametrize("how", ["sync", "threads", "processes"])
def test_exit_inside_of_a_task(how):
    """sys.exit() of a task ends the program that computes."""
    assert run(PRELUDE + f"cdask.delayed(sys.exit)(3).compute(scheduler='{how}')") == 3


# Forks

def test_fork():
    """Both sides of os.fork() go on computing, and end as ever."""
    assert run(PRELUDE + """
check()
child = os.fork()
check()
if not child:
    grandchild = os.fork()
    check()
    if not grandchild:
        sys.exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]) == 3
    sys.exit(4)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 4
check()
""") == 0


def test_fork_inside_of_a_task():
    """A task may fork."""
    assert run(PRELUDE + """
def forking():
    child = os.fork()
    if not child:
        check()
        os._exit(6)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
for how in ("sync", "threads", "processes"):
    assert cdask.delayed(forking)().compute(scheduler=how) == 6
""") == 0


def test_fork_beside_threads():
    """Whatever other threads compute and build, children find the library free."""
    assert run(PRELUDE + """
import logging, signal
logging.basicConfig()  # has hooks of its own around forks
is_over = False
def compute():
    while not is_over:
        (df.key + df.value).sum().compute(scheduler="sync")
def build():
    while not is_over:
        df.key + df.value
threads = [threading.Thread(target=one) for one in (compute, compute, build)]
for thread in threads:
    thread.start()
for i in range(100):
    child = os.fork()
    if not child:
        signal.alarm(20)
        assert (df.key - df.value).sum().compute(scheduler="sync") == -2
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
is_over = True
for thread in threads:
    thread.join()
check()
""") == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(method, tmp_path):
    """Pools of the standard library, however they start, compute with cdask in their processes."""
    assert run(PRELUDE + f"""
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
if __name__ == "__main__":
    check()
    start = multiprocessing.get_context("{method}")
    with start.Pool(2) as pool:
        assert os.getpid() not in pool.map(check, range(3))
        pool.close()
        pool.join()
    with ProcessPoolExecutor(1, start) as pool:
        assert os.getpid() != pool.submit(check).result()
    check()
""", tmp_path / "program.py") == 0


def test_in_pools_of_threads():
    """A pool of threads computes with cdask, all at once."""
    assert run(PRELUDE + """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    assert set(pool.map(check, range(8))) == {os.getpid()}
""") == 0
