"""What calls cost in Python: python_face.py dask|cdask, which have the same names.

One JSON line each, in microseconds a call: operations that build, a small computation, a task of a delayed
sum under sync and threads; and the import, beyond that of pandas.
"""
import importlib
import json
import sys
import time

import pandas as pd

NTASKS = 2_000


def report(name, seconds, calls=1):
    print(json.dumps({"name": name, "us": seconds / calls * 1e6, "version": VERSION}))


def best(work, calls, rounds=5):
    """Seconds of `calls` calls, the least of several rounds."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(calls):
            work()
        found.append(time.perf_counter() - start)
    return min(found)


def increment(x):
    return x + 1


def total(module):
    return module.delayed(sum)([module.delayed(increment)(i) for i in range(NTASKS)])


def main():
    global VERSION
    start = time.perf_counter()
    module = importlib.import_module(sys.argv[1])
    dd = importlib.import_module(f"{sys.argv[1]}.dataframe")
    seconds = time.perf_counter() - start
    VERSION = getattr(module, "__version__", "")
    report("import", seconds)
    df = dd.from_pandas(pd.DataFrame({"a": range(100), "b": range(100)}), npartitions=2)
    series = df.a
    report("df.npartitions", best(lambda: df.npartitions, 1000), 1000)
    report("df['a']", best(lambda: df["a"], 1000), 1000)
    report("series + 1", best(lambda: series + 1, 1000), 1000)
    for scheduler in ("sync", "threads"):
        report(f"series.sum().compute(), {scheduler}",
               best(lambda: series.sum().compute(scheduler=scheduler), 20), 20)
    for scheduler in ("sync", "threads", "processes"):
        lazy = total(module)
        report(f"a delayed task, {scheduler}",
               best(lambda: lazy.compute(scheduler=scheduler), 1, rounds=3), NTASKS)


if __name__ == "__main__":
    main()
