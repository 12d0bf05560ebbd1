"""The wire, byte for byte against distributed's own: what real Dask writes is read, and what we write
again is the same frames, which real Dask reads as the same message."""
import asyncio
import datetime
import os
import pathlib
import socket
import struct
import subprocess

import numpy as np
import pytest
from distributed.comm.tcp import TCP, _add_frames_header
from distributed.core import Status
from distributed.protocol import Serialize, Serialized, ToPickle, dumps, loads, to_serialize
from distributed.protocol.utils import unpack_frames
from hypothesis import given, settings
from hypothesis import strategies as st
from tornado.iostream import IOStream

ROOT = pathlib.Path(__file__).resolve().parents[2]
ECHO = ROOT / (os.environ.get("CDASK_BUILD") or "build/release") / "tests/programs/test_wire_echo"


def echo(stream, step=1 << 16):
    result = subprocess.run([ECHO, str(step)], input=stream, capture_output=True, timeout=120)
    return result.returncode, result.stdout, result.stderr.decode()


def written(frames):
    """The bytes that distributed's TCP.write() sends."""
    return b"".join(map(bytes, _add_frames_header(list(frames))[0]))


def split(stream):
    """The messages in a stream, each as its first chunk's length and its frames, by Dask's code."""
    messages = []
    while stream:
        chunk, nframes = struct.unpack_from("QQ", stream)
        lengths = struct.unpack_from(f"{nframes}Q", stream, 16)
        end = 16 + 8 * nframes + sum(lengths)
        messages.append((chunk, [bytes(frame) for frame in unpack_frames(stream[8:end])]))
        stream = stream[end:]
    return messages


def check_relayed(messages, step=1 << 16):
    """All messages in one stream; each comes back with the same frames, in one chunk."""
    status, stream, error = echo(b"".join(map(written, messages)), step)
    assert (status, error) == (0, "")
    found = split(stream)
    assert [frames for _, frames in found] == [[bytes(f) for f in frames] for frames in messages]
    for chunk, frames in found:
        assert chunk == 8 * (1 + len(frames)) + sum(map(len, frames))
    return found


TASK = ToPickle({"function": len, "args": ("x",)})
MESSAGES = {
    "handshake": {"compression": None, "python": (3, 13, 1), "pickle-protocol": 5},
    "batch": [{"op": "task-finished", "key": ("x", 0), "nbytes": 28, "type": b"\x80\x05."}] * 20,
    "metrics": {"digests": {("execute", "x", "seconds"): 1.5, 2.0: None, 7: True, b"k": -1}},
    "set": {"op": "gather", "who": {1, 2}, "none": set(), "nested": [{("a", "b")}]},
    "enum": {"status": Status.running},
    "borders": [0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1,
                -1, -32, -33, -128, -129, -32768, -32769, -2**31, -2**31 - 1, -2**63],
    "lengths": ["x" * n for n in (0, 31, 32, 255, 256, 65535, 65536)] + [b"x" * 300, b""],
    "containers": [list(range(n)) for n in (15, 16, 65536)] + [{str(i): i for i in range(n)} for n in (15, 16)],
    "pickle": {"run_spec": TASK, "again": [TASK, {"deep": TASK}]},
    "serialize": {"value": to_serialize({"a": [1, 2, 3]}), "text": to_serialize("abc")},
    "numpy": {"array": to_serialize(np.arange(100_000)), "other": to_serialize(np.ones((3, 0)))},
    "collection": {"data": Serialize([np.arange(5), np.arange(6), {"x": np.zeros(7)}])},
    "bytes": {"data": to_serialize(b"\0" * 5_000_000)},
    "fallback": {"when": datetime.datetime(2026, 1, 1)},
    "empty": [],
    "nil": None,
}


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_messages(name, compression):
    """Real Dask's frames come back as they went, compressed or not."""
    check_relayed([dumps(MESSAGES[name], context={"compression": compression})])


@pytest.mark.parametrize("step", [1, 7, 8, 9, 1000])
def test_stream(step):
    """Many messages in a row, whatever pieces the bytes come in."""
    small = [dumps(m) for name, m in MESSAGES.items() if name not in ("bytes", "containers", "numpy")]
    check_relayed(small * 2, step)


def test_first_chunk():
    """Where today's Dask splits a message, because of its large buffers, is of no concern."""
    message = {"data": [to_serialize(np.arange(n)) for n in (30_000, 40_000, 50_000)]}
    frames = dumps(message, context={"compression": None}, frame_split_size=100_000)
    chunk, _ = split(written(frames))[0]
    assert chunk < 8 * (1 + len(frames)) + sum(memoryview(f).nbytes for f in frames)
    check_relayed([frames])


def test_read_by_dask():
    """What we write is read by distributed's own TCP.read() as the message that was sent."""
    names = ["handshake", "metrics", "set", "pickle", "serialize", "fallback", "borders"]
    _, stream, _ = echo(b"".join(written(dumps(MESSAGES[name])) for name in names))

    async def read():
        with socket.create_server(("127.0.0.1", 0)) as server:
            ours = socket.create_connection(server.getsockname())
            theirs, _ = server.accept()
        with ours:
            ours.sendall(stream)
            comm = TCP(IOStream(theirs), "tcp://theirs", "tcp://ours")
            received = [await comm.read() for _ in names]
            comm.abort()
            return received

    assert asyncio.run(read()) == [loads(dumps(MESSAGES[name])) for name in names]


def test_relay():
    """A relay passes payloads on unopened: Dask's Serialized of what came is what was sent."""
    frames = dumps({"x": to_serialize(np.arange(10)), "y": [TASK]})
    _, stream, _ = echo(written(frames))
    ((_, found),) = split(stream)
    sealed = loads(found, deserialize=False)["x"]
    assert isinstance(sealed, Serialized)
    assert [bytes(f) for f in sealed.frames] == [bytes(f) for f in loads(frames, deserialize=False)["x"].frames]


SCALARS = (st.none() | st.booleans() | st.integers(-2**63, 2**64 - 1) | st.floats(allow_nan=False)
           | st.text(max_size=40) | st.binary(max_size=40))
KEYS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
VALUES = st.recursive(SCALARS | st.builds(to_serialize, st.binary()) | st.builds(ToPickle, st.text()),
                      lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
                      | st.frozensets(SCALARS, max_size=4).map(set), max_leaves=20)


@settings(max_examples=100, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=5), st.sampled_from([1, 13, 4096]))
def test_any_message(messages, step):
    check_relayed([dumps(message) for message in messages], step)


def test_cut_off():
    """A stream that ends inside a message is noticed, at every byte."""
    stream = written(dumps(MESSAGES["handshake"]))
    for end in range(1, len(stream)):
        assert echo(stream[:end]) == (1, b"", "cut off\n")
    assert echo(stream)[0] == 0


@pytest.mark.parametrize("stream, words", [
    (b"GET / HTTP/1.1\r\n\r\n", "begins with 'GET / HT'"),
    (struct.pack("QQ", 8, 0), "without frames"),
    (struct.pack("QQQ", 2**60, 1, 2**60), "first chunk"),
    (struct.pack("QQQ", 17, 1, 1) + b"\xc1", "frame 0: no msgpack"),
])
def test_garbage(stream, words):
    status, _, error = echo(stream)
    assert status == 1 and words in error
