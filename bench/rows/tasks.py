"""What a task costs under the local schedulers."""
from contenders import medians, program, script, take_turns
from tables import at_most, comparison, print_table

MOST_NS = {"sync": 200, "threads": 400, "processes": 10_000}

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
