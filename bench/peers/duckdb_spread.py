"""The notebook's daily spread by DuckDB: duckdb_spread.py DIRECTORY [types|infer] [THREADS]"""
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


def spread(pattern, types):
    return duckdb.sql(QUERY.format(source=source(pattern, types))).fetchall()


if __name__ == "__main__":
    pattern = f"{sys.argv[1]}/*.csv"
    types = sys.argv[2:3] != ["infer"]
    if len(sys.argv) > 3:
        duckdb.sql(f"SET threads = {int(sys.argv[3])}")
    rows, seconds = measure(lambda: spread(pattern, types))
    report_spread(seconds, duckdb.__version__, [value for _, value in rows])
