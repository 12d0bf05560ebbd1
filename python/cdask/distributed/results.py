"""Results on a cluster: fetched, brought there, copied, given up.   Source: distributed.client.Client."""
import contextlib
import ctypes
import time
import uuid

from .. import _abi, _values
from .._annotations import listed
from .._errors import call
from .._waiting import seconds
from .answers import key_of
from .futures import Future, futures_of, gathered, handle_of, wait_for
from .submitting import token_of


class Results:
    """What a client does with results."""

    def gather(self, futures, errors="raise", direct=None, asynchronous=None):
        """Fetches results.

        Follows :meth:`dask.distributed.Client.gather`.

        Parameters
        ----------
        futures : Future, or lists, tuples, sets and dicts with futures inside
        errors : {"raise", "skip"}
            What to do about failed tasks: raise, or leave them out of a list (None elsewhere).
        direct : bool, optional
            Whether they come from the workers themselves; default: as the client has it.
        asynchronous : bool, optional
            Accepted as Dask's.

        Returns
        -------
        object
            The same with results in the places of futures. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        Exception
            What a task has raised.
        """
        if errors not in ("raise", "skip"):
            raise ValueError(f"Bad value, `errors={errors}`")
        return self._do(lambda: self._gather(futures, errors, direct))

    def _gather(self, nested, errors, direct=None):
        futures = futures_of(nested)
        if any(future.client is not self for future in futures):
            raise ValueError("Cannot gather Futures created by another client.")
        failed = set()
        if errors == "skip":
            for future in futures:
                future._wait()
            failed = {future for future in futures if future.status != "finished"}
        good = [future for future in futures if future not in failed]
        results = dict(zip(good, gathered(self, good, direct=direct)) if good else [])
        if isinstance(nested, list):
            nested = [one for one in nested if not (isinstance(one, Future) and one in failed)]
        return _filled(nested, results)

    def scatter(self, data, workers=None, broadcast=False, direct=None, hash=True, timeout=None, asynchronous=None):
        """Puts data on the cluster.

        Follows :meth:`dask.distributed.Client.scatter`.

        Parameters
        ----------
        data : object
            Of lists, tuples, sets and dicts the elements, each by itself.
        workers : str or list of str, optional
            Where.
        broadcast : bool or int
            Whether to have it on all of them, or on how many.
        direct : bool, optional
            Accepted as Dask's.
        hash : bool
            Whether equal data have equal keys.
        timeout : number or str, optional
            Seconds to wait for a worker; default 30.
        asynchronous : bool, optional
            Accepted as Dask's.

        Returns
        -------
        Future, or futures in as many places
            Or a coroutine, if the client is asynchronous.

        Raises
        ------
        TimeoutError
            There is no worker in time.
        """
        return self._do(lambda: self._scatter(data, workers, broadcast, hash, seconds(timeout, 30)))

    def _scatter(self, data, workers, broadcast, hash, timeout):
        kind = type(data)
        single = kind not in (dict, list, tuple, set, frozenset)
        things = [data] if single else data
        if kind is not dict:
            things = list(things)
            names = [f"{type(thing).__name__}-{token_of(thing) if hash else uuid.uuid4().hex}" for thing in things]
            named = dict(zip(names, things))
        else:
            names, named = list(data), data
        if named:
            packed = {key: _values.Whole(thing) for key, thing in named.items()}
            self._put(packed, workers, broadcast, timeout)
        futures = {key: Future(key, self) for key in named}
        for future in futures.values():
            future._wait()
        if kind is dict:
            return futures
        return futures[names[0]] if single else kind(futures[name] for name in names)

    def _put(self, packed, workers, broadcast, timeout):
        """Dask's scheduler waits for a worker by itself."""
        end = time.monotonic() + timeout
        while True:
            try:
                return self._ask("scatter", data=packed, workers=listed(workers), client=self.id, broadcast=broadcast,
                                 timeout=timeout)
            except OSError as problem:
                if "No valid workers" not in str(problem):
                    raise
                if time.monotonic() >= end:
                    raise TimeoutError(str(problem)) from None
            with contextlib.suppress(TimeoutError):
                self._wait_for_workers(1, end - time.monotonic())

    def cancel(self, futures, asynchronous=None, force=False, reason=None, msg=None):
        """Stops tasks, unless other clients want their results, and what depends on them.

        Follows :meth:`dask.distributed.Client.cancel`.

        Parameters
        ----------
        futures : Future or list of Future
        asynchronous : bool, optional
            Accepted as Dask's.
        force : bool
            Whether other clients do not count.
        reason : str, optional
            What is told to everybody who asks for the results; default: "user".
        msg : str, optional
            More of that.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        reason = reason or "user"
        options = _abi.dk_cancel_options(force, reason.encode(), msg and msg.encode())
        def work():
            for future in futures_of(futures):
                if handle := future._handle:
                    call(_abi.dk_future_cancel, handle, ctypes.byref(options))
                    future._cancelled_for = reason, msg
        return self._do(work)

    def retry(self, futures, asynchronous=None):
        """Runs failed tasks again, and the failed ones that they depend on.

        Follows :meth:`dask.distributed.Client.retry`.

        Parameters
        ----------
        futures : Future or list of Future
        asynchronous : bool, optional
            Accepted as Dask's.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        def work():
            for future in futures_of(futures):
                call(_abi.dk_future_retry, handle_of(future))
        return self._do(work)

    def replicate(self, futures, n=None, workers=None, branching_factor=2, **kwargs):
        """Has results copied to further workers, and copies beyond `n` dropped.

        Follows :meth:`dask.distributed.Client.replicate`.

        Parameters
        ----------
        futures : Future or list of Future
            Or what has futures inside: persisted dataframes, lists, dicts.
        n : int, optional
            How many workers are to have each; default: all.
        workers : list of str, optional
            Among which; default: all.
        branching_factor : int
            How many copies are made of one at once.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        None
            When they are there. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        ValueError
            None would be left.
        """
        def work():
            self._ask("replicate", keys=self._kept_keys(futures), n=n, workers=listed(workers),
                      branching_factor=branching_factor)
        return self._do(work)

    def rebalance(self, futures=None, workers=None, **kwargs):
        """Moves results from workers that have much memory in use to those that have little.

        Follows :meth:`dask.distributed.Client.rebalance`.

        Parameters
        ----------
        futures : Future or list of Future, optional
            Or what has futures inside; default: all results.
        workers : list of str, optional
            Among which; default: all.
        **kwargs
            Accepted as Dask's.

        Returns
        -------
        None
            When they are there. Or a coroutine, if the client is asynchronous.

        Raises
        ------
        KeyError
            Results were lost meanwhile.
        """
        def work():
            keys = {} if futures is None else {"keys": self._kept_keys(futures)}
            answer = self._ask("rebalance", workers=listed(workers), **keys)
            if answer["status"] == "partial-fail":
                raise KeyError(f"Could not rebalance keys: {list(map(key_of, answer['keys']))}")
        return self._do(work)

    def _kept_keys(self, futures):
        """The keys of what is there, or will soon be."""
        found = futures_of(futures)
        wait_for(found)
        return [future.key for future in found]


def _filled(thing, results):
    if isinstance(thing, Future):
        return results.get(thing)
    if type(thing) in (list, tuple, set, frozenset):
        return type(thing)(_filled(one, results) for one in thing)
    if type(thing) is dict:
        return {key: _filled(one, results) for key, one in thing.items()}
    return thing
