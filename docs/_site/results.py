"""A hook of MkDocs: results/ and the cards of bundled teachers become pages, too.

Links in the Markdown files are those that work in the repository, `../results/...`; in
the site, these folders are inside docs/.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"results": "results", "gtn_tf/bundled": "bundled"}  # here: in the site


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds their pages and pictures."""
    for here, there in FOLDERS.items():
        for path in sorted((ROOT / here).rglob("*")):
            if path.suffix in (".md", ".png"):
                name = f"{there}/{path.relative_to(ROOT / here).as_posix()}"
                files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Turns links to them."""
    for here, there in FOLDERS.items():
        markdown = re.sub(rf"\]\(\.\./{here}/", f"]({there}/", markdown)
    return markdown
