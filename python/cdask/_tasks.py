"""Python callables as tasks.

A task is the call of a registered C function. All Python callables share one, which is registered
as "python", its name among processes, and under each name that a callable has, so that profiles and
pictures show `inc` and not `python`. Its
first argument is a Call, the others are what the Call's slots stand for. For partitions the table
comes first and the Call second.
"""
import asyncio
import ctypes
import inspect
import os
import pickle
import threading
from typing import NamedTuple

from . import _abi, _context, _exceptions, _values
from ._errors import call as check_call


class Slot:
    """The place of another task's result among the arguments of a Call."""

    __slots__ = ("number",)

    def __init__(self, number):
        self.number = number


class Call:
    """function(*args, **kwargs), with slots anywhere inside lists, tuples, sets and dicts.

    `received` maps the numbers of results that are not given as they arrive to functions of them.
    """

    __slots__ = ("function", "args", "kwargs", "has_slots", "received", "is_flat")

    def __init__(self, function, args, kwargs=None, has_slots=False, received=None):
        self.function, self.args, self.kwargs, self.has_slots = function, args, kwargs or {}, has_slots
        self.received = received
        self.is_flat = not self.kwargs and not any(type(arg) in NESTING for arg in args)

    def run(self, results):
        if not self.has_slots:
            return self.function(*self.args, **self.kwargs)
        if self.received:
            results = [self.received.get(i, _same)(one) for i, one in enumerate(results)]
        if self.is_flat:
            return self.function(*[results[arg.number] if type(arg) is Slot else arg
                                   for arg in self.args])
        return self.function(*filled(self.args, results), **filled(self.kwargs, results))

    def __reduce__(self):
        return Call, (self.function, self.args, self.kwargs, self.has_slots, self.received)


def _same(result):
    return result


class Apply:
    """A call inside the arguments of another (a nested task of a dict graph)."""

    __slots__ = ("function", "args")

    def __init__(self, function, args):
        self.function, self.args = function, args


NESTING = (list, tuple, set, frozenset, dict, Apply)


def filled(thing, results):
    """`thing` with results in its slots."""
    kind = type(thing)
    if kind is Slot:
        return results[thing.number]
    if kind is Apply:
        return thing.function(*filled(thing.args, results))
    if kind in (list, tuple, set, frozenset):
        return kind([filled(one, results) for one in thing])
    if kind is dict:
        return {filled(key, results): filled(one, results) for key, one in thing.items()}
    return thing


# Running

_here = threading.local()  # .task: the dk_task that runs in this thread


class Host(NamedTuple):
    """The worker that runs a task."""

    address: str
    name: str
    nthreads: int
    local_directory: str
    scheduler_address: str


def running():
    """Whose task the caller is; None: no cluster runs it."""
    task = getattr(_here, "task", None)
    worker = task and _abi.dk_task_worker(task)
    if not worker:
        return None
    return Host(worker.decode(), _abi.dk_task_worker_name(task).decode(), _abi.dk_task_worker_nthreads(task),
                os.fsdecode(_abi.dk_task_folder(task)), _abi.dk_task_scheduler(task).decode())


def secede():
    """The calling task's thread no longer counts among the worker's."""
    _abi.dk_task_secede(_here.task)


def rejoin():
    """It does again, once another has made room."""
    _abi.dk_task_rejoin(_here.task)


def _awaited(answer):
    """On a cluster the result of a coroutine function is what its coroutine gives."""
    return asyncio.run(answer) if asyncio.iscoroutine(answer) else answer


@_abi.dk_function
def _run(task, args, nargs, result, error):
    outer, _here.task = getattr(_here, "task", None), task
    try:
        if args[0].kind == _abi.DK_KIND_TABLE:  # a partition
            answer = _values.object_of(args[1]).run([_values.python_of(args[0])])
            result[0] = _values.partition_value(answer)
        else:
            results = [_values.python_of(args[i]) for i in range(1, nargs)]
            answer = _values.object_of(args[0]).run(results)
            result[0] = _values.value_of(_awaited(answer) if _abi.dk_task_worker(task) else answer)
        return _abi.DK_OK
    except BaseException as problem:  # whatever it is, it has to get to the caller
        if _abi.dk_task_worker(task):
            return _exceptions.send(task, problem, error)
        return _exceptions.put(problem, error)
    finally:
        _here.task = outer
        if _exceptions.is_forked() or _abi.dk_task_worker(task):
            _exceptions.flush()


def _aside(work):
    """What is done beside tasks: `work`, of the arguments, as a function that can be registered."""
    @_abi.dk_function
    def run(task, args, nargs, result, error):
        outer, _here.task = getattr(_here, "task", None), task
        try:
            result[0] = _values.value_of(work(*(_values.python_of(args[i]) for i in range(nargs))))
            return _abi.DK_OK
        except BaseException as problem:
            return _exceptions.send(task, problem, error)
        finally:
            _here.task = outer
            _exceptions.flush()
    return run


@_aside
def _run_aside(*parts):
    function, given, named = (pickle.loads(data) if data else None for data in parts)
    named = dict(named or {})
    if "dask_worker" in _parameters(function):
        from .distributed import get_worker
        named["dask_worker"] = get_worker()
    return _awaited(function(*(given or ()), **named))


@_aside
def _change_plugin(name, code):
    from .distributed import get_worker, plugins
    plugins.change(get_worker(), name, code)


def _parameters(function):
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return ()


_registered = set()


def begin():
    """Makes this a process that can run callables, whoever sends them."""
    register_name("python")


def register(function):
    """The name under which `function` can be called in graphs, as bytes."""
    return register_name(name_of(function))


def register_name(name):
    name = name.encode()
    if not _registered:
        check_call(_abi.dk_register_type, _context.current(), ctypes.byref(_values.OBJECT))
        check_call(_abi.dk_register, _context.current(), b"python", _run, None)
        check_call(_abi.dk_register, _context.current(), b"python.run", _run_aside, None)
        check_call(_abi.dk_register, _context.current(), b"python.plugin", _change_plugin, None)
        _registered.add(b"python")
    if name not in _registered:
        check_call(_abi.dk_register, _context.current(), name, _run, None)
        _registered.add(name)
    return name


def any_registered():
    """Whether Python callables may run at all."""
    return bool(_registered)


def name_of(function):
    """What a callable is called in keys and profiles: its name without angle brackets and dots."""
    while hasattr(function, "func") and hasattr(function, "keywords"):  # functools.partial
        function = function.func
    name = getattr(function, "__name__", None) or type(function).__name__
    return "lambda" if name == "<lambda>" else str(name)[:50]
