"""Tasks that a client submits: calls, graphs, frames.   Source: distributed.client.Client."""
import ctypes
import functools
import hashlib
import pickle
import uuid

from .. import _abi, _collections, _exceptions, _tasks, _values, local
from .._annotations import SubmitOptions
from .._errors import call
from .._lifetime import Lazy
from .._waiting import sent
from ..delayed import collect
from .executor import ClientExecutor
from .futures import Future, handles_of


class Submitting:
    """What a client does with tasks."""

    def submit(self, func, *args, key=None, workers=None, resources=None, retries=None, priority=0,
               fifo_timeout="100 ms", allow_other_workers=False, actor=False, actors=False, pure=True, **kwargs):
        """Has a function called on the cluster.

        Follows :meth:`dask.distributed.Client.submit`.

        Parameters
        ----------
        func : callable
        *args
            Futures and lazy things stand for their results, also inside lists, tuples, sets and dicts.
        key : str, optional
            What the task is called; tasks of one key are one task. Default: made of the function's name and, if
            `pure`, of function and arguments.
        workers : str or list of str, optional
            Addresses, names or hosts that may run it.
        resources : dict, optional
            What it needs of workers, {name: how much}.
        retries : int, optional
            How often it is tried again when it fails.
        priority : number
            Larger is earlier.
        fifo_timeout : str
            Accepted as Dask's.
        allow_other_workers : bool
            Whether `workers` is only a wish.
        actor : bool
        actors : bool
            Not there yet.
        pure : bool
            Whether equal calls have equal results.
        **kwargs
            Further arguments for the function.

        Returns
        -------
        Future

        Raises
        ------
        TypeError
            The function is none.
        """
        if not callable(func):
            raise TypeError("First input to submit must be a callable function")
        _refuse_actors(actor or actors)
        if allow_other_workers and workers is None:
            raise ValueError("Only use allow_other_workers= if using workers=")
        if key is None:
            key = f"{_tasks.name_of(func)}-{token_of(func, args, kwargs) if pure else uuid.uuid4()}"
        _check_task_key(key)
        options = SubmitOptions(key, workers, resources, retries, priority, allow_other_workers)
        return self._submit(func, args, kwargs, options)

    def _submit(self, func, args, kwargs, options):
        remote = []
        args, kwargs = collect(tuple(args), remote, _is_remote), collect(kwargs, remote, _is_remote)
        if not isinstance(options.key, str):
            return self._submit_by_name(func, args, kwargs, options, remote)
        futures = [self._own(future) for future in self._begun_of(remote)]
        handles = handles_of(futures)
        values = (_abi.dk_value * (len(futures) + 1))()
        received = {i: one._received for i, one in enumerate(futures) if one._received is not None}
        values[0] = _values.object_value(_tasks.Call(func, args, kwargs, bool(futures), received))
        for i in range(len(futures)):
            values[i + 1] = _abi.dk_value_task(_abi.dk_task_id(i))
        out = _abi.future_p()
        try:
            sent(_abi.dk_client_submit, self._open(), b"python", values, len(values), handles, len(handles),
                 ctypes.byref(options.filled), ctypes.byref(out))
        finally:
            _values.drop([values[0]])
        return Future._of(self, out, options.key)

    def _submit_by_name(self, func, args, kwargs, options, remote):
        if remote:
            raise NotImplementedError(f"a task with futures as arguments has a text as its key, not {options.key!r}")
        return self._map(func, [args], kwargs, [options.key], options)[0]

    def _own(self, future):
        """A future of this client for what another one of the same scheduler wants: when this returns the scheduler
        knows that both want it."""
        if future.client is self:
            return future
        if future.client.address != self.address:
            raise ValueError("Inputs contain futures that were created by another client.")
        future._wait()
        own = Future._like(future, self)
        own._wait()
        return own

    def map(self, func, *iterables, key=None, workers=None, retries=None, resources=None, priority=0,
            allow_other_workers=False, fifo_timeout="100 ms", actor=False, actors=False, pure=True, batch_size=None,
            **kwargs):
        """Has a function called on the cluster for each element.

        Follows :meth:`dask.distributed.Client.map`.

        Parameters
        ----------
        func : callable
        *iterables
            What the first, second ... arguments are taken of; the shortest ends it.
        key : str or list, optional
            What the tasks' names begin with, or all names.
        workers : str or list of str, optional
        retries : int, optional
        resources : dict, optional
        priority : number
        allow_other_workers : bool
        fifo_timeout : str
        actor : bool
        actors : bool
        pure : bool
            All as for :meth:`submit`.
        batch_size : int, optional
            Accepted as Dask's.
        **kwargs
            Further arguments for every call.

        Returns
        -------
        list of Future

        Raises
        ------
        TypeError
            The function is none.
        """
        if not callable(func):
            raise TypeError("First input to map must be a callable function")
        _refuse_actors(actor or actors)
        if allow_other_workers and workers is None:
            raise ValueError("Only use allow_other_workers= if using workers=")
        calls = list(zip(*iterables))
        if isinstance(key, list):
            if len(key) != len(calls):
                raise ValueError(f"{len(key)} keys for {len(calls)} calls")
            keys = key
            for one in keys:
                _check_task_key(one)
        else:
            name, call_id = key or _tasks.name_of(func), None if pure else uuid.uuid4()
            keys = [f"{name}-{token_of(func, args, kwargs)}" if pure else f"{name}-{call_id}-{i}"
                    for i, args in enumerate(calls)]
        options = SubmitOptions(None, workers, resources, retries, priority, allow_other_workers)
        remote = []
        collect((calls, kwargs), remote, _is_remote)
        if remote:
            return [self._submit(func, args, kwargs, options.renamed(key)) for key, args in zip(keys, calls)]
        return self._map(func, calls, kwargs, keys, options)

    def _map(self, func, calls, kwargs, keys, options):
        """All in one message."""
        dsk = {key: (_Apply(func, kwargs), *map(_Quoted, args)) for key, args in zip(keys, calls)}
        return self._begin(local._Graph(dsk), keys, options)

    def _begin(self, graph, keys, options):
        """The futures of tasks of a graph, by their names in it."""
        if not keys:
            return []
        ids = (_abi.dk_task_id * len(keys))(*map(graph.task, keys))
        return self._begun(graph.handle, ids, keys, options)

    def _begun(self, handle, ids, keys, options, lazies=None):
        out = (_abi.future_p * len(ids))()
        sent(_abi.dk_client_compute, self._open(), handle, ids, len(ids), ctypes.byref(options.filled), out)
        # An array gives out views of its items; a future has its own pointer.
        return [Future._of(self, ctypes.cast(out[i], _abi.future_p), keys and keys[i], lazies and lazies[i])
                for i in range(len(ids))]

    def get_executor(self, **kwargs):
        """The cluster as one of the standard library's executors.

        Follows :meth:`dask.distributed.Client.get_executor`.

        Parameters
        ----------
        **kwargs
            `pure`, `workers`, `resources`, `allow_other_workers` and `retries`, for all its calls.

        Returns
        -------
        ClientExecutor
        """
        return ClientExecutor(self, **kwargs)

    def compute(self, collections, sync=False, optimize_graph=True, workers=None, allow_other_workers=False,
                resources=None, retries=0, priority=0, fifo_timeout="60s", actors=None, traverse=True):
        """Begins to compute lazy things on the cluster.

        Follows :meth:`dask.distributed.Client.compute`.

        Parameters
        ----------
        collections : frame, series, scalar, Delayed, or a list of them
        sync : bool
            Whether to wait and give the results.
        optimize_graph : bool
            Accepted as Dask's.
        workers : str or list of str, optional
        allow_other_workers : bool
        resources : dict, optional
        retries : int
        priority : number
        fifo_timeout : str
        actors : bool, optional
            All as for :meth:`submit`.
        traverse : bool
            Accepted as Dask's.

        Returns
        -------
        Future or list of Future
            Or the results, with `sync`. What is not lazy stays as it is.
        """
        many = isinstance(collections, (list, tuple, set, frozenset))
        things = list(collections) if many else [collections]
        _refuse_actors(actors)
        options = SubmitOptions(None, workers, resources, retries, priority, allow_other_workers, as_named=False)
        futures = self._begun_of(things, options)
        result = futures if many else futures[0]
        return self.gather(result) if sync else result

    def _begun_of(self, things, options=None):
        """Futures in the places of lazy things."""
        lazies = {id(thing): thing for thing in things if isinstance(thing, Lazy)}
        if not lazies:
            return things
        options = options or SubmitOptions(as_named=False)
        made = dict(zip(lazies, self._compute(list(lazies.values()), options)))
        return [made.get(id(thing), thing) for thing in things]

    def _compute(self, lazies, options):
        frames = (_abi.dk_frame * len(lazies))(*(lazy._frame for lazy in lazies))
        graph, ids = _abi.graph_p(), (_abi.dk_task_id * len(lazies))()
        call(_abi.dk_frame_graph, frames, len(lazies), ctypes.byref(graph), ids)
        try:
            return self._begun(graph, ids, None, options, lazies)
        finally:
            _abi.dk_graph_free(graph)

    def persist(self, collections, optimize_graph=True, workers=None, allow_other_workers=None, resources=None,
                retries=None, priority=0, fifo_timeout="60s", actors=None):
        """Begins to compute lazy things, and keeps their results on the cluster.

        Follows :meth:`dask.distributed.Client.persist`.

        Parameters
        ----------
        collections : frame, series, Delayed, or a list of them
        optimize_graph : bool
            Whether chains of tasks are joined.
        workers : str or list of str, optional
        allow_other_workers : bool, optional
        resources : dict, optional
        retries : int, optional
        priority : number
        fifo_timeout : str
        actors : bool, optional
            All as for :meth:`submit`.

        Returns
        -------
        The same, on which nothing is left to be computed; a list for several.
        """
        _refuse_actors(actors)
        many = isinstance(collections, (list, tuple, set, frozenset))
        made = _collections.persist(
            *(collections if many else [collections]), scheduler=self, optimize_graph=optimize_graph, workers=workers,
            allow_other_workers=allow_other_workers, resources=resources, retries=retries, priority=priority)
        return list(made) if many else made[0]

    def get(self, dsk, keys, workers=None, allow_other_workers=None, resources=None, sync=True, asynchronous=None,
            direct=None, retries=None, priority=0, fifo_timeout="60s", actors=None):
        """Runs a graph that is a dict, as :func:`cdask.get_sync` takes it.

        Follows :meth:`dask.distributed.Client.get`.

        Parameters
        ----------
        dsk : dict
        keys : key or list of keys, also nested
        workers : str or list of str, optional
        allow_other_workers : bool, optional
        resources : dict, optional
        sync : bool
            Whether to wait for the results.
        asynchronous : bool, optional
            Accepted as Dask's.
        direct : bool, optional
            As for :meth:`gather`.
        retries : int, optional
        priority : number
            All as for :meth:`submit`.
        fifo_timeout : str
        actors : bool, optional

        Returns
        -------
        object, or nested lists as `keys`
            Futures, without `sync`.

        Raises
        ------
        KeyError
            For a key that the graph lacks.
        Exception
            What a task raises.
        """
        wanted = local._flat(keys)
        for key in wanted:
            if key not in dsk:
                raise KeyError(f"{key!r} is not in the graph")
        options = SubmitOptions(None, workers, resources, retries, priority, allow_other_workers, as_named=False)
        futures = iter(self._begin(local._Graph(dsk), wanted, options))
        nested = _nested(keys, futures)
        return self.gather(nested, direct=direct) if sync else nested

    get.scheduler_name = "distributed"


class _Apply:
    """function(*args, **kwargs) of arguments that are given as they are; packed once for many calls."""

    def __init__(self, function, kwargs):
        self.function, self.kwargs, self.__name__ = function, kwargs, _tasks.name_of(function)
        self._packed = None

    def __call__(self, *args):
        return self.function(*[arg.thing for arg in args], **self.kwargs)

    def __reduce__(self):
        if self._packed is None:
            self._packed = _exceptions.pickled((self.function, self.kwargs))
        return _unpacked_apply, (self._packed,)


@functools.lru_cache(maxsize=64)
def _unpacked_apply(packed):
    return _Apply(*pickle.loads(packed))


class _Quoted:
    """An argument that is no key and no task of a graph, whatever it looks like."""

    __slots__ = ("thing",)

    def __init__(self, thing):
        self.thing = thing

    def __reduce__(self):
        return _Quoted, (self.thing,)


def _check_key(key):
    """Errors: TypeError, ValueError: there is no such key."""
    if type(key) is tuple:
        for part in key:
            _check_key(part)
    elif not isinstance(key, (str, int, float)):
        raise TypeError(f"Unexpected key type {type(key)} ({key=!r})")
    if key in ("", ()):
        raise ValueError("a key must not be empty")


def _check_task_key(key):
    _check_key(key)
    if isinstance(key, (int, float)):
        raise NotImplementedError(f"a task's key is a text or a tuple, not the number {key!r}")


def _is_remote(thing):
    return isinstance(thing, (Future, Lazy))


def _refuse_actors(wanted):
    if wanted:
        raise NotImplementedError("actors are not there yet")


def token_of(*things):
    """The same for equal things, if they can be pickled."""
    try:
        return hashlib.blake2b(_exceptions.pickled(things), digest_size=16).hexdigest()
    except Exception:
        return uuid.uuid4().hex


def _nested(keys, futures):
    return [_nested(key, futures) for key in keys] if isinstance(keys, list) else next(futures)
