"""include/cdask/*.h as data: its functions, structures and constants.

The preprocessor and pycparser read the declarations; a small program, compiled against the real
headers, says what the compiler makes of sizes, offsets and values.
"""
import os
import pathlib
import re
import subprocess
import tempfile

from pycparser import c_ast, c_parser

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
COMPILER = os.environ.get("CC", "cc")
TEXT = "\n".join(path.read_text() for path in sorted(INCLUDE.glob("cdask/*.h")))

# The system's headers, as far as ours use them; what they really say is beyond pycparser.
SYSTEM = {
    "stdbool.h": "typedef _Bool bool;",
    "stddef.h": "typedef unsigned long size_t;",
    "stdint.h": "\n".join(f"typedef {kind} {name};" for name, kind in {
        "uint8_t": "unsigned char", "int32_t": "int", "uint32_t": "unsigned int",
        "int64_t": "long", "uint64_t": "unsigned long"}.items()),
}


def preprocessed():
    with tempfile.TemporaryDirectory() as folder:
        for name, text in SYSTEM.items():
            guard = name.replace(".", "_")
            pathlib.Path(folder, name).write_text(f"#ifndef {guard}\n#define {guard}\n{text}\n#endif\n")
        # Not being GNU C leaves the attributes out.
        return subprocess.run([COMPILER, "-E", "-P", "-U__GNUC__", "-nostdinc", f"-I{folder}",
                               f"-I{INCLUDE}", INCLUDE / "cdask/cdask.h"],
                              check=True, text=True, stdout=subprocess.PIPE).stdout


class Headers(c_ast.NodeVisitor):
    """functions, inlines, structs, enums and typedefs: {name: its syntax tree}."""

    def __init__(self):
        self.functions, self.inlines, self.structs, self.enums, self.typedefs = {}, {}, {}, {}, {}
        self.visit(c_parser.CParser().parse(preprocessed()))

    def visit_Typedef(self, node):
        self.typedefs[node.name] = node.type
        self.generic_visit(node)

    def visit_Struct(self, node):
        if node.decls and node.name:  # an anonymous one belongs to the one it stands in
            self.structs[node.name] = node

    def visit_Enum(self, node):
        if node.values:
            self.enums[node.name] = [enumerator.name for enumerator in node.values.enumerators]

    def visit_FuncDef(self, node):
        self.inlines[node.decl.name] = node.decl.type

    def visit_Decl(self, node):
        if isinstance(node.type, c_ast.FuncDecl):
            self.functions[node.name] = node.type
        else:
            self.generic_visit(node)


def macros():
    """Names of the constants that are macros: those with a number behind them."""
    return re.findall(r"^#define (\w+) +(?:\d+|INT64_MIN)$", TEXT, re.M)


def compiled(expressions):
    """The values of integer expressions over the headers."""
    lines = "".join(f'    printf("%lld\\n", (long long)({text}));\n' for text in expressions)
    program = f"#include <cdask/cdask.h>\n#include <stdio.h>\nint main(void)\n{{\n{lines}}}\n"
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "values.c")
        source.write_text(program)
        subprocess.run([COMPILER, "-std=c11", f"-I{INCLUDE}", source, "-o", source.with_suffix("")],
                       check=True)
        printed = subprocess.run([source.with_suffix("")], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout
    return list(map(int, printed.split()))
