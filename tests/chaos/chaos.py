#!/usr/bin/env python3
"""Kills workers at random, by SIGKILL, while computations run on their cluster: every result must be the local
one, bit for bit, nothing may hang, and no process may stay behind.

    chaos.py [--seconds 120] [--workers 4] [--seed 1]

One line a computation, and a summary; exit status 1 when anything was wrong.
"""
import argparse
import ctypes
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CDASK = ROOT / (os.environ.get("CDASK_BUILD") or "build/release") / "bin" / "cdask"
PR_SET_PDEATHSIG = 1
STUCK_S = 60


def start(*words, **options):
    return subprocess.Popen([CDASK, *map(str, words)], stdin=subprocess.DEVNULL,
                            preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
                            **options)


def start_scheduler():
    # Workers die by chance here, not by what they run.
    process = start("scheduler", "--port", 0, "--validate", "--allowed-failures", 1_000_000,
                    stderr=subprocess.PIPE, text=True)
    complaints = []
    for line in process.stderr:
        if found := re.search(r"Scheduler at:\s*(\S+)", line):
            break
    else:
        raise SystemExit("the scheduler did not start")

    def read():
        complaints.extend(line for line in process.stderr if re.search(r"CRITICAL|not valid", line))

    threading.Thread(target=read, daemon=True).start()
    return process, found[1], complaints


class Killer(threading.Thread):
    """Keeps `count` workers, and kills one of them every now and then."""

    def __init__(self, address, count, seed):
        super().__init__(daemon=True)
        self.address, self.random, self.done, self.nkilled = address, random.Random(seed), threading.Event(), 0
        self.workers = [self.start_worker() for _ in range(count)]

    def start_worker(self):
        return start("worker", self.address, "--nthreads", 1, stderr=subprocess.DEVNULL)

    def run(self):
        while not self.done.wait(self.random.uniform(0.02, 0.6)):
            which = self.random.randrange(len(self.workers))
            self.workers[which].kill()
            self.workers[which].wait()
            self.workers[which] = self.start_worker()
            self.nkilled += 1

    def stop(self):
        self.done.set()
        self.join()
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.wait(timeout=STUCK_S)


def compute(address, folder):
    """None, or what was wrong."""
    try:
        done = subprocess.run([CDASK, "demo", "--address", address], cwd=folder, text=True,
                              capture_output=True, timeout=STUCK_S)
    except subprocess.TimeoutExpired:
        return f"no result within {STUCK_S} s"
    if done.returncode:
        return done.stderr.strip() or f"exit status {done.returncode}"
    return None if "the same result, bit for bit" in done.stdout else f"another result:\n{done.stdout}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    settings = parser.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([CDASK, "demo-data", "--freq", "10s", "--quiet"], cwd=folder, check=True)
        scheduler, address, complaints = start_scheduler()
        killer = Killer(address, settings.workers, settings.seed)
        killer.start()
        end, nruns = time.monotonic() + settings.seconds, 0
        while time.monotonic() < end and not wrong:
            fault = compute(address, folder)
            nruns += 1
            if fault:
                wrong.append(fault)
        killer.stop()
        scheduler.terminate()
        scheduler.wait(timeout=STUCK_S)
        wrong += complaints
    print(f"chaos: {nruns} computations, {killer.nkilled} workers killed, {len(wrong)} wrong (seed {settings.seed})")
    for fault in wrong[:10]:
        print(fault)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
