"""Values and pickles on the wire against Python's own pickle and distributed.protocol, both ways."""
import math
import os
import pathlib
import pickle
import subprocess

import msgpack
import numpy as np
import pytest
from dask._task_spec import Task, TaskRef
from distributed.protocol import Serialized, deserialize, dumps, loads, to_serialize
from distributed.protocol.serialize import ToPickle
from distributed.scheduler import KilledWorker
from hypothesis import given
from hypothesis import strategies as st

from test_wire import split, written

ROOT = pathlib.Path(__file__).resolve().parents[2]
ECHO = ROOT / (os.environ.get("CDASK_BUILD") or "build/release") / "tests/programs/test_payload_echo"


def ask(*messages):
    """The answers, with values as they are."""
    stream = b"".join(written(dumps(message)) for message in messages)
    result = subprocess.run([ECHO], input=stream, capture_output=True, timeout=120, check=True)
    return [loads(frames) for _, frames in split(result.stdout)]


class Given:
    """A value that is serialized already, so that its header and frames are as the test wants them."""

    def __init__(self, header, frames):
        self.value = Serialized(header, frames)


def pickled(value, protocol):
    return Serialized({"serializer": "pickle", "writeable": ()}, [pickle.dumps(value, protocol=protocol)])


def as_list(value):
    """What has no kind of its own here comes back as a list, or as bytes."""
    if isinstance(value, (list, tuple)):
        return [as_list(v) for v in value]
    if isinstance(value, dict):
        return {k: as_list(v) for k, v in value.items()}
    return bytes(value) if isinstance(value, bytearray) else value


def same(a, b):
    if isinstance(a, float) and math.isnan(a):
        return isinstance(b, float) and math.isnan(b)
    if isinstance(a, list):
        return type(b) is list and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return type(b) is dict and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return type(a) is type(b) and a == b and (a != 0 or str(a) == str(b))


VALUES = [
    None, True, False, 0, 1, -1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**63 - 1,
    -2**63, 0.0, -0.0, 1.5, float("inf"), float("nan"), "", "abc", "grüße 😀", "x" * 70000, b"", b"\0\xff",
    b"y" * 300, b"\x80" * 70000, [], [1, [2, ["3"]]], (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), {},
    {"a": 1, "b": [None, {"c": b"d"}]}, bytearray(b"abc"), [["shared"] * 3] * 3, list(range(3000)),
    {str(i): i for i in range(3000)},
]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickles(protocol):
    """Python's pickles of plain values are read, in every protocol, and ours are read by Python."""
    answers = ask(*({"value": pickled(value, protocol)} for value in VALUES))
    for value, answer in zip(VALUES, answers, strict=True):
        assert same(as_list(value), answer["result"]), value
        expected = type(as_list(value))
        assert answer["typename"] == expected.__name__
        assert pickle.loads(answer["type"]) is (object if value is None else expected)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_as_dask_serializes(value):
    """What distributed makes of a value is read, its collections and bytes included."""
    (answer,) = ask({"value": to_serialize(value)})
    assert same(as_list(value), answer["result"])


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-2**63, 2**63 - 1) | st.floats() | st.text(st.characters(codec="utf-8"))
    | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=30)


@given(st.lists(PLAIN, min_size=1, max_size=20), st.integers(2, 5))
def test_random_values(values, protocol):
    """Random values come back, pickled by Python, or serialized by distributed."""
    answers = ask(*({"value": pickled(v, protocol)} for v in values), *({"value": to_serialize(v)} for v in values))
    for value, answer in zip(values * 2, answers, strict=True):
        assert same(as_list(value), answer["result"])


@given(st.lists(PLAIN | st.integers(0, 2**64 - 1), min_size=1, max_size=20))
def test_random_pickles(values):
    """What we pickle Python reads: arrays are lists."""
    for value, answer in zip(values, ask(*({"plain": value} for value in values)), strict=True):
        assert same(as_list(value), pickle.loads(answer["result"]))


def test_sets():
    """Sets are lists, in no order, of every protocol."""
    values = [{1, 2, 3}, frozenset("ab"), set()]
    for protocol in range(2, 6):
        answers = ask(*({"value": pickled(value, protocol)} for value in values))
        for value, answer in zip(values, answers, strict=True):
            assert sorted(answer["result"]) == sorted(value)


def itself():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize("value, message", [
    (np.arange(3), "numpy._core.multiarray._reconstruct cannot be read without Python"),
    (np.float64(1), "numpy._core.multiarray.scalar cannot be read without Python"),
    (len, "builtins.len cannot be read without Python"),
    (ValueError("x"), "cannot be read without Python"),
    (pathlib.PurePosixPath("x"), "PurePosixPath cannot be read without Python"),
    (1j, "builtins.complex cannot be read without Python"),
    (2**64, "an integer beyond 64 bits"),
    (2**63, "an integer beyond 63 bits"),
    (-2**63 - 1, "an integer beyond 64 bits"),
    ({1: 2}, "a map with an integer as a key: a dk_value has texts"),
    (itself(), "a container that is inside itself"),
])
def test_refused(value, message):
    """What takes Python is refused by name."""
    for protocol in (2, 3, 4, 5):
        (answer,) = ask({"value": pickled(value, protocol)})
        assert list(answer) == ["error"]
        if protocol == 4:
            assert message in answer["error"]


def test_refused_array():
    """An array in distributed's own format is refused by its class, in a collection too."""
    answers = ask({"value": to_serialize(np.arange(10))}, {"value": to_serialize([1, {"a": np.arange(10)}])},
                  {"value": to_serialize([np.arange(10), 1])})
    assert answers[0] == answers[2] == {"error": "numpy.ndarray cannot be read without Python"}
    assert "cannot be read without Python" in answers[1]["error"]


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def test_hostile():
    """Pickles that would grow without end, nest too deep, or are no pickles, are refused."""
    bomb = ["x"]
    for _ in range(60):
        bomb = [bomb, bomb]
    broken = [b"", b"\x80", b"\x80\x05", b"\x80\x05.", b"\x80\x06N.", b"\x80\x05(.", b"\x80\x05e.", b"\x80\x05K\x01K\x02.",
              b"\x80\x05]K\x01u.", b"\x80\x05}(K\x01u.", b"\x80\x05h\x00.", b"\x80\x05Nr\xff\xff\xff\xff.",
              b"\x80\x05X\xff\xff\xff\xffabc.", b"\x80\x05\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.", b"N.",
              b"\x80\x05\x93.", b"\x80\x05NN\x93.", b"\x80\x05NNR.", b"\x80\x05\xff.", b"\x80\x05(N0."]
    frames = broken + [pickle.dumps(nested(300)), pickle.dumps(bomb)]
    answers = ask(*({"value": Given({"serializer": "pickle"}, [f]).value} for f in frames))
    for frame, answer in zip(frames, answers, strict=True):
        assert answer.get("error", "").startswith("no pickle: "), (frame, answer)


def test_split_frames():
    """Frames that were cut because of their length are put together."""
    data = pickle.dumps(["a" * 1000, "b"], protocol=5)
    header = {"serializer": "pickle", "writeable": (), "split-num-sub-frames": [3], "split-offsets": [0]}
    (answer,) = ask({"value": Serialized(header, [data[:100], data[100:101], data[101:]])})
    assert answer["result"] == ["a" * 1000, "b"]


def test_exceptions():
    """Templates give exceptions of the right class and text."""
    killed, error = ask({"killed": [("x", 1), "tcp://127.0.0.1:1", 3]}, {"exception": ["builtins", "KeyError", "grüße"]})
    error = pickle.loads(error["result"])
    assert type(error) is KeyError and error.args == ("grüße",)
    killed = pickle.loads(killed["result"])
    assert type(killed) is KilledWorker
    assert killed.task == ("x", 1) and killed.last_worker.address == "tcp://127.0.0.1:1"
    assert "4 different workers" in str(killed) and "tcp://127.0.0.1:1" in str(killed)


PAYLOADS = [b"\x94\xa5cdask\xa3add\x90\x90", b"", b"x" * 300, b"y" * 100_000]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda p: f"{len(p)} bytes")
def test_expression(payload):
    """A graph of native tasks is one for Dask, which finds the dependencies; the payload is found again in
    the pickle of each task that its scheduler sends."""
    keys = ["x", ("y", 17), ("z", 1.5, "w")]
    tasks = [[keys[0], payload, []], [keys[1], payload, [keys[0]]], [keys[2], payload, [keys[0], keys[1]]]]
    (answer,) = ask({"expr": tasks, "token": "token-1"})
    expr = pickle.loads(answer["result"])
    graph = expr.__dask_graph__()
    assert list(graph) == keys
    assert [set(graph[key].dependencies) for key in keys] == [set(), {"x"}, {"x", ("y", 17)}]
    assert all(isinstance(graph[key], Task) and graph[key].key == key for key in keys)
    assert graph["x"]() == payload
    for task in graph.values():
        header = msgpack.unpackb(dumps({"run_spec": ToPickle(task)})[1])
        for data in (header["pickled-obj"], pickle.dumps(task, protocol=4)):
            (found,) = ask({"find": data})
            assert found["result"] == payload


def test_other_tasks():
    """Other pickles have no payload."""
    for value in (Task("x", sum, [TaskRef("y")]), [b"abc"], b"abc", TaskRef("x"), len):
        (found,) = ask({"find": pickle.dumps(value, protocol=5)})
        assert found["result"] is None


def test_deserialize_by_dask():
    """Python's own deserialize takes our header and frames as they are."""
    stream = written(dumps({"value": pickled([1, "a", {"b": None}], 5)}))
    result = subprocess.run([ECHO], input=stream, capture_output=True, timeout=120, check=True)
    ((_, frames),) = split(result.stdout)
    message = loads(frames, deserialize=False)
    value = message["result"]
    assert isinstance(value, Serialized)
    assert value.header["writeable"] == () and value.header["num-sub-frames"] == 1
    assert deserialize(value.header, value.frames) == [1, "a", {"b": None}]
