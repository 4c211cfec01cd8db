"""Which command was meant, and how does its failure leave the process?

Exit codes, the same for every command:

====  =====================================================================================
0     done, and everything that was checked holds
1     a verification or the governance gate says no: the answer itself, not an accident
2     the command line is wrong (an unknown command or option)
3     the input is wrong (a bad setting, file, event, name): change it and try again
4     something needed is missing, broken or locked: an operator must act
5     refused: an identity, a role or a policy does not allow it
130   interrupted
====  =====================================================================================

Commands are imported when they are called, so that ``assay --help`` answers at once.
"""

import gc
import sys
from importlib import import_module
from typing import NamedTuple

import click

from assay import __version__
from assay.core.errors import AssayError, GateRefused, Invalid, Refused, Unavailable, near_miss

DONE, FAILED, USAGE, INVALID, UNAVAILABLE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


class Lazy(NamedTuple):
    """Where a command is defined, and the line that ``--help`` shows without importing it."""

    target: str
    about: str


#: Events are small objects by the hundred thousand and hold no cycles: looking for cycles every 700
#: of them, as Python does, doubled the time to read a history back.
_GARBAGE = (100_000, 50, 50)

#: Every command, in the order in which a newcomer meets them.
COMMANDS: dict[str, Lazy] = {
    "demo": Lazy("assay.cli.demo:demo", "Run the main job end to end on simulated traffic."),
    "simulate": Lazy("assay.cli.simulate:simulate", "Write a simulated world with known truth."),
    "import": Lazy("assay.cli.imports:imports", "Bring recorded events into a home folder."),
    "contract": Lazy(
        "assay.cli.contract:contract", "Exchange event contracts, and stop what would break them."
    ),
    "quarantine": Lazy(
        "assay.cli.quarantine:quarantine", "See what was refused, and take it in after a fix."
    ),
    "backfill": Lazy("assay.cli.backfill:backfill", "Compute all values over a whole history."),
    "train": Lazy("assay.cli.train:train", "Train, calibrate and package a model."),
    "model": Lazy("assay.cli.model:model", "Register, approve, promote and document models."),
    "serve": Lazy("assay.cli.serve:serve", "Decide over HTTP, with the console beside it."),
    "features": Lazy(
        "assay.cli.features:features", "See the values a decision sees, and what they cost."
    ),
    "snapshot": Lazy(
        "assay.cli.snapshot:snapshot", "Keep the state of the features, so that a restart is short."
    ),
    "erase": Lazy("assay.cli.erase:erase", "Erase a subject, with a receipt that can be checked."),
    "worker": Lazy("assay.cli.worker:worker", "Own partitions of a history on Kafka."),
    "publish": Lazy("assay.cli.publish:publish", "Share the features of a home through Redis."),
    "review": Lazy("assay.cli.review:review", "Work the review queue."),
    "list": Lazy("assay.cli.lists:lists", "Replace and show allow and deny lists."),
    "verify": Lazy("assay.cli.verify:verify", "Prove features, decisions and the audit log."),
    "bench": Lazy("assay.cli.bench:bench", "Measure beside the peers."),
    "token": Lazy("assay.cli.token:token", "Issue, list and revoke users and API tokens."),
    "settings": Lazy("assay.cli.settings:settings", "Show every setting and its source."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's name
        """The names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, imported now."""
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        module, _, attribute = lazy.target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command and its arguments; an unknown one is told the nearest."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"There is no command {args[0]!r}.{near_miss(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's name
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.about) for name, lazy in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="assay")
def assay() -> None:
    """Decide in real time whether to approve, review or block, and prove why."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code; deliberate errors become one line."""
    gc.set_threshold(*_GARBAGE)
    try:
        result = assay.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        click.echo("assay: interrupted", err=True)
        return INTERRUPTED
    except AssayError as error:
        click.echo(f"assay: {error.code}: {error}", err=True)
        return exit_code(error)
    return result if isinstance(result, int) else DONE


def exit_code(error: AssayError) -> int:
    """The exit code for a deliberate error.

    Example:
        >>> exit_code(Unavailable("the disk is full"))
        4
    """
    table: tuple[tuple[type[AssayError], int], ...] = (
        (GateRefused, FAILED),
        (Refused, REFUSED),
        (Unavailable, UNAVAILABLE),
        (Invalid, INVALID),
    )
    return next((code for kind, code in table if isinstance(error, kind)), FAILED)


if __name__ == "__main__":
    sys.exit(main())
