"""What a call of the Python face costs."""
import os

from contenders import ROOT, medians, script, take_turns, with_version
from tables import at_most, print_table

MOST_US = {"import": 30_000, "df.npartitions": 10, "df['a']": 10, "series + 1": 10}


def measure_python(settings):
    os.environ["PYTHONPATH"] = str(ROOT / "python")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once, as what is installed is
    turns = take_turns([script("cdask", "pandas", "python_face", "cdask"),
                        script("Dask", "dask", "python_face", "dask")], settings.rounds)
    rows = []
    for name in dict.fromkeys(line["name"] for runs in turns.values() for lines in runs for line in lines):
        values = medians(turns, "us", name)
        own, peer = values.get("cdask"), values.get("Dask")
        rows.append([name, *(f"{value:,.1f} us" if value else "-" for value in (own, peer)),
                     f"{peer / own:.1f}" if own and peer else "-",
                     *(at_most(own, MOST_US.get(name), "us") if own else ("", ""))])
    dask = with_version(turns, "Dask") if "Dask" in turns else "Dask"
    print_table("The Python face, a call (import: beyond pandas')",
                ["what", "cdask", dask, "ratio", "target", "met"], rows)
    return {"python": turns}, True
