"""Calls through the binding arrive, and so does what comes back."""
import ctypes

import pytest

from cdask import _abi


@pytest.fixture
def dk():
    context = _abi.dk_open(None)
    assert context
    yield context
    _abi.dk_close(context)


@pytest.mark.parametrize("member, made, given", [
    ("boolean", _abi.dk_value_bool, True), ("integer", _abi.dk_value_int, -3),
    ("real", _abi.dk_value_float, -0.5)])
def test_value_by_value(member, made, given):
    """The bits that stand for the union pass through C by value as the union does."""
    value = _abi.dk_value_ref(made(given))
    assert getattr(value.as_, member) == given


@pytest.mark.parametrize("get", [_abi.dk_get_sync, _abi.dk_get_threads])
def test_python_function_as_task(dk, get):
    """A Python function is called back by the scheduler, with its arguments, from any thread."""
    @_abi.dk_function
    def double(task, args, nargs, result, err):
        result[0] = _abi.dk_value_int(2 * args[0].as_.integer)
        return _abi.DK_OK

    assert _abi.dk_register(dk, b"double", double, None, None) == _abi.DK_OK
    frames = (_abi.dk_frame * 8)(*(
        _abi.dk_delayed(dk, b"double", _abi.dk_value_int(i), 1) for i in range(8)))
    options, results = _abi.dk_compute_options(get=get), (_abi.dk_value * 8)()
    assert _abi.dk_compute_values(frames, 8, options, results) == _abi.DK_OK
    assert [value.as_.integer for value in results] == [2 * i for i in range(8)]


def test_error_is_filled(dk):
    """An error that the caller owns, and one that a frame carries."""
    err, out = _abi.dk_error(), _abi.dk_get()
    assert _abi.dk_find_scheduler(b"nobody", out, err) == err.status == _abi.DK_EINVAL
    assert b"nobody" in err.message
    carried = _abi.dk_frame_error(_abi.dk_read_csv(dk, b"/nowhere.csv", None)).contents
    assert carried.status == _abi.DK_ENOFILE


def test_text_results(dk):
    """A string of the library's is read and then freed through the same pointer."""
    text = ctypes.c_char_p()
    profile = _abi.profile_p()
    assert _abi.dk_profile_new(dk, profile) == _abi.DK_OK
    assert _abi.dk_profile_text(profile, text) == _abi.DK_OK
    assert text.value.decode()
    _abi.dk_text_free(text)
    _abi.dk_profile_free(profile)
