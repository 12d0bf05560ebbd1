"""A client and workers of cdask with a real Dask scheduler of 2022.12, as Debian 12 has it, beside a Python worker and a
Python client of that version that go on with their own work."""
import subprocess

import pytest
from cluster import CDASK, VENV_2022, Process
from native_client import BUILD, Client, Failure

TASKS = BUILD / "tests/programs/libtest_tasks.so"
DASK, PYTHON = VENV_2022 / "bin" / "dask", VENV_2022 / "bin" / "python"

pytestmark = pytest.mark.skipif(not DASK.exists(), reason="Dask 2022.12 is not in build/venv-2022")


class Cluster:
    """Dask's scheduler with a Python worker and two native ones."""

    def __init__(self):
        self.scheduler = Process(DASK, "scheduler", "--host", "127.0.0.1", "--port", 0, "--no-dashboard")
        self.address = self.scheduler.wait_for(r"Scheduler at:\s*(tcp://\S+)").group(1)
        self.python = Process(DASK, "worker", self.address, "--no-nanny", "--no-dashboard", "--nthreads", 1,
                              "--resources", "python=1")
        self.workers = [self.start_worker() for _ in range(2)]
        for worker in (self.python, *self.workers):
            worker.wait_for("Registered to:")

    def start_worker(self):
        return Process(CDASK, "worker", self.address, "--nthreads", 1, "--preload", TASKS, "--no-nanny")

    def close(self):
        for process in (*self.workers, self.python, self.scheduler):
            process.stop()
        log = "".join(self.scheduler.lines)
        assert " - ERROR - " not in log and "Plugin failed" not in log, log


@pytest.fixture
def cluster():
    cluster = Cluster()
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    subprocess.run([CDASK, "demo-data", "--quiet", "--freq", "60s", "--end", "2015-02-27"], cwd=folder, check=True,
                   timeout=60)
    return folder


def demo(cluster, folder):
    done = subprocess.run([CDASK, "demo", "--address", cluster.address], cwd=folder, text=True, capture_output=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    assert "the same result, bit for bit" in done.stdout


def test_spread_beside_python(cluster, data):
    """The spread is the local one, bit for bit, while a Python client's tasks run on the Python worker."""
    code = ("import sys, distributed\n"
            "with distributed.Client(sys.argv[1], set_as_default=False) as client:\n"
            "    numbers = client.map(lambda x: x + 1, range(200), resources={'python': 1})\n"
            "    print('begun', flush=True)\n"
            "    sys.stdin.readline()\n"
            "    print('sum', sum(client.gather(numbers)))\n")
    with subprocess.Popen([PYTHON, "-c", code, cluster.address], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as python:
        assert python.stdout.readline() == "begun\n"
        demo(cluster, data)
        assert python.communicate("go\n", timeout=60)[0] == "sum 20100\n"


def test_futures(cluster):
    """Results are arguments of other tasks, on other workers, too."""
    with Client(cluster.address) as client:
        ones = [client.submit("test.add", i, 1) for i in range(200)]
        total = client.submit("test.add", *ones)
        assert client.gather([total, *ones]) == [sum(range(1, 201)), *range(1, 201)]


def test_failures(cluster):
    """A failed task says why, and so does what waits for it."""
    with Client(cluster.address) as client:
        bad = client.submit("test.refuse", "it was Tuesday")
        for future in (bad, client.submit("test.add", bad, 1)):
            with pytest.raises(Failure, match="it was Tuesday"):
                client.gather([future])
        with pytest.raises(Failure, match="no function 'test.nonsense'"):
            client.gather([client.submit("test.nonsense")])
        assert client.gather([client.submit("test.add", 1, 2)]) == [3]


def test_worker_killed(cluster):
    """What a killed worker held is computed again."""
    with Client(cluster.address) as client:
        ones = [client.submit("test.add", i) for i in range(500)]
        twos = [client.submit("test.add", one, 1) for one in ones]
        client.wait(twos[50])
        cluster.workers[0].stop()
        assert client.gather(ones + twos) == [*range(500), *range(1, 501)]


def test_large_results(cluster):
    """They are in several frames, and go from worker to worker."""
    with Client(cluster.address) as client:
        blocks = [client.submit("test.fill", 3_000_000 + i) for i in range(8)]
        pairs = [client.submit("test.length", *blocks[i:i + 2]) for i in range(7)]
        assert client.gather(pairs) == [6_000_001 + 2 * i for i in range(7)]


def test_other_versions_are_refused():
    """Versions between are not known: said at once, with both versions."""
    code = ("import asyncio, distributed\n"
            "from distributed.core import Server\n"
            "async def main():\n"
            "    versions = lambda: {'host': {}, 'packages': {'distributed': '2024.5.2'}}\n"
            "    identity = lambda: {'type': 'Scheduler', 'id': 'x', 'workers': {}}\n"
            "    server = Server({'versions': versions, 'identity': identity})\n"
            "    await server.listen('tcp://127.0.0.1:0')\n"
            "    print('at', server.address, flush=True)\n"
            "    await server.finished()\n"
            "asyncio.run(main())\n")
    server = Process(PYTHON, "-c", code)
    try:
        address = server.wait_for(r"at (\S+)").group(1)
        with pytest.raises(Failure, match=f"{address} is Dask's of version 2024.5.2, .* 2026 and with 2022.12"):
            Client(address)
    finally:
        server.stop()
