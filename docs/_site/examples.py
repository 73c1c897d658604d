"""An extension of Griffe: the doctests below `Example:` become code blocks.

Docstrings here do not indent them, but Griffe expects the content of a section to be
indented.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_HEADING = re.compile(r"^Example:\n+(?=>>>)", re.MULTILINE)


class Examples(griffe.Extension):
    """Indents the section `Example:`, which is always the last."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Changes one docstring before it is parsed."""
        if obj.docstring is None:
            return
        text, *doctest = _HEADING.split(obj.docstring.value, maxsplit=1)
        if doctest:
            lines = (f"    {line}" if line else "" for line in doctest[0].split("\n"))
            obj.docstring.value = text + "Examples:\n" + "\n".join(lines)
