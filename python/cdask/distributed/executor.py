"""A cluster as an executor of the standard library's.   Source: distributed.cfexecutor."""
import concurrent.futures
import time
import weakref

from .._waiting import seconds
from .futures import wait as wait_for

_OPTIONS = {"pure", "workers", "resources", "allow_other_workers", "retries"}


class ClientExecutor(concurrent.futures.Executor):
    """Runs calls on the cluster of a client, see :meth:`Client.get_executor`.

    Parameters
    ----------
    client : Client
    **kwargs
        `pure`, `workers`, `resources`, `allow_other_workers` and `retries` of :meth:`Client.submit`, for all calls.

    Raises
    ------
    TypeError
        For other options.
    """

    def __init__(self, client, **kwargs):
        if unknown := set(kwargs) - _OPTIONS:
            raise TypeError(f"unsupported arguments to ClientExecutor: {sorted(unknown)}")
        self._client, self._options = client, kwargs
        self._futures, self._is_shut = weakref.WeakSet(), False

    def submit(self, fn, /, *args, **kwargs):
        """Has a function called.

        Parameters
        ----------
        fn : callable
        *args
            Its arguments.
        **kwargs
            Further ones.

        Returns
        -------
        concurrent.futures.Future

        Raises
        ------
        RuntimeError
            After :meth:`shutdown`.
        """
        self._check()
        future = self._client.submit(fn, *args, **{**self._options, **kwargs})
        self._futures.add(future)
        return _standard(future)

    def map(self, fn, *iterables, timeout=None, chunksize=1):
        """The results of calls with what each of the iterables has in turn, in that order.

        Parameters
        ----------
        fn : callable
        *iterables : iterable
        timeout : number or str, optional
            Seconds until the last result has to be there.
        chunksize : int
            Accepted as the standard library's.

        Returns
        -------
        iterator

        Raises
        ------
        RuntimeError
            After :meth:`shutdown`.
        """
        self._check()
        end = None if timeout is None else time.monotonic() + seconds(timeout)
        futures = self._client.map(fn, *iterables, **self._options)
        self._futures.update(futures)
        return self._results(futures, end)

    def _results(self, futures, end):
        futures.reverse()
        try:
            while futures:
                left = None if end is None else max(end - time.monotonic(), 0)
                yield futures.pop().result(left)
        finally:
            self._client.cancel(futures)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Takes no more calls.

        Parameters
        ----------
        wait : bool
            Whether to wait for those that were taken; else they are cancelled.
        cancel_futures : bool
            Whether they are cancelled in any case.

        Returns
        -------
        None
        """
        is_first, self._is_shut = not self._is_shut, True
        futures = [future for future in self._futures if not future.done()] if is_first else []
        if cancel_futures or not wait:
            self._client.cancel(futures)
        elif futures:
            wait_for(futures)

    def _check(self):
        if self._is_shut:
            raise RuntimeError("cannot schedule new futures after shutdown")


def _standard(future):
    """One of the standard library's, which ends as `future` does, and takes that along when it is cancelled."""
    made = concurrent.futures.Future()

    def tell(future):
        if not made.set_running_or_notify_cancel():
            return
        try:
            made.set_result(future.result())
        except BaseException as problem:
            made.set_exception(problem)

    def cancel(made):
        if made.cancelled() and not future.cancelled():
            future.cancel()

    made.add_done_callback(cancel)
    future.add_done_callback(tell)
    return made
