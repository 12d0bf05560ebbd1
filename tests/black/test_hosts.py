"""Scheduler, workers and client on hosts of their own, which only a network connects, and what happens when a link of
that network is cut."""
import os
import subprocess
import sys

import pytest
from cluster import CDASK
from hosts import Network, Unavailable
from native_client import BUILD

TASKS = BUILD / "tests/programs/libtest_tasks.so"
WORKER_TTL_S = 2


class Cluster:
    """A scheduler on a host, `nworkers` workers on others, and a host for the client."""

    def __init__(self, nworkers):
        try:
            self.network = Network()
            self.scheduler_host, self.client_host = self.network.add_host(), self.network.add_host()
        except Unavailable as problem:
            pytest.skip(f"no networks can be made here: {problem}")
        self.scheduler = self.scheduler_host.start(CDASK, "scheduler", "--host", self.scheduler_host.address, "--port",
                                                   8786, "--validate", "--worker-ttl", WORKER_TTL_S)
        self.address = self.scheduler.wait_for(r"Scheduler at:\s*(\S+)").group(1)
        self.workers = [self.add_worker() for _ in range(nworkers)]

    def add_worker(self):
        host = self.network.add_host()
        worker = host.start(CDASK, "worker", self.address, "--host", host.address, "--nthreads", 1, "--preload", TASKS)
        worker.wait_for("Registered to:")
        worker.host = host
        return worker

    def start_client(self, code, *words):
        """Runs Python with `client`, whose output's lines can be waited for."""
        prologue = "import sys\nfrom native_client import Client\nclient = Client(sys.argv[1])\n"
        return self.client_host.start(sys.executable, "-u", "-c", prologue + code, self.address, *words)


@pytest.fixture
def start():
    """Starts clusters; none outlives the test, and none has ever had a state that is not valid."""
    clusters = []

    def start_cluster(nworkers):
        clusters.append(Cluster(nworkers))
        return clusters[-1]

    yield start_cluster
    for cluster in clusters:
        cluster.network.close()
        assert "CRITICAL" not in "".join(cluster.scheduler.lines)


def fifo(path):
    os.mkfifo(path)
    return path


def test_spread(start, tmp_path):
    """The notebook's spread is the local one, bit for bit."""
    subprocess.run([CDASK, "demo-data", "--quiet", "--directory", tmp_path, "--start", "2015-04-20", "--end",
                    "2015-06-30", "--freq", "60s"], check=True, timeout=60)
    cluster = start(2)
    demo = cluster.client_host.start(CDASK, "demo", "--directory", tmp_path, "--address", cluster.address)
    demo.wait_for("the same result, bit for bit")


def test_transfer(start):
    """Data go from worker to worker, whole."""
    cluster = start(2)
    client = cluster.start_client(
        "blocks = [client.submit('test.fill', 1_000_000 + i) for i in range(40)]\n"
        "pairs = [client.submit('test.length', *blocks[i:i + 2]) for i in range(39)]\n"
        "print('sizes', client.gather(pairs))\n")
    assert client.wait_for("sizes (.*)").group(1) == str([2_000_001 + 2 * i for i in range(39)])
    assert client.popen.wait(timeout=30) == 0


def test_link_of_a_worker_cut(start, tmp_path):
    """What a worker behind a cut link holds and runs is made again by another."""
    cluster = start(1)
    running, end = fifo(tmp_path / "running"), fifo(tmp_path / "end")
    client = cluster.start_client(
        "numbers = [client.submit('test.add', i) for i in range(100)]\n"
        "waits = client.submit('test.wait', sys.argv[2], sys.argv[3], 42)\n"
        "sums = [client.submit('test.add', number, waits) for number in numbers]\n"
        "print('sums', client.gather(sums))\n", running, end)
    running.read_bytes()
    cluster.workers[0].host.cut()
    cluster.scheduler.wait_for("silent for too long")
    cluster.add_worker()
    running.read_bytes()
    with open(os.open(end, os.O_RDWR)):  # for the second run, whenever it comes to it: the first still waits as well
        assert client.wait_for("sums (.*)").group(1) == str([42 + i for i in range(100)])


def test_link_to_data_cut(start, tmp_path):
    """A worker that fetches from behind a cut link gets what it needs all the same."""
    cluster, cut = start(2), fifo(tmp_path / "cut")
    client = cluster.start_client(
        "numbers = [client.submit('test.add', i) for i in range(100)]\n"
        "client.gather(numbers)\n"
        "print('there')\n"
        "open(sys.argv[2]).close()\n"
        "totals = [client.submit('test.add', *numbers, i) for i in range(10)]\n"
        "print('totals', client.gather(totals))\n", cut)
    client.wait_for("there")
    cluster.workers[0].host.cut()
    cut.write_bytes(b"")
    assert client.wait_for("totals (.*)").group(1) == str([sum(range(100)) + i for i in range(10)])


def test_link_of_the_client_cut(start, tmp_path):
    """Who waits behind a cut link is told within TCP's patience, and the scheduler forgets what it wanted."""
    cluster = start(1)
    running, end = fifo(tmp_path / "running"), fifo(tmp_path / "end")
    client = cluster.start_client(
        "waits = client.submit('test.wait', sys.argv[2], sys.argv[3], 42)\n"
        "try:\n    client.gather([waits])\n"
        "except Exception as problem:\n    print('told', problem)\n", running, end)
    running.read_bytes()
    cluster.client_host.cut()
    assert cluster.address in client.wait_for("told (.*)").group(1)
    cluster.scheduler.wait_for("Remove client")
    end.write_bytes(b"")
