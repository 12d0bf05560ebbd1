"""The command lines of `cdask scheduler` and `cdask worker`: what is refused, by which words, and how they end."""
import os
import re
import signal
import socket
import subprocess

import pytest
from cluster import CDASK, ROOT, Process
from native_client import BUILD, Client

USAGE = 2


def run(*words):
    return subprocess.run([CDASK, *words], text=True, capture_output=True, timeout=30)


@pytest.mark.parametrize("words, message", [
    (["scheduler", "--interface", "nope"], "--interface: there is no 'nope' with an address: there are lo"),
    (["scheduler", "--protocol", "ucx"], "--protocol: expected tcp or tls, not 'ucx'"),
    (["scheduler", "--worker-ttl", "soon"], "--worker-ttl: expected a time such as 5 minutes, not 'soon'"),
    (["scheduler", "--worker-ttl", "10 ms"], "--worker-ttl: '10 ms' is not from 1 to 1e9 seconds"),
    (["scheduler", "--idle-timeout", "soon"], "--idle-timeout: expected a time such as 5 minutes, not 'soon'"),
    (["scheduler", "--preload", "x.py"], "--preload is not there"),
    (["scheduler", "--jupyter"], "--jupyter is not there"),
    (["worker", "127.0.0.1:1", "--interface", "nope"], "--interface: there is no 'nope'"),
    (["worker", "127.0.0.1:1", "--protocol", "tls"], "--protocol: tls, but the scheduler is at tcp://127.0.0.1:1"),
    (["worker", "tls://127.0.0.1:1", "--protocol", "tcp"], "--protocol: tcp, but the scheduler is at tls://127.0.0.1:1"),
    (["worker", "127.0.0.1:1", "--scheduler-file", "x"], "either ADDRESS or --scheduler-file"),
    (["worker", "127.0.0.1:1", "--parent-fd", "77"], "--parent-fd: 77 is not open"),
    (["worker", "127.0.0.1:1", "--no-nanny", "--lifetime-restart"], "--lifetime-restart is for the nanny"),
    (["worker", "127.0.0.1:1", "--no-nanny", "--nanny-port", "9000"], "--nanny-port is for the nanny"),
])
def test_refused(words, message):
    done = run(*words)
    assert done.returncode == USAGE and done.stdout == ""
    assert message in done.stderr and "--help" in done.stderr


@pytest.mark.parametrize("command", ["scheduler", "worker", "cluster"])
def test_version_and_help(command):
    assert run(command, "--version").stdout == f"cdask {command}, version {run('--version').stdout.split()[1]}\n"
    assert run(command, "-h").stdout == run(command, "--help").stdout != ""


def test_nothing_is_announced_that_fails():
    done = run("scheduler", "--port", "0", "--scheduler-file", "/there/is/no/such")
    assert done.returncode == 1 and "Scheduler at" not in done.stderr
    assert done.stderr == "cdask scheduler: /there/is/no/such: No such file or directory\n"


def test_idle_timeout():
    """It ends by itself; its lines are Dask's."""
    scheduler = Process(CDASK, "scheduler", "--port", 0, "--no-dashboard", "--interface", "lo", "--idle-timeout", "500 ms")
    for line in ("-----", "State start", "-----", "Scheduler at: +tcp://127.0.0.1:", "closing after being idle for 0.50 s",
                 "Closing scheduler. Reason: idle-timeout-exceeded", "Scheduler closing all comms", "Stopped scheduler at 'tcp://127.0.0.1:", "End scheduler"):
        scheduler.wait_for(line, timeout=30)
    assert scheduler.popen.wait(timeout=30) == 0


def test_not_idle_while_tasks_run(tmp_path):
    """A worker that runs something keeps its scheduler."""
    running, end = tmp_path / "running", tmp_path / "end"
    os.mkfifo(running), os.mkfifo(end)
    scheduler = Process(CDASK, "scheduler", "--port", 0, "--no-dashboard", "--idle-timeout", "200 ms")
    address = scheduler.wait_for(r"Scheduler at:\s*(\S+)").group(1)
    worker = Process(CDASK, "worker", address, "--no-nanny", "--nthreads", 1, "--preload",
                     BUILD / "tests/programs/libtest_tasks.so")
    with Client(address) as client:
        waits = client.submit("test.wait", str(running), str(end), 42)
        running.read_bytes()
        with pytest.raises(subprocess.TimeoutExpired):
            scheduler.popen.wait(timeout=1)
        end.write_bytes(b"")
        assert client.gather([waits]) == [42]
    scheduler.wait_for("after being idle")
    scheduler.popen.wait(timeout=30)
    worker.popen.wait(timeout=30)


SOURCES = {"scheduler": "scheduler.c", "worker": "worker_options.c", "cluster": "cluster.c", "info": "info.c",
           "demo": "demo.c", "demo-data": "demo_data_command.c"}
TLS = {"tls-ca-file", "tls-cert", "tls-key"}


@pytest.mark.parametrize("command", SOURCES)
def test_manual(command):
    """It tells each option that the command knows, and no other; --help as well, but for older spellings."""
    source = (ROOT / "src/cli" / SOURCES[command]).read_text()
    known = set(re.findall(r'\{"([a-z-]+)", (?:no|required)_argument', source)) - {"help"}
    known |= TLS if "TLS_OPTIONS" in source else set()
    manual = (ROOT / "docs/man/cdask.1").read_text().replace("\\-", "-")
    section = re.search(rf"^\.SS cdask {command}\n(.*?)^\.S[HS] ", manual, re.MULTILINE | re.DOTALL).group(1)
    assert set(re.findall(r"--([a-z-]+)", section)) == known
    assert set(re.findall(r"^  --([a-z-]+)", run(command, "--help").stdout, re.MULTILINE)) <= known | {"help", "version"}


@pytest.mark.parametrize("command", SOURCES)
@pytest.mark.parametrize("before", [[], ["--nonsense"], ["x", "--cluster"]])
def test_asked_among_options(command, before):
    """As Dask's commands, which answer these before they look at the rest."""
    assert run(command, *before, "-h").stdout == run(command, "--help").stdout != ""
    assert run(command, *before, "--version", "--help").stdout.startswith(f"cdask {command}, version ")


@pytest.mark.parametrize("command", ["scheduler", "worker"])
@pytest.mark.parametrize("place, message", [(":99999", "':99999' has no port: one is from 0 to 65535"),
                                            ("foo:bar", "'foo:bar' is no place for a dashboard: HOST:8787 or :8787")])
def test_no_place_for_a_dashboard(command, place, message):
    done = run(command, "--dashboard-address", place)
    assert done.returncode == USAGE and message in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_dashboard_port_taken(number):
    """Another port is no failure, and neither is the signal that ends it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        scheduler = Process(CDASK, "scheduler", "--port", 0, "--dashboard-address", f"127.0.0.1:{port}")
        cluster = Process(CDASK, "cluster", "--nworkers", 1, "--dashboard-address", f"127.0.0.1:{port}")
        scheduler.wait_for(f"Port {port} is already in use")
        scheduler.wait_for("dashboard at:")
        cluster.wait_for("Dashboard at:")
        scheduler.stop(number)
        cluster.stop(number)
    scheduler.wait_for(f"Closing scheduler. Reason: signal-{int(number)}")
    assert scheduler.popen.returncode == cluster.popen.returncode == 0


@pytest.mark.parametrize("options", [[], ["--no-nanny"]])
def test_scheduler_file_to_come(tmp_path, options):
    """Worker and scheduler start together: the worker waits for the file, and for the whole of it."""
    file = tmp_path / "scheduler.json"
    worker = Process(CDASK, "worker", "--scheduler-file", file, "--nthreads", 1, *options)
    file.write_text("")  # as others write it
    file.write_text('{"address": ')
    with pytest.raises(subprocess.TimeoutExpired):
        worker.popen.wait(timeout=0.5)
    scheduler = Process(CDASK, "scheduler", "--port", 0, "--no-dashboard", "--scheduler-file", file)
    worker.wait_for("Registered to:")
    for process in (worker, scheduler):
        process.stop(signal.SIGTERM)
        assert process.popen.returncode == 0


@pytest.mark.parametrize("text, name, message", [
    (None, "a.json", "a.json: no scheduler has written it in time"),
    (None, "no/a.json", "no/a.json: no such file or directory"),
    ("{}", "a.json", 'a.json: this is no scheduler file: it has no "address"')])
def test_no_scheduler_file(tmp_path, text, name, message):
    if text:
        (tmp_path / name).write_text(text)
    done = run("worker", "--scheduler-file", tmp_path / name, "--death-timeout", "100 ms")
    assert done.returncode == USAGE and message in done.stderr


def test_address_in_the_environment(monkeypatch):
    scheduler = Process(CDASK, "scheduler", "--port", 0, "--no-dashboard")
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", scheduler.wait_for(r"Scheduler at:\s*(\S+)").group(1))
    worker = Process(CDASK, "worker", "--nthreads", 1)
    worker.wait_for("Registered to:")
    worker.stop(signal.SIGTERM)
    scheduler.stop(signal.SIGTERM)
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS")
    assert "which ADDRESS?" in run("worker").stderr


def test_contact_address():
    """A worker behind a forwarded port: the scheduler, clients and other workers come to where it says that it is."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    scheduler = Process(CDASK, "scheduler", "--port", 0, "--no-dashboard")
    address = scheduler.wait_for(r"Scheduler at:\s*(\S+)").group(1)
    options = ["--nthreads", 1, "--preload", BUILD / "tests/programs/libtest_tasks.so"]
    outside = f"tcp://127.0.0.2:{port}"
    behind = Process(CDASK, "worker", address, *options, "--listen-address", f"tcp://0.0.0.0:{port}",
                     "--contact-address", outside)
    assert behind.wait_for(r"Start worker at:\s*(\S+)").group(1) == outside
    assert behind.wait_for(r"Listening to:\s*(\S+)").group(1).endswith(f":{port}")
    behind.wait_for("Registered to:")
    assert outside in run("info", address).stdout
    with Client(address) as client:
        x = client.submit("test.add", 40, 1)
        assert client.gather([x]) == [41]
        other = Process(CDASK, "worker", address, *options)
        other.wait_for("Registered to:")
        behind.stop(signal.SIGTERM)  # its result goes to the other one
        assert behind.popen.returncode == 0 and client.gather([client.submit("test.add", x, 1)]) == [42]
    for process in (other, scheduler):
        process.stop(signal.SIGTERM)


@pytest.mark.parametrize("words, message", [
    (["--contact-address", "tcp://h:1"], "--contact-address is for those with a --listen-address"),
    (["--listen-address", "tcp://h:1", "--nworkers", "2"], "cannot be that of several workers"),
    (["--listen-address", "tcp://h:1", "--worker-port", "9"], "either --listen-address, or --host"),
    (["--worker-port", "9", "--nworkers", "2"], "--worker-port 9:9: not enough ports for 2 workers"),
    (["--nanny-port", "9:11", "--nworkers", "4"], "--nanny-port 9:11: not enough ports for 4 workers"),
    (["--listen-address", "tls://h:1"], "have the protocol of the scheduler's"),
    (["--listen-address", "h"], "--listen-address: 'h' is no address such as")])
def test_places_refused(words, message):
    done = run("worker", "127.0.0.1:1", *words)
    assert done.returncode == USAGE and message in done.stderr
