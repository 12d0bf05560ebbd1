"""What is read: the demonstration's files, and more of the same."""
import subprocess
from pathlib import Path

from contenders import PROGRAMS, ROOT

DATA = ROOT / "build" / "bench-data"


def make_data():
    subprocess.run([PROGRAMS / "cdask", "demo-data", "--directory", DATA, "--quiet"], check=True)
    return DATA / "stocks" / "GOOG"


def multiply_data(folder, times):
    """A folder in which each file of `folder` is linked `times` times: more rows, no more disk."""
    if times == 1:
        return folder
    target = folder.parent / f"{folder.name}-x{times}"
    target.mkdir(exist_ok=True)
    for file in folder.glob("*.csv"):
        for copy in range(times):
            link = target / f"{file.stem}-{copy:02}.csv"
            if not link.is_symlink():
                link.symlink_to(Path("..") / folder.name / file.name)
    return target
