#!/usr/bin/env python3
"""Measures cdask beside its peers and prints the tables of README.md, in Markdown.

Every number is a median over rounds in which the contenders take turns, so that what else the machine does
meets all of them. Only ratios within one run mean something. A peer that is missing is left out with a line.

Run it by the Python of build/venv, as `make bench` does: the peers live there.
"""
import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ROOT / "build" / "release" / "bin"
PEERS = ROOT / "bench" / "peers"
DATA = ROOT / "build" / "bench-data"
ROWS = ("spread", "memory", "filter", "tasks", "processes", "python", "cluster", "growth")

# Who is measured: the label, and the command, whose last words are ours to add. `module`: what a peer in
# Python imports.
Contender = namedtuple("Contender", "label command module", defaults=(None,))

# What a label has to reach: `ratio`: at least so many times what cdask takes; `most`: cdask's own measure.
SPREAD_RATIOS = {"hand-written loop": 1 / 1.5, "DuckDB, types given": 2.5, "Polars, types given": 2.5,
                 "Dask threads": 15}
MOST_PEAK_MB = 200
MOST_US = {"import": 30_000, "df.npartitions": 10, "df['a']": 10, "series + 1": 10}
MOST_CLUSTER_US = {"independent": 20, "chain": 200}
MOST_NS = {"sync": 200, "threads": 400, "processes": 10_000}


def program(label, name, *words):
    return Contender(label, [PROGRAMS / f"bench_{name}", *words])


def script(label, module, name, *words):
    return Contender(label, [sys.executable, PEERS / f"{name}.py", *words], module)


def is_there(contender):
    if contender.module:
        found, what = importlib.util.find_spec(contender.module), f"no Python module {contender.module}"
    else:
        found, what = contender.command[0].exists(), f"no {contender.command[0].relative_to(ROOT)}"
    if not found:
        note(f"left out: {contender.label} ({what})")
    return bool(found)


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(contender):
    """One run: the objects it printed, one a line. None if it failed."""
    command = [str(word) for word in contender.command]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        note(f"{contender.label} failed: {' '.join(command)}\n{result.stderr.strip()}")
        return None
    return [json.loads(line) for line in result.stdout.splitlines()]


def take_turns(contenders, rounds):
    """{label: one list of objects a round} of those that are there and do not fail."""
    contenders = [contender for contender in contenders if is_there(contender)]
    taken = {contender.label: [] for contender in contenders}
    for turn in range(rounds):
        for contender in contenders:
            if contender.label in taken:
                note(f"round {turn + 1}/{rounds}: {contender.label}")
                lines = run(contender)
                if lines is None:
                    del taken[contender.label]
                else:
                    taken[contender.label].append(lines)
    return taken


def medians(turns, field, name=None):
    """{label: median of `field`} in the lines called `name`."""
    values = {label: [line[field] for lines in runs for line in lines
                      if line.get("name") == name and field in line]
              for label, runs in turns.items()}
    return {label: median(of) for label, of in values.items() if of}


def with_version(turns, label):
    version = next((line["version"] for lines in turns[label] for line in lines
                    if "version" in line), None)
    name, space, detail = label.partition(" ")
    return f"{name.rstrip(',')} {version}{',' * name.endswith(',')}{space}{detail}" if version else label


# Tables. A verdict is (target, met).

def print_table(title, heads, rows):
    print(f"\n### {title}\n")
    print("| " + " | ".join(heads) + " |")
    print("|---" + "|---:" * (len(heads) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def at_least(ratio, least):
    if least is None:
        return "", ""
    shown = f">= {least:.2g} x"
    return (shown, "") if ratio is None else (shown, "yes" if ratio >= least else "**no**")


def at_most(value, most, unit):
    if most is None:
        return "", ""
    return f"<= {most:,} {unit}", "yes" if value <= most else "**no**"


def comparison(turns, values, show, verdict):
    """The rows of one table: `values` by label, and `verdict(label, value, ratio)`."""
    own = values.get("cdask")
    rows = []
    for label, value in values.items():
        ratio = value / own if own else None
        rows.append([with_version(turns, label), show(value), f"{ratio:.2f}" if ratio else "-",
                     *verdict(label, value, ratio)])
    return rows


# The daily spread

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


# Filtered rows

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


# Tasks

# What a peer in C or C++ calls the thing that compares with a scheduler of ours.
NATIVE_TASKS = {"threads": {"TBB": ("flow graph", "task_group"), "OpenMP": ("task",)}}


def measure_tasks(settings):
    words = [settings.threads, "sync", "threads"]
    turns = take_turns([program("cdask", "cdask_tasks", 1_000_000, *words),
                        script("Dask, 20,000 tasks", "dask", "dask_tasks", 20_000, *words),
                        program("TBB", "tbb_tasks", 1_000_000, settings.threads),
                        program("OpenMP", "openmp_tasks", 1_000_000, settings.threads)],
                       settings.rounds)
    for scheduler in ("sync", "threads"):
        for shape in ("independent", "chains"):
            print_task_table(turns, scheduler, shape)
    return {"tasks": turns}, True


def measure_processes(settings):
    words = [settings.threads, "processes"]
    turns = take_turns([program("cdask", "cdask_tasks", 100_000, *words),
                        script("Dask, 20,000 tasks", "dask", "dask_tasks", 20_000, *words)],
                       settings.rounds)
    print_task_table(turns, "processes", "independent")
    return {"processes": turns}, True


def print_task_table(turns, scheduler, shape):
    native = NATIVE_TASKS.get(scheduler, {})
    values, shown = {}, {}
    for label, runs in turns.items():
        for name in (scheduler, *native.get(label, ())):
            value = medians({label: runs}, "ns_per_task", f"{name} {shape}").get(label)
            if value is not None:
                row = label if name == scheduler else f"{label} {name}"
                values[row], shown[row] = value, runs
    if not values:
        return
    title = "independent tasks" if shape == "independent" else "chains of two tasks"
    print_table(f"{scheduler}: {title}, building the graph included",
                ["contender", "time per task", "ratio to cdask", "target", "met"],
                comparison(shown, values, "{:,.0f} ns".format,
                           lambda label, value, _: at_most(
                               value, MOST_NS[scheduler] if label == "cdask" else None, "ns")))


# The Python face

def measure_python(settings):
    os.environ["PYTHONPATH"] = str(ROOT / "python")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once, as what is installed is
    turns = take_turns([script("cdask", "pandas", "python_face", "cdask"),
                        script("Dask", "dask", "python_face", "dask")], settings.rounds)
    rows = []
    for name in dict.fromkeys(line["name"] for runs in turns.values() for lines in runs for line in lines):
        values = medians(turns, "us", name)
        own, peer = values.get("cdask"), values.get("Dask")
        rows.append([name, *(f"{value:,.1f} us" if value else "-" for value in (own, peer)),
                     f"{peer / own:.1f}" if own and peer else "-",
                     *(at_most(own, MOST_US.get(name), "us") if own else ("", ""))])
    dask = with_version(turns, "Dask") if "Dask" in turns else "Dask"
    print_table("The Python face, a call (import: beyond pandas')",
                ["what", "cdask", dask, "ratio", "target", "met"], rows)
    return {"python": turns}, True


# A cluster of two workers on this machine

def measure_cluster(settings):
    turns = take_turns([program("cdask, 100,000 tasks", "cdask_cluster", 100_000, "independent", "tree"),
                        program("cdask, 2,000 tasks", "cdask_cluster", 2_000),
                        script("Dask, 2,000 tasks", "distributed", "dask_cluster", 2_000)], settings.rounds)
    for shape, title in (("independent", "independent tasks"), ("tree", "a tree of sums"),
                         ("chain", "a chain, the latency of a hop")):
        values = medians(turns, "us_per_task", shape)
        own = values.get("cdask, 2,000 tasks")
        print_table(f"Two workers of one thread: {title}",
                    ["contender", "time per task", "ratio to cdask, 2,000", "target", "met"],
                    [[with_version(turns, label), f"{value:,.1f} us", f"{value / own:.1f}" if own else "-",
                      *at_most(value, MOST_CLUSTER_US.get(shape) if label.startswith("cdask") else None, "us")]
                     for label, value in values.items()])
    starts = medians(turns, "seconds", "start")
    print_table("Starting the cluster and a client", ["contender", "median"],
                [[with_version(turns, label), f"{value * 1000:,.0f} ms"] for label, value in starts.items()
                 if label.endswith(" 2,000 tasks")])
    return {"cluster": turns}, True


# How cost grows

def multiply_data(folder, times):
    """A folder in which each file of `folder` is linked `times` times: more rows, no more disk."""
    if times == 1:
        return folder
    target = folder.parent / f"{folder.name}-x{times}"
    target.mkdir(exist_ok=True)
    for file in folder.glob("*.csv"):
        for copy in range(times):
            link = target / f"{file.stem}-{copy:02}.csv"
            if not link.is_symlink():
                link.symlink_to(Path("..") / folder.name / file.name)
    return target


def measure_growth(settings):
    folder = make_data()
    columns, found = {}, {}
    for times in (1, 4, 16):
        many = multiply_data(folder, times)
        turns = take_turns(spread_contenders(many, settings.threads, peers=False), settings.rounds)
        found[f"data x {times}"] = turns
        columns[f"{times} x"] = {label: f"{value:.3f} s" for label, value
                                 in medians(turns, "seconds").items()}
    print_growth("Growth with the data: CSV -> daily spread", columns)

    columns = {}
    for power in (3, 4, 5, 6):
        ntasks = 10 ** power
        contenders = [program("cdask", "cdask_tasks", ntasks, settings.threads, "sync", "threads")]
        if power < 6:  # a million take Dask minutes
            contenders.append(script("Dask", "dask", "dask_tasks", ntasks, settings.threads, "threads"))
        turns = take_turns(contenders, settings.rounds if power < 5 else min(settings.rounds, 2))
        found[f"{ntasks} tasks"] = turns
        columns[f"10^{power}"] = {
            f"{label} {name}": f"{value:,.0f} ns"
            for name in ("sync independent", "sync chains", "threads independent", "threads chains")
            for label, value in medians(turns, "ns_per_task", name).items()}
    print_growth("Growth with the graph: time per task", columns)
    return {"growth": found}, True


def print_growth(title, columns):
    labels = list(dict.fromkeys(label for column in columns.values() for label in column))
    print_table(title, ["contender", *columns],
                [[label, *(column.get(label, "-") for column in columns.values())] for label in labels])


# Around it

def make_data():
    subprocess.run([PROGRAMS / "cdask", "demo-data", "--directory", DATA, "--quiet"], check=True)
    return DATA / "stocks" / "GOOG"


def machine():
    names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")] if Path("/proc/cpuinfo").exists() else []
    return {"cpu": names[0] if names else platform.processor(),
            "cores": len(os.sched_getaffinity(0)), "system": platform.platform(terse=True)}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="spread,memory,filter,tasks,processes,python", metavar="ROW,...",
                        help=f"which tables, of {', '.join(ROWS)} or all (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)),
                        help="for every contender (default: all cores)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every single run, for other tools")
    settings = parser.parse_args()
    settings.rows = ROWS if settings.rows == "all" else settings.rows.split(",")
    unknown = set(settings.rows) - set(ROWS)
    if unknown:
        parser.error(f"--rows: no such row: {', '.join(sorted(unknown))} (there are {', '.join(ROWS)})")
    if settings.rounds < 1 or settings.threads < 1:
        parser.error("--rounds and --threads must be at least 1")
    return settings


def main():
    settings = parse_arguments()
    if not (PROGRAMS / "cdask").exists():
        sys.exit(f"bench: {PROGRAMS.relative_to(ROOT)}/cdask is missing: run `make build` first")
    about = machine()
    print(f"{about['cpu']}, {about['cores']} cores, {about['system']}; {settings.threads} threads, "
          f"medians of {settings.rounds} rounds.")
    load = os.getloadavg()[0]
    if load > 0.5:
        note(f"the machine is busy (load {load:.1f}); compare ratios only")
    results, all_ok = {"machine": about, "rounds": settings.rounds}, True
    for measure, rows in ((measure_spread, ("spread", "memory")),
                          (measure_filter, ("filter",)), (measure_tasks, ("tasks",)),
                          (measure_processes, ("processes",)),
                          (measure_python, ("python",)), (measure_cluster, ("cluster",)),
                          (measure_growth, ("growth",))):
        if set(rows) & set(settings.rows):
            found, ok = measure(settings)
            results.update(found)
            all_ok = all_ok and ok
    if settings.json:
        settings.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if all_ok else 1


if __name__ == "__main__":
    sys.exit(main())
