"""The rows of high prices by Polars: polars_filter.py DIRECTORY types|infer THREADS LIMIT"""
import sys

from polars_spread import TYPES, pl, scan  # sets the number of threads, which is the same argument

from measure import measure, report_table


def rows_above(pattern, types, limit):
    return scan(pattern, types).filter(pl.col("close") > limit).collect()


if __name__ == "__main__":
    types = TYPES if sys.argv[2] != "infer" else None
    frame, seconds = measure(lambda: rows_above(f"{sys.argv[1]}/*.csv", types, float(sys.argv[4])))
    report_table(seconds, pl.__version__, len(frame), frame["open"].mean())
