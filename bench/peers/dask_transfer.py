"""How fast results go from one worker of Dask's to another: dask_transfer.py [NBLOCKS] [BLOCK_BYTES]

Series of pandas are made by one, and the other is asked how large they are.
"""
import json
import sys
import time

import distributed
import numpy
import pandas


def make(nbytes, number):
    return pandas.Series(numpy.arange(nbytes // 8, dtype="float64"))


def weigh(series):
    return series.to_numpy().nbytes


def main():
    nblocks = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    nbytes = int(sys.argv[2]) if len(sys.argv) > 2 else 16 << 20
    with distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=None) as client:
        maker, reader = client.scheduler_info()["workers"]
        made = client.map(make, [nbytes] * nblocks, range(nblocks), workers=maker)
        distributed.wait(made)
        start = time.perf_counter()
        total = sum(client.gather(client.map(weigh, made, workers=reader)))
        seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "nbytes": total, "mb_per_s": total / seconds / 1e6,
                      "version": distributed.__version__}))


if __name__ == "__main__":
    main()
