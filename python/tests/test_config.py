"""cdask.config keeps values as dask.config does."""
import os
import subprocess
import sys
import threading

import dask
import dask.config
import pytest

import cdask

MODULES = [dask, cdask]


@pytest.fixture(params=MODULES, ids=lambda module: module.__name__)
def config(request):
    """Each module's configuration, which is left as it was."""
    config = request.param.config
    yield config
    config.refresh()


def test_get(config):
    """A value, a default, or a KeyError; something better in hand goes before."""
    config.set({"a.b": 1, "none": None})
    assert config.get("a.b") == 1 and config.get("a") == {"b": 1}
    assert config.get("none") is None and config.get("none", 3) is None
    assert config.get("nothing", 3) == config.get("a.nothing", 3) == config.get("a.b.c", 3) == 3
    assert config.get("nothing", None) is None
    assert config.get("a.b", override_with=5) == 5 and config.get("a.b", override_with=None) == 1
    for key in ("nothing", "a.nothing", "nothing.b"):
        with pytest.raises(KeyError):
            config.get(key)


def test_names(config):
    """A hyphen and an underscore are the same; two underscores of a keyword nest."""
    config.set(x_y=1, p__q_r=2)
    config.set({"s.t-u": 3, "v": {"w_x": 4}})
    assert config.get("x-y") == config.get("x_y") == 1
    assert config.get("p.q-r") == config.get("p.q_r") == 2
    assert config.get("s.t_u") == 3 and config.get("v.w-x") == 4
    config.set({"x-y": 5})
    assert config.get("x_y") == 5 and len([key for key in config.config if key[0] == "x"]) == 1


def test_block(config):
    """A block's values are its own, nested too, also when it is left by an exception."""
    with config.set(scheduler="threads", q=1):
        with config.set({"scheduler": "sync", "aa.bb": 1}):
            assert config.get("scheduler") == "sync" and config.get("q") == 1
        assert config.get("scheduler") == "threads" and config.get("aa", "gone") == "gone"
    assert config.get("scheduler", None) is None and config.get("q", None) is None
    config.set({"aa": {"bb": 1, "cc": 2}})
    with pytest.raises(ZeroDivisionError), config.set({"aa.bb": 3, "aa.dd.ee": 4}):
        assert config.get("aa") == {"bb": 3, "cc": 2, "dd": {"ee": 4}}
        1 / 0
    assert config.get("aa") == {"bb": 1, "cc": 2}


def test_value_is_no_section(config):
    """Below a value there is nothing to set."""
    config.set({"a": 1})
    with pytest.raises(TypeError):
        config.set({"a.b": 2})
    assert config.get("a") == 1


ENVIRONMENT = {"DASK_FOO__BAR_BAZ": "123", "DASK_X": "True", "DASK_Y": "hello", "DASK_Z": "[1, 2]",
               "DASK_W": '{"a": 1}', "DASK_FOO__BAR_QUX": "1e3", "DASK_N": "None", "DASKER": "1",
               "DASK_E": "", "PATH": "/"}


def test_environment_is_read_as_dasks():
    """Names in lower case, two underscores nest, values are Python's literals or else text."""
    found = cdask.config.collect_env(ENVIRONMENT)
    want = dask.config.collect_env(ENVIRONMENT)
    assert found == want and found["foo"] == {"bar_baz": 123, "bar_qux": 1000.0}


@pytest.mark.parametrize("name", ["DASK_SCHEDULER", "CDASK_SCHEDULER"])
def test_scheduler_of_the_environment(name):
    """The environment chooses a scheduler; the configuration is chosen over it, an argument over both."""
    program = """
import threading, cdask
where = cdask.delayed(threading.get_ident)()
main = threading.get_ident()
assert where.compute() == main
with cdask.config.set(scheduler="threads"):
    assert where.compute() != main
    assert where.compute(scheduler="sync") == main
assert where.compute(scheduler="threads") != main
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True,
                   env={**os.environ, name: "sync"})


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_scheduler_of_a_block(module):
    """A block's scheduler is the one that computes."""
    where = module.delayed(threading.get_ident)()
    with module.config.set(scheduler="sync"):
        assert where.compute() == threading.get_ident()
    assert where.compute() != threading.get_ident()


def test_num_workers():
    """The number of workers comes from the argument, else from the configuration."""
    meeting = threading.Barrier(3)
    tasks = [cdask.delayed(meeting.wait)(20) for _ in range(3)]  # each waits for the two others
    with cdask.config.set(num_workers=3):
        assert sorted(cdask.compute(*tasks)[0:3]) == [0, 1, 2]
    assert sorted(cdask.compute(*tasks, num_workers=3)) == [0, 1, 2]
    ident = [cdask.delayed(threading.get_ident)() for _ in range(20)]
    assert len(set(cdask.compute(*ident, num_workers=1))) == 1
