"""The pages that scheduler and workers serve over HTTP: their content beside Dask's, and what
strangers may do to them."""
import http.client
import json
import signal
import socket
import time
import urllib.error
import urllib.request

import pytest

distributed = pytest.importorskip("distributed", reason="distributed is not installed")
parser = pytest.importorskip("prometheus_client.parser", reason="prometheus_client is not installed")

from distributed import Client, wait  # noqa: E402

from cluster import CDASK, DASK, Cluster, Process  # noqa: E402
from native_client import BUILD, Client as NativeClient  # noqa: E402
from python_tasks import divide, inc  # noqa: E402

TIMEOUT = 30
TASKS = BUILD / "tests/programs/libtest_tasks.so"

# Of Dask's, what an interpreter has and a state machine in C has not, and what is not counted.
LEFT_OUT = {
    "dask_scheduler_gc_collection_seconds", "dask_scheduler_gil_contention_seconds", "dask_scheduler_last_time",
    "dask_scheduler_tick_count", "dask_scheduler_tick_duration_maximum_seconds",
    "dask_worker_gc_collection_seconds", "dask_worker_gil_contention_seconds", "dask_worker_latency_seconds",
    "dask_worker_tick_count", "dask_worker_tick_duration_maximum_seconds",
}


def read(url):
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
        return answer.read().decode()


def families(url):
    return {family.name: family for family in parser.text_string_to_metric_families(read(url + "/metrics"))}


def values(url, name):
    """{labels: value}"""
    return {tuple(sample.labels.values()): sample.value for sample in families(url)[name].samples}


def until(condition):
    """Waits for something that nobody tells us about."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, "it has not come true"
        time.sleep(0.01)


def dashboard_of(process):
    return process.wait_for(r"dashboard at:\s+(http://\S+)/status").group(1)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.url = dashboard_of(cluster.scheduler)
        cluster.start_worker("--no-nanny", "--name", "alice")
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
def client(cluster):
    with Client(cluster.address, timeout=TIMEOUT) as client:
        client.wait_for_workers(1, timeout=TIMEOUT)
        yield client


@pytest.fixture(scope="module")
def dask():
    """The pages of Dask's scheduler, and those of its worker."""
    scheduler = Process(DASK, "scheduler", "--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
    worker = None
    try:
        address = scheduler.wait_for(r"Scheduler at:\s+(\S+)").group(1)
        url = dashboard_of(scheduler)
        worker = Process(DASK, "worker", address, "--no-nanny", "--dashboard-address", "127.0.0.1:0")
        worker_url = "http://" + worker.wait_for(r"dashboard at:\s+(\S+)").group(1)
        worker.wait_for("Registered to")
        yield url, worker_url
    finally:
        for process in filter(None, (worker, scheduler)):
            process.stop()


# What is served

def test_health(cluster):
    """Probes are answered "ok", also many on one connection, and without the body if they like."""
    assert read(cluster.url + "/health") == "ok"
    connection = http.client.HTTPConnection(cluster.url.removeprefix("http://"), timeout=TIMEOUT)
    for method in ("GET", "HEAD", "GET"):
        connection.request(method, "/health")
        answer = connection.getresponse()
        assert answer.status == 200 and answer.getheader("Content-Type").startswith("text/plain")
        assert answer.read() == (b"" if method == "HEAD" else b"ok")
    connection.close()


@pytest.mark.parametrize("path", ["/", "/status", "/health/", "/json", "/%00health", "/..//health"])
def test_other_pages_are_not_there(cluster, path):
    """Who looks for the live page is told what there is."""
    with pytest.raises(urllib.error.HTTPError) as error:
        read(cluster.url + path)
    assert error.value.code == 404
    assert "/metrics" in error.value.read().decode()


def test_pages_are_only_read(cluster):
    request = urllib.request.Request(cluster.url + "/health", data=b"x" * 100)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=TIMEOUT)
    assert error.value.code == 405 and error.value.headers["Allow"] == "GET, HEAD"


def test_metrics_have_dasks_names(cluster, client, dask):
    """Nothing has a name of our own; of Dask's only those are missing that are listed here."""
    client.submit(inc, 1).result(TIMEOUT)
    ours, theirs = (set(families(url)) for url in (cluster.url, dask[0]))
    assert {name for name in ours - theirs if name.startswith("dask")} == set()
    assert {name for name in theirs - ours - LEFT_OUT if name.startswith("dask")} == set()
    assert {"process_resident_memory_bytes", "process_cpu_seconds"} <= ours
    for name in ours & theirs:
        assert families(cluster.url)[name].type == families(dask[0])[name].type, name


def test_metrics_follow_the_work(cluster, client):
    """Tasks are counted by their state and by what their keys begin with; bytes while they are there."""
    before = values(cluster.url, "dask_scheduler_prefix_state_totals").get(("halve", "memory"), 0)
    futures = [client.submit(divide, x, 2, key=f"halve-{x}") for x in range(10)]
    broken = client.submit(divide, 1, 0, key="broken-1")
    wait([*futures, broken], timeout=TIMEOUT)
    tasks = values(cluster.url, "dask_scheduler_tasks")
    assert tasks["memory",] >= 10 and tasks["erred",] == 1 and tasks["processing",] == 0
    assert values(cluster.url, "dask_scheduler_prefix_state_totals")["halve", "memory"] == before + 10
    assert values(cluster.url, "dask_scheduler_tasks_output_bytes")["halve",] > 0
    assert values(cluster.url, "dask_scheduler_tasks_compute_seconds")["halve",] > 0
    assert values(cluster.url, "dask_scheduler_workers")["idle",] == 1
    assert values(cluster.url, "dask_scheduler_clients")[()] == 1
    counts = json.loads(read(cluster.url + "/json/counts.json"))
    assert counts["erred"] == 1 and counts["memory"] >= 10 and counts["workers"] == counts["hosts"] == 1
    del futures, broken
    until(lambda: not values(cluster.url, "dask_scheduler_tasks_output_bytes")["halve",])
    assert values(cluster.url, "dask_scheduler_prefix_state_totals")["halve", "forgotten"] == before + 10


def test_metrics_of_semaphores(cluster, client):
    """Leases are counted while they are held, wanted, and after."""
    semaphore = distributed.Semaphore(max_leases=2, name="gate")
    assert semaphore.acquire(timeout=TIMEOUT) and semaphore.acquire(timeout=TIMEOUT)
    assert values(cluster.url, "dask_semaphore_max_leases")["gate",] == 2
    assert values(cluster.url, "dask_semaphore_active_leases")["gate",] == 2
    semaphore.release()
    assert values(cluster.url, "dask_semaphore_active_leases")["gate",] == 1
    assert values(cluster.url, "dask_semaphore_acquire")["gate",] == 2
    assert values(cluster.url, "dask_semaphore_release")["gate",] == 1
    before = values(cluster.url, "dask_semaphore_average_pending_lease_time_s")["gate",]
    assert before < 0.1 and semaphore.acquire(timeout=TIMEOUT) and not semaphore.acquire(timeout=0.5)
    assert 0.25 <= values(cluster.url, "dask_semaphore_average_pending_lease_time_s")["gate",] < 5
    semaphore.release()
    semaphore.release()
    semaphore.close()
    assert ("gate",) not in values(cluster.url, "dask_semaphore_max_leases")


def test_json_is_dasks(cluster, client, dask):
    counts, theirs = (json.loads(read(url + "/json/counts.json")) for url in (cluster.url, dask[0]))
    assert counts.keys() == theirs.keys()
    identity = json.loads(read(cluster.url + "/json/identity.json"))
    info = client.scheduler_info(n_workers=-1)
    assert identity["id"] == info["id"] and identity["address"] == cluster.address
    assert set(identity["workers"]) == set(info["workers"])
    assert next(iter(identity["workers"].values()))["name"] == "alice"


def test_dashboard_link(cluster, client):
    """What a real client shows leads there."""
    assert client.dashboard_link == cluster.url + "/status"


# Where it is served

def start(*options):
    scheduler = Process(CDASK, "scheduler", "--port", "0", *options)
    address = scheduler.wait_for(r"Scheduler at:\s*(\S+)").group(1)
    return scheduler, address


def test_port_in_use():
    """With its port taken it is at another, and says so as Dask does."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        scheduler, _ = start("--dashboard-address", f"127.0.0.1:{taken}")
        url = dashboard_of(scheduler)
        log = "".join(scheduler.lines)
        assert f"WARNING - Port {taken} is already in use" in log
        assert f"Hosting the HTTP server on port {url.split(':')[-1]} instead" in log
        assert read(url + "/health") == "ok"
        scheduler.stop(signal.SIGTERM)


def test_no_dashboard():
    scheduler, address = start("--no-dashboard")
    with Client(address, timeout=TIMEOUT, set_as_default=False) as client:
        assert client.scheduler_info()["services"] == {}
    scheduler.stop(signal.SIGTERM)
    assert "dashboard" not in "".join(scheduler.lines)


def test_prefix():
    scheduler, _ = start("--dashboard-address", ":0", "--dashboard-prefix", "one/two/")
    url = dashboard_of(scheduler)
    assert read(url + "/one/two/health") == "ok"
    with pytest.raises(urllib.error.HTTPError):
        read(url + "/health")
    scheduler.stop(signal.SIGTERM)


def test_scheduler_file(tmp_path):
    """Deployers find the port where Dask writes it."""
    file = tmp_path / "scheduler.json"
    scheduler, address = start("--dashboard-address", ":0", "--scheduler-file", file)
    url = dashboard_of(scheduler)
    with Client(scheduler_file=str(file), timeout=TIMEOUT, set_as_default=False) as client:
        assert client.scheduler.address == address
        assert client.dashboard_link == url + "/status"
    told = json.loads(file.read_text())
    assert told["type"] == "Scheduler" and told["services"] == {"dashboard": int(url.split(":")[-1])}
    scheduler.stop(signal.SIGTERM)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", ":99999", "one:two", ":8787,:8788"])
def test_a_wrong_address_is_refused(address):
    process = Process(CDASK, "scheduler", "--port", "0", "--dashboard-address", address)
    process.popen.wait(timeout=TIMEOUT)
    process.reader.join(timeout=TIMEOUT)
    assert process.popen.returncode == 2 and "--dashboard-address" in "".join(process.lines)


def test_cluster_command():
    cluster = Process(CDASK, "cluster", "--nworkers", "1", "--dashboard-address", ":0")
    url = cluster.wait_for(r"Dashboard at: (http://\S+)/status").group(1)
    assert values(url, "dask_scheduler_workers_added")[()] == 1
    cluster.stop(signal.SIGTERM)


# Workers

def test_metrics_of_spilling(cluster, tmp_path):
    """What goes to disk and comes back is counted."""
    worker = Process(CDASK, "worker", cluster.address, "--no-nanny", "--nthreads", 1, "--preload", TASKS,
                     "--memory-limit", "200MB", "--local-directory", tmp_path)
    try:
        url = "http://" + worker.wait_for(r"dashboard at:\s+(\S+)").group(1)
        worker.wait_for("Registered to")
        with NativeClient(cluster.address) as client:
            blocks = [client.submit("test.fill", 20_000_000 + i) for i in range(12)]
            for block in blocks:
                client.wait(block)
            until(lambda: values(url, "dask_worker_spill_count")["disk-write",] >= 6)
            assert client.gather([client.submit("test.length", block) for block in blocks])[11] == 20_000_011
        count, size, time_s = (values(url, "dask_worker_spill_" + name) for name in ("count", "bytes", "time_seconds"))
        assert count["disk-read",] >= 6 and count["memory-read",] + count["disk-read",] >= 12
        assert size["disk-write",] >= 6 * 20_000_000 and size["disk-read",] >= 6 * 20_000_000
        assert time_s["disk-write",] > 0 and time_s["disk-read",] > 0 and time_s["serialize",] > 0
    finally:
        worker.stop(signal.SIGTERM)


def test_worker(cluster, dask, tmp_path):
    """A native worker serves what Dask's does, and tells the scheduler where."""
    worker = Process(CDASK, "worker", cluster.address, "--name", "native", "--local-directory", tmp_path)
    try:
        url = "http://" + worker.wait_for(r"dashboard at:\s+(\S+)").group(1)
        worker.wait_for("Registered to")
        assert read(url + "/health") == "ok"
        ours, theirs = set(families(url)), set(families(dask[1]))
        assert {name for name in ours - theirs if name.startswith("dask")} <= {"dask_worker_tasks"}
        assert {name for name in theirs - ours - LEFT_OUT if name.startswith("dask")} == set()
        assert values(url, "dask_worker_threads")[()] >= 1
        workers = json.loads(read(cluster.url + "/json/identity.json"))["workers"].values()
        services, = [known["services"] for known in workers if known["name"] == "native"]
        assert services == {"dashboard": int(url.split(":")[-1])}
    finally:
        worker.stop(signal.SIGTERM)


# Strangers

def connect(cluster):
    host, port = cluster.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=TIMEOUT)
    return connection


def is_healthy(cluster):
    try:
        return read(cluster.url + "/health") == "ok"
    except OSError:
        return False


def read_all(connection):
    received = b""
    try:
        while more := connection.recv(65536):
            received += more
    except ConnectionResetError:
        pass
    return received


def test_pipelined(cluster):
    """Questions that come at once are answered in turn."""
    with connect(cluster) as connection:
        question = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(99 * question + question.replace(b"Host", b"Connection: close\r\nHost"))
        assert read_all(connection).count(b"\r\n\r\nok") == 100


@pytest.mark.parametrize("garbage", [
    b"\0" * 1000, b"\xff" * 100000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
    b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
    b"GET /health HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 100) for i in range(1000)) + b"\r\n",
    b"GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
    b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100000,
], ids=range(9))
def test_garbage(cluster, client, garbage):
    """Whatever is no question is refused, and its connection closed; work goes on."""
    with connect(cluster) as connection:
        try:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has hung up already
        assert b"\r\n\r\nok" not in read_all(connection)
    assert client.submit(inc, 1, pure=False).result(TIMEOUT) == 2
    assert read(cluster.url + "/health") == "ok"


def test_many_slow_connections(cluster, client):
    """Those who hold hundreds of connections and say little are shut out; work goes on, and others
    are served when they have gone."""
    held = []
    try:
        for _ in range(400):
            held.append(connect(cluster))
            try:
                held[-1].sendall(b"GET /health HTTP/1.1\r\nX")
            except OSError:
                pass
        shut = sum(read_all(connection) == b"" for connection in held[300:])
        assert shut == 100
        assert client.gather(client.map(inc, range(100), pure=False)) == list(range(1, 101))
    finally:
        for connection in held:
            connection.close()
    until(lambda: is_healthy(cluster))  # once the server has seen them go


