"""What earlier commands left in a folder of results, beside which others go on."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from gtn_tf.runs import RunError


def facts_before(out: Path, key: str, made: Collection[str]) -> list[dict[str, Any]]:
    """Facts of earlier commands, whose results stay beside those of another one.

    Args:
        out: The folder, perhaps with a facts.json.
        key: The entry that names what a command made: a dictionary, or a list.
        made: Names of what is made now.

    Returns:
        The facts of each earlier command, with what is still of it.
    """
    file = out / "facts.json"
    if not file.exists():
        return []
    last = json.loads(file.read_text(encoding="utf-8-sig"))
    found = []
    for facts in [last, *last.pop("before", [])]:
        of_it = facts[key]
        names = [name for name in of_it if name not in made]
        if names:
            if isinstance(of_it, dict):
                still: Any = {name: of_it[name] for name in names}
            else:
                still = names
            found.append({**facts, key: still})
    return found


def expect_same_sizes(out: Path, scale: Any, besides: Collection[str] = ()) -> None:
    """Refuses to add rows to those of other sizes.

    Args:
        out: Folder of the results.
        scale: The sizes, a named tuple.
        besides: Sizes that may be others, or that earlier facts lack.

    Raises:
        RunError: If there are rows of other sizes.
    """
    file = out / "facts.json"
    if not (file.exists() and (out / "rows.csv").exists()):
        return
    before = json.loads(file.read_text(encoding="utf-8-sig"))["scale"]
    now = json.loads(json.dumps(scale._asdict()))
    checked = [key for key in now if key not in besides]
    different = [key for key in checked if now[key] != before.get(key)]
    if different:
        raise RunError(
            f"{out}: expected rows with the same {', '.join(different)}, found others; "
            "choose another --out"
        )
