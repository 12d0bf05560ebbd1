"""dk_client of <cdask/distributed.h>, as far as tests of native clusters need it."""
import ctypes
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / (os.environ.get("CDASK_BUILD") or "build/release")
sys.path.insert(0, str(ROOT / "python"))
os.environ.setdefault("CDASK_LIBRARY", str(BUILD / "lib" / "libcdask.so"))

from cdask import _abi as abi  # noqa: E402


class Failure(Exception):
    def __init__(self, status, error):
        self.status, self.key = status, error.key.decode()
        super().__init__(error.message.decode())


def check(status, error):
    if status != abi.DK_OK:
        raise Failure(status, error)


class Client:
    """Numbers and texts in, numbers out."""

    def __init__(self, address, timeout_s=30):
        self.dk, self.client, error = abi.dk_open(None), abi.client_p(), abi.dk_error()
        self.options = abi.dk_client_options(address=address.encode(), timeout_s=timeout_s)
        check(abi.dk_client_open(self.dk, self.options, self.client, error), error)
        self.futures = []

    def value(self, thing, futures):
        if isinstance(thing, int):
            return abi.dk_value_int(thing)
        if isinstance(thing, str):
            value, text = abi.dk_value(), thing.encode()
            check(abi.dk_value_text(self.dk, text, len(text), value), abi.dk_error())
            return value
        futures.append(thing)
        return abi.dk_value(abi.DK_KIND_TASK, len(futures) - 1)

    def submit(self, function, *things):
        futures, future, error = [], abi.future_p(), abi.dk_error()
        values = [self.value(thing, futures) for thing in things]
        check(abi.dk_client_submit(self.client, function.encode(), (abi.dk_value * len(values))(*values), len(values),
                                   (abi.future_p * len(futures))(*futures), len(futures), None, future, error), error)
        for value in values:
            abi.dk_value_unref(value)
        self.futures.append(future)
        return future

    def gather(self, futures):
        results, error = (abi.dk_value * len(futures))(), abi.dk_error()
        check(abi.dk_client_gather(self.client, (abi.future_p * len(futures))(*futures), len(futures), results, error),
              error)
        return [ctypes.c_int64(result.bits).value for result in results]

    def gather_bytes(self, futures, direct=abi.DK_DIRECT_AUTO):
        """Results that are bytes, from the workers themselves or not."""
        results, error, nbytes = (abi.dk_value * len(futures))(), abi.dk_error(), ctypes.c_size_t()
        check(abi.dk_client_gather_with(self.client, (abi.future_p * len(futures))(*futures), len(futures), direct, None,
                                        results, error), error)
        things = [ctypes.string_at(abi.dk_value_data(result, nbytes), nbytes.value) for result in results]
        for result in results:
            abi.dk_value_unref(result)
        return things

    def wait(self, future, seconds=-1):
        error = abi.dk_error()
        check(abi.dk_future_wait(future, seconds, error), error)

    def restart(self, seconds=30):
        error = abi.dk_error()
        check(abi.dk_client_restart(self.client, seconds, True, None, error), error)

    def close(self):
        for future in self.futures:
            abi.dk_future_free(future)
        abi.dk_client_close(self.client)
        abi.dk_close(self.dk)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def key(future):
    return abi.dk_future_key(future).decode()
