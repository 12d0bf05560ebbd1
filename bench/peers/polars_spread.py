"""The notebook's daily spread by Polars: polars_spread.py DIRECTORY [types|infer|memory] [THREADS]

memory: the data are in a frame, and the spread was computed once, before the clock starts.
"""
import os
import sys

if len(sys.argv) > 3:
    os.environ["POLARS_MAX_THREADS"] = sys.argv[3]  # read when polars is loaded

import polars as pl

from measure import measure, report_spread

TYPES = {"timestamp": pl.String, "close": pl.Float64, "high": pl.Float64, "low": pl.Float64,
         "open": pl.Float64}


def scan(pattern, types):
    if not types:
        return pl.scan_csv(pattern, try_parse_dates=True)
    # Several times faster than a schema that says Datetime.
    timestamp = pl.col("timestamp").str.to_datetime("%Y-%m-%d %H:%M:%S")
    return pl.scan_csv(pattern, schema=types).with_columns(timestamp)


def spread(bars):
    # Half to even, as pandas rounds: a second less than half a day is added on even days.
    second = pl.col("timestamp").dt.epoch("s")
    day = (second + 43199 + second // 86400 % 2) // 86400
    return (bars
            .group_by(day.alias("day"))
            .agg((pl.col("high").max() - pl.col("low").min()).alias("spread"))
            .sort("day")
            .collect())


def frame(pattern):
    bars = scan(pattern, TYPES).collect().lazy()
    spread(bars)
    return bars


if __name__ == "__main__":
    pattern, how = f"{sys.argv[1]}/*.csv", sys.argv[2] if len(sys.argv) > 2 else "types"
    bars = frame(pattern) if how == "memory" else scan(pattern, TYPES if how == "types" else None)
    result, seconds = measure(lambda: spread(bars))
    report_spread(seconds, pl.__version__, result["spread"].to_list())
