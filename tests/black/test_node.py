"""Servers, pools and streams in C against distributed's own, both ways round, plain and under TLS."""
import asyncio
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess

import numpy as np
import pytest
from distributed.batched import BatchedSend
from distributed.comm import connect
from distributed.core import ConnectionPool, Server, rpc
from distributed.protocol import to_serialize
from distributed.security import Security

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEER = ROOT / (os.environ.get("CDASK_BUILD") or "build/release") / "tests/programs/test_node_peer"
PR_SET_PDEATHSIG = 1


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """(authority, certificate with key), the latter vouched for by the former."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl command here")
    folder = tmp_path_factory.mktemp("tls")
    ca, ca_key, key, request, node = (folder / name for name in ("ca.pem", "ca.key", "key", "request", "node.pem"))
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new, "-days", 2, "-subj", "/CN=authority", "-keyout", ca_key, "-out", ca)
    openssl("req", *new, "-subj", "/CN=node", "-keyout", key, "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", 2, "-out", node)
    node.write_text(node.read_text() + key.read_text())
    return ca, node


class Peer:
    """The program, for as long as the test."""

    def __init__(self, *words):
        self.process = subprocess.Popen(
            [PEER, *words], text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        self.address = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture(params=["tcp", "tls"])
def peer(request):
    """A peer, and what Dask needs to talk to it."""
    if request.param == "tcp":
        security, words = Security(), ()
    else:
        ca, node = map(str, request.getfixturevalue("certificates"))
        sides = {f"tls_{role}_cert": node for role in ("client", "scheduler", "worker")}
        security = Security(tls_ca_file=ca, require_encryption=True, **sides)
        words = ca, node
    with Peer(*words) as running:
        assert running.address.startswith(f"{request.param}://127.0.0.1:")
        running.security = security
        yield running


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def asking(peer):
    return rpc(peer.address, connection_args=peer.security.get_connection_args("client"), deserialize=True)


def test_questions(peer):
    """Dask asks: values, large arrays, failures as exceptions, and what nobody knows."""
    async def ask():
        async with asking(peer) as node:
            assert await node.echo(say={"a": (1, 2.5, None, b"x")}) == {"a": (1, 2.5, None, b"x")}
            array = np.arange(1_000_000)
            assert np.array_equal(await node.echo(say=to_serialize(array)), array)
            assert await node.echo(say="x" * 3_000_000) == "x" * 3_000_000
            with pytest.raises(KeyError, match="no such key"):
                await node.fail()
            with pytest.raises(NotImplementedError, match="does not support the operation 'strange'"):
                await node.strange()
            assert await node.echo(say="and on") == "and on"
            answers = await asyncio.gather(*(node.echo(say=i) for i in range(50)))
            assert answers == list(range(50))
    run(ask())


def test_pool(peer):
    """Dask's own pool, with its idle connections, and its words at the end of them."""
    async def ask():
        pool = await ConnectionPool(connection_args=peer.security.get_connection_args("client"))
        for i in range(20):
            assert await pool(peer.address).echo(say=i) == i
        assert pool.open == 1
        await pool.close()
    run(ask())


def test_data(peer):
    """Who asks for data confirms it, and asks on over the same connection."""
    async def ask():
        comm = await connect(peer.address, **peer.security.get_connection_args("client"))
        for i in range(3):
            await comm.write({"op": "get_data", "keys": ["x"], "who": None})
            assert await comm.read() == {"status": "OK", "data": {}}
            await comm.write("OK")
            await comm.write({"op": "confirmed"})
            assert await comm.read() == i + 1
        await comm.write({"op": "close", "reply": False})
        await comm.close()
    run(ask())


def test_stream(peer):
    """Dask's batches come back, in order."""
    async def talk():
        comm = await connect(peer.address, **peer.security.get_connection_args("client"))
        await comm.write({"op": "stream", "reply": False})
        batched = BatchedSend(interval="1ms")
        batched.start(comm)
        for i in range(5000):
            batched.send({"op": "note", "i": i, "data": to_serialize(b"x" * 10) if i % 100 == 0 else None})
        found = []
        while len(found) < 5000:
            found += await comm.read()
        assert [message["i"] for message in found] == list(range(5000))
        assert found[100]["data"] == b"x" * 10
        batched.send({"op": "close-stream"})
        await batched.close()
    run(talk())


class Node(Server):
    """A server of Dask's, which C asks."""

    def __init__(self, security):
        self.sent = []
        super().__init__({"add": self.add, "array": self.array, "oops": self.oops, "get_data": self.get_data},
                         connection_args=security.get_connection_args("worker"))

    async def add(self, x, y):
        await asyncio.sleep(0)
        return x + y

    async def array(self, n):
        return {"data": to_serialize(np.arange(n))}

    async def oops(self):
        raise ZeroDivisionError("by zero")

    async def get_data(self, comm, keys):
        await comm.write({"status": "OK", "data": {key: to_serialize(b"1" * 10_000) for key in keys}})
        self.sent.append(await comm.read())
        from distributed.core import Status
        return Status.dont_reply


def test_asked_by_us(peer):
    """C asks Dask, keeps the connection, relays answers unopened, and confirms data."""
    async def ask():
        protocol = peer.address.split(":")[0]
        async with Node(peer.security) as server, asking(peer) as node:
            await server.listen(f"{protocol}://127.0.0.1:0", **peer.security.get_listen_args("worker"))
            relay = lambda **message: node.ask(address=server.address, message=message)
            for i in range(10):
                assert await relay(op="add", x=i, y=1) == i + 1
            assert len(server._comms) == 1
            found = await relay(op="array", n=3_000_000)
            assert np.array_equal(found["data"], np.arange(3_000_000))
            for i in range(3):
                found = await relay(op="get_data", keys=["a", "b"])
                assert found["data"] == {"a": b"1" * 10_000, "b": b"1" * 10_000}
            assert await relay(op="add", x=1, y=1) == 2
            assert server.sent == ["OK"] * 3
            with pytest.raises(ZeroDivisionError, match="by zero"):
                await relay(op="oops")
            answers = await asyncio.gather(*(relay(op="add", x=i, y=i) for i in range(50)))
            assert answers == [2 * i for i in range(50)]
        with pytest.raises(OSError, match="nothing listens there"):
            async with asking(peer) as node:
                await node.ask(address=server.address, message={"op": "add", "x": 1, "y": 1})
    run(ask())


def test_strangers(certificates):
    """Dask without a certificate, or without TLS, is told so and comes to nothing."""
    with Peer(*map(str, certificates)) as peer:
        async def knock():
            plain = peer.address.replace("tls", "tcp")
            with pytest.raises(OSError):
                await connect(plain, timeout=5)
        run(knock())
        assert "TLS" in peer.process.stdout.readline()
