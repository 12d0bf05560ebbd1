"""Native clusters of real processes: a scheduler, workers and a client of cdask, and all that can
happen to them."""
import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest
from cluster import CDASK, Process
from distributed.core import rpc
from hosts import AS_ROOT
from native_client import BUILD, Client, Failure, abi, key

TASKS = BUILD / "tests/programs/libtest_tasks.so"


class Cluster:
    def __init__(self, *options):
        self.processes = []
        self.scheduler = self.start("scheduler", "--port", 0, "--validate", *options)
        self.address = self.scheduler.wait_for(r"Scheduler at:\s*(\S+)").group(1)

    def start(self, *words):
        process = Process(CDASK, *words)
        self.processes.append(process)
        return process

    def start_worker(self, *options):
        return self.start("worker", self.address, "--preload", TASKS, "--nthreads", 1, "--no-nanny",
                          *options)

    def add_worker(self, *options):
        """One that is there when this returns."""
        worker = self.start_worker(*options)
        worker.address = worker.wait_for(r"Start worker at:\s*(\S+)").group(1)
        worker.wait_for(r"Registered to:")
        return worker


@pytest.fixture
def start():
    """Starts clusters; none outlives the test, and none has ever had a state that is not valid."""
    clusters = []

    def start_cluster(nworkers, *options):
        cluster = Cluster(*options)
        clusters.append(cluster)
        cluster.workers = [cluster.add_worker() for _ in range(nworkers)]
        return cluster

    yield start_cluster
    for cluster in clusters:
        for process in cluster.processes:
            process.stop()
        assert "CRITICAL" not in "".join(cluster.scheduler.lines)


def ask(address, op, **arguments):
    async def ask_once():
        async with rpc(address) as node:
            return await getattr(node, op)(**arguments)
    return asyncio.run(asyncio.wait_for(ask_once(), 60))


def test_demo(start, tmp_path):
    """The notebook's spread on a cluster is the local one, bit for bit."""
    subprocess.run([CDASK, "demo-data", "--quiet", "--directory", tmp_path, "--start", "2015-04-20", "--end",
                    "2015-06-30", "--freq", "60s"], check=True, timeout=60)
    cluster = start(0)
    workers = cluster.start("worker", cluster.address, "--nworkers", 2)
    for _ in range(2):
        workers.wait_for(r"Registered to:")
    result = subprocess.run([CDASK, "demo", "--directory", tmp_path, "--address", cluster.address], text=True,
                            capture_output=True, timeout=120)
    assert (result.returncode, result.stderr) == (0, ""), result
    assert "the same result, bit for bit" in result.stdout
    figures = re.findall(r"^wall .*", result.stdout, re.MULTILINE)
    assert [" tasks, " in line for line in figures] == [False, True]  # counted here, not on the cluster


def test_tasks(start):
    """Independent ones, chains, and a sum of all of them."""
    cluster = start(2)
    with Client(cluster.address) as client:
        ones = [client.submit("test.add", i, 1) for i in range(200)]
        assert client.gather(ones) == [i + 1 for i in range(200)]
        link = ones[0]
        for _ in range(100):
            link = client.submit("test.add", link, 1)
        total = client.submit("test.add", *ones, link)
        assert client.gather([link, total]) == [101, sum(range(1, 201)) + 101]


def test_failures(start):
    """A failing task says why and which it is; so does one that nobody knows, and what waits for it."""
    cluster = start(1)
    with Client(cluster.address) as client:
        bad = client.submit("test.refuse", "it was Tuesday")
        after = client.submit("test.add", bad, 1)
        for future in (bad, after):
            with pytest.raises(Failure, match="it was Tuesday") as caught:
                client.gather([future])
            assert caught.value.key == key(future)
        with pytest.raises(Failure, match="no function 'test.nonsense'"):
            client.gather([client.submit("test.nonsense")])
        assert client.gather([client.submit("test.add", 1, 2)]) == [3]


def test_worker_killed(start):
    """A worker is killed in the middle of 2000 tasks that depend on each other: all results are right."""
    cluster = start(2)
    with Client(cluster.address) as client:
        ones = [client.submit("test.add", i) for i in range(1000)]
        twos = [client.submit("test.add", one, 1) for one in ones]
        client.wait(twos[100])
        cluster.workers[0].stop()
        assert client.gather(ones + twos) == [*range(1000), *range(1, 1001)]


def taken_in_by(process):
    """Bytes that it has read so far."""
    with open(f"/proc/{process.popen.pid}/io") as file:
        return int(file.readline().removeprefix("rchar: "))


@pytest.mark.parametrize("direct", [abi.DK_DIRECT_AUTO, abi.DK_DIRECT_YES, abi.DK_DIRECT_NO])
def test_gather(start, direct):
    """Large results do not pass the scheduler, unless the client wants it."""
    cluster = start(2)
    with Client(cluster.address) as client:
        futures = [client.submit("test.fill", n) for n in (5_000_000, 10, 5_000_001, 0, 70_000)]
        for future in futures:
            client.wait(future)
        before = taken_in_by(cluster.scheduler)
        assert client.gather_bytes(futures, direct) == [b"x" * n for n in (5_000_000, 10, 5_000_001, 0, 70_000)]
        passed = taken_in_by(cluster.scheduler) - before
        assert passed > 10_000_000 if direct == abi.DK_DIRECT_NO else passed < 100_000


def test_worker_stopped(start):
    """What a worker that is silent for too long was to do is done by others."""
    cluster = start(1, "--worker-ttl", 1)
    cluster.workers[0].popen.send_signal(signal.SIGSTOP)
    with Client(cluster.address) as client:
        futures = [client.submit("test.add", i) for i in range(20)]
        cluster.add_worker()
        assert client.gather(futures) == list(range(20))
        cluster.scheduler.wait_for("silent for too long")
        cluster.workers[0].popen.send_signal(signal.SIGCONT)
        assert cluster.workers[0].popen.wait(timeout=60) == 0
        assert client.gather([client.submit("test.add", i) for i in range(20)]) == list(range(20))
    assert len(ask(cluster.address, "identity")["workers"]) == 1


def test_more_than_fits(start, tmp_path):
    """Results of three times the memory are spilled before the nanny has to kill the worker; what a killed one leaves
    on disk is removed by the next."""
    cluster = start(0)
    options = ["--memory-limit", "200MB", "--local-directory", tmp_path, "--nthreads", 1]
    worker = cluster.add_worker(*options)
    with Client(cluster.address) as client:
        blocks = [client.submit("test.fill", 20_000_000 + i) for i in range(30)]
        sizes = [client.submit("test.length", block) for block in blocks]
        assert client.gather(sizes) == [20_000_000 + i for i in range(30)]
        assert len([*tmp_path.glob("cdask-worker-*/*")]) >= 20
        worker.stop()
        assert [*tmp_path.glob("cdask-worker-*/*")]
        cluster.add_worker(*options[2:])
        own, = tmp_path.iterdir()
        assert not [*own.iterdir()]
    assert not [line for line in worker.lines if "estarting" in line]


def test_full_disk(start, tmp_path):
    """Results that fit neither into memory nor on disk are an error that names the disk, not a wait for ever."""
    cluster = start(0)
    mount = ["unshare", *AS_ROOT, "--mount", "sh", "-c", 'mount -t tmpfs -o size=60M none "$0" && exec "$@"', tmp_path]
    if subprocess.run([*mount, "true"], stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no file system can be mounted here")
    worker = Process(*mount, CDASK, "worker", cluster.address, "--preload", TASKS, "--nthreads", 1, "--memory-limit",
                     "200MB", "--local-directory", tmp_path)
    cluster.processes.append(worker)
    worker.wait_for("Registered to:")
    with Client(cluster.address) as client:
        blocks = [client.submit("test.fill", 20_000_000 + i) for i in range(30)]
        with pytest.raises(Failure, match="memory of worker .* is full .*: No space left on device"):
            client.gather([client.submit("test.length", block) for block in blocks])


def test_scheduler_killed(start):
    """Who waits, and who comes later, is told whose connection is lost."""
    cluster = start(0)
    client = Client(cluster.address)
    future = client.submit("test.add", 1)
    failures = []

    def wait():
        with pytest.raises(Failure) as caught:
            client.gather([future])
        failures.append(str(caught.value))

    waiting = threading.Thread(target=wait)
    waiting.start()
    cluster.scheduler.stop()
    waiting.join(timeout=60)
    assert failures and cluster.address in failures[0]
    with pytest.raises(Failure, match=cluster.address):
        client.submit("test.add", 1)
    client.close()
    with pytest.raises(Failure, match=cluster.address):
        Client(cluster.address)


def test_client_killed(start):
    """Nobody wants the tasks of a client that has died: they are forgotten."""
    cluster = start(0)
    code = ("import sys; from native_client import Client\n"
            "client = Client(sys.argv[1])\n"
            "for i in range(10): client.submit('test.add', i)\n"
            "print('submitted', flush=True); sys.stdin.read()\n")
    with subprocess.Popen([sys.executable, "-c", code, cluster.address], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.path.dirname(__file__)}) as dying:
        assert dying.stdout.readline() == "submitted\n"
        assert len(ask(cluster.address, "get_task_status", keys=["x"])) == 1
        dying.kill()
    cluster.scheduler.wait_for("Remove client")
    assert sum(ask(cluster.address, "counts").values()) == 0


def test_port_in_use(start):
    """The second scheduler says which port it cannot have."""
    port = start(0).address.rpartition(":")[2]
    result = subprocess.run([CDASK, "scheduler", "--port", port], text=True, capture_output=True, timeout=60)
    assert result.returncode == 1
    assert port in result.stderr and "in use" in result.stderr


def test_duplicate_name(start):
    """A worker whose name is taken ends, and says so; the other one goes on."""
    cluster = start(0)
    cluster.add_worker("--name", "alice")
    twin = cluster.start_worker("--name", "alice")
    twin.wait_for("name taken, alice")
    assert twin.popen.wait(timeout=60) != 0
    with Client(cluster.address) as client:
        assert client.gather([client.submit("test.add", 1)]) == [1]


@pytest.mark.parametrize("noise", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 4096,
                                   (2).to_bytes(8, "little") + (1 << 60).to_bytes(8, "little") * 2,
                                   (1).to_bytes(8, "little") + (100).to_bytes(8, "little") + b"\x81"])
def test_noise(start, noise):
    """What strangers say to a scheduler or a worker, or begin to say, is theirs alone."""
    cluster = start(1)
    for address in (cluster.address, cluster.workers[0].address):
        host, port = address.removeprefix("tcp://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as stranger:
            stranger.sendall(noise)
            stranger.shutdown(socket.SHUT_WR)
            try:
                while stranger.recv(4096):
                    pass
            except ConnectionResetError:
                pass
    with Client(cluster.address) as client:
        assert client.gather([client.submit("test.add", i) for i in range(10)]) == list(range(10))


def test_no_worker_yet(start):
    """Tasks wait for the first worker."""
    cluster = start(0)
    with Client(cluster.address) as client:
        futures = [client.submit("test.add", i) for i in range(50)]
        with pytest.raises(Failure, match="not done in time"):
            client.wait(futures[0], 0.01)
        cluster.add_worker()
        assert client.gather(futures) == list(range(50))
