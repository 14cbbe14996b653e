"""The ``gatewise`` command: a table of commands that load when called, and one place where errors become exit codes.

Exit codes: 0 done, 1 failed, 2 wrong usage or input, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from gatewise import __version__
from gatewise.errors import GatewiseError
from gatewise.registry import Entry, Registry

#: Every command and where its function lives; two words make a command with a task.
COMMANDS = Registry(
    "command",
    [
        Entry("study", "gatewise.cli.study:study", "Train and compare what a study file asks for"),
        Entry("watch", "gatewise.cli.watch:watch", "Look at a study that runs in another terminal"),
        Entry("studies", "gatewise.cli.studies:studies", "List the studies that come along"),
        Entry("check forecast", "gatewise.cli.check:forecast", "Say how data files would be read, without training"),
        Entry("check generate", "gatewise.cli.check:generate", "Say how texts would be read, without training"),
        Entry(
            "check classify", "gatewise.cli.check:classify", "Say how labelled texts would be read, without training"
        ),
        Entry("fit forecast", "gatewise.cli.fit:forecast", "Train a network on series and judge it"),
        Entry("fit generate", "gatewise.cli.fit:generate", "Train a network to write like a text and judge it"),
        Entry("fit classify", "gatewise.cli.fit:classify", "Train a network on labelled texts and judge it"),
        Entry("forecast", "gatewise.cli.forecast:forecast", "Forecast with a trained model"),
        Entry("generate", "gatewise.cli.generate:generate", "Write text with a trained model"),
        Entry("classify", "gatewise.cli.classify:classify", "Classify texts with a trained model"),
        Entry("score", "gatewise.cli.score:score", "Judge a trained model on other data"),
        Entry("report", "gatewise.cli.report:report", "Make the page of a study or a run"),
        Entry("compare", "gatewise.cli.compare:compare", "Compare finished runs and studies after the fact"),
        Entry("runs list", "gatewise.cli.runs:listing", "List runs, with the settings in which they differ"),
        Entry("runs remove", "gatewise.cli.runs:remove", "Remove runs, after showing which and asking"),
        Entry("runs export", "gatewise.cli.runs:export", "Write runs as one table: CSV, Parquet, LaTeX"),
        Entry("bench", "gatewise.cli.bench:bench", "Time the cells beside torch.nn and the machine's limits"),
        Entry("probe", "gatewise.cli.probe:probe", "Train cells on small tasks whose answer is known, in one table"),
        Entry("cells", "gatewise.cli.cells:cells", "List the recurrent cells"),
        Entry("adapt", "gatewise.cli.adapt:adapt", "Train an encoder on with your own texts, by guessing hidden words"),
        Entry("encoders", "gatewise.cli.encoders:encoders", "List the pretrained encoders on this machine"),
        Entry("doctor", "gatewise.cli.doctor:doctor", "Say what this machine has and what is missing"),
    ],
)

_GROUPS = {
    "check": """Say how data files would be read, without training.

    For example:

      gatewise check forecast GOOG.csv AAPL.csv --column Close

      gatewise check generate book.txt

      gatewise check classify tweets.csv --text tweet --label class
    """,
    "fit": """Train a network.

    For example:

      gatewise fit forecast GOOG.csv AAPL.csv --column Close --cell gru --out runs/gru

      gatewise fit generate BOOK.txt --preset fast --out runs/book

      gatewise fit classify tweets.csv --text tweet --label class --encoder minilm
    """,
    "runs": """List, remove or export what has been trained. Without a word after it, it lists.

    For example:

      gatewise runs

      gatewise runs studies/stocks-cells --where cell=gru --sort mse

      gatewise runs export --to runs.csv
    """,
}
#: What a group does when the first word after it is none of its commands.
_DEFAULTS = {"runs": "list"}
_BUG = "This is a bug of gatewise, not of what you typed. {trace} Please report it with the command that you ran."


class LateCommand(TyperCommand):
    """A command known by its name and one line; its file is imported when it is called."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.name.split()[-1], help=entry.summary + ".")
        self.entry = entry

    def now(self) -> Any:
        """Import the command's function and return the real command."""
        app = typer.Typer(add_completion=False, rich_markup_mode="rich")
        app.command(self.name)(COMMANDS.load(self.entry.name))
        return typer.main.get_command(app)


class LateGroup(TyperGroup):
    """Commands by name, in the table's order; only the one that is called gets imported."""

    default = ""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the group's own command before words that name none of its commands."""
        if self.default and (not args or args[0] not in (*self.commands, "--help")):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that `args` begin with, and import it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.now() if isinstance(command, LateCommand) else command, rest


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"gatewise {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Train recurrent networks, compare them, and say whether they beat the baseline.

    For example:

      gatewise study stocks-cells
    """


def build() -> Any:
    """Return the whole command, without importing any command's file."""
    app = typer.Typer(name="gatewise", cls=LateGroup, no_args_is_help=True, rich_markup_mode="rich")
    app.callback()(_root)
    group: Any = typer.main.get_command(app)
    for entry in COMMANDS:
        first, *task = entry.name.split()
        if task:
            if first not in group.commands:
                group.add_command(LateGroup(name=first, help=_GROUPS[first], no_args_is_help=True))
                group.commands[first].default = _DEFAULTS.get(first, "")
            group.commands[first].add_command(LateCommand(entry))
        else:
            group.add_command(LateCommand(entry))
    return group


def run(args: list[str] | None = None) -> int:
    """Run one command and return its exit code; nothing that a user can cause ends in a traceback.

    Parameters
    ----------
    args
        What stands after ``gatewise`` on the command line; taken from there when absent.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that cannot show a letter shows ? for it
            stream.reconfigure(errors="replace")
    try:
        code = build().main(args, prog_name="gatewise", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except typer.TyperException as error:  # wrong usage
        _show_usage(error)
        return error.exit_code
    except GatewiseError as error:
        _say(f"Error: {error}")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        _say("Stopped.")
        return 130
    except SystemExit as error:  # Typer's way out when the reader (head, less) has seen enough
        return error.code if isinstance(error.code, int) else 1
    except OSError as error:  # a full disk, a folder that may not be read
        _trace()
        _say(f"Error: {error.filename or 'a file'}: {error.strerror or error}")
        return 2
    except BaseException as error:  # noqa: BLE001 - the last door; a panic inside Polars is no Exception
        shown = _trace()
        _say(f"Error: {type(error).__name__}: {error}")
        _say(_BUG.format(trace="" if shown else "Set GATEWISE_DEBUG=1 to see where it happened."))
        return 1


def main() -> NoReturn:
    """Run the command line of this process."""
    sys.exit(run())


def _show_usage(error: Any) -> None:
    """Say what is wrong with what was typed, and which option was probably meant."""
    if near := getattr(error, "possibilities", None):
        error.message, error.possibilities = f"{error.message}. Did you mean {near[0]}?", None
    error.show()


def _say(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - the command line's own words


def _trace() -> bool:
    """Print the traceback when the user has asked for it."""
    if not os.environ.get("GATEWISE_DEBUG"):
        return False
    import traceback

    traceback.print_exc()
    return True
