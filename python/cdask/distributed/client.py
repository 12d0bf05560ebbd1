"""A client of a cluster.   Source: distributed.client.Client."""
import contextlib
import itertools
import json
import threading
import weakref

from .. import _compute, _tasks
from .._waiting import seconds
from .administration import Administration
from .connection import Connection, Security
from .futures import Callbacks
from .opened import default_client, lock, open_clients, task_clients
from .published import Publishing
from .results import Results
from .shown import bytes_text, page_of
from .submitting import Submitting

__all__ = ["Client", "Security", "default_client", "get_client"]


class Client(Connection, Submitting, Results, Administration, Publishing):
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
    address = address or running.scheduler_address
    with lock:
        for client in open_clients:
            if client._address == address:
                return client
        client = task_clients.get(address)
        if client is None or not client._handle:
            client = task_clients[address] = Client.__new__(Client)
            client.__init__(address, timeout=timeout, set_as_default=False, asynchronous=True, direct_to_workers=True)
            client.asynchronous = False
            client._handle = client._connect()
    return client
