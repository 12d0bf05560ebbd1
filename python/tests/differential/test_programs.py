"""Programs that hypothesis makes up, run by cdask and answered by pandas.

Every case is a program of up to a dozen lines (`steps`), whose results are compared one by one and
then all at once under a drawn scheduler: names, types, labels, order, values to the last bit. What is
meant otherwise than in pandas stands in `oracle`, and in docs/differences.md.

`make check` runs the first 500 cases, `make differential` 20,000: the same ones every time. What fails
is shown as a program of the lines that matter; nothing is shrunk, which would take minutes.
"""
import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st

from program import Program
from steps import Draw, next_step, source

CASES = 500  # a part
PARTS = int(os.environ.get("CDASK_DIFFERENTIAL_PARTS", "1"))
SCHEDULERS = ["threads"] * 5 + ["sync"] * 4 + ["processes"]
COUNTS = Counter()  # cases, steps, and those that both refused: conftest.py prints them


def run_program(data):
    program = Program()
    draw = Draw(data, program)
    try:
        program.run(source(draw))
        for _ in range(draw(st.integers(1, 12))):
            program.run(next_step(draw))
        how = {"scheduler": draw.one(SCHEDULERS), "num_workers": draw(st.integers(1, 3))}
        steps = len(program.lines)
        program.lines.append(f"cdask.compute({', '.join(program.lazy)}, **{how})")
        program.compute_all(**how)
    except Exception as problem:
        raise AssertionError(f"{program.text()}\n{type(problem).__name__}: {problem}") from problem
    COUNTS.update(cases=1, steps=steps, refused=program.refused)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(PARTS))
def test_programs(part):
    """cdask answers as pandas does."""
    run = given(st.data())(run_program)
    seed(part)(settings(max_examples=CASES, database=None, deadline=None, phases=[Phase.generate],
                        suppress_health_check=list(HealthCheck))(run))()
