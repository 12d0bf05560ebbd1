"""The `get` functions: schedulers by themselves, for graphs that are dicts.   Source: dask.local.

    >>> get_sync({"x": 1, "y": (add, "x", 10)}, "y")
    11

A graph maps keys to tasks: tuples of a callable and its arguments, in which keys stand for their
results, also inside lists, tuples and sets, and in tasks inside tasks. Anything else stands for
itself.
"""
import ctypes
import operator

from . import _abi, _compute, _context, _tasks, _values
from ._errors import call, check
from .delayed import _identity


def _getter(name, title):
    def get(dsk, keys, num_workers=None, **unknown):
        return _run(dsk, keys, _compute.Options(name, num_workers=num_workers, **unknown))
    get.__name__ = get.__qualname__ = title
    get.__doc__ = f"""Runs a graph under the scheduler "{name}".

    Parameters
    ----------
    dsk : dict
        The graph; see the module's text.
    keys : key or list of keys, also nested
        What is wanted.
    num_workers : int, optional
        Threads or processes at once; default: the CPUs of this process.
    **unknown
        There are no others.

    Returns
    -------
    object or tuple
        The result, or for lists of keys as many in tuples.

    Raises
    ------
    KeyError
        For a key that the graph lacks.
    RuntimeError
        For tasks that need each other.
    Exception
        What a task raises.
    """
    get.scheduler_name = name
    return get


get_sync = _getter("sync", "get_sync")
get_threads = _getter("threads", "get")
get_processes = _getter("processes", "get")
__all__ = ["get_processes", "get_sync", "get_threads"]

GETS = {"sync": _abi.dk_get_sync, "threads": _abi.dk_get_threads,
        "processes": _abi.dk_get_processes}


class _Graph:
    """A dict graph as one of the library's."""

    def __init__(self, dsk):
        self.dsk, self.handle = dsk, _abi.graph_p()
        self.keys, self.texts = {}, set()
        check(_abi.dk_graph_new(_context.current(), ctypes.byref(self.handle)), _abi.dk_error())
        for key in dsk:
            self.add(key, dsk[key])

    def c_key(self, key):
        """The key as the library has it; one whose text another has is marked."""
        found = self.keys.get(key)
        if found is None:
            found = c_key(key)
            while (found.name, found.index) in self.texts:
                found.name += b"'"
            self.texts.add((found.name, found.index))
            self.keys[key] = found
        return found

    def task(self, key):
        found = _abi.dk_task_id()
        check(_abi.dk_graph_task(self.handle, self.c_key(key), ctypes.byref(found)),
              _abi.dk_error())
        return found

    def is_key(self, thing):
        try:
            return thing in self.dsk
        except TypeError:
            return False

    def slots(self, thing, keys):
        """`thing` with slots for keys, and calls for tasks inside it. Dicts are left alone."""
        if is_task(thing):
            function, *args = thing
            return _tasks.Apply(function, tuple(self.slots(arg, keys) for arg in args))
        if self.is_key(thing) or hasattr(type(thing), "_kept_value"):
            keys.append(thing)
            return _tasks.Slot(len(keys) - 1)
        if type(thing) in (list, tuple, set, frozenset):
            parts = [self.slots(one, keys) for one in thing]
            return thing if all(map(operator.is_, parts, thing)) else type(thing)(parts)
        return thing

    def add(self, key, task):
        keys = []
        function, *given = task if is_task(task) else (_identity, task)
        args = tuple(self.slots(arg, keys) for arg in given)
        made = _tasks.Call(function, args, None, not all(map(operator.is_, args, given)))
        values = (_abi.dk_value * (len(keys) + 1))()
        values[0] = _values.object_value(made)
        for i, needed in enumerate(keys):
            if needed not in self.keys and hasattr(type(needed), "_kept_value"):
                self.add_kept(needed)
            values[i + 1] = _abi.dk_value_task(self.task(needed))
        call(_abi.dk_graph_add, self.handle, self.c_key(key), _tasks.register(function), values,
             len(values), ctypes.byref(_abi.dk_task_id()))

    def add_kept(self, future):
        """The result of a future, which its cluster has."""
        values = (_abi.dk_value * 1)(future._kept_value())
        call(_abi.dk_graph_add, self.handle, self.c_key(future), b"cluster.result", values, 1,
             ctypes.byref(_abi.dk_task_id()))

    def __del__(self):
        _abi.dk_graph_free(self.handle)


def is_task(thing):
    return type(thing) is tuple and bool(thing) and callable(thing[0])


def c_key(key):
    if type(key) is str and "\0" not in key:
        return _abi.dk_key_text(key.encode())
    if (type(key) is tuple and len(key) == 2 and type(key[0]) is str and "\0" not in key[0]
            and type(key[1]) is int and abs(key[1]) < 2**63):
        return _abi.dk_key_at(key[0].encode(), key[1])
    return _abi.dk_key_text(repr(key).encode())


def _flat(keys):
    return [one for key in keys for one in _flat(key)] if isinstance(keys, list) else [keys]


def _nested(keys, results):
    return tuple(_nested(key, results) for key in keys) if isinstance(keys, list) else next(results)


def _run(dsk, keys, options):
    wanted = _flat(keys)
    for key in wanted:
        if key not in dsk:
            raise KeyError(f"{key!r} is not in the graph")
    graph = _Graph(dsk)
    ids = (_abi.dk_task_id * len(wanted))(*map(graph.task, wanted))
    values = (_abi.dk_value * len(wanted))()
    _compute.perform(options, GETS[options.name], _context.current(), graph.handle, ids,
                     len(wanted), ctypes.byref(options.filled.run), values,
                     ctypes.byref(options.error))
    return _nested(keys, iter(_values.taken(list(values))))
