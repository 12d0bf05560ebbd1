"""What Dask's clients coordinate by, on cdask's scheduler: Variable, Queue, Lock, MultiLock, Semaphore, Event, published
datasets, metadata and topics, with real clients and a real worker."""
import asyncio
import concurrent.futures
import contextlib
import queue
import sys
import time
import uuid

import dask
import pytest
from distributed import (Client, Event, Future, Lock, MultiLock, Queue, Semaphore, Variable, get_task_metadata,
                         get_worker, wait)

from cluster import Cluster, Process

LIMIT_S = 30


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    cluster.start_worker(nthreads=4)
    yield cluster
    cluster.close()


@pytest.fixture(scope="module")
def shared(cluster):
    with Client(cluster.address) as client:
        client.wait_for_workers(1)
        yield client


@pytest.fixture(scope="module")
def shared_other(cluster):
    with Client(cluster.address, set_as_default=False) as client:
        yield client


@pytest.fixture
def client(shared):
    return shared


@pytest.fixture
def other(shared, shared_other):
    """A second client; the first is the default one, which Lock and Semaphore take."""
    return shared_other


@pytest.fixture
def name():
    return uuid.uuid4().hex


@pytest.fixture
def threads():
    """Where waiting is done, so that the test can go on."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        yield pool


def until(condition):
    """Asks again and again, each time over the network, until the answer is yes."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, "this never became true"


def ask(client, op, /, **fields):
    """The scheduler's answer to any question."""
    return client.sync(getattr(client.scheduler, op), **fields)


def state_of(client, key):
    return ask(client, "get_task_status", keys=[key])[key]


def inc(x):
    return x + 1


def fail():
    raise ZeroDivisionError("on purpose")


# ---- Variable

@pytest.mark.parametrize("value", [None, 0, 1.5, "text", b"bytes", [1, [2, "three"]], {"a": {"b": 1}}])
def test_variable_holds_any_plain_value(client, other, name, value):
    Variable(name, client).set(value)
    got = Variable(name, other).get(timeout=LIMIT_S)
    assert (list(map(lambda x: list(x) if isinstance(x, tuple) else x, got)) if isinstance(value, list) else got) == value


def test_variable_is_waited_for(client, other, name, threads):
    waiting = [threads.submit(Variable(name, one).get, timeout=LIMIT_S) for one in (client, other, other)]
    Variable(name, client).set("now")
    assert [one.result(LIMIT_S) for one in waiting] == ["now"] * 3


@pytest.mark.parametrize("timeout", [0, 0.05, "50 ms"])
def test_variable_that_nobody_sets(client, name, timeout):
    with pytest.raises(asyncio.TimeoutError):
        Variable(name, client).get(timeout=timeout)


def test_timeouts_as_text(client, name):
    """The scheduler reads them itself, and says what is wrong with them."""
    with pytest.raises(asyncio.TimeoutError):
        ask(client, "variable_get", name=name, timeout="20 ms", client=client.id)
    with pytest.raises(KeyError, match="Invalid time unit: parsecs"):
        ask(client, "variable_get", name=name, timeout="20 parsecs", client=client.id)
    with pytest.raises(ValueError):
        ask(client, "variable_get", name=name, timeout="1-2s", client=client.id)


def test_variable_of_futures(client, other, name):
    """Another client gets the result; it is held until the variable is given another, or is deleted."""
    variable = Variable(name, client)
    first, second = client.submit(inc, 1, key=name + "-first"), client.submit(inc, 2, key=name + "-second")
    variable.set(first)
    got = Variable(name, other).get()
    assert isinstance(got, Future) and got.result(LIMIT_S) == 2
    got.release()
    first.release()
    assert Variable(name, other).get().result(LIMIT_S) == 2
    variable.set(second)
    until(lambda: state_of(client, name + "-first") is None)
    second.release()
    assert Variable(name, other).get().result(LIMIT_S) == 3
    variable.delete()
    until(lambda: state_of(client, name + "-second") is None)
    with pytest.raises(asyncio.TimeoutError):
        variable.get(timeout=0.01)


def test_variable_of_an_erred_future(client, other, name):
    future = client.submit(fail, key=name)
    wait(future)
    Variable(name, client).set(future)
    got = Variable(name, other).get()
    assert got.status == "error"
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        got.result(LIMIT_S)
    Variable(name, client).delete()


def test_variable_of_a_key_that_comes_late(client, name, threads):
    """A question may overtake the stream on which its task is submitted."""
    waiting = threads.submit(ask, client, "variable_set", name=name, key=name, timeout="30 s")
    with pytest.raises(asyncio.TimeoutError, match="never unknown to scheduler"):
        ask(client, "variable_set", name=name, key=name + "-never", timeout=0.02)
    future = client.submit(inc, 1, key=name)
    waiting.result(LIMIT_S)
    assert Variable(name, client).get().result(LIMIT_S) == 2
    Variable(name, client).delete()
    future.release()


def test_variable_in_tasks(client, name):
    """Tasks set and get it by their worker's client."""
    def put():
        Variable("from-task").set(41)

    client.submit(put, pure=False).result(LIMIT_S)
    assert client.submit(lambda: Variable("from-task").get() + 1, pure=False).result(LIMIT_S) == 42


# ---- Queue

def test_queue_is_first_in_first_out(client, other, name):
    mine, theirs = Queue(name, client), Queue(name, other)
    for i in range(5):
        mine.put(i)
    assert theirs.qsize() == 5
    assert [theirs.get(), theirs.get()] == [0, 1]
    assert theirs.get(batch=2) == [2, 3]
    assert theirs.get(batch=True) == [4]
    assert mine.get(batch=True) == [] and mine.qsize() == 0
    with pytest.raises(NotImplementedError):
        theirs.get(batch=2, timeout=1)
    mine.close()
    theirs.close()


def test_queue_is_waited_for(client, other, name, threads):
    mine, theirs = Queue(name, client), Queue(name, other)
    waiting = [threads.submit(theirs.get, timeout=LIMIT_S) for _ in range(3)]
    for i in range(3):
        mine.put(i)
    assert {one.result(LIMIT_S) for one in waiting} == {0, 1, 2}
    with pytest.raises(asyncio.TimeoutError):
        mine.get(timeout=0.01)


def test_queue_that_is_full(client, other, name, threads):
    mine, theirs = Queue(name, client, maxsize=2), Queue(name, other)
    mine.put(1)
    mine.put(2)
    with pytest.raises(asyncio.TimeoutError):
        mine.put(3, timeout="10ms")
    waiting = threads.submit(mine.put, 3, timeout=LIMIT_S)
    assert theirs.get(timeout=LIMIT_S) == 1
    waiting.result(LIMIT_S)
    assert theirs.get(batch=True) == [2, 3]


def test_queue_of_futures(client, other, name):
    """The queue holds a result until whoever has got it holds it, and no longer."""
    mine, theirs = Queue(name, client), Queue(name, other)
    future, = client.scatter([[1, 2, 3]])
    key = future.key
    mine.put(future)
    mine.put(future)
    future.release()
    got = theirs.get(timeout=LIMIT_S)
    assert got.result(LIMIT_S) == [1, 2, 3]
    erred = client.submit(fail, pure=False)
    wait(erred)
    mine.put(erred)
    again, failed = theirs.get(batch=2)
    assert again.result(LIMIT_S) == [1, 2, 3]
    assert isinstance(failed.exception(LIMIT_S), ZeroDivisionError)
    got.release()
    again.release()
    until(lambda: state_of(client, key) is None)


def test_queue_that_is_closed(client, name):
    """What it held is let go; then there is no such queue."""
    mine = Queue(name, client)
    future, = client.scatter([name])
    key = future.key
    mine.put(future)
    future.release()
    mine.close()
    until(lambda: state_of(client, key) is None)
    with pytest.raises(KeyError, match=name):
        mine.qsize()


# ---- Event

def test_event(client, other, name, threads):
    mine, theirs = Event(name, client), Event(name, other)
    assert not mine.is_set() and not theirs.wait(timeout=0.01)
    waiting = [threads.submit(theirs.wait, timeout=LIMIT_S) for _ in range(3)]
    mine.set()
    assert all(one.result(LIMIT_S) for one in waiting) and theirs.is_set() and theirs.wait()
    theirs.clear()
    assert not mine.is_set() and not mine.wait(timeout="5ms")


def test_event_in_tasks(client, name):
    """A task waits for what the client does while it runs."""
    started, go = Event(name + "-started", client), Event(name + "-go", client)

    def task(name):
        Event(name + "-started").set()
        return Event(name + "-go").wait(timeout=LIMIT_S)

    future = client.submit(task, name)
    assert started.wait(timeout=LIMIT_S)
    go.set()
    assert future.result(LIMIT_S) is True


# ---- Lock and Semaphore

def test_lock_is_held_by_one(client, name, threads):
    first, second = Lock(name), Lock(name)
    assert first.acquire(timeout=LIMIT_S) and first.locked()
    assert not second.acquire(blocking=False) and not second.acquire(timeout=0.01)
    waiting = threads.submit(second.acquire, timeout=LIMIT_S)
    first.release()
    assert waiting.result(LIMIT_S) and second.locked()
    second.release()
    assert not first.locked()
    with pytest.raises(RuntimeError, match="Released too often"):
        first.release()


@pytest.mark.parametrize("name", [1, 2.5, ("a", 1), ["b", 2], b"123", "123"], ids=str)
def test_names_of_any_kind(client, name):
    lock = Lock(name)
    assert lock.acquire() and lock.locked()
    assert name == "123" or not Lock("123").locked()
    lock.release()
    event = Event(name, client)
    event.set()
    assert event.is_set() and not Event("another", client).is_set()
    event.clear()


def test_lock_excludes_tasks_from_each_other(client, name):
    """Of tasks that read and write a variable, none is lost."""
    Variable(name, client).set(0)

    def add(_, name):
        with Lock(name):
            variable = Variable(name)
            variable.set(variable.get() + 1)

    client.gather([client.submit(add, i, name) for i in range(12)])
    assert Variable(name, client).get() == 12


def test_semaphore_gives_so_many_leases(client, name, threads):
    semaphore, other = Semaphore(2, name), Semaphore(2, name)
    assert semaphore.acquire() and other.acquire() and semaphore.get_value() == 2
    assert not other.acquire(timeout=0)
    waiting = threads.submit(other.acquire, timeout=LIMIT_S)
    semaphore.release()
    assert waiting.result(LIMIT_S) and semaphore.get_value() == 2
    with pytest.raises(ValueError, match="Inconsistent max leases: 3, expected: 2"):
        Semaphore(3, name).register()
    semaphore.close()
    with pytest.raises(RuntimeError, match="not known"):
        other.acquire()


def test_semaphore_in_tasks(client, name):
    semaphore = Semaphore(1, name)

    def work(i, semaphore):
        with semaphore:
            return i

    assert client.gather([client.submit(work, i, semaphore) for i in range(4)]) == [0, 1, 2, 3]
    until(lambda: semaphore.get_value() == 0)


def test_lock_of_2022(client, name, threads):
    assert ask(client, "lock_acquire", name=name, id="a", timeout=None)
    assert not ask(client, "lock_acquire", name=name, id="b", timeout=0.01)
    waiting = threads.submit(ask, client, "lock_acquire", name=name, id="b", timeout=LIMIT_S)
    with pytest.raises(ValueError, match="not yet been acquired"):
        ask(client, "lock_release", name=name, id="c")
    ask(client, "lock_release", name=name, id="a")
    assert waiting.result(LIMIT_S) and ask(client, "lock_locked", name=name)
    ask(client, "lock_release", name=name, id="b")
    assert not ask(client, "lock_locked", name=name)


# ---- MultiLock

def test_multi_lock(client, other, name, threads):
    names = [f"{name}-{i}" for i in range(3)]
    first, second = MultiLock(names[:2], client), MultiLock(names[1:], other)
    assert first.acquire(timeout=LIMIT_S)
    assert not second.acquire(blocking=False) and not second.acquire(timeout="10ms")
    waiting = threads.submit(second.acquire, timeout=LIMIT_S)
    first.release()
    assert waiting.result(LIMIT_S)
    some = MultiLock(names, client)
    assert not some.acquire(blocking=False, num_locks=2) and some.acquire(blocking=False, num_locks=1)
    some.release()
    second.release()
    assert some.acquire(blocking=False)
    some.release()
    with pytest.raises(KeyError):
        ask(client, "multi_lock_release", id="nobody")


# ---- published datasets

def test_published_values(client, other, name):
    client.publish_dataset([1, "two", {"three": 3.0}], name=name)
    assert other.get_dataset(name) == [1, "two", {"three": 3.0}]
    assert name in other.list_datasets()
    with pytest.raises(KeyError, match=f"Dataset {name} already exists"):
        other.publish_dataset(4, name=name)
    other.publish_dataset(4, name=name, override=True)
    assert client.get_dataset(name) == 4
    client.unpublish_dataset(name)
    assert name not in other.list_datasets()
    with pytest.raises(KeyError, match=name):
        other.get_dataset(name)
    assert other.get_dataset(name, default="none") == "none"


def test_published_names_are_keys_and_sorted(client, other):
    client.publish_dataset({"zebra": 1, ("pair", 2): 2, 7: 3})
    assert list(other.list_datasets()) == [("pair", 2), 7, "zebra"]
    assert other.get_dataset(("pair", 2)) == 2 and other.get_dataset(7) == 3
    other.unpublish_dataset([("pair", 2), 7, "zebra"])
    assert list(client.list_datasets()) == []


def test_published_futures_outlive_their_client(cluster, client, other, name):
    """A dataset holds its results, without the client that has made them, until it is unpublished."""
    with Client(cluster.address, set_as_default=False) as third:
        futures = [third.submit(inc, 1, key=name), third.scatter([name])[0]]
        scattered = futures[1].key
        third.publish_dataset({name: futures})
    for i, key in enumerate((name, scattered)):
        until(lambda: state_of(client, key) == "memory")
        assert other.get_dataset(name)[i].result(LIMIT_S) == (2, name)[i]
    other.unpublish_dataset(name)
    for key in (name, scattered):
        until(lambda: state_of(client, key) is None)


# ---- metadata

def test_metadata(client, other, name):
    client.set_metadata(name, {"a": {"b": [1, 2]}})
    assert other.get_metadata(name) == {"a": {"b": (1, 2)}} and other.get_metadata([name, "a", "b", 1]) == 2
    client.set_metadata([name, "a", "c"], "more")
    client.set_metadata([name, "a", "b", "deep"], None)
    assert other.get_metadata([name, "a"]) == {"b": {"deep": None}, "c": "more"}
    with pytest.raises(KeyError, match="nothing"):
        other.get_metadata([name, "nothing"])
    assert other.get_metadata([name, "nothing"], default=None) is None
    assert other.get_metadata(["never", 1], default=5) == 5


def test_metadata_of_a_task_goes_with_it(client, name):
    future = client.submit(inc, 1, key=name)
    wait(future)
    client.set_metadata(name, "about it")
    assert client.get_metadata(name) == "about it"
    future.release()
    until(lambda: client.get_metadata(name, default="gone") == "gone")


def test_task_metadata(client, name):
    """Of tasks that were submitted since, what became of them, and what they have noted."""
    before = client.submit(inc, 0, key=name + "-before")
    wait(before)

    def note(x):
        worker = get_worker()
        worker.state.tasks[worker.get_current_task()].metadata["noted"] = x

    with get_task_metadata() as tasks:
        futures = [client.submit(inc, 1, key=name + "-fine"), client.submit(note, 5, key=name + "-noted"),
                   client.submit(fail, key=name + "-failed")]
        futures.append(client.submit(inc, futures[2], key=name + "-taken-along"))
        wait(futures)
    states = {"fine": "memory", "noted": "memory", "failed": "erred", "taken-along": "erred"}
    assert tasks.state == {f"{name}-{key}": state for key, state in states.items()}
    assert tasks.metadata == {f"{name}-{key}": {"noted": 5} if key == "noted" else None for key in states}
    with pytest.raises(ValueError):
        ask(client, "stop_task_metadata", name=name)


# ---- topics

def test_events_are_kept_and_told(client, other, name):
    heard = queue.Queue()
    before = time.time()
    other.subscribe_topic(name, heard.put)
    until(lambda: client.log_event(name, "hello?") or not heard.empty())  # now it is subscribed
    client.log_event([name, name + "-too"], {"x": 1})
    until(lambda: heard.get(timeout=LIMIT_S)[1] == {"x": 1})
    (moment, said), = client.get_events(name + "-too")
    assert said == {"x": 1} and before - 1 <= moment <= time.time() + 1
    assert client.get_events()[name][-1] == (client.get_events(name)[-1])
    other.unsubscribe_topic(name)
    assert client.get_events("never logged") == ()


def test_events_of_workers(client, name):
    heard = queue.Queue()
    client.subscribe_topic(name, heard.put)

    def task(name):
        get_worker().log_event(name, ["from", "a task"])

    until(lambda: client.submit(task, name, pure=False).result(LIMIT_S) or not heard.empty())
    assert heard.get(timeout=LIMIT_S)[1] == ("from", "a task")


def test_events_of_the_scheduler(cluster, client):
    """Who comes and goes is logged."""
    with Client(cluster.address, set_as_default=False) as third:
        name = third.id
    def logged(action):
        return [event for _, event in client.get_events("all") if event["action"] == action]

    assert logged("add-worker")[0]["worker"].startswith("tcp://")
    until(lambda: name in [event["client"] for event in logged("remove-client")])
    assert name in [event["client"] for event in logged("add-client")]


# ---- heartbeats

def test_many_clients_are_heard_of_less_often(cluster, client, other):
    """Every 5 s each, up to ten of them; eleven every 10 s."""
    with contextlib.ExitStack() as stack, dask.config.set({"distributed.client.heartbeat": "50ms"}):
        clients = [stack.enter_context(Client(cluster.address, set_as_default=False)) for _ in range(9)]
        for one in clients:
            until(lambda: ask(one, "ping") == b"pong" and
                  one._periodic_callbacks["heartbeat"].callback_time == 10_000)


# ---- peers that die

def die(cluster, script, *words):
    """Runs the script as a client of its own, until it says that it is time to go."""
    process = Process(sys.executable, "-c", "import sys\nfrom distributed import *\nimport dask\n" + script,
                      cluster.address, *words)
    cluster.processes.append(process)
    return process


def test_a_dead_getter_takes_nothing_along(cluster, client, name):
    """It waits for two items and has one: which comes back, and the next goes to who is alive."""
    mine = Queue(name, client)
    mine.put("first")
    process = die(cluster, "client = Client(sys.argv[1])\nQueue(sys.argv[2]).get(batch=2)", name)
    until(lambda: mine.qsize() == 0)
    process.stop()
    until(lambda: mine.qsize() == 1)
    mine.put("second")
    assert mine.get(batch=2) == ["first", "second"]


def test_a_dead_waiter_for_locks_leaves_the_row(cluster, client, name):
    """It waits for x and has y by then: y comes free."""
    x, y = MultiLock([name + "x"], client), MultiLock([name + "y"], client)
    assert x.acquire()
    process = die(cluster, "client = Client(sys.argv[1])\nMultiLock([sys.argv[2] + c for c in 'xy']).acquire()", name)

    def is_held():
        if y.acquire(blocking=False):
            y.release()
            return False
        return True

    until(is_held)
    process.stop()
    until(lambda: not is_held())
    x.release()


def test_the_lock_of_the_dead_comes_free_by_its_lease(cluster, client, name):
    script = ("dask.config.set({'distributed.scheduler.locks.lease-timeout': '1s'})\n"
              "client = Client(sys.argv[1])\nLock(sys.argv[2]).acquire()\nprint('held', flush=True)\nsys.stdin.read()\n"
              "import threading; threading.Event().wait()")
    process = die(cluster, script, name)
    process.wait_for("held")
    lock = Lock(name)
    assert lock.locked() and not lock.acquire(timeout=0)
    process.stop()
    assert lock.acquire(timeout=LIMIT_S)
    lock.release()


def test_a_dead_client_frees_what_it_was_told_of(cluster, client, name):
    """A client that has got a future of a variable and dies does not hold it for ever."""
    future = client.submit(inc, 1, key=name)
    Variable(name, client).set(future)
    script = ("client = Client(sys.argv[1])\n"
              "client.sync(client.scheduler.variable_get, name=sys.argv[2], timeout=None, client=client.id)\n"
              "print('told', flush=True)\nimport threading; threading.Event().wait()")
    process = die(cluster, script, name)
    process.wait_for("told")
    Variable(name, client).set("something else")
    future.release()
    process.stop()
    until(lambda: state_of(client, name) is None)
