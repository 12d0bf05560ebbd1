"""What a task costs on a Dask cluster on this machine: dask_cluster.py [NTASKS] [independent|chain|tree|merge ...]

Two worker processes of one thread each, tasks that add, submitting the graph and fetching the results
included.
"""
import json
import sys
import time

import distributed


def add(*numbers):
    return 1 + sum(numbers)


def independent(ntasks):
    return {("x", i): (add, i) for i in range(ntasks)}, [("x", i) for i in range(ntasks)]


def chain(ntasks):
    graph = {("x", 0): (add, 0)}
    graph.update({("x", i): (add, ("x", i - 1)) for i in range(1, ntasks)})
    return graph, [("x", ntasks - 1)]


def tree(ntasks):
    row = [("x", i) for i in range(ntasks // 2)]
    graph = {key: (add, key[1]) for key in row}
    while len(row) > 1:
        pairs = [(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = [("x", len(graph) + i) for i in range(len(pairs))]
        graph.update({key: (add, *pair) for key, pair in zip(row, pairs)})
    return graph, row


def merge(ntasks):
    leaves = [("x", i) for i in range(ntasks - 1)]
    return {"sum": (add, *leaves), **{key: (add, key[1]) for key in leaves}}, ["sum"]


def main():
    ntasks = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    names = sys.argv[2:] or ["independent", "chain", "tree", "merge"]
    start = time.perf_counter()
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with distributed.Client(cluster) as client:
            print(json.dumps({"name": "start", "seconds": time.perf_counter() - start,
                              "version": distributed.__version__}))
            for shape in (independent, chain, tree, merge):
                if shape.__name__ not in names:
                    continue
                start = time.perf_counter()
                graph, keys = shape(ntasks)
                results = client.get(graph, keys)
                seconds = time.perf_counter() - start
                print(json.dumps({"name": shape.__name__, "seconds": seconds, "first": results[0],
                                  "us_per_task": seconds / len(graph) * 1e6}))


if __name__ == "__main__":
    main()
