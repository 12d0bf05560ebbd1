"""cdask.delayed behaves as dask.delayed does; what only cdask promises has tests of its own below."""
import collections
import dataclasses
import functools
import operator
import subprocess
import sys
import threading
import traceback
import types

import dask
import dask.dataframe
import pandas as pd
import pytest

import cdask
import cdask.dataframe
from cdask.diagnostics import Profiler
from compare import assert_same

MODULES = [dask, cdask]
SCHEDULERS = ["sync", "threads", "processes"]


@pytest.fixture(params=MODULES, ids=lambda module: module.__name__)
def module(request):
    with request.param.config.set(scheduler="sync"):
        yield request.param


@pytest.fixture
def delayed(module):
    return module.delayed


def inc(x):
    """One more."""
    return x + 1


def same(*args, **kwargs):
    """The arguments as they arrive."""
    return args[0] if len(args) == 1 and not kwargs else (args, kwargs)


Point = collections.namedtuple("Point", "x y")


@dataclasses.dataclass(frozen=True)
class Pair:
    left: object
    right: object = 7


# Calls

def test_call(delayed):
    """A call is put off; positions, keywords and defaults arrive."""
    assert delayed(inc)(1).compute() == 2
    assert delayed(same)(1, 2, a=3).compute() == ((1, 2), {"a": 3})
    assert delayed(dict)(a=1).compute() == {"a": 1}
    assert delayed(functools.partial(pow, 2))(5).compute() == 32
    assert delayed("{}-{}".format)(1, 2).compute() == "1-2"
    assert delayed(lambda: None)().compute() is None


def test_nothing_runs_before_compute(delayed):
    """And once it runs, what two results share runs once."""
    calls = []
    first = delayed(calls.append)(1)
    both = delayed(same)(first, first), delayed(same)([first])
    assert calls == []
    delayed(same)(*both).compute()
    assert calls == [1]


def test_decorator(delayed):
    """As a decorator it keeps the function's name and text, and the function itself."""
    @delayed
    def twice(x):
        """Two times x."""
        return 2 * x
    assert twice(4).compute() == 8
    assert twice.__name__ == "twice" and twice.__doc__ == "Two times x." and twice.__wrapped__(1) == 2
    assert twice.compute() is twice.__wrapped__


@pytest.mark.parametrize("value", [
    0, -2**63, 2**63, 2**200, True, None, 1.5, float("inf"), "", "text", "\udc80", "a\0b", b"\0x",
    (), [], {}, {1: [2, (3, {4})]}, slice(1, 2), 1j, range(3), inc, Pair, ...], ids=repr)
def test_value(delayed, value):
    """A value comes back as it was, of its own type, by itself and through a call."""
    for lazy in (delayed(value), delayed(same)(value), delayed(same)(delayed(value))):
        found = lazy.compute()
        assert found == value and type(found) is type(value)


def test_delayed_of_delayed(delayed):
    """It is the same."""
    lazy = delayed(1)
    assert delayed(lazy) is lazy


def test_result_is_called(delayed):
    """A result that is a function can be called."""
    assert delayed(lambda: inc)()(4).compute() == 5
    assert delayed(lambda: same)()(4, a=delayed(5)).compute() == ((4,), {"a": 5})


# Operators

@pytest.mark.parametrize("name", [
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor", "lshift",
    "rshift", "eq", "ne", "lt", "le", "gt", "ge"])
@pytest.mark.parametrize("a, b", [(7, 2), (2, 7), (5, 5)])
def test_binary_operator(delayed, name, a, b):
    """On the left, on the right, and on both sides."""
    operate = getattr(operator, name)
    for lazy in (operate(delayed(a), b), operate(a, delayed(b)), operate(delayed(a), delayed(b))):
        assert lazy.compute() == operate(a, b)


def test_other_operators(delayed):
    """One operand; matrices; lists."""
    assert (-delayed(3)).compute() == -3 and (+delayed(3)).compute() == 3
    assert abs(delayed(-3)).compute() == 3 and (~delayed(3)).compute() == -4
    assert (delayed([1]) + [2]).compute() == [1, 2] and ([2] + delayed([1])).compute() == [2, 1]

    class Matrix:
        def __matmul__(self, other):
            return "left", other
    assert (delayed(Matrix()) @ 5).compute() == ("left", 5)


def test_attributes_items_and_methods(delayed):
    """They are looked up when computed, also by lazy keys."""
    assert delayed("abc")[1].compute() == "b" and delayed("abc")[delayed(1)].compute() == "b"
    assert delayed("abcd")[delayed(1):3].compute() == "bc"
    assert delayed(3 + 4j).imag.compute() == 4
    assert delayed("a-b").split("-").compute() == ["a", "b"]
    assert delayed("a-b").split(delayed("-"), maxsplit=delayed(0)).compute() == ["a-b"]
    assert delayed({"a": {"b": 5}})["a"]["b"].compute() == 5
    with pytest.raises(AttributeError, match="nothing"):
        delayed(1).nothing.compute()
    with pytest.raises(AttributeError, match="nothing"):
        delayed(1).nothing().compute()
    with pytest.raises(KeyError):
        delayed({})["a"].compute()


# Nesting

@pytest.mark.parametrize("nest", [
    lambda x: [x, 1], lambda x: (x, 1), lambda x: {x, 1}, lambda x: {"k": x}, lambda x: {x: "k"},
    lambda x: [[[{"k": (x,)}]]], lambda x: Point(x, y=[x]), lambda x: Pair(x),
    lambda x: [Pair(left=0, right={"k": [x]})]],
    ids=["list", "tuple", "set", "dict", "keys", "deep", "namedtuple", "dataclass", "mixed"])
def test_nested(module, delayed, nest):
    """Lazy things are found in arguments, in values, and in what is computed."""
    want = nest(5)
    lazy = nest(delayed(inc)(4))
    assert delayed(same)(lazy).compute() == want
    assert delayed(same)(1, key=lazy).compute() == ((1,), {"key": want})
    assert delayed(lazy).compute() == want
    assert module.compute(lazy, 3) == (want, 3)
    assert type(delayed(same)(lazy).compute()) is type(want)


def test_not_traversed(module, delayed):
    """With traverse=False lists are left as they are."""
    lazy = delayed(1)
    assert module.compute([lazy], lazy, traverse=False) == ([lazy], 1)


def test_compute_passes_through(module, delayed):
    """compute() gives a tuple, in the order of its arguments; what is not lazy comes through."""
    thing = object()
    assert module.compute() == () and module.compute(1, "a", None) == (1, "a", None)
    assert module.compute(thing)[0] is thing
    assert module.compute(delayed(1), 2, [delayed(3), {"k": delayed(4)}]) == (1, 2, [3, {"k": 4}])


def test_persist(module, delayed):
    """What is kept is of the same class and computes to the same; calls are not made again."""
    calls = []
    lazy = delayed(lambda: calls.append("once") or [1, 2], nout=2)()
    [kept], number = module.persist([lazy], 5)
    assert number == 5 and type(kept) is type(lazy)
    assert [one.compute() for one in kept] == [1, 2] and kept.compute() == [1, 2]
    assert calls == ["once"]
    assert lazy.persist().compute() == [1, 2] and calls == ["once"] * 2
    assert module.persist([lazy], 1, traverse=False) == ([lazy], 1)


def test_persist_dataframes(module):
    """In as many partitions."""
    df = module.dataframe.from_pandas(FRAME, npartitions=2)
    doubled, [column] = module.persist(df + df, [df.a])
    assert doubled.npartitions == 2 and type(doubled) is type(df) and type(column) is type(df.a)
    assert_same(doubled.compute(), FRAME + FRAME)
    assert_same(column.compute(), FRAME.a)


@pytest.mark.parametrize("how", SCHEDULERS)
def test_persist_shares_work(how):
    """Under every scheduler what two things have in common is computed once."""
    profiler = Profiler()
    shared = cdask.delayed(inc)(1)
    with profiler:
        kept = cdask.persist(shared, shared + 1, scheduler=how, num_workers=1)
        assert cdask.compute(*kept) == (2, 3)
    assert sum("inc" in str(one.key) for one in profiler.results) == 1


def test_persist_of_single_values(module):
    """They stay lazy, and what is made of them is right; an error in a call is the call's own."""
    df = module.dataframe.from_pandas(FRAME, npartitions=2)
    total, row = module.persist(df.a.sum(), df[["a"]].sum())
    assert total.compute() == FRAME.a.sum()
    assert row.compute()["a"] == FRAME.a.sum()
    assert_same((df.a - total).compute(), FRAME.a - FRAME.a.sum())
    with pytest.raises(KeyError, match="k"):
        cdask.delayed(fail)(KeyError, "k").persist()


# What a Delayed is not

def test_no_truth_no_length_no_changes(delayed):
    """A value that is not known is neither true nor iterable; nothing can be assigned."""
    lazy = delayed([1])
    with pytest.raises(TypeError, match="Truth of Delayed objects is not supported"):
        bool(lazy)
    with pytest.raises(TypeError, match="Delayed objects of unspecified length are not iterable"):
        list(lazy)
    with pytest.raises(TypeError, match="Delayed objects of unspecified length have no len()"):
        len(lazy)
    with pytest.raises(TypeError, match="Delayed objects are immutable"):
        lazy[0] = 2
    with pytest.raises(TypeError, match="Delayed objects are immutable"):
        lazy.x = 2
    with pytest.raises(AttributeError, match="_private"):
        lazy._private
    assert len({lazy, lazy, delayed([1])}) == 2


def test_nout(delayed):
    """With as many results as are known, it can be unpacked."""
    quotient, rest = delayed(divmod, nout=2)(7, 2)
    assert (quotient + rest).compute() == 4
    assert len(delayed(divmod, nout=2)(7, 2)) == 2
    assert list(delayed(inc, nout=0)(1)) == []
    first, = delayed([5], nout=1)
    assert first.compute() == 5
    for nout in (-1, True, "2", 1.0):
        with pytest.raises(ValueError, match="nout must be None or a non-negative integer"):
            delayed(inc, nout=nout)


def test_names(delayed):
    """A name is given once, or for one call."""
    assert repr(delayed(5, name="five")) == "Delayed('five')"
    assert repr(delayed(inc)(1, dask_key_name="mine")) == "Delayed('mine')"
    assert repr(delayed(inc)(1)).startswith("Delayed('inc")
    assert repr(delayed(inc)(1) + 1).startswith("Delayed('add")
    assert repr(delayed("x").upper()).startswith("Delayed('upper")


def test_key_and_dask_are_attributes():
    """Of the result, as any other name."""
    lazy = cdask.delayed(types.SimpleNamespace)(key=3, dask=4)
    assert lazy.key.compute() == 3 and lazy.dask.compute() == 4


# Dataframes

FRAME = pd.DataFrame({"a": [1, 2, 3, 4], "b": ["x", "y", "z", "w"]}, index=[10, 20, 30, 40])


def test_dataframes_arrive_as_pandas(module, delayed):
    """Whole: dataframes and series as pandas', a reduction as its value."""
    df = module.dataframe.from_pandas(FRAME, npartitions=2)
    assert_same(delayed(same)(df).compute(), FRAME)
    assert_same(delayed(df).compute(), FRAME)
    assert_same(delayed(same)(df[["a"]].sum()).compute(), FRAME[["a"]].sum())
    found = delayed(same)(df.a.max()).compute()
    assert found == 4 and type(found) is type(FRAME.a.max())
    assert delayed(len)(df).compute() == 4
    assert (delayed(df.a.sum()) + df.a.size).compute() == 14


@pytest.mark.filterwarnings("ignore:Computing mixed collections")
def test_computed_together(module, delayed):
    """Dataframes, their reductions and calls in one computation."""
    df = module.dataframe.from_pandas(FRAME, npartitions=2)
    frame, total, length = module.compute(df, df.a.sum(), delayed(len)(df.b))
    assert_same(frame, FRAME)
    assert (total, length) == (10, 4)


# Errors

class Strange(Exception):
    """One that is made of more than its text."""

    def __init__(self, code, *, why):
        super().__init__(f"{code} because of {why}")
        self.code, self.why = code, why

    def __reduce__(self):
        return functools.partial(Strange, why=self.why), (self.code,)


def fail(kind, *args):
    raise kind(*args)


FAILURES = [(ValueError, "boom", 1), (KeyError, "k"), (ZeroDivisionError,), (StopIteration,),
            (OSError, 2, "No such file"), (functools.partial(Strange, why="me"), 3),
            (ValueError, "é" * 3000),
            (RuntimeError, "#1.1 %s\n{}")]


@pytest.mark.parametrize("how", SCHEDULERS)
@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: str(failure[0])[:40])
def test_error(failure, how):
    """What a task raises is raised: its class, arguments and attributes, and where it was."""
    kind, *args = failure
    try:
        kind(*args)
        raise kind(*args)
    except Exception as problem:
        want = problem
    with pytest.raises(type(want)) as caught:
        cdask.compute(cdask.delayed(inc)(cdask.delayed(fail)(kind, *args)), scheduler=how)
    found = caught.value
    assert type(found) is type(want) and str(found) == str(want)
    assert list(map(repr, found.args)) == list(map(repr, want.args))
    assert {**vars(found)} == {**vars(want)}
    told = "".join(traceback.format_exception(found))
    assert "in fail\n    raise kind(*args)" in told


@pytest.mark.parametrize("how", ["sync", "threads"])
def test_error_is_the_very_object(delayed, how):
    """In this process it is the object that was raised, with its cause."""
    problem = ValueError("mine")

    def raise_it():
        raise problem from KeyError("cause")
    with pytest.raises(ValueError) as caught:
        delayed(raise_it)().compute(scheduler=how)
    assert caught.value is problem and isinstance(problem.__cause__, KeyError)
    assert [frame.name for frame in traceback.extract_tb(problem.__traceback__)][-1] == "raise_it"


def test_error_that_cannot_travel():
    """From another process it comes as a RuntimeError with its text, and where it was."""
    def raise_it():
        problem = ValueError("has a lock")
        problem.lock = threading.Lock()
        raise problem
    with pytest.raises(RuntimeError, match="ValueError: has a lock") as caught:
        cdask.delayed(raise_it)().compute(scheduler="processes")
    assert "in raise_it" in str(caught.value.__cause__)


@pytest.mark.parametrize("how", SCHEDULERS)
def test_errors_of_several_threads(how):
    """Each computation raises its own, though all have one text."""
    class Mine(Exception):
        def __str__(self):
            return "all alike"

    wrong = []

    def work(number):
        for i in range(8):
            try:
                cdask.delayed(fail)(Mine, number, i).compute(scheduler=how)
            except Exception as problem:
                if type(problem).__name__ != "Mine" or problem.args != (number, i):
                    wrong.append(problem)
    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("how", SCHEDULERS)
def test_nothing_goes_on_after_an_error(how):
    """What needs the failed task is not run, and the next computation is as ever."""
    calls = []
    failed = cdask.delayed(fail)(ValueError, "boom")
    with pytest.raises(ValueError):
        cdask.delayed(calls.append)(failed).compute(scheduler=how)
    assert calls == [] and cdask.delayed(inc)(1).compute(scheduler=how) == 2


# cdask's own

def test_nested_where_dask_fails():
    """In slices, in frozen sets, and dataframes in lists."""
    df = cdask.dataframe.from_pandas(FRAME, npartitions=2)
    one = cdask.delayed(1)
    assert cdask.compute(slice(one, None, [one]), frozenset([one])) == (slice(1, None, [1]), {1})
    frame, total = cdask.delayed(same)([df.a, {"k": df.a.sum()}]).compute()
    assert_same(frame, FRAME.a)
    assert total == {"k": 10}


@pytest.mark.parametrize("how", SCHEDULERS)
def test_every_scheduler(how):
    """A small tree of calls, with values of all kinds between them."""
    delayed = cdask.delayed
    leaves = [delayed(same)(value) for value in (1, 2.5, "x", None, b"y", [1], {"k": (2,)}, Pair(1))]
    lazy = delayed(same)([delayed(same)(leaf) for leaf in leaves], total=delayed(sum)(leaves[:2]))
    assert lazy.compute(scheduler=how) == (([1, 2.5, "x", None, b"y", [1], {"k": (2,)}, Pair(1)],),
                                           {"total": 3.5})


def test_arguments_are_the_very_objects():
    """In this process what holds nothing lazy arrives itself."""
    for thing in ([1], {"a": [2]}, {1}, Pair([3]), object(), FRAME):
        assert cdask.delayed(lambda x: x is thing)(thing).compute() is True


def test_unknown_options():
    """A wrong word is an error, not ignored."""
    with pytest.raises(TypeError, match="schedular"):
        cdask.delayed(1).compute(schedular="sync")
    with pytest.raises(ValueError, match="unknown scheduler 'nobody': expected one of .*threads"):
        cdask.delayed(1).compute(scheduler="nobody")
    with pytest.raises(TypeError, match="no scheduler: 3"):
        cdask.delayed(1).compute(get=3)


def test_nested_computation():
    """A task may compute by itself, under any scheduler."""
    def outer(how):
        return cdask.delayed(inc)(1).compute(scheduler=how)
    for how in SCHEDULERS:
        for inner in ("sync", "threads"):
            assert cdask.delayed(outer)(inner).compute(scheduler=how) == 2


def test_groupby_is_no_argument():
    """Groups have no value before they are aggregated."""
    groups = cdask.dataframe.from_pandas(FRAME).groupby("b")
    with pytest.raises(ValueError, match="groupby"):
        cdask.delayed(len)(groups).compute()


@pytest.mark.parametrize("scheduler", ["sync", "threads", "processes"])
def test_what_tasks_print_is_printed_once(scheduler):
    program = f"""if True:
        import cdask
        print("before")
        cdask.delayed(print)("inside").compute(scheduler={scheduler!r})
        print("after")
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.split() == ["before", "inside", "after"]
