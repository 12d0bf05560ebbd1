"""Graphs of Python clients, read without Python, against what Dask itself makes of the same pickles: the
same keys and dependencies, and tasks that give the same results."""
import io
import operator
import os
import pathlib
import pickle
import subprocess
from functools import partial

import msgpack
import numpy as np
import pytest
from dask import delayed
from dask._expr import HLGExpr, LLGExpr
from dask._task_spec import Alias, DataNode, Dict, List, Task, TaskRef, convert_legacy_graph, parse_input
from distributed.client import Future, _MapExpr
from distributed.protocol.pickle import dumps
from hypothesis import given
from hypothesis import strategies as st

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / (os.environ.get("CDASK_BUILD") or "build/release") / "tests/programs/test_pickle_graph"


def ask(bytes_, *sizes):
    return subprocess.run([PROGRAM, *sizes], input=bytes_, capture_output=True, timeout=120)


def as_key(value):
    return tuple(map(as_key, value)) if isinstance(value, list) else value


def tasks_of(expr):
    """{key: (dependencies, GraphNode)} by our program."""
    buffers = []
    code = dumps(expr, buffer_callback=lambda buffer: buffers.append(buffer.raw()))
    result = ask(code, *(str(buffer.nbytes) for buffer in buffers))
    assert (result.returncode, result.stderr.decode()) == (0, "")
    found = {}
    for key, dependencies, code, numbers in msgpack.Unpacker(io.BytesIO(result.stdout), raw=False):
        task = pickle.loads(code, buffers=[buffers[i] for i in numbers])
        found[as_key(key)] = (set(map(as_key, dependencies)), task)
    return found


def same(a, b):
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def check(expr, known=()):
    """Dask materialises the same expression."""
    theirs = convert_legacy_graph(pickle.loads(dumps(expr)).__dask_graph__())
    ours = tasks_of(expr)
    shared = {key for key, node in theirs.items() if isinstance(node, DataNode)} - ours.keys()
    assert ours.keys() >= theirs.keys() - shared

    def run(graph, key, cache):
        if key not in cache:
            node = graph[key]
            cache[key] = node({d: run(graph, d, cache) for d in node.dependencies})
        return cache[key]

    nodes = {key: node for key, (_, node) in ours.items()}
    for key in theirs.keys() - shared:
        dependencies, own = ours[key]
        assert own.key == theirs[key].key
        assert own.dependencies == dependencies
        assert shared or dependencies == theirs[key].dependencies
        assert same(run(nodes, key, dict(known)), run(theirs, key, dict(known)))
    return ours


def inc(x, by=1):
    return x + by


def submit(function, *args, key="a-1", **kwargs):
    """As client.submit makes it."""
    return LLGExpr({key: Task(key, function, *map(parse_input, args),
                              **{k: parse_input(v) for k, v in kwargs.items()})})


def mapped(function, *iterables, key="f", pure=True, **kwargs):
    expr = _MapExpr(function, iterables, key=key, pure=pure, annotations={}, kwargs=kwargs)
    list(expr.keys)
    return expr


class Thing:
    def __init__(self, value):
        self.value = value

    def __add__(self, other):
        return self.value + other

    def __eq__(self, other):
        return self is other or self.value == other.value


LAMBDA = lambda x: x * 2  # noqa: E731
SHARED = [1, 2]
LOOP = Thing([])
LOOP.value.append(LOOP)


@pytest.mark.parametrize("expr", [
    submit(inc, 1),
    submit(inc, 1, key=("x", 1, ("y", 2.5))),
    submit(inc, 1, by=2),
    submit(LAMBDA, 21),
    submit(partial(inc, by=3), 1),
    submit(inc, Thing(3)),
    submit(sum, [1, 2, 3]),
    submit(len, "x" * 300),
    submit(len, b"x" * 70000),
    submit(operator.itemgetter(1), (SHARED, SHARED)),
    submit(lambda loop: loop.value[0] is loop, LOOP),
    submit(str, 2 ** 100),
    submit(np.sum, np.arange(10)),
    submit(np.dot, np.ones(3), np.arange(3.0)),
], ids=lambda expr: str(next(iter(expr.operand("dsk").values())))[:30])
def test_submit(expr):
    check(expr)


def test_submit_of_futures():
    """Futures are dependencies wherever client.submit looks for them."""
    expr = submit(lambda *args, **kwargs: (args, kwargs), Future("a"), [Future("b"), 1], x={"k": Future(("c", 1))})
    check(expr, {"a": 1, "b": 2, ("c", 1): 3})


@pytest.mark.parametrize("dsk", [
    {"x": 1, "y": (inc, "x"), "z": (inc, "y")},
    {"x": Task("x", inc, 1), "y": Task("y", operator.add, TaskRef("x"), TaskRef("x"))},
    {"x": DataNode("x", [1, 2]), "y": Alias("y", "x")},
    {"x": DataNode("x", 1), "y": List(TaskRef("x"), 2), "z": Dict({"a": TaskRef("x")})},
    {("x", 0): 1, ("x", 1): (inc, ("x", 0)), "s": (sum, [("x", 0), ("x", 1)])},
    {"x": 1, "y": "x", "z": ["x", "y", "no"]},
    {"x": (inc, (inc, "y")), "y": 3, 5: (inc, "y"), "f": (inc, 5)},
    {"x": 1, "y": (len, {"x": "x"})},
    {"x": Thing(3), "y": (inc, "x")},
], ids=str)
def test_dict(dsk):
    check(LLGExpr(dsk))


def test_alias_of_itself():
    """A key that stands for itself is a task that is known already."""
    assert tasks_of(LLGExpr({"x": Future("x"), "y": (inc, "x")})).keys() == {"y"}


@pytest.mark.parametrize("expr", [
    mapped(inc, range(5)),
    mapped(inc, range(10, -10, -3)),
    mapped(inc, [1, 2, 3], by=3),
    mapped(operator.add, (1, 2, 3), range(3)),
    mapped(operator.add, ["a", "b", "a"], ["c", "d", "c"], pure=False),
    mapped(inc, {1: 2, 3: 4}),
    mapped(inc, np.arange(4)),
    mapped(LAMBDA, "abc"),
    mapped(inc, [np.ones(3), np.zeros(2)]),
    mapped(inc, [SHARED[0]] * 3, key=["p", "q", ("r", 1)]),
    mapped(inc, []),
    mapped(lambda x, y: x + y["k"], range(3), y={"k": 1}),
], ids=lambda expr: str(expr.iterables)[:30])
def test_map(expr):
    check(expr)


def test_map_of_a_large_keyword():
    """What all calls share goes once."""
    ours = check(mapped(lambda x, y: y[x], range(3), y=list(range(100, 50100))))
    assert len(ours) == 4


def test_map_of_a_shared_array():
    ours = check(mapped(lambda x, y: y[x], range(3), y=np.arange(20000)))
    assert len(ours) == 4


@given(st.lists(st.one_of(st.integers(0, 5).map(lambda i: Future(f"k-{i}")),
                          st.lists(st.integers(0, 5).map(lambda i: Future(f"k-{i}")), max_size=3),
                          st.integers(), st.text(), st.none(), st.tuples(st.floats(allow_nan=False))),
                min_size=1, max_size=6))
def test_map_of_futures(items):
    ours = tasks_of(mapped(lambda x: x, items, pure=False))
    known = {f"k-{i}": i for i in range(6)}
    found = [task({d: known[d] for d in dependencies}) for dependencies, task in ours.values()]
    assert found == [[known[f.key] if isinstance(f, Future) else f for f in item] if isinstance(item, list)
                     else known[item.key] if isinstance(item, Future) else item for item in items]


@pytest.mark.parametrize("pickle_, message", [
    (dumps(HLGExpr.from_collection(delayed(inc)(1))), "no collections yet (HLGExpr)"),
    (dumps(mapped(inc, np.arange(100000))), "large iterables"),
    (pickle.dumps(3), "no pickle of a Dask expression"),
    (b"", "does not begin"),
])
def test_refused(pickle_, message):
    result = ask(pickle_)
    assert result.returncode == 1 and message in result.stderr.decode()
