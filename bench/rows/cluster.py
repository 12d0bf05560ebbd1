"""Clusters of two workers of one thread on this machine."""
from contenders import medians, program, script, take_turns, with_version
from data import make_data
from rows.frames import check_agreement
from tables import at_most, comparison, print_table

MOST_CLUSTER_US = {"independent": 20, "chain": 200}
MOST_START_MS = 150
SHAPES = {"independent": "independent tasks", "tree": "a tree of sums", "merge": "one task that needs all others",
          "chain": "a chain, the latency of a hop"}
FEW, MANY = 2_000, 100_000


def measure_cluster(settings):
    turns = take_turns([program("cdask, 100,000 tasks", "cdask_cluster", MANY, "independent", "tree", "merge"),
                        program("cdask, 2,000 tasks", "cdask_cluster", FEW),
                        script("Dask, 2,000 tasks", "distributed", "dask_cluster", FEW)], settings.rounds)
    for shape, title in SHAPES.items():
        values = medians(turns, "us_per_task", shape)
        own = values.get("cdask, 2,000 tasks")
        print_table(f"Two workers of one thread: {title}",
                    ["contender", "time per task", "ratio to cdask, 2,000", "target", "met"],
                    [[with_version(turns, label), f"{value:,.1f} us", f"{value / own:.1f}" if own else "-",
                      *at_most(value, MOST_CLUSTER_US.get(shape) if label.startswith("cdask") else None, "us")]
                     for label, value in values.items()])
    starts = medians(turns, "seconds", "start")
    print_table("Starting the cluster and a client", ["contender", "median", "target", "met"],
                [[with_version(turns, label), f"{value * 1000:,.0f} ms",
                  *at_most(value * 1000, MOST_START_MS if label.startswith("cdask") else None, "ms")]
                 for label, value in starts.items() if label.endswith(" 2,000 tasks")])
    spread, ok = measure_spread(settings)
    return {"cluster": turns, "cluster spread": spread}, ok


def measure_spread(settings):
    folder = make_data()
    turns = take_turns([program("cdask threads", "cdask_spread", folder, 2, "threads"),
                        program("cdask", "cdask_spread", folder, 2, "cluster"),
                        script("Dask", "distributed", "dask_spread", folder, "cluster", 2)], settings.rounds)
    print_table("CSV -> daily spread on a cluster that is there", ["contender", "median", "ratio to cdask"],
                comparison(turns, medians(turns, "seconds"), "{:.3f} s".format, lambda *_: ()))
    return turns, check_agreement(turns)


def measure_transfer(settings):
    blocks = [32, 16 << 20]
    turns = take_turns([program("cdask, shared memory", "cdask_transfer", *blocks),
                        program("cdask, TCP", "cdask_transfer", *blocks, "tcp"),
                        program("cdask, bytes by TCP", "cdask_transfer", *blocks, "tcp", "bytes"),
                        script("Dask, TCP", "distributed", "dask_transfer", *blocks)], settings.rounds)
    values = medians(turns, "mb_per_s")
    own = values.get("cdask, TCP")
    print_table("From one worker to the other: 32 tables of 16 MiB", ["contender", "median", "ratio to cdask, TCP"],
                [[with_version(turns, label), f"{value:,.0f} MB/s", f"{value / own:.2f}" if own else "-"]
                 for label, value in values.items()])
    to_client = take_turns([program("cdask, shared memory", "cdask_transfer", *blocks, "client"),
                            program("cdask, TCP", "cdask_transfer", *blocks, "tcp", "client"),
                            program("cdask, by the scheduler", "cdask_transfer", *blocks, "scheduler")],
                           settings.rounds)
    values = medians(to_client, "mb_per_s")
    print_table("From a worker to the client: 32 tables of 16 MiB", ["contender", "median"],
                [[with_version(to_client, label), f"{value:,.0f} MB/s"] for label, value in values.items()])
    return {"transfer": turns, "transfer to the client": to_client}, True
