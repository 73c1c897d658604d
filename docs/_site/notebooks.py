"""A hook of MkDocs: the notebooks of docs/ become pages, with their saved outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

DOCS = Path(__file__).resolve().parents[1]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds a page for each notebook, beside the notebook itself."""
    for path in sorted(DOCS.glob("*.ipynb")):
        page = as_markdown(json.loads(path.read_text(encoding="utf-8")), path.name)
        files.append(File.generated(config, f"{path.stem}.md", content=page))
    return files


def as_markdown(notebook: dict[str, Any], name: str) -> str:
    """Writes a notebook as a page.

    Args:
        notebook: The content of its file.
        name: The file's name, for a link to it.
    """
    parts = []
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(text)
        elif text:
            parts.append(f"```python\n{text}\n```")
            parts += [_output(output) for output in cell["outputs"]]
    title, *rest = parts
    link = f"*This page is a notebook: [{name}]({name}).*"
    return "\n\n".join([title, link, *rest]) + "\n"


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "image/png" in data:
        png = "".join(data["image/png"]).replace("\n", "")
        return f"![The output of the cell above](data:image/png;base64,{png})"
    text = "".join(output.get("text") or data.get("text/plain", ""))
    return f'```{{.text .output title="Output"}}\n{text.rstrip()}\n```'
