"""Scheduler, workers and clients under TLS: with certificates of one authority they are a cluster, and nobody
else gets in; Dask's own client is one of them."""
import ctypes
import os
import pathlib
import re
import signal
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CDASK = ROOT / (os.environ.get("CDASK_BUILD") or "build/release") / "bin" / "cdask"
PR_SET_PDEATHSIG = 1


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Certificates of an authority, and of a stranger; and data."""
    folder = tmp_path_factory.mktemp("tls")
    for authority in ("ca", "stranger"):
        openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={authority}",
                "-keyout", f"{authority}.key", "-out", f"{authority}.pem")
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=node", "-keyout", "node.key", "-out",
            "node.csr")
    openssl(folder, "x509", "-req", "-in", "node.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-out", "node.pem")
    subprocess.run([CDASK, "demo-data", "--freq", "60s", "--end", "2015-01-30", "--quiet"], cwd=folder, check=True,
                   timeout=60)
    return folder


TRUSTED = ("--tls-ca-file", "ca.pem", "--tls-cert", "node.pem", "--tls-key", "node.key")


def start(folder, pattern, *words):
    """A process that has logged a line with `pattern`, and what was found in it."""
    process = subprocess.Popen([CDASK, *words], cwd=folder, text=True, stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE,
                               preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
    seen = []
    for line in process.stderr:
        seen.append(line)
        if found := re.search(pattern, line):
            return process, found[1]
    raise AssertionError("".join(seen))


@pytest.fixture(scope="module")
def scheduler(folder):
    processes = []
    try:
        process, address = start(folder, r"Scheduler at:\s*(\S+)", "scheduler", "--port", "0", *TRUSTED)
        processes.append(process)
        for _ in range(2):
            processes.append(start(folder, r"Registered to:\s*(\S+)", "worker", address, "--nthreads", "1", *TRUSTED)[0])
        yield address
    finally:
        for process in reversed(processes):
            process.kill()
            process.stderr.close()
            process.wait()


def cdask(folder, *words):
    return subprocess.run([CDASK, *words], cwd=folder, text=True, capture_output=True, timeout=60)


def test_demo(folder, scheduler):
    """The spread is computed by workers that exchange data under TLS, too."""
    assert scheduler.startswith("tls://")
    done = cdask(folder, "demo", "--address", scheduler, *TRUSTED)
    assert done.returncode == 0, done.stderr
    assert "the same result, bit for bit" in done.stdout
    told = cdask(folder, "info", scheduler, *TRUSTED)
    assert "workers  2" in told.stdout and told.stdout.count("tls://") == 3


def test_strangers_are_refused(folder, scheduler):
    """Without certificates, with a stranger's, or without TLS nobody gets in, and each is told why."""
    without = cdask(folder, "info", scheduler)
    assert without.returncode == 1 and "tls" in without.stderr.lower()
    stranger = cdask(folder, "info", scheduler, "--tls-ca-file", "ca.pem", "--tls-cert", "stranger.pem", "--tls-key",
                     "stranger.key")
    assert stranger.returncode == 1 and scheduler in stranger.stderr
    plain = cdask(folder, "info", "--timeout", "5", scheduler.replace("tls://", "tcp://"))
    assert plain.returncode == 1
    assert cdask(folder, "info", scheduler, *TRUSTED).returncode == 0


@pytest.mark.parametrize("name", ["distributed", "cdask.distributed"])
def test_python_clients(folder, scheduler, name):
    """Dask's client and ours put data on the workers and get it back; where encryption is required it is."""
    distributed = pytest.importorskip(name)
    security = distributed.Security(tls_ca_file=str(folder / "ca.pem"), tls_client_cert=str(folder / "node.pem"),
                                    tls_client_key=str(folder / "node.key"), require_encryption=True)
    with distributed.Client(scheduler, security=security, set_as_default=False) as client:
        assert len(client.nthreads()) == 2
        assert client.gather(client.scatter([1, "two", [3.0]])) == [1, "two", [3.0]]
    with pytest.raises(RuntimeError, match="encryption required"):
        distributed.Client("tcp://127.0.0.1:1", security=security, set_as_default=False)
    with pytest.raises(TypeError, match="bogus"):
        distributed.Security(bogus=1)


@pytest.mark.parametrize("words", [["worker", "127.0.0.1:1"], ["worker", "tcp://127.0.0.1:1", "--no-nanny"],
                                   ["info", "127.0.0.1:1"], ["demo", "--address", "127.0.0.1:1"],
                                   ["scheduler", "--port", "0"]], ids=lambda words: "-".join(words[:3:2]))
def test_certificates_without_tls(folder, words):
    """Who gives certificates and an address without TLS does not get a connection that anybody can read."""
    done = cdask(folder, *words, *TRUSTED, *(["--protocol", "tcp"] if words[0] == "scheduler" else []))
    assert done.returncode == 1 and "certificates for TLS are given, but the address is one without" in done.stderr


def test_missing_file(folder):
    """A file that is not there is named."""
    done = cdask(folder, "scheduler", "--port", "0", "--tls-ca-file", "nowhere.pem", "--tls-cert", "node.pem")
    assert done.returncode == 1 and "nowhere.pem" in done.stderr
