"""The command line: finds the command and tells errors in one line."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys

from gtn_tf.cli import (
    evaluate,
    export,
    genotypes,
    plot,
    rank,
    sample,
    search,
    table,
    train,
    train_final,
)
from gtn_tf.errors import GTNError

_COMMANDS = {
    "train": train,
    "evaluate": evaluate,
    "sample": sample,
    "export": export,
    "search": search,
    "rank": rank,
    "genotypes": genotypes,
    "train-final": train_final,
    "table": table,
    "plot": plot,
}


def main(arguments: list[str] | None = None) -> int:
    """Runs a command.

    Args:
        arguments: As typed; those of the process by default.

    Returns:
        The exit status: 0, 1 for an error that was told, 130 for an interruption.
    """
    parser = argparse.ArgumentParser(
        prog="python -m gtn_tf.cli", description="Generative Teaching Networks."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in _COMMANDS.items():
        summary = module.__doc__.splitlines()[0]
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
    options = parser.parse_args(arguments)
    # TensorFlow's notes about its own start are not news to the user.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    logging.getLogger("gtn_tf").setLevel(logging.INFO)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _COMMANDS[options.command].run(options)
    except GTNError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on (with --resume, if it has that)")
        return 130
    return 0


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
