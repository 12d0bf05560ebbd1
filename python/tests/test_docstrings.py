"""What is public is documented, in the form of numpydoc, parameter by parameter."""
import importlib
import inspect
import re

import pytest

MODULES = ["cdask", "cdask.config", "cdask.dataframe", "cdask.diagnostics", "cdask.distributed", "cdask.local",
           "cdask.multiprocessing", "cdask.threaded"]
SECTIONS = ["Parameters", "Returns", "Raises", "Attributes", "Notes", "Examples"]
GIVE_NOTHING = ("register", "unregister", "Profiler.clear", "refresh", "GroupBy.compute", "Plugin.setup", "Plugin.teardown")


def members(name, made):
    """Methods and properties of a class, inherited ones too, by their names."""
    for member in dir(made):
        thing = inspect.getattr_static(made, member)
        thing = getattr(thing, "__func__", thing)
        if not member.startswith("_") and (inspect.isfunction(thing) or isinstance(thing, property)):
            yield f"{name}.{member}", thing


def is_ours(thing):
    return (getattr(thing, "__module__", None) or "cdask").startswith("cdask")


def public():
    """Every public function, class, method and property: {its name: it}."""
    from cdask.dataframe._collections import Datetimes
    from cdask.delayed import Delayed
    found = {"cdask.dataframe.Series.dt": Datetimes, "cdask.delayed.Delayed": Delayed}
    for module in map(importlib.import_module, MODULES):
        names = getattr(module, "__all__", None) or [
            name for name, thing in vars(module).items()
            if name[0] != "_" and getattr(thing, "__module__", None) == module.__name__]
        found.update({f"{module.__name__}.{name}": getattr(module, name) for name in names
                      if callable(getattr(module, name)) and is_ours(getattr(module, name))})
    for name, thing in list(found.items()):
        if inspect.isclass(thing):
            found.update(members(name, thing))
    return found


PUBLIC = public()


def sections(thing):
    """A docstring's text before its first section, and its sections: {title: lines}."""
    before, *rest = re.split(r"^(\w[\w ]*)\n-+$", inspect.getdoc(thing) or "", flags=re.M)
    return before, {title: text.strip("\n").split("\n") for title, text in zip(rest[::2], rest[1::2])}


def documented(lines):
    """The names before the colons of a section."""
    heads = [line.split(" : ")[0] for line in lines if line and not line.startswith(" ")]
    return [name.strip(" *") for head in heads for name in head.split(",")]


def signature(thing):
    """The parameters' names, but for self; those of a class are its constructor's."""
    return [name for name in inspect.signature(thing).parameters if name != "self"]


def has_parameters(thing):
    """Classes that the package makes itself have no constructor to document."""
    if isinstance(thing, property):
        return False
    return not inspect.isclass(thing) or "Parameters" in sections(thing)[1] or "frame" not in signature(thing)


def test_what_is_public():
    assert {"cdask.compute", "cdask.delayed", "cdask.threaded.get", "cdask.config.set",
            "cdask.dataframe.read_csv", "cdask.dataframe.DataFrame.groupby", "cdask.delayed.Delayed.compute",
            "cdask.dataframe.Series.dt.round", "cdask.diagnostics.Profiler.results"} <= set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_summary(name):
    """A sentence to begin with, and known sections in their order."""
    before, found = sections(PUBLIC[name])
    first = before.split("\n\n")[0].strip()
    assert first.endswith(".")
    assert list(found) == [title for title in SECTIONS if title in found]


@pytest.mark.parametrize("name", [name for name, thing in PUBLIC.items() if has_parameters(thing)])
def test_parameters(name):
    """Each is described by its own name, in order, and nothing else is."""
    thing = PUBLIC[name]
    expected = signature(thing)
    _, found = sections(thing)
    assert documented(found.get("Parameters", [])) == expected


@pytest.mark.parametrize("name", [name for name, thing in PUBLIC.items() if inspect.isfunction(thing)])
def test_returns(name):
    """What a function gives is said."""
    _, found = sections(PUBLIC[name])
    assert ("Returns" in found) != name.endswith(GIVE_NOTHING)
