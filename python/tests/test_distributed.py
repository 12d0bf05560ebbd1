"""A client and a cluster of its own: frames and callables are computed by other processes, with the local results."""
import os
import subprocess
import sys

import pandas as pd
import pytest

import cdask
import cdask.dataframe as dd
from cdask.distributed import Client


@pytest.fixture(scope="module")
def client():
    with Client(n_workers=2, threads_per_worker=1) as client:
        yield client


@pytest.fixture(scope="module")
def frame():
    return pd.DataFrame({"a": range(1000), "b": [i % 7 for i in range(1000)]})


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


def test_repr(client):
    assert repr(client) == f"<Client: '{client.address}'>"
    assert client.address.startswith("tcp://127.0.0.1:")


def test_several_clients(client):
    """The newest is the one that computes."""
    with Client(client.address) as other:
        assert cdask.delayed(lambda: 1)().compute() == 1
        assert repr(other) == repr(client)
    assert cdask.delayed(lambda: 2)().compute() == 2


def test_closed():
    """It is in nobody's way when it is closed, and its workers are gone."""
    code = ("import os, cdask, subprocess\n"
            "from cdask.distributed import Client\n"
            "client = Client(n_workers=2)\n"
            "pid = cdask.delayed(os.getpid)().compute()\n"
            "client.close()\n"
            "assert cdask.delayed(os.getpid)().compute() == os.getpid()\n"
            "assert repr(client) == '<Client: closed>'\n"
            "print(pid)\n")
    done = subprocess.run([sys.executable, "-X", "dev", "-W", "error", "-c", code], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


def test_nobody_there():
    code = ("from cdask.distributed import Client\n"
            "try:\n    Client('127.0.0.1:1', timeout=5)\n"
            "except OSError as problem:\n    print(problem)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "127.0.0.1:1" in done.stdout, done.stderr
