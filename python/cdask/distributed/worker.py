"""What tasks know of the worker that runs them.   Source: distributed.worker."""
import contextlib

from .. import _tasks
from .plugins import take_file


class Worker:
    """The worker that runs a task, see :func:`get_worker`.

    Parameters
    ----------
    address : str
        Where other workers reach it.
    name : str
        As its scheduler knows it.
    nthreads : int
        How many tasks it runs at a time.
    local_directory : str
        A folder of its own, which goes with it.
    scheduler_address : str
        Where its scheduler is.
    """

    def __init__(self, address, name, nthreads, local_directory, scheduler_address):
        self.address, self.name, self.nthreads = address, name, nthreads
        self.local_directory, self.scheduler_address = local_directory, scheduler_address

    def __repr__(self):
        return f"<Worker: {self.address!r}>"

    async def upload_file(self, filename, data, load=True):
        """Puts a file into its folder, from where it can be imported.

        Follows :meth:`dask.distributed.Worker.upload_file`.

        Parameters
        ----------
        filename : str
            The file's name, without a folder.
        data : bytes
            What is in it.
        load : bool
            Whether to import it at once: a .py, .egg or .zip.

        Returns
        -------
        dict
            ``{"status": "OK", "nbytes": ...}``.

        Raises
        ------
        Exception
            What importing it raises; OSError.
        """
        return take_file(self.local_directory, filename, data, load)


_workers = {}  # those of this process, by address: what plug-ins leave on one is there for tasks


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
    if running.address not in _workers:
        _workers[running.address] = Worker(*running)
    return _workers[running.address]


def secede():
    """Gives the calling task's place on its worker up: another task may run there meanwhile, one that this one waits
    for perhaps. A second call does nothing.

    Follows :func:`dask.distributed.secede`.

    Returns
    -------
    None

    Raises
    ------
    ValueError
        When no task of a cluster is the caller.
    """
    get_worker()
    _tasks.secede()


def rejoin():
    """After :func:`secede`, waits until the worker has a place for the calling task again.

    Follows :func:`dask.distributed.rejoin`.

    Returns
    -------
    None

    Raises
    ------
    ValueError
        When no task of a cluster is the caller.
    """
    get_worker()
    _tasks.rejoin()


@contextlib.contextmanager
def worker_client(timeout=None, separate_thread=True):
    """A client for the calling task, to submit other tasks.

    Follows :func:`dask.distributed.worker_client`.

    Parameters
    ----------
    timeout : number or str, optional
        Seconds to connect within.
    separate_thread : bool
        Whether the task gives its place up while it is in the ``with`` statement, see :func:`secede`. A task that
        keeps it and waits for others holds their place.

    Returns
    -------
    Client
        For a ``with`` statement.
    """
    from .client import get_client
    get_worker()
    client = get_client(timeout=timeout)
    if separate_thread:
        secede()
    try:
        yield client
    finally:
        if separate_thread:
            rejoin()
