"""cdask's scheduler between Dask's own client and Dask's own workers, of today's version."""
import operator
import os
import signal
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest

distributed = pytest.importorskip("distributed", reason="distributed is not installed")

import dask  # noqa: E402
import numpy as np  # noqa: E402
from dask import delayed  # noqa: E402
from distributed import Client, Future, fire_and_forget, wait  # noqa: E402
from distributed.core import connect  # noqa: E402
from distributed.scheduler import NoValidWorkerError, NoWorkerError  # noqa: E402

from cluster import Cluster  # noqa: E402
from python_tasks import Counter, divide, fail_until, inc, note, touch, wait_for_file, where  # noqa: E402

TIMEOUT = 30


def until(condition, timeout=TIMEOUT):
    """Waits for something that nobody tells us about; returns what `condition` gave."""
    end = time.monotonic() + timeout
    while not (found := condition()):
        assert time.monotonic() < end, "it has not come true"
        time.sleep(0.005)
    return found


def addresses(client):
    return set(client.scheduler_info(n_workers=-1)["workers"])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two workers without nannies, called alice and bob; bob has two FOOs."""
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start_worker("--no-nanny", "--name", "alice")
        cluster.start_worker("--no-nanny", "--name", "bob", "--resources", "FOO=2")
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def client(cluster):
    with Client(cluster.address, timeout=TIMEOUT) as client:
        client.wait_for_workers(2, timeout=TIMEOUT)
        yield client
    with Client(cluster.address, timeout=TIMEOUT, set_as_default=False) as other:
        until(lambda: not other.who_has())  # all that the test has wanted is let go of


@pytest.fixture
def fresh(tmp_path):
    """A cluster of its own, without workers."""
    cluster = Cluster(tmp_path)
    try:
        with Client(cluster.address, timeout=TIMEOUT) as client:
            yield cluster, client
    finally:
        cluster.close()


def nanny_status(dask_worker):
    return dask_worker.status.name


def name_of(client, address):
    return client.scheduler_info(n_workers=-1)["workers"][address]["name"]


# Who is there

def test_workers_are_seen(client):
    info = client.scheduler_info(n_workers=-1)
    assert info["type"] == "Scheduler" and info["address"] == client.scheduler.address
    assert {worker["name"] for worker in info["workers"].values()} == {"alice", "bob"}
    assert set(client.nthreads()) == set(info["workers"]) and set(client.nthreads().values()) == {1}
    assert client.ncores() == client.nthreads()
    assert "workers=2" in repr(client) or "processes=2" in repr(client)
    seen = {worker["metrics"].get("time") for worker in info["workers"].values()}
    until(lambda: seen.isdisjoint(worker["metrics"].get("time")
                                  for worker in client.scheduler_info(n_workers=-1)["workers"].values()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_worker_leaves(fresh, number):
    cluster, client = fresh
    worker = cluster.start_worker("--no-nanny")
    client.wait_for_workers(1, timeout=TIMEOUT)
    worker.stop(number)
    until(lambda: not addresses(client))
    assert client.nthreads() == {}


def test_nanny_starts_another(fresh):
    """The nanny's worker is killed: the next one does the work."""
    cluster, client = fresh
    cluster.start_worker("--nanny")
    client.wait_for_workers(1, timeout=TIMEOUT)
    first = addresses(client)
    until(lambda: set(client.run(nanny_status, nanny=True).values()) == {"running"})
    pid = client.submit(os.getpid).result(timeout=TIMEOUT)
    os.kill(pid, signal.SIGKILL)
    assert client.submit(os.getpid, pure=False).result(timeout=TIMEOUT) != pid
    assert addresses(client).isdisjoint(first)


def test_shutdown(tmp_path, caplog):
    """The client ends the scheduler, and that ends the workers; nobody complains."""
    cluster = Cluster(tmp_path)
    worker = cluster.start_worker("--no-nanny")
    with Client(cluster.address, timeout=TIMEOUT, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=TIMEOUT)
        client.shutdown()
    assert worker.popen.wait(timeout=TIMEOUT) == 0
    assert cluster.scheduler.popen.wait(timeout=TIMEOUT) == 0
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


# Submitting

def test_submit(client):
    x = client.submit(inc, 1)
    y = client.submit(inc, x, by=x)
    z = client.submit(sum, [x, y, 1])
    assert client.gather([x, y, z], errors="raise") == [2, 4, 7]
    assert client.submit(inc, 1).key == x.key
    assert x.type is int and x.status == "finished"


def test_submit_code(client):
    """Code that no worker can import travels with the task."""
    offset = 10
    assert client.submit(lambda x: x + offset, 1).result(timeout=TIMEOUT) == 11


@pytest.mark.parametrize("value", [None, 2 ** 70, "\u00e9" * 400, b"x" * 100000, {"a": (1, [2.5])}, {1, 2}],
                         ids=lambda value: type(value).__name__)
def test_values(client, value):
    assert client.submit(lambda x: x, value).result(timeout=TIMEOUT) == value


def test_keys(client):
    """A key is a text or a tuple."""
    x = client.submit(inc, 1, key=("x", 1, ("y", 2)))
    y = client.submit(inc, x, key="y")
    assert y.result(timeout=TIMEOUT) == 3
    assert set(client.who_has()) == {("x", 1, ("y", 2)), "y"}


def test_arrays(client):
    """Large arguments travel beside the pickle, and are the worker's own."""
    array = np.arange(1_000_000)
    assert client.submit(np.sum, array).result(timeout=TIMEOUT) == array.sum()
    doubled = client.submit(operator.mul, array, 2)
    assert np.array_equal(client.submit(operator.iadd, doubled, array).result(timeout=TIMEOUT), array * 3)


def test_error(client):
    x = client.submit(divide, 1, 0)
    y = client.submit(inc, x)
    for future in (x, y):
        with pytest.raises(ZeroDivisionError, match="division by zero"):
            future.result(timeout=TIMEOUT)
        assert future.status == "error"
    assert "divide" in "".join(traceback.format_tb(y.traceback()))
    with pytest.raises(ZeroDivisionError):  # one who asks later is told as well
        client.submit(inc, x, by=2).result(timeout=TIMEOUT)


def test_retries(client, tmp_path):
    assert client.submit(fail_until, tmp_path / "a", 2, retries=2).result(timeout=TIMEOUT) == 3
    with pytest.raises(RuntimeError, match="attempt 2"):
        client.submit(fail_until, tmp_path / "b", 2, retries=1).result(timeout=TIMEOUT)


def test_retry(client, tmp_path):
    x = client.submit(fail_until, tmp_path / "a", 1)
    y = client.submit(inc, x)
    with pytest.raises(RuntimeError, match="attempt 1"):
        y.result(timeout=TIMEOUT)
    y.retry()
    assert y.result(timeout=TIMEOUT) == 3


def test_workers(client):
    for name in ("alice", "bob"):
        futures = [client.submit(inc, i, workers=name, pure=False) for i in range(4)]
        wait(futures, timeout=TIMEOUT)
        assert {name_of(client, address) for held in client.who_has(futures).values() for address in held} == {name}
    some = next(iter(addresses(client)))
    x = client.submit(inc, 1, workers=[some])
    wait(x, timeout=TIMEOUT)
    assert client.who_has(x) == {x.key: (some,)}


def test_other_workers(client):
    x = client.submit(inc, 1, workers=["nobody"], allow_other_workers=True)
    y = client.submit(inc, 2, workers=["nobody"])
    assert x.result(timeout=TIMEOUT) == 2
    assert y.status == "pending"
    assert client.scheduler_info() and client.submit(inc, 5).result(timeout=TIMEOUT) == 6
    assert not y.done()


def test_resources(client):
    futures = [client.submit(inc, i, resources={"FOO": 1}) for i in range(4)]
    wait(futures, timeout=TIMEOUT)
    assert {name_of(client, address) for held in client.who_has(futures).values() for address in held} == {"bob"}
    assert not client.submit(inc, 9, resources={"BAR": 1}).done()


def test_priority(client, tmp_path):
    """Of what waits for one worker, the most important runs first."""
    gate = client.submit(wait_for_file, tmp_path / "go", workers="alice")
    log = tmp_path / "log"
    write = lambda word: open(log, "a").write(word)  # noqa: E731
    futures = [client.submit(write, word, workers="alice", priority=priority)
               for word, priority in (("c", -1), ("b", 0), ("a", 2.5))]
    until(lambda: len(client.processing()[next(a for a in addresses(client) if name_of(client, a) == "alice")]) == 4)
    (tmp_path / "go").touch()
    wait([gate, *futures], timeout=TIMEOUT)
    assert log.read_text() == "abc"


def test_fire_and_forget(client, tmp_path):
    fire_and_forget(client.submit(touch, tmp_path / "a"))
    until((tmp_path / "a").exists)
    until(lambda: not client.who_has())
    done = client.submit(inc, 1)
    wait(done, timeout=TIMEOUT)
    fire_and_forget(done)
    del done
    until(lambda: not client.who_has())


def test_forgotten_by_a_client_that_leaves(cluster, client, tmp_path):
    with Client(cluster.address, set_as_default=False) as leaving:
        gate = leaving.submit(wait_for_file, tmp_path / "go")
        fire_and_forget(leaving.submit(lambda _, path: touch(path), gate, tmp_path / "a"))
        del gate
    (tmp_path / "go").touch()
    until((tmp_path / "a").exists)
    until(lambda: not client.who_has())


def test_release(client):
    """What no future wants is forgotten, here and on the workers."""
    x = client.submit(inc, 1)
    y = client.submit(inc, x)
    wait(y, timeout=TIMEOUT)
    del x
    until(lambda: set(client.who_has()) == {y.key})
    del y
    until(lambda: not client.who_has())
    until(lambda: not any(client.has_what().values()))
    z = client.submit(inc, 1)
    assert z.result(timeout=TIMEOUT) == 2


def test_cancel(client, tmp_path):
    x = client.submit(wait_for_file, tmp_path / "go")
    y = client.submit(inc, x)
    x.cancel()
    until(lambda: x.cancelled() and y.cancelled())
    with pytest.raises(distributed.client.CancelledError):
        y.result(timeout=TIMEOUT)
    (tmp_path / "go").touch()


def test_lost_dependency(client):
    """A future of what is forgotten is told that it is cancelled."""
    x = Future("nothing", client)
    y = client.submit(inc, x)
    with pytest.raises(distributed.client.CancelledError):
        y.result(timeout=TIMEOUT)
    del x


def test_actor(client):
    counter = client.submit(Counter, actor=True).result(timeout=TIMEOUT)
    assert [counter.increment().result(timeout=TIMEOUT) for _ in range(3)] == [1, 2, 3]


# Graphs

def test_map(client):
    squares = client.map(lambda x: x ** 2, range(100))
    assert client.gather(squares) == [x ** 2 for x in range(100)]
    sums = client.map(operator.add, squares, [1] * 100)
    assert client.submit(sum, sums).result(timeout=TIMEOUT) == sum(x ** 2 + 1 for x in range(100))
    table = list(range(100_000))
    assert client.gather(client.map(lambda i, table: table[i], [5, 50_000], table=table)) == [5, 50_000]
    assert client.gather(client.map(inc, squares[:2], by=squares[2])) == [4, 5]


def test_map_options(client):
    futures = client.map(inc, range(4), workers="bob", resources={"FOO": 1}, retries=1, pure=False, key="name")
    assert client.gather(futures) == [1, 2, 3, 4]
    assert {name_of(client, address) for held in client.who_has(futures).values() for address in held} == {"bob"}
    assert all(future.key.startswith("name-") for future in futures)


def test_get(client):
    dsk = {"x": 1, "y": (inc, "x"), ("z", 0): (operator.add, "y", (inc, 10)), "s": (sum, ["x", "y", ("z", 0)])}
    assert client.get(dsk, ["s", ["x", ("z", 0)]]) == [16, [1, 13]]


def test_collections_are_refused(client):
    with pytest.raises(NotImplementedError, match="no collections yet .*HLG"):
        client.compute(delayed(inc)(1)).result(timeout=TIMEOUT)
    assert client.submit(inc, 1).result(timeout=TIMEOUT) == 2


def test_annotations(client, tmp_path):
    """Plain ones count; code for the scheduler to run is refused."""
    with dask.annotate(workers=["bob"], retries=1, note={"any": [1, 2.5]}):
        x = client.submit(fail_until, tmp_path / "a", 1)
    assert x.result(timeout=TIMEOUT) == 2
    assert name_of(client, client.who_has(x)[x.key][0]) == "bob"
    with dask.annotate(priority=lambda key: 1):
        y = client.submit(inc, 1)
    with pytest.raises(NotImplementedError, match="annotations that are not plain values"):
        y.result(timeout=TIMEOUT)


def test_a_thousand_tasks_with_a_death(fresh):
    """A worker is killed in the middle: every result is right."""
    cluster, client = fresh
    workers = [cluster.start_worker("--no-nanny") for _ in range(2)]
    client.wait_for_workers(2, timeout=TIMEOUT)
    layer = [client.submit(inc, i, pure=False) for i in range(200)]
    for _ in range(4):
        layer = [client.submit(operator.add, a, b, pure=False) for a, b in zip(layer, layer[1:] + layer[:1])]
    until(lambda: sum(map(len, client.has_what().values())) > 150)
    workers[0].stop()
    want = [i + 1 for i in range(200)]
    for _ in range(4):
        want = [a + b for a, b in zip(want, want[1:] + want[:1])]
    assert client.gather(layer) == want
    assert len(addresses(client)) == 1


# Data

def test_scatter(client):
    """In turn, to all, by hash, to those that were chosen, past the scheduler."""
    futures = client.scatter([10, 20, 30, 40])
    assert client.gather(futures) == [10, 20, 30, 40]
    assert {len(keys) for keys in client.has_what().values()} == {2}
    assert client.submit(sum, futures).result(timeout=TIMEOUT) == 100
    named = client.scatter({"a": 1, "b": 2})
    assert client.gather(named) == {"a": 1, "b": 2}
    everywhere = client.scatter(np.arange(1000), broadcast=True)
    assert len(client.who_has(everywhere)[everywhere.key]) == 2
    assert client.scatter(5).key == client.scatter(5).key
    some = next(iter(addresses(client)))
    chosen = client.scatter([7, 8], workers=[some], hash=False)
    assert {*client.who_has(chosen).values()} == {(some,)}
    direct = client.scatter([1.5, 2.5], direct=True)
    assert client.gather(direct, direct=True) == [1.5, 2.5]
    assert np.array_equal(client.gather(everywhere), np.arange(1000))


def test_workers_fetch_from_each_other(client):
    one = client.submit(np.arange, 100_000, workers="alice", pure=False)
    other = client.submit(np.arange, 100_000, workers="bob", pure=False)
    both = client.submit(operator.add, one, other, workers="alice")
    assert np.array_equal(both.result(timeout=TIMEOUT), 2 * np.arange(100_000))
    assert len(client.who_has(other)[other.key]) == 2


def test_questions_about_keys(client):
    x, y = client.submit(inc, 1), client.submit(inc, 2)
    wait([x, y], timeout=TIMEOUT)
    assert set(client.who_has([x])) == {x.key}
    assert {key for keys in client.has_what().values() for key in keys} == {x.key, y.key}
    assert client.processing() == dict.fromkeys(addresses(client), ())
    assert client.nbytes(summary=False)[x.key] == client.nbytes([x.key], summary=False)[x.key] > 0
    assert client.nbytes()["inc"] == sum(client.nbytes(summary=False).values())


def test_gather_after_a_death(fresh):
    """What a dead worker held is computed again, also in the middle of a gather; what was scattered is lost."""
    cluster, client = fresh
    first = cluster.start_worker("--no-nanny", "--name", "first")
    client.wait_for_workers(1, timeout=TIMEOUT)
    x = client.submit(inc, 1)
    lost = client.scatter(["data"])[0]
    wait([x, lost], timeout=TIMEOUT)
    cluster.start_worker("--no-nanny")
    client.wait_for_workers(2, timeout=TIMEOUT)
    first.stop()
    assert client.gather(x) == 2
    with pytest.raises(distributed.client.CancelledError):
        client.gather(lost)


# Relayed to workers

def test_run(client):
    pids = client.run(os.getpid)
    assert set(pids) == addresses(client) and len(set(pids.values())) == 2
    some = next(iter(pids))
    assert client.run(inc, 1, by=5, workers=[some]) == {some: 6}
    with pytest.raises(ZeroDivisionError):
        client.run(divide, 1, 0)
    failed = client.run(divide, 1, 0, on_error="return")
    assert {type(error) for error in failed.values()} == {ZeroDivisionError}
    assert client.run(os.getpid, nanny=True) == {}


def test_call_stack(client, tmp_path):
    """Where running tasks are in their code, by worker and key."""
    x = client.submit(wait_for_file, tmp_path / "go", workers="alice")
    until(lambda: any(client.call_stack().values()))
    for stacks in (client.call_stack(), client.call_stack([x])):
        (address, found), = stacks.items()
        assert name_of(client, address) == "alice" and set(found) == {x.key}
        assert "wait_for_file" in "".join(found[x.key])
    (tmp_path / "go").touch()
    wait(x, timeout=TIMEOUT)
    assert client.call_stack() == {}


def test_worker_logs(client):
    client.run(lambda: __import__("logging").getLogger("distributed.worker").warning("a word in the log"))
    logs = client.get_worker_logs()
    assert set(logs) == addresses(client)
    assert all(any("a word in the log" in line for _, line in lines) for lines in logs.values())


def test_scheduler_logs(cluster, client):
    """The newest first, as the scheduler prints them."""
    logs = client.get_scheduler_logs()
    assert ("INFO", f"Scheduler at: {cluster.address:>25}") in [
        (level, line.split(" - distributed.scheduler - INFO - ")[-1].strip()) for level, line in logs]
    assert client.get_scheduler_logs(n=1) == client.get_scheduler_logs()[:1]
    printed = [line.rstrip("\n").partition(" - ")[2] for line in cluster.scheduler.lines]
    assert [line.partition(" - ")[2] for _, line in reversed(logs)][:2] == printed[:2]


def test_versions(client, recwarn):
    versions = client.get_versions(check=True)
    assert set(versions["workers"]) == addresses(client)
    assert not [w for w in recwarn if "Mismatched" in str(w.message)]


def test_versions_of_native_workers(fresh, recwarn):
    """They have no Python that could differ from the client's."""
    cluster, client = fresh
    cluster.start_native_worker()
    client.wait_for_workers(1, timeout=TIMEOUT)
    versions = client.get_versions(check=True)
    worker, = versions["workers"].values()
    assert worker["packages"] == versions["client"]["packages"] == versions["scheduler"]["packages"]
    assert not [w for w in recwarn if "Mismatched" in str(w.message)]


def test_restricted_to_native_workers(fresh):
    """A callable that may run on such only fails at once, and says why; with others it waits for those."""
    cluster, client = fresh
    cluster.start_worker("--no-nanny", "--name", "python")
    cluster.start_native_worker("--name", "native")
    client.wait_for_workers(2, timeout=TIMEOUT)
    x = client.submit(inc, 1, workers="native", key="x")
    with pytest.raises(RuntimeError, match="'x' is a Python callable, and none of the 1 workers that it may run on is"):
        x.result(timeout=TIMEOUT)
    assert client.submit(inc, 2, workers=["native", "python"]).result(timeout=TIMEOUT) == 3
    assert client.submit(inc, 3, workers="native", allow_other_workers=True).result(timeout=TIMEOUT) == 4
    y = client.submit(inc, 4, workers=["native", "later"])
    assert client.submit(inc, 5).result(timeout=TIMEOUT) == 6 and not y.done()
    cluster.start_worker("--no-nanny", "--name", "later")
    assert y.result(timeout=TIMEOUT) == 5


def test_beside_workers_of_cdask_with_python(fresh):
    """They know callables of cdask's client; those of Dask's go to Dask's workers, or fail at once."""
    cluster, client = fresh
    cluster.start_hosted_worker("--name", "hosted")
    client.wait_for_workers(1, timeout=TIMEOUT)
    with pytest.raises(RuntimeError, match="none of the 1 workers is Dask's: start one with `dask worker`"):
        client.submit(inc, 1).result(timeout=TIMEOUT)
    hosted = addresses(client)
    cluster.start_worker("--no-nanny", "--name", "python")
    client.wait_for_workers(2, timeout=TIMEOUT)
    futures = client.map(inc, range(100))
    assert client.gather(futures) == list(range(1, 101))
    assert {holder for holders in client.who_has(futures).values() for holder in holders} == addresses(client) - hosted


async def register(address, **fields):
    """The scheduler's answer to a worker that says this of itself, and is gone at once."""
    comm = await connect(address)
    await comm.write({"op": "register-worker", "reply": False, "address": "tcp://127.0.0.1:9", "status": "init",
                      "nthreads": 1, "name": "somebody", "now": time.time(), "resources": {}, "memory_limit": 0,
                      "local_directory": "", "services": {}, "nanny": None, "pid": 1, "versions": {}, "metrics": {},
                      "extra": {}, "stimulus_id": "test", "server_id": "somebody", **fields})
    reply = await comm.read()
    comm.abort()
    return reply


def test_another_version_of_cdask_is_told(fresh):
    cluster, client = fresh
    extra = {"cdask": {"native": True, "python": False, "version": "0.0.1"}}
    reply = client.sync(register, cluster.address, extra=extra)
    assert reply["status"] == "OK"
    assert reply["warning"].startswith("Mismatched cdask: this worker has version 0.0.1, its scheduler ")
    cluster.scheduler.wait_for("Mismatched cdask")


def test_upload_file(client, tmp_path):
    """Those that are there have it, and those that come later."""
    path = tmp_path / "uploaded_module.py"
    path.write_text("def answer():\n    return 42\n")
    client.upload_file(str(path))

    def use():
        import uploaded_module
        return uploaded_module.answer()

    assert set(client.run(use).values()) == {42}
    assert client.submit(use).result(timeout=TIMEOUT) == 42


class Mark(distributed.WorkerPlugin):
    def setup(self, worker):
        worker.has_mark = True

    def teardown(self, worker):
        worker.has_mark = False


def has_mark(dask_worker):
    return getattr(dask_worker, "has_mark", None)


def test_worker_plugin(fresh):
    cluster, client = fresh
    cluster.start_worker("--no-nanny")
    client.wait_for_workers(1, timeout=TIMEOUT)
    client.register_plugin(Mark(), name="mark")
    cluster.start_worker("--no-nanny")
    client.wait_for_workers(2, timeout=TIMEOUT)
    assert list(client.run(has_mark).values()) == [True, True]
    client.unregister_worker_plugin("mark")
    assert list(client.run(has_mark).values()) == [False, False]
    with pytest.raises(ValueError):
        client.unregister_worker_plugin("mark")


def test_scheduler_plugin_is_refused(client):
    with pytest.raises(NotImplementedError, match="has no Python"):
        client.register_plugin(distributed.SchedulerPlugin(), name="some")


# Clients within tasks

def test_client_in_a_task(client):
    """A task submits tasks, and lets go of its thread while it waits for them."""
    def outer(n):
        with distributed.worker_client() as inner:
            return sum(inner.gather(inner.map(inc, range(n))))

    assert client.gather([client.submit(outer, n) for n in (3, 4, 5)]) == [6, 10, 15]

    def with_future(n):
        inner = distributed.get_client()
        future = inner.submit(inc, n)
        distributed.secede()
        return future.result()

    assert client.submit(with_future, 5).result(timeout=TIMEOUT) == 6


# Starting anew, and leaving

def test_restart(fresh):
    cluster, client = fresh
    cluster.start_worker("--nanny")
    client.wait_for_workers(1, timeout=TIMEOUT)
    before = client.run(os.getpid)
    x = client.submit(inc, 1)
    wait(x, timeout=TIMEOUT)
    client.restart(timeout=TIMEOUT)
    after = client.run(os.getpid)
    assert len(after) == 1 and set(before.values()).isdisjoint(after.values())
    assert x.cancelled() and not client.who_has()
    assert client.submit(inc, 1).result(timeout=TIMEOUT) == 2


def test_restart_workers(fresh):
    """Only those; what they held is made again."""
    cluster, client = fresh
    cluster.start_worker("--nanny", "--name", "nursed")
    cluster.start_worker("--no-nanny", "--name", "alone")
    client.wait_for_workers(2, timeout=TIMEOUT)
    nursed, = (a for a in addresses(client) if name_of(client, a) == "nursed")
    alone, = (a for a in addresses(client) if name_of(client, a) == "alone")
    x = client.submit(inc, 1, workers="nursed")
    wait(x, timeout=TIMEOUT)
    assert client.restart_workers([nursed], timeout=TIMEOUT) == {nursed: "OK"}
    assert x.result(timeout=TIMEOUT) == 2
    assert alone in addresses(client) and nursed not in addresses(client)


def test_retire_workers(fresh):
    """What only they held is elsewhere before they leave."""
    cluster, client = fresh
    workers = [cluster.start_worker("--no-nanny", "--name", name) for name in ("stays", "goes")]
    client.wait_for_workers(2, timeout=TIMEOUT)
    goes, = (a for a in addresses(client) if name_of(client, a) == "goes")
    futures = [client.scatter(i, workers=[goes]) for i in range(5)]
    client.retire_workers([goes], close_workers=True, remove=True)
    until(lambda: goes not in addresses(client))
    assert client.gather(futures) == list(range(5))
    workers[1].popen.wait(timeout=TIMEOUT)
    with pytest.raises(Exception, match="cannot group workers by a callable"):
        client.retire_workers(n=1, key=lambda worker: worker.host)


def test_what_deployers_ask(fresh):
    """How many workers there should be, and who can go: those that hold least, by address or name."""
    cluster, client = fresh
    ask = client.scheduler
    assert client.sync(ask.adaptive_target, target_duration="5s") == 0
    waits = client.map(time.sleep, range(60, 160))
    assert until(lambda: client.sync(ask.adaptive_target)) == 10  # half a second each, within five
    client.cancel(waits)
    for name in ("holds", "goes"):
        cluster.start_worker("--no-nanny", "--name", name)
    client.wait_for_workers(2, timeout=TIMEOUT)
    holds, = (a for a in addresses(client) if name_of(client, a) == "holds")
    x = client.scatter(bytes(1000), workers=[holds])
    assert list(client.sync(ask.workers_to_close, target=1, attribute="name")) == ["goes"]
    assert not client.sync(ask.workers_to_close, n=2, minimum=2)
    assert set(client.sync(ask.workers_to_close, n=2)) == set(addresses(client))
    del x


# Copies

def holders(client, future):
    return set(client.who_has([future])[future.key])


@pytest.fixture
def three(fresh):
    """Three workers, and nobody who drops copies."""
    cluster, client = fresh
    for name in ("x", "y", "z"):
        cluster.start_worker("--no-nanny", "--name", name)
    client.wait_for_workers(3, timeout=TIMEOUT)
    client.amm.stop()
    yield client


def test_replicate(three):
    client = three
    future, other = client.submit(inc, 1), client.submit(inc, 2)
    client.replicate([future, other], n=2)
    assert len(holders(client, future)) == len(holders(client, other)) == 2
    client.replicate(future)
    assert holders(client, future) == addresses(client)
    client.replicate(future, n=1)
    assert len(holders(client, future)) == 1
    target = addresses(client) - holders(client, other)
    client.replicate(other, n=1, workers=list(target), branching_factor=1)
    assert holders(client, other) == addresses(client)
    assert client.gather([future, other]) == [2, 3]


def test_replicate_refuses(three):
    client = three
    future = client.submit(inc, 1)
    with pytest.raises(ValueError, match="Can not use replicate to delete data"):
        client.replicate(future, n=0)
    with pytest.raises(KeyError, match="tcp://127.0.0.1:1"):
        client.replicate(future, workers=["tcp://127.0.0.1:1"])
    lost = client.sync(client.scheduler.replicate, keys=["nothing"])
    assert lost == {"status": "partial-fail", "keys": ("nothing",)}


def test_rebalance(three):
    """All was made in one place: each worker gets a third of it."""
    client = three
    first = sorted(addresses(client))[0]
    futures = client.map(bytes, [10_000_000] * 9, pure=False, workers=[first])
    wait(futures, timeout=TIMEOUT)
    assert all(holders(client, future) == {first} for future in futures)
    client.rebalance()
    until(lambda: max(len(keys) for keys in client.has_what().values()) < 9)
    assert all(len(holders(client, future)) == 1 for future in futures)
    assert sum(map(len, client.gather(futures))) == 90_000_000


def test_rebalance_refuses(three):
    client = three
    answer = client.sync(client.scheduler.rebalance, keys=["nothing"])
    assert answer == {"status": "partial-fail", "keys": ("nothing",)}
    assert client.sync(client.scheduler.rebalance, keys=[]) == {"status": "OK"}
    client.rebalance()


def test_active_memory_manager(three):
    """Copies that nobody needs go when it runs, by itself or because it is told to."""
    client = three
    assert client.amm.running() is False
    future = client.submit(inc, 1)
    client.replicate(future)
    assert len(holders(client, future)) == 3
    client.amm.run_once()
    until(lambda: len(holders(client, future)) == 1)
    client.replicate(future)
    client.amm.start()
    assert client.amm.running() is True
    until(lambda: len(holders(client, future)) == 1)
    assert future.result(timeout=TIMEOUT) == 2


def test_last_worker_stays(fresh):
    """A worker that holds what nobody else could take does not retire."""
    cluster, client = fresh
    cluster.start_worker("--no-nanny")
    client.wait_for_workers(1, timeout=TIMEOUT)
    kept = client.submit(inc, 1)
    assert kept.result(timeout=TIMEOUT) == 2
    assert client.retire_workers(list(addresses(client))) == {}
    assert client.submit(inc, kept).result(timeout=TIMEOUT) == 3


# No workers

@pytest.fixture
def impatient(tmp_path):
    """A cluster whose tasks wait for no more than a second for a worker."""
    cluster = Cluster(tmp_path, "--no-workers-timeout", "1")
    try:
        with Client(cluster.address, timeout=TIMEOUT) as client:
            yield cluster, client
    finally:
        cluster.close()


def test_no_worker(impatient):
    """Single tasks, and those of which many queue."""
    cluster, client = impatient
    one, many = client.submit(inc, 1), client.map(inc, range(20), pure=False)
    for future in [one, *many]:
        with pytest.raises(NoWorkerError, match="without any running workers") as raised:
            future.result(timeout=TIMEOUT)
        assert raised.value.task == future.key and raised.value.timeout == 1
    cluster.start_worker("--no-nanny")
    client.wait_for_workers(1, timeout=TIMEOUT)
    assert client.submit(inc, 2).result(timeout=TIMEOUT) == 3


def test_no_valid_worker(impatient):
    cluster, client = impatient
    cluster.start_worker("--no-nanny")
    client.wait_for_workers(1, timeout=TIMEOUT)
    future = client.submit(inc, 1, key=("x", 1), workers=["nowhere"], resources={"GPU": 2})
    with pytest.raises(NoValidWorkerError) as raised:
        future.result(timeout=TIMEOUT)
    error = raised.value
    assert error.task == ("x", 1) and error.timeout == 1
    assert (error.host_restrictions, error.worker_restrictions) == ({"nowhere"}, set())
    assert error.resource_restrictions == {"GPU": 2}


def test_scatter_waits_for_workers(fresh):
    cluster, client = fresh
    with pytest.raises(TimeoutError, match="No valid workers found"):
        client.scatter([1], timeout=0.1)
    with pytest.raises(KeyError, match="nowhere"):
        client.scatter([1], workers=["nowhere"], hash=False, timeout=TIMEOUT)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(client.scatter, {"a": 10, "b": 20}, timeout=TIMEOUT)
        cluster.start_worker("--no-nanny", "--name", "late")
        data = waiting.result(timeout=TIMEOUT)
    assert client.gather(data) == {"a": 10, "b": 20}
    named, = client.scatter([5], workers=["late"], hash=False)
    assert named.result(timeout=TIMEOUT) == 5


def test_sizes_are_told_by_key(client):
    """Data put on workers by others: sizes come in an order of their own."""
    some = sorted(addresses(client))[0]
    who_has, sizes = {f"k{i}": [some] for i in range(20)}, {f"k{i}": 100 + i for i in range(20)}
    sizes = dict(sorted(sizes.items(), reverse=True))
    client.sync(client.scheduler.update_data, who_has=who_has, nbytes=sizes, client=client.id)
    assert client.nbytes(list(sizes), summary=False) == sizes
    futures = [Future(key, client) for key in who_has]
    del futures


def test_last_seen_is_a_time(client):
    for worker in client.scheduler_info(n_workers=-1)["workers"].values():
        assert abs(time.time() - worker["last_seen"]) < TIMEOUT


def test_numbered_worker(fresh):
    cluster, client = fresh
    for name in ("1", "2"):
        cluster.start_worker("--no-nanny", "--name", name)
    client.wait_for_workers(2, timeout=TIMEOUT)
    names = {name_of(client, address): address for address in addresses(client)}
    for name in names:
        assert client.submit(where, workers=name, pure=False).result(timeout=TIMEOUT) == names[name]
        assert client.submit(where, workers={name}, pure=False).result(timeout=TIMEOUT) == names[name]


def test_graph_is_ordered(fresh, tmp_path):
    """A dict is run depth first, whatever the order of its keys: one thread notes what it runs."""
    cluster, client = fresh
    noted = tmp_path / "noted"
    dsk = {"sum": (note, str(noted), "S", [f"x{i}" for i in range(4)])}
    for i in range(4):
        dsk[f"x{i}"] = (note, str(noted), "X", [f"y{i}{j}" for j in range(3)])
    for j in range(3):
        dsk |= {f"y{i}{j}": (note, str(noted), str(i)) for i in range(4)}
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(client.get, dsk, "sum")
        cluster.start_worker("--no-nanny")
        answer.result(timeout=TIMEOUT)
    leaves = noted.read_text().replace("X", "").replace("S", "")
    assert all(leaves[i] == leaves[i + 1] == leaves[i + 2] for i in range(0, 12, 3)), noted.read_text()
