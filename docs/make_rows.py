"""Writes the tables of recipes.md from the rows of the papers and from docs/studies/rows.json.

The figures come from ``ambikit-models reproduce all --world 3000 --workers 1``, whose rows.json lies there.
"""

import json
from pathlib import Path

from ambikit_models.study.rows_report import page
from ambikit_models.training.rows import published_rows

HERE = Path(__file__).parent
BEGIN, END = "<!-- tables: docs/make_rows.py -->\n", "<!-- end of tables -->\n"


def written() -> str:
    """The page with its tables as they follow from the files."""
    text = (HERE / "recipes.md").read_text(encoding="utf-8")
    record = json.loads((HERE / "studies" / "rows.json").read_text(encoding="utf-8"))
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{page(published_rows(), record)}\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    (HERE / "recipes.md").write_text(written(), encoding="utf-8")
