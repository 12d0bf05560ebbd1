"""A connection to a scheduler.   Source: distributed.client.Client."""
import asyncio
import atexit
import contextlib
import ctypes
import functools
import hashlib
import itertools
import json
import logging
import os
import pickle
import threading
import time
import uuid
import weakref

from .. import _abi, _collections, _compute, _context, _exceptions, _tasks, _values, local
from .._annotations import SubmitOptions, listed
from .._errors import call
from .._lifetime import Lazy
from .._waiting import seconds, sent, waited
from ..delayed import collect
from . import plugins
from .shown import bytes_text, page_of
from .futures import Callbacks, Future, direct_of, done_soon, futures_of, gathered, handles_of, wait_for

NO_DEFAULT = "__no_default__"

log = logging.getLogger("distributed.client")

_open_clients = []  # the newest last
_clients = weakref.WeakValueDictionary()  # by the addresses of their dk_client
_task_clients = {}  # those of tasks, by the scheduler's address
_lock = threading.Lock()


class Security:
    """Certificates for addresses that begin with tls://.

    Parameters
    ----------
    tls_ca_file : str
        Of the authority that is trusted.
    tls_client_cert : str
        This client's certificate.
    tls_client_key : str, optional
        The key of that; default: it is in the same file.
    **kwargs
        Dask's further fields, which are of schedulers and workers.

    Raises
    ------
    TypeError
        For other fields.
    """

    def __init__(self, tls_ca_file=None, tls_client_cert=None, tls_client_key=None, **kwargs):
        for name in kwargs:
            if not name.startswith("tls_") and name not in ("require_encryption", "extra_conn_args"):
                raise TypeError(f"Security got an unexpected keyword argument {name!r}")
        self.tls_ca_file, self.tls_client_cert, self.tls_client_key = tls_ca_file, tls_client_cert, tls_client_key


class Client:
    """A connection to a scheduler, and while it is open what computations run on.

    Follows :class:`dask.distributed.Client`. ``with Client() as client`` closes it at the end. With `asynchronous`,
    ``async with Client(asynchronous=True) as client`` or ``client = await Client(asynchronous=True)`` opens it, and
    what would wait gives a coroutine.

    Parameters
    ----------
    address : str or LocalCluster, optional
        Of the scheduler, cdask's or Dask's: "HOST:PORT", "tcp://HOST:PORT" or "tls://HOST:PORT". Without, a
        LocalCluster is started, and closed with the client.
    loop : object, optional
        Accepted as Dask's.
    timeout : number or str, optional
        Seconds to connect within; default 30.
    set_as_default : bool
        Whether computations that name no scheduler go to the cluster.
    scheduler_file : str, optional
        Where the scheduler has written its address.
    security : Security or dict, optional
        For tls:// addresses.
    asynchronous : bool
        Whether it belongs to an event loop.
    name : str, optional
    heartbeat_interval : int, optional
    serializers : list, optional
    deserializers : list, optional
    extensions : dict, optional
        Accepted as Dask's.
    direct_to_workers : bool, optional
        Whether results come from the workers themselves, not by way of the scheduler. Default: from those that are
        on this machine, and for clients of tasks.
    connection_limit : int
        Accepted as Dask's.
    **kwargs
        For the LocalCluster: `n_workers`, `threads_per_worker`, `processes`, `memory_limit` ...

    Raises
    ------
    OSError
        Nobody answers at the address, or a worker did not start.
    ValueError
        The address cannot be understood.
    """

    def __init__(self, address=None, loop=None, timeout=None, set_as_default=True, scheduler_file=None, security=None,
                 asynchronous=False, name=None, heartbeat_interval=None, serializers=None, deserializers=None,
                 extensions=None, direct_to_workers=None, connection_limit=512, **kwargs):
        self._handle = None
        if address is not None and kwargs:
            raise ValueError(f"Unexpected keyword arguments: {sorted(kwargs)}")
        self.cluster, self._own_cluster = None, False
        if scheduler_file:
            with open(scheduler_file) as file:
                address = json.load(file)["address"]
        if isinstance(getattr(address, "scheduler_address", None), str):
            self.cluster, address = address, address.scheduler_address
        elif address is not None and not isinstance(address, str):
            raise TypeError(f"Scheduler address must be a string or a Cluster instance, got {type(address)}")
        self.asynchronous, self._timeout, self._is_default = asynchronous, seconds(timeout, 30), set_as_default
        self._direct = direct_to_workers
        self._address, self._security, self._cluster_options = address, security, kwargs
        self._futures, self._kept = weakref.WeakSet(), weakref.WeakValueDictionary()  # those of persisted things
        self._watched, self._tokens, self._watcher = {}, itertools.count(1), None
        self._callbacks, self._lock = Callbacks(), threading.Lock()
        if not asynchronous:
            self._start()

    # Opening and closing

    def _start(self):
        if self._handle:
            return
        if self._address is None and self.cluster is None:
            from .deploy import LocalCluster
            self.cluster, self._own_cluster = LocalCluster(security=self._security, **self._cluster_options), True
            self._address = self.cluster.scheduler_address
        try:
            self._handle = self._connect()
        except BaseException:
            self._end_cluster()
            raise
        with _lock:
            _open_clients.append(self)
        _end_with_interpreter()

    def _connect(self):
        _tasks.begin()
        security = Security(**self._security) if isinstance(self._security, dict) else self._security
        options = _abi.dk_client_options(address=self._address.encode(), timeout_s=self._timeout,
                                         no_default=not self._is_default, direct_to_workers=direct_of(self._direct))
        if security is not None:
            for field, path in (("tls_ca_file", security.tls_ca_file), ("tls_cert", security.tls_client_cert),
                                ("tls_key", security.tls_client_key)):
                setattr(options, field, path and os.fsencode(path))
        handle = _abi.client_p()
        call(_abi.dk_client_open, _context.current(), ctypes.byref(options), ctypes.byref(handle))
        _clients[ctypes.cast(handle, ctypes.c_void_p).value] = self
        return handle

    def _open(self):
        if not self._handle:
            raise ValueError("the client is closed" if self._address else "the client was not started: await it")
        return self._handle

    def _handle_is_open(self):
        return _context.is_open()

    def close(self, timeout=None):
        """Ends the connection, and the cluster if the client has started it. A second call does nothing.

        Parameters
        ----------
        timeout : number or str, optional
            Accepted as Dask's.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(self._close)

    def _close(self):
        with _lock:
            handle, self._handle = self._handle, None
            if self in _open_clients:
                _open_clients.remove(self)
        if handle and _context.is_open():
            for future in list(self._futures):
                future.release()
            self._end_watch(handle)
            _abi.dk_client_close(handle)
        self._callbacks.close()
        self._end_cluster()

    def _end_cluster(self):
        if self._own_cluster:
            self.cluster.close()

    def shutdown(self):
        """Ends the scheduler and its workers, and the connection.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        def end():
            if self.cluster is None:
                with contextlib.suppress(OSError):
                    self._ask("terminate", _limit=10)
            self._close()
            if self.cluster is not None:
                self.cluster.close()
        return self._do(end)

    def __enter__(self):
        if self.asynchronous:
            raise TypeError("Use 'async with' for asynchronous clients")
        return self

    def __exit__(self, *problem):
        self.close()

    def __await__(self):
        return self._started().__await__()

    async def _started(self):
        await asyncio.to_thread(self._start)
        return self

    async def __aenter__(self):
        return await self._started()

    async def __aexit__(self, *problem):
        await asyncio.to_thread(self._close)

    def __del__(self):
        if getattr(self, "_handle", None):
            self._close()

    @staticmethod
    def current(allow_global=True):
        """The newest client that is open.

        Parameters
        ----------
        allow_global : bool
            Accepted as Dask's.

        Returns
        -------
        Client

        Raises
        ------
        ValueError
            There is none.
        """
        return default_client()

    @contextlib.contextmanager
    def as_current(self):
        """Makes this what functions and computations without a client use, in a ``with`` statement.

        Returns
        -------
        context manager
        """
        token = _compute.current_client.set(self)
        try:
            yield self
        finally:
            _compute.current_client.reset(token)

    # Waiting

    def _do(self, work, future=None):
        """What work() gives; of an asynchronous client a coroutine of that, begun when `future` is done."""
        if not self.asynchronous:
            return work()

        async def soon():
            if future is not None and future._handle:
                await done_soon(future)
            return await asyncio.to_thread(work)
        return soon()

    def _watch(self, future):
        """Has future._tell_done() called."""
        handle, client = future._handle, self._handle
        if not handle or not client:
            future._tell_done()
            return
        token = next(self._tokens)
        with self._lock:
            self._watched[token] = future
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._hear, args=(client,), daemon=True,
                                                 name="cdask-client")
                self._watcher.start()
        _abi.dk_future_watch(handle, token)

    def _hear(self, client):
        """Calls the callbacks of futures as they come to be done, until the client is closed."""
        token, error = ctypes.c_int64(), _abi.dk_error()
        while _abi.dk_client_next_done(client, None, ctypes.byref(token), ctypes.byref(error)) == _abi.DK_OK:
            self._tell(token.value)
        with self._lock:
            left, self._watched, self._watcher = list(self._watched.values()), {}, None
        for future in left:
            future._tell_done()

    def _tell(self, token):
        with self._lock:
            future = self._watched.pop(token, None)
        if future is not None:
            future._tell_done()

    def _end_watch(self, handle):
        watcher = self._watcher
        _abi.dk_client_end_watch(handle)
        if watcher is not None and watcher is not threading.current_thread():
            watcher.join()

    def _call_later(self, fn, future):
        self._callbacks.submit(fn, future)

    # Questions

    def _ask(self, op, _limit=None, **fields):
        """The scheduler's answer, within so many seconds."""
        answer = _abi.dk_value()
        message = _values.plain({"op": op, **fields})
        try:
            waited(lambda options, error: _abi.dk_client_ask(
                self._open(), message, options, ctypes.byref(answer), error), _limit)
        except RuntimeError as problem:
            told = _values.taken([answer])[0]
            raise (_raised_in(told) if told else problem) from None
        finally:
            _values.drop([message])
        return _values.taken([answer])[0]

    def _say(self, op, **fields):
        message = _values.plain({"op": op, **fields})
        try:
            call(_abi.dk_client_say, self._open(), message)
        finally:
            _values.drop([message])

    @property
    def id(self):
        """Its name among the scheduler's clients.

        Returns
        -------
        str
        """
        return _abi.dk_client_id(self._open()).decode()

    @property
    def address(self):
        """The scheduler's address.

        Returns
        -------
        str
        """
        return _abi.dk_client_address(self._open()).decode()

    scheduler_address = address

    @property
    def status(self):
        """Whether it is open, and its scheduler there.

        Returns
        -------
        {"running", "closed"}
        """
        handle = self._handle
        return "running" if handle and _abi.dk_client_is_connected(handle) else "closed"

    @property
    def dashboard_link(self):
        """Where the scheduler's page is.

        Returns
        -------
        str or None
            None: it has none.
        """
        info = self._identity()
        port = (info.get("services") or {}).get("dashboard")
        if not port:
            return None
        host = self.address.split("://")[-1].rsplit(":", 1)[0]
        return f"http://{host}:{port}/status"

    # Tasks

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
            key = f"{_tasks.name_of(func)}-{_token(func, args, kwargs) if pure else uuid.uuid4()}"
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
            keys = [f"{name}-{_token(func, args, kwargs)}" if pure else f"{name}-{call_id}-{i}"
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

    # Results

    def gather(self, futures, errors="raise", direct=None, asynchronous=None):
        """Fetches results.

        Follows :meth:`dask.distributed.Client.gather`.

        Parameters
        ----------
        futures : Future, or lists, tuples, sets and dicts with futures inside
        errors : {"raise", "skip"}
            What to do about failed tasks: raise, or leave them out of a list (None elsewhere).
        direct : bool, optional
            Whether they come from the workers themselves; default: as the client has it.
        asynchronous : bool, optional
            Accepted as Dask's.

        Returns
        -------
        object
            The same with results in the places of futures. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        Exception
            What a task has raised.
        """
        if errors not in ("raise", "skip"):
            raise ValueError(f"Bad value, `errors={errors}`")
        return self._do(lambda: self._gather(futures, errors, direct))

    def _gather(self, nested, errors, direct=None):
        futures = futures_of(nested)
        if any(future.client is not self for future in futures):
            raise ValueError("Cannot gather Futures created by another client.")
        failed = set()
        if errors == "skip":
            for future in futures:
                future._wait()
            failed = {future for future in futures if future.status != "finished"}
        good = [future for future in futures if future not in failed]
        results = dict(zip(good, gathered(self, good, direct=direct)) if good else [])
        if isinstance(nested, list):
            nested = [one for one in nested if not (isinstance(one, Future) and one in failed)]
        return _filled(nested, results)

    def scatter(self, data, workers=None, broadcast=False, direct=None, hash=True, timeout=None, asynchronous=None):
        """Puts data on the cluster.

        Follows :meth:`dask.distributed.Client.scatter`.

        Parameters
        ----------
        data : object
            Of lists, tuples, sets and dicts the elements, each by itself.
        workers : str or list of str, optional
            Where.
        broadcast : bool or int
            Whether to have it on all of them, or on how many.
        direct : bool, optional
            Accepted as Dask's.
        hash : bool
            Whether equal data have equal keys.
        timeout : number or str, optional
            Seconds to wait for a worker; default 30.
        asynchronous : bool, optional
            Accepted as Dask's.

        Returns
        -------
        Future, or futures in as many places
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        TimeoutError
            There is no worker in time.
        """
        return self._do(lambda: self._scatter(data, workers, broadcast, hash, seconds(timeout, 30)))

    def _scatter(self, data, workers, broadcast, hash, timeout):
        kind = type(data)
        single = kind not in (dict, list, tuple, set, frozenset)
        things = [data] if single else data
        if kind is not dict:
            things = list(things)
            names = [f"{type(thing).__name__}-{_token(thing) if hash else uuid.uuid4().hex}" for thing in things]
            named = dict(zip(names, things))
        else:
            names, named = list(data), data
        if named:
            packed = {key: _values.Whole(thing) for key, thing in named.items()}
            self._put(packed, workers, broadcast, timeout)
        futures = {key: Future(key, self) for key in named}
        for future in futures.values():
            future._wait()
        if kind is dict:
            return futures
        return futures[names[0]] if single else kind(futures[name] for name in names)

    def _put(self, packed, workers, broadcast, timeout):
        """Dask's scheduler waits for a worker by itself."""
        end = time.monotonic() + timeout
        while True:
            try:
                return self._ask("scatter", data=packed, workers=listed(workers), client=self.id, broadcast=broadcast,
                                 timeout=timeout)
            except OSError as problem:
                if "No valid workers" not in str(problem):
                    raise
                if time.monotonic() >= end:
                    raise TimeoutError(str(problem)) from None
            with contextlib.suppress(TimeoutError):
                self._wait_for_workers(1, end - time.monotonic())

    def cancel(self, futures, asynchronous=None, force=False, reason=None, msg=None):
        """Stops tasks, unless other clients want their results, and what depends on them.

        Follows :meth:`dask.distributed.Client.cancel`.

        Parameters
        ----------
        futures : Future or list of Future
        asynchronous : bool, optional
            Accepted as Dask's.
        force : bool
            Whether other clients do not count.
        reason : str, optional
        msg : str, optional
            Accepted as Dask's.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        def work():
            found = [future for future in futures_of(futures) if future._handle]
            if force and found:
                self._say("cancel-keys", keys=[future.key for future in found], force=True, reason=reason or "unknown",
                          msg=msg or "")
            for future in found:
                call(_abi.dk_future_cancel, future._handle)
                future._is_cancelled = True
        return self._do(work)

    def retry(self, futures, asynchronous=None):
        """Runs failed tasks again, and the failed ones that they depend on.

        Follows :meth:`dask.distributed.Client.retry`.

        Parameters
        ----------
        futures : Future or list of Future
        asynchronous : bool, optional
            Accepted as Dask's.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        def work():
            for future in futures_of(futures):
                call(_abi.dk_future_retry, *handles_of([future]))
        return self._do(work)

    def replicate(self, futures, n=None, workers=None, branching_factor=2, **kwargs):
        """Has results copied to further workers, and copies beyond `n` dropped.

        Follows :meth:`dask.distributed.Client.replicate`.

        Parameters
        ----------
        futures : Future or list of Future
            Or what has futures inside: persisted dataframes, lists, dicts.
        n : int, optional
            How many workers are to have each; default: all.
        workers : list of str, optional
            Among which; default: all.
        branching_factor : int
            How many copies are made of one at once.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        None
            When they are there. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        ValueError
            None would be left.
        """
        def work():
            self._ask("replicate", keys=self._kept_keys(futures), n=n, workers=listed(workers),
                      branching_factor=branching_factor)
        return self._do(work)

    def rebalance(self, futures=None, workers=None, **kwargs):
        """Moves results from workers that have much memory in use to those that have little.

        Follows :meth:`dask.distributed.Client.rebalance`.

        Parameters
        ----------
        futures : Future or list of Future, optional
            Or what has futures inside; default: all results.
        workers : list of str, optional
            Among which; default: all.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        None
            When they are there. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        KeyError
            Results were lost meanwhile.
        """
        def work():
            keys = {} if futures is None else {"keys": self._kept_keys(futures)}
            answer = self._ask("rebalance", workers=listed(workers), **keys)
            if answer["status"] == "partial-fail":
                raise KeyError(f"Could not rebalance keys: {list(map(_key, answer['keys']))}")
        return self._do(work)

    def _kept_keys(self, futures):
        """The keys of what is there, or will soon be."""
        found = futures_of(futures)
        wait_for(found)
        return [future.key for future in found]

    # What the scheduler knows

    def _identity(self):
        return self._ask("identity", n_workers=-1)

    def scheduler_info(self, n_workers=-1, **kwargs):
        """Who the scheduler is, and which workers it has.

        Follows :meth:`dask.distributed.Client.scheduler_info`.

        Parameters
        ----------
        n_workers : int
            Of how many workers to tell; -1: of all.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        dict
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: self._ask("identity", n_workers=n_workers))

    def nthreads(self, workers=None, **kwargs):
        """How many threads each worker has.

        Follows :meth:`dask.distributed.Client.nthreads`.

        Parameters
        ----------
        workers : list of str, optional
            Addresses; default: all.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        dict
            {address: threads}. Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: dict(self._ask("ncores", workers=listed(workers))))

    ncores = nthreads

    def who_has(self, futures=None, **kwargs):
        """Which workers have results.

        Follows :meth:`dask.distributed.Client.who_has`.

        Parameters
        ----------
        futures : Future or list of Future, optional
            Default: all results.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        dict
            {key: list of addresses}. Or a coroutine, if the client is asynchronous.
        """
        def work():
            keys = None if futures is None else [future.key for future in futures_of(futures)]
            return dict(_pairs(self._ask("who_has", keys=keys)))
        return self._do(work)

    def has_what(self, workers=None, **kwargs):
        """Which results workers have.

        Follows :meth:`dask.distributed.Client.has_what`.

        Parameters
        ----------
        workers : list of str, optional
            Addresses; default: all.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        dict
            {address: list of keys}. Or a coroutine, if the client is asynchronous.
        """
        def work():
            asked = listed(workers)
            told = {worker: list(map(_key, keys)) for worker, keys in _pairs(self._ask("has_what", workers=asked))}
            return told if asked is None else {worker: told.get(worker, []) for worker in asked}
        return self._do(work)

    def processing(self, workers=None):
        """Which tasks workers have to run.

        Follows :meth:`dask.distributed.Client.processing`.

        Parameters
        ----------
        workers : list of str, optional
            Addresses; default: all.

        Returns
        -------
        dict
            {address: list of keys}. Or a coroutine, if the client is asynchronous.
        """
        def work():
            answer = self._ask("processing", workers=listed(workers))
            return {worker: list(map(_key, keys)) for worker, keys in _pairs(answer)}
        return self._do(work)

    def nbytes(self, keys=None, summary=True, **kwargs):
        """How large results are.

        Follows :meth:`dask.distributed.Client.nbytes`.

        Parameters
        ----------
        keys : list of str, optional
            Default: all.
        summary : bool
            Whether to add up those whose names begin alike.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        dict
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: dict(_pairs(self._ask("nbytes", keys=keys, summary=summary))))

    def get_scheduler_logs(self, n=None):
        """The last lines of the scheduler's log.

        Follows :meth:`dask.distributed.Client.get_scheduler_logs`.

        Parameters
        ----------
        n : int, optional
            How many at most; default: all that are kept.

        Returns
        -------
        tuple
            (level, line), the newest first. Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: _lines(self._ask("logs", n=n)))

    def get_worker_logs(self, n=None, workers=None, nanny=False):
        """The last lines of the logs of workers.

        Follows :meth:`dask.distributed.Client.get_worker_logs`.

        Parameters
        ----------
        n : int, optional
            How many of each at most; default: all that are kept.
        workers : list of str, optional
            Addresses; default: all.
        nanny : bool
            Of their nannies instead.

        Returns
        -------
        dict
            {address: ((level, line) ...)}, the newest first. Or a coroutine, if the client is asynchronous.
        """
        def work():
            answer = self._ask("worker_logs", n=n, workers=listed(workers), nanny=nanny)
            return {worker: _lines(lines) for worker, lines in answer.items()}
        return self._do(work)

    def log_event(self, topic, msg):
        """Logs an event at the scheduler.

        Follows :meth:`dask.distributed.Client.log_event`.

        Parameters
        ----------
        topic : str or list of str
            Under which names.
        msg
            Of plain values.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        topics = topic if isinstance(topic, str) else list(topic)
        return self._do(lambda: self._ask("log_event", topic=topics, msg=msg))

    def get_events(self, topic=None):
        """Events that were logged at the scheduler.

        Follows :meth:`dask.distributed.Client.get_events`.

        Parameters
        ----------
        topic : str, optional
            Default: all.

        Returns
        -------
        tuple
            (seconds since 1970, event), the newest last; for all topics a dict of them. Or a coroutine, if the
            client is asynchronous.
        """
        def work():
            answer = self._ask("events", topic=topic)
            if topic is not None:
                return _lines(answer)
            return {name: _lines(events) for name, events in _pairs(answer)}
        return self._do(work)

    def wait_for_workers(self, n_workers, timeout=None):
        """Waits until there are so many workers.

        Follows :meth:`dask.distributed.Client.wait_for_workers`.

        Parameters
        ----------
        n_workers : int
        timeout : number or str, optional
            Seconds to wait at most.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        TimeoutError
            They are not there in time.
        """
        if not isinstance(n_workers, int) or n_workers < 1:
            raise ValueError(f"`n_workers` must be a positive integer. Instead got {n_workers}.")
        return self._do(lambda: self._wait_for_workers(n_workers, seconds(timeout)))

    def _wait_for_workers(self, n_workers, timeout):
        end = None if timeout is None else time.monotonic() + timeout
        pause = threading.Event()
        while True:
            count = sum(worker.get("status", "running") == "running"
                        for worker in self._identity()["workers"].values())
            if count >= n_workers:
                return
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"Only {count}/{n_workers} workers arrived after {timeout:g}s")
            pause.wait(0.1)  # schedulers tell nobody when a worker comes

    def retire_workers(self, workers=None, close_workers=True, **kwargs):
        """Has workers hand their results over to others, and leave.

        Follows :meth:`dask.distributed.Client.retire_workers`.

        Parameters
        ----------
        workers : list of str, optional
            Addresses.
        close_workers : bool
            Whether they end.
        **kwargs
            `names` and others of the scheduler's.

        Returns
        -------
        dict
            What the scheduler says of them. Or a coroutine, if the client is asynchronous.
        """
        fields = {"workers": listed(workers)} if workers is not None else {}
        return self._do(lambda: self._ask("retire_workers", close_workers=close_workers, **fields, **kwargs))

    def restart(self, timeout=None, wait_for_workers=True):
        """Starts the workers anew and forgets all tasks; futures are cancelled.

        Follows :meth:`dask.distributed.Client.restart`.

        Parameters
        ----------
        timeout : number or str, optional
            Seconds to wait at most; default 120.
        wait_for_workers : bool
            Whether to wait until all are there again.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        def work():
            limit = seconds(timeout, 120)
            respawn = None if getattr(self.cluster, "_has_nannies", True) else self.cluster._respawn
            waited(lambda options, error: _abi.dk_client_restart(
                self._open(), limit, wait_for_workers and respawn is None, options, error))
            if respawn:
                respawn()
        return self._do(work)

    def run(self, function, *args, workers=None, wait=True, nanny=False, on_error="raise", **kwargs):
        """Calls a function on all workers, beside their tasks.

        Follows :meth:`dask.distributed.Client.run`.

        Parameters
        ----------
        function : callable
        *args
            Its arguments.
        workers : list of str, optional
            Addresses; default: all.
        wait : bool
            Whether to wait for the results.
        nanny : bool
            Not there.
        on_error : {"raise", "return", "ignore"}
            What to do about workers where it fails.
        **kwargs
            Further arguments for the function.

        Returns
        -------
        dict
            {address: result}. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        Exception
            What the function raises on a worker.
        NotImplementedError
            A worker has no Python.
        """
        if nanny:
            raise NotImplementedError("nannies of cdask run nothing")
        return self._do(lambda: self._run(function, args, kwargs, workers, wait, on_error))

    def _run(self, function, args, kwargs, workers, wait, on_error):
        message = {"op": "run", "function": _exceptions.pickled(function), "args": _exceptions.pickled(args),
                   "kwargs": _exceptions.pickled(kwargs), "wait": wait}
        answers = self._ask("broadcast", msg=message, workers=listed(workers), nanny=False, on_error="return_pickle")
        results = {}
        for address, answer in answers.items():
            if isinstance(answer, bytes):  # Dask's scheduler could not reach it
                answer = {"status": "error", "exception": answer}
            if answer.get("status") == "OK":
                results[address] = answer.get("result")
            elif on_error == "raise":
                raise _raised_in(answer)
            elif on_error == "return":
                results[address] = _raised_in(answer)
        return results if wait else None

    def register_plugin(self, plugin, name=None, idempotent=False):
        """Has something on all workers that have Python, and on those that come later.

        Follows :meth:`dask.distributed.Client.register_plugin`.

        Parameters
        ----------
        plugin : WorkerPlugin
            Goes there as its pickle.
        name : str, optional
            One of the same name goes; default: the plug-in's own, or a new one.
        idempotent : bool
            Whether one of that name stays instead.

        Returns
        -------
        dict
            {address: answer}. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        Exception
            What its ``setup`` raises on a worker.
        TypeError
            It is for schedulers or nannies, which have no Python.
        """
        if not callable(getattr(plugin, "setup", None)) and not callable(getattr(plugin, "teardown", None)):
            raise TypeError(f"no plug-in for workers: {plugin!r}")
        name = name or getattr(plugin, "name", None) or f"{type(plugin).__name__}-{uuid.uuid4()}"
        return self._do(lambda: self._change_plugin("register_worker_plugin", name=name, plugin=plugins.packed(plugin),
                                                    idempotent=idempotent))

    def unregister_worker_plugin(self, name, nanny=None):
        """Takes a plug-in away from all workers.

        Follows :meth:`dask.distributed.Client.unregister_worker_plugin`.

        Parameters
        ----------
        name : str
            Its name.
        nanny : bool, optional
            Not there.

        Returns
        -------
        dict
            {address: answer}. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        Exception
            What its ``teardown`` raises on a worker; ValueError: there is none of that name.
        """
        if nanny:
            raise NotImplementedError("nannies of cdask have no plug-ins")
        return self._do(lambda: self._change_plugin("unregister_worker_plugin", name=name))

    def _change_plugin(self, op, **fields):
        answers = self._ask(op, **fields)
        for answer in answers.values():
            if answer.get("status") == "error":
                raise _raised_in(answer)
        return answers

    def upload_file(self, filename, load=True):
        """Puts a file on all workers: Python's, from where they can import it, also on workers that come later; a
        library of native tasks, on those that are there.

        Follows :meth:`dask.distributed.Client.upload_file`.

        Parameters
        ----------
        filename : str
            A .py, .egg, .zip, or .so.
        load : bool
            Whether they import it at once, or again, when it was there before.

        Returns
        -------
        dict
            {address: answer}; None for a library. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        Exception
            What importing it raises on a worker; OSError: there is no such file.
        """
        filename = os.fspath(filename)
        if filename.endswith(".so"):
            return self._do(lambda: call(_abi.dk_client_upload_file, self._open(), os.fsencode(filename)))
        return self.register_plugin(plugins.UploadFile(filename, load), name=f"{filename}{uuid.uuid4()}")

    # What is kept under a name

    def publish_dataset(self, *args, name=None, override=False, **kwargs):
        """Has the scheduler keep futures, and what has futures inside, under names for other clients.

        Follows :meth:`dask.distributed.Client.publish_dataset`.

        Parameters
        ----------
        *args
            What to publish as `name`, or a dict of names and things.
        name : str, int, float or tuple, optional
        override : bool
            Whether one of the same name is replaced.
        **kwargs
            Things by their names.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        KeyError
            There is one of that name.
        """
        things = dict(kwargs)
        if name is not None:
            if not args:
                raise ValueError("If name is provided, expecting call signature like publish_dataset(df, name='ds')")
            things[name] = args[0] if len(args) == 1 else args
        elif args:
            if len(args) != 1 or not isinstance(args[0], dict):
                raise ValueError("If name is omitted, positional argument must be a {name: value} dict")
            things.update(args[0])
        return self._do(lambda: self._publish(things, override))

    def _publish(self, things, override):
        uid = uuid.uuid4().hex
        self._say("publish_flush_batched_send", uid=uid)
        self._ask("publish_put", names=list(things), override=override, client=self.id, uid=uid,
                  keys=[[future.key for future in futures_of(thing)] for thing in things.values()],
                  data=[_values.Whole(thing) for thing in things.values()])

    def get_dataset(self, name, default=NO_DEFAULT, **kwargs):
        """What is published under a name.

        Follows :meth:`dask.distributed.Client.get_dataset`.

        Parameters
        ----------
        name : str, int, float or tuple, or a list of them
        default : object, optional
            For names that there are not.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        object
            A list for a list. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        KeyError
            There is none of that name.
        """
        def work():
            names = name if isinstance(name, list) else [name]
            found = []
            with self.as_current():
                answers = self._ask("publish_get", names=names)
            for answer in answers:
                if answer is None and default is NO_DEFAULT:
                    raise KeyError(f"Dataset '{name}' not found")
                found.append(default if answer is None else answer["data"])
            return found if isinstance(name, list) else found[0]
        return self._do(work)

    def list_datasets(self, **kwargs):
        """The names of what is published.

        Follows :meth:`dask.distributed.Client.list_datasets`.

        Parameters
        ----------
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        tuple
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: tuple(map(_key, self._ask("publish_list"))))

    def unpublish_dataset(self, name, **kwargs):
        """Forgets what is published under a name.

        Follows :meth:`dask.distributed.Client.unpublish_dataset`.

        Parameters
        ----------
        name : str, int, float or tuple, or a list of them
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        def work():
            uid = uuid.uuid4().hex
            self._say("publish_flush_batched_send", uid=uid)
            self._ask("publish_delete", names=name if isinstance(name, list) else [name], client=self.id, uid=uid)
        return self._do(work)

    def set_metadata(self, key, value):
        """Has the scheduler keep a value.

        Follows :meth:`dask.distributed.Client.set_metadata`.

        Parameters
        ----------
        key : str or list
            A path, for several.
        value : object
            Text, numbers, lists and dicts of them.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: self._ask("set_metadata", keys=key if isinstance(key, list) else [key], value=value))

    def get_metadata(self, keys, default=NO_DEFAULT):
        """What :meth:`set_metadata` has put there.

        Follows :meth:`dask.distributed.Client.get_metadata`.

        Parameters
        ----------
        keys : str or list
        default : object, optional
            For what there is not.

        Returns
        -------
        object
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        KeyError
            There is nothing.
        """
        fields = {} if default is NO_DEFAULT else {"default": default}

        def work():
            return self._ask("get_metadata", keys=keys if isinstance(keys, list) else [keys], **fields)
        return self._do(work)

    # Showing

    def _summary(self):
        """(address, workers, threads, memory), or None."""
        try:
            info = self._ask("identity", _limit=2, n_workers=-1)
        except (OSError, RuntimeError):
            return None
        workers = info["workers"].values()
        limits = [worker.get("memory_limit") or 0 for worker in workers]
        return (info["address"], len(workers), sum(worker["nthreads"] for worker in workers),
                sum(limits) if all(limits) else 0)

    def __repr__(self):
        if self.status == "closed":
            return "<Client: No scheduler connected>"
        found = self._summary()
        if not found:
            return f"<Client: scheduler='{self.address}'>"
        address, nworkers, nthreads, memory = found
        text = f"<Client: {address!r} processes={nworkers} threads={nthreads}"
        return text + (f", memory={bytes_text(memory)}>" if memory else ">")

    def _repr_html_(self):
        found = self._handle and self._summary()
        rows = [("Connection method", "Cluster object" if self.cluster is not None else "Direct")]
        return page_of("Client", rows, found, self.dashboard_link if found else None)


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


def _token(*things):
    """The same for equal things, if they can be pickled."""
    try:
        return hashlib.blake2b(_exceptions.pickled(things), digest_size=16).hexdigest()
    except Exception:
        return uuid.uuid4().hex


def _key(key):
    return tuple(map(_key, key)) if isinstance(key, list) else key


def _lines(log):
    return tuple(map(tuple, log))


def _pairs(answer):
    """The items of a map, which is a list of pairs when its keys are more than texts."""
    return answer.items() if isinstance(answer, dict) else [(_key(key), value) for key, value in answer]


def _nested(keys, futures):
    return [_nested(key, futures) for key in keys] if isinstance(keys, list) else next(futures)


def _filled(thing, results):
    if isinstance(thing, Future):
        return results.get(thing)
    if type(thing) in (list, tuple, set, frozenset):
        return type(thing)(_filled(one, results) for one in thing)
    if type(thing) is dict:
        return {key: _filled(one, results) for key, one in thing.items()}
    return thing


def _raised_in(answer):
    """The exception in a worker's answer."""
    problem = answer.get("exception")
    try:
        problem = pickle.loads(problem) if isinstance(problem, bytes) else problem
    except Exception:
        problem = None
    return problem if isinstance(problem, BaseException) else RuntimeError(str(answer.get("exception_text", answer)))


def client_at(address):
    """The client of a dk_client, by its address, or None."""
    return _clients.get(address)


def default_client(c=None):
    """The newest client that is open and wants to be the default.

    Follows :func:`dask.distributed.default_client`.

    Parameters
    ----------
    c : Client, optional
        This one, if it is given.

    Returns
    -------
    Client

    Raises
    ------
    ValueError
        There is none.
    """
    if c is not None:
        return c
    current = _compute.current_client.get()
    if current is not None and current._handle:
        return current
    with _lock:
        for client in reversed(_open_clients):
            if client._is_default:
                return client
    raise ValueError("No clients found\nStart a client and point it to the scheduler address\n"
                     "  from cdask.distributed import Client\n  client = Client('ip-addr-of-scheduler:8786')")


def get_client(address=None, timeout=None, resolve_address=True):
    """The current client; inside a task one of the cluster that runs it.

    Follows :func:`dask.distributed.get_client`.

    Parameters
    ----------
    address : str, optional
        Of a scheduler, to connect to.
    timeout : number or str, optional
        Seconds to connect within.
    resolve_address : bool
        Accepted as Dask's.

    Returns
    -------
    Client

    Raises
    ------
    ValueError
        There is none.
    """
    running = _tasks.running()
    if address is None and running is None:
        return default_client()
    address = address or running[1]
    with _lock:
        for client in _open_clients:
            if client._address == address:
                return client
        client = _task_clients.get(address)
        if client is None or not client._handle:
            client = _task_clients[address] = Client.__new__(Client)
            client.__init__(address, timeout=timeout, set_as_default=False, asynchronous=True, direct_to_workers=True)
            client.asynchronous = False
            client._handle = client._connect()
    return client


@functools.cache
def _end_with_interpreter():
    """From now on what is open when the interpreter ends is closed, before the context is."""
    _context.current()
    atexit.register(_close_all)


def _close_all():
    for client in list(dict.fromkeys(reversed(_open_clients))) + list(_task_clients.values()):
        with contextlib.suppress(Exception):
            client._close()
    from .deploy import close_all
    close_all()
