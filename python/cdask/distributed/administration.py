"""What a client asks of the scheduler and its workers beside tasks.   Source: distributed.client.Client."""
import os
import threading
import time
import uuid
import warnings

from .. import _abi, _exceptions
from .._annotations import listed
from .._errors import call
from .._waiting import seconds, waited
from . import plugins, versions
from .answers import key_of, lines_of, pairs_of, raised_in
from .futures import futures_of


class Administration:
    """What a client asks and has done beside tasks."""

    # What the scheduler knows

    def _identity(self):
        return self._ask("identity", n_workers=-1)

    def scheduler_info(self, n_workers=-1, **kwargs):
        """Who the scheduler is, and which workers it has.

        Follows :meth:`dask.distributed.Client.scheduler_info`.

        Parameters
        ----------
        n_workers : int
            Of how many workers to tell; -1: of all.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        dict
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: self._ask("identity", n_workers=n_workers))

    def nthreads(self, workers=None, **kwargs):
        """How many threads each worker has.

        Follows :meth:`dask.distributed.Client.nthreads`.

        Parameters
        ----------
        workers : list of str, optional
            Addresses; default: all.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        dict
            {address: threads}. Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: dict(self._ask("ncores", workers=listed(workers))))

    ncores = nthreads

    def who_has(self, futures=None, **kwargs):
        """Which workers have results.

        Follows :meth:`dask.distributed.Client.who_has`.

        Parameters
        ----------
        futures : Future or list of Future, optional
            Default: all results.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        dict
            {key: list of addresses}. Or a coroutine, if the client is asynchronous.
        """
        def work():
            keys = None if futures is None else [future.key for future in futures_of(futures)]
            return dict(pairs_of(self._ask("who_has", keys=keys)))
        return self._do(work)

    def has_what(self, workers=None, **kwargs):
        """Which results workers have.

        Follows :meth:`dask.distributed.Client.has_what`.

        Parameters
        ----------
        workers : list of str, optional
            Addresses; default: all.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        dict
            {address: list of keys}. Or a coroutine, if the client is asynchronous.
        """
        def work():
            asked = listed(workers)
            told = {worker: list(map(key_of, keys)) for worker, keys in pairs_of(self._ask("has_what", workers=asked))}
            return told if asked is None else {worker: told.get(worker, []) for worker in asked}
        return self._do(work)

    def processing(self, workers=None):
        """Which tasks workers have to run.

        Follows :meth:`dask.distributed.Client.processing`.

        Parameters
        ----------
        workers : list of str, optional
            Addresses; default: all.

        Returns
        -------
        dict
            {address: list of keys}. Or a coroutine, if the client is asynchronous.
        """
        def work():
            answer = self._ask("processing", workers=listed(workers))
            return {worker: list(map(key_of, keys)) for worker, keys in pairs_of(answer)}
        return self._do(work)

    def nbytes(self, keys=None, summary=True, **kwargs):
        """How large results are.

        Follows :meth:`dask.distributed.Client.nbytes`.

        Parameters
        ----------
        keys : list of str, optional
            Default: all.
        summary : bool
            Whether to add up those whose names begin alike.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        dict
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: dict(pairs_of(self._ask("nbytes", keys=keys, summary=summary))))

    def get_scheduler_logs(self, n=None):
        """The last lines of the scheduler's log.

        Follows :meth:`dask.distributed.Client.get_scheduler_logs`.

        Parameters
        ----------
        n : int, optional
            How many at most; default: all that are kept.

        Returns
        -------
        tuple
            (level, line), the newest first. Or a coroutine, if the client is asynchronous.
        """
        return self._do(lambda: lines_of(self._ask("logs", n=n)))

    def get_worker_logs(self, n=None, workers=None, nanny=False):
        """The last lines of the logs of workers.

        Follows :meth:`dask.distributed.Client.get_worker_logs`.

        Parameters
        ----------
        n : int, optional
            How many of each at most; default: all that are kept.
        workers : list of str, optional
            Addresses; default: all.
        nanny : bool
            Of their nannies instead.

        Returns
        -------
        dict
            {address: ((level, line) ...)}, the newest first. Or a coroutine, if the client is asynchronous.
        """
        def work():
            answer = self._ask("worker_logs", n=n, workers=listed(workers), nanny=nanny)
            return {worker: lines_of(lines) for worker, lines in answer.items()}
        return self._do(work)

    def log_event(self, topic, msg):
        """Logs an event at the scheduler.

        Follows :meth:`dask.distributed.Client.log_event`.

        Parameters
        ----------
        topic : str or list of str
            Under which names.
        msg
            Of plain values.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        topics = topic if isinstance(topic, str) else list(topic)
        return self._do(lambda: self._ask("log_event", topic=topics, msg=msg))

    def get_events(self, topic=None):
        """Events that were logged at the scheduler.

        Follows :meth:`dask.distributed.Client.get_events`.

        Parameters
        ----------
        topic : str, optional
            Default: all.

        Returns
        -------
        tuple
            (seconds since 1970, event), the newest last; for all topics a dict of them. Or a coroutine, if the
            client is asynchronous.
        """
        def work():
            answer = self._ask("events", topic=topic)
            if topic is not None:
                return lines_of(answer)
            return {name: lines_of(events) for name, events in pairs_of(answer)}
        return self._do(work)

    def get_versions(self, check=False, packages=()):
        """Which packages the scheduler, the workers and this process have.

        Follows :meth:`dask.distributed.Client.get_versions`.

        Parameters
        ----------
        check : bool
            Whether to warn of what workers have otherwise than this process.
        packages : list of str
            Further names.

        Returns
        -------
        dict
            "scheduler", "workers" and "client". Native ones have no packages. Or a coroutine, if the client is
            asynchronous.
        """
        return self._do(lambda: self._get_versions(check, list(packages or ())))

    def _get_versions(self, check, packages):
        found = {"scheduler": self._ask("versions", packages=packages), "client": versions.installed(packages),
                 "workers": self._ask("broadcast", msg={"op": "versions", "packages": packages}, on_error="ignore")}
        hosted = [address for address, told in found["workers"].items() if not told["packages"]]
        if hosted:
            found["workers"].update(self._run(versions.installed, (packages,), {}, hosted, True, "ignore"))
        if check and (text := versions.mismatches(found["client"], found["workers"])):
            warnings.warn(f"Mismatched versions found\n\n{text}", stacklevel=4)
        return found

    def wait_for_workers(self, n_workers, timeout=None):
        """Waits until there are so many workers.

        Follows :meth:`dask.distributed.Client.wait_for_workers`.

        Parameters
        ----------
        n_workers : int
        timeout : number or str, optional
            Seconds to wait at most.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        TimeoutError
            They are not there in time.
        """
        if not isinstance(n_workers, int) or n_workers < 1:
            raise ValueError(f"`n_workers` must be a positive integer. Instead got {n_workers}.")
        return self._do(lambda: self._wait_for_workers(n_workers, seconds(timeout)))

    def _wait_for_workers(self, n_workers, timeout):
        end = None if timeout is None else time.monotonic() + timeout
        pause = threading.Event()
        while True:
            count = sum(worker.get("status", "running") == "running"
                        for worker in self._identity()["workers"].values())
            if count >= n_workers:
                return
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"Only {count}/{n_workers} workers arrived after {timeout:g}s")
            pause.wait(0.1)  # schedulers tell nobody when a worker comes

    def retire_workers(self, workers=None, close_workers=True, **kwargs):
        """Has workers hand their results over to others, and leave.

        Follows :meth:`dask.distributed.Client.retire_workers`.

        Parameters
        ----------
        workers : list of str, optional
            Addresses.
        close_workers : bool
            Whether they end.
        **kwargs
            `names` and others of the scheduler's.

        Returns
        -------
        dict
            What the scheduler says of them. Or a coroutine, if the client is asynchronous.
        """
        fields = {"workers": listed(workers)} if workers is not None else {}
        return self._do(lambda: self._ask("retire_workers", close_workers=close_workers, **fields, **kwargs))

    def restart(self, timeout=None, wait_for_workers=True):
        """Starts the workers anew and forgets all tasks; futures are cancelled.

        Follows :meth:`dask.distributed.Client.restart`.

        Parameters
        ----------
        timeout : number or str, optional
            Seconds to wait at most; default 120.
        wait_for_workers : bool
            Whether to wait until all are there again.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        def work():
            limit = seconds(timeout, 120)
            respawn = None if getattr(self.cluster, "_has_nannies", True) else self.cluster._respawn
            waited(lambda options, error: _abi.dk_client_restart(
                self._open(), limit, wait_for_workers and respawn is None, options, error))
            if respawn:
                respawn()
        return self._do(work)

    def restart_workers(self, workers, timeout=None, raise_for_error=True):
        """Starts some workers anew; what they held is computed again where it is needed.

        Follows :meth:`dask.distributed.Client.restart_workers`.

        Parameters
        ----------
        workers : list of str
            Addresses or names, of workers with a nanny.
        timeout : number or str, optional
            Seconds to wait at most; default 120.
        raise_for_error : bool
            Whether one that is not there in time is an error.

        Returns
        -------
        dict
            {worker: "OK", "removed" or "timed out"}. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        ValueError
            One has no nanny, or there is none of that name.
        TimeoutError
            One is not there in time.
        """
        def work():
            addresses = {worker: self._with_nanny(worker) for worker in listed(workers)}
            told = self._ask("restart_workers", workers=list(addresses.values()), timeout=seconds(timeout, 120))
            outcomes = {worker: told[address] for worker, address in addresses.items()}
            if raise_for_error and set(outcomes.values()) - {"OK"}:
                raise TimeoutError(f"not restarted: {outcomes}")
            return outcomes
        return self._do(work)

    def _with_nanny(self, worker):
        for address, told in self._identity()["workers"].items():
            if worker in (address, told["name"]):
                if told["nanny"] is None:
                    raise ValueError(f"Restarting workers requires a nanny to be used. Worker {address} has none.")
                return address
        raise ValueError(f"there is no worker {worker!r}")

    def run(self, function, *args, workers=None, wait=True, nanny=False, on_error="raise", **kwargs):
        """Calls a function on all workers, beside their tasks.

        Follows :meth:`dask.distributed.Client.run`.

        Parameters
        ----------
        function : callable
        *args
            Its arguments.
        workers : list of str, optional
            Addresses; default: all.
        wait : bool
            Whether to wait for the results.
        nanny : bool
            Not there.
        on_error : {"raise", "return", "ignore"}
            What to do about workers where it fails.
        **kwargs
            Further arguments for the function.

        Returns
        -------
        dict
            {address: result}. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        Exception
            What the function raises on a worker.
        NotImplementedError
            A worker has no Python.
        """
        if nanny:
            raise NotImplementedError("nannies of cdask run nothing")
        return self._do(lambda: self._run(function, args, kwargs, workers, wait, on_error))

    def _run(self, function, args, kwargs, workers, wait, on_error):
        message = {"op": "run", "function": _exceptions.pickled(function), "args": _exceptions.pickled(args),
                   "kwargs": _exceptions.pickled(kwargs), "wait": wait}
        answers = self._ask("broadcast", msg=message, workers=listed(workers), nanny=False, on_error="return_pickle")
        results = {}
        for address, answer in answers.items():
            if isinstance(answer, bytes):  # Dask's scheduler could not reach it
                answer = {"status": "error", "exception": answer}
            if answer.get("status") == "OK":
                results[address] = answer.get("result")
            elif on_error == "raise":
                raise raised_in(answer)
            elif on_error == "return":
                results[address] = raised_in(answer)
        return results if wait else None

    def run_on_scheduler(self, function, *args, **kwargs):
        """Not there: cdask's schedulers are native, and have no Python.

        Parameters
        ----------
        function : callable
        *args, **kwargs

        Returns
        -------
        None

        Raises
        ------
        NotImplementedError
            Always.
        """
        raise NotImplementedError("run_on_scheduler: the scheduler is native and has no Python; run() calls functions on workers")

    def register_plugin(self, plugin, name=None, idempotent=False):
        """Has something on all workers that have Python, and on those that come later.

        Follows :meth:`dask.distributed.Client.register_plugin`.

        Parameters
        ----------
        plugin : WorkerPlugin
            Goes there as its pickle.
        name : str, optional
            One of the same name goes; default: the plug-in's own, or a new one.
        idempotent : bool
            Whether one of that name stays instead.

        Returns
        -------
        dict
            {address: answer}. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        Exception
            What its ``setup`` raises on a worker.
        TypeError
            It is for schedulers or nannies, which have no Python.
        """
        if not callable(getattr(plugin, "setup", None)) and not callable(getattr(plugin, "teardown", None)):
            raise TypeError(f"no plug-in for workers: {plugin!r}")
        name = name or getattr(plugin, "name", None) or f"{type(plugin).__name__}-{uuid.uuid4()}"
        return self._do(lambda: self._change_plugin("register_worker_plugin", name=name, plugin=plugins.packed(plugin),
                                                    idempotent=idempotent))

    def unregister_worker_plugin(self, name, nanny=None):
        """Takes a plug-in away from all workers.

        Follows :meth:`dask.distributed.Client.unregister_worker_plugin`.

        Parameters
        ----------
        name : str
            Its name.
        nanny : bool, optional
            Not there.

        Returns
        -------
        dict
            {address: answer}. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        Exception
            What its ``teardown`` raises on a worker; ValueError: there is none of that name.
        """
        if nanny:
            raise NotImplementedError("nannies of cdask have no plug-ins")
        return self._do(lambda: self._change_plugin("unregister_worker_plugin", name=name))

    def _change_plugin(self, op, **fields):
        answers = self._ask(op, **fields)
        for answer in answers.values():
            if answer.get("status") == "error":
                raise raised_in(answer)
        return answers

    def upload_file(self, filename, load=True):
        """Puts a file on all workers: Python's, from where they can import it, also on workers that come later; a
        library of native tasks, on those that are there.

        Follows :meth:`dask.distributed.Client.upload_file`.

        Parameters
        ----------
        filename : str
            A .py, .egg, .zip, or .so.
        load : bool
            Whether they import it at once, or again, when it was there before.

        Returns
        -------
        dict
            {address: answer}; None for a library. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        Exception
            What importing it raises on a worker; OSError: there is no such file.
        """
        filename = os.fspath(filename)
        if filename.endswith(".so"):
            return self._do(lambda: call(_abi.dk_client_upload_file, self._open(), os.fsencode(filename)))
        return self.register_plugin(plugins.UploadFile(filename, load), name=f"{filename}{uuid.uuid4()}")