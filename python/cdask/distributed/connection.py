"""A client's connection to its scheduler: opened, asked, listened to and closed.

Source: distributed.client.Client.
"""
import asyncio
import contextlib
import ctypes
import json
import logging
import os
import threading

from .. import _abi, _context, _tasks, _values
from .._errors import call
from .._waiting import waited
from .answers import raised_in
from .futures import direct_of, done_soon
from .handles import ClientHandle
from .opened import by_handle, end_with_interpreter, lock, open_clients

log = logging.getLogger("distributed.client")


class Security:
    """Certificates for addresses that begin with tls://.

    Parameters
    ----------
    tls_ca_file : str
        Of the authority that is trusted.
    tls_client_cert : str
        This client's certificate.
    tls_client_key : str, optional
        The key of that; default: it is in the same file.
    require_encryption : bool
        Whether an address without TLS is an error.
    **kwargs
        Dask's files of schedulers and of workers, which are not this client's.

    Raises
    ------
    TypeError
        For other fields.
    """

    _OF_OTHERS = {f"tls_{role}_{file}" for role in ("scheduler", "worker") for file in ("cert", "key")}

    def __init__(self, tls_ca_file=None, tls_client_cert=None, tls_client_key=None, require_encryption=False, **kwargs):
        for name in kwargs:
            if name not in self._OF_OTHERS:
                raise TypeError(f"Security got an unexpected keyword argument {name!r}")
        self.tls_ca_file, self.tls_client_cert, self.tls_client_key = tls_ca_file, tls_client_cert, tls_client_key
        self.require_encryption = require_encryption

    def _files_for(self, address):
        """The fields of dk_client_options."""
        if address.startswith("tls://"):
            return {"tls_ca_file": self.tls_ca_file, "tls_cert": self.tls_client_cert, "tls_key": self.tls_client_key}
        if self.require_encryption:
            raise RuntimeError(f"encryption required by Dask configuration, refusing communication from/to {address!r}")
        return {}


class Connection:
    """What a client is apart from what it does."""

    # Opening and closing

    def _start(self):
        if self._handle:
            return
        if self._address is None and self.cluster is None:
            from .deploy import LocalCluster
            self.cluster, self._own_cluster = LocalCluster(security=self._security, **self._cluster_options), True
            self._address = self.cluster.scheduler_address
        try:
            self._handle = self._connect()
        except BaseException:
            self._end_cluster()
            raise
        with lock:
            open_clients.append(self)
        end_with_interpreter()

    def _connect(self):
        _tasks.begin()
        security = Security(**self._security) if isinstance(self._security, dict) else self._security
        options = _abi.dk_client_options(address=self._address.encode(), timeout_s=self._timeout,
                                         no_default=not self._is_default, direct_to_workers=direct_of(self._direct))
        if security is not None:
            for field, path in security._files_for(self._address).items():
                setattr(options, field, path and os.fsencode(path))
        handle = _abi.client_p()
        call(_abi.dk_client_open, _context.current(), ctypes.byref(options), ctypes.byref(handle))
        handle = ClientHandle(handle)
        by_handle[handle.address] = self
        return handle

    def _open(self):
        handle = self._handle
        if not handle:
            raise ValueError("the client is closed" if self._address else "the client was not started: await it")
        return handle

    def close(self, timeout=None):
        """Ends the connection, and the cluster if the client has started it. A second call does nothing.

        Parameters
        ----------
        timeout : number or str, optional
            Accepted as Dask's.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        return self._do(self._close)

    def _close(self):
        with lock:
            handle, self._handle = self._handle, None
            if self in open_clients:
                open_clients.remove(self)
        if handle and _context.is_open():
            for future in list(self._futures):
                future.release()
            self._end_watch(handle)
            _abi.dk_client_disconnect(handle)
        self._callbacks.close()
        self._end_cluster()

    def _end_cluster(self):
        if self._own_cluster:
            self.cluster.close()

    def shutdown(self):
        """Ends the scheduler and its workers, and the connection.

        Returns
        -------
        None
            Or a coroutine, if the client is asynchronous.
        """
        def end():
            if self.cluster is None:
                with contextlib.suppress(OSError):
                    self._ask("terminate", _limit=10)
            self._close()
            if self.cluster is not None:
                self.cluster.close()
        return self._do(end)

    def __enter__(self):
        if self.asynchronous:
            raise TypeError("Use 'async with' for asynchronous clients")
        return self

    def __exit__(self, *problem):
        self.close()

    def __await__(self):
        return self._started().__await__()

    async def _started(self):
        await asyncio.to_thread(self._start)
        return self

    async def __aenter__(self):
        return await self._started()

    async def __aexit__(self, *problem):
        await asyncio.to_thread(self._close)

    def __del__(self):
        if getattr(self, "_handle", None):
            self._close()

    # Waiting

    def _do(self, work, future=None):
        """What work() gives; of an asynchronous client a coroutine of that, begun when `future` is done."""
        if not self.asynchronous:
            return work()

        async def soon():
            if future is not None and future._handle:
                await done_soon(future)
            return await asyncio.to_thread(work)
        return soon()

    def _watch(self, future):
        """Has future._tell_done() called."""
        handle, client = future._handle, self._handle
        if not handle or not client:
            future._tell_done()
            return
        token = next(self._tokens)
        with self._lock:
            self._watched[token] = future
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._hear, args=(client,), daemon=True,
                                                 name="cdask-client")
                self._watcher.start()
        _abi.dk_future_watch(handle, token)

    def _hear(self, client):
        """Calls the callbacks of futures as they come to be done, until the client is closed."""
        token, error = ctypes.c_int64(), _abi.dk_error()
        while _abi.dk_client_next_done(client, None, ctypes.byref(token), ctypes.byref(error)) == _abi.DK_OK:
            self._tell(token.value)
        with self._lock:
            left, self._watched, self._watcher = list(self._watched.values()), {}, None
        for future in left:
            future._tell_done()

    def _tell(self, token):
        with self._lock:
            future = self._watched.pop(token, None)
        if future is not None:
            future._tell_done()

    def _end_watch(self, handle):
        watcher = self._watcher
        _abi.dk_client_end_watch(handle)
        if watcher is not None and watcher is not threading.current_thread():
            watcher.join()

    def _call_later(self, fn, future):
        self._callbacks.submit(fn, future)

    # Questions

    def _ask(self, op, _limit=None, **fields):
        """The scheduler's answer, within so many seconds."""
        answer = _abi.dk_value()
        message = _values.plain({"op": op, **fields})
        try:
            waited(lambda options, error: _abi.dk_client_ask(
                self._open(), message, options, ctypes.byref(answer), error), _limit)
        except RuntimeError as problem:
            told = _values.taken([answer])[0]
            raise (raised_in(told) if told else problem) from None
        finally:
            _values.drop([message])
        return _values.taken([answer])[0]

    def _say(self, op, **fields):
        message = _values.plain({"op": op, **fields})
        try:
            call(_abi.dk_client_say, self._open(), message)
        finally:
            _values.drop([message])

    @property
    def id(self):
        """Its name among the scheduler's clients.

        Returns
        -------
        str
        """
        return _abi.dk_client_id(self._open()).decode()

    @property
    def address(self):
        """The scheduler's address.

        Returns
        -------
        str
        """
        return _abi.dk_client_address(self._open()).decode()

    scheduler_address = address

    @property
    def status(self):
        """Whether it is open, and its scheduler there.

        Returns
        -------
        {"running", "closed"}
        """
        handle = self._handle
        return "running" if handle and _abi.dk_client_is_connected(handle) else "closed"

    @property
    def dashboard_link(self):
        """Where the scheduler's page is.

        Returns
        -------
        str or None
            None: it has none.
        """
        info = self._identity()
        port = (info.get("services") or {}).get("dashboard")
        if not port:
            return None
        host = self.address.split("://")[-1].rsplit(":", 1)[0]
        return f"http://{host}:{port}/status"

    def write_scheduler_file(self, scheduler_file):
        """Writes down where the scheduler is, for the `scheduler_file` of other clients and of workers.

        Follows :meth:`dask.distributed.Client.write_scheduler_file`.

        Parameters
        ----------
        scheduler_file : str
            A path.

        Returns
        -------
        None

        Raises
        ------
        ValueError
            The client is closed.
        """
        self._open()
        with open(scheduler_file, "w") as file:
            json.dump(self._identity(), file, indent=2)
