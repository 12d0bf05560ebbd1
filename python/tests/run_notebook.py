"""Runs the code cells of a notebook in IPython, in order: run_notebook.py NOTEBOOK RESULTS.

Pickles into the file RESULTS, for each cell, its source, whether it succeeded, what it printed, and
what the variable `_` was after it.
"""
import json
import pickle
import sys

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output


def sources(path):
    """The code cells of a notebook's file."""
    with open(path) as file:
        cells = json.load(file)["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def results(path):
    shell = InteractiveShell.instance()
    for source in sources(path):
        with capture_output() as printed:
            done = shell.run_cell(source)
        yield source, done.success, printed.stdout + printed.stderr, shell.user_ns.get("_")


if __name__ == "__main__":
    notebook, target = sys.argv[1:]
    content = pickle.dumps(list(results(notebook)))
    with open(target, "wb") as file:
        file.write(content)
