"""What the peers' programs share: a clock around the work, and one line of JSON about it."""
import json
import time


def measure(work):
    """Runs `work`; returns what it gives and the seconds it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def peak_mb():
    # Not getrusage's, which keeps what the process had been before it was exec'd.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) / 1024


def report_table(seconds, version, nrows, checksum):
    """One line of JSON; `checksum` tells whether all contenders found the same."""
    print(json.dumps({"seconds": seconds, "version": version, "rows": nrows, "checksum": checksum,
                      "peak_mb": peak_mb()}))


def report_spread(seconds, version, spreads):
    """`spreads` are the days' spreads, in the order of days."""
    report_table(seconds, version, len(spreads), sum(spreads))
