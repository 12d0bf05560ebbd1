"""Results on a cluster, there or still to come.   Source: distributed.client.Future, wait, as_completed."""
import asyncio
import collections
import ctypes
import html
import logging
import sys
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor

from .. import _abi, _context, _exceptions, _values
from .._errors import call
from .._lifetime import Lazy
from .._waiting import seconds, waited
from .handles import FutureHandle, FutureHandles

TimeoutError = TimeoutError  # the builtin, as in Dask

STATUSES = ("pending", "finished", "error", "cancelled", "lost")

KEPT = b"cluster.result"  # what tasks call that stand for results

BAR_INTERVAL = 0.1  # seconds

log = logging.getLogger("distributed.client")


class FutureCancelledError(CancelledError):
    """A result that nobody will make: its task was cancelled, or its client is closed.

    Parameters
    ----------
    key : str
        Whose result it is.
    reason : str, optional
        Why there is none.
    msg : str, optional
        What else is known.
    """

    def __init__(self, key, reason=None, msg=None):
        super().__init__(key, reason, msg)
        self.key, self.reason, self.msg = key, reason or "unknown", msg

    def __str__(self):
        return f"{self.key} cancelled for reason: {self.reason}." + (f"\n{self.msg}" if self.msg else "")

    def __reduce__(self):
        return FutureCancelledError, (self.key, self.reason, self.msg)


class FuturesCancelledError(CancelledError):
    """Several results that nobody will make.

    Parameters
    ----------
    errors : list of FutureCancelledError
        Of each one.
    """

    def __init__(self, errors):
        super().__init__(errors)
        self.errors = errors

    def __str__(self):
        groups = collections.defaultdict(list)
        for error in self.errors:
            groups[error.reason].append(error)
        largest_first = sorted(groups.values(), key=len, reverse=True)
        return f"{_counted(self.errors)} cancelled:\nReasons:\n" + "\n".join(map(_said_of, largest_first))


def _counted(errors):
    return f"{len(errors)} {_noun(errors)}"


def _noun(errors):
    return "Future" if len(errors) == 1 else "Futures"


def _said_of(errors):
    """Of several that have the same reason."""
    msg = next((error.msg for error in errors if error.msg), None)
    keys = [error.key for error in errors]
    return f"{_counted(errors)} cancelled for reason: {errors[0].reason}.\nMessage: {msg}\n{_noun(errors)}: {keys}"


class _Kept(Lazy):
    """A result on the cluster among the arguments of a delayed call."""

    __slots__ = ("_received",)


class Future:
    """A result on the cluster, which stays there while a future of its key does.

    Follows :class:`dask.distributed.Future`. As an argument of :meth:`Client.submit` it stands for its result.

    Parameters
    ----------
    key : str, int, float or tuple of them
        Of a task that was submitted, by this client or another.
    client : Client, optional
        Default: the current one.
    """

    __slots__ = ("key", "_client", "_handle", "_finish", "_received", "_cancelled_for", "_lock", "_callbacks",
                 "__weakref__")

    def __init__(self, key, client=None):
        from .client import get_client
        client, handle = client or get_client(), _abi.future_p()
        name = _values.plain(key)
        try:
            call(_abi.dk_client_future, client._open(), name, ctypes.byref(handle))
        finally:
            _values.drop([name])
        self._init(client, handle, key)

    def _init(self, client, handle, key=None, lazy=None):
        self._client, self._handle, self._cancelled_for = client, FutureHandle(handle), None
        self._finish = self._received = None
        if lazy is not None:
            self._finish, self._received = lazy._finish_part, lazy._received
        self._lock, self._callbacks = threading.Lock(), None
        self.key = _name(handle) if key is None else key
        client._futures.add(self)

    @classmethod
    def _of(cls, client, handle, key=None, lazy=None):
        """The future of a dk_future *, which it takes: the result of `lazy`, if it is given."""
        future = cls.__new__(cls)
        future._init(client, handle, key, lazy)
        return future

    @classmethod
    def _like(cls, other, client):
        """Another client's future of the same result."""
        future = cls(other.key, client)
        future._finish, future._received = other._finish, other._received
        return future

    @property
    def client(self):
        """The client that it belongs to.

        Returns
        -------
        Client
        """
        return self._client

    executor = client

    @property
    def status(self):
        """How the task is.

        Returns
        -------
        {"pending", "finished", "error", "cancelled", "lost"}
        """
        handle = self._handle
        return STATUSES[_abi.dk_future_state(handle)] if handle and not self._cancelled_for else "cancelled"

    @property
    def type(self):
        """Dask's type of the result, which is not known here.

        Returns
        -------
        None
        """
        return None

    def done(self):
        """Whether the task has come to an end, a bad one too.

        Returns
        -------
        bool
        """
        return self.status != "pending"

    def cancelled(self):
        """Whether the task was cancelled.

        Returns
        -------
        bool
        """
        return self.status == "cancelled"

    def result(self, timeout=None):
        """Waits for the result and fetches it.

        Parameters
        ----------
        timeout : number or str, optional
            Seconds to wait at most.

        Returns
        -------
        object
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        Exception
            What the task has raised.
        TimeoutError
            It is not there in time.
        CancelledError
            The task was cancelled.
        """
        return self._client._do(lambda: self._result(seconds(timeout)), self)

    def _result(self, timeout=None):
        return gathered(self._client, [self], timeout)[0]

    def _wait(self, timeout=None):
        """Until it is done, or there is a connection no more."""
        if self._handle:
            end = None if timeout is None else time.monotonic() + timeout
            _until([self], 1, end)

    def _problem(self):
        """The exception that its result would be; None: a result."""
        status = self.status
        if status == "cancelled":
            return FutureCancelledError(self.key, *self._why_cancelled())
        if status != "error":
            return None
        raised = self._raised()
        problem = None
        try:
            problem = _exceptions.received(raised)
        except Exception:
            log.exception("the exception of %s cannot be unpickled", self.key)
        return problem if problem is not None else RuntimeError(_why(self._handle))

    def _why_cancelled(self):
        if self._cancelled_for:
            return self._cancelled_for
        if not self._handle:
            return "the future was released, or its client is closed", None
        said = self._raised()
        return said.get("reason"), said.get("msg")

    def _raised(self):
        value = _abi.dk_value()
        handle = self._handle
        if not handle or not _abi.dk_future_raised(handle, ctypes.byref(value)):
            return {}
        return _values.taken([value])[0]

    def exception(self, timeout=None):
        """Waits, and gives the exception that the task has raised.

        Parameters
        ----------
        timeout : number or str, optional
            Seconds to wait at most.

        Returns
        -------
        Exception or None
            None: it has raised none. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        TimeoutError
            The task is not done in time.
        """
        def find():
            self._wait(seconds(timeout))
            return self._problem()
        return self._client._do(find, self)

    def traceback(self, timeout=None):
        """Waits, and gives the traceback of the exception that the task has raised.

        Parameters
        ----------
        timeout : number or str, optional
            Seconds to wait at most.

        Returns
        -------
        traceback or None
            None: it has raised none, or it is not known where. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        TimeoutError
            The task is not done in time.
        """
        def find():
            self._wait(seconds(timeout))
            return _exceptions.received_traceback(self._raised())
        return self._client._do(find, self)

    def cancel(self, reason=None, msg=None):
        """Stops the task, unless another client wants its result; see :meth:`Client.cancel`.

        Parameters
        ----------
        reason : str, optional
            What is told to everybody who asks for the result; default: "user".
        msg : str, optional
            More of that.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        return self._client.cancel([self], reason=reason, msg=msg)

    def retry(self):
        """Runs a failed task again; see :meth:`Client.retry`.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        return self._client.retry([self])

    def add_done_callback(self, fn):
        """Has a function called with this future when it is done, in a thread of its own.

        Parameters
        ----------
        fn : callable
            Takes the future. What it raises is logged.

        Returns
        -------
        None
        """
        self._when_done(lambda future: self._client._call_later(fn, future))

    def _when_done(self, callback):
        """callback(self) soon, in the thread that hears of the cluster: it must not wait for anything."""
        with self._lock:
            is_first = self._callbacks is None
            if is_first:
                self._callbacks = []
            self._callbacks.append(callback)
        if is_first:
            self._client._watch(self)

    def _tell_done(self):
        with self._lock:
            callbacks, self._callbacks = self._callbacks or [], None
        for callback in callbacks:
            try:
                callback(self)
            except Exception:
                log.exception("Error in a callback of %r", self)

    def _kept_value(self):
        """The dk_value of its result in graphs."""
        value = _abi.dk_value()
        if _abi.dk_future_kept(handle_of(self), ctypes.byref(value)):
            raise MemoryError
        return value

    def _as_lazy(self):
        """What stands for it among the arguments of a delayed call."""
        values = (_abi.dk_value * 1)(self._kept_value())
        lazy = _Kept(_abi.dk_delayed(_context.current(), KEPT, values, 1))
        lazy._received = self._received
        return lazy

    def release(self):
        """Lets go of the result: without another future of its key the cluster may forget it.

        Returns
        -------
        None
        """
        self._handle = None

    def __reduce__(self):
        return Future, (self.key,)

    def __await__(self):
        return _result_soon(self).__await__()

    def __repr__(self):
        return f"<Future: {self.status}, key: {self.key}>"

    def _repr_html_(self):
        status, key = self.status, html.escape(str(self.key))
        name = html.escape(str(self.key[0] if isinstance(self.key, tuple) else self.key).rsplit("-", 1)[0])
        color = "red" if status == "error" else "black"
        return (f"<b>Future: {name}</b> <font color='gray'>status:</font> <font color='{color}'>{status}</font>, "
                f"<font color='gray'>key:</font> {key}")


async def _result_soon(future):
    await done_soon(future)
    return await asyncio.to_thread(future._result)


def done_soon(future):
    """An asyncio future that is done with it."""
    loop = asyncio.get_running_loop()
    soon = loop.create_future()

    def tell(_):
        loop.call_soon_threadsafe(lambda: soon.done() or soon.set_result(None))
    future._when_done(tell)
    return soon


def _name(handle):
    value = _abi.dk_value()
    if _abi.dk_future_name(handle, ctypes.byref(value)):
        raise MemoryError
    return _tupled(_values.taken([value])[0])


def _tupled(key):
    return tuple(map(_tupled, key)) if isinstance(key, list) else key


def _why(handle):
    """What the library says of a failed task."""
    if not handle:
        return "the future was released, or its client is closed"
    value, error = _abi.dk_value(), _abi.dk_error()
    if _abi.dk_future_result(handle, ctypes.byref(value), ctypes.byref(error)) == _abi.DK_OK:
        _values.drop([value])
    return error.message.decode(errors="replace")


# Waiting for several

def handle_of(future):
    handle = future._handle
    if not handle:
        raise FutureCancelledError(future.key, "the future was released, or its client is closed")
    return handle


def handles_of(futures):
    return FutureHandles([handle_of(future) for future in futures])


def direct_of(choice):
    """Whether results come from workers themselves, as the library has it."""
    if choice is None:
        return _abi.DK_DIRECT_AUTO
    return _abi.DK_DIRECT_YES if choice else _abi.DK_DIRECT_NO


def gathered(client, futures, timeout=None, direct=None):
    """The results of futures of one client, in a list; what the first failed one has raised is raised."""
    handles = handles_of(futures)
    values = (_abi.dk_value * len(futures))()
    try:
        waited(lambda options, error: _abi.dk_client_gather_with(
            client._open(), handles, len(handles), direct_of(direct), options, values, error), timeout)
    except TimeoutError:
        raise
    except (RuntimeError, OSError, CancelledError):
        problem = next(filter(None, (future._problem() for future in futures)), None)
        if problem is None:
            raise
        raise problem from problem.__cause__
    things = _values.taken(values)
    return [future._finish(thing) if future._finish else thing for future, thing in zip(futures, things)]


class _Tally:
    """Futures in the order in which they come to be done."""

    def __init__(self):
        self.changed = threading.Condition()
        self.done = collections.deque()
        self.listeners = []  # called once, with the lock held

    def add(self, future):
        future._when_done(self._take)

    def _take(self, future):
        with self.changed:
            self.done.append(future)
            self.changed.notify_all()
            listeners, self.listeners = self.listeners, []
            for listener in listeners:
                listener()

    def next(self, end):
        """The next one.   Errors: TimeoutError."""
        with self.changed:
            while not self.done:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0 or not self.changed.wait(left):
                    raise TimeoutError("not done in time")
            return self.done.popleft()


def _until(futures, count, end):
    """Waits until so many of them are done."""
    tally, left = _Tally(), count - sum(future.done() for future in futures)
    if left <= 0:
        return
    for future in futures:
        tally.add(future)
    for _ in range(count):
        tally.next(end)


DoneAndNotDoneFutures = collections.namedtuple("DoneAndNotDoneFutures", "done not_done")


def wait(fs, timeout=None, return_when="ALL_COMPLETED"):
    """Waits until all futures are done, or one.

    Follows :func:`dask.distributed.wait`.

    Parameters
    ----------
    fs : list of Future
        Or a future, or what has futures inside: persisted dataframes, lists, dicts.
    timeout : number or str, optional
        Seconds to wait at most.
    return_when : {"ALL_COMPLETED", "FIRST_COMPLETED"}

    Returns
    -------
    DoneAndNotDoneFutures
        Two sets, `done` and `not_done`. Or a coroutine, if the client is asynchronous.

    Raises
    ------
    TimeoutError
        They are not done in time.
    CancelledError
        One of them was cancelled.
    """
    if callable(timeout) or isinstance(timeout, Future):
        raise TypeError("timeout= keyword received a non-numeric value.\nBeware that wait expects a list of values\n"
                        "  Bad:  wait(x, y, z)\n  Good: wait([x, y, z])")
    if return_when not in ("ALL_COMPLETED", "FIRST_COMPLETED"):
        raise NotImplementedError("Only return_when='ALL_COMPLETED' and 'FIRST_COMPLETED' are supported")
    futures, limit = futures_of(fs), seconds(timeout)
    if not futures:
        return DoneAndNotDoneFutures(set(), set())

    count = len(futures) if return_when == "ALL_COMPLETED" else 1
    return futures[0].client._do(lambda: wait_for(futures, count, limit))


def wait_for(futures, count=None, limit=None):
    """Both sets, when `count` of the futures, or all, are done."""
    end = None if limit is None else time.monotonic() + limit
    _until(futures, len(futures) if count is None else count, end)
    done = {future for future in futures if future.done()}
    cancelled = [future._problem() for future in done if future.cancelled()]
    if cancelled:
        raise FuturesCancelledError(cancelled)
    return DoneAndNotDoneFutures(done, set(futures) - done)


class as_completed:
    """Gives futures in the order in which they come to be done.

    Follows :class:`dask.distributed.as_completed`; works in ``for`` and ``async for``.

    Parameters
    ----------
    futures : list of Future, optional
    loop : object, optional
        Accepted as Dask's.
    with_results : bool
        Whether to give pairs of a future and its result.
    raise_errors : bool
        Whether what a task has raised is raised here; else it is in place of the result, as (type, exception,
        traceback).
    timeout : number or str, optional
        Seconds from now within which all are given, else TimeoutError.
    """

    def __init__(self, futures=None, loop=None, with_results=False, raise_errors=True, *, timeout=None):
        self.with_results, self.raise_errors = with_results, raise_errors
        limit = seconds(timeout)
        self._end = None if limit is None else time.monotonic() + limit
        self._tally, self._left, self._lock = _Tally(), 0, threading.Lock()
        if futures:
            self.update(futures)

    def add(self, future):
        """One more.

        Parameters
        ----------
        future : Future

        Returns
        -------
        None

        Raises
        ------
        TypeError
            It is none.
        """
        if not isinstance(future, Future):
            raise TypeError("Input must be a future, got %s" % future)
        with self._lock:
            self._left += 1
        self._tally.add(future)

    def update(self, futures):
        """Several more.

        Parameters
        ----------
        futures : list of Future

        Returns
        -------
        None
        """
        for future in futures:
            self.add(future)

    def count(self):
        """How many are still to be given.

        Returns
        -------
        int
        """
        with self._lock:
            return self._left

    def is_empty(self):
        """Whether all were given.

        Returns
        -------
        bool
        """
        return not self.count()

    def has_ready(self):
        """Whether one is done that was not given yet.

        Returns
        -------
        bool
        """
        return bool(self._tally.done)

    def clear(self):
        """Forgets those that were not given.

        Returns
        -------
        None
        """
        with self._lock:
            self._tally, self._left = _Tally(), 0

    def _give(self, future):
        with self._lock:
            self._left -= 1
        if not self.with_results:
            return future
        try:
            return future, future._result()
        except CancelledError as problem:
            return future, problem
        except Exception as problem:
            if self.raise_errors:
                raise
            return future, (type(problem), problem, problem.__traceback__)

    def __iter__(self):
        return self

    def __next__(self):
        if self.is_empty():
            raise StopIteration
        return self._give(self._tally.next(self._end))

    def next_batch(self, block=True):
        """Those that are done and were not given yet.

        Parameters
        ----------
        block : bool
            Whether to wait for one if there is none.

        Returns
        -------
        list
        """
        if block and not self.has_ready():
            batch = [next(self)]
        else:
            batch = []
        while self.has_ready():
            batch.append(next(self))
        return batch

    def batches(self):
        """All that are done by the time somebody asks, time and again.

        Returns
        -------
        iterator of lists
        """
        while not self.is_empty():
            yield self.next_batch()

    def __aiter__(self):
        return self

    async def __anext__(self):
        if self.is_empty():
            raise StopAsyncIteration
        loop = asyncio.get_running_loop()
        soon = loop.create_future()
        with self._tally.changed:
            if self._tally.done:
                soon.set_result(None)
            else:
                self._tally.listeners.append(
                    lambda: loop.call_soon_threadsafe(lambda: soon.done() or soon.set_result(None)))
        left = None if self._end is None else max(self._end - time.monotonic(), 0)
        await asyncio.wait_for(soon, left)
        future = self._tally.next(None)
        return await asyncio.to_thread(self._give, future) if self.with_results else self._give(future)


def progress(*futures, notebook=None, multi=True, complete=True, **kwargs):
    """Shows a bar while futures are computed, until all are done.

    Follows :func:`dask.distributed.progress`, as far as terminals have it.

    Parameters
    ----------
    *futures : Future
        Or lists of them, or what has futures inside.
    notebook : bool, optional
    multi : bool
    complete : bool
        Accepted as Dask's.
    **kwargs
        Accepted as Dask's.

    Returns
    -------
    None
    """
    found = futures_of(list(futures))
    tally, start, shown = _Tally(), time.monotonic(), 0
    for future in found:
        tally.add(future)
    for ndone in range(len(found)):
        if time.monotonic() >= shown + BAR_INTERVAL:
            _show_bar(ndone / len(found), start)
            shown = time.monotonic()
        tally.next(None)
    _show_bar(1, start)
    sys.stdout.write("\n")


def _show_bar(share, start):
    bar = "#" * int(40 * share)
    sys.stdout.write(f"\r[{bar:<40}] | {int(100 * share):3d}% Completed | {time.monotonic() - start:4.1f}s")
    sys.stdout.flush()


def futures_of(o, client=None):
    """The futures inside of something.

    Follows :func:`dask.distributed.futures_of`.

    Parameters
    ----------
    o : object
        A future; a persisted dataframe or delayed; lists, tuples, sets and dicts of such.
    client : Client, optional
        Accepted as Dask's.

    Returns
    -------
    list of Future
        Each once.
    """
    found = {}
    _find_futures(o, found)
    return list(found.values())


def _find_futures(thing, found):
    from .._lifetime import Lazy
    if isinstance(thing, Future):
        found[id(thing)] = thing
    elif isinstance(thing, Lazy):
        for future in _kept_futures(thing):
            found[id(future)] = future
    elif isinstance(thing, dict):
        _find_futures(list(thing.values()), found)
    elif isinstance(thing, (list, tuple, set, frozenset)):
        for one in thing:
            _find_futures(one, found)


def _kept_futures(lazy):
    """Those that a persisted thing is made of."""
    graph, key = _abi.graph_p(), (_abi.dk_task_id * 1)()
    call(_abi.dk_frame_graph, (_abi.dk_frame * 1)(lazy._frame), 1, ctypes.byref(graph), key)
    try:
        handles = (_abi.future_p * _abi.dk_graph_ntasks(graph))()
        count = ctypes.c_size_t()
        if _abi.dk_graph_futures(graph, handles, ctypes.byref(count)):
            raise MemoryError
    finally:
        _abi.dk_graph_free(graph)
    # An array gives out views of its items; a future has its own pointer.
    kept = [_kept(ctypes.cast(handles[i], _abi.future_p)) for i in range(count.value)]
    return [future for future in kept if future is not None]


def _kept(handle):
    """The future of a dk_future *, which it takes; None: nobody knows its client any more."""
    from .opened import client_at
    client = client_at(ctypes.cast(_abi.dk_future_client(handle), ctypes.c_void_p).value)
    if client is None:
        _abi.dk_future_free(handle)
        return None
    future = Future._of(client, handle)
    if not client._handle:
        future.release()
    known = client._kept.get(future.key)
    if known is not None and known.status == future.status:
        return known
    client._kept[future.key] = future
    return future


def fire_and_forget(obj):
    """Has tasks run although nobody holds their futures, and when their client has gone.

    Follows :func:`dask.distributed.fire_and_forget`.

    Parameters
    ----------
    obj : Future
        Or what has futures inside.

    Returns
    -------
    None
    """
    for future in futures_of(obj):
        call(_abi.dk_client_fire_and_forget, future.client._open(), handle_of(future))


class Callbacks:
    """One thread for the callbacks of users."""

    def __init__(self):
        self._pool = None

    def submit(self, fn, future):
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, thread_name_prefix="Dask-Callback-Thread")
        self._pool.submit(_called, fn, future)

    def close(self):
        if self._pool:
            self._pool.shutdown(wait=False)


def _called(fn, future):
    try:
        fn(future)
    except BaseException:
        log.exception("Error in callback %s of %s:", fn, future)
