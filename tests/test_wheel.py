"""The built wheel in a clean environment, from another folder: the core, without torch."""

import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)], folder)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment that holds the wheel and what it needs, and nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    run([sys.executable, "-m", "venv", str(folder)], folder)
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    run([str(folder / "bin/python"), "-m", "pip", "install", "--quiet", *constraints, str(wheel)], folder)
    return folder / "bin"


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_holds_the_three_packages_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "pipebench/loaders/dali.py" in names
    assert "pipebench/datasets_prep/synth.py" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"pipebench"}


def test_it_holds_a_reports_template_style_and_script(wheel: Path) -> None:
    folder = "pipebench/report/html/templates"
    wanted = {f"{folder}/{name}" for name in ("page.html", "pictures.html", "page.css", "page.js")}
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())


def test_without_extras_it_asks_for_no_framework(wheel: Path) -> None:
    """So that `pip install .` changes nothing in an environment that has its own torch."""
    archive = zipfile.ZipFile(wheel)
    (metadata,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    needs = HeaderParser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist") or []
    core = {need.split(">")[0] for need in needs if "extra ==" not in need}
    imaging = {"pillow", "simplejpeg"}
    assert core == imaging | {"argcomplete", "fsspec", "numpy", "orjson", "pyarrow", "rich", "xxhash"}


def test_the_data_tools_and_lists_work_without_torch(clean: Path, tmp_path: Path) -> None:
    pipebench = str(clean / "pipebench")
    assert "torch_dataloader" in run([pipebench, "list"], tmp_path)
    run([pipebench, "data", "synth", "d", "--samples", "6", "--mean-bytes", "20000"], tmp_path)
    run([pipebench, "data", "shard", "d", "w", "--format", "wds", "--shard-samples", "2"], tmp_path)
    assert "pip install 'pipebench[dali]'" in run([pipebench, "doctor", "--no-loaders"], tmp_path)


def test_a_loader_without_its_library_says_what_to_install(clean: Path, tmp_path: Path) -> None:
    pipebench = str(clean / "pipebench")
    run([pipebench, "data", "synth", "d", "--samples", "6", "--mean-bytes", "20000"], tmp_path)
    done = subprocess.run(
        [pipebench, "run", "--data", "d", "--batch-size", "2", "--loader", "dali", "--trials", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "dali: unsupported: pip install 'pipebench[dali]'" in done.stdout
    assert "Traceback" not in done.stderr
