"""Frames: the daily spread from files, from memory and on a cluster, and rows that a filter keeps."""
from contenders import medians, note, program, run, script, take_turns
from data import make_data
from tables import at_least, at_most, comparison, print_table

# Beside whom cdask has to be so many times as fast.
SPREAD_RATIOS = {"hand-written loop": 1 / 1.5, "DuckDB, types given": 2.5, "Polars, types given": 2.5,
                 "Dask threads": 15}
PERSISTED_RATIOS = {"DuckDB": 4, "Polars": 8}
MOST_PEAK_MB = 200


def spread_contenders(folder, threads, peers=True):
    every = [
        program("cdask", "cdask_spread", folder, threads),
        program("hand-written loop", "limit_spread", folder, threads),
        script("DuckDB, types given", "duckdb", "duckdb_spread", folder, "types", threads),
        script("DuckDB, types inferred", "duckdb", "duckdb_spread", folder, "infer", threads),
        script("Polars, types given", "polars", "polars_spread", folder, "types", threads),
        script("Polars, types inferred", "polars", "polars_spread", folder, "infer", threads),
        script("Dask threads", "dask", "dask_spread", folder, "threads", threads),
    ]
    return every if peers else every[:3]


def check_agreement(turns):
    """All must have found the same; a fast wrong answer is no measurement."""
    found = {label: {(line["rows"], round(line["checksum"], 6)) for lines in runs for line in lines}
             for label, runs in turns.items()}
    if len(set().union(*found.values())) > 1:
        note(f"THE RESULTS DIFFER: {found}")
        return False
    return True


def measure_spread(settings):
    folder = make_data()
    run(program("warm up", "limit_spread", folder))
    turns = take_turns(spread_contenders(folder, settings.threads), settings.rounds)
    ok = check_agreement(turns)
    files = list(folder.glob("*.csv"))
    size = sum(file.stat().st_size for file in files) / 1e6
    heads = ["contender", "median", "ratio to cdask", "target", "met"]
    if "spread" in settings.rows:
        print_table(f"CSV -> daily spread: {size:.0f} MB in {len(files)} files", heads,
                    comparison(turns, medians(turns, "seconds"), "{:.3f} s".format,
                               lambda label, _, ratio: at_least(ratio, SPREAD_RATIOS.get(label))))
    if "memory" in settings.rows:
        print_table("The same, peak memory of the process", heads,
                    comparison(turns, medians(turns, "peak_mb"), "{:.0f} MB".format,
                               lambda label, value, _: at_most(
                                   value, MOST_PEAK_MB if label == "cdask" else None, "MB")))
    return {"spread": turns}, ok


def measure_persisted(settings):
    folder, threads = make_data(), settings.threads
    turns = take_turns([
        program("cdask threads", "cdask_spread", folder, threads, "threads", "persisted"),
        program("cdask cluster", "cdask_spread", folder, threads, "cluster", "persisted"),
        script("DuckDB", "duckdb", "duckdb_spread", folder, "memory", threads),
        script("Polars", "polars", "polars_spread", folder, "memory", threads),
        script("Dask threads", "dask", "dask_spread", folder, "threads", threads, "persisted"),
        script("Dask cluster", "distributed", "dask_spread", folder, "cluster", threads, "persisted"),
    ], settings.rounds)
    print_table("Daily spread of data in memory", ["contender", "median", "ratio to cdask threads", "target", "met"],
                comparison(turns, medians(turns, "seconds"), "{:.4f} s".format,
                           lambda label, _, ratio: at_least(ratio, PERSISTED_RATIOS.get(label)), own="cdask threads"))
    return {"persisted": turns}, check_agreement(turns)


# The prices of one row in a hundred of the data that make_data() makes are higher.
HIGH_PRICE = 267.5


def measure_filter(settings):
    folder, threads = make_data(), settings.threads
    contenders = [program("cdask", "cdask_filter", folder, HIGH_PRICE, threads)]
    for label, module, name in (("DuckDB", "duckdb", "duckdb_filter"), ("Polars", "polars", "polars_filter")):
        contenders += [script(f"{label}, types given", module, name, folder, "types", threads, HIGH_PRICE),
                       script(f"{label}, types inferred", module, name, folder, "infer", threads, HIGH_PRICE)]
    run(program("warm up", "limit_spread", folder))
    turns = take_turns(contenders, settings.rounds)
    print_table("CSV -> all columns of the 1 % of rows that a filter keeps",
                ["contender", "median", "ratio to cdask"],
                comparison(turns, medians(turns, "seconds"), "{:.3f} s".format, lambda *_: ()))
    return {"filter": turns}, check_agreement(turns)
