"""Which rank of a distributed training this process is."""

import os
import sys

DISTRIBUTED = "torch.distributed"
LAUNCHERS = ("RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID", "LOCAL_RANK")
"""Environment variables by which they tell it."""
_noted: list[int] = []
"""Once the process group is there: it may be gone when the process ends."""


def note() -> None:
    """Asks the process group, if there is one by now."""
    distributed = sys.modules.get(DISTRIBUTED)
    if not _noted and distributed and distributed.is_available() and distributed.is_initialized():
        _noted.append(distributed.get_rank())


def rank() -> int | None:
    """As the process group knew it, or the launcher tells it; None where there is neither."""
    if _noted:
        return _noted[0]
    text = next((os.environ[name] for name in LAUNCHERS if os.environ.get(name)), "")
    return int(text) if text.isascii() and text.isdigit() else None


def forget() -> None:
    """In a process that was forked."""
    _noted.clear()
