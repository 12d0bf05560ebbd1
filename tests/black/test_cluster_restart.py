"""The process that watches the workers of a local cluster dies itself: it is started again."""
import os
import signal
import time
from concurrent.futures import CancelledError

import pytest

from cdask.distributed import Client, LocalCluster

TIMEOUT = 30


@pytest.mark.parametrize("times", [1, 2])
def test_killed(times, caplog):
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        group, = cluster._groups
        for i in range(times):
            before = set(client.scheduler_info()["workers"])
            killed = group.process
            os.kill(killed.pid, signal.SIGKILL)
            killed.wait(TIMEOUT)
            assert client.submit(pow, i + 2, 3).result(timeout=TIMEOUT) == (i + 2) ** 3
            client.wait_for_workers(2, timeout=TIMEOUT)
            assert group.process.pid != killed.pid
            assert set(client.scheduler_info()["workers"]) != before
        last = group.process
    assert caplog.text.count("killed by signal 9. Restarting 2 workers") == times
    assert last.returncode is not None and not group.watch.is_alive()


def test_gone_for_good(monkeypatch, caplog):
    """When no workers can be started any more, whoever waits for them is told."""
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        group, = cluster._groups
        monkeypatch.setattr("sys.executable", "/bin/false")
        future = client.submit(time.sleep, 2 * TIMEOUT)
        os.kill(group.process.pid, signal.SIGKILL)
        with pytest.raises((OSError, CancelledError)):
            future.result(timeout=TIMEOUT)
        group.watch.join(TIMEOUT)
        assert cluster.status == "closed"
    assert "gone for good: a worker did not start: its process ended with status 1" in caplog.text
