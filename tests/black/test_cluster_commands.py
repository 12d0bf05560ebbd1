"""The command lines of `cdask scheduler` and `cdask worker`: what is refused, by which words, and how they end."""
import os
import subprocess

import pytest
from cluster import CDASK, Process
from native_client import BUILD, Client

USAGE = 2


def run(*words):
    return subprocess.run([CDASK, *words], text=True, capture_output=True, timeout=30)


@pytest.mark.parametrize("words, message", [
    (["scheduler", "--interface", "nope"], "--interface: there is no 'nope' with an address: there are lo"),
    (["scheduler", "--protocol", "ucx"], "--protocol: expected tcp or tls, not 'ucx'"),
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
                 "Scheduler closing all comms", "Stopped scheduler at 'tcp://127.0.0.1:", "End scheduler"):
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
