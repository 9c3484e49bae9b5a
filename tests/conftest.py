"""Datasets that many tests share: the same samples in two formats, made once a session.

`tiny_folder` and `tiny_wds` hold 96 synthetic photographs of 50 kB on average in 3 classes, some of
them greyscale or progressive; `tiny_wds` has 6 shards of 16. Tests must not write to them.
"""

import pytest

from pipebench.dataset import Dataset
from pipebench.datasets_prep.shard import Sharding, shard_dataset
from pipebench.datasets_prep.synth import Synthesis, synthesise


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    synthesis = Synthesis(samples=96, seed=7, classes=3, mean_bytes=50_000)
    made: Dataset = synthesise(tmp_path_factory.mktemp("tiny_folder"), synthesis)
    return made


@pytest.fixture(scope="session")
def tiny_wds(tiny_folder: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    sharding = Sharding(format="wds", shard_samples=16)
    made: Dataset = shard_dataset(tiny_folder, tmp_path_factory.mktemp("tiny_wds"), sharding)
    return made
