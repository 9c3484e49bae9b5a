# Each target sets up what it needs. PYTHON names the interpreter to build .venv with (3.11 or newer).

PYTHON ?= python3
BIN := .venv/bin
DEMO := demo

.PHONY: help setup demo test check unit bench docs env-simd gpu-check clean

help:
	@echo "make setup      .venv with the versions of constraints.txt"
	@echo "make demo       three loaders, one step, one table: about 5 minutes"
	@echo "make check      lint, types and import rules"
	@echo "make test       check, then every test"
	@echo "make bench      the pytest-benchmark suites"
	@echo "make docs       the pages made from the code, and the site in docs/_build"
	@echo "make env-simd   .venvs/simd: the same libraries with Pillow-SIMD in Pillow's place"
	@echo "make gpu-check  the conformance suite and a short demo on a GPU"
	@echo "make clean      remove .venv, the demo's data and caches"

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than 3.11; name another one: make setup PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	touch $@

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup
	$(BIN)/python -m pytest

test: check unit

demo: setup
	test -e $(DEMO)/folder/dataset.json || $(BIN)/pipebench data synth $(DEMO)/folder --samples 2000 --seed 0
	test -e $(DEMO)/wds/dataset.json || \
		$(BIN)/pipebench data shard $(DEMO)/folder $(DEMO)/wds --format wds --shard-samples 128
	$(BIN)/pipebench run --data $(DEMO)/folder --data $(DEMO)/wds --step null --step emulate:1398 --trials 3

bench: setup
	$(BIN)/python -m pytest bench

docs: setup
	$(BIN)/python docs/generate.py
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -b html docs docs/_build
	@echo "docs/_build/index.html"

env-simd: .venvs/simd/ready

# Shares everything with .venv but Pillow, which Pillow-SIMD replaces: its folder comes first on the path.
.venvs/simd/ready: .venv/ready
	@printf '#include <stdio.h>\n#include <jpeglib.h>\n#include <zlib.h>\n' | cc -E - >/dev/null || \
		{ echo "Pillow-SIMD is compiled here: apt-get install gcc libjpeg-dev zlib1g-dev" >&2; exit 1; }
	$(PYTHON) -m venv .venvs/simd
	CC="cc $$(grep -qm1 avx2 /proc/cpuinfo && echo -mavx2)" .venvs/simd/bin/python -m pip install --quiet \
		--no-binary pillow-simd --constraint constraints.txt pillow-simd
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir(%r)" % sysconfig.get_path("purelib"))' \
		> "$$(.venvs/simd/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/base.pth"
	touch $@

gpu-check: setup
	$(BIN)/python -c 'import torch; assert torch.cuda.is_available(), "no CUDA device here"'
	PIPEBENCH_TEST_DEVICE=cuda $(BIN)/python -m pytest tests/test_loader_conformance.py
	test -e $(DEMO)/folder/dataset.json || $(BIN)/pipebench data synth $(DEMO)/folder --samples 2000 --seed 0
	test -e $(DEMO)/wds/dataset.json || \
		$(BIN)/pipebench data shard $(DEMO)/folder $(DEMO)/wds --format wds --shard-samples 128
	$(BIN)/pipebench run --data $(DEMO)/folder --data $(DEMO)/wds --device cuda --trials 2 \
		--step null --step model:resnet50

clean:
	rm -rf .venv .venvs $(DEMO) build dist docs/_build *.egg-info .pytest_cache .mypy_cache .ruff_cache
