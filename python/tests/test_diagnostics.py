"""ProgressBar, Profiler, ResourceProfiler, Profile, and pictures: Dask's where Dask has them."""
import io
import os
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree

import dask
import dask.diagnostics
import pandas as pd
import pytest

import cdask
import cdask.dataframe as dd
import cdask.diagnostics
from cdask.diagnostics import Profile, Profiler, ProgressBar, ResourceProfiler

MODULES = [dask, cdask]
SCHEDULERS = ["sync", "threads", "processes"]
FRAME = pd.DataFrame({"key": [1, 2, 3, 1, 2, 3], "value": range(6)})


@pytest.fixture(params=MODULES, ids=lambda module: module.__name__)
def module(request):
    with request.param.config.set(scheduler="threads"):
        yield request.param


def inc(x):
    return x + 1


def fail():
    raise ZeroDivisionError


def busy():
    """Takes a while."""
    return sum(range(2_000_000))


def name(key):
    """The function in a key of either library: inc-3f2a..., ('inc', 7)."""
    return re.match(r"\W*([a-z_]+)", str(key))[1]


# ProgressBar

def drawn(module, compute, out=None, **options):
    """What a bar draws, redraws taken apart."""
    out = out or io.StringIO(newline="")
    with module.diagnostics.ProgressBar(out=out, **options):
        compute()
    out.seek(0)
    return [line for line in re.split(r"[\r\n]+", out.read()) if line.strip()]


LINE = r"\[(#*) *\] \| (\d+)% Completed \| [\d.]+ \w+ *"


@pytest.mark.parametrize("file", [True, False], ids=["file", "object"])
def test_progress_bar(module, tmp_path, file):
    """It ends full, in a file and in an object that only takes text."""
    out = open(tmp_path / "bar", "w+") if file else None
    tasks = [module.delayed(inc)(i) for i in range(4)]
    lines = drawn(module, lambda: module.compute(*tasks), out, width=20, dt=0.001)
    shown = [re.fullmatch(LINE, line) for line in lines]
    assert all(shown), lines
    percents = [int(line[2]) for line in shown]
    assert percents == sorted(percents) and percents[-1] == 100 and shown[-1][1] == "#" * 20
    assert all(abs(len(line[1]) - percent / 5) <= 1 for line, percent in zip(shown, percents))


def test_progress_bar_of_a_failure(module):
    """What fails does not get full."""
    def compute():
        with pytest.raises(ZeroDivisionError):
            module.delayed(inc)(module.delayed(fail)()).compute()
    lines = drawn(module, compute)
    assert lines and "100%" not in lines[-1]


def test_progress_bar_minimum(module):
    """What takes less is not drawn."""
    assert drawn(module, module.delayed(inc)(1).compute, minimum=3600) == []


def test_progress_bar_is_printed():
    """By default on the standard output, also in IPython, which has one of its own."""
    program = """
import io, sys
import cdask
from cdask.diagnostics import ProgressBar
with ProgressBar():
    cdask.delayed(abs)(-1).compute()
terminal, sys.stdout = sys.stdout, io.StringIO()
with ProgressBar():
    cdask.delayed(abs)(-1).compute()
assert sys.stdout.getvalue().endswith("100% Completed | 0.0 s\\n"), sys.stdout.getvalue()
"""
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], text=True, check=True,
                          stdout=subprocess.PIPE)
    assert done.stdout.endswith("100% Completed | 0.0 s\n")


def test_progress_bar_ends_while_others_hold_its_pipe():
    """A process that was forked meanwhile does not keep the bar from ending."""
    out = io.StringIO()
    waiting, go = os.pipe()
    with ProgressBar(out=out):
        child = os.fork()
        if not child:
            os.close(go)
            os.read(waiting, 1)
            os._exit(0)
        cdask.delayed(inc)(1).compute()
    os.close(go)
    assert os.waitpid(child, 0)[1] == 0
    os.close(waiting)
    assert "100% Completed" in out.getvalue()


# Profiler

def test_profiler(module):
    """A record of each task, in the order in which they ended."""
    with module.diagnostics.Profiler() as profiler:
        with module.config.set(scheduler="sync"):
            assert module.delayed(inc)(module.delayed(abs)(-1)).compute() == 2
    first, second = profiler.results
    assert [name(first.key), name(second.key)] == ["abs", "inc"]
    assert first.start_time <= first.end_time <= second.start_time <= second.end_time


def test_profiler_begins_anew(module):
    """Each block has its own records, clear() forgets them; outside of blocks nothing is seen."""
    profiler = module.diagnostics.Profiler()
    assert profiler.results == []
    for _ in range(2):
        with profiler:
            module.delayed(inc)(1).compute()
        module.delayed(inc)(1).compute()
        assert len(profiler.results) == 1
    profiler.clear()
    assert profiler.results == []


def test_profiler_registered(module):
    """Registered, it sees everything until it is unregistered."""
    profiler = module.diagnostics.Profiler()
    profiler.register()
    try:
        for _ in range(2):
            module.delayed(inc)(1).compute()
    finally:
        profiler.unregister()
    module.delayed(inc)(1).compute()
    assert len(profiler.results) == 2


def test_profiler_of_a_get_function(module):
    """Keys are those of the graph."""
    with module.diagnostics.Profiler() as profiler:
        module.local.get_sync({("y", 0): (inc, 1), ("y", 1): (inc, ("y", 0))}, ("y", 1))
    assert [str(task.key) for task in profiler.results] == ["('y', 0)", "('y', 1)"]


@pytest.mark.parametrize("how", SCHEDULERS)
def test_profiler_under_every_scheduler(how):
    """Functions by their names, the worker, and the size of results."""
    df = dd.from_pandas(FRAME, npartitions=3)
    with Profiler() as profiler:
        cdask.compute(cdask.delayed(inc)(1), df.map_partitions(len).sum(),
                      cdask.delayed(lambda: b"x" * 1000)(), scheduler=how, num_workers=2)
    functions = [task.function for task in profiler.results]
    assert functions.count("inc") == functions.count("lambda") == 1 and functions.count("len") == 3
    assert {task.worker_id for task in profiler.results} <= {0, 1}
    assert all(task.start_time <= task.end_time for task in profiler.results)
    assert max(task.nbytes for task in profiler.results if task.function == "lambda") >= 1000


def test_profiler_sees_what_failed():
    """With the others; Dask shows only what succeeded."""
    with Profiler() as profiler, pytest.raises(ZeroDivisionError):
        cdask.delayed(fail)().compute()
    assert [task.function for task in profiler.results] == ["fail"]


# ResourceProfiler

def test_resource_profiler(module):
    """Readings of time, memory in MB and CPU in %, while its block lasts."""
    with module.diagnostics.ResourceProfiler(dt=0.01) as profiler:
        module.compute(*[module.delayed(busy)() for _ in range(4)])
    readings = list(profiler.results)
    assert len(readings) >= 3
    times = [reading.time for reading in readings]
    assert times == sorted(times)
    assert all(10 < reading.mem < 10_000 and reading.cpu >= 0 for reading in readings)
    module.delayed(busy)().compute()
    assert list(profiler.results) == readings


# Profile

@pytest.mark.parametrize("how", SCHEDULERS)
def test_profile(how):
    """A table of the library's own functions, alike under every scheduler."""
    df = dd.from_pandas(FRAME, npartitions=2)
    with Profile() as profile:
        cdask.compute(df.groupby("key").value.sum(), cdask.delayed(inc)(1), scheduler=how)
    text = str(profile)
    assert re.match(r"wall .*, cpu .*\n", text) and "self %" in text
    calls = {name: int(count) for count, name
             in re.findall(r"^.* [mu]?s +(\d+) .* (\S+)$", text, re.M)}
    assert calls["inc"] == 1 and calls["aggregate"] == 2 and calls["frame.pass"] >= 2


# All of them

def test_several_at_once(module):
    """They do not disturb each other."""
    out = io.StringIO()
    diagnostics = module.diagnostics
    with diagnostics.Profiler() as one, diagnostics.ProgressBar(out=out), \
            diagnostics.ResourceProfiler(dt=0.01), diagnostics.Profiler() as other:
        module.compute(module.delayed(inc)(1), module.delayed(inc)(2))
    assert len(one.results) == len(other.results) == 2 and "100%" in out.getvalue()


def test_watched_from_several_threads():
    """Computations of several threads go into one record."""
    with Profiler() as profiler:
        threads = [threading.Thread(target=cdask.delayed(inc)(i).compute) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(profiler.results) == 8


def test_exceptions_end_blocks():
    """After a block that raised, nothing watches any more."""
    from cdask import _compute
    with pytest.raises(ZeroDivisionError), Profiler(), ResourceProfiler(), Profile(), \
            ProgressBar(out=io.StringIO()):
        cdask.delayed(fail)().compute()
    assert _compute.watchers == []


# Pictures

def texts(path):
    """All words in an SVG file, which is well-formed."""
    root = ElementTree.parse(path).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return [text.strip() for text in root.itertext() if text.strip()]


def lazy():
    return cdask.delayed(sum)([cdask.delayed(inc)(1), cdask.delayed(inc)(2)])


def test_visualize(tmp_path):
    """Files by their names' ends; the file's name comes back where no notebook can show it."""
    picture = lazy().visualize(filename=tmp_path / "a.svg")
    assert picture == str(tmp_path / "a.svg")
    assert texts(picture).count("inc") == 2 and texts(picture).count("sum") == 1
    assert cdask.visualize(lazy(), [lazy(), 3], filename=str(tmp_path / "b")) == str(tmp_path / "b.svg")
    lazy().visualize(str(tmp_path / "c"), format="png")
    assert (tmp_path / "c.png").read_bytes().startswith(b"\x89PNG")
    lazy().visualize(str(tmp_path / "d.pdf"))
    assert (tmp_path / "d.pdf").read_bytes().startswith(b"%PDF")
    thing = lazy()
    thing.visualize(filename=str(tmp_path / "e.dot"))
    assert (tmp_path / "e.dot").read_text() == thing.visualize(filename=None)


def test_dot():
    """The document without a file: a box for each result, a circle for each call, arrows between."""
    text = lazy().visualize(filename=None)
    assert text.startswith("digraph") and text.count("shape=circle") == text.count("shape=box") == 3
    assert text.count("->") == 5
    assert "rankdir=LR" in lazy().visualize(filename=None, rankdir="LR")
    assert "fillcolor=\"#" in lazy().visualize(filename=None, color="order")
    df = dd.from_pandas(FRAME, npartitions=3)
    assert df.value.sum().visualize(filename=None).count("frame.pass") >= 3


@pytest.mark.parametrize("wrong, message", [
    ({"color": "taste"}, "cannot color a graph by 'taste'"), ({"rankdir": "up"}, "direction 'up'")])
def test_wrong_options(wrong, message):
    """An error says what there is."""
    with pytest.raises(ValueError, match=message + ".*expected"):
        lazy().visualize(filename=None, **wrong)


def test_nothing_to_draw(tmp_path):
    """Nothing lazy; nowhere to write."""
    with pytest.raises(TypeError, match="nothing lazy"):
        cdask.visualize(3, filename=None)
    with pytest.raises(FileNotFoundError):
        lazy().visualize(str(tmp_path / "nowhere/a.svg"))


def test_explain():
    """The expression and the plan of several things, as text."""
    df = dd.from_pandas(FRAME, npartitions=3)
    text = cdask.explain(df.value.sum(), lazy())
    assert "value.sum()" in text and "delayed sum" in text and "plan" in text
    assert "value.sum()" in df.value.sum().explain()


def test_timeline(tmp_path):
    """A profiler's tasks as a picture, with memory and CPU below."""
    with Profiler() as profiler, ResourceProfiler(dt=0.01) as resources:
        cdask.compute(*[cdask.delayed(busy)() for _ in range(4)])
    for path in (profiler.visualize(str(tmp_path / "a.svg")),
                 cdask.diagnostics.visualize([profiler, resources], str(tmp_path / "b.svg"))):
        assert any("busy" in text for text in texts(path))
    assert any("MB" in text or "MiB" in text for text in texts(tmp_path / "b.svg"))
    for nothing in (Profiler(), [], [resources]):
        with pytest.raises(ValueError, match="one Profiler that has watched"):
            cdask.diagnostics.visualize(nothing)


def test_pictures_in_a_notebook(tmp_path):
    """In IPython a picture is shown."""
    program = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
done = shell.run_cell('''
import cdask
from cdask.diagnostics import Profiler
with Profiler() as profiler:
    cdask.delayed(abs)(-1).compute()
pictures = [cdask.delayed(abs)(-1).visualize(f"{folder}/a.svg"), profiler.visualize(f"{folder}/b.svg"),
            cdask.delayed(abs)(-1).visualize(f"{folder}/c.png")]
''')
assert done.success
assert [type(one).__name__ for one in shell.user_ns["pictures"]] == ["SVG", "SVG", "Image"]
"""
    subprocess.run([sys.executable, "-c", program.replace("{folder}", str(tmp_path))], check=True)
