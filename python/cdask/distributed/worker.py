"""What tasks know of the worker that runs them.   Source: distributed.worker."""
import contextlib

from .. import _tasks


class Worker:
    """The worker that runs a task, see :func:`get_worker`.

    Parameters
    ----------
    address : str
        Where other workers reach it.
    scheduler_address : str
        Where its scheduler is.
    """

    def __init__(self, address, scheduler_address):
        self.address, self.scheduler_address = address, scheduler_address

    def __repr__(self):
        return f"<Worker: {self.address!r}>"


def get_worker():
    """The worker that runs the calling task.

    Follows :func:`dask.distributed.get_worker`.

    Returns
    -------
    Worker

    Raises
    ------
    ValueError
        When no task of a cluster is the caller.
    """
    running = _tasks.running()
    if running is None:
        raise ValueError("No worker found: get_worker() is for tasks that run on a cluster")
    return Worker(*running)


@contextlib.contextmanager
def worker_client(timeout=None, separate_thread=True):
    """A client for the calling task, to submit other tasks.

    Follows :func:`dask.distributed.worker_client`, but the task keeps its thread while it waits: a cluster needs
    more threads than tasks that wait for others.

    Parameters
    ----------
    timeout : number or str, optional
        Seconds to connect within.
    separate_thread : bool
        Accepted as Dask's.

    Returns
    -------
    Client
        For a ``with`` statement.
    """
    from .client import get_client
    get_worker()
    yield get_client(timeout=timeout)
