"""Running lazy things: which scheduler, who watches, Ctrl-C, and errors."""
import contextvars
import ctypes
import threading
from concurrent.futures import CancelledError

from . import _abi, _exceptions, _tasks, _values, config
from ._annotations import SubmitOptions
from ._errors import call, check

WISHES = ("workers", "resources", "retries", "priority", "allow_other_workers")
INTERRUPTED_WITHIN = 0.02  # seconds

current_client = contextvars.ContextVar("current_client", default=None)  # of Client.as_current()
watchers = []  # active diagnostics, outermost first: each has _callbacks() or _profile()


class Options:
    """A dk_compute_options and what it points to.

    Parameters
    ----------
    scheduler : str or callable, optional
        "threads", "processes", "sync" and their other names, a client of a cluster, or one of the
        package's `get` functions. Then comes `get`, then the configuration's "scheduler", then the
        library's default (threads, or the newest client).
    get : callable, optional
        The older spelling: `cdask.threaded.get`, `cdask.multiprocessing.get`, `cdask.get_sync`.
    num_workers : int, optional
        Threads or processes; default: the CPUs that this process may use.
    optimize_graph : bool
        Whether chains of tasks are joined.
    workers, resources, retries, priority, allow_other_workers : optional
        How tasks are run on a cluster, see SubmitOptions; other schedulers need none of it.
    """

    def __init__(self, scheduler=None, get=None, num_workers=None, optimize_graph=True, **wishes):
        for name in wishes:
            if name not in WISHES:
                raise TypeError(f"compute() got an unexpected keyword argument {name!r}")
        chosen = chosen_scheduler(scheduler, get)
        self.name, self.client, self.submit = scheduler_name(chosen), client_of(chosen), SubmitOptions(**wishes)
        self.cancel = ctypes.c_int(0)
        self.error = _abi.dk_error()
        self.filled = _abi.dk_compute_options(error=ctypes.pointer(self.error))
        self.filled.scheduler = self.name and self.name.encode()
        self.raised = _abi.dk_value()
        run = self.filled.run
        run.raised = ctypes.pointer(self.raised)
        run.num_workers = num_workers or config.get("num_workers", 0) or 0
        run.cancel = ctypes.pointer(self.cancel)
        self.handle = self.client and self.client._open()
        run.client = self.handle and self.handle.pointer
        run.submit = ctypes.pointer(self.submit.filled)
        run.no_fuse = not optimize_graph
        callbacks = [one._callbacks() for one in watchers if hasattr(one, "_callbacks")]
        self.callbacks = (_abi.dk_callbacks * len(callbacks))(*callbacks)
        run.callbacks, run.ncallbacks = self.callbacks, len(callbacks)
        for one in watchers:
            if hasattr(one, "_profile"):
                run.profile = one._profile()

    @property
    def is_processes(self):
        return (self.name or "").lower() in ("processes", "multiprocessing")

    @property
    def is_threads(self):
        return self.name is None or self.name.lower() in ("threads", "threading")

    def fail(self, status):
        """Raises what a computation reported; of a Python task its own exception."""
        if status == _abi.DK_OK:
            return
        message = self.error.message.decode(errors="replace")
        problem = _exceptions.take(message) if status == _abi.DK_ETASK else None
        [raised] = _values.taken([self.raised])
        if raised:
            problem = _exceptions.received(raised)
        if problem is not None:
            raise problem
        if status == _abi.DK_ECANCELED and not self.cancel.value:
            raise CancelledError(message)
        check(status, self.error)


def chosen_scheduler(scheduler=None, get=None):
    """What the user has chosen; None: nothing."""
    for chosen in (scheduler, get, config.get("scheduler", None)):
        if chosen is not None:
            return chosen
    return current_client.get()


def client_of(chosen):
    """The client that was chosen by itself or by its `get`, or None."""
    client = getattr(chosen, "__self__", chosen)
    return client if hasattr(client, "scheduler_info") else None


def scheduler_name(chosen):
    """The C library's name for what the user chose; None: its default.   Errors: TypeError."""
    if chosen is None or isinstance(chosen, str):
        return chosen
    name = "distributed" if client_of(chosen) else getattr(chosen, "scheduler_name", None)
    if name is None:
        raise TypeError(f"no scheduler: {chosen!r}; expected a name (threads, processes, sync), a Client or one "
                        "of cdask.threaded.get, cdask.multiprocessing.get, cdask.get_sync")
    return name


def compute(lazies, **options):
    """The results of lazy things, in a list. Shared work is done once."""
    things = _values.taken(_results(lazies, options))
    return [lazy._finish(thing) for lazy, thing in zip(lazies, things)]


def persist(lazies, **options):
    """Lazy things like these whose results are there, in a list. Shared work is done once."""
    kept = (_abi.dk_frame * len(lazies))()
    _run(_abi.dk_persist, lazies, options, kept)
    return [lazy._kept(frame) for lazy, frame in zip(lazies, kept)]


def _results(lazies, options):
    """Values, whose references are the caller's."""
    values = (_abi.dk_value * len(lazies))()
    _run(_abi.dk_compute_values, lazies, options, values)
    return list(values)


def _run(function, lazies, options, out):
    """Has a function of the library compute into `out`, with a place for each."""
    options = Options(**options)
    frames = (_abi.dk_frame * len(lazies))(*(lazy._frame for lazy in lazies))
    perform(options, function, frames, len(lazies), ctypes.byref(options.filled), out)


def table(frame, **options):
    """The result of one frame as a table."""
    options = Options(**options)
    out = _abi.table_p()
    perform(options, _abi.dk_compute, frame, ctypes.byref(options.filled), ctypes.byref(out))
    return out


def head(frame, nrows, **options):
    """The first rows of the first partition, as a table."""
    options = Options(**options)
    out = _abi.table_p()
    perform(options, _abi.dk_head, frame, nrows, ctypes.byref(options.filled),
            ctypes.byref(out))
    return out


def perform(options, function, *arguments):
    """Calls a function of the library that computes, so that Ctrl-C ends it."""
    if options.is_processes:
        _exceptions.open_crossing()
    if threading.current_thread() is not threading.main_thread():
        options.fail(function(*arguments))
    elif options.is_threads and _tasks.any_registered():
        options.fail(_aside(options, function, arguments))
    else:
        options.fail(_watched(options, function, arguments))


def _watched(options, function, arguments):
    """In this thread. The library sees Ctrl-C by a handler of its own, then Python does."""
    watch = _abi.dk_interrupt()
    call(_abi.dk_interrupt_begin, ctypes.byref(options.cancel), ctypes.byref(watch))
    try:
        return function(*arguments)
    finally:
        _abi.dk_interrupt_end(ctypes.byref(watch))


def _aside(options, function, arguments):
    """In another thread, since Python callables that run in the pool cannot be stopped: after Ctrl-C
    they go on by themselves while the caller is free again, as under Dask."""
    status, running = [], threading.Lock()

    def work():
        try:
            status.append(function(*arguments))
        finally:
            running.release()

    running.acquire()
    try:
        threading.Thread(target=work, daemon=True, name="cdask-compute").start()
        # A signal that comes just before a thread begins to wait does not wake it.
        while not running.acquire(timeout=INTERRUPTED_WITHIN):
            pass
    except BaseException:
        options.cancel.value = 1
        raise
    return status[0]
