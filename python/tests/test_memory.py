"""Memory stays flat, whatever is computed and however often."""
import gc
import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import cdask
import cdask.dataframe as dd
from cdask import _context
from cdask.diagnostics import Profile, Profiler

FRAME = pd.DataFrame({"key": np.arange(100) % 7, "value": np.arange(100.0),
                      "text": [f"x{i % 5}" for i in range(100)]})


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "a.csv"
    FRAME.to_csv(path, index=False)
    return str(path)


@pytest.fixture(scope="module")
def df():
    return dd.from_pandas(FRAME, npartitions=2)


def inc(x):
    return x + 1


def fail(*args):
    raise ValueError("boom", *args)


# What is computed for the i-th time: expressions that were never there before, and the same again.

def literals(i, df, path):
    (df.value + i).sum().compute()


def new_frame(i, df, path):
    dd.from_pandas(FRAME, npartitions=2).value.max().compute()


def filtered(i, df, path):
    df[df.value > i % 90].assign(more=i).compute()


def groups(i, df, path):
    df.groupby("key").value.mean().compute()


def several(i, df, path):
    cdask.compute(df, df.value.sum(), cdask.delayed(inc)(df.value.max()))


def calls(i, df, path):
    cdask.delayed(sum)([cdask.delayed(inc)(i), cdask.delayed(lambda: i)()]).compute()


def objects(i, df, path):
    cdask.delayed(dict)(a=cdask.delayed(list)([object()])).compute()


def failures(i, df, path):
    with pytest.raises(ValueError):
        cdask.delayed(inc)(cdask.delayed(fail)(i)).compute()


def bad_frames(i, df, path):
    with pytest.raises(KeyError):
        df[f"nothing{i}"]
    with pytest.raises(TypeError):
        df.text - i


def bad_files(i, df, path):
    with pytest.raises(ValueError):
        dd.read_csv(path, dtype={"text": "int64"}).text.sum().compute()


def graphs(i, df, path):
    cdask.get_sync({"x": i, ("y", i): (inc, "x"), "z": (sum, [("y", i), (inc, "x")])}, "z")


def files(i, df, path):
    dd.read_csv(path).groupby("text").value.max().compute()


def watched(i, df, path):
    with Profiler() as profiler, Profile() as profile:
        (df.value * i).max().compute()
    assert len(profiler.results) > 1 and str(profile)


def shown(i, df, path):
    series = df.value + i
    repr(series), df._repr_html_(), series.explain(), df.divisions, dir(df)


def exported(i, df, path):
    assert pa.table(df).num_rows == 100 and len(df.head(3)) == 3


def threads(i, df, path):
    cdask.compute((df.value + i).sum(), cdask.delayed(inc)(i), scheduler="threads")


def partitions(i, df, path):
    df.map_partitions(len, meta=1).sum().compute()


def processes(i, df, path):
    cdask.compute((df.value + i).sum(), cdask.delayed(list)([i]), scheduler="processes")


def failures_of_processes(i, df, path):
    with pytest.raises(ValueError):
        cdask.delayed(fail)(i).compute(scheduler="processes")


OFTEN = [literals, new_frame, filtered, groups, several, calls, objects, failures, bad_frames,
         bad_files, graphs, files, watched, shown, exported, threads, partitions]
SELDOM = [processes, failures_of_processes]


def held():
    """Bytes and blocks in the ledger, and the process's megabytes."""
    gc.collect()
    use = _context.memory()
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[1])
    return use.current, use.blocks, pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def repeat(numbers, df, path):
    with cdask.config.set(scheduler="sync"):
        for i in numbers:
            for one in OFTEN + SELDOM * (i % 25 == 0):
                one(i, df, path)


def test_memory_is_flat(df, path):
    """10,000 computations of all kinds leave not a byte in the ledger, nor in the process."""
    repeat(range(50), df, path)
    *before, megabytes = held()
    repeat(range(50, 50 + 10_000 // len(OFTEN)), df, path)
    *after, more_megabytes = held()
    assert after == before
    print(f"{more_megabytes - megabytes:+.1f} MB")
    assert more_megabytes - megabytes < 5


def test_results_are_given_back(df):
    """Numbers are copied out of the library; text is shared, and goes with the result."""
    before = held()[:2]
    numbers, texts = df[["key", "value"]].compute(), None
    assert held()[:2] == before
    texts = df.text.compute()
    assert held()[0] > before[0]
    pd.testing.assert_frame_equal(numbers.assign(text=texts), FRAME)
    del texts
    assert held()[:2] == before


def test_frames_are_forgotten():
    """What a frame holds goes with the last object that needs it."""
    before = held()[:2]
    df = dd.from_pandas(FRAME, npartitions=4)
    total, lazy = df.value.sum(), cdask.delayed(len)(df)
    sizes = [held()[0]]
    del df
    sizes.append(held()[0])
    del lazy
    assert total.compute() == FRAME.value.sum()
    sizes.append(held()[0])
    del total
    assert held()[:2] == before
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] > before[0]


def test_arguments_live_as_long_as_calls():
    """The objects in a call go with it, and those between calls with the computation."""
    import weakref

    class Thing:
        pass
    thing = Thing()
    seen = weakref.ref(thing)
    lazy = cdask.delayed(inc)(cdask.delayed(lambda x: 1)(thing))
    del thing
    gc.collect()
    assert seen() is not None and lazy.compute(scheduler="sync") == 2
    del lazy
    gc.collect()
    assert seen() is None
