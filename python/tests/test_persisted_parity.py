"""Persisted frames under Dask's own client and under ours: the same programs give the same."""
import asyncio
import importlib
import pickle
import time

import pandas as pd
import pytest

LIBRARIES = ["dask", "cdask"]
FRAME = pd.DataFrame({"a": range(100), "b": [i % 7 for i in range(100)]})


class Library:
    def __init__(self, name):
        self.name, self.top = name, importlib.import_module(name)
        self.dd = importlib.import_module(f"{name}.dataframe")
        self.distributed = importlib.import_module("distributed" if name == "dask" else "cdask.distributed")

    def client(self, n_workers=2, **options):
        options = {"processes": False, "dashboard_address": ":0", **options}
        return self.distributed.Client(n_workers=n_workers, threads_per_worker=1, **options)

    def frame(self):
        return self.dd.from_pandas(FRAME, npartitions=4)

    def futures_of(self, thing):
        return self.distributed.futures_of(thing)


@pytest.fixture(scope="module", params=LIBRARIES)
def lib(request):
    return Library(request.param)


@pytest.fixture(scope="module")
def client(lib):
    with lib.client() as client:
        yield client


def states(lib, thing):
    return {future.status for future in lib.futures_of(thing)}


def test_persist(lib, client):
    """The same kind, partitions and divisions; begun at once, found by whoever persists an equal one."""
    frame = lib.frame()
    kept = client.persist(frame)
    assert type(kept) is type(frame) and kept.npartitions == 4 and kept.divisions == frame.divisions
    assert len(lib.futures_of(kept)) == 4 and lib.futures_of(frame) == []
    lib.distributed.wait(kept)
    assert states(lib, kept) == {"finished"}
    again = frame.persist()
    assert {future.key for future in lib.futures_of(again)} == {future.key for future in lib.futures_of(kept)}
    pd.testing.assert_frame_equal(kept.compute(), FRAME)
    several = client.persist([frame, kept.a.sum()])
    assert type(several) is list and several[1].compute() == 4950
    one, two = lib.top.persist(frame, kept.b.max())
    assert len(one.compute()) == 100 and two.compute() == 6


def test_wait(lib, client):
    kept = lib.frame().persist()
    done, not_done = lib.distributed.wait(kept)
    assert len(done) == 4 and not_done == set()
    assert lib.distributed.wait(lib.frame()).done == set()
    assert lib.distributed.wait([kept, {"x": kept}]).done == done
    slow = lib.top.delayed(time.sleep)(0.4).persist()
    with pytest.raises(TimeoutError):
        lib.distributed.wait(slow, timeout=0.01)


def test_futures_of(lib, client):
    """Also of what is built on it; each one is a partition, in the order of the frame."""
    kept = lib.frame().persist()
    assert [len(part) for part in client.gather(lib.futures_of(kept))] == [25] * 4
    assert [part.a.iloc[0] for part in client.gather(lib.futures_of(kept))] == [0, 25, 50, 75]
    assert len(lib.futures_of(kept.a + 1)) == 4
    assert lib.futures_of([kept, kept.b])[0].key == lib.futures_of(kept)[0].key
    value = lib.top.delayed(sum)([1, 2]).persist()
    [future] = lib.futures_of(value)
    assert future.result() == 3 and value.compute() == 3
    assert lib.futures_of(5) == []


def test_gather(lib, client):
    """Only futures are gathered: a frame stays what it is."""
    kept = lib.frame().persist()
    assert client.gather(kept) is kept
    [same, number] = client.gather([kept, client.submit(int, 7)])
    assert same is kept and number == 7


def test_progress(lib, client, capsys):
    """It returns when all is done."""
    kept = (lib.frame() + 1).persist()
    assert lib.distributed.progress(kept, notebook=False) is None
    assert states(lib, kept) == {"finished"}
    assert "100% Completed" in capsys.readouterr().out


def test_compute(lib, client):
    kept = lib.frame().persist()
    total = client.compute(kept.a.sum())
    assert total.result() == 4950
    whole, number = client.compute([kept, 5])
    pd.testing.assert_frame_equal(whole.result(), FRAME)
    assert number == 5
    assert client.compute(kept.b.max(), sync=True) == 6
    assert client.gather(client.compute([kept.a.min(), kept.a.max()])) == [0, 99]
    assert client.compute(lib.top.delayed(len)("abc")).result() == 3
    assert client.compute(lib.frame().a.sum(), workers=list(client.nthreads())[:1]).result() == 4950


def test_frames_as_arguments(lib, client):
    kept = lib.frame().persist()
    assert client.submit(len, kept).result() == 100
    assert client.submit(lambda frame: list(frame.columns), kept).result() == ["a", "b"]


def test_where(lib, client):
    first, second = client.nthreads()
    kept = client.persist(lib.frame() * 3, workers=[second])
    lib.distributed.wait(kept)
    where = client.who_has(kept)
    assert list(where.values()) == [[second]] * 4
    assert client.has_what(["tcp://127.0.0.1:1"]) == {"tcp://127.0.0.1:1": []}


def test_replicate(lib, client):
    kept = client.persist(lib.frame() * 5)
    assert client.replicate(kept) is None
    assert [len(workers) for workers in client.who_has(kept).values()] == [2] * 4
    client.replicate(lib.futures_of(kept), n=1)
    assert [len(workers) for workers in client.who_has(kept).values()] == [1] * 4
    [first, _] = client.nthreads()
    client.replicate(kept, workers=[first])
    assert all(first in workers for workers in client.who_has(kept).values())
    pd.testing.assert_frame_equal(kept.compute(), FRAME * 5)
    for mistake in ({"n": 0}, {"workers": []}):
        with pytest.raises(ValueError, match="Can not use replicate to delete data"):
            client.replicate(kept, **mistake)
    with pytest.raises(KeyError, match="tcp://127.0.0.1:1"):
        client.replicate(kept, workers=["tcp://127.0.0.1:1"])


def test_rebalance(lib, client):
    first, _ = client.nthreads()
    data = [client.submit(bytes, 60_000_000 + i, workers=[first]) for i in range(6)]
    lib.distributed.wait(data)
    assert client.rebalance(data) is None
    assert client.gather(client.map(len, data)) == [60_000_000 + i for i in range(6)]
    client.rebalance()
    with pytest.raises(KeyError, match="tcp://127.0.0.1:1"):
        client.rebalance(data, workers=["tcp://127.0.0.1:1"])


def test_cancel(lib, client):
    """Whoever needs what was cancelled is told; persisting it again brings it back."""
    frame = lib.frame() * 7
    kept = client.persist(frame)
    lib.distributed.wait(kept)
    assert client.cancel(kept) is None
    assert states(lib, kept) == {"cancelled"}
    for attempt in (lambda: kept.a.sum().compute(), lambda: lib.futures_of(kept)[0].result(),
                    lambda: lib.distributed.wait(kept), lambda: client.gather(lib.futures_of(kept))):
        with pytest.raises(lib.distributed.CancelledError):
            attempt()
    pd.testing.assert_frame_equal(frame.persist().compute(), FRAME * 7)
    assert client.cancel(frame) is None and client.cancel([]) is None


def test_released(lib, client):
    """What nobody holds any more is gone."""
    kept = client.persist(lib.frame() * 11)
    lib.distributed.wait(kept)
    keys = {future.key for future in lib.futures_of(kept)}
    assert keys <= set(client.who_has())
    del kept
    deadline = time.monotonic() + 10
    while keys & set(client.who_has()) and time.monotonic() < deadline:
        time.sleep(0.01)  # nobody is told
    assert not keys & set(client.who_has())


def test_several_clients(lib):
    """The newest computes, unless another is the current one or is named; each persists on its own cluster."""
    with lib.client(n_workers=1) as one, lib.client(n_workers=2) as two:
        kept = one.persist(lib.frame())
        lib.distributed.wait(kept)
        assert lib.futures_of(kept)[0].client is one
        assert sorted(map(len, one.has_what().values())) == [4]
        where = lib.top.delayed(lambda: lib_of(lib.name).get_worker().address)
        assert where().compute() in two.nthreads()
        assert where().compute(scheduler=one) in one.nthreads()
        assert where().compute(scheduler=one.get) in one.nthreads()
        with one.as_current():
            assert lib.distributed.default_client() is one
            assert where().compute() in one.nthreads()
            assert kept.a.sum().compute() == 4950
        assert lib.distributed.default_client() is two
        assert where().compute() in two.nthreads()


def lib_of(name):
    return importlib.import_module("distributed" if name == "dask" else "cdask.distributed")


def test_not_the_default(lib, client):
    """A client that is no default persists all the same."""
    with lib.distributed.Client(client.scheduler_info()["address"], set_as_default=False) as other:
        assert lib.distributed.default_client() is client
        kept = other.persist(lib.frame() * 13)
        lib.distributed.wait(kept)
        assert lib.futures_of(kept)[0].client is other
        assert other.compute(kept.a.sum(), sync=True) == 4950 * 13


def test_restart(lib):
    """Afterwards the workers are others, everything is cancelled, and what is lazy can be computed anew."""
    with lib.client(processes=True) as client:
        frame = lib.frame()
        kept = frame.persist()
        lib.distributed.wait(kept)
        before = set(client.nthreads())
        assert client.restart() is None
        assert states(lib, kept) == {"cancelled"}
        with pytest.raises(lib.distributed.CancelledError):
            kept.a.sum().compute()
        assert len(client.nthreads()) == 2 and not before & set(client.nthreads())
        assert frame.persist().a.sum().compute() == 4950


def test_closed(lib):
    """Futures of a client that is closed are cancelled; what is lazy is computed here again."""
    with lib.client() as client:
        frame = lib.frame()
        kept = frame.persist()
        lib.distributed.wait(kept)
        futures = lib.futures_of(kept)
    assert {future.status for future in futures} == {"cancelled"}
    assert states(lib, kept) == {"cancelled"}
    assert frame.a.sum().compute() == 4950
    assert client.status == "closed" and repr(client) == "<Client: No scheduler connected>"


def test_asynchronous(lib):
    async def work():
        async with lib.client(asynchronous=True) as client:
            kept = client.persist(lib.frame())
            await lib.distributed.wait(kept)
            assert states(lib, kept) == {"finished"}
            assert await client.compute(kept.a.sum()) == 4950
            assert len(await client.gather(lib.futures_of(kept))) == 4
            await client.replicate(kept)
            assert [len(workers) for workers in (await client.who_has(kept)).values()] == [2] * 4
            await client.rebalance()
            await client.cancel(kept)
            assert states(lib, kept) == {"cancelled"}
    asyncio.run(asyncio.wait_for(work(), 60))


def test_shown(lib, client):
    """What notebooks show."""
    future = client.submit(len, "abc")
    future.result()
    assert "finished" in future._repr_html_() and "len" in future._repr_html_()
    page, link = client._repr_html_(), client.dashboard_link
    assert link.startswith("http://") and link.endswith("/status")
    assert link in page and "Client" in page
    assert link in client.cluster._repr_html_() and "LocalCluster" in client.cluster._repr_html_()
    assert repr(client.cluster).startswith("LocalCluster(") and "workers=2, threads=2, memory=" in repr(client.cluster)


@pytest.mark.parametrize("index", [None, pd.date_range("2024", periods=60, freq="h", name="when"), pd.Index(range(5, 65))])
def test_published(index):
    """Another client finds what was published, after the one that did has gone: frames, series, scalars, results. As
    pandas has it, for Dask loses some of it then."""
    lib = Library("cdask")
    with lib.client() as client:
        check_published(lib, client, index)


def check_published(lib, client, index):
    frame = pd.DataFrame({"a": range(60), "b": [f"x{i % 7}" for i in range(60)], "c": [i / 3 for i in range(60)]}, index)
    address = client.scheduler_info()["address"]
    with lib.distributed.Client(address, set_as_default=False) as giver:
        lazy, five = giver.persist(lib.dd.from_pandas(frame, npartitions=4)), giver.submit(abs, -5)
        lib.distributed.wait(five)
        giver.publish_dataset(frame=lazy, column=giver.persist(lazy.c), total=giver.persist(lazy.a.sum()),
                              result=giver.persist(lib.top.delayed(sum)([1, 2])), several=[lazy, five])
    with lib.distributed.Client(address) as taker:
        found = taker.get_dataset("frame")
        assert found.npartitions == 4 and found.divisions == lazy.divisions
        pd.testing.assert_frame_equal(found.compute(), frame, check_dtype=False, check_index_type=False, check_freq=False)
        assert found.a.sum().compute() == frame.a.sum()
        pd.testing.assert_series_equal(found.groupby("b").c.mean().compute(), frame.groupby("b").c.mean(),
                                       check_index_type=False)
        pd.testing.assert_series_equal(taker.get_dataset("column").compute(), frame.c, check_index_type=False,
                                       check_freq=False)
        assert taker.get_dataset("total").compute() == frame.a.sum() and taker.get_dataset("result").compute() == 3
        again, five = taker.get_dataset("several")
        assert len(again.compute()) == 60 and five.result() == 5
        for name in taker.list_datasets():
            taker.unpublish_dataset(name)


def test_only_what_is_persisted_leaves():
    """Lazy things hang on their process."""
    lib = importlib.import_module("cdask")
    lazy = importlib.import_module("cdask.dataframe").from_pandas(pd.DataFrame({"a": [1]}), npartitions=1)
    for thing in (lazy, lazy.a, lazy.a.sum(), lib.delayed(abs)(1)):
        with pytest.raises(TypeError, match="leaves its process only when it is persisted on a cluster"):
            pickle.dumps(thing)
