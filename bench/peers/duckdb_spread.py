"""The notebook's daily spread by DuckDB: duckdb_spread.py DIRECTORY [types|infer|memory] [THREADS]

memory: the data are in a table, and the spread was computed once, before the clock starts.
"""
import sys

import duckdb

from measure import measure, report_spread

TYPES = {"timestamp": "TIMESTAMP", "close": "DOUBLE", "high": "DOUBLE", "low": "DOUBLE",
         "open": "DOUBLE"}

# Half to even, as pandas rounds: a second less than half a day is added on even days.
QUERY = """
    SELECT (epoch_ms("timestamp") // 1000 + 43199 +
            (epoch_ms("timestamp") // 86400000) % 2) // 86400 AS day, max(high) - min(low)
    FROM {source}
    GROUP BY day
    ORDER BY day
"""


def source(pattern, types):
    """The files as a table; `types`: theirs are given, else inferred."""
    options = f", header=true, delim=',', auto_detect=false, columns={TYPES}" if types else ""
    return f"read_csv('{pattern}'{options})"


def spread(source):
    return duckdb.sql(QUERY.format(source=source)).fetchall()


def table(pattern):
    duckdb.sql(f"CREATE TABLE bars AS SELECT * FROM {source(pattern, True)}")
    spread("bars")
    return "bars"


if __name__ == "__main__":
    pattern, how = f"{sys.argv[1]}/*.csv", sys.argv[2] if len(sys.argv) > 2 else "types"
    if len(sys.argv) > 3:
        duckdb.sql(f"SET threads = {int(sys.argv[3])}")
    bars = table(pattern) if how == "memory" else source(pattern, how == "types")
    rows, seconds = measure(lambda: spread(bars))
    report_spread(seconds, duckdb.__version__, [value for _, value in rows])
