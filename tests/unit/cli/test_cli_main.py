"""The command as a whole: help, exit codes, what may be imported on the way."""

from __future__ import annotations

import errno
import subprocess
import sys
from typing import Any

import pytest

from gatewise import errors
from gatewise.cli import main as cli
from gatewise.registry import CELLS

NAMES = cli.COMMANDS.names()


def raising(error: BaseException) -> Any:
    def command() -> None:
        raise error

    return command


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make `gatewise cells` end with an error of one's choice, and return its exit code."""

    def run(error: BaseException) -> int:
        monkeypatch.setitem(cli.COMMANDS._objects, "cells", raising(error))
        return cli.run(["cells"])

    return run


@pytest.mark.parametrize("name", NAMES)
def test_help_of_every_command_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*name.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert "For example:" in text
    assert f"gatewise {name}" in text.split("For example:")[1]
    assert "--json" in text


@pytest.mark.parametrize("group", ["", *sorted({name.split()[0] for name in NAMES if " " in name})])
def test_help_of_every_group_has_an_example_and_lists_its_commands(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*group.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert "For example:" in text
    words = [name.removeprefix(group).split()[0] for name in NAMES if name.startswith(group)]
    assert all(word in text for word in words)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from gatewise import __version__

    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out == f"gatewise {__version__}\n"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["cels"], "Did you mean 'cells'?"),
        (["cells", "--jsn"], "Did you mean --json?"),
        (["fit", "forcast"], "Did you mean 'forecast'?"),
        (["fit", "forecast", "a.csv", "--unit", "3"], "Did you mean --units?"),
        (["score"], "Missing argument"),
        (["forecast", "there", "--horizon", "0"], "--horizon"),
        (["fit", "forecast"], "give one or more data files"),
        (["check", "forecast"], "give one or more data files"),
    ],
)
def test_wrong_usage_is_2_and_says_what_was_meant(
    args: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(args) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert said in shown.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.GatewiseError("went wrong"), 1),
        (errors.DivergedError("went wrong"), 1),
        (errors.DataError("went wrong"), 2),
        (errors.InterruptedRunError("went wrong"), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_exit_codes_without_a_traceback(
    error: BaseException, code: int, fails: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fails(error) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    assert ("went wrong" in shown.err) == bool(str(error))


def test_a_full_disk_names_the_file(fails: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert fails(OSError(errno.ENOSPC, "No space left on device", "runs/a/result.json")) == 2
    assert "runs/a/result.json: No space left on device" in capsys.readouterr().err


class PanicError(BaseException):
    """As Polars raises them: no Exception."""


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), PanicError("by zero")])
def test_a_bug_says_that_it_is_one(
    error: BaseException, fails: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATEWISE_DEBUG", raising=False)
    assert fails(error) == 1
    said = capsys.readouterr().err
    assert "bug of gatewise" in said
    assert "by zero" in said
    assert "Traceback" not in said
    monkeypatch.setenv("GATEWISE_DEBUG", "1")
    assert fails(error) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("before", ["", "main.COMMANDS._objects['cells'] = lambda: print('late'); "])
def test_a_closed_pipe_is_quiet(before: str) -> None:
    """Both when the command itself notices, and when what it printed is only written at the end."""
    script = f"import sys; from gatewise.cli import main; {before}sys.stdin.read(); sys.exit(main.run(['cells']))"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        said = _finish(process)
    assert said == b""
    assert process.returncode == 1


def _finish(process: subprocess.Popen[bytes]) -> bytes:
    """Let the process begin, now that nobody reads what it prints, and return what it says on standard error."""
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.close()
    said = process.stderr.read()
    process.wait()
    return said


@pytest.mark.parametrize("args", [["cells"], ["cells", "--json"], ["fit", "forecast", "--help"]])
def test_a_terminal_without_unicode(args: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gatewise", *args],
        capture_output=True,
        env={"PATH": "", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    done.stdout.decode("ascii")


def test_no_color(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert cli.run(["cells"]) == 0
    assert "\x1b[" not in capsys.readouterr().out


def test_completion_offers_choices() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gatewise"],
        capture_output=True, text=True, check=False,
        env={"_GATEWISE_COMPLETE": "complete_bash", "COMP_WORDS": "gatewise fit forecast --cell l", "COMP_CWORD": "4"},
    )  # fmt: skip
    assert done.stdout.split() == [name for name in CELLS.names() if name.startswith("l")], done.stderr
