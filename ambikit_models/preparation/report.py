"""The audit as one page that needs no network: how many files pass, why the others do not, and which they are."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from math import log
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from ambikit.files.replacing import replacing
from ambikit_models.preparation.audit import VERDICTS
from ambikit_models.preparation.charts import bars, map_picture, ratio_histogram, share_histogram, stacked_bar
from ambikit_models.preparation.judgement import Reading, energy_grid
from ambikit_models.preparation.records import as_line

__all__ = ["write_report"]

_RANGE_DB = 12.0
_MAPS, _OFFENDERS, _REASONS, _ROWS = 12, 12, 12, 5000
#: figures, but not the digits within words (N3D)
_NUMBER = re.compile(r"(?<![A-Za-z\d.])[-+−]?\d+(?:[.,]\d+)*(?![A-Za-z\d])")


def write_report(
    path: str | Path, records: Sequence[dict[str, Any]], title: str, *, reading: Reading | None = None
) -> None:
    """Write the page of an audit, whole or not at all; its styles, scripts and pictures are inside it.

    Parameters
    ----------
    path
        The page, ``.html``.
    records
        What :func:`ambikit_models.preparation.audit.audit` gave.
    title
        The name of the collection.
    reading
        How the files were read and judged.
    """
    reading, records = reading or Reading(), list(records)
    worst = sorted((r for r in records if r["verdict"] != "valid"), key=_badness, reverse=True)
    template = Template((files("ambikit_models.preparation") / "report.html").read_text(encoding="utf-8"))
    page = template.substitute(
        title=escape(title),
        subtitle=_subtitle(records, reading),
        tiles=_tiles(records),
        verdict_hint="valid: the energy test passes and nothing speaks against first-order AmbiX. doubtful: the signal "
        "cannot decide, or fails the test alone. invalid: evidence of another or a broken format.",
        verdicts=stacked_bar([(name, sum(r["verdict"] == name for r in records)) for name in VERDICTS]),
        reasons=_reasons(records),
        ratios=ratio_histogram(
            [(r["energy_ratio"], r["verdict"]) for r in records if r.get("energy_ratio") is not None], reading.tolerance
        ),
        formats=_formats(records),
        silence_db=f"{reading.silence_db:g}".replace("-", "−"),
        silence=share_histogram([r["silence_share"] for r in records if "silence_share" in r]),
        range_db=f"−{_RANGE_DB:g}",
        maps=_maps(records),
        offenders="".join(map(_offender, worst[:_OFFENDERS])) or "<p>None.</p>",
        duplicates=_duplicates(records),
        table_hint="" if len(records) <= _ROWS else f"The worst {_ROWS:,} of {len(records):,}; audit.jsonl has all.",
        data=_rows(records if len(records) <= _ROWS else worst[:_ROWS]),
    )
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _subtitle(records: list[dict[str, Any]], reading: Reading) -> str:
    hours = sum(r.get("duration") or 0.0 for r in records) / 3600
    size = sum(r.get("bytes") or 0 for r in records) / 1e9
    length = f"{hours:,.1f} hours" if hours >= 1 else f"{60 * hours:.1f} minutes"
    return (
        f"{len(records):,} files, {length} of sound, {size:,.2f} GB; read as {escape(reading.source)}, "
        f"energy test 1 ± {reading.tolerance:g}"
    )


def _tiles(records: list[dict[str, Any]]) -> str:
    judged = [r for r in records if r["verdict"] in VERDICTS[:3]]
    passing = sum(bool(r["passes_energy_test"]) for r in judged)
    counted = [
        (len(records), "files"),
        (sum(r["verdict"] == "valid" for r in records), "valid"),
        (passing, f"pass the energy test, {100 * passing / len(judged):.0f} % of those judged" if judged else "judged"),
        (sum(r["verdict"] == "invalid" for r in records), "invalid"),
        (sum(r["verdict"] in VERDICTS[3:] for r in records), "without a sound field, or unreadable"),
        (sum("duplicate_of" in r for r in records), "duplicates"),
        (sum(r.get("silence_share", 0.0) > 0.5 for r in records), "silent for more than half"),
    ]
    return "".join(f'<div class="tile"><b>{count:,}</b><span>{escape(what)}</span></div>' for count, what in counted)


def _reasons(records: list[dict[str, Any]]) -> str:
    others = [r for r in records if r["verdict"] != "valid"]
    counted = Counter((_shortly(r), r["verdict"]) for r in others)
    rows = [(reason, count, verdict.replace(" ", "-")) for (reason, verdict), count in counted.most_common(_REASONS)]
    left = len(counted) - len(rows)
    more = f"<p class='hint'>and {left} rarer reasons</p>" if left else ""
    return bars(rows, len(records)) + more if rows else "<p>All files are valid.</p>"


def _formats(records: list[dict[str, Any]]) -> str:
    counted = Counter(_format(record) for record in records)
    return bars([(name, count, "accent") for name, count in counted.most_common(10)], len(records))


def _format(record: dict[str, Any]) -> str:
    if "format" in record:
        return f"{record['format']}, {record['channels']} channels stored"
    channels = record.get("channels")
    return {None: record["verdict"], 1: "mono", 2: "stereo"}.get(channels, f"{channels} channels, no field")


def _maps(records: list[dict[str, Any]]) -> str:
    """Maps of files that lie evenly over the collection."""
    drawn = [r for r in records if energy_grid(r.get("covariance") or []) is not None]
    chosen = [drawn[i] for i in np.unique(np.linspace(0, len(drawn) - 1, _MAPS).astype(int))] if drawn else []
    return "".join(f"<figure>{_map(r)}<figcaption>{_tag(r)} {escape(r['path'])}</figcaption></figure>" for r in chosen)


def _offender(record: dict[str, Any]) -> str:
    reasons = record["reasons"][:-1] if "reasons" in record else [_why(record)]  # the last says what nobody can prove
    reasons = reasons[:4] + [record[name] for name in ("agreement",) if name in record]
    ratio = record.get("energy_ratio")
    lines = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    said = f"<small>energy ratio {ratio:.3f}</small>" if ratio is not None else ""
    remedy = f"<p>try <code>{escape(record['proposal'])}</code>{_if_so(record)}</p>" if record.get("proposal") else ""
    return (
        f'<div class="offender"><div>{_map(record)}</div><div><h3>{escape(record["path"])}</h3>{_tag(record)} {said}'
        f"<ul>{lines}</ul>{remedy}</div></div>"
    )


def _if_so(record: dict[str, Any]) -> str:
    if "verdict_if_so" not in record:
        return ""
    return f" <small>taken as {record['format']} it is {record['verdict_if_so']}</small>"


def _duplicates(records: list[dict[str, Any]]) -> str:
    lines = [
        f"<tr><td>{escape(r['path'])}</td><td>{escape(r['duplicate_of'])}</td>"
        f'<td class="number">{r["bytes"] / 1e6:.2f} MB</td></tr>'
        for r in records
        if "duplicate_of" in r
    ][:_ROWS]
    if not lines:
        return "<p>None.</p>"
    heads = "<tr><th>file</th><th>is the same as</th><th class='number'>size</th></tr>"
    return f'<div class="scroll"><table><thead>{heads}</thead><tbody>{"".join(lines)}</tbody></table></div>'


def _rows(records: list[dict[str, Any]]) -> str:
    rows = [
        {
            "path": r["path"],
            "verdict": r["verdict"],
            "ratio": r.get("energy_ratio"),
            "format": r.get("format", ""),
            "silence": r.get("silence_share"),
            "seconds": r.get("duration"),
            "channels": r.get("channels"),
            "rate": r.get("sample_rate"),
            "says": r.get("says", ""),
            "why": _why(r),
        }
        for r in records
    ]
    return json.dumps([json.loads(as_line(row)) for row in rows], ensure_ascii=False).replace("<", "\\u003c")


def _why(record: dict[str, Any]) -> str:
    return record.get("error") or (record.get("reasons") or [""])[0]


def _shortly(record: dict[str, Any]) -> str:
    """The strongest reason so that others like it are the same: no figures, and nothing of what to do."""
    if record["verdict"] == "no field":
        return f"{record.get('channels')} channels, which no sound field of first order or more has"
    why = _why(record)
    return _NUMBER.sub("…", "; ".join(why.split("; ")[:2]) if why.startswith("got ") else why)


def _map(record: dict[str, Any]) -> str:
    grid = energy_grid(record.get("covariance") or [])
    return '<div class="none">no map</div>' if grid is None else map_picture(grid, _RANGE_DB)


def _tag(record: dict[str, Any]) -> str:
    return f'<span class="tag {record["verdict"].replace(" ", "-")}">{record["verdict"]}</span>'


def _badness(record: dict[str, Any]) -> tuple[int, float]:
    """First what is invalid, by the distance of its ratio from 1 in octaves; last what could not be judged."""
    severity = {"invalid": 2, "doubtful": 1}.get(record["verdict"], 0)
    ratio = record.get("energy_ratio") or 0.0
    return severity, abs(log(ratio)) if ratio > 0 else 0.0
