"""Watching computations: ProgressBar, Profiler, ResourceProfiler, and the library's own Profile.

    with Profiler() as prof, ProgressBar():
        df.high.max().compute()
    prof.results

Each watches the computations of its block, or all from register() to unregister().
Source: dask.diagnostics.
"""
import atexit
import collections
import ctypes
import io
import os
import sys
import threading

from . import _abi, _compute, _context, _errors

__all__ = ["Profile", "Profiler", "ProgressBar", "ResourceProfiler", "visualize"]


class Watcher:
    """Something that watches while its block, or registration, lasts."""

    _handle = None

    def __enter__(self):
        self.register()
        return self

    def __exit__(self, *exception):
        self.unregister()

    def register(self):
        """Watches all computations from now on."""
        self._open()
        _compute.watchers.append(self)
        atexit.register(self.unregister)

    def unregister(self):
        """Watches no more. What was seen stays."""
        _compute.watchers.remove(self)
        atexit.unregister(self.unregister)
        self._close()

    def _open(self):
        pass

    def _close(self):
        pass

    def _free(self):
        pass

    def __del__(self, is_open=_context.is_open):
        if self._handle and is_open():
            self._free()


class ProgressBar(Watcher):
    """A progress bar like ``[####      ] | 40% Completed | 1.2 s``.

    Parameters
    ----------
    minimum : float
        Seconds; what takes less is not drawn.
    width : int
        Of the bar, in characters.
    dt : float
        Seconds between redraws.
    out : file, optional
        Takes text; default: sys.stdout.
    """

    def __init__(self, minimum=0, width=40, dt=0.1, out=None):
        self.minimum, self.width, self.dt, self.out = minimum, width, dt, out
        self._pipe = None

    def _open(self):
        out = sys.stdout if self.out is None else self.out
        out.flush()
        if isinstance(out, io.TextIOWrapper):
            descriptor = out.fileno()
        else:
            self._pipe = _Pipe(out)
            descriptor = self._pipe.descriptor
        options = _abi.dk_progress_options(self.minimum, self.dt, self.width, True)
        self._handle = _abi.progress_p()
        _errors.call(_abi.dk_progress_new, _context.current(), descriptor, ctypes.byref(options),
                     ctypes.byref(self._handle))

    def _callbacks(self):
        return _abi.dk_progress_callbacks(self._handle)

    def _close(self):
        self._free()
        self._handle = None
        if self._pipe:
            self._pipe.close()
            self._pipe = None

    def _free(self):
        _abi.dk_progress_free(self._handle)


class _Pipe:
    """A descriptor from which text goes on to a Python file that has none, as a notebook's."""

    def __init__(self, out):
        self.out = out
        self.source, self.descriptor = os.pipe()
        self.thread = threading.Thread(target=self._forward, daemon=True, name="cdask-progress")
        self.thread.start()

    def _forward(self):
        text = ""
        while not text.endswith("\0"):
            text = os.read(self.source, 4096).decode()
            self.out.write(text.rstrip("\0"))
            self.out.flush()

    def close(self):
        os.write(self.descriptor, b"\0")  # forked processes may hold the pipe open
        self.thread.join()
        os.close(self.descriptor)
        os.close(self.source)


TaskData = collections.namedtuple("TaskData", "key function start_time end_time worker_id nbytes")


class Profiler(Watcher):
    """A record of every task. A block begins a new one; registered, it goes on.

    Attributes
    ----------
    results : list of TaskData
        key, function, start_time and end_time (seconds of the monotonic clock), worker_id, and
        nbytes (of the result), in the order in which tasks ended.
    """

    def __enter__(self):
        self.clear()
        return super().__enter__()

    def _open(self):
        if not self._handle:
            self._handle = _abi.recorder_p()
            status = _abi.dk_recorder_new(_context.current(), ctypes.byref(self._handle))
            _errors.check(status, _abi.dk_error())

    def _callbacks(self):
        return _abi.dk_recorder_callbacks(self._handle)

    @property
    def results(self):
        """The records so far, a list of TaskData."""
        if not self._handle:
            return []
        records = (_abi.dk_recorder_at(self._handle, i)
                   for i in range(_abi.dk_recorder_count(self._handle)))
        return [TaskData(one.key.decode(), one.function.decode(), one.start_ns / 1e9,
                         one.end_ns / 1e9, one.worker, one.result_nbytes) for one in records]

    def clear(self):
        """Forgets the records. Not while it watches."""
        if self._handle:
            self._free()
            self._handle = None

    def visualize(self, filename="profile.svg"):
        """Draws who ran what when.

        Parameters
        ----------
        filename : str
            Of the SVG file.

        Returns
        -------
        As :func:`visualize`.
        """
        return visualize(self, filename=filename)

    def _free(self):
        _abi.dk_recorder_free(self._handle)


ResourceData = collections.namedtuple("ResourceData", "time mem cpu")


class ResourceProfiler(Watcher):
    """CPU and memory of this process and its children over time.

    Parameters
    ----------
    dt : float
        Seconds between readings.

    Attributes
    ----------
    results : list of ResourceData
        time (seconds of the monotonic clock), mem (MB), cpu (%: 100 is one CPU all the time).
    """

    def __init__(self, dt=1):
        self.dt = dt

    def _open(self):
        if self._handle:
            self._free()
        self._handle = _abi.resources_p()
        _errors.call(_abi.dk_resources_start, _context.current(), self.dt, ctypes.byref(self._handle))

    def _close(self):
        _abi.dk_resources_stop(self._handle)

    @property
    def results(self):
        """The readings so far, a list of ResourceData."""
        if not self._handle:
            return []
        readings = (_abi.dk_resources_at(self._handle, i)
                    for i in range(_abi.dk_resources_count(self._handle)))
        return [ResourceData(one.time_ns / 1e9, one.rss_nbytes / 1e6, one.cpu_percent)
                for one in readings]

    def _free(self):
        _abi.dk_resources_free(self._handle)


class Profile(Watcher):
    """Where the time went: calls, total and self time, rows and bytes of task functions and of the
    kernels inside them, the same under every scheduler. str() of it is a table to read."""

    def _open(self):
        if not self._handle:
            self._handle = _abi.profile_p()
            status = _abi.dk_profile_new(_context.current(), ctypes.byref(self._handle))
            _errors.check(status, _abi.dk_error())

    def _profile(self):
        return self._handle

    def __str__(self):
        out = ctypes.c_char_p()
        _errors.check(_abi.dk_profile_text(self._handle, ctypes.byref(out)), _abi.dk_error())
        return _errors.taken(out)

    def _free(self):
        _abi.dk_profile_free(self._handle)


def visualize(profilers, filename="profile.svg"):
    """Draws tasks over time, a lane a worker, with CPU and memory under them.

    Parameters
    ----------
    profilers : Profiler, or list of a Profiler and a ResourceProfiler
    filename : str
        Of the SVG file.

    Returns
    -------
    IPython.display.SVG or str
        What shows the picture where IPython can, else the file's name.

    Raises
    ------
    ValueError
        Unless there is one Profiler, which has watched something.
    """
    from ._collections import shown
    profilers = profilers if isinstance(profilers, (list, tuple)) else [profilers]
    tasks = [one for one in profilers if isinstance(one, Profiler)]
    resources = [one for one in profilers if isinstance(one, ResourceProfiler)]
    if len(tasks) != 1 or not tasks[0]._handle:
        raise ValueError("visualize() draws one Profiler that has watched something, "
                         "and a ResourceProfiler beside it")
    _errors.call(_abi.dk_draw_timeline, tasks[0]._handle, resources[0]._handle if resources else None,
                 filename.encode())
    return shown(filename)
