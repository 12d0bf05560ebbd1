"""The scheduler's core, without a network, in the simulator: time an event, memory a task."""
import re
import subprocess

from contenders import PROGRAMS, note
from tables import at_most, print_table

MOST_US_AN_EVENT = 2
MOST_NBYTES_A_TASK = 400
TARGET = 10_000, 1_000_000, "layers"  # what the targets are said of


def simulate(nworkers, ntasks, shape):
    """(us an event, bytes a task); None if it failed."""
    command = [PROGRAMS / "cdask-sim", "--workers", nworkers, "--tasks", ntasks, "--task", 1, "--shape", shape, "--nbytes",
               1000, "--measure"]
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        note(f"the simulator failed: {done.stdout}")
        return None
    return (float(re.search(r"([\d.]+) us an event", done.stdout)[1]),
            int(re.search(r"(\d+) bytes of scheduler memory a task", done.stdout)[1]))


def measure_core(_settings):
    runs = [(nworkers, ntasks, "layers") for ntasks in (1_000, 10_000, 100_000, 1_000_000) for nworkers in (100, 10_000)]
    runs += [(100, 1_000_000, shape) for shape in ("independent", "chains", "trees", "merge")]
    found = {run: simulate(*run) for run in runs}
    print_table("The scheduler's core in the simulator",
                ["workers, tasks", "time an event", "target", "met", "memory a task", "target", "met"],
                [show(run, *measured) for run, measured in found.items() if measured])
    return {"core": [[*run, *measured] for run, measured in found.items() if measured]}, None not in found.values()


def show(run, us, nbytes):
    nworkers, ntasks, shape = run
    return [f"{nworkers:,} workers, {ntasks:,} tasks, {shape}",
            f"{us:.2f} us", *at_most(us, MOST_US_AN_EVENT if run == TARGET else None, "us"),
            f"{nbytes} B", *at_most(nbytes, MOST_NBYTES_A_TASK if ntasks == 1_000_000 else None, "B")]
