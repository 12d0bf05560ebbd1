"""cdask's scheduler between Dask's own client and Dask's own workers, of today's version."""
import operator
import os
import signal
import time

import pytest

distributed = pytest.importorskip("distributed", reason="distributed is not installed")

import numpy as np  # noqa: E402
from dask import delayed  # noqa: E402
from distributed import Client, Future, fire_and_forget, wait  # noqa: E402

from cluster import Cluster  # noqa: E402
from python_tasks import Counter, divide, fail_until, inc, touch, wait_for_file  # noqa: E402

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
    pid = client.submit(os.getpid).result(timeout=TIMEOUT)
    os.kill(pid, signal.SIGKILL)
    assert client.submit(os.getpid, pure=False).result(timeout=TIMEOUT) != pid
    assert addresses(client).isdisjoint(first)


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
    assert "divide" in "".join(__import__("traceback").format_tb(y.traceback()))
    assert client.get_task_stream is not None
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
