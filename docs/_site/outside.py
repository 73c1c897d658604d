"""A hook of MkDocs: files outside docs/ that it links to become pages, too.

The README is the first page. Links in Markdown files work in the repository, such as
`../results/...`; in the site, everything is inside docs/.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"results": "results", "gtn_tf/bundled": "bundled"}  # here: in the site
HOME = "index.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the README, and the pages and pictures of the folders."""
    found = {HOME: ROOT / "README.md"}
    for here, there in FOLDERS.items():
        for path in sorted((ROOT / here).rglob("*")):
            if path.suffix in (".md", ".png"):
                name = path.relative_to(ROOT / here).as_posix()
                found[f"{there}/{name}"] = path
    for name, path in found.items():
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Turns links."""
    if page.file.src_uri == HOME:
        markdown = markdown.replace("](", "](../").replace("](../docs/", "](")
        markdown = markdown.replace("](../http", "](http")
    markdown = markdown.replace("](../README.md", f"]({HOME}")
    for here, there in FOLDERS.items():
        markdown = re.sub(rf"\]\(\.\./{here}/", f"]({there}/", markdown)
    # A notebook has a page, see notebooks.py, which alone links to the file.
    return re.sub(r"\]\((\w+)\.ipynb\)(?!\.\*)", r"](\1.md)", markdown)
