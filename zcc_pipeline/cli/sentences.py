"""Every error as a sentence: what went wrong and what to do, never a stack trace for wrong input."""

from __future__ import annotations

import logging
import select
import sys
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from zcc_pipeline.domain.errors import ConfigurationError, TransientError, ZccPipelineError, describe_unexpected

if TYPE_CHECKING:
    from typer._click.core import Context

DONE, FAILED, WRONG_USAGE = 0, 1, 2


class ErrorsAsSentences(TyperGroup):
    """The group of all commands; what a command raises becomes a line on standard error and an exit code."""

    def invoke(self, ctx: Context) -> object:
        """Run the command."""
        _quiet_logs()
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            complain(str(error))
            raise typer.Exit(WRONG_USAGE) from None
        except TransientError as error:
            complain(f"{error}\nThis may pass: run the same command again, it goes on where it stopped.")
            raise typer.Exit(FAILED) from None
        except ZccPipelineError as error:
            complain(str(error))
            raise typer.Exit(FAILED) from None
        except KeyboardInterrupt:
            complain("Stopped. What was landed stays; run the same command again to go on.")
            raise typer.Exit(FAILED) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:  # the last line before the user: whatever it is, it ends as a sentence
            if (ctx.obj or {}).get("traceback") or _is_about_usage(error) or _is_nobody_reading(error):
                raise
            complain(_unexpected(error))
            raise typer.Exit(FAILED) from None


def complain(text: str) -> None:
    """Say it on standard error."""
    typer.echo(f"zcc: {text}", err=True)


def _is_about_usage(error: Exception) -> bool:
    """Typer's own errors show themselves, with the usage line."""
    return hasattr(error, "exit_code") and hasattr(error, "show")


def _is_nobody_reading(error: Exception) -> bool:
    """Whether standard output is a pipe whose reader has gone, as with ``| head``; typer ends quietly then."""
    if not isinstance(error, BrokenPipeError):
        return False
    output = select.poll()
    output.register(sys.stdout, 0)
    return any(state & select.POLLERR for _, state in output.poll(0))


def _unexpected(error: Exception) -> str:
    again = " ".join(["zcc", "--traceback", *sys.argv[1:]])
    return f"{describe_unexpected(error)}. What was landed before stays.\nTo see more: {again}"


def _quiet_logs() -> None:
    level = logging.WARNING if sys.stderr.isatty() else logging.ERROR
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
