"""The binding says what the headers say: every function, structure and constant."""
import ctypes
import re

import headers
import pytest
from pycparser import c_ast

from cdask import _abi

HEADERS = headers.Headers()
CONSTANTS = [name for names in HEADERS.enums.values() for name in names] + headers.macros()

PLAIN = {"void": None, "int": ctypes.c_int, "char": ctypes.c_char, "double": ctypes.c_double,
         "bool": ctypes.c_bool, "size_t": ctypes.c_size_t, "int32_t": ctypes.c_int32,
         "int64_t": ctypes.c_int64, "uint32_t": ctypes.c_uint32, "uint64_t": ctypes.c_uint64}
POINTERS = {None: ctypes.c_void_p, ctypes.c_char: ctypes.c_char_p}
# Text that is not terminated comes as its address.
ADDRESSES = {"dk_table_text", "dk_value_data"}


def bound(node):
    """The type that the binding must have for a declared one."""
    if isinstance(node, c_ast.PtrDecl):
        return pointer(node.type)
    if isinstance(node, c_ast.ArrayDecl):
        return bound(node.type) * int(node.dim.value)
    name = node.type.name if isinstance(node.type, c_ast.Struct) else node.type.names[-1]
    if name in PLAIN:
        return PLAIN[name]
    found = getattr(_abi, name)
    if name in HEADERS.enums:
        assert found is ctypes.c_int
    elif isinstance(found, type(ctypes.Structure)):
        assert found.__name__ == name
    else:
        assert found is bound(HEADERS.typedefs[name])
    return found


def pointer(target):
    if isinstance(target, c_ast.FuncDecl):
        return ctypes.CFUNCTYPE(bound(target.type), *arguments(target))
    pointed = bound(target)
    return POINTERS.get(pointed) or ctypes.POINTER(pointed)


def arguments(function):
    """The types of the arguments, of which an array is a pointer."""
    types = [argument.type for argument in function.args.params]
    found = [pointer(t.type) if isinstance(t, c_ast.ArrayDecl) else bound(t) for t in types]
    return [] if found == [None] else found


def record_in(member):
    """The structure or union that is written out inside of another as the type of `member`."""
    inner = getattr(member.type, "type", None)
    return inner if isinstance(inner, (c_ast.Struct, c_ast.Union)) and inner.decls else None


def records():
    """(an object of the type in C, its class, its members), nested ones after those around them."""
    found = [(f"(*({name if name in HEADERS.typedefs else f'struct {name}'} *)0)",
              getattr(_abi, name), node.decls) for name, node in HEADERS.structs.items()]
    for thing, made, members in found:
        for member in filter(record_in, members):
            inner = _abi.dk_value_as if made is _abi.dk_value else dict(made._fields_)[member.name]
            found.append((f"{thing}.{member.name}", inner, record_in(member).decls))
    return found


RECORDS = records()


def test_headers_are_read_whole():
    """The parser finds as many functions as the text has."""
    assert len(HEADERS.functions) == len(re.findall(r"^DK_API ", headers.TEXT, re.M)) > 0
    assert len(HEADERS.inlines) == len(re.findall(r"^static inline ", headers.TEXT, re.M)) > 0


@pytest.mark.parametrize("name", HEADERS.functions)
def test_function(name):
    """The result and every argument have the declared type."""
    declared, function = HEADERS.functions[name], getattr(_abi, name)
    given = function.argtypes
    if given is None:  # an instance of its type, as dk_get_sync
        given = type(function)._argtypes_
    assert list(given) == arguments(declared)
    assert function.restype is (ctypes.c_void_p if name in ADDRESSES else bound(declared.type))


@pytest.mark.parametrize("name", HEADERS.inlines)
def test_inline_function(name):
    """What C inlines is written again in Python, with as many arguments."""
    assert getattr(_abi, name).__code__.co_argcount == len(arguments(HEADERS.inlines[name]))


@pytest.mark.parametrize("name", [name for name, node in HEADERS.typedefs.items()
                                  if isinstance(node, c_ast.PtrDecl)])
def test_function_type(name):
    """A named type of functions is the declared one."""
    assert getattr(_abi, name) is bound(HEADERS.typedefs[name])


@pytest.mark.parametrize("thing, made, members", RECORDS, ids=[made.__name__ for _, made, _ in RECORDS])
def test_record(thing, made, members):
    """Names, types, offsets and sizes of the members, and the size of the whole."""
    names = [member.name for member in members]
    fields = [name for name, *_ in made._fields_]
    assert fields == ["bits" if made is _abi.dk_value and name == "as" else name for name in names]
    for member, (name, kind) in zip(members, made._fields_):
        assert record_in(member) or kind is bound(member.type), name
    described = [getattr(made, field) for field in fields]
    assert headers.compiled(
        [f"(char *)&{thing}.{name} - (char *)&{thing}" for name in names]
        + [f"sizeof({thing}.{name})" for name in names] + [f"sizeof({thing})"]
    ) == ([field.offset for field in described] + [field.size for field in described]
          + [ctypes.sizeof(made)])


def test_constants():
    """Enumerators and macros have the values that the compiler gives them."""
    assert [getattr(_abi, name) for name in CONSTANTS] == headers.compiled(CONSTANTS)


def test_nothing_else_is_bound():
    """The binding has no name of the library's that the headers do not have."""
    ours = {name for name in vars(_abi) if name.startswith(("dk_", "DK_"))}
    assert ours - {"dk_value_as"} <= {*HEADERS.functions, *HEADERS.inlines, *HEADERS.typedefs,
                                      *CONSTANTS, *re.findall(r"struct (dk_\w+) \*", headers.TEXT)}


@pytest.mark.parametrize("name", re.findall(r"Blocks: .*?\*/\nDK_API [^(]*?(\w+)\(", headers.TEXT, re.S))
def test_blocking_function_lets_others_run(name):
    """What is documented to block gives the interpreter lock away meanwhile."""
    assert not type(getattr(_abi, name))._flags_ & ctypes._FUNCFLAG_PYTHONAPI
