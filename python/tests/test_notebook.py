"""The notebook, up to persisted data, runs cell by cell in IPython, and finds what Dask finds."""
import collections
import pickle
import re
import subprocess
import sys

import dask.dataframe
import pandas as pd
import pytest

import cdask
import cdask.dataframe
import run_notebook
from cdask.diagnostics import Profiler
from compare import assert_same
from tree import BUILD, ROOT

NOTEBOOK = ROOT / "examples/schedulers_and_efficiency.ipynb"
SOURCES = run_notebook.sources(NOTEBOOK)
COMPUTING = [i for i, source in enumerate(SOURCES) if "spread.compute(" in source]
HIGHEST = [i for i, source in enumerate(SOURCES) if "df.high.max().compute()" in source]
GETS = [cdask.threaded.get, cdask.multiprocessing.get, getattr(cdask, "async").get_sync]

pytestmark = pytest.mark.filterwarnings("ignore:'d' is deprecated")  # says pandas, to the notebook

Cell = collections.namedtuple("Cell", "source succeeded printed result")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the notebook runs: beside data/, with a file for each of 52 business days."""
    folder = tmp_path_factory.mktemp("notebook")
    subprocess.run([BUILD / "bin/cdask", "demo-data", "--quiet", "--directory", folder / "data",
                    "--start", "2015-04-20", "--end", "2015-06-30", "--freq", "60s"], check=True)
    return folder


@pytest.fixture(scope="module")
def cells(folder):
    """The cells that were run."""
    others = "ignore:Port 8787 is already in use"  # somebody else on this machine has a dashboard
    subprocess.run([sys.executable, "-W", "error", "-W", others, run_notebook.__file__, NOTEBOOK, folder / "results"],
                   check=True, cwd=folder, timeout=300)
    return [Cell(*one) for one in pickle.loads((folder / "results").read_bytes())]


def spread(dd, folder):
    """High and low prices of each day, and their difference."""
    df = dd.read_csv(str(folder / "data/stocks/GOOG/*.csv"), parse_dates=["timestamp"])
    high = df.groupby(df.timestamp.dt.round("1d")).high.max()
    low = df.groupby(df.timestamp.dt.round("1d")).low.min()
    return high, low, high - low


@pytest.fixture(scope="module")
def daily(folder):
    """The three by Dask, whose groups come in no order."""
    computed = dask.compute(*spread(dask.dataframe, folder), scheduler="threads")
    return [one.sort_index() for one in computed]


def test_cells_are_the_notebooks():
    """Every call of the notebook is here, with cdask for dask and getattr for the word async."""
    assert [re.sub(r"\s*#.*", "", SOURCES[i]) for i in COMPUTING] == [
        "%time _ = spread.compute()",
        "%time _ = spread.compute(get=cdask.multiprocessing.get)",
        '%time _ = spread.compute(get=getattr(cdask, "async").get_sync)',
        "%prun _ = spread.compute(get=cdask.threaded.get)",
        "%prun _ = spread.compute(get=cdask.multiprocessing.get)",
        '%prun _ = spread.compute(get=getattr(cdask, "async").get_sync)',
        "%time _ = spread.compute(get=client.get)",
        "%time _ = spread.compute()",
        SOURCES[-2]]
    assert SOURCES[-2].startswith("%%time\n") and SOURCES[-2].endswith("_ = spread.compute()")
    assert [SOURCES[i] for i in HIGHEST] == ["%time df.high.max().compute()"] * 2
    assert "df = df.persist()" in SOURCES[HIGHEST[0] + 1] and SOURCES[8].endswith("client = Client()")
    assert "import cdask.dataframe as dd" in SOURCES[0] and SOURCES[1].startswith("%%time\ndf = dd.")


def test_every_cell_succeeds(cells):
    """No cell raises, and only %time and %prun print."""
    assert [cell.source for cell in cells] == SOURCES
    for cell in cells:
        assert cell.succeeded, cell.printed
        assert bool(cell.printed) == cell.source.startswith("%"), cell.printed


@pytest.mark.parametrize("i", COMPUTING)
def test_results_are_dasks(cells, daily, i):
    """Each way to compute gives Dask's values, labels, names and types."""
    assert_same(cells[i].result, daily[2])


@pytest.mark.parametrize("i", HIGHEST)
def test_highest(cells, folder, i):
    """The same before and after the data is kept on the cluster."""
    highest = dask.dataframe.read_csv(str(folder / "data/stocks/GOOG/*.csv")).high.max().compute()
    assert f"({float(highest)!r})" in cells[i].printed


def test_groups(cells):
    """52 days of data are 63 groups: what is after noon counts for the next day, 10 Saturdays too."""
    found = cells[COMPUTING[0]].result
    assert len(found) == 63 and (found.index.day_name() == "Saturday").sum() == 10
    assert found.name is None and found.index.name == "timestamp" and found.dtype == "float64"


@pytest.mark.parametrize("i", COMPUTING)
def test_magics_print_their_tables(cells, i):
    """%time prints both times, %prun a line for each function, ours among them."""
    if "%time" in cells[i].source:
        assert re.fullmatch(r"CPU times: .* total: .*\nWall time: .*\n", cells[i].printed)
    else:
        table = re.split(r" +ncalls +tottime +percall +cumtime .*\n", cells[i].printed)[1]
        assert "_compute.py" in table and table.count("\n") > 10


def test_lazy(folder):
    """Nothing is computed before compute(); the text shows columns, types and partitions."""
    with Profiler() as profiler:
        lazy = spread(cdask.dataframe, folder)
        df = cdask.dataframe.read_csv(str(folder / "data/stocks/GOOG/*.csv"), parse_dates=["timestamp"])
        assert df.npartitions == 52 and not df.known_divisions
        assert list(df.columns) == ["timestamp", "close", "high", "low", "open"]
        assert "npartitions=52" in repr(df) and "datetime64[ns]" in df._repr_html_()
        assert all(one.dtype == "float64" for one in lazy)
    assert profiler.results == []


@pytest.mark.parametrize("get", GETS, ids=lambda get: get.scheduler_name)
def test_shared_work_is_done_once(folder, daily, get):
    """Computed together the three read each file once, and are what Dask's are."""
    with Profiler() as profiler:
        computed = cdask.compute(*spread(cdask.dataframe, folder), get=get)
    for got, want in zip(computed, daily):
        assert_same(got, want)
    functions = collections.Counter(task.function for task in profiler.results)
    assert functions["frame.pass"] == 52 + 1  # a file each, and the difference


def test_pandas_agrees(folder, daily):
    """Beside Dask, pandas on all rows at once."""
    files = sorted((folder / "data/stocks/GOOG").iterdir())
    df = pd.concat(pd.read_csv(path, parse_dates=["timestamp"]) for path in files)
    groups = df.groupby(df.timestamp.dt.round("1D"))
    assert_same(groups.high.max() - groups.low.min(), daily[2])
