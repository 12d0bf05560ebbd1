"""A client and workers of cdask with a real Dask scheduler, beside a real Dask worker and a Python
client that go on with their own work."""
import subprocess
import sys

import pytest
from cluster import CDASK, DASK, Process

from cdask.distributed import Client

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    subprocess.run([CDASK, "demo-data", "--freq", "60s", "--end", "2015-02-27"], cwd=folder,
                   check=True, capture_output=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def scheduler():
    """The address of a Dask scheduler with one Python worker and two native ones."""
    processes = [Process(DASK, "scheduler", "--host", "127.0.0.1", "--port", "0",
                         "--no-dashboard")]
    try:
        address = processes[0].wait_for(r"Scheduler at:\s*(tcp://\S+)")[1]
        processes.append(Process(DASK, "worker", address, "--no-nanny", "--no-dashboard",
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


def test_callables_need_an_interpreter(scheduler):
    """That no worker there runs callables of cdask's is said at once; one that comes is found."""
    with Client(scheduler, set_as_default=False) as client:
        for attempt in (lambda: client.submit(len, "abc"), lambda: client.map(len, ["abc"])):
            with pytest.raises(RuntimeError, match="is a Python callable of cdask, and none of the 3 workers is cdask's "
                                                   f"and has Python: start one with `python -m cdask worker {scheduler}`"):
                attempt()
        hosted = Process(sys.executable, "-m", "cdask", "worker", scheduler, "--nthreads", "1")
        try:
            hosted.wait_for(r"Registered to:\s*(\S+)")
            assert client.submit(len, "abcd").result(timeout=20) == 4
        finally:
            hosted.stop()


def test_native_functions_need_native_workers(data):
    """Dask's workers alone run nothing of ours."""
    processes = [Process(DASK, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")]
    try:
        address = processes[0].wait_for(r"Scheduler at:\s*(tcp://\S+)")[1]
        processes.append(Process(DASK, "worker", address, "--no-nanny", "--no-dashboard"))
        processes[-1].wait_for(r"Registered to:\s*(\S+)")
        done = demo(address, data)
        assert done.returncode == 1
        assert f"none of the 1 workers is cdask's: start one with `cdask worker {address}`" in done.stderr
    finally:
        for process in reversed(processes):
            process.stop()


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
