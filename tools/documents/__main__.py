"""`python3 run.py docs`: writes all that is made from the code."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from ingest_service.core.schema import SCHEMA
from tools.documents.row_types import row_types
from tools.documents.settings_page import settings_page
from tools.documents.tables_page import tables_page

ROOT = Path(__file__).parents[2]


def documents() -> Mapping[str, str]:
    """Each file, by its path in the tree, as it should be. What is written by hand in it is left alone."""
    tables, settings = "docs/tables.md", "docs/settings.md"
    return {
        tables: tables_page((ROOT / tables).read_text("utf-8"), SCHEMA.document),
        settings: settings_page((ROOT / settings).read_text("utf-8")),
        "clients/typescript/src/rows.ts": row_types(SCHEMA.document),
    }


def main() -> None:
    """Write them."""
    argparse.ArgumentParser(
        prog="python3 run.py docs",
        description="Write anew what is made from the code: docs/tables.md and clients/typescript/src/rows.ts from the "
        "types of the rows (`npm run build`, in clients/typescript, compiles the latter), and the tables of "
        "docs/settings.md from the settings and the series of both services.",
        epilog="For example, python3 run.py docs && git diff docs shows what a change means to users.",
    ).parse_args()
    for path, text in documents().items():
        (ROOT / path).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
