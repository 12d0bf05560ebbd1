"""`cdask worker` for a real Dask scheduler: a Python client submits native tasks, workers exchange what
they need, leave gracefully, and die."""
import asyncio
import ctypes
import os
import pathlib
import re
import signal
import subprocess
import sys

import msgpack
import pytest
from dask._task_spec import Task, TaskRef
from distributed import Client

from cluster import DASK
from cluster import Process as Command

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / (os.environ.get("CDASK_BUILD") or "build/release")
CDASK = BUILD / "bin" / "cdask"
TASKS = BUILD / "tests" / "programs" / "libtest_tasks.so"
PR_SET_PDEATHSIG = 1
USAGE = 2


class Process:
    """A process and the lines it logs. It does not outlive the tests."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [*map(str, words)], text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        self.seen = []

    def wait_for(self, pattern):
        """The match in the next line that has one. What is logged beside it is passed over."""
        for line in self.process.stdout:
            self.seen.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"{pattern} is not in\n" + "".join(self.seen))

    def finish(self):
        """All that it still says, and its exit status."""
        self.seen += self.process.stdout.readlines()
        return "".join(self.seen), self.process.wait(60)

    def kill(self):
        self.process.kill()
        self.process.stdout.close()
        self.process.wait()


class Cluster:
    def __init__(self):
        self.processes = []
        self.scheduler = self.start(sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1",
                                    "--port", "0", "--no-dashboard")
        self.address = self.scheduler.wait_for(r"Scheduler at:\s*(tcp://\S+)")[1]

    def start(self, *words):
        self.processes.append(Process(*words))
        return self.processes[-1]

    def worker(self, *words, nthreads=1):
        worker = self.start(CDASK, "worker", self.address, "--preload", TASKS, "--nthreads", nthreads,
                            "--no-nanny", *words)
        worker.address = worker.wait_for(r"Start worker at:\s*(tcp://\S+)")[1]
        worker.wait_for("Registered to:")
        return worker

    def kill(self):
        for process in reversed(self.processes):
            process.kill()


@pytest.fixture
def cluster():
    cluster = Cluster()
    yield cluster
    cluster.kill()


@pytest.fixture
def client(cluster):
    with Client(cluster.address, timeout=30) as client:
        yield client


class Gate:
    """Where the task test.wait waits. It says that it runs, then waits to be let through."""

    def __init__(self, folder, name="gate"):
        self.paths = [str(folder / f"{name}-{end}") for end in ("here", "go")]
        for path in self.paths:
            os.mkfifo(path)

    def wait(self):
        os.close(os.open(self.paths[0], os.O_RDONLY))  # opens when the task has opened its end

    def let_through(self):
        os.close(os.open(self.paths[1], os.O_WRONLY))


class Ref(str):
    """The result of another task."""


def native(key, function, *args):
    """A native task as a client in C sends it: PROTOCOL, 9."""
    keys = [arg for arg in args if isinstance(arg, Ref)]
    words = [{0: keys.index(arg)} if isinstance(arg, Ref) else arg for arg in args]
    payload = msgpack.packb(["cdask", function, [msgpack.packb(str(k)) for k in keys], words])
    return Task(key, bytes, payload, *(TaskRef(str(k)) for k in keys))


def submit(client, *tasks, **options):
    """Futures of native tasks, given as (key, function, argument...)."""
    keys = [task[0] for task in tasks]
    return client.get({task[0]: native(*task) for task in tasks}, keys, sync=False, **options)


def test_results(cluster, client):
    """Proves that native tasks run, depend on each other, and that Python reads their results."""
    cluster.worker(nthreads=2)
    futures = submit(client, ("a", "test.add", 1, 2), ("b", "test.add", Ref("a"), 10),
                     ("c", "test.collect", Ref("a"), Ref("b"), "text", None, True, 1.5, b"bytes", [1, 2],
                      {"k": 1}), ("d", "test.fill", 100000), ("e", "test.length", Ref("d")))
    assert client.gather(futures, direct=False) == [
        3, 13, [3, 13, "text", None, True, 1.5, b"bytes", [1, 2], {"k": 1}], b"x" * 100000, 100000]
    assert client.gather(futures, direct=True)[1] == 13


def test_errors(cluster, client):
    """Proves that a failure is the exception with the function's words, and fails what depends on it;
    and that Python's own tasks are refused with a reason."""
    cluster.worker()
    futures = submit(client, ("bad", "test.refuse", "no such thing"), ("after", "test.add", Ref("bad")),
                     ("unknown", "test.nothing"))
    for future in futures[:2]:
        with pytest.raises(ValueError, match="no such thing"):
            future.result(timeout=60)
    with pytest.raises(KeyError, match="test.nothing"):
        futures[2].result(timeout=60)
    with pytest.raises(NotImplementedError, match="runs native tasks only"):
        client.submit(lambda x: x, 1).result(timeout=60)


def test_beside_python(cluster, client, tmp_path):
    """Python's tasks that Dask's scheduler gives to a native worker all the same are run by one that has Python."""
    native = cluster.worker()
    python = Command(DASK, "worker", cluster.address, "--nthreads", 1, "--no-nanny", "--no-dashboard",
                     "--local-directory", tmp_path, cwd=tmp_path)
    try:
        client.wait_for_workers(2, timeout=60)
        futures = client.map(lambda i: i + 1, range(100))
        natives = submit(client, *[(f"n{i}", "test.add", i, 1) for i in range(20)], workers=[native.address])
        assert client.gather(futures) == [*range(1, 101)]
        assert client.submit(sum, futures).result(timeout=60) == sum(range(1, 101))
        assert client.gather(natives, direct=False) == [*range(1, 21)]
    finally:
        python.stop()


def test_exchange(cluster, client):
    """Proves that workers get what they need from each other."""
    a, b = cluster.worker("--name", "a"), cluster.worker("--name", "b")
    left, = submit(client, ("left", "test.fill", 3000000), workers=[a.address])
    right, = submit(client, ("right", "test.fill", 5000000), workers=[b.address])
    client.gather([left, right])
    total, = submit(client, ("n", "test.length", Ref("left")), workers=[b.address])
    assert total.result(timeout=60) == 3000000
    assert set(client.who_has([left])["left"]) == {a.address, b.address}
    keys = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
    assert keys >= 3


def test_replicate(cluster, client):
    """Proves that a worker gets copies when it is asked to, and says which it could not get."""
    a, b = cluster.worker("--name", "a"), cluster.worker("--name", "b")
    future, = submit(client, ("one", "test.fill", 1000))
    future.result(timeout=60)
    client.replicate([future], n=2)
    assert set(client.who_has([future])["one"]) == {a.address, b.address}

    async def gather(dask_scheduler, worker, who_has):
        return await dask_scheduler.rpc(worker).gather(who_has=who_has)
    reply = client.run_on_scheduler(gather, worker=a.address, who_has={"nothing": [b.address], "one": [b.address]})
    assert reply == {"status": "partial-fail", "keys": ("nothing",)}


def test_many(cluster, client):
    """Proves that thousands of tasks on two workers with several threads give what they should."""
    for name in "ab":
        cluster.worker("--name", name, nthreads=2)
    tasks = [(f"x-{i}", "test.add", i, 1) for i in range(2000)]
    tasks += [(f"y-{i}", "test.add", Ref(f"x-{i}"), Ref(f"x-{(i * 7) % 2000}")) for i in range(2000)]
    results = client.gather(submit(client, *tasks))
    assert results[2000:] == [(i + 1) + ((i * 7) % 2000 + 1) for i in range(2000)]


def test_scatter(cluster, client):
    """Proves that scattered data are arguments; and that what only Python can read is relayed as it is."""
    a = cluster.worker("--name", "a")
    five, odd = client.scatter([5, {1: {2, 3}, (4,): ROOT}])
    total, = client.get({"t": Task("t", bytes, msgpack.packb(["cdask", "test.add", [msgpack.packb(five.key)], [{0: 0}, 1]]),
                                   TaskRef(five.key))}, ["t"], sync=False)
    assert total.result(timeout=60) == 6
    assert odd.result(timeout=60) == {1: {2, 3}, (4,): ROOT}
    bad, = client.get({"u": Task("u", bytes, msgpack.packb(["cdask", "test.add", [msgpack.packb(odd.key)], [{0: 0}]]),
                                 TaskRef(odd.key))}, ["u"], sync=False)
    with pytest.raises(Exception, match=odd.key):
        bad.result(timeout=60)
    assert a.address in client.scheduler_info()["workers"]


def test_release(cluster, client):
    """Proves that a result goes when nobody wants it any more."""
    worker = cluster.worker()
    future, = submit(client, ("big", "test.fill", 10000000))
    future.result(timeout=60)
    assert client.has_what()[worker.address] == ("big",)
    future.release()
    again, = submit(client, ("small", "test.add", 1))
    again.result(timeout=60)
    held = cluster_keys(client, worker)
    assert "small" in held and "big" not in held


def cluster_keys(client, worker):
    async def ask(dask_scheduler=None):
        return await dask_scheduler.rpc(worker).keys()
    worker = worker.address
    return client.run_on_scheduler(ask)


def test_cancel(cluster, client, tmp_path):
    """Proves that a task that runs while it is cancelled does no harm when it ends."""
    cluster.worker()
    gate = Gate(tmp_path)
    unwanted, = submit(client, ("unwanted", "test.wait", *gate.paths, 1))
    gate.wait()
    unwanted.cancel()
    after, = submit(client, ("after", "test.add", 1, 1))
    gate.let_through()
    assert after.result(timeout=60) == 2
    again, = submit(client, ("unwanted", "test.add", 5))
    assert again.result(timeout=60) == 5


def test_sigterm(cluster, client):
    """Proves that a worker that is asked to end hands over what it has, says so, and succeeds."""
    a, b = cluster.worker("--name", "a"), cluster.worker("--name", "b")
    future, = submit(client, ("kept", "test.pid", "a"), workers=["a"], allow_other_workers=True)
    pid = future.result(timeout=60)
    a.process.send_signal(signal.SIGTERM)
    text, status = a.finish()
    assert status == 0, text
    assert "Received signal SIGTERM (15)" in text and "Closing worker gracefully" in text
    assert pid == a.process.pid
    assert future.result(timeout=60) == pid  # not computed again
    assert client.who_has([future])["kept"] == (b.address,)


def test_kill(cluster, client, tmp_path):
    """Proves that what a worker ran and held when it died is computed again elsewhere."""
    a = cluster.worker("--name", "a", nthreads=2)
    gate = Gate(tmp_path)
    held, running = submit(client, ("held", "test.pid"), ("running", "test.wait", *gate.paths, 8))
    assert held.result(timeout=60) == a.process.pid
    gate.wait()
    a.process.kill()
    b = cluster.worker("--name", "b", nthreads=2)
    gate.wait()
    gate.let_through()
    assert running.result(timeout=60) == 8
    assert client.gather(held) == b.process.pid


def test_bandwidth(cluster, client):
    """Proves that the scheduler is told how fast results came from a peer."""
    a, b = cluster.worker("--name", "a"), cluster.worker("--name", "b")
    filled, = submit(client, ("filled", "test.fill", 5_000_000), workers=["a"])
    assert filled.result(timeout=60)
    length, = submit(client, ("length", "test.length", Ref("filled")), workers=["b"])
    assert length.result(timeout=60) == 5_000_000

    async def told(dask_scheduler):
        while not dask_scheduler.bandwidth_workers:
            await asyncio.sleep(0.01)
        return [[*pair, measured] for pair, measured in dask_scheduler.bandwidth_workers.items()]

    (to, source, measured), = client.run_on_scheduler(told)
    assert (to, source) == (b.address, a.address) and 1e6 < measured <= 5e9
    total = client.scheduler_info()["workers"][b.address]["metrics"]["bandwidth"]["total"]
    assert total == pytest.approx(0.95 * 1e8 + 0.05 * measured)


def test_spill(cluster, client, tmp_path):
    """Proves that what does not fit into memory goes to disk, is read again as an argument and for
    others, and leaves nothing behind."""
    a = cluster.worker("--name", "a", "--memory-limit", "200MB", "--local-directory", tmp_path)
    full = submit(client, *[(f"full-{i}", "test.fill", 20_000_000 + i) for i in range(12)],
                  workers=["a"])
    lengths = submit(client, *[(f"n-{i}", "test.length", Ref(f"full-{i}")) for i in range(12)])
    assert client.gather(lengths) == [20_000_000 + i for i in range(12)]
    pings = 0
    while len(list(tmp_path.glob("cdask-worker-*/*"))) < 4:  # more than 120 MB are too much
        ping, = submit(client, (f"ping-{pings}", "test.add", pings))
        assert ping.result(timeout=60) == pings < 10000
        pings += 1
    again = submit(client, *[(f"m-{i}", "test.length", Ref(f"full-{i}")) for i in range(12)])
    assert client.gather(again) == [20_000_000 + i for i in range(12)]
    cluster.worker("--name", "b")
    there, = submit(client, ("there", "test.collect", Ref("full-0")), workers=["b"])
    assert [len(x) for x in there.result(timeout=60)] == [20_000_000]
    assert client.gather(full[3], direct=True) == b"x" * 20_000_003
    del full, lengths, again, there
    a.process.send_signal(signal.SIGTERM)
    text, status = a.finish()
    assert status == 0, text
    assert list(tmp_path.iterdir()) == []


def test_several_processes(cluster, client):
    """Proves that --nworkers starts so many workers with names of their own, and ends them."""
    workers = cluster.start(CDASK, "worker", cluster.address, "--preload", TASKS, "--nprocs", "2",
                            "--nthreads", "1", "--name", "many", "--resources", "GPU=2 MEM=10e9")
    client.wait_for_workers(2, timeout=60)
    supplies = client.run_on_scheduler(
        lambda dask_scheduler: {ws.name: dict(ws.resources) for ws in dask_scheduler.workers.values()})
    assert set(supplies) == {"many-0", "many-1"}
    assert all({"GPU": 2, "MEM": 10e9}.items() <= supply.items() for supply in supplies.values())
    future, = submit(client, ("g", "test.add", 1), resources={"GPU": 1})
    assert future.result(timeout=60) == 1
    workers.process.send_signal(signal.SIGTERM)
    text, status = workers.finish()
    assert status == 0, text
    assert text.count("End worker") == 2


def test_nanny(cluster, client, tmp_path):
    """Proves that a worker that was killed is started again, and one that takes too much memory is
    killed."""
    gate = Gate(tmp_path)
    nanny = cluster.start(CDASK, "worker", cluster.address, "--preload", TASKS, "--nthreads", "1",
                          "--name", "kid", "--nanny", "--memory-limit", "200MB")
    client.wait_for_workers(1, timeout=60)
    before, = submit(client, ("before", "test.pid", 1))
    first = before.result(timeout=60)
    assert first != nanny.process.pid
    before.release()
    os.kill(first, signal.SIGKILL)
    nanny.wait_for(rf"Worker process {first} was killed by signal 9")
    after, = submit(client, ("after", "test.pid", 2))
    second = after.result(timeout=60)
    assert second not in (first, nanny.process.pid)
    after.release()
    hoard, = submit(client, ("hoard", "test.hoard", *gate.paths, 250_000_000))
    nanny.wait_for(rf"Worker process {second} exceeded 95% memory budget")
    hoard.cancel()
    nanny.wait_for("Registered to:")
    nanny.process.send_signal(signal.SIGTERM)
    text, status = nanny.finish()
    assert status == 0 and text.count("End worker") == 1, text


def test_name_taken(cluster):
    """Proves that a name that is taken is an error that says so."""
    cluster.worker("--name", "x")
    text, status = cluster.start(CDASK, "worker", cluster.address, "--name", "x").finish()
    assert status == 1 and "name taken" in text


def test_scheduler_leaves(cluster):
    """Proves that a worker whose scheduler has gone ends with an error; with --death-timeout it
    looks for it that long."""
    a, b = cluster.worker(), cluster.worker("--death-timeout", "0.5s")
    cluster.scheduler.process.kill()
    for worker, words in [(a, "Connection to scheduler broken"), (b, "no scheduler within 0.5 s")]:
        text, status = worker.finish()
        assert status == 1 and words in text, text


def test_lifetime(cluster):
    """Proves that a worker leaves at the end of its life."""
    text, status = cluster.worker("--lifetime", "300 ms").finish()
    assert status == 0 and "worker-lifetime-reached" in text


def test_command_line(tmp_path):
    """Proves that what cannot be preloaded, and options that are not there, are errors with names."""
    for words, status, text in [
        (["--preload", tmp_path / "none.so"], 1, "none.so"),
        (["--worker-class", "x"], USAGE, "--worker-class is not there yet"),
        (["--memory-limit", "much"], USAGE, "--memory-limit: expected"),
        (["--nworkers", "0"], USAGE, "at least one worker"),
        (["--resources", "GPU"], USAGE, "NAME=NUMBER"),
    ]:
        done = subprocess.run([CDASK, "worker", "tcp://127.0.0.1:1", *map(str, words)], text=True,
                              capture_output=True, timeout=60)
        assert (done.returncode, text in done.stderr) == (status, True), done.stderr
