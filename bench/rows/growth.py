"""How cost grows with the data and with the graph."""
from contenders import medians, program, script, take_turns
from data import make_data, multiply_data
from rows.frames import spread_contenders
from tables import print_table


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
    found |= measure_cluster_growth(settings)
    return {"growth": found}, True


def measure_cluster_growth(settings):
    columns, found = {}, {}
    for power in (3, 4, 5, 6):
        ntasks = 10 ** power
        contenders = [program("cdask", "cdask_cluster", ntasks, "independent", "tree", "merge")]
        if power < 5:  # more take Dask minutes
            contenders.append(script("Dask", "distributed", "dask_cluster", ntasks, "independent", "tree", "merge"))
        turns = take_turns(contenders, settings.rounds if power < 5 else 1)
        found[f"{ntasks} tasks on a cluster"] = turns
        columns[f"10^{power}"] = {f"{label} {shape}": f"{value:,.1f} us" for shape in ("independent", "tree", "merge")
                                  for label, value in medians(turns, "us_per_task", shape).items()}
    print_growth("Growth with the graph, on a cluster of two workers of one thread: time per task", columns)
    return found


def print_growth(title, columns):
    labels = list(dict.fromkeys(label for column in columns.values() for label in column))
    print_table(title, ["contender", *columns],
                [[label, *(column.get(label, "-") for column in columns.values())] for label in labels])
