"""Clusters: schedulers, workers and a client of them.   Source: dask.distributed.

    >>> client = Client()               # a cluster on this machine, whose workers are processes of their own
    >>> client = Client("HOST:8786")    # one that is there, cdask's or Dask's
    >>> future = client.submit(sum, [1, 2])
    >>> future.result()
    3

While a client is open, what names no scheduler is computed on its cluster. Python's callables run on workers that
have an interpreter: ``python -m cdask worker HOST:8786``, and those that ``Client()`` starts.
"""
from .client import Client, Security, default_client, get_client
from .coordination import Event, Lock, MultiLock, Queue, Semaphore, Variable
from .deploy import LocalCluster
from .failures import KilledWorker, NoValidWorkerError, NoWorkerError
from .futures import (CancelledError, Future, FutureCancelledError, FuturesCancelledError, TimeoutError, as_completed,
                      fire_and_forget, futures_of, progress, wait)
from .plugins import WorkerPlugin
from .worker import Worker, get_worker, rejoin, secede, worker_client

__all__ = ["CancelledError", "Client", "Event", "Future", "FutureCancelledError", "FuturesCancelledError",
           "KilledWorker", "LocalCluster", "Lock", "MultiLock", "NoValidWorkerError", "NoWorkerError", "Queue",
           "Security", "Semaphore", "TimeoutError", "Variable", "Worker", "WorkerPlugin", "as_completed",
           "default_client", "fire_and_forget", "futures_of", "get_client", "get_worker", "progress", "rejoin",
           "secede", "wait", "worker_client"]
