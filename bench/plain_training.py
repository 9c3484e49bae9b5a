"""A training script as anybody has it, which knows nothing of pipebench; its step sleeps.

python bench/plain_training.py FOLDER RATE SECONDS
"""

import os
import sys
import time
from typing import Any

from torch.utils.data import DataLoader, RandomSampler
from torchvision import datasets, transforms

FOLDER = "PLAIN_TRAINING_FOLDER"
"""Environment variable, for whoever calls `make_loader` alone."""
BATCH, WORKERS = 64, 2
ENDLESS = 10_000_000


def make_loader() -> "DataLoader[Any]":
    """One epoch that does not end."""
    usual = [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip(), transforms.PILToTensor()]
    photos = datasets.ImageFolder(os.environ[FOLDER], transforms.Compose(usual))
    endless = RandomSampler(photos, replacement=True, num_samples=ENDLESS)
    return DataLoader(photos, batch_size=BATCH, sampler=endless, num_workers=WORKERS)


def main() -> None:
    os.environ[FOLDER], rate, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    end = None
    for images, _ in make_loader():
        end = end or time.monotonic() + seconds
        time.sleep(len(images) / rate)
        if time.monotonic() > end:
            break


if __name__ == "__main__":
    main()
