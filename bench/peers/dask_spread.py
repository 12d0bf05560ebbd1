"""The notebook's daily spread by Dask: dask_spread.py DIRECTORY [SCHEDULER] [NUM_WORKERS]"""
import sys

import dask
import dask.dataframe as dd

from measure import measure, report_spread


def spread(pattern):
    df = dd.read_csv(pattern, parse_dates=["timestamp"])
    day = df.timestamp.dt.round("1D")
    return df.groupby(day).high.max() - df.groupby(day).low.min()


if __name__ == "__main__":
    pattern = f"{sys.argv[1]}/*.csv"
    scheduler = sys.argv[2] if len(sys.argv) > 2 else "threads"
    workers = int(sys.argv[3]) if len(sys.argv) > 3 else None
    result, seconds = measure(
        lambda: spread(pattern).compute(scheduler=scheduler, num_workers=workers))
    report_spread(seconds, dask.__version__, result.sort_index().tolist())
