"""What is to be there on all workers that have Python, beside their tasks: plug-ins, and files that are uploaded.

Source: distributed.diagnostics.plugin, distributed.utils.import_file.
"""
import asyncio
import importlib
import os
import pickle
import pkgutil
import sys
import threading

import cloudpickle


class WorkerPlugin:
    """Something with a life on every worker that has Python: derive from it, and hand one to
    :meth:`Client.register_plugin`.

    Follows :class:`dask.distributed.WorkerPlugin`; transitions of tasks are not told.
    """

    def setup(self, worker):
        """It has come to a worker.

        Parameters
        ----------
        worker : Worker
            Where it is now. May be a coroutine's.
        """

    def teardown(self, worker):
        """It goes, or another one of its name comes.

        Parameters
        ----------
        worker : Worker
            Where it was.
        """


class UploadFile(WorkerPlugin):
    """A file for all workers, which can import it.

    Follows :class:`dask.distributed.diagnostics.plugin.UploadFile`.

    Parameters
    ----------
    filepath : str
        A .py, .egg, .zip or any other file.
    load : bool
        Whether to import it at once.

    Raises
    ------
    OSError
        It cannot be read.
    """

    def __init__(self, filepath, load=True):
        self.filename, self.load = os.path.basename(filepath), load
        with open(filepath, "rb") as file:
            self.data = file.read()

    async def setup(self, worker):
        """Puts the file there.

        Parameters
        ----------
        worker : Worker
            Where.
        """
        await worker.upload_file(filename=self.filename, data=self.data, load=self.load)


def packed(plugin):
    """Its pickle, for workers that may not have what it was made from: Dask's have no cdask."""
    module = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(module)
    try:
        return cloudpickle.dumps(_Sent(plugin))
    finally:
        cloudpickle.unregister_pickle_by_value(module)


class _Sent:
    """A plug-in on its way."""

    def __init__(self, plugin):
        self.plugin = plugin

    def __reduce__(self):
        return _received, (self.plugin,)


def _received(plugin):
    """Itself; a Dask worker takes plug-ins of Dask's class only."""
    dask = sys.modules.get("distributed.diagnostics.plugin")
    if dask is None or isinstance(plugin, dask.WorkerPlugin):
        return plugin
    steps = {step: staticmethod(getattr(plugin, step)) for step in ("setup", "teardown") if hasattr(plugin, step)}
    return type(type(plugin).__name__, (dask.WorkerPlugin,), steps)()


# On a worker

_plugins = {}  # those of this process's worker, by name
_lock = threading.Lock()


def change(worker, name, code):
    """Sets a plug-in up, given as its pickle, or with None takes it away."""
    with _lock:
        old = _plugins.pop(name, None)
        _finish(getattr(old, "teardown", None), worker)
        if code is not None:
            plugin = pickle.loads(code)
            if type(plugin).__module__.startswith("distributed.shuffle"):
                return  # Dask's schedulers have one for all workers, and do without it
            _finish(getattr(plugin, "setup", None), worker)
            _plugins[name] = plugin


def _finish(step, worker):
    answer = step(worker) if step else None
    if asyncio.iscoroutine(answer):
        asyncio.run(answer)


def take_file(folder, filename, data, load):
    """Writes a file into a worker's folder, from where it can be imported."""
    path = os.path.join(folder, os.path.basename(filename))
    with open(path, "wb") as file:
        file.write(data)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    if load:
        _import(path)
    return {"status": "OK", "nbytes": len(data)}


def _import(path):
    """Anew, when it was there before: what is uploaded again has changed."""
    name, extension = os.path.splitext(os.path.basename(path))
    if extension == ".py":
        names = [name]
    elif extension in (".egg", ".zip", ".pyz"):
        sys.path.insert(0, path)
        names = [module.name for module in pkgutil.iter_modules([path])]
    else:
        return
    for name in names:
        known = sys.modules.get(name)
        importlib.reload(known) if known else importlib.import_module(name)
