"""Clusters: schedulers, workers and a client of them.   Source: distributed.Client.

    >>> client = Client()               # a cluster of this machine's, whose workers are forks of this process
    >>> client = Client("HOST:8786")    # one that is there

While a client is open, what names no scheduler is computed on its cluster.
"""
import ctypes

from . import _abi, _compute, _context, _exceptions, _tasks
from ._errors import call

__all__ = ["Client"]


class Client:
    """A connection to a scheduler.

    Parameters
    ----------
    address : str, optional
        Of the scheduler, cdask's or Dask's: "HOST:PORT" or "tcp://HOST:PORT". Without, a cluster on this machine
        is started, and ended with the client: a scheduler in a thread, and workers that are forked from this
        process, so that Python callables can run in them.
    n_workers : int, optional
        Processes of the own cluster; default: one for each CPU, fewer with more threads from 5 CPUs on.
    threads_per_worker : int, optional
        Threads of each; default: the CPUs, shared out.
    memory_limit : int, optional
        Bytes of each; 0: no limit. Default: its share of the memory.
    timeout : float, optional
        Seconds to connect within.
    set_as_default : bool, optional
        Whether computations that name no scheduler go to the cluster.

    Raises
    ------
    OSError
        Nobody answers at the address, or a worker did not start.
    ValueError
        The address cannot be understood, or another client is open.
    """

    def __init__(self, address=None, n_workers=None, threads_per_worker=None, memory_limit=None, timeout=30,
                 set_as_default=True):
        self._cluster = self._handle = None
        if address is None:
            self._cluster = _start_cluster(n_workers, threads_per_worker, memory_limit)
        elif (n_workers, threads_per_worker, memory_limit) != (None, None, None):
            raise ValueError("n_workers, threads_per_worker and memory_limit are for a cluster of the client's own, "
                             "without an address")
        target = _abi.dk_cluster_address(self._cluster) if self._cluster else address.encode()
        options = _abi.dk_client_options(address=target, timeout_s=timeout, no_default=not set_as_default)
        handle = _abi.client_p()
        try:
            call(_abi.dk_client_open, _context.current(), ctypes.byref(options), ctypes.byref(handle))
        except BaseException:
            _end_cluster(self)
            raise
        self._handle = handle

    @property
    def address(self):
        """The scheduler's address.

        Returns
        -------
        str
        """
        return _abi.dk_client_address(self._open()).decode()

    def compute(self, *lazies, **options):
        """The results of lazy things, computed on the cluster.

        Parameters
        ----------
        *lazies : frame, series, scalar or Delayed
            What is wanted.
        **options
            As :func:`cdask.compute` takes them, but for the scheduler.

        Returns
        -------
        list
            One result for each of them.
        """
        self._open()
        return _compute.compute(list(lazies), scheduler="distributed", **options)

    def close(self):
        """Ends the connection, and the cluster if it is the client's own. A second call does nothing."""
        handle, self._handle = self._handle, None
        if handle and _context.is_open():
            _abi.dk_client_close(handle)
        _end_cluster(self)

    def _open(self):
        if not self._handle:
            raise ValueError("the client is closed")
        return self._handle

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.close()

    def __del__(self):
        self.close()

    def __repr__(self):
        return f"<Client: '{self.address}'>" if self._handle else "<Client: closed>"


def _start_cluster(n_workers, threads_per_worker, memory_limit):
    """Whatever Python callables need is there before the workers are forked."""
    _tasks.begin()
    _exceptions.open_crossing()
    limit = {None: 0, 0: -1}.get(memory_limit, memory_limit)
    options = _abi.dk_cluster_options(nworkers=n_workers or 0, nthreads=threads_per_worker or 0, memory_limit=limit)
    cluster = _abi.cluster_p()
    call(_abi.dk_cluster_open, _context.current(), ctypes.byref(options), ctypes.byref(cluster))
    return cluster


def _end_cluster(client):
    cluster, client._cluster = client._cluster, None
    if cluster and _context.is_open():
        _abi.dk_cluster_close(cluster)
