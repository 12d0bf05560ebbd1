"""`cdask info` against a real Dask scheduler with real workers, and against everybody else who may
listen at an address."""
import ctypes
import http.server
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CDASK = ROOT / (os.environ.get("CDASK_BUILD") or "build/release") / "bin" / "cdask"
SUCCESS, FAILED, USAGE = 0, 1, 2
PR_SET_PDEATHSIG = 1


def info(*words):
    return subprocess.run([CDASK, "info", *map(str, words)], text=True, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=120)


class Dask:
    """A `dask ...` process and the lines it logs. It does not outlive the tests."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words], text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL))

    def wait_for(self, pattern):
        """The first group of the next line that matches. What is logged beside it is passed over."""
        seen = []
        for line in self.process.stdout:
            seen.append(line)
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError("".join(seen))

    def stop(self):
        self.process.kill()
        self.process.stdout.close()
        self.process.wait()


@pytest.fixture(scope="module")
def cluster():
    """A scheduler, a named and a numbered worker; gives their addresses."""
    processes = [Dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")]
    try:
        scheduler = processes[0].wait_for(r"Scheduler at:\s*(tcp://\S+)")
        workers = []
        for name, nthreads, memory in [("alice", 1, "1GiB"), ("7", 3, "0")]:
            processes.append(Dask("worker", scheduler, "--name", name, "--nthreads", str(nthreads), "--memory-limit",
                                  memory, "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"))
            workers.append(processes[0].wait_for(r"Register worker addr: (tcp://\S+)"))
        yield scheduler, workers
    finally:
        for process in processes:
            process.stop()


def test_scheduler(cluster):
    """Who it is, since when, and every worker with its name, threads, memory and status."""
    scheduler, (alice, seven) = cluster
    result = info(scheduler)
    assert (result.returncode, result.stderr) == (SUCCESS, "")
    first, summary, *workers = result.stdout.splitlines()
    started = re.fullmatch(rf"Scheduler at {scheduler}, started (\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d)", first)[1]
    assert abs(time.mktime(time.strptime(started, "%Y-%m-%d %H:%M:%S")) - time.time()) < 600
    assert summary == "  workers  2: 4 threads, 1.0 GiB"
    assert sorted(workers) == sorted([f"  {alice}  'alice'  1 thread  1.0 GiB  running",
                                      f"  {seven}  7  3 threads  no memory limit  running"])


def test_spellings(cluster):
    """With or without the protocol, by number or by name."""
    scheduler, _ = cluster
    port = scheduler.rpartition(":")[2]
    for address in (f"127.0.0.1:{port}", f"localhost:{port}", f"tcp://localhost:{port}"):
        assert info(address).stdout.splitlines()[1:] == info(scheduler).stdout.splitlines()[1:]


def test_worker(cluster):
    """A worker says whose it is."""
    scheduler, (alice, _) = cluster
    result = info(alice)
    assert (result.returncode, result.stderr) == (SUCCESS, "")
    assert result.stdout == f"Worker at {alice} of the scheduler at {scheduler}\n"


def check_failed(result, *words):
    assert (result.returncode, result.stdout) == (FAILED, ""), result
    assert result.stderr.startswith("cdask info: ") and result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr, result.stderr


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl command here")
def test_tls(tmp_path):
    """A scheduler under TLS, with certificates that fit, and without."""
    ca, key, node_key, request, node = (tmp_path / name for name in ("ca", "ca.key", "node.key", "request", "node"))
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new, "-days", 2, "-subj", "/CN=authority", "-keyout", key, "-out", ca)
    openssl("req", *new, "-subj", "/CN=node", "-keyout", node_key, "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", key, "-CAcreateserial", "-days", 2, "-out", node)
    files = ["--tls-ca-file", ca, "--tls-cert", node, "--tls-key", node_key]
    scheduler = Dask("scheduler", "--host", "tls://127.0.0.1", "--port", "0", "--no-dashboard", *map(str, files))
    try:
        address = scheduler.wait_for(r"Scheduler at:\s*(tls://\S+)")
        result = info(*files, address)
        assert (result.returncode, result.stderr) == (SUCCESS, "")
        assert result.stdout.startswith(f"Scheduler at {address}, started ")
        check_failed(info(address), "TLS needs the files of an authority and a certificate")
        check_failed(info(*files[:4], address), "no key of the certificate")
        check_failed(info(address.replace("tls", "tcp")), "has closed the connection at once: it may have ended, or want TLS")
    finally:
        scheduler.stop()


def test_nobody():
    """A port that is bound, so that nobody comes there, and where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        check_failed(info(f"127.0.0.1:{port}"), f"tcp://127.0.0.1:{port}", "connection refused")


def test_silence():
    """The kernel takes the connection, and nobody ever says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        check_failed(info("--timeout", "0.1", address), address, "within 0.1 s")


def test_web_server():
    """The dashboard's port instead of the scheduler's, say."""
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        address = f"tcp://127.0.0.1:{server.server_port}"
        result = info("--timeout", "0.5", address)
        thread.join()
        check_failed(result, address, "no handshake of Dask's", "dashboard")


def test_other_language():
    """Who greets in another protocol is quoted."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def greet():
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                while peer.recv(4096):
                    pass

        thread = threading.Thread(target=greet)
        thread.start()
        result = info(f"127.0.0.1:{server.getsockname()[1]}")
        thread.join()
        check_failed(result, "not Dask's protocol", "'SSH-2.0-'")


@pytest.mark.parametrize("words, expected", [
    ([], "ADDRESS"),
    (["a:1", "b:2"], "one ADDRESS"),
    (["localhost"], "no port"),
    (["ucx://localhost:8786"], "'ucx' is not supported"),
    (["::1:8786"], "brackets"),
    (["--timeout", "0", "a:1"], "--timeout"),
    (["--timeout", "soon", "a:1"], "'soon'"),
    (["--nope", "a:1"], "nope"),
])
def test_usage(words, expected):
    result = info(*words)
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert expected in result.stderr and "cdask info --help" in result.stderr
