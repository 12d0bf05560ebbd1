"""The same programs with Dask's own client and with ours, each on a cluster of its own, give the same."""
import asyncio
import concurrent.futures
import importlib
import operator
import os
import time

import pytest

distributed = pytest.importorskip("distributed", reason="distributed is not installed")

LIBRARIES = ["distributed", "cdask.distributed"]


def inc(x):
    return x + 1


def divide(x, y):
    return x / y


class Strange(Exception):
    """Cannot be made of its text alone."""

    def __init__(self, number, text):
        super().__init__(number, text)
        self.number = number


def fail(number):
    raise Strange(number, "it is")


@pytest.fixture(scope="module", params=LIBRARIES)
def lib(request):
    return importlib.import_module(request.param)


@pytest.fixture(scope="module")
def client(lib):
    options = {} if lib.__name__.startswith("cdask") else {"processes": False, "dashboard_address": None}
    with lib.Client(n_workers=2, threads_per_worker=2, **options) as client:
        yield client


def test_submit(client):
    future = client.submit(inc, 1)
    assert future.result() == 2
    assert future.done() and future.status == "finished" and not future.cancelled()
    assert future.key.startswith("inc-")
    assert future.exception() is None and future.traceback() is None


def test_arguments(client):
    """Futures stand for their results wherever they are."""
    one, two = client.submit(inc, 0), client.submit(inc, 1)
    assert client.submit(operator.add, one, two).result() == 3
    assert client.submit(sum, [one, two, 10]).result() == 13
    assert client.submit(lambda d, k=None: (d["a"], k), {"a": one}, k=(two, 5)).result() == (1, (2, 5))


def test_keys(client):
    """Equal calls are one task, unless they are not pure."""
    assert client.submit(inc, 5).key == client.submit(inc, 5).key != client.submit(inc, 6).key
    assert client.submit(inc, 5, pure=False).key != client.submit(inc, 5, pure=False).key
    assert client.submit(inc, 5, key="mine").key == "mine"
    assert client.submit(inc, 1, key="mine").key == "mine"


def test_results_of_all_kinds(client):
    things = [None, True, 2**100, -5, 1.5, "text", b"bytes", [1, [2]], (1, 2), {1, 2}, {"a": 1, 2: "b"}, range(3),
              Strange, inc, 1j, Ellipsis, "x" * 100000]
    assert client.gather(client.map(lambda i, things=things: things[i], range(len(things)))) == things


@pytest.mark.parametrize("direct", [True, False, None])
def test_ways(lib, client, direct):
    """The same results come from workers and by way of the scheduler."""
    futures = client.map(inc, [1, 2.5, 10**30])
    assert client.gather(futures, direct=direct) == [2, 3.5, 10**30 + 1]
    with pytest.raises(ZeroDivisionError):
        client.gather([futures[0], client.submit(divide, 3, 0)], direct=direct)
    with lib.Client(client.scheduler_info()["address"], direct_to_workers=direct, set_as_default=False) as other:
        assert other.submit(inc, 7).result() == 8


def test_exceptions(client):
    future = client.submit(divide, 1, 0)
    with pytest.raises(ZeroDivisionError, match="division by zero"):
        future.result()
    assert future.status == "error" and future.done()
    assert isinstance(future.exception(), ZeroDivisionError)
    names = []
    trace = future.traceback()
    while trace:
        names.append(trace.tb_frame.f_code.co_name)
        trace = trace.tb_next
    assert names[-1] == "divide"


def test_strange_exceptions(client):
    with pytest.raises(Strange) as caught:
        client.submit(fail, 7).result()
    assert caught.value.number == 7


def test_exceptions_of_dependencies(client):
    """What depends on a failed task fails as it does."""
    with pytest.raises(ZeroDivisionError):
        client.submit(inc, client.submit(divide, 2, 0)).result()


def test_retry(client, tmp_path):
    def once(path):
        import os
        if not os.path.exists(path):
            open(path, "w").close()
            raise OSError("not yet")
        return "good"
    future = client.submit(once, str(tmp_path / "a"))
    assert isinstance(future.exception(), OSError)
    future.retry()
    assert future.result() == "good"
    assert client.submit(once, str(tmp_path / "b"), retries=1).result() == "good"


def test_timeout(client):
    """What is not there in time is a TimeoutError, and comes later."""
    future = client.submit(time.sleep, 0.5, pure=False)
    with pytest.raises(TimeoutError):
        future.result(timeout=0.05)
    assert future.status == "pending" and not future.done()
    assert future.result(timeout="20 s") is None


def test_cancel(lib, client):
    slow = client.submit(time.sleep, 0.2, pure=False)
    later = client.submit(inc, slow)
    later.cancel()
    assert later.cancelled() and later.status == "cancelled"
    with pytest.raises(lib.CancelledError):
        later.result()
    assert slow.result() is None


def test_why_cancelled(lib, client):
    """Who asks for the result is told what was said when it was cancelled; so is another client whose future it was."""
    slow = client.submit(time.sleep, 0.2, pure=False)
    with lib.Client(client.scheduler_info()["address"], set_as_default=False) as other:
        theirs = lib.Future(slow.key, other)
        client.cancel([slow], force=True, reason="enough", msg="we have seen it all")
        with pytest.raises(lib.CancelledError) as caught:
            lib.wait([theirs])
        assert str(caught.value) == ("1 Future cancelled:\nReasons:\n1 Future cancelled for reason: enough.\n"
                                     f"Message: we have seen it all\nFuture: ['{slow.key}']")
        told = "cancelled for reason: enough.\nwe have seen it all"
        for future in (slow, theirs):
            with pytest.raises(lib.CancelledError) as caught:
                future.result()
            assert str(caught.value) == f"{slow.key} {told}"


def test_map(client):
    assert client.gather(client.map(inc, range(20))) == list(range(1, 21))
    assert client.gather(client.map(operator.add, range(5), [10, 20, 30])) == [10, 21, 32]
    futures = client.map(inc, [1, 1])
    assert futures[0].key == futures[1].key
    assert client.gather(client.map(operator.add, futures, [1, 2])) == [3, 4]
    assert [future.key for future in client.map(inc, [7, 8], key=["x7", "x8"])] == ["x7", "x8"]
    assert client.gather(client.map(lambda x, by=0: x + by, [1, 2], by=5)) == [6, 7]
    assert client.map(inc, []) == []


def test_gather(client):
    """The result has the shape of the argument."""
    a, b = client.map(inc, [1, 2])
    assert client.gather(a) == 2
    assert client.gather([a, [b, a]]) == [2, [3, 2]]
    assert client.gather((a, b)) == (2, 3)
    assert client.gather({"x": a, "y": [b]}) == {"x": 2, "y": [3]}
    assert client.gather([]) == []
    bad = client.submit(divide, 3, 0)
    with pytest.raises(ZeroDivisionError):
        client.gather([a, bad])
    assert client.gather([a, bad, b], errors="skip") == [2, 3]


def test_scatter(client):
    future = client.scatter("data")
    assert future.status == "finished" and future.result() == "data"
    assert [one.result() for one in client.scatter([1, (2,)])] == [1, (2,)]
    named = client.scatter({"x": 1, "y": 2})
    assert named["x"].key == "x" and client.submit(operator.add, *named.values()).result() == 3
    assert client.scatter(123).key == client.scatter(123).key
    everywhere = client.scatter("wide", broadcast=True)
    assert len(client.who_has(everywhere)[everywhere.key]) == 2


def test_wait(lib, client):
    futures = client.map(inc, range(30, 35))
    done, not_done = lib.wait(futures)
    assert done == set(futures) and not_done == set()
    slow = client.submit(time.sleep, 0.5, pure=False)
    done, not_done = lib.wait([slow, futures[0]], return_when="FIRST_COMPLETED")
    assert done == {futures[0]} and not_done == {slow}
    with pytest.raises(TimeoutError):
        lib.wait(slow, timeout=0.01)
    with pytest.raises(NotImplementedError):
        lib.wait(slow, return_when="never")


def test_as_completed(lib, client):
    slow, fast = client.submit(time.sleep, 0.3, pure=False), client.submit(inc, 100)
    assert list(lib.as_completed([slow, fast])) == [fast, slow]
    pairs = list(lib.as_completed(client.map(inc, range(5)), with_results=True))
    assert sorted(result for _, result in pairs) == [1, 2, 3, 4, 5]
    several = lib.as_completed()
    assert several.is_empty() and several.count() == 0
    several.update(client.map(inc, range(3)))
    several.add(fast)
    assert several.count() == 4
    assert sorted(future.result() for batch in several.batches() for future in batch) == [1, 2, 3, 101]
    with pytest.raises(TimeoutError):
        next(lib.as_completed([client.submit(time.sleep, 0.5, pure=False)], timeout=0.01))
    with pytest.raises(ZeroDivisionError):
        list(lib.as_completed([client.submit(divide, 4, 0)], with_results=True))
    [(_, (kind, problem, _))] = lib.as_completed([client.submit(divide, 5, 0)], with_results=True, raise_errors=False)
    assert kind is ZeroDivisionError and isinstance(problem, kind)


def test_callbacks(lib, client):
    """Each is called once, also for what is done already."""
    import threading
    told, called = [], threading.Semaphore(0)

    def tell(future):
        told.append((future.key, future.status))
        called.release()
    future = client.submit(inc, 55)
    future.add_done_callback(tell)
    called.acquire(timeout=10)
    future.add_done_callback(tell)
    called.acquire(timeout=10)
    bad = client.submit(divide, 6, 0)
    bad.add_done_callback(tell)
    called.acquire(timeout=10)
    assert told == [(future.key, "finished")] * 2 + [(bad.key, "error")]


def test_fire_and_forget(lib, client):
    event = lib.Event("forgotten")

    def work():
        import importlib
        importlib.import_module(lib_name).Event("forgotten").set()
    lib_name = lib.__name__
    lib.fire_and_forget(client.submit(work, pure=False))
    assert event.wait(timeout=20)
    event.clear()
    with lib.Client(client.scheduler_info()["address"], set_as_default=False) as other:
        lib.fire_and_forget(other.submit(lambda _: work(), other.submit(time.sleep, 0.3), pure=False))
    assert event.wait(timeout=20)


def test_what_the_scheduler_knows(client):
    future = client.submit(inc, 77)
    future.result()
    threads = client.nthreads()
    assert list(threads.values()) == [2, 2] and client.ncores() == threads
    [where] = client.who_has(future)[future.key]
    assert where in threads
    assert future.key in client.has_what()[where]
    info = client.scheduler_info()
    assert info["type"] == "Scheduler" and set(info["workers"]) == set(threads)
    assert info["workers"][where]["nthreads"] == 2
    assert set(client.processing()) == set(threads)
    client.wait_for_workers(2)
    with pytest.raises(TimeoutError):
        client.wait_for_workers(3, timeout=0.1)


def test_logs(client):
    """Pairs of level and line, the newest first."""
    for kept in (client.get_scheduler_logs(), *client.get_worker_logs().values()):
        assert kept and all(line.split(" - ")[2] == level for level, line in kept)
    assert client.get_scheduler_logs(n=2) == client.get_scheduler_logs()[:2]
    first = next(iter(client.nthreads()))
    assert client.get_worker_logs(n=1, workers=[first]) == {first: client.get_worker_logs()[first][:1]}
    assert set(client.get_worker_logs()) == set(client.nthreads())


def test_events(client):
    """Under one topic or several; most recent last."""
    client.log_event("parity", {"x": 1})
    client.log_event(["parity", "other"], "two")
    assert [event for _, event in client.get_events("parity")] == [{"x": 1}, "two"]
    (moment, event), = client.get_events()["other"]
    assert event == "two" and abs(moment - time.time()) < 60
    assert client.get_events("nothing") == ()


def test_restrictions(client):
    first, second = client.nthreads()
    for worker in (first, second):
        future = client.submit(inc, 1, workers=worker, key=f"at-{worker}")
        future.result()
        assert client.who_has(future)[future.key] == [worker]
    with pytest.raises(ValueError, match="allow_other_workers"):
        client.submit(inc, 1, allow_other_workers=True)


def library(lib):
    """dask or cdask."""
    return importlib.import_module("cdask" if lib.__name__.startswith("cdask") else "dask")


def test_annotations(lib, client):
    """Tasks that are submitted, computed or persisted within are run as it says; calls go before."""
    annotate, get_annotations = library(lib).annotate, library(lib).get_annotations
    first, second = client.nthreads()
    lazy = library(lib).delayed(inc)
    for worker in (first, second):
        with annotate(workers=worker, priority=10, unknown=5):
            assert get_annotations() == {"workers": [worker], "priority": 10, "unknown": 5}
            futures = [client.submit(inc, 1, pure=False), *client.map(inc, range(3), pure=False),
                       *client.compute([lazy(1), lazy(2)]), *lib.futures_of(client.persist(lazy(3)))]
            other = client.submit(inc, 1, pure=False, workers=first if worker == second else second)
        lib.wait([*futures, other])
        holders = client.who_has()
        assert all(holders[future.key] == [worker] for future in futures)
        assert holders[other.key] != [worker]
    assert get_annotations() == {}


def test_annotated_retries(lib, client, tmp_path):
    def fail_once(path):
        path.write_text(tries := (path.read_text() if path.exists() else "") + "x")
        if len(tries) < 3:
            raise ValueError(tries)
        return tries

    with library(lib).annotate(retries=2):
        assert client.submit(fail_once, tmp_path / "submit").result() == "xxx"
        assert library(lib).delayed(fail_once)(tmp_path / "compute").compute() == "xxx"
    assert library(lib).delayed(fail_once)(tmp_path / "own").compute(retries=2) == "xxx"


@pytest.mark.parametrize("name, value", [("priority", "high"), ("retries", "often"), ("resources", ["GPU"]),
                                         ("workers", 1), ("allow_other_workers", "yes")])
def test_bad_annotations(lib, client, name, value):
    with pytest.raises(TypeError, match=f"'{name}' annotation"):
        with library(lib).annotate(**{name: value}):
            pass


def test_unknown_keywords(lib, client):
    """They are told, nowhere forgotten; by Dask's persist they are."""
    lazy = library(lib).delayed(inc)(1)
    for call in (client.compute, client.persist)[:2 if lib is not distributed else 1]:
        with pytest.raises(TypeError, match="unexpected keyword argument 'bogus'"):
            call(lazy, bogus=1)
    for call in (client.submit, client.map):
        with pytest.raises(TypeError, match="unexpected keyword argument 'bogus'"):
            client.gather(call(inc, [1], bogus=1))
    with pytest.raises(ValueError, match="Unexpected keyword arguments.*bogus"):
        lib.Client(client.scheduler_info()["address"], bogus=1)


def test_datasets(lib, client):
    future = client.submit(inc, 88)
    client.publish_dataset(one=future)
    client.publish_dataset({"two": [future, "text"]})
    client.publish_dataset(5, name="three")
    assert sorted(client.list_datasets()) == ["one", "three", "two"]
    assert client.get_dataset("one").result() == 89
    assert client.get_dataset("two")[1] == "text" and client.get_dataset("two")[0].result() == 89
    with pytest.raises(KeyError):
        client.publish_dataset(one=1)
    client.publish_dataset(one=1, override=True)
    assert client.get_dataset("one") == 1 and client.get_dataset(["three", "one"]) == [5, 1]
    client.unpublish_dataset(["one", "two", "three"])
    assert list(client.list_datasets()) == []
    with pytest.raises(KeyError, match="not found"):
        client.get_dataset("one")
    assert client.get_dataset("one", default=None) is None


def test_metadata(client):
    client.set_metadata("x", {"a": [1, 2]})
    client.set_metadata(["x", "b"], "c")
    assert client.get_metadata("x") == {"a": [1, 2], "b": "c"}
    assert client.get_metadata("nowhere", default=None) is None
    with pytest.raises(KeyError):
        client.get_metadata("nowhere")


def test_get(client):
    """Graphs that are dicts."""
    dsk = {"x": 1, "y": (inc, "x"), "z": (sum, ["x", "y"])}
    assert client.get(dsk, "z") == 3
    assert tuple(client.get(dsk, ["z", "y"])) == (3, 2)
    assert client.get(dsk, "z", sync=False).result() == 3


def test_variables(lib, client):
    variable = lib.Variable("v")
    variable.set([1, "a"])
    assert list(lib.Variable("v").get()) == [1, "a"]
    future = client.submit(inc, 5)
    variable.set(future)
    assert variable.get().key == future.key and variable.get().result() == 6
    variable.delete()
    with pytest.raises(TimeoutError):
        lib.Variable("unset").get(timeout="50 ms")


def test_queues(lib, client):
    queue = lib.Queue("q", maxsize=2)
    future = client.submit(inc, 5)
    queue.put(1)
    queue.put(future)
    assert queue.qsize() == 2
    with pytest.raises(TimeoutError):
        queue.put(3, timeout=0.05)
    assert queue.get() == 1 and queue.get().result() == 6
    with pytest.raises(TimeoutError):
        queue.get(timeout=0.05)
    for i in range(2):
        queue.put(i)
    assert list(queue.get(batch=True)) == [0, 1]
    queue.close()


def test_locks(lib, client):
    lock = lib.Lock("l")
    assert lock.acquire() and lock.locked()
    assert not lib.Lock("l").acquire(timeout=0.05)
    assert not lib.Lock("l").acquire(blocking=False)
    lock.release()
    with lib.Lock("l"):
        assert lock.locked()
    assert not lock.locked()
    with pytest.raises(ValueError, match="non-blocking"):
        lock.acquire(blocking=False, timeout=1)


def test_locks_in_tasks(lib, client, tmp_path):
    """Tasks that read and write a file take turns."""
    name, path = lib.__name__, tmp_path / "n"
    path.write_text("0")

    def count(path):
        import importlib
        with importlib.import_module(name).Lock("file"):
            with open(path) as file:
                number = int(file.read())
            with open(path, "w") as file:
                file.write(str(number + 1))
    client.gather([client.submit(count, str(path), pure=False) for _ in range(20)])
    assert path.read_text() == "20"


def test_multi_locks(lib, client):
    first, second = lib.MultiLock(["a", "b"]), lib.MultiLock(["b", "c"])
    assert first.acquire() and first.locked()
    assert not second.acquire(timeout=0.05)
    first.release()
    with second:
        assert second.locked()
    with pytest.raises(ValueError, match="not yet acquired"):
        first.release()


def test_semaphores(lib, client):
    semaphore = lib.Semaphore(max_leases=2, name="s")
    assert semaphore.acquire() and semaphore.acquire()
    assert not lib.Semaphore(max_leases=2, name="s").acquire(timeout=0.05)
    assert semaphore.get_value() == 2
    semaphore.release()
    assert semaphore.get_value() == 1
    semaphore.release()
    with pytest.raises(RuntimeError, match="Released too often"):
        semaphore.release()
    semaphore.close()


def test_events(lib, client):
    event = lib.Event("e")
    assert not event.is_set() and not event.wait(timeout=0.05)
    waiting = client.submit(lambda name: __import__("importlib").import_module(name).Event("e").wait(), lib.__name__)
    event.set()
    assert waiting.result() is True and event.is_set()
    event.clear()
    assert not event.is_set()


def test_tasks_that_submit(lib, client):
    name = lib.__name__

    def outer(n):
        import importlib
        library = importlib.import_module(name)
        here = library.get_worker().address
        client = library.get_client()
        return here, sum(client.gather(client.map(lambda x: x * 2, range(n))))
    here, total = client.submit(outer, 4).result()
    assert here in client.nthreads() and total == 12
    with pytest.raises(ValueError, match="No worker found"):
        lib.get_worker()
    assert lib.get_client() is client and lib.default_client() is client


def test_tasks_that_wait(lib, client):
    """More of them than there are threads wait for tasks of their own, these for theirs, and nothing hangs."""
    name = lib.__name__

    def tree(depth):
        library = importlib.import_module(name)
        if not depth:
            return 1
        with library.worker_client() as own:
            return sum(own.gather(own.map(tree, [depth - 1] * 3, pure=False)))

    assert client.submit(tree, 4, pure=False).result(timeout=60) == 81


def test_secede(lib, client):
    """A task that has seceded may wait for one behind it; rejoining it goes on as before."""
    name = lib.__name__

    def wait_for_others(number):
        library = importlib.import_module(name)
        own = library.get_client()
        library.secede()
        found = sum(own.gather(own.map(lambda x: x + 1, range(number), pure=False)))
        library.rejoin()
        return found

    futures = client.map(wait_for_others, [10] * 12, pure=False)
    assert [future.result(timeout=60) for future in futures] == [55] * 12


def test_secede_elsewhere(lib):
    with pytest.raises((ValueError, AttributeError)):
        lib.secede()
    with pytest.raises((ValueError, AttributeError)):
        lib.rejoin()


def test_other_clients(lib, client):
    """Clients of one scheduler may use each other's futures as arguments; results each fetches by its own."""
    with lib.Client(client.scheduler_info()["address"], set_as_default=False) as other:
        futures = client.map(inc, range(5, 9))
        lib.wait(futures)  # Dask's scheduler may hear of the next task first
        assert other.submit(sum, futures).result() == 30
        assert other.submit(inc, futures[0]).result() == 7
        lazy = client.persist(library(lib).delayed(inc)(80))
        lib.wait(lazy)
        assert other.compute(library(lib).delayed(inc)(lazy)).result() == 82
        with pytest.raises(ValueError, match="Cannot gather Futures created by another client"):
            other.gather([client.submit(inc, 70)])


@pytest.mark.parametrize("key", [[1], b"bytes", {1}, object()])
def test_bad_keys(client, key):
    with pytest.raises(TypeError):
        client.submit(inc, 1, key=key)


def test_tuples_as_keys(client):
    future = client.submit(inc, 1, key=("tuple", 1))
    assert future.result() == 2 and list(client.who_has(future)) == [("tuple", 1)]


def test_killed_workers():
    """A task that costs all workers their lives is given up, in Dask's words. Its own nannies do not always get over
    that."""
    lib = importlib.import_module("cdask.distributed")
    with lib.Client(n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        with pytest.raises(lib.KilledWorker, match="Attempted to run task 'deadly' on 4 different workers") as caught:
            client.submit(os._exit, 1, key="deadly").result(timeout=60)
    assert caught.value.task == "deadly" and caught.value.allowed_failures == 3
    assert caught.value.last_worker.address.startswith("tcp://")


def test_coroutine_functions(client):
    """What a coroutine gives is the result."""
    async def later(x):
        await asyncio.sleep(0.01)
        return x + 1
    assert client.submit(later, 3).result() == 4
    assert client.gather(client.map(later, range(3))) == [1, 2, 3]


def test_names_of_workers(lib):
    """Numbers, by which tasks may be sent to them, also after a restart."""
    with lib.Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        for _ in range(2):
            names = {str(told["name"]): address for address, told in client.scheduler_info()["workers"].items()}
            assert set(names) == {"0", "1"}
            for workers in (1, [1], {1}, (1,)):
                future = client.submit(inc, 1, workers=workers, pure=False)
                assert future.result(timeout=20) == 2 and list(client.who_has(future)[future.key]) == [names["1"]]
            assert client.submit(inc, 1, workers=[0, 1], pure=False).result(timeout=20) == 2
            assert client.submit(inc, 1, workers=0, pure=False).result(timeout=20) == 2
            client.restart()


def test_executor(client):
    """The cluster behind the interface of the standard library's executors."""
    with client.get_executor(retries=1) as executor:
        made = executor.submit(inc, 1)
        assert isinstance(made, concurrent.futures.Future) and made.result(timeout=20) == 2
        assert list(executor.map(pow, [2, 3], [3, 2])) == [8, 9]
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 1, 0).result(timeout=20)
        with pytest.raises(TimeoutError):
            list(executor.map(time.sleep, [1.5], timeout=0.1))
        slow = executor.submit(time.sleep, 1)
        assert slow.cancel() and slow.cancelled()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(inc, 1)
    with pytest.raises(TypeError, match="unsupported arguments to ClientExecutor: .'bogus'."):
        client.get_executor(bogus=1)


def test_datasets(client):
    """What is published, as a mapping."""
    client.datasets["mapped"] = client.submit(inc, 41)
    assert "mapped" in client.datasets and "mapped" in list(client.datasets) and len(client.datasets) >= 1
    assert client.datasets["mapped"].result() == 42
    with pytest.raises(KeyError, match="already exists"):
        client.datasets["mapped"] = client.submit(inc, 1)
    del client.datasets["mapped"]
    assert "mapped" not in client.datasets
    with pytest.raises(KeyError):
        client.datasets["mapped"]


def test_versions(client):
    """Who has which packages: the workers have ours."""
    found = client.get_versions(check=True, packages=["pytest", "no-such-package"])
    assert set(found) == {"client", "scheduler", "workers"} and len(found["workers"]) == 2
    assert found["client"]["packages"]["pytest"] and not found["client"]["packages"]["no-such-package"]
    for told in found["workers"].values():
        assert told["packages"] == found["client"]["packages"]


def test_local_cluster(lib, tmp_path):
    """Who its workers are, what they have logged; some are started anew, and another client finds it by a file."""
    with lib.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        cluster.wait_for_workers(2, timeout=20)
        assert len(cluster.workers) == 2 and len(cluster.scheduler_info["workers"]) == 2
        logs = cluster.get_logs()
        assert set(logs) == {"Cluster", "Scheduler", *cluster.scheduler_info["workers"]}
        assert "Scheduler" not in cluster.get_logs(scheduler=False)
        with lib.Client(cluster, set_as_default=False) as client:
            first, second = client.scheduler_info()["workers"]
            kept = client.submit(inc, 1, workers=[first])
            assert kept.result() == 2
            assert client.restart_workers([first], timeout=60) == {first: "OK"}
            after = client.scheduler_info()["workers"]
            assert len(after) == 2 and first not in after and second in after
            client.write_scheduler_file(tmp_path / "scheduler.json")
        with lib.Client(scheduler_file=tmp_path / "scheduler.json", set_as_default=False) as client:
            assert client.submit(lambda: lib.get_worker().nthreads if lib.__name__ == "cdask.distributed" else 1).result() == 1


def test_retire_those_that_are_needed_least(lib):
    """Who names no workers says how many, or has those go that are idle; what they hold stays."""
    with lib.Client(n_workers=3, threads_per_worker=1, dashboard_address=None) as client:
        data = client.scatter(list(range(6)))
        gone = client.retire_workers(n=1)
        assert len(gone) == 1 and not set(gone) & set(client.scheduler_info()["workers"])
        assert client.gather(data) == list(range(6))
        client.retire_workers(minimum=1)
        assert len(client.scheduler_info()["workers"]) == 1 and client.gather(data) == list(range(6))


def test_closed_while_others_wait():
    """Whoever waits for a result in another thread is told; with Dask some wait for ever."""
    lib = importlib.import_module("cdask.distributed")

    def outcome(wait):
        try:
            return wait()
        except BaseException as problem:
            return problem
    with lib.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        with lib.Client(cluster, set_as_default=False) as client:
            never = client.submit(inc, 1, resources={"none": 1})
            waits = (never.result, lambda: client.gather([never]), never.exception, lambda: lib.wait(never))
            with concurrent.futures.ThreadPoolExecutor(len(waits)) as pool:
                told = [pool.submit(outcome, wait) for wait in waits]
                assert not concurrent.futures.wait(told, timeout=0.3).done
                client.close()
                assert all(isinstance(one.result(timeout=20), lib.CancelledError) for one in told)


def test_the_scheduler_ends(lib):
    """The client knows, and says so."""
    with lib.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        with lib.Client(cluster.scheduler_address, set_as_default=False) as client:
            assert client.status == "running"
            cluster.close()
            end = time.monotonic() + 20
            while client.status == "running":
                assert time.monotonic() < end
            assert client.status in ("connecting", "closed")


def test_mistakes(client):
    with pytest.raises(TypeError, match="callable"):
        client.submit(1)
    with pytest.raises(TypeError, match="callable"):
        client.map(1, [2])


def test_repr(client):
    future = client.submit(inc, 1)
    future.result()
    assert "finished" in repr(future) and future.key in repr(future) and future.key in future._repr_html_()
    assert repr(client).startswith(f"<Client: '{client.scheduler_info()['address']}' processes=2 threads=4, memory=")
    assert "Client" in client._repr_html_()


def test_futures_of(lib, client):
    a, b = client.map(inc, [1, 2])
    assert set(lib.futures_of([a, {"x": (b, 5)}])) == {a, b}


@pytest.mark.parametrize("name", LIBRARIES)
def test_asynchronous(name):
    """Coroutines, for whoever has an event loop."""
    lib = importlib.import_module(name)

    async def work():
        options = {"processes": False, "dashboard_address": None}
        async with lib.Client(n_workers=1, threads_per_worker=2, asynchronous=True, **options) as client:
            future = client.submit(inc, 10)
            assert await future == 11
            assert await future.result() == 11
            futures = client.map(inc, range(4))
            assert await client.gather(futures) == [1, 2, 3, 4]
            assert {future async for future in lib.as_completed(futures)} == set(futures)
            assert sorted([pair[1] async for pair in lib.as_completed(futures, with_results=True)]) == [1, 2, 3, 4]
            await lib.wait(futures)
            with pytest.raises(ZeroDivisionError):
                await client.submit(divide, 1, 0)
            assert isinstance(await client.submit(divide, 1, 0).exception(), ZeroDivisionError)
            assert await (await client.scatter(5)) == 5
            assert len(await client.nthreads()) == 1
            async with lib.Lock("a"):
                pass
            event = lib.Event("b")
            await event.set()
            assert await event.wait()
            late = client.submit(time.sleep, 0.3, pure=False)
            with pytest.raises((TimeoutError, asyncio.TimeoutError)):
                await asyncio.wait_for(late.result(), 0.01)
    asyncio.run(asyncio.wait_for(work(), 60))
