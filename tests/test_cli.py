"""The command line: exit codes, one sentence, no traceback, nothing heavy imported."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pipebench import cli, registry
from pipebench.errors import BadInput

HEAVY = ("numpy", "torch", "pyarrow", "PIL", "torchvision", "nvidia", "webdataset", "simplejpeg", "rich")

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def acting(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """`acting(act)` makes `act` what the command `list` does."""

    def install(act: Callable[[], Any]) -> None:
        class Acting:
            help = "act"

            def add_arguments(self, parser: object) -> None:
                pass

            def run(self, args: object) -> Any:
                return act()

        monkeypatch.setattr(registry, "load", lambda *_: Acting)

    return install


def throwing(error: BaseException) -> Callable[[], None]:
    def throw() -> None:
        raise error

    return throw


@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_commands_code_is_the_exit_code(acting: Any, code: int) -> None:
    acting(lambda: code)
    assert cli.main(["list"]) == code


def test_bad_input_is_one_sentence_and_two(acting: Any, capsys: Capture) -> None:
    acting(throwing(BadInput("the folder is empty; fill it")))
    assert cli.main(["list"]) == 2
    assert capsys.readouterr() == ("", "pipebench: the folder is empty; fill it\n")


@pytest.mark.parametrize(
    ("text", "says"), [("", "pipebench: stopped\n"), ("3 kept", "pipebench: stopped: 3 kept\n")]
)
def test_ctrl_c_is_130(acting: Any, capsys: Capture, text: str, says: str) -> None:
    acting(throwing(KeyboardInterrupt(text) if text else KeyboardInterrupt()))
    assert cli.main(["list"]) == 130
    assert capsys.readouterr().err == says


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["rnu"], "there is no command 'rnu'; did you mean 'run'?"),
        ([""], "there is no command ''; known: "),
        (["--bogus"], "there is no option --bogus; see 'pipebench --help'"),
        (
            ["list", "lodaers"],
            "there is no choice 'lodaers'; did you mean 'loaders'? see 'pipebench list --help'",
        ),
        (["run", "--data", "d", "--cache", "hot"], "there is no cache 'hot'; known: cold, warm; see"),
        (["list", "--bogus"], "there is no option --bogus; see 'pipebench list --help'"),
        (["list", "-x"], "unrecognized arguments: -x; see 'pipebench list --help'"),
        (["run", "--dta", "D"], "there is no option --dta; did you mean --data? see 'pipebench run --help'"),
        (["data", "snyth"], "there is no action 'snyth'; did you mean 'synth'? see 'pipebench data --help'"),
        (
            ["data", "synth", "d", "--samples", "1", "--sede=2"],
            "there is no option --sede; did you mean --seed? see 'pipebench data synth --help'",
        ),
        (["run"], "the following arguments are required: --data"),
        (["run", "--data", "d", "--batch-size", "many"], "argument --batch-size: invalid int value: 'many'"),
        (["run", "--data", "/no/such/folder"], "there is no folder /no/such/folder"),
        (["run", "--data", "/dev/null"], "/dev/null is a file, not a dataset's folder"),
        (["data"], "the following arguments are required"),
    ],
)
def test_wrong_usage_is_one_sentence_and_two(capsys: Capture, argv: list[str], says: str) -> None:
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pipebench: ")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command(capsys: Capture, argv: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(argv)
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert all(f"  {name} " in text for name in registry.names(registry.COMMANDS))


@pytest.mark.parametrize("name", registry.names(registry.COMMANDS))
def test_every_command_has_its_help(capsys: Capture, name: str) -> None:
    for argv in ([name, "--help"], ["help", name]):
        with pytest.raises(SystemExit) as stopped:
            cli.main(argv)
        assert stopped.value.code == 0
        assert f"usage: pipebench {name}" in capsys.readouterr().out


def test_version(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out.startswith("pipebench 0.")


@pytest.mark.parametrize("argv", [["--help"], ["run", "--help"], ["list", "steps"]])
def test_nothing_heavy_is_imported(argv: list[str]) -> None:
    script = (
        "import sys\nfrom pipebench.cli import main\n"
        f"try: main({argv!r})\nexcept SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = ["numpy"] if argv[0] == "list" else []
    assert [name for name in HEAVY if repr(name) in done.stderr] in ([], heavy)


def test_a_reader_that_has_gone_is_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "pipebench", "list", "steps"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_names_that_are_no_text_are_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipebench", "run", "--data", b"/no/\xff"], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == b"pipebench: there is no folder /no/\\udcff\n"
