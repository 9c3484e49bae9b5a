"""Where results are kept: `.pipebench/0001_<commit>_<time>.jsonl` below the working folder."""

import subprocess
from datetime import UTC, datetime
from pathlib import Path

from pipebench.errors import BadInput

FOLDER = Path(".pipebench")


def new_file(folder: Path = FOLDER) -> Path:
    """A path that no results file has yet; the folder is made, the file is not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"results cannot be kept in {folder}: {error.strerror}; name a file with --out"
        ) from None
    number = 1 + max((_number(path) for path in saved(folder)), default=0)
    now = datetime.now(UTC).strftime("%Y%m%d_%H%M%S")
    return folder / f"{number:04d}_{_commit()}_{now}.jsonl"


def saved(folder: Path = FOLDER) -> list[Path]:
    """The results files, oldest first."""
    return sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.jsonl"))


def _number(path: Path) -> int:
    return int(path.name[:4])


def _commit() -> str:
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - the user's own git, wherever it is
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return "unversioned"
    return answer.stdout.strip() or "unversioned"
