"""A client and a cluster of its own: frames and callables are computed by other processes, with the local results."""
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from tree import BUILD

import cdask
import cdask.dataframe as dd
from cdask.distributed import Client, LocalCluster, as_completed, futures_of, get_worker, progress, wait, worker_client


@pytest.fixture(scope="module")
def client():
    with Client(n_workers=2, threads_per_worker=1) as client:
        yield client


@pytest.fixture(scope="module")
def frame():
    return pd.DataFrame({"a": range(1000), "b": [i % 7 for i in range(1000)]})


@pytest.mark.parametrize("direct", [True, False])
def test_results_beyond_the_memory(direct):
    """Results that the worker could not hold all at once are gathered all at once, from the same worker."""
    with Client(n_workers=1, threads_per_worker=2, memory_limit="600 MB", direct_to_workers=direct) as client:
        before = client.run(os.getpid)
        futures = client.map(lambda i: np.full(3_000_000, i, dtype="f8"), range(32))
        for i, array in enumerate(client.gather(futures)):
            assert len(array) == 3_000_000 and (array == i).all()
        assert client.run(os.getpid) == before


def test_results_nearly_as_large_as_the_memory():
    """They go to disk from where they are: packing takes nothing more."""
    with Client(n_workers=1, threads_per_worker=1, memory_limit="600 MB", direct_to_workers=False) as client:
        before = client.run(os.getpid)
        futures = client.map(lambda i: np.full(31_000_000, i, dtype="f8"), range(3))
        wait(futures)
        assert [future.result()[-1] for future in futures] == [0, 1, 2]
        assert client.run(os.getpid) == before


def test_frames(client, frame):
    """A bare compute() goes to the cluster, and gives what pandas gives."""
    lazy = dd.from_pandas(frame, npartitions=8).groupby("b").a.sum()
    pd.testing.assert_series_equal(lazy.compute(), frame.groupby("b").a.sum())
    pd.testing.assert_series_equal(lazy.compute(scheduler="sync"), frame.groupby("b").a.sum())


def test_callables(client):
    """Python callables run in the workers, those defined after the fork as well, and closures."""
    base = 40
    assert cdask.delayed(lambda x: x + base)(2).compute() == 42
    pids = set(cdask.compute(*[cdask.delayed(lambda i: os.getpid())(i) for i in range(50)]))
    assert os.getpid() not in pids and len(pids) == 2


def test_chains(client):
    """Results are arguments of other tasks."""
    total = cdask.delayed(0)
    for i in range(20):
        total = cdask.delayed(lambda a, b: a + b)(total, i)
    assert total.compute() == sum(range(20))


def test_map_partitions(client, frame):
    lazy = dd.from_pandas(frame, npartitions=5).map_partitions(lambda part: part.assign(c=part.a * 2))
    assert lazy.c.sum().compute() == frame.a.sum() * 2


def test_exceptions(client):
    """The exception of a task is raised here."""
    with pytest.raises(ZeroDivisionError):
        cdask.delayed(lambda: 1 / 0)().compute()


def test_unknown_column_is_refused(client, frame):
    with pytest.raises(KeyError):
        dd.from_pandas(frame, npartitions=2)["nowhere"]


def test_several_clients(client):
    """The newest is the one that computes."""
    with Client(client.address) as other:
        assert cdask.delayed(lambda: 1)().compute() == 1
        assert repr(other) == repr(client)
    assert cdask.delayed(lambda: 2)().compute() == 2


def test_frames_as_futures(client, frame):
    """compute() of the client gives futures, whose results are pandas' and arguments of other tasks."""
    lazy = dd.from_pandas(frame, npartitions=4)
    total, table = client.compute([lazy.a.sum(), lazy])
    assert total.result() == frame.a.sum()
    pd.testing.assert_frame_equal(table.result(), frame)
    assert client.submit(lambda part, total: len(part) + total, table, total).result() == 1000 + frame.a.sum()
    assert client.compute(lazy.b.max(), sync=True) == 6
    assert client.compute(cdask.delayed(sum)([1, 2])).result() == 3
    assert client.compute([7, cdask.delayed(8)])[0] == 7


def test_lazy_arguments(client, frame):
    """What is lazy among the arguments of a task stands for its result."""
    lazy = dd.from_pandas(frame, npartitions=4)
    kept, total = lazy.persist(), frame.a.sum()
    assert client.submit(lambda part, total: len(part) + total, kept, lazy.a.sum()).result() == 1000 + total
    assert client.submit(lambda a: (type(a), a.sum()), kept.a).result() == (pd.Series, total)
    assert client.submit(sum, [cdask.delayed(len)("ab"), 3]).result() == 5
    assert client.gather(client.map(lambda part, k: len(part) + k, [kept, lazy], k=cdask.delayed(int)(1))) == [1001] * 2


def test_persisted_frames(client, frame):
    lazy = client.persist(dd.from_pandas(frame, npartitions=4))
    futures = futures_of(lazy)
    assert len(futures) == 4
    assert {future.key for future in wait(lazy).done} == {future.key for future in futures}
    assert lazy.a.sum().compute() == frame.a.sum()


def test_run(client):
    """Functions run on all workers, beside tasks; they may ask where they are."""
    def where(dask_worker=None):
        return dask_worker.address, get_worker().address, os.getpid()
    found = client.run(where)
    assert set(found) == set(client.nthreads())
    assert all(address == own == here for address, (own, here, _) in found.items())
    assert len({pid for _, _, pid in found.values()} | {os.getpid()}) == 3

    def who():
        worker = get_worker()
        return worker.address, worker.name, worker.nthreads
    told = {address: (address, worker["name"], worker["nthreads"])
            for address, worker in client.scheduler_info()["workers"].items()}
    assert client.run(who) == told
    assert client.submit(who, workers=list(told)[:1]).result() == list(told.values())[0]

    async def later(x):
        return x + 1
    [first, _] = found
    assert client.run(later, 1, workers=[first]) == {first: 2}
    with pytest.raises(ZeroDivisionError):
        client.run(lambda: 1 / 0)
    assert {type(problem) for problem in client.run(lambda: 1 / 0, on_error="return").values()} == {ZeroDivisionError}
    assert client.run(lambda: 1 / 0, on_error="ignore") == {}


def test_large_results(client):
    """What is large travels between workers and back."""
    data = client.map(lambda i: bytes([i]) * 5_000_000, range(4))
    assert client.gather(client.map(len, data)) == [5_000_000] * 4
    assert client.submit(lambda parts: b"".join(parts)[::5_000_000], data).result() == bytes(range(4))


def test_objects(client):
    """An object is what it was: also one of a class that only this program has."""
    class Point:
        def __init__(self, x):
            self.x = x

        def __eq__(self, other):
            return type(other) is Point and other.x == self.x
    assert client.submit(lambda point: Point(point.x + 1), Point(1)).result() == Point(2)
    assert client.submit(type, 5).result() is int


def test_what_cannot_be_sent(client):
    """An argument is refused at once; a result stays where it is."""
    with pytest.raises(TypeError, match="pickle"):
        client.submit(lambda lock: 1, threading.Lock())
    with pytest.raises(TypeError, match="pickle"):
        client.map(lambda lock: 1, [threading.Lock()])
    future = client.submit(threading.Lock, pure=False)
    assert wait([future]).done
    with pytest.raises(TypeError, match="pickle"):
        future.result()


def test_worker_client(client):
    def outer():
        with worker_client() as inner:
            return inner.submit(lambda: 5).result()
    assert client.submit(outer, workers=list(client.nthreads())[:1], pure=False).result() == 5


def test_progress(client, capsys):
    progress(client.map(lambda x: x, range(3)))
    assert "100% Completed" in capsys.readouterr().out


def test_restart():
    """Afterwards the workers are others, futures are cancelled, and tasks run."""
    with Client(n_workers=2, threads_per_worker=1) as client:
        pids = set(client.run(os.getpid).values())
        future = client.submit(len, "abc")
        assert future.result() == 3
        client.restart()
        assert future.cancelled()
        assert client.submit(len, "abc").result() == 3
        assert not pids & set(client.run(os.getpid).values())


@pytest.mark.parametrize("options", [{}, {"nanny": False}])
def test_restart_amid_a_task(options, tmp_path):
    """Nobody waits for a task that does not end."""
    def endless(path):
        open(path, "w").close()
        time.sleep(600)

    with Client(n_workers=1, threads_per_worker=1, **options) as client:
        [before] = client.run(os.getpid).values()
        future = client.submit(endless, tmp_path / "begun")
        while not (tmp_path / "begun").exists():
            os.sched_yield()
        client.restart(timeout=5)
        [after] = client.run(os.getpid).values()
        assert future.cancelled() and gone(before) and after != before
        assert client.submit(len, "abc").result() == 3


def gone(pid, timeout=20):
    """Waits for the end of a process."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], timeout)[0])
    finally:
        os.close(handle)


def test_a_worker_that_dies_is_started_again():
    with Client(n_workers=2, threads_per_worker=1) as client:
        futures = client.map(lambda x: x + 1, range(50))
        wait(futures)
        victim = client.submit(os.getpid, pure=False).result()
        os.kill(victim, signal.SIGKILL)
        assert client.gather(futures) == list(range(1, 51))
        client.wait_for_workers(2, timeout=30)
        assert sum(client.gather(client.map(lambda x: x * 2, range(50)))) == 2450


def test_threads_of_this_process():
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=False) as cluster, Client(cluster) as client:
        assert client.submit(os.getpid).result() == os.getpid()
        assert len({future.result() for future in as_completed([
            client.submit(lambda: get_worker().address, workers=[worker], pure=False)
            for worker in client.nthreads()])}) == 2
        assert "workers=2" in repr(cluster)
    assert cluster.status == "closed" and "closed" in repr(cluster)


def test_scale():
    with LocalCluster(n_workers=1, threads_per_worker=1) as cluster, Client(cluster) as client:
        data = client.scatter(list(range(5)))
        cluster.scale(2)
        assert len(client.nthreads()) == 2
        cluster.scale(1)
        assert len(client.nthreads()) == 1
        assert client.gather(data) == list(range(5))


def test_resources_and_memory():
    with Client(n_workers=1, threads_per_worker=2, memory_limit="1GB", resources={"GPU": 1}) as client:
        [worker] = client.scheduler_info()["workers"].values()
        assert worker["memory_limit"] == 10**9 and worker["resources"]["GPU"] == 1
        assert client.submit(lambda: 1, resources={"GPU": 1}).result() == 1


@pytest.mark.parametrize("options, problem, text", [
    ({"bogus": 1}, TypeError, "'bogus'"),
    ({"security": True}, NotImplementedError, "security=True"),
    ({"n_workers": -1}, ValueError, "n_workers must be at least 0, got -1"),
    ({"n_workers": "two"}, TypeError, "n_workers must be a whole number, got 'two'"),
    ({"threads_per_worker": 0}, ValueError, "threads_per_worker must be at least 1, got 0"),
    ({"memory_limit": "bogus"}, ValueError, "Could not interpret 'bogus' as a byte unit"),
    ({"memory_limit": "4 XB"}, ValueError, "Could not interpret '4 XB' as a byte unit"),
    ({"protocol": "ucx://"}, NotImplementedError, "protocol='ucx://'"),
])
def test_bad_options(options, problem, text):
    """They are told before anything is started."""
    for kind in (LocalCluster, Client):
        with pytest.raises(problem, match=text):
            kind(**options)


@pytest.mark.parametrize("options, problem", [
    ({"key": ""}, ValueError), ({"retries": -1}, ValueError), ({"retries": "often"}, TypeError),
    ({"priority": "high"}, TypeError), ({"priority": 1.5}, ValueError), ({"key": 5}, NotImplementedError),
    ({"allow_other_workers": "yes", "workers": ["a"]}, TypeError),
])
def test_bad_submissions(client, options, problem):
    with pytest.raises(problem):
        client.submit(abs, 1, **options)


def test_port_in_use():
    """The page goes elsewhere, and that is told; one that may be anywhere is not."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.warns(UserWarning, match=f"Port {port} is already in use.\nPerhaps you already have a cluster"):
            with LocalCluster(n_workers=0, dashboard_address=f":{port}") as cluster:
                assert not cluster.dashboard_link.endswith(f":{port}/status")
    for address in (":0", None):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            LocalCluster(n_workers=0, dashboard_address=address).close()


def test_adapt():
    with LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        with pytest.raises(NotImplementedError, match="scale"):
            cluster.adapt(minimum=0, maximum=2)


def test_results_of_another_scheduler(client):
    """They cannot be had, as arguments neither."""
    with LocalCluster(n_workers=1, threads_per_worker=1) as cluster, Client(cluster, set_as_default=False) as other:
        with pytest.raises(ValueError, match="created by another client"):
            other.submit(abs, client.submit(abs, -1))
        with pytest.raises(ValueError, match="which the one at .* knows nothing of"):
            other.compute(cdask.delayed(abs)(client.persist(cdask.delayed(abs)(-1))))


def test_asynchronous_calls():
    """What waits gives coroutines; what does not, does not."""
    import asyncio

    async def work():
        client = await Client(n_workers=1, threads_per_worker=1, processes=False, asynchronous=True)
        assert await client.submit(len, "ab") == 2
        await client.close()
        assert repr(client) == "<Client: No scheduler connected>"
    asyncio.run(asyncio.wait_for(work(), 60))


# Programs of their own

def program(code, *args, **options):
    return subprocess.run([sys.executable, "-X", "dev", "-W", "error", "-c", "from cdask.distributed import *\n" + code,
                           *args], capture_output=True, text=True, timeout=90, **options)


def test_closed():
    """It is in nobody's way when it is closed, and its workers are gone."""
    done = program("import os, cdask\n"
                   "client = Client(n_workers=2, dashboard_address=None)\n"
                   "pid = cdask.delayed(os.getpid)().compute()\n"
                   "client.close()\n"
                   "assert cdask.delayed(os.getpid)().compute() == os.getpid()\n"
                   "print(pid)\n")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert gone(int(done.stdout), 0)


def test_not_closed():
    """A program that ends without closing anything ends, quietly, and so do its workers."""
    done = program("client = Client(n_workers=2, dashboard_address=None)\n"
                   "future = client.submit(__import__('os').getpid)\n"
                   "future.add_done_callback(print)\n"
                   "print(future.result())\n")
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert gone(int(next(line for line in done.stdout.split("\n") if line.isdigit())))


def test_killed():
    """No worker is left of a program that was killed."""
    code = ("from cdask.distributed import *\nimport os, time\n"
            "client = Client(n_workers=2)\n"
            "print(*client.run(os.getpid).values(), client.cluster._groups[0].process.pid, flush=True)\n"
            "time.sleep(600)\n")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        pids = list(map(int, process.stdout.readline().split()))
        process.kill()
    assert len(pids) == 3 and all(map(gone, pids))


@pytest.mark.parametrize("waiting", ["future.result()", "wait([future])", "next(as_completed([future]))",
                                     "Event('never').wait()", "Queue('empty').get()"])
def test_interrupted(waiting):
    """Ctrl-C ends whatever waits, at once, and nothing else: not the workers."""
    code = ("from cdask.distributed import *\nimport time\n"
            "client = Client(n_workers=1, threads_per_worker=1)\n"
            "event = client.submit(time.sleep, 3, pure=False)\n"
            "future = client.submit(lambda x: x, event)\n"
            f"try:\n    print('waiting', flush=True)\n    {waiting}\n"
            "except KeyboardInterrupt:\n    print('interrupted', flush=True)\n"
            "event.cancel()\n"
            "print(client.submit(len, 'abc').result())\n")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                          start_new_session=True) as process:
        assert process.stdout.readline() == "waiting\n"
        os.killpg(process.pid, signal.SIGINT)
        start = time.monotonic()
        assert process.stdout.readline() == "interrupted\n"
        assert time.monotonic() - start < 2
        assert process.stdout.readline() == "3\n"
    assert process.returncode == 0


@pytest.fixture
def commands(tmp_path):
    """Starts commands of the executable, or of another program, and ends them."""
    started = []

    def start(*words):
        started.append(subprocess.Popen(list(map(str, words)), stderr=subprocess.DEVNULL))
    yield start
    for process in reversed(started):
        process.terminate()
    for process in started:
        process.wait(30)


def scheduler_file(path):
    while not path.exists() or not path.read_text().strip():
        time.sleep(0.01)  # a file tells nobody that it is there
    return str(path)


def test_workers_without_python(commands, tmp_path):
    """A native worker is given no callable: where there are only such, the error says so, and what helps."""
    commands(BUILD / "bin/cdask", "scheduler", "--port", "0", "--scheduler-file", tmp_path / "s")
    file = scheduler_file(tmp_path / "s")
    commands(BUILD / "bin/cdask", "worker", "--scheduler-file", file, "--nthreads", "1")
    with Client(scheduler_file=file) as client:
        client.wait_for_workers(1, timeout=30)
        with pytest.raises(RuntimeError, match="python -m cdask worker"):
            client.submit(len, "abc").result(timeout=30)
        with pytest.raises(OSError, match="needs Python"):
            client.run(len, "abc")
        frame = pd.DataFrame({"a": [1, 2, 3]})
        assert dd.from_pandas(frame, npartitions=2).a.sum().compute() == 6
        commands(sys.executable, "-m", "cdask", "worker", "--scheduler-file", file, "--nthreads", "1", "--name", "snake")
        client.wait_for_workers(2, timeout=30)
        assert client.gather(client.map(len, ["a", "bc"])) == [1, 2]
        names = {address: worker["name"] for address, worker in client.scheduler_info()["workers"].items()}
        assert {names[client.submit(lambda i: get_worker().address, i).result()] for i in range(10)} == {"snake"}


def test_on_dask_scheduler(commands, tmp_path):
    """Callables run on our workers for Dask's own scheduler, too."""
    commands(sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
             "--scheduler-file", tmp_path / "s")
    file = scheduler_file(tmp_path / "s")
    commands(sys.executable, "-m", "cdask", "worker", "--scheduler-file", file, "--nthreads", "1")
    commands(BUILD / "bin/cdask", "worker", "--scheduler-file", file, "--nthreads", "1")
    with Client(scheduler_file=file) as client:
        client.wait_for_workers(2, timeout=30)
        futures = client.map(lambda x: x + 1, range(10))
        assert client.gather(futures) == list(range(1, 11))
        assert client.submit(sum, futures).result() == 55
        with pytest.raises(ZeroDivisionError):
            client.submit(lambda: 1 / 0).result()


def test_nobody_there():
    code = ("from cdask.distributed import Client\n"
            "try:\n    Client('127.0.0.1:1', timeout=5)\n"
            "except OSError as problem:\n    print(problem)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "127.0.0.1:1" in done.stdout, done.stderr
