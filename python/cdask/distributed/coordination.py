"""What tasks and clients share by name: variables, queues, locks.   Source: distributed.variable, queues, lock ..."""
import threading
import uuid
import weakref

from .._waiting import seconds
from .client import get_client
from .futures import Future

REFRESHED = 10  # seconds between two words that a semaphore's holder still lives
LEASE = 30  # after which the scheduler gives up one that says nothing


class _Shared:
    """Something of the scheduler's with a name."""

    def __init__(self, name, client):
        self.name = name or f"{type(self).__name__.lower()}-{uuid.uuid4().hex}"
        self._client = client

    @property
    def client(self):
        """The client that it is reached by.

        Returns
        -------
        Client
        """
        if self._client is None:
            self._client = get_client()
        return self._client

    def _do(self, work):
        return self.client._do(work)

    def __reduce__(self):
        return type(self), (self.name,)

    def __repr__(self):
        return f"<{type(self).__name__}: {self.name}>"


def _received(client, answer):
    """What was put there: a future, or a value."""
    return Future(answer["value"], client) if answer["type"] == "Future" else answer["value"]


def _given(value):
    return {"key": value.key} if isinstance(value, Future) else {"data": value}


class Variable(_Shared):
    """A future or a small value that clients and tasks share.

    Follows :class:`dask.distributed.Variable`.

    Parameters
    ----------
    name : str, optional
        Default: one of its own.
    client : Client, optional
        Default: the current one.
    """

    def __init__(self, name=None, client=None):
        super().__init__(name, client)

    def set(self, value, timeout="30 s"):
        """Sets it.

        Parameters
        ----------
        value : Future, or text, numbers, lists and dicts of them
        timeout : number or str
            Seconds to wait until the scheduler knows the future.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        limit = seconds(timeout)
        return self._do(lambda: self.client._ask("variable_set", name=self.name, timeout=limit, **_given(value)))

    def get(self, timeout=None):
        """Waits until it is set, and gets it.

        Parameters
        ----------
        timeout : number or str, optional
            Seconds to wait at most.

        Returns
        -------
        Future or value
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        TimeoutError
            It is not set in time.
        """
        limit = seconds(timeout)

        def work():
            answer = self.client._ask("variable_get", name=self.name, timeout=limit, client=self.client.id)
            value = _received(self.client, answer)
            if isinstance(value, Future):
                self.client._say("variable-future-received-confirm", name=self.name, key=answer["value"],
                                 token=answer["token"])
            return value
        return self._do(work)

    def delete(self):
        """Deletes it, for all.

        Returns
        -------
        None
        """
        self.client._say("variable_delete", name=self.name)


class Queue(_Shared):
    """Futures and small values, first in first out, that clients and tasks share.

    Follows :class:`dask.distributed.Queue`.

    Parameters
    ----------
    name : str, optional
        Default: one of its own.
    client : Client, optional
        Default: the current one.
    maxsize : int
        How many it has room for; 0: any number.
    """

    def __init__(self, name=None, client=None, maxsize=0):
        super().__init__(name, client)
        self.maxsize, self._is_made = maxsize, False

    def __reduce__(self):
        return type(self), (self.name, None, self.maxsize)

    def __await__(self):
        async def made():
            await self._do(self._make)
            return self
        return made().__await__()

    def _make(self):
        if not self._is_made:
            self.client._ask("queue_create", name=self.name, maxsize=self.maxsize)
            self._is_made = True

    def put(self, value, timeout=None):
        """Puts one in, when there is room.

        Parameters
        ----------
        value : Future, or text, numbers, lists and dicts of them
        timeout : number or str, optional
            Seconds to wait at most.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        TimeoutError
            There is no room in time.
        """
        limit = seconds(timeout)

        def work():
            self._make()
            self.client._ask("queue_put", name=self.name, timeout=limit, **_given(value))
        return self._do(work)

    def get(self, timeout=None, batch=False):
        """Takes one out, when there is one.

        Parameters
        ----------
        timeout : number or str, optional
            Seconds to wait at most.
        batch : bool or int
            True: all that are there; a number: so many.

        Returns
        -------
        Future or value, or a list of them
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        TimeoutError
            There is none in time.
        """
        limit = seconds(timeout)

        def work():
            self._make()
            answer = self.client._ask("queue_get", name=self.name, timeout=limit, batch=batch)
            return self._take(answer) if batch is False else [self._take(one) for one in answer]
        return self._do(work)

    def _take(self, answer):
        value = _received(self.client, answer)
        if isinstance(value, Future):
            self.client._say("queue-future-release", name=self.name, key=answer["value"])
        return value

    def qsize(self):
        """How many are in it.

        Returns
        -------
        int
            Or a coroutine, if the client is asynchronous.
        """
        def work():
            self._make()
            return self.client._ask("queue_qsize", name=self.name)
        return self._do(work)

    def close(self):
        """Lets go of it.

        Returns
        -------
        None
        """
        self.client._say("queue_release", name=self.name)


class Event(_Shared):
    """A flag that clients and tasks wait for.

    Follows :class:`dask.distributed.Event`.

    Parameters
    ----------
    name : str, optional
        Default: one of its own.
    client : Client, optional
        Default: the current one.
    """

    def __init__(self, name=None, client=None):
        super().__init__(name, client)

    def wait(self, timeout=None):
        """Waits until it is set.

        Parameters
        ----------
        timeout : number or str, optional
            Seconds to wait at most.

        Returns
        -------
        bool
            False: it was not set in time. Or a coroutine, if the client is asynchronous.
        """
        limit = seconds(timeout)
        return self._do(lambda: self.client._ask("event_wait", name=self.name, timeout=limit))

    def set(self):
        """Sets it.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: self.client._ask("event_set", name=self.name))

    def clear(self):
        """Takes it back.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: self.client._ask("event_clear", name=self.name))

    def is_set(self):
        """Whether it is set.

        Returns
        -------
        bool
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: self.client._ask("event_is_set", name=self.name))


class Semaphore(_Shared):
    """Lets so many tasks and clients in at once.

    Follows :class:`dask.distributed.Semaphore`. Who says nothing for half a minute, being dead, has left.

    Parameters
    ----------
    max_leases : int
    name : str, optional
        Default: one of its own.
    register : bool
    scheduler_rpc : object, optional
    loop : object, optional
        Accepted as Dask's.
    """

    def __init__(self, max_leases=1, name=None, register=True, scheduler_rpc=None, loop=None):
        super().__init__(name, None)
        self.max_leases, self._leases, self._is_registered = max_leases, [], False

    def __reduce__(self):
        return type(self), (self.max_leases, self.name)

    def __await__(self):
        async def registered():
            await self._do(self._register)
            return self
        return registered().__await__()

    def _register(self):
        if not self._is_registered:
            self.client._ask("semaphore_register", name=self.name, max_leases=self.max_leases, lease_timeout=LEASE)
            self._is_registered = True

    def acquire(self, timeout=None):
        """Waits for a place.

        Parameters
        ----------
        timeout : number or str, optional
            Seconds to wait at most.

        Returns
        -------
        bool
            False: there was none in time. Or a coroutine, if the client is asynchronous.
        """
        limit = seconds(timeout)
        return self._do(lambda: self._acquire(limit))

    def _acquire(self, timeout):
        self._register()
        lease = uuid.uuid4().hex
        got = self.client._ask("semaphore_acquire", name=self.name, timeout=timeout, lease_id=lease)
        if got:
            self._leases.append(lease)
            _refresher.add(self)
        return got

    def release(self):
        """Gives a place back.

        Returns
        -------
        bool
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        RuntimeError
            It holds none.
        """
        def work():
            if not self._leases:
                raise RuntimeError("Released too often")
            self.client._ask("semaphore_release", name=self.name, lease_id=self._leases.pop(0))
            return True
        return self._do(work)

    def get_value(self):
        """How many places are taken.

        Returns
        -------
        int
            Or a coroutine, if the client is asynchronous.
        """
        def work():
            self._register()
            return self.client._ask("semaphore_value", name=self.name)
        return self._do(work)

    def close(self):
        """Ends it, for all.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: self.client._ask("semaphore_close", name=self.name))

    def _refresh(self):
        leases = list(self._leases)
        if leases:
            self.client._ask("semaphore_refresh_leases", name=self.name, lease_ids=leases)

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *problem):
        self.release()

    async def __aenter__(self):
        await self.acquire()
        return self

    async def __aexit__(self, *problem):
        await self.release()


class _Refresher:
    """A thread that says for all semaphores that their holders live."""

    def __init__(self):
        self._held, self._thread, self._lock = weakref.WeakSet(), None, threading.Lock()

    def add(self, semaphore):
        with self._lock:
            self._held.add(semaphore)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="cdask-leases")
                self._thread.start()

    def _run(self):
        pause = threading.Event()
        while not pause.wait(REFRESHED):
            with self._lock:
                held = list(self._held)
            for semaphore in held:
                try:
                    semaphore._refresh()
                except Exception:
                    self._held.discard(semaphore)  # its client is closed


_refresher = _Refresher()


class Lock(Semaphore):
    """Lets one task or client in at a time.

    Follows :class:`dask.distributed.Lock`.

    Parameters
    ----------
    name : str, optional
        Default: one of its own.
    client : Client, optional
        Default: the current one.
    scheduler_rpc : object, optional
    loop : object, optional
        Accepted as Dask's.
    """

    def __init__(self, name=None, client=None, scheduler_rpc=None, loop=None):
        super().__init__(1, name)
        self._client = client

    def __reduce__(self):
        return type(self), (self.name,)

    def acquire(self, blocking=True, timeout=None):
        """Waits for it.

        Parameters
        ----------
        blocking : bool
            Whether to wait at all.
        timeout : number or str, optional
            Seconds to wait at most.

        Returns
        -------
        bool
            False: it was not to be had in time. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        ValueError
            For a time to wait without waiting.
        """
        if not blocking and timeout is not None:
            raise ValueError("can't specify a timeout for a non-blocking call")
        return super().acquire(timeout if blocking else 0)

    def locked(self):
        """Whether somebody has it.

        Returns
        -------
        bool
            Or a coroutine, if the client is asynchronous.
        """
        def work():
            self._register()
            return self.client._ask("semaphore_value", name=self.name) == 1
        return self._do(work)


class MultiLock(_Shared):
    """Takes several locks at once.

    Follows :class:`dask.distributed.MultiLock`.

    Parameters
    ----------
    names : list of str, optional
        Of the locks.
    client : Client, optional
        Default: the current one.
    """

    def __init__(self, names=None, client=None):
        super().__init__(None, client)
        self.names, self.id, self._is_locked = list(names or []), uuid.uuid4().hex, False

    def __reduce__(self):
        return type(self), (self.names,)

    def acquire(self, blocking=True, timeout=None, num_locks=None):
        """Waits for the locks.

        Parameters
        ----------
        blocking : bool
            Whether to wait at all.
        timeout : number or str, optional
            Seconds to wait at most.
        num_locks : int, optional
            How many of them are enough; default: all.

        Returns
        -------
        bool
            False: they were not to be had in time. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        ValueError
            For a time to wait without waiting.
        """
        if not blocking and timeout is not None:
            raise ValueError("can't specify a timeout for a non-blocking call")
        limit = seconds(timeout) if blocking else 0

        def work():
            self._is_locked = self.client._ask("multi_lock_acquire", locks=self.names, id=self.id, timeout=limit,
                                               num_locks=num_locks or len(self.names))
            return self._is_locked
        return self._do(work)

    def release(self):
        """Gives the locks back.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        ValueError
            It has none.
        """
        if not self._is_locked:
            raise ValueError("Lock is not yet acquired")
        self._is_locked = False
        return self._do(lambda: self.client._ask("multi_lock_release", id=self.id))

    def locked(self):
        """Whether this has the locks.

        Returns
        -------
        bool
        """
        return self._is_locked

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *problem):
        self.release()

    async def __aenter__(self):
        await self.acquire()
        return self

    async def __aexit__(self, *problem):
        await self.release()
