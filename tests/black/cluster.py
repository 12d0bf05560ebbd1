"""A cluster of real processes, each of which dies with the test: cdask's scheduler, Dask's workers."""
import ctypes
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CDASK = ROOT / (os.environ.get("CDASK_BUILD") or "build/release") / "bin" / "cdask"
LIBRARY = CDASK.parents[1] / "lib" / "libcdask.so"
DASK = pathlib.Path(sys.executable).with_name("dask")
VENV_2022 = ROOT / "build" / "venv-2022"  # Debian 12's version of Dask
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """A process whose output is read as it comes."""

    def __init__(self, *words, cwd=None):
        here = pathlib.Path(__file__).parent
        env = {**os.environ, "PYTHONPATH": f"{here}:{ROOT / 'python'}", "CDASK_LIBRARY": str(LIBRARY)}
        self.popen = subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                      stdin=subprocess.DEVNULL, cwd=cwd, env=env, preexec_fn=die_with_parent)
        self.lines = []
        self.unread = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.popen.stdout:
            self.lines.append(line)
            self.unread.put(line)
        self.unread.put(None)

    def wait_for(self, pattern, timeout=60):
        """The first line from now on that has `pattern`."""
        end = time.monotonic() + timeout
        while True:
            line = self.unread.get(timeout=max(0.01, end - time.monotonic()))
            assert line is not None, "the process has ended:\n" + "".join(self.lines)
            if found := re.search(pattern, line):
                return found

    def stop(self, number=signal.SIGKILL):
        self.popen.send_signal(number)
        self.popen.wait(timeout=30)
        self.reader.join(timeout=30)


class Cluster:
    def __init__(self, folder, *options):
        self.folder = folder
        self.scheduler = Process(CDASK, "scheduler", "--port", "0", "--dashboard-address", ":0", "--validate",
                                 *options)
        self.address = self.scheduler.wait_for(r"Scheduler at:\s*(\S+)").group(1)
        self.processes = []

    def start_worker(self, *options, nthreads=1):
        """Not yet connected when this returns."""
        worker = Process(DASK, "worker", self.address, "--nthreads", nthreads, "--no-dashboard", "--host", "127.0.0.1",
                         "--local-directory", self.folder, "--memory-limit", "0", *options, cwd=self.folder)
        self.processes.append(worker)
        return worker

    def start_native_worker(self, *options, nthreads=1):
        """One of cdask's own; not yet connected either."""
        worker = Process(CDASK, "worker", self.address, "--nthreads", nthreads, "--host", "127.0.0.1",
                         *options, cwd=self.folder)
        self.processes.append(worker)
        return worker

    def start_hosted_worker(self, *options, nthreads=1):
        """One of cdask's own inside an interpreter."""
        worker = Process(sys.executable, "-m", "cdask", "worker", self.address, "--nthreads", nthreads,
                         "--host", "127.0.0.1", *options, cwd=self.folder)
        self.processes.append(worker)
        return worker

    def close(self):
        """Ends all of them; the scheduler must never have seen a state that is not valid."""
        self.scheduler.stop(signal.SIGTERM)
        for process in self.processes:
            process.stop()
        log = "".join(self.scheduler.lines)
        assert self.scheduler.popen.returncode == 0, log
        assert "CRITICAL" not in log, log
        assert "End scheduler" in log, log
