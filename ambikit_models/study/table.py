"""The table of a study: every system beside its untrained self and the controls, in words and in Markdown."""

from typing import Any

import numpy as np

from ambikit_models.downstream.probing.statistics import Estimate, mean_over_scenes

__all__ = ["COLUMNS", "controls", "differences", "markdown", "rows"]

#: AVSA-Bin and AVC-Bin are accuracies at 1 and 4 viewpoints, classes is a mean average precision; all in percent.
COLUMNS = ("system", "AVSA-Bin 1", "AVSA-Bin 4", "AVC-Bin 1", "AVC-Bin 4", "classes")

_CELLS = (("avsa", "1"), ("avsa", "4"), ("avc", "1"), ("avc", "4"))


def rows(results: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """One row of text per system: trained, trained with translated features, untrained."""
    table = []
    for result in results:
        name, trained, untrained = _name(result, results), result["trained"], result["untrained"]
        table.append((name, *_figures(trained, ""), _estimate(trained["classes"])))
        if result["aligned"]:
            table.append(("– translated", *_figures(trained, "_translated"), "–"))
        table.append(("– untrained", *_figures(untrained, ""), _estimate(untrained["classes"])))
    return table


def controls(results: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """What must be one half, and what a rule with exact senses reaches: name, expected, measured, probability."""
    table = []
    for result in results:
        label = _name(result, results)
        for name, key in (("omni sound", "omni"), ("sound of another scene", "shuffled")):
            control = result["omni"] if key == "omni" else result["trained"]["shuffled"]
            accuracy, chance = control["accuracy"]["4"], control["chance"]["4"]
            table.append((f"{name}: {label}", "50", _estimate(accuracy), f"p = {chance:.3f}"))
    oracle = results[0]["oracle"]["accuracy"]
    for views in ("1", "4"):
        table.append((f"exact ears and eyes, {views} view{'s' * (views != '1')}", "–", _estimate(oracle[views]), ""))
    return table


def differences(results: list[dict[str, Any]]) -> list[tuple[str, Estimate]]:
    """AVSA-Bin of each system minus that of the first, paired over the test scenes, in the order of the study."""
    table = []
    for seed in sorted({r["seed"] for r in results}):
        first, *others = [r for r in results if r["seed"] == seed]
        for other in others:
            for views in ("1", "4"):
                pair = [np.array(r["trained"]["avsa"]["correct"][views]) for r in (other, first)]
                words = f"{other['variant']} − {first['variant']}, {views} view{'s' * (views != '1')}, seed {seed}"
                table.append((words, mean_over_scenes(pair[0] - pair[1])))
    return table


def markdown(results: list[dict[str, Any]]) -> str:
    """The whole outcome as Markdown."""
    lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS)), *(_line(row) for row in rows(results)), ""]
    header = ("control, on AVSA-Bin", "expected", "measured", "exact binomial test")
    lines += [_line(header), _line(["---"] * 4), *(_line(row) for row in controls(results)), ""]
    lines += [f"- {words}: {difference} points on AVSA-Bin" for words, difference in differences(results)]
    lines += ["", "Percent ± half of the 95 % interval over test scenes; training seeds are not covered by it."]
    plateaus = [line for result in results if (line := _plateau(result))]
    return "\n".join(lines + plateaus) + "\n"


def _name(result: dict[str, Any], results: list[dict[str, Any]]) -> str:
    """The variant, with its seed where there are several."""
    several = len({r["seed"] for r in results}) > 1
    return f"{result['variant']} ({result['seed']})" if several else result["variant"]


def _figures(evaluation: dict[str, Any], suffix: str) -> list[str]:
    accuracies = [evaluation[f"{task}{suffix}"]["accuracy"].get(views) for task, views in _CELLS]
    return ["–" if accuracy is None else _estimate(accuracy) for accuracy in accuracies]


def _estimate(numbers: dict[str, float]) -> str:
    return str(Estimate(**numbers))


def _line(cells: Any) -> str:
    return "| " + " | ".join(cells) + " |"


def _plateau(result: dict[str, Any]) -> str | None:
    """A run that never left chance is named: its figures say nothing about its features."""
    if result["final_loss"] < result["chance_loss"] - 0.1:
        return None
    return f"- {result['variant']}, seed {result['seed']}, never left the plateau (loss {result['final_loss']:.2f})."
