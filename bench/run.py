#!/usr/bin/env python3
"""Measures cdask beside its peers and prints the tables of README.md, in Markdown.

Every number is a median over rounds in which the contenders take turns. Only ratios within one run mean something.
A peer that is missing is left out with a line.

Run it by the Python of build/venv, as `make bench` does: the peers live there.
"""
import argparse
import json
import os
import platform
import sys
from pathlib import Path

from contenders import PROGRAMS, ROOT, note
from rows import cluster, core, frames, growth, python_face, tasks

# What measures which row: returns what it has found, and whether the contenders agree.
ROWS = {"spread": frames.measure_spread, "memory": frames.measure_spread, "persisted": frames.measure_persisted,
        "filter": frames.measure_filter, "tasks": tasks.measure_tasks, "processes": tasks.measure_processes,
        "python": python_face.measure_python, "cluster": cluster.measure_cluster,
        "transfer": cluster.measure_transfer, "core": core.measure_core, "growth": growth.measure_growth}


def machine():
    names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")] if Path("/proc/cpuinfo").exists() else []
    return {"cpu": names[0] if names else platform.processor(),
            "cores": len(os.sched_getaffinity(0)), "system": platform.platform(terse=True)}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default=",".join(row for row in ROWS if row != "growth"), metavar="ROW,...",
                        help=f"which tables, of {', '.join(ROWS)} or all (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)),
                        help="for every contender (default: all cores)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every single run, for other tools")
    settings = parser.parse_args()
    settings.rows = [*ROWS] if settings.rows == "all" else settings.rows.split(",")
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
    for measure in dict.fromkeys(ROWS[row] for row in ROWS if row in settings.rows):
        found, ok = measure(settings)
        results.update(found)
        all_ok = all_ok and ok
    if settings.json:
        settings.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if all_ok else 1


if __name__ == "__main__":
    sys.exit(main())
