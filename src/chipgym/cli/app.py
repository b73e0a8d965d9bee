"""The command and its verbs, and how anything that goes wrong becomes one line and an exit status.

Exit status: 0 done, 2 bad input, a failing disk or too little memory, 130 interrupted, 143 terminated, 1 the reader of
a pipe went away.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.exceptions import Abort, TyperException

from ..errors import ChipgymError, printable, shorten, unknown
from . import INTERRUPTED, TERMINATED, was_terminated
from .collecting import collect_designs
from .comparing import compare_agents
from .importing import import_designs
from .listing import list_registered
from .output import UserInterruptError, note
from .reporting import report_runs
from .searching import search_designs
from .serving import serve_problems
from .simulating import simulate_design
from .training import train_surrogate
from .validating import validate_simulators

app = typer.Typer(
    name="chipgym",
    help="Design-space exploration of accelerators and memory systems.",
    add_completion=False,
    # Plain help and one-line errors: they pipe, grep and log well, and rich's help alone costs a fifth of a second.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("list")(list_registered)
app.command("simulate")(simulate_design)
app.command("search")(search_designs)
app.command("compare")(compare_agents)
app.command("report")(report_runs)
app.command("collect")(collect_designs)
app.command("import")(import_designs)
app.command("train")(train_surrogate)
app.command("validate")(validate_simulators)
app.command("serve")(serve_problems)


def _version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        typer.echo(f"chipgym {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status; whatever went wrong is one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a locale without a letter is no reason to fail
    if sys.stderr.isatty():
        logging.getLogger("chipgym").addHandler(logging.StreamHandler())
        logging.getLogger("chipgym").setLevel(logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            status: Any = typer.main.get_command(app).main(list(arguments), prog_name="chipgym", standalone_mode=False)
        sys.stdout.flush()
    except ChipgymError as error:
        return _fail(str(error))
    except TyperException as error:
        return _fail(_usage(error))
    except UserInterruptError as stopped:
        return _stopped(f": {stopped}")
    except (KeyboardInterrupt, Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return 1
    except OSError as error:
        _discard_output()
        return _fail(f"{error.filename or 'output'}: {error.strerror or error}")
    except MemoryError:
        return _fail("memory: there is not enough of it for this; a smaller batch, space or file takes less")
    if status == INTERRUPTED:  # typer's answer to Ctrl-C
        return _stopped("")
    return status if isinstance(status, int) else 0


def say_output_is_closed() -> int:
    """Answer a command whose standard output is closed, before any work: nobody would see what comes of it."""
    return _fail("output: standard output is closed; /dev/null takes what nobody is to see")


def _stopped(what: str) -> int:
    """Say that the user or the system stopped the command, and return its exit status."""
    terminated = was_terminated()
    note(f"{'terminated' if terminated else 'interrupted'}{what}")
    return TERMINATED if terminated else INTERRUPTED


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    """Write a warning as one line, without the place in the source that Python names."""
    note(f"warning: {printable(' '.join(str(message).split()))}")


def _fail(message: str) -> int:
    line = printable(" ".join(message.split()))
    try:
        sys.stdout.flush()
        sys.stderr.write(f"error: {line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # nobody reads it any more; the status says enough
        _discard_output()
    return 2


def _discard_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush of it cannot fail too."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # not a real stream, as in tests
        pass


def _wrong_number(error: TyperException) -> str | None:
    """Say what is wrong with an option's value that is no number, in the words of the package.

    None for other errors.
    """
    found: Any = getattr(error.__cause__, "errors", None)  # pydantic's, which typer parses values with
    options = getattr(getattr(error, "param", None), "opts", None)
    if not callable(found) or not options:
        return None
    what, value = found()[0]["type"], found()[0]["input"]
    kinds = {"int": "a whole number", "float": "a number"}
    kind = kinds.get(what.partition("_")[0])
    return f"{options[-1]}: {shorten(value)} is not {kind}" if kind else None


def _setting_hint(option: str, known: Sequence[str]) -> str:
    """Say how a setting of a simulator is given, where an option of the command line is one."""
    from ..simulators import registered
    from ..simulators.core.registry import simulator_options

    setting = option.lstrip("-").replace("-", "_")
    owners = []
    for entry in registered() if "--option" in known else ():
        with contextlib.suppress(ChipgymError):  # one of another package, which cannot be imported
            owners += [entry.name] if setting in simulator_options(entry.name) else []
    owners.sort()
    return f"; {setting} of {', '.join(owners)} is given as --option {setting}=VALUE" if owners else ""


def _usage(error: TyperException) -> str:
    """Say what is wrong with the command line itself, with the nearest option or verb."""
    context = getattr(error, "ctx", None)
    option = getattr(error, "option_name", None)
    if context is not None and option is not None and hasattr(error, "possibilities"):
        names = [name for p in context.command.get_params(context) for name in p.opts if name.startswith("--")]
        return f"{unknown('option', option, names)}{_setting_hint(option, names)}"
    if (wrong := _wrong_number(error)) is not None:
        return wrong
    message = error.format_message().strip().rstrip(".")
    message = message[:1].lower() + message[1:]
    where = context.command_path if context is not None else "chipgym"
    return f"{message} (see '{where} --help')"
