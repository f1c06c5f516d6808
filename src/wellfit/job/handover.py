"""The end of a run: choose, build the ensemble, read the test rows once, and write everything down."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wellfit.files import write_bytes, write_text
from wellfit.job import balance_figures
from wellfit.job.baselines import Baselines
from wellfit.job.compare import (
    Contestant,
    ScoredRows,
    SealedTest,
    averaged,
    best_weights,
    comparison,
    contestants,
    last_weights,
    nets_of,
    scales_of,
    test_inputs,
)
from wellfit.job.ensembling import Ensemble, choose_ensemble
from wellfit.job.folder import plain, preprocess_json, write_json, write_model
from wellfit.job.history import curves_of, history_bytes
from wellfit.job.inside import inside_record
from wellfit.job.metrics import figure
from wellfit.job.nets import Nets
from wellfit.job.phases import Finalist
from wellfit.job.run import Run
from wellfit.job.run_diagnosis import diagnosis_of, say_why
from wellfit.job.selection import selection
from wellfit.job.stage import Stage
from wellfit.job.tried import tried_record
from wellfit.job.verdict import stopped_verdict, too_brief, untested_verdict, verdict
from wellfit.job.winners_curse import curse_record
from wellfit.lint import Finding
from wellfit.recipe import Recipe
from wellfit.searching.halving import Entrant
from wellfit.training.cohort import seeded


def finish(
    stage: Stage, finalists: Sequence[Finalist], refit: Sequence[tuple[Finalist, Entrant]], ensemble: Ensemble | None,
    baselines: Baselines | None, record: dict[str, Any], folder: Path, status: str, used: Callable[[], float],
) -> Run:  # fmt: skip
    """Judge, choose and write; returns the run."""
    with stage.judging.threaded():
        return _finished(stage, finalists, refit, ensemble, baselines, record, folder, status, used)


def _finished(
    stage: Stage, finalists: Sequence[Finalist], refit: Sequence[tuple[Finalist, Entrant]], ensemble: Ensemble | None,
    baselines: Baselines | None, record: dict[str, Any], folder: Path, status: str, used: Callable[[], float],
) -> Run:  # fmt: skip
    shape = stage.material.shape(stage.plan.width, stage.plan.depth)
    chosen = min(finalists, key=lambda f: f.score)
    ensemble = ensemble or choose_ensemble(stage, chosen)
    groups, use = _groups(stage, chosen, refit, ensemble)
    fitted = list(baselines.done) if baselines else []
    rows = stage.material.split.test
    truth, weight = stage.material.table.target[:0], stage.material.weight[:0]
    if len(rows):
        sealed = SealedTest(stage.material)
        rows, truth, weight = sealed.open()
        judged = sorted(finalists, key=lambda f: f.score)
        judged = _as_many_seeds_as_there_is_time_for(stage, judged, use)
        found = contestants(stage, shape, judged, fitted, rows)
        found += _handed_over(stage, groups, use, rows, ensemble.told)
        scored = ScoredRows(stage.metric, truth, weight, stage.material.groups_of(rows))
        record["comparison"] = comparison(found, scored)
        record["verdict"] = verdict(record["comparison"], stage.metric, chosen.key, too_brief(stage, finalists))
        record["test_reads"] = sealed.reads
    balance_figures.complete(stage, record, shape, (rows, truth, weight))
    if baselines:
        record["plan"]["skipped"] += baselines.missing()
    if status != "finished":
        record["verdict"] = stopped_verdict(status)
    record["verdict"] = {**record.get("verdict", untested_verdict()), "not_checked": record["plan"]["skipped"]}
    recipe = chosen_recipe(stage, chosen)
    _complete(stage, record, recipe, use, status, finalists, chosen)
    record["curse"] = curse_record(stage, chosen, record["comparison"])
    record["selection"] = selection(stage, chosen, refit, shape)
    _write(stage, groups, use, recipe, record, folder, finalists, used)
    _say(stage, record, folder)
    return Run(folder, record)


def _as_many_seeds_as_there_is_time_for(
    stage: Stage, finalists: Sequence[Finalist], use: dict[str, Any]
) -> list[Finalist]:
    """The finalists with the seeds that are judged."""
    material = stage.material
    test, valid = len(material.split.test), max(len(v) for _, v in material.split.folds)
    # the control's last epoch is judged too, and its temperature is fitted on validation rows
    each = len(material.judging) * (min(5, len(finalists) + 1) * test + valid)
    others = sum(len(u["members"]) for u in use.values()) * test
    seeds = stage.seeds_for_the_test(max(len(f.entrants) for f in finalists), each, others)
    return [dataclasses.replace(f, entrants=f.entrants[:seeds]) for f in finalists]


def _lint(stage: Stage, recipe: Recipe) -> list[Finding]:
    """The recipe against the network, batch and metric that it was found with."""
    network = seeded(stage.material.shape(stage.plan.width, stage.plan.depth).network, 0)
    return recipe.lint(
        network, optimizer="Adam", batch=stage.plan.batch, rows=stage.material.fewest,
        calibrated=stage.metric.name == "log loss",
    )  # fmt: skip


def chosen_recipe(stage: Stage, chosen: Finalist) -> Recipe:
    """The chosen recipe with what a training beside it needs."""
    return Recipe(*chosen.candidate.recipe.active(), settings=stage.settings(chosen.candidate.rate))


def _groups(
    stage: Stage, chosen: Finalist, refit: Sequence[tuple[Finalist, Entrant]], ensemble: Ensemble
) -> tuple[dict[str, Nets], dict[str, Any]]:
    """The networks to hand over, and how they are used: one alone, and the greedy ensemble of the population."""
    groups: dict[str, Nets] = {}
    own = [e for f, e in refit if f is chosen]
    cross = nets_of(stage, chosen.entrants, best_weights)
    if own:
        groups["single"] = _calibrated_as(cross, nets_of(stage, own[:1], last_weights))
    else:
        groups["single"] = cross.take(range(stage.material.folds))
    weights = [1.0 / len(groups["single"])] * len(groups["single"])
    use: dict[str, Any] = {"single": {"members": [["single", i] for i in range(len(weights))], "weights": weights,
                                      "temperature": 1.0}}  # fmt: skip
    members: list[list[Any]] = []
    spread: list[float] = []
    for place, (entrant, share) in enumerate(zip(ensemble.entrants, ensemble.shares, strict=True)):
        nets = _member(stage, entrant, ensemble.again.get(place))
        name = "+".join(p.name for p in nets.structure) or "plain"
        start = len(groups[name]) if name in groups else 0
        groups[name] = _appended(groups.get(name), nets)
        members += [[name, start + i] for i in range(len(nets))]
        spread += [share / len(nets)] * len(nets)
    use["ensemble"] = {"members": members, "weights": spread, "temperature": ensemble.temperature}
    return groups, use


def _member(stage: Stage, entrant: Entrant, again: Entrant | None) -> Nets:
    """The networks of a member of the ensemble, as it was validated and where it was trained again on all rows."""
    validated = nets_of(stage, [entrant], best_weights)
    if again is None:
        return validated
    return _appended(validated, _calibrated_as(validated, nets_of(stage, [again], last_weights)))


def _calibrated_as(validated: Nets, alone: Nets) -> Nets:
    """Networks that know all rows, with the temperature that others of their recipe had on validation rows."""
    return dataclasses.replace(alone, temperatures=validated.temperatures[:1])


def _appended(held: Nets | None, more: Nets) -> Nets:
    import torch

    if held is None:
        return more
    weights = {n: torch.cat([held.weights[n], more.weights[n]]) for n in held.weights}
    return Nets(held.structure, weights, held.views + more.views, held.temperatures + more.temperatures)


def _handed_over(
    stage: Stage, groups: dict[str, Nets], use: dict[str, Any], rows: np.ndarray, ensemble: str
) -> list[Contestant]:
    """What ``predict`` will give, judged like everything else."""
    shape = stage.material.shape(stage.plan.width, stage.plan.depth)
    inputs, scales = test_inputs(stage.material, rows), scales_of(stage.material)
    labels = {"single": ("refit", "chosen recipe, handed over"), "ensemble": ("ensemble", "greedy ensemble")}
    found = []
    for which, (key, label) in labels.items():
        members = use[which]["members"]
        predicted = np.concatenate([groups[g].take([i]).predictions(shape, inputs, scales) for g, i in members])
        mean = averaged(predicted, np.array(use[which]["weights"]), use[which]["temperature"], scales is None)
        networks = f"{len(members):,} networks" if len(members) > 1 else ""
        found.append(Contestant(key, label, mean[None], 1, ensemble if key == "ensemble" else networks))
    return found


def _complete(
    stage: Stage, record: dict[str, Any], recipe: Recipe, use: dict[str, Any], status: str,
    finalists: Sequence[Finalist], chosen: Finalist,
) -> None:  # fmt: skip
    record["status"] = status
    record["plan"] = {**record["plan"], **stage.plan.to_json()}
    record["recipe"] = recipe.to_json()
    record["lint"] = [f.to_json() for f in _lint(stage, recipe)]
    record["calibration"] = {"temperature": use["ensemble"]["temperature"]}
    record["search"] = search_record(stage, finalists, chosen)
    record["curves"] = curves_of(finalists, chosen)
    record["inside"] = inside_record(stage, chosen)
    record["plan"]["skipped"] += stage.skipped
    if diagnosis := diagnosis_of(stage, finalists, chosen):
        record["diagnosis"] = diagnosis


def search_record(stage: Stage, finalists: Sequence[Finalist], chosen: Finalist) -> dict[str, Any]:
    """What was tried, and what came of it."""
    return {
        "members": sum(r.members for r in stage.records if r.until == stage.plan.rungs[0].until),
        "diverged": int(stage.diverged), "member_steps": dict(stage.spent),
        "rungs": [plain(vars(r)) for r in stage.records],
        "candidates": [
            {"label": e.candidate.label, "kind": e.candidate.kind, "rate": e.candidate.rate, "loss": e.score,
             "step": e.step}
            for e in sorted(stage.pool, key=lambda e: e.score)[:200]
        ],
        "tried": tried_record(stage),
        "finalists": [
            {"key": f.key, "label": f.candidate.label, "rate": f.candidate.rate, "score": f.score, "steps": f.steps,
             "chosen": f is chosen}
            for f in finalists
        ],
    }  # fmt: skip


def _write(
    stage: Stage, groups: dict[str, Nets], use: dict[str, Any], recipe: Recipe, record: dict[str, Any], folder: Path,
    finalists: Sequence[Finalist], used: Callable[[], float],
) -> None:  # fmt: skip
    from wellfit.report.page import render

    table = stage.material.table
    shape = stage.material.shape(stage.plan.width, stage.plan.depth)
    write_model(folder / "model.safetensors", groups)
    needed = 1 + max([stage.material.folds, *(v for nets in groups.values() for v in nets.views)])
    kind, views = stage.material.kind, stage.material.views[:needed]
    content = preprocess_json(
        kind, views, shape, plain(table.class_values), table.target_name, table.task, groups, use
    )  # fmt: skip
    write_json(folder / "preprocess.json", content)
    recipe.save(folder / "recipe.json")
    write_bytes(folder / "history.npz", history_bytes(finalists))
    record["seconds"] = used()
    write_json(folder / "run.json", record)
    write_text(folder / "report.html", render(plain(record)))


def _say(stage: Stage, record: dict[str, Any], folder: Path) -> None:
    say_why(stage, record)
    stage.progress.say("result", record["verdict"]["sentence"])
    for row in record["comparison"]:
        if row["key"] in ("cocktail", "ensemble", "boosting"):
            low, high = row["interval"]
            told = f"{row['label']}: {stage.metric.name} {figure(row['score'])} [{figure(low)}, {figure(high)}]"
            stage.progress.say("result", f"{told} on the test rows")
    chosen = next((f for f in record["search"]["finalists"] if f["chosen"]), None)
    if chosen:
        stage.progress.say("recipe", f"{chosen['label']}; learning rate {chosen['rate']:.2g}")
    stage.progress.say("wrote", f"{folder}: report.html, recipe.json, model.safetensors ({record['seconds']:.1f} s)")
    stage.progress.say("next", f"wellfit predict {folder} new.csv -o predictions.csv")
