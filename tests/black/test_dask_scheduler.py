"""A client and workers of cdask with a real Dask scheduler, beside a real Dask worker and a Python
client that go on with their own work."""
import ctypes
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest

distributed = pytest.importorskip("distributed")

ROOT = pathlib.Path(__file__).resolve().parents[2]
CDASK = ROOT / (os.environ.get("CDASK_BUILD") or "build/release") / "bin" / "cdask"
PR_SET_PDEATHSIG = 1


class Process:
    """A process and the lines it logs. It does not outlive the tests."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            list(map(str, words)), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL))

    def wait_for(self, pattern):
        seen = []
        for line in self.process.stdout:
            seen.append(line)
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError("".join(seen))

    def stop(self):
        self.process.kill()
        self.process.stdout.close()
        self.process.wait()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    subprocess.run([CDASK, "demo-data", "--freq", "60s", "--end", "2015-02-27"], cwd=folder,
                   check=True, capture_output=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def scheduler():
    """The address of a Dask scheduler with one Python worker and two native ones."""
    dask = [sys.executable, "-m", "dask"]
    processes = [Process(*dask, "scheduler", "--host", "127.0.0.1", "--port", "0",
                         "--no-dashboard")]
    try:
        address = processes[0].wait_for(r"Scheduler at:\s*(tcp://\S+)")
        processes.append(Process(*dask, "worker", address, "--no-nanny", "--no-dashboard",
                                 "--nthreads", "1", "--resources", "python=1"))
        processes[-1].wait_for(r"Registered to:\s*(\S+)")
        for _ in range(2):
            processes.append(Process(CDASK, "worker", address, "--nthreads", "1"))
            processes[-1].wait_for(r"Registered to:\s*(\S+)")
        yield address
    finally:
        for process in reversed(processes):
            process.stop()


def demo(address, folder):
    return subprocess.run([CDASK, "demo", "--address", address], cwd=folder, text=True,
                          capture_output=True, timeout=60)


def test_spread(scheduler, data):
    """The spread on the Dask cluster is the local one, bit for bit, and only native workers have
    run its tasks."""
    done = demo(scheduler, data)
    assert done.returncode == 0, done.stderr
    assert "the same result, bit for bit" in done.stdout


def test_beside_python(scheduler, data):
    """A Python client's tasks run on the Python worker meanwhile, with their own results."""
    with distributed.Client(scheduler, set_as_default=False) as client:
        futures = client.map(lambda x: x + 1, range(200), resources={"python": 1})
        done = demo(scheduler, data)
        assert client.gather(futures) == list(range(1, 201))
        assert done.returncode == 0, done.stderr
        assert "the same result, bit for bit" in done.stdout
        kinds = [worker["resources"] for worker in client.scheduler_info()["workers"].values()]
        assert sum("cdask" in resources for resources in kinds) == 2


def test_versions(scheduler, recwarn):
    """Native workers have no Python that could differ: nobody is warned of them."""
    with distributed.Client(scheduler, set_as_default=False) as client:
        versions = client.get_versions(check=True)
        assert len(versions["workers"]) == 3
        assert all(worker["packages"] == versions["scheduler"]["packages"] for worker in versions["workers"].values())
    assert not [warning for warning in recwarn if "Mismatched" in str(warning.message)]


def test_a_wrong_column_is_an_error_here(scheduler, data):
    """What a task says when it fails on the cluster arrives."""
    broken = data / "data" / "stocks" / "GOOG" / "2015-01-05.csv"
    whole = broken.read_text()
    try:
        broken.write_text(whole.replace("\n", "\n2015-01-05 09:00:00,1,oops,2,3\n", 3))
        done = demo(scheduler, data)
    finally:
        broken.write_text(whole)
    assert done.returncode == 1
    assert "2015-01-05.csv" in done.stderr and "oops" in done.stderr
