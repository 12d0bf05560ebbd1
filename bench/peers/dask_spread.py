"""The notebook's daily spread by Dask: dask_spread.py DIRECTORY [SCHEDULER | cluster] [NUM_WORKERS] [persisted]

cluster: one that is there before the clock starts, of so many workers of one thread. persisted: the data are in memory,
and the spread was computed once, before the clock starts.
"""
import sys

import dask
import dask.dataframe as dd

from measure import measure, report_spread


def read(pattern):
    return dd.read_csv(pattern, parse_dates=["timestamp"])


def spread(df):
    day = df.timestamp.dt.round("1D")
    return df.groupby(day).high.max() - df.groupby(day).low.min()


def persist(df):
    df = df.persist()
    spread(df).compute()
    return df


def measure_spread(pattern, is_persisted):
    df = persist(read(pattern)) if is_persisted else None
    return measure(lambda: spread(read(pattern) if df is None else df).compute())


def main(folder, scheduler="threads", nworkers=None, *how):
    pattern, nworkers = f"{folder}/*.csv", int(nworkers) if nworkers else None
    if scheduler == "cluster":
        import distributed
        context = distributed.Client(n_workers=nworkers, threads_per_worker=1, dashboard_address=None)
    else:
        context = dask.config.set(scheduler=scheduler, num_workers=nworkers)
    with context:
        result, seconds = measure_spread(pattern, how == ("persisted",))
    report_spread(seconds, dask.__version__, result.sort_index().tolist())


if __name__ == "__main__":
    main(*sys.argv[1:])
