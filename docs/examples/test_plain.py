"""How fast the loader in `plain.py` is, as its author's own tests measure it."""

import pytest


@pytest.mark.benchmark(group="a sample")
@pytest.mark.parametrize("batch_size", [16, 64])
def test_throughput(pipebench_loader, batch_size):
    pipebench_loader("plain:Plain", batch_size=batch_size)


def test_first_batch(pipebench_loader):
    pipebench_loader("plain:Plain", measure="first_batch")


def test_two_cores_are_worth_having(pipebench_loader):
    measured = pipebench_loader("plain:Plain", settings={"draft": False}, rounds=3)
    assert measured.samples_per_second > 20
    assert measured.row.cache == ("warm",)
