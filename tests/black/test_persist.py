"""Persisted dataframes on clusters of real processes, of cdask's scheduler and of Dask's: computed
once, found again, computed again when a worker is lost, let go of with the last reference."""
import os
import pathlib
import signal
import subprocess
import sys

import pandas as pd
import pytest
from cluster import CDASK, VENV_2022, Process
from native_client import BUILD  # noqa: F401: which library is tested
from test_cluster import ask

import cdask
import cdask.dataframe as dd
from cdask.distributed import Client

SCHEDULERS = {"cdask": [CDASK, "scheduler", "--validate"],
              "dask": [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--no-dashboard"],
              "dask 2022": [VENV_2022 / "bin" / "dask", "scheduler", "--host", "127.0.0.1", "--no-dashboard"]}


class Cluster:
    """A scheduler and three native workers; a folder with a file a day."""

    def __init__(self, kind, folder):
        self.scheduler = Process(*SCHEDULERS[kind], "--port", 0)
        self.address = self.scheduler.wait_for(r"Scheduler at:\s*(\S+)").group(1)
        self.workers = [Process(CDASK, "worker", self.address, "--nthreads", 1, "--no-nanny") for _ in range(3)]
        for worker in self.workers:
            worker.wait_for(r"Registered to:")
        self.folder = folder

    def read(self):
        return dd.read_csv(f"{self.folder}/*.csv", parse_dates=["timestamp"])

    def kept(self):
        """The keys of partitions in the cluster's memory."""
        who_has = ask(self.address, "who_has")
        return {str(key) for key, workers in who_has.items() if "read-csv" in str(key) and workers}

    def close(self):
        for process in [*self.workers, self.scheduler]:
            process.stop()
        assert "CRITICAL" not in "".join(self.scheduler.lines)


@pytest.fixture(params=SCHEDULERS)
def cluster(request, tmp_path):
    if not pathlib.Path(SCHEDULERS[request.param][0]).exists():
        pytest.skip("Dask 2022.12 is not in build/venv-2022")
    subprocess.run([CDASK, "demo-data", "--quiet", "--directory", tmp_path, "--start", "2015-04-20", "--end",
                    "2015-05-20", "--freq", "60s"], check=True, timeout=60)
    cluster = Cluster(request.param, next(tmp_path.rglob("*.csv")).parent)
    yield cluster
    cluster.close()


def spread(df):
    by = df.groupby(df.timestamp.dt.round("1d"))
    return by.high.max() - by.low.min()


def test_exercise(cluster):
    """The notebook's: the results are those of the files, which are not read again."""
    df = cluster.read()
    want, highest = spread(df).compute(scheduler="sync"), df.high.max().compute(scheduler="sync")
    with Client(cluster.address):
        kept = df.persist()
        assert type(kept) is type(df) and kept.npartitions == df.npartitions
        assert kept.high.max().compute() == highest
        for file in cluster.folder.glob("*.csv"):
            file.unlink()
        pd.testing.assert_series_equal(spread(kept).compute(), want, check_exact=True)
        assert len(cluster.kept()) == df.npartitions


def test_found_again(cluster):
    """Who persists an equal dataframe gets the same keys, which last as long as either."""
    with Client(cluster.address):
        kept = cluster.read().persist()
        length = len(kept)
        keys = cluster.kept()
        again = cluster.read().persist()
        assert len(again) == length and cluster.kept() == keys
        del kept
        assert again.high.max().compute() > 0 and cluster.kept() == keys
        del again
        assert len(dd.from_pandas(pd.DataFrame({"a": [1, 2]}), npartitions=1)) == 2  # which comes behind that
        assert cluster.kept() == set()


def test_worker_lost(cluster):
    """What it held is computed again, from the files."""
    with Client(cluster.address):
        df = cluster.read()
        want = spread(df).compute(scheduler="sync")
        kept, low = cdask.persist(df, df.low)
        assert len(kept) == len(low)
        os.kill(cluster.workers[1].popen.pid, signal.SIGKILL)
        pd.testing.assert_series_equal(spread(kept).compute(), want, check_exact=True)
        assert low.min().compute() == df.low.min().compute(scheduler="sync")


def test_other_schedulers(cluster):
    """What is on a cluster is computed there; a client that is closed has lost it."""
    with Client(cluster.address):
        kept = cluster.read().persist()
        with pytest.raises(ValueError, match="is kept on the cluster at"):
            len(kept.compute(scheduler="threads"))
        assert len(kept) > 0
    with pytest.raises(ValueError, match="is kept on the cluster at"):
        kept.compute()
