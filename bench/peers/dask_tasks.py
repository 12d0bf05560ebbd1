"""What a task costs in Dask: dask_tasks.py [NTASKS] [NUM_WORKERS] [sync|threads|processes ...]

Tasks that add one, independent and in chains of two, graph building included; the pools of threads and
processes are there before the clock starts. Dask's processes scheduler joins chains into one task before it
runs them, so only independent ones are measured there.
"""
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import dask
import dask.multiprocessing
import dask.threaded


def increment(x):
    return x + 1


def independent(ntasks):
    return {("x", i): (increment, i) for i in range(ntasks)}, [("x", i) for i in range(ntasks)]


def chains(ntasks):
    graph = {("x", i): (increment, i) for i in range(ntasks // 2)}
    graph.update({("y", i): (increment, ("x", i)) for i in range(ntasks // 2)})
    return graph, [("y", i) for i in range(ntasks // 2)]


def measure(name, get, shape, ntasks):
    start = time.perf_counter()
    graph, keys = shape(ntasks)
    results = get(graph, keys)
    seconds = time.perf_counter() - start
    steps = ntasks // len(keys)
    assert list(results) == list(range(steps, steps + len(keys)))
    print(json.dumps({"name": f"{name} {shape.__name__}", "tasks": ntasks, "seconds": seconds,
                      "ns_per_task": seconds / ntasks * 1e9, "version": dask.__version__}))


def main():
    ntasks = int(sys.argv[1]) // 2 * 2 if len(sys.argv) > 1 else 20_000
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else len(os.sched_getaffinity(0))
    names = sys.argv[3:] or ["sync", "threads", "processes"]
    if "sync" in names:
        measure("sync", dask.get, independent, ntasks)
        measure("sync", dask.get, chains, ntasks)
    if "threads" in names:
        with ThreadPoolExecutor(workers) as pool:
            get = lambda graph, keys: dask.threaded.get(graph, keys, pool=pool)
            measure("threads", get, independent, ntasks)
            measure("threads", get, chains, ntasks)
    if "processes" in names:
        with ProcessPoolExecutor(workers) as pool:
            get = lambda graph, keys: dask.multiprocessing.get(graph, keys, pool=pool)
            get(*independent(100))
            measure("processes", get, independent, ntasks)


if __name__ == "__main__":
    main()
