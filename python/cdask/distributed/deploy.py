"""Clusters on this machine.   Source: distributed.deploy.local.LocalCluster."""
import asyncio
import contextlib
import ctypes
import logging
import os
import re
import warnings
import weakref

from .. import _abi, _context, _tasks
from .._errors import call
from .local_workers import Group, Processes, Threads
from .shown import bytes_text, page_of
from .worker import Worker

_logger = logging.getLogger("distributed.nanny")


class LocalCluster:
    """A scheduler in this process and workers that run Python's callables.

    Follows :class:`dask.distributed.LocalCluster`. ``with LocalCluster() as cluster`` closes it at the end, and so
    does the interpreter's.

    Parameters
    ----------
    n_workers : int, optional
        Default: one for each CPU, fewer with more threads from 5 CPUs on.
    threads_per_worker : int, optional
        Default: the CPUs, shared out.
    processes : bool
        Whether workers are processes of their own, or threads of this one.
    loop : object, optional
    start : object, optional
        Accepted as Dask's.
    host : str
        Where the scheduler listens.
    ip : str, optional
        The same.
    scheduler_port : int
        0: any that is free.
    silence_logs : int or bool
        Whether workers log warnings and errors only.
    dashboard_address : str, optional
        Where the scheduler serves its page: ":8787" or "HOST:PORT", at another port if that is in use; None: nowhere.
    worker_dashboard_address : str, optional
        Accepted as Dask's.
    asynchronous : bool
        Whether :meth:`close` gives a coroutine.
    name : str, optional
    security : object, optional
    protocol : str, optional
    interface : str, optional
        Not there: a local cluster speaks TCP on the loopback, or where `host` says.
    memory_limit : int, float or str, optional
        Of each worker: bytes, "4GB", a share of the memory, 0 for none. Default: its share.
    resources : dict, optional
        What tasks may ask workers for.
    local_directory : str, optional
        Where workers put what does not fit into memory.
    nanny : bool
        Whether a worker that dies is started again.

    Raises
    ------
    OSError
        The port is taken, or a worker did not start.
    NotImplementedError
        For options that are not there.
    ValueError
        For numbers of workers, threads or bytes that are none.
    """

    def __init__(self, n_workers=None, threads_per_worker=None, processes=True, loop=None, start=None, host=None,
                 ip=None, scheduler_port=0, silence_logs=30, dashboard_address=":8787", worker_dashboard_address=None,
                 asynchronous=False, name=None, security=None, protocol=None, interface=None, memory_limit=None,
                 resources=None, local_directory=None, nanny=True):
        self._handle, self._groups, self._has_nannies = None, [], processes and nanny
        self._next_name = 0  # workers are called by numbers, as Dask's
        _refuse(security=security or None, interface=interface,
                protocol=None if protocol in ("tcp", "tcp://") else protocol)
        self.name, self.asynchronous, self._processes = name or f"cdask-{os.getpid()}", asynchronous, processes
        self.n_workers, self.threads_per_worker = _shared_out(n_workers, threads_per_worker)
        _check_limit(memory_limit)
        self._limit = 1 / max(self.n_workers, 1) if memory_limit in (None, "auto") else memory_limit
        self._words = _words(self.threads_per_worker, self._limit, resources, local_directory, nanny, silence_logs)
        _tasks.begin()
        host = host or ip
        options = _abi.dk_cluster_options(no_workers=True, host=host and host.encode(), port=scheduler_port or 0,
                                          dashboard_address=(dashboard_address or "").encode())
        handle = _abi.cluster_p()
        call(_abi.dk_cluster_open, _context.current(), ctypes.byref(options), ctypes.byref(handle))
        self._handle = handle
        _warn_of_port(dashboard_address, self.dashboard_link)
        _open_clusters.add(self)
        from .opened import end_with_interpreter
        end_with_interpreter()
        try:
            self.scale(self.n_workers)
        except BaseException:
            self._close()
            raise

    @property
    def scheduler_address(self):
        """Where the scheduler listens.

        Returns
        -------
        str
        """
        if not self._handle:
            raise ValueError("the cluster is closed")
        return _abi.dk_cluster_address(self._handle).decode()

    address = scheduler_address

    @property
    def status(self):
        """Whether it runs.

        Returns
        -------
        {"running", "closed"}
        """
        return "running" if self._handle else "closed"

    @property
    def dashboard_link(self):
        """Where the scheduler's page is.

        Returns
        -------
        str or None
            None: it has none.
        """
        link = _abi.dk_cluster_dashboard(self._handle) if self._handle else None
        return link and link.decode()

    def get_client(self, **kwargs):
        """A client of the cluster.

        Parameters
        ----------
        **kwargs
            As for :class:`Client`.

        Returns
        -------
        Client
        """
        from .client import Client
        return Client(self, **kwargs)

    @property
    def scheduler_info(self):
        """Who the scheduler is, and which workers it has.

        Returns
        -------
        dict
            As of :meth:`Client.scheduler_info`.
        """
        with self.get_client(set_as_default=False) as client:
            return client._identity()

    @property
    def workers(self):
        """The workers that the scheduler has.

        Returns
        -------
        dict
            {name: Worker}
        """
        found = self.scheduler_info
        return {told["name"]: Worker(address, told["name"], told["nthreads"], told["local_directory"], found["address"])
                for address, told in found["workers"].items()}

    def wait_for_workers(self, n_workers=1, timeout=None):
        """Waits until there are so many workers.

        Follows :meth:`dask.distributed.LocalCluster.wait_for_workers`.

        Parameters
        ----------
        n_workers : int
        timeout : number or str, optional
            Seconds to wait at most.

        Returns
        -------
        None

        Raises
        ------
        TimeoutError
            They are not there in time.
        """
        with self.get_client(set_as_default=False) as client:
            client.wait_for_workers(n_workers, timeout)

    def get_logs(self, cluster=True, scheduler=True, workers=True):
        """The last lines of the logs.

        Follows :meth:`dask.distributed.LocalCluster.get_logs`.

        Parameters
        ----------
        cluster : bool
            Whether to tell of this object, which logs nothing.
        scheduler : bool
            Whether to tell of the scheduler.
        workers : bool or list of str
            Of which workers to tell.

        Returns
        -------
        dict
            {"Cluster", "Scheduler" or a worker's address: text}
        """
        logs = {"Cluster": ""} if cluster else {}
        with self.get_client(set_as_default=False) as client:
            if scheduler:
                logs["Scheduler"] = _text_of(client.get_scheduler_logs())
            if workers:
                told = client.get_worker_logs(workers=None if workers is True else workers)
                logs.update((worker, _text_of(lines)) for worker, lines in told.items())
        return logs

    def scale(self, n=0):
        """Has so many workers from now on.

        Follows :meth:`dask.distributed.LocalCluster.scale`: workers that are too many hand their results over.

        Parameters
        ----------
        n : int

        Returns
        -------
        None
        """
        count = sum(group.count for group in self._groups)
        if n > count:
            self._start(n - count)
        elif n < count:
            with self.get_client(set_as_default=False) as client:
                addresses = list(client.scheduler_info()["workers"])
                client.retire_workers(addresses[n:])
            for group in self._groups:
                group.shrink(n)
            self._groups = [Group(n, self._groups)]
        self.n_workers = n

    def adapt(self, minimum=0, maximum=None, **kwargs):
        """Not there: :meth:`scale` sets how many workers there are.

        Parameters
        ----------
        minimum : int
        maximum : int, optional
        **kwargs
            As Dask's.

        Returns
        -------
        None

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError("clusters of cdask do not adapt to their load; scale(n) starts and ends workers")

    def _start(self, count):
        make = Processes if self._processes else Threads
        group = make(self._next_name, count, self.scheduler_address, self)
        self._next_name += count
        self._groups.append(group)
        group.wait_for_start()

    def _lose(self, group, problem):
        """Nobody starts the workers of `group` again. Whoever waits for the last of all is told: by the scheduler's end."""
        _logger.error("The workers are gone for good: %s", problem)
        group.is_gone = True
        if all(each.is_gone for each in self._groups):
            self._close()

    def _respawn(self):
        """After the scheduler has sent all workers away, and nobody starts them again."""
        self._end_workers()
        self._next_name = 0
        self._start(self.n_workers)

    def _end_workers(self):
        groups, self._groups = self._groups, []
        for group in groups:
            group.dismiss()
        for group in groups:
            group.end()

    def close(self, timeout=None):
        """Ends the workers and the scheduler. A second call does nothing.

        Parameters
        ----------
        timeout : number or str, optional
            Accepted as Dask's.

        Returns
        -------
        None
            Or a coroutine, if the cluster is asynchronous.
        """
        if self.asynchronous:
            return asyncio.to_thread(self._close)
        return self._close()

    def _close(self):
        handle, self._handle = self._handle, None
        _open_clusters.discard(self)
        for group in self._groups:
            group.dismiss()
        if handle and _context.is_open():
            _abi.dk_cluster_close(handle)
        self._end_workers()

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self._close()

    def __await__(self):
        async def started():
            return self
        return started().__await__()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *problem):
        await asyncio.to_thread(self._close)

    def __del__(self):
        if getattr(self, "_handle", None):
            self._close()

    def __repr__(self):
        if not self._handle:
            return f"LocalCluster({self.name!r}, closed)"
        found = self._summary()
        if not found:
            return f"LocalCluster({self.name}, {self.scheduler_address!r})"
        address, nworkers, nthreads, memory = found
        text = f"LocalCluster({self.name}, {address!r}, workers={nworkers}, threads={nthreads}"
        return text + (f", memory={bytes_text(memory)})" if memory else ")")

    def _summary(self):
        """(address, workers, threads, memory), or None."""
        with self.get_client(set_as_default=False, timeout=2) as client:
            return client._summary()

    def _repr_html_(self):
        found = self._handle and self._summary()
        return page_of("LocalCluster", [("Name", self.name)], found, self.dashboard_link if found else None)


_open_clusters = weakref.WeakSet()


def close_all():
    for cluster in list(_open_clusters):
        with contextlib.suppress(Exception):
            cluster._close()


def _text_of(lines):
    return "\n".join(text for _, text in lines)


def _refuse(**options):
    for name, value in options.items():
        if value is not None:
            raise NotImplementedError(f"{name}={value!r}: a local cluster speaks TCP, on loopback or where host= says")


def _warn_of_port(asked, link):
    """When the page is elsewhere than it was asked for."""
    expected, actual = ((text or "").removesuffix("/status").rpartition(":")[2] for text in (asked, link))
    if link and expected.isdigit() and int(expected) and expected != actual:
        warnings.warn(f"Port {expected} is already in use.\nPerhaps you already have a cluster running?\n"
                      f"Hosting the HTTP server on port {actual} instead", stacklevel=3)


def _check_count(name, count, least):
    if count is None:
        return
    if not isinstance(count, int):
        raise TypeError(f"{name} must be a whole number, got {count!r}")
    if count < least:
        raise ValueError(f"{name} must be at least {least}, got {count}")


def _check_limit(limit):
    """Errors: ValueError: no amount of memory."""
    text = str(limit).strip()
    if limit not in (None, "auto") and not re.fullmatch(r"\d*\.?\d+(e\d+)?\s*([kmgtp]i?)?b?", text, re.IGNORECASE):
        raise ValueError(f"Could not interpret {limit!r} as a byte unit")


def _shared_out(n_workers, threads):
    """Both numbers, of which either may be open.   Source: distributed.deploy.utils.nprocesses_nthreads."""
    ncpus = len(os.sched_getaffinity(0))
    _check_count("n_workers", n_workers, 0)
    _check_count("threads_per_worker", threads, 1)
    if n_workers is None and threads is None:
        n_workers = ncpus
        if ncpus > 4:
            n_workers = next(n for n in range(1, ncpus + 1) if n * n >= ncpus and ncpus % n == 0)
    elif n_workers is None:
        n_workers = max(1, ncpus // threads)
    if threads is None:
        threads = max(1, ncpus // n_workers if n_workers else 1)
    return n_workers, threads


def _words(nthreads, memory_limit, resources, local_directory, nanny, silence_logs):
    """The options of the command that starts workers."""
    words = ["--nthreads", str(nthreads)]
    words += ["--memory-limit", str(memory_limit)]
    if resources:
        words += ["--resources", " ".join(f"{name}={amount}" for name, amount in resources.items())]
    if local_directory:
        words += ["--local-directory", os.fspath(local_directory)]
    return words + ["--nanny" if nanny else "--no-nanny"] + ["--quiet"] * bool(silence_logs)
