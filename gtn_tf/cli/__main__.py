"""The command line: finds the command and reports errors in one line."""

from __future__ import annotations

from gtn_tf.cli.interruption import end_with_advice

if __name__ == "__main__":
    end_with_advice()  # before the imports that take time

import argparse
import logging
import os
import sys

from gtn_tf.cli import (
    data,
    evaluate,
    export,
    genotypes,
    plot,
    rank,
    sample,
    search,
    search_darts,
    search_enas,
    table,
    train,
    train_final,
    train_ghn,
    train_supernet,
)
from gtn_tf.cli.problems import in_one_line
from gtn_tf.cli.quiet_start import import_tensorflow_quietly

_COMMANDS = {
    "data": data,
    "train": train,
    "evaluate": evaluate,
    "sample": sample,
    "export": export,
    "train-supernet": train_supernet,
    "train-ghn": train_ghn,
    "search": search,
    "search-darts": search_darts,
    "search-enas": search_enas,
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
        The exit status: 0, or 1 after an error message.
    """
    parser = argparse.ArgumentParser(
        prog="python -m gtn_tf.cli", description="Generative Teaching Networks."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module in _COMMANDS.items():
        summary = (module.__doc__ or "").splitlines()[0]
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
    options = parser.parse_args(arguments)
    import_tensorflow_quietly()
    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    logging.getLogger("gtn_tf").setLevel(logging.INFO)
    try:
        _COMMANDS[options.command].run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        line = in_one_line(error)
        if line is None:
            raise
        print(f"error: {line}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
