"""Clients that are open, and their end with the interpreter."""
import atexit
import contextlib
import functools
import threading
import weakref

from .. import _compute, _context

open_clients = []  # the newest last
by_handle = weakref.WeakValueDictionary()  # by the addresses of their dk_client
task_clients = {}  # those of tasks, by the scheduler's address
lock = threading.Lock()


def client_at(address):
    """The client of a dk_client, by its address, or None."""
    return by_handle.get(address)


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
    with lock:
        for client in reversed(open_clients):
            if client._is_default:
                return client
    raise ValueError("No clients found\nStart a client and point it to the scheduler address\n"
                     "  from cdask.distributed import Client\n  client = Client('ip-addr-of-scheduler:8786')")


@functools.cache
def end_with_interpreter():
    """From now on what is open when the interpreter ends is closed, before the context is."""
    _context.current()
    atexit.register(_close_all)


def _close_all():
    for client in list(dict.fromkeys(reversed(open_clients))) + list(task_clients.values()):
        with contextlib.suppress(Exception):
            client._close()
    from .deploy import close_all
    close_all()
