"""The rows of high prices by DuckDB: duckdb_filter.py DIRECTORY types|infer THREADS LIMIT"""
import sys

import duckdb

from duckdb_spread import source
from measure import measure, report_table


def rows_above(pattern, types, limit):
    query = f"SELECT * FROM {source(pattern, types)} WHERE close > {limit}"
    return duckdb.sql(query).fetchnumpy()


if __name__ == "__main__":
    duckdb.sql(f"SET threads = {int(sys.argv[3])}")
    columns, seconds = measure(lambda: rows_above(f"{sys.argv[1]}/*.csv", sys.argv[2] != "infer",
                                                  float(sys.argv[4])))
    report_table(seconds, duckdb.__version__, len(columns["open"]), float(columns["open"].mean()))
