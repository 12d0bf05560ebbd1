"""Where libcdask.so is: $CDASK_LIBRARY, beside the package, or built in the tree it lies in."""
import os
import sys

NAME = "libcdask.so"


def candidates():
    """The paths to look at, in order; what the environment names has no substitute."""
    given = os.environ.get("CDASK_LIBRARY")
    if given:
        return [os.path.abspath(given)]
    package = os.path.dirname(os.path.abspath(__file__))
    paths = [os.path.join(package, NAME)]
    tree, inside = os.path.dirname(os.path.dirname(package)), os.path.join("python", "cdask")
    if package == os.path.join(tree, inside) and os.path.exists(os.path.join(tree, "CMakeLists.txt")):
        paths.append(os.path.join(tree, "build", "release", "lib", NAME))
    return paths


def find():
    """The path of the library.   Errors: ImportError, listing where it was looked for."""
    if not sys.platform.startswith("linux"):
        raise ImportError(f"cdask runs on Linux, not on {sys.platform}")
    paths = candidates()
    for path in paths:
        if os.path.exists(path):
            return path
    raise ImportError(f"no {NAME}: looked for {', '.join(paths)}; "
                      "`make build` builds it, CDASK_LIBRARY names one elsewhere")
