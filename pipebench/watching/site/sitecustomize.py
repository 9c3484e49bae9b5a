"""Runs in every Python process of a watched command, before its code; then what else has this name."""

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - nothing may be imported in front of the user's own
PACKAGE = os.path.dirname(os.path.dirname(HERE))  # noqa: PTH120


def import_package() -> None:
    """pipebench, also where this interpreter doesn't have it: what is used of it needs no library."""
    try:
        import pipebench  # noqa: F401
    except ImportError:
        init = os.path.join(PACKAGE, "__init__.py")  # noqa: PTH118
        spec = spec_from_file_location("pipebench", init, submodule_search_locations=[PACKAGE])
        assert spec is not None
        assert spec.loader is not None
        sys.modules["pipebench"] = package = module_from_spec(spec)
        spec.loader.exec_module(package)


def run_the_other() -> None:
    """The environment's own sitecustomize, which this one stands in front of."""
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder or ".") != HERE]  # noqa: PTH100
    this = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # type: ignore[import-not-found] # noqa: F401
    except ImportError:
        sys.modules["sitecustomize"] = this


def note(error: Exception) -> None:
    """That this process is not watched, for the command that waits for its end."""
    folder = os.environ.get("PIPEBENCH_WATCH", "")
    if os.path.isdir(folder):  # noqa: PTH112
        with open(f"{folder}/{os.getpid()}.error", "w") as file:  # noqa: PTH123
            file.write(f"{type(error).__name__}: {error}, in Python {sys.version.split()[0]}")


try:
    import_package()
    from pipebench.watching import hook

    hook.install()
except Exception as error:
    note(error)
finally:
    run_the_other()
