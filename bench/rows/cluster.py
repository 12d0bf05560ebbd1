"""Clusters of two workers on this machine."""
from contenders import medians, program, script, take_turns, with_version
from tables import at_most, print_table

MOST_CLUSTER_US = {"independent": 20, "chain": 200}


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
