"""The get functions run graphs that are dicts, as Dask's do."""
import multiprocessing
import operator
import os
import subprocess
import sys
import threading

import dask.local
import dask.threaded
import pytest

import cdask

GETS = {"dask.sync": dask.local.get_sync, "dask.threads": dask.threaded.get,
        "sync": cdask.get_sync, "threads": cdask.threaded.get,
        "processes": cdask.multiprocessing.get}
OURS = [name for name in GETS if "dask" not in name]
add = operator.add


@pytest.fixture(params=GETS)
def get(request):
    return GETS[request.param]


def inc(x):
    return x + 1


def same(*args):
    return args[0] if len(args) == 1 else args


def fail(*args):
    raise ValueError(*args)


class Named:
    """A key that is found by its name."""

    def __init__(self, name):
        self.name = name

    def __hash__(self):
        return hash(self.name)

    def __eq__(self, other):
        return isinstance(other, Named) and self.name == other.name


@pytest.mark.parametrize("graph, keys, want", [
    ({"x": 1, "y": (add, "x", 10)}, "y", 11),
    ({"x": 1, "y": (add, "x", 10)}, ["y", "x"], (11, 1)),
    ({"x": 1, "y": (add, "x", 10)}, [["y"], ["x", ["y"]]], ((11,), (1, (11,)))),
    ({"x": 1}, [], ()),
    ({"x": 1, "y": "x", "z": "y"}, "z", 1),
    ({"x": 1, "y": (inc, "x"), "z": (add, "y", "y"), "w": (sum, ["x", "y", "z"])}, ["w", "z"], (7, 4)),
    ({"x": None, "y": (same, "x", None)}, "y", (None, None)),
    ({"x": inc, "y": (same, ("x",))}, "y", (inc,)),
    ({"x": (list,), "y": ()}, ["x", "y"], ([], ())),
    ({"x": [1, 2], "y": (same, [["x", "x"], "q"])}, "y", [[[1, 2], [1, 2]], "q"]),
], ids=str)
def test_graph(get, graph, keys, want):
    """Keys in arguments stand for their results; results come in the shape of the keys."""
    assert get(graph, keys) == want


@pytest.mark.parametrize("task, want", [
    (["x", "q"], [1, "q"]),
    (("x", "x"), (1, 1)),
    ({"x", "q"}, {1, "q"}),
    (frozenset(["x"]), frozenset([1])),
    ((same, [[["x"]]]), [[[1]]]),
    ((same, ("x", "q")), (1, "q")),
    ((inc, (inc, (inc, "x"))), 4),
    ((same, [(inc, "x"), (inc, (inc, 1))]), [2, 3]),
    ((same, [("q", (inc, "x"))]), [("q", 2)]),
    (((inc, "x"), "x"), (2, 1)),
    ({(inc, "x"), "x"}, {1, 2}),
    ((same, (same, (same, ["x"]), {"k": "x"})), ([1], {"k": "x"})),
    ({"k": "x", "l": (inc, "x")}, {"k": "x", "l": (inc, "x")}),
    ((same, slice("x", 2)), slice("x", 2)),
    ((dict, [["a", "x"]]), {"a": 1}),
], ids=str)
def test_nested(get, task, want):
    """Keys and tasks are found in lists, tuples and sets, as deep as they are, and not in dicts."""
    found = get({"x": 1, "y": task}, "y")
    assert found == want and type(found) is type(want)


@pytest.mark.parametrize("key", [
    ("x", 0), ("x", 0, 1), ("x", "y"), ("x", -2**63), ("x", 2**70), ("x", True), 7, 1.5, "", "é",
    "a\0b", ("a\0b", 1)], ids=str)
def test_key(get, key):
    """Keys are anything that is hashed and compared."""
    graph = {key: 5, "task": (same, [key])}
    assert get(graph, "task") == [5] and get(graph, key) == 5


def test_keys_that_look_alike(get):
    """What is printed in the same way is not the same."""
    for keys in (["1", 1], [("x", 1), "('x', 1)"], ["x\0y", "x\0z", "x", ("x", -2**63)]):
        assert get(dict(zip(keys, "abcd")), keys) == tuple("abcd"[:len(keys)])
    assert get({("x", 1): 5, "y": (same, ("x", 1.0))}, "y") == 5  # and these are


def test_key_of_a_class():
    """Where Dask takes everything with a hash for a key only in some places."""
    for how in OURS:
        assert GETS[how]({Named("n"): 5, "y": (inc, Named("n"))}, ["y", Named("n")]) == (6, 5)


def test_missing_key(get):
    """A key that the graph lacks."""
    for keys in ("z", ["x", "z"], ("x", "z")):
        with pytest.raises(KeyError, match="z"):
            get({"x": 1}, keys)
    with pytest.raises(KeyError):
        get({}, "x")


def test_cycle(get):
    """A task that needs itself, by others or not."""
    with pytest.raises(RuntimeError, match="[Cc]ycle"):
        get({"x": (inc, "y"), "y": (inc, "z"), "z": (inc, "x")}, "x")
    with pytest.raises(RuntimeError, match="[Cc]ycle"):
        get({"x": [1, ["x"]]}, "x")


def test_cycle_that_is_not_needed():
    """Does not matter."""
    for how in OURS:
        assert GETS[how]({"x": (inc, "x"), "y": (inc, 1)}, "y") == 2


def test_error(get):
    """What a task raises; what needs it is not run, what is not needed does not matter."""
    graph = {"x": (fail, "boom", 1), "y": (inc, "x"), "z": 2}
    for keys in ("x", "y", ["z", "y"]):
        with pytest.raises(ValueError) as caught:
            get(graph, keys)
        assert caught.value.args == ("boom", 1)
    assert get(graph, "z") == 2


def test_many_tasks(get):
    """A wide graph and a deep one."""
    wide = {("x", i): (inc, i) for i in range(3000)}
    assert get({**wide, "sum": (sum, list(wide))}, "sum") == sum(range(1, 3001))
    deep = {("d", i): (inc, ("d", i - 1)) for i in range(1, 3000)}
    assert get({**deep, ("d", 0): 0}, ("d", 2999)) == 2999


def test_workers(get):
    """num_workers is how many tasks run at once at most."""
    assert get({"x": (inc, 1)}, "x", num_workers=1) == 2
    graph = {i: (threading.get_ident,) for i in range(20)}
    assert len(set(get(graph, list(graph), num_workers=1))) == 1


def test_names():
    """Each function under Dask's names, and the notebook's."""
    assert getattr(cdask, "async").get_sync is cdask.get_sync is cdask.local.get_sync
    assert cdask.delayed(os.getpid)().compute(get=cdask.get_sync) == os.getpid()
    assert cdask.delayed(os.getpid)().compute(scheduler=cdask.multiprocessing.get) != os.getpid()
    for how in ("synchronous", "single-threaded", "SYNC"):
        assert cdask.delayed(threading.get_ident)().compute(scheduler=how) == threading.get_ident()


@pytest.mark.parametrize("how", OURS)
def test_where_tasks_run(how):
    """In the caller's thread, in other threads of this process, in other processes."""
    graph = {f"x{i}": (where, i) for i in range(4)}
    places = set(GETS[how](graph, list(graph), num_workers=2))
    here = (os.getpid(), threading.get_ident())
    assert (here in places) == (how == "sync")
    assert (os.getpid() in {process for process, _ in places}) == (how != "processes")


def where(number):
    return os.getpid(), threading.get_ident()


def test_processes_need_no_guard(tmp_path):
    """Under processes a script runs as it stands, and its own functions are known to the workers."""
    script = tmp_path / "script.py"
    script.write_text("""
import cdask, cdask.multiprocessing
class Own:
    pass
def own(x):
    return Own if x else None
assert cdask.multiprocessing.get({"x": (own, 1)}, "x") is Own
assert cdask.delayed(lambda: Own())().compute(scheduler="processes").__class__ is Own
print("once")
""")
    done = subprocess.run([sys.executable, "-W", "error", script], text=True, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.stdout == "once\n"


@pytest.mark.parametrize("how", OURS)
def test_from_other_threads(how):
    """Several threads compute at once, each its own."""
    found = {}

    def work(number):
        found[number] = [GETS[how]({"x": number, "y": (add, "x", i)}, "y") for i in range(5)]
    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [number + i for i in range(5)] for number in range(4)}
    assert not multiprocessing.active_children()
