"""cdask's workers under their nannies: what cdask's and Dask's schedulers, Dask's clients and signals ask of them, and
that no process is left."""
import os
import pathlib
import signal
import subprocess

import pytest

distributed = pytest.importorskip("distributed", reason="distributed is not installed")

from distributed import Client, wait  # noqa: E402

from cluster import CDASK, DASK, Cluster, Process  # noqa: E402
from native_client import Client as NativeClient, Failure  # noqa: E402
from test_cluster import TASKS, ask  # noqa: E402
from test_python_cluster import TIMEOUT, addresses, until  # noqa: E402
from test_worker import Gate, submit  # noqa: E402


AT_ONCE = 5  # seconds; a worker that waits for its tasks does so for ten


def workers_of(client):
    return client.sync(client.scheduler.identity, n_workers=-1)["workers"]


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_there(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Nursed:
    """A worker of cdask with its nanny."""

    def __init__(self, cluster, *options):
        self.process = Process(CDASK, "worker", cluster.address, "--nthreads", 1, "--preload", TASKS, *options)
        cluster.processes.append(self.process)
        self.nanny = self.process.wait_for(r"Start Nanny at:\s*'(\S+)'").group(1)
        self.await_worker()

    def await_worker(self):
        self.address = self.process.wait_for(r"Start worker at:\s*(\S+)").group(1)
        self.process.wait_for("Registered to:")
        self.pid, = children_of(self.process.popen.pid)

    def end(self, number):
        self.process.stop(number)
        return self.process.popen.returncode


@pytest.fixture
def fresh(tmp_path):
    cluster = Cluster(tmp_path)
    try:
        with Client(cluster.address, timeout=TIMEOUT) as client:
            yield cluster, client
    finally:
        cluster.close()


class DasksCluster:
    """Like Cluster, with Dask's own scheduler."""

    def __init__(self, folder):
        self.scheduler = Process(DASK, "scheduler", "--port", 0, "--no-dashboard", "--host", "127.0.0.1", cwd=folder)
        self.address = self.scheduler.wait_for(r"Scheduler at:\s*(\S+)").group(1)
        self.processes = []

    def close(self):
        for process in [*self.processes, self.scheduler]:
            process.stop()


@pytest.fixture
def dasks(tmp_path):
    cluster = DasksCluster(tmp_path)
    try:
        with Client(cluster.address, timeout=TIMEOUT) as client:
            yield cluster, client
    finally:
        cluster.close()


def test_the_scheduler_knows_it(fresh):
    cluster, client = fresh
    nursed = Nursed(cluster, "--name", "kid")
    assert workers_of(client)[nursed.address]["nanny"] == nursed.nanny
    assert ask(nursed.nanny, "identity")["type"] == "Nanny"
    alone = Process(CDASK, "worker", cluster.address, "--no-nanny", "--nthreads", 1)
    cluster.processes.append(alone)
    address = alone.wait_for(r"Start worker at:\s*(\S+)").group(1)
    alone.wait_for("Registered to:")
    assert workers_of(client)[address]["nanny"] is None and not children_of(alone.popen.pid)


def test_restart(fresh):
    """The client's restart reaches it: another process, of the same name, and nothing is left of what it held."""
    cluster, client = fresh
    nursed = Nursed(cluster, "--name", "kid")
    x = client.scatter(1)
    first = nursed.pid
    client.restart(timeout=TIMEOUT)
    nursed.await_worker()
    assert x.cancelled() and not client.who_has()
    assert nursed.pid != first and not is_there(first)
    info, = workers_of(client).values()
    assert info["name"] == "kid" and info["nanny"] == nursed.nanny
    assert client.restart_workers([nursed.address], timeout=TIMEOUT) == {nursed.address: "OK"}
    nursed.await_worker()
    assert set(addresses(client)) == {nursed.address}
    assert nursed.end(signal.SIGTERM) == 0
    assert not is_there(nursed.pid)


@pytest.mark.parametrize("restarts", ["ours", "dasks"])
def test_restart_amid_a_task(fresh, tmp_path, restarts):
    """Whoever runs a task that does not end leaves without it, and another is there."""
    (cluster, client), gate = fresh, Gate(tmp_path)
    nursed = Nursed(cluster)
    first = nursed.pid
    with NativeClient(cluster.address) as native:
        native.submit("test.wait", *gate.paths)
        gate.wait()
        (native.restart if restarts == "ours" else client.restart)(5)
        nursed.await_worker()
        assert not is_there(first) and set(addresses(client)) == {nursed.address}
        assert native.gather([native.submit("test.pid", 1)]) == [nursed.pid]
    assert "1 tasks are still running" in "".join(nursed.process.lines)


def test_restart_amid_a_task_by_dasks_scheduler(dasks, tmp_path):
    (cluster, client), gate = dasks, Gate(tmp_path)
    nursed = Nursed(cluster)
    endless, = submit(client, ("endless", "test.wait", *gate.paths))
    gate.wait()
    client.restart(timeout=TIMEOUT)
    nursed.await_worker()
    assert endless.cancelled() and set(addresses(client)) == {nursed.address}
    pid, = submit(client, ("pid", "test.pid", 1))
    assert pid.result(timeout=TIMEOUT) == nursed.pid


def test_what_it_is_asked(fresh):
    cluster, client = fresh
    nursed = Nursed(cluster)
    first = nursed.pid
    assert ask(nursed.nanny, "instantiate") == "running"
    assert ask(nursed.nanny, "restart", timeout=TIMEOUT) == "OK"
    nursed.await_worker()
    assert not is_there(first)
    assert ask(nursed.nanny, "kill", timeout=TIMEOUT) is None
    nursed.await_worker()
    assert ask(nursed.nanny, "plugin_add", plugin=b"", name="x") == {"status": "OK"}
    with pytest.raises(OSError, match="needs Python"):
        client.run(os.getpid, nanny=True)
    assert ask(nursed.nanny, "terminate") == "OK"
    assert nursed.process.popen.wait(TIMEOUT) == 0 and not is_there(nursed.pid)


def test_logs(fresh):
    """Of the worker and of its nanny, under the worker's address."""
    cluster, client = fresh
    nursed = Nursed(cluster)
    lines, = client.get_worker_logs(workers=[nursed.address]).values()
    assert ("INFO", f"Registered to: {cluster.address:>26}") in [
        (level, line.split(" - distributed.worker - INFO - ")[-1].strip()) for level, line in lines]
    assert client.get_worker_logs(n=2) == {nursed.address: lines[:2]}
    (address, lines), = client.get_worker_logs(nanny=True).items()
    assert address == nursed.address
    assert any("distributed.nanny - INFO -" in line and nursed.nanny in line for level, line in lines)


def test_frozen(fresh):
    """A worker that does not listen is killed."""
    cluster, client = fresh
    nursed = Nursed(cluster)
    first = nursed.pid
    os.kill(first, signal.SIGSTOP)
    assert ask(nursed.nanny, "kill", timeout=0.1) is None
    nursed.await_worker()
    assert not is_there(first) and nursed.pid != first


def test_silent_for_too_long(tmp_path):
    """A scheduler that hears nothing of a frozen worker has its nanny start another."""
    cluster = Cluster(tmp_path, "--worker-ttl", 1)
    nursed = Nursed(cluster)
    first = nursed.pid
    os.kill(first, signal.SIGSTOP)
    cluster.scheduler.wait_for("silent for too long, and restarted by its nanny")
    nursed.await_worker()
    assert not is_there(first) and nursed.pid != first
    cluster.close()


def test_retire(fresh):
    """A worker that retires is not started again, and its nanny goes with it."""
    cluster, client = fresh
    nursed = Nursed(cluster)
    Nursed(cluster)
    x = client.scatter(5, workers=[nursed.address])
    client.retire_workers([nursed.address])
    assert nursed.process.popen.wait(TIMEOUT) == 0
    assert x.result(timeout=TIMEOUT) == 5 and nursed.address not in addresses(client)


def test_close_gracefully(fresh):
    """It is not started again, whatever it dies of."""
    cluster, client = fresh
    nursed = Nursed(cluster)
    ask(nursed.nanny, "close_gracefully", reason="test")
    os.kill(nursed.pid, signal.SIGKILL)
    assert nursed.process.popen.wait(TIMEOUT) == 128 + signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_for_all(fresh, number):
    """A signal that reaches both, as one from a terminal or a service manager does: what it holds is handed over."""
    cluster, client = fresh
    Nursed(cluster)
    process = subprocess.Popen([CDASK, "worker", cluster.address, "--nthreads", "1", "--name", "goes"],
                               stderr=subprocess.DEVNULL, start_new_session=True)
    goes = until(lambda: next((a for a, info in workers_of(client).items() if info["name"] == "goes"), None))
    x = client.scatter(5, workers=[goes])
    os.killpg(process.pid, number)
    assert process.wait(TIMEOUT) == 0
    assert x.result(timeout=TIMEOUT) == 5 and goes not in addresses(client)


def test_nanny_dies(fresh):
    """Its worker hands over what it holds, and leaves."""
    cluster, client = fresh
    nursed = Nursed(cluster)
    Nursed(cluster)
    x = client.scatter(5, workers=[nursed.address])
    nursed.end(signal.SIGKILL)
    until(lambda: not is_there(nursed.pid))
    until(lambda: nursed.address not in addresses(client))
    assert x.result(timeout=TIMEOUT) == 5


@pytest.mark.parametrize("clusters, victim", [("fresh", "nanny"), ("dasks", "nanny"), ("dasks", "scheduler")])
def test_nothing_is_left(clusters, victim, request, tmp_path):
    """Whoever is killed: no process stays, and none waits for the end of a task that nobody wants any more."""
    cluster, _ = request.getfixturevalue(clusters)
    nursed, gate = Nursed(cluster), Gate(tmp_path)
    with NativeClient(cluster.address) as client:
        client.submit("test.wait", *gate.paths, 8)
        gate.wait()
        (nursed.process if victim == "nanny" else cluster.scheduler).popen.kill()
        nursed.process.wait_for("1 tasks are still running", timeout=AT_ONCE)
        until(lambda: not is_there(nursed.pid), timeout=AT_ONCE)
        nursed.process.popen.wait(AT_ONCE)


@pytest.mark.parametrize("clusters", ["fresh", "dasks"])
def test_our_client(clusters, request):
    """cdask's client restarts workers of cdask at both schedulers, and they work."""
    cluster, _ = request.getfixturevalue(clusters)
    nursed = Nursed(cluster)
    first = nursed.pid
    with NativeClient(cluster.address) as client:
        assert client.gather([client.submit("test.add", 1)]) == [1]
        client.restart()
        nursed.await_worker()
        assert nursed.pid != first and not is_there(first)
        assert client.gather([client.submit("test.add", 2)]) == [2]


class LocalCluster:
    """`cdask cluster`: a process that keeps one of nannies, which keep two workers."""

    def __init__(self):
        self.process = Process(CDASK, "cluster", "--nworkers", 2, "--nthreads", 1, "--no-dashboard", "--preload", TASKS)
        self.address = self.process.wait_for(r"Scheduler at:\s*(\S+)").group(1)
        self.keeper, = children_of(self.process.popen.pid)
        self.seen = {self.keeper, self.nannies, *self.workers}

    @property
    def nannies(self):
        return next(iter(children_of(self.keeper)), None)

    @property
    def workers(self):
        try:
            return children_of(self.nannies)
        except FileNotFoundError:
            return []

    def await_others(self, before):
        until(lambda: len(self.workers) == 2 and not set(before) & set(self.workers))
        self.seen |= {self.nannies, *self.workers}


@pytest.fixture
def local():
    cluster = LocalCluster()
    yield cluster
    cluster.process.stop(signal.SIGTERM)
    until(lambda: not any(map(is_there, cluster.seen)))  # none stays without its parent


def test_local_cluster(local):
    """The workers of `cdask cluster` have nannies too."""
    with Client(local.address, timeout=TIMEOUT) as client:
        first = local.workers
        assert len(workers_of(client)) == len(first) == 2
        client.restart(timeout=TIMEOUT)
        local.await_others(first)
        os.kill(local.workers[0], signal.SIGKILL)
        until(lambda: len(local.workers) == 2 and len(set(local.workers) - local.seen) == 1)
        local.seen |= {*local.workers}
        client.wait_for_workers(2, timeout=TIMEOUT)
    assert local.process.popen.poll() is None


def test_local_nannies_killed(local):
    """Their process is started again, with workers, which make what is wanted again."""
    with NativeClient(local.address) as client:
        before = local.workers
        numbers = [client.submit("test.add", i) for i in range(1000)]
        os.kill(local.nannies, signal.SIGKILL)
        sums = [client.submit("test.add", number, 1) for number in numbers]
        assert client.gather(sums) == [*range(1, 1001)]
        local.await_others(before)


def test_local_cluster_lost(local, tmp_path):
    """When nobody is left who could start workers, who waits for them is told, and the command ends."""
    gate = Gate(tmp_path, "a")
    with NativeClient(local.address) as client:
        future = client.submit("test.wait", *gate.paths, 8)
        gate.wait()
        os.kill(local.keeper, signal.SIGKILL)
        with pytest.raises(Failure, match="lost|closed"):
            client.gather([future])
    local.process.wait_for("cdask cluster: the processes of its workers have ended")
    assert local.process.popen.wait(TIMEOUT) == 1


def test_local_cluster_killed(local):
    local.process.popen.kill()
    until(lambda: not any(map(is_there, local.seen)))


def test_lifetime(fresh):
    """A worker that is old hands over what it has; its nanny goes too, or starts another."""
    cluster, client = fresh
    stays = Nursed(cluster, "--name", "stays")
    restarts = Nursed(cluster, "--lifetime", "0.8s", "--lifetime-stagger", "0.1s", "--lifetime-restart")
    first = restarts.pid
    x = client.scatter(7, workers=[restarts.address])
    restarts.await_worker()
    assert restarts.pid != first and not is_there(first)
    assert client.who_has(x)[x.key] == (stays.address,) and x.result(timeout=TIMEOUT) == 7
    assert restarts.end(signal.SIGTERM) == 0
    ends = Nursed(cluster, "--lifetime", "0.3s")
    assert ends.process.popen.wait(TIMEOUT) == 0 and not is_there(ends.pid)


def test_several(fresh, tmp_path):
    """Each has a nanny of its own, at a port of its share; the process that is noted is that of the nannies."""
    cluster, client = fresh
    noted = tmp_path / "pid"
    process = Process(CDASK, "worker", cluster.address, "--nthreads", 1, "--nworkers", 2, "--nanny-port", "23750:23759",
                      "--pid-file", noted)
    cluster.processes.append(process)
    client.wait_for_workers(2, timeout=TIMEOUT)
    nannies = sorted(int(info["nanny"].rpartition(":")[2]) for info in workers_of(client).values())
    assert 23750 <= nannies[0] < 23755 <= nannies[1] < 23760
    assert int(noted.read_text()) == process.popen.pid
    first = children_of(process.popen.pid)
    os.kill(first[0], signal.SIGKILL)
    until(lambda: len(children_of(process.popen.pid)) == 2 and first[0] not in children_of(process.popen.pid))
    client.wait_for_workers(2, timeout=TIMEOUT)
    process.stop(signal.SIGTERM)
    assert process.popen.returncode == 0 and not noted.exists()


def test_that_cannot_begin(fresh):
    """A worker that the scheduler refuses is not tried again and again."""
    cluster, client = fresh
    Nursed(cluster, "--name", "x")
    process = Process(CDASK, "worker", cluster.address, "--nthreads", 1, "--name", "x")
    assert process.popen.wait(TIMEOUT) == 1
    assert "".join(process.lines).count("Start worker at") == 1


def test_dasks_scheduler(dasks):
    """Dask's own scheduler restarts it the same way."""
    cluster, client = dasks
    nursed = Nursed(cluster, "--name", "kid")
    first = nursed.pid
    wait(client.scatter(1))
    client.restart(timeout=TIMEOUT)
    nursed.await_worker()
    client.wait_for_workers(1, timeout=TIMEOUT)
    assert nursed.pid != first and workers_of(client)[nursed.address]["nanny"] == nursed.nanny
