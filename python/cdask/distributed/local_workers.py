"""The workers of a LocalCluster: processes that one process with the imports has forked, or threads of this one."""
import contextlib
import ctypes
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import weakref

from .. import _abi, _context
from .._errors import call

START = 60  # seconds for workers to come up
END = 10  # and to leave
_logger = logging.getLogger("distributed.nanny")


class Group:
    """Workers that were started together; nothing holds them any more."""

    def __init__(self, count, inner=()):
        self.count, self.inner = count, inner
        self.is_gone = False

    def shrink(self, count):
        """No more than that are started again."""
        self.count = min(self.count, count)
        for group in self.inner:
            group.shrink(count)

    def dismiss(self):
        for group in self.inner:
            group.dismiss()

    def end(self):
        for group in self.inner:
            group.end()


class Processes(Group):
    """Children of one process, which has done the imports for all of them."""

    def __init__(self, first, count, scheduler, cluster):
        super().__init__(count)
        self.first = first
        self.scheduler, self.words, self.lock = scheduler, cluster._words, threading.Lock()
        self.is_dismissed, self.cluster = False, weakref.ref(cluster)
        self.watch = threading.Thread(target=self._watch, daemon=True, name="cdask-workers")
        self._begin()

    def _begin(self):
        self.socket, theirs = socket.socketpair()
        # What this interpreter can import the workers can, too.
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
        command = [sys.executable, "-m", "cdask", "worker", self.scheduler, "--nworkers", str(self.count),
                   "--number-from", str(self.first), "--parent-fd", str(theirs.fileno()), *self.words]
        with theirs:
            self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True,
                                            stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": paths})

    def _watch(self):
        """Starts it again when a signal killed it: its workers have gone with it."""
        while (status := self.process.wait()) < 0:
            with self.lock:
                if self.is_dismissed:
                    return
                _logger.warning("The process %d of the workers was killed by signal %d. Restarting %d workers",
                                self.process.pid, -status, self.count)
                self.socket.close()
                self._begin()
            try:
                self._await_workers()
            except OSError as problem:  # the next would not live either
                self._give_up(problem)
                return
        if status and self.count:
            self._give_up(f"their process ended with status {status}")

    def _give_up(self, problem):
        if not self.is_dismissed and (cluster := self.cluster()):
            cluster._lose(self, problem)

    def wait_for_start(self):
        self._await_workers()
        if "--nanny" in self.words:
            self.watch.start()

    def _await_workers(self):
        """Each writes a byte when it is registered."""
        end, count = time.monotonic() + START, 0
        while count < self.count:
            self.socket.settimeout(max(end - time.monotonic(), 0.001))
            try:
                told = self.socket.recv(self.count - count)
            except TimeoutError:
                raise OSError(f"{count} of {self.count} workers started within {START} s") from None
            if not told:
                raise OSError(f"a worker did not start: its process ended with status {self.process.wait()}")
            count += len(told)

    def dismiss(self):
        with self.lock:
            self.is_dismissed = True
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)  # who waits for workers wakes up
            self.socket.close()

    def end(self):
        try:
            self.process.wait(END)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, 9)
            self.process.wait()
        if self.watch.is_alive() and self.watch is not threading.current_thread():
            self.watch.join(END)


class Threads(Group):
    """In threads of this process, each with a loop and threads for its tasks."""

    def __init__(self, first, count, scheduler, cluster):
        super().__init__(count)
        self.first = first
        self.registered, self.problems = threading.Semaphore(0), []
        self.pipes = [os.pipe() for _ in range(count)]
        self.threads = [threading.Thread(target=self._live, args=(i, scheduler, cluster), daemon=True,
                                         name=f"cdask-worker-{i}") for i in range(count)]
        for thread in self.threads:
            thread.start()

    def _live(self, number, scheduler, cluster):
        def log(_, level, name, text):
            if b"Registered to" in text:
                self.registered.release()
        told = dict(_abi.dk_worker_options._fields_)["log"](log)
        limit = cluster._limit
        options = _abi.dk_worker_options(
            address=scheduler.encode(), name=str(self.first + number).encode(), nthreads=cluster.threads_per_worker, stop_fd=self.pipes[number][0], log=told,
            memory_limit=-1 if limit == 0 else limit if isinstance(limit, int) else 0)
        try:
            call(_abi.dk_worker_run, _context.current(), ctypes.byref(options))
        except BaseException as problem:
            self.problems.append(problem)
            self.registered.release()

    def wait_for_start(self):
        for _ in self.threads:
            if not self.registered.acquire(timeout=START):
                raise OSError(f"a worker did not start within {START} s")
        if self.problems:
            raise self.problems[0]

    def dismiss(self):
        for _, writer in self.pipes:
            with contextlib.suppress(OSError):
                os.write(writer, b"x")

    def end(self):
        for thread in self.threads:
            thread.join(END)
        for thread, ends in zip(self.threads, self.pipes):
            if not thread.is_alive():
                os.close(ends[0])
                os.close(ends[1])
