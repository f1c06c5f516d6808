"""Exported programs against the engine: the same matrix, the same folds, the same network, the same steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from exported_programs import namespace, without_wellfit

import wellfit as wf
from wellfit.data import Encoder, make_table, read_table, split_table
from wellfit.job.folder import Stored
from wellfit.models.mlp import MLP
from wellfit.target import Target
from wellfit.training.lone import Lone
from wellfit.training.optimizers import Adam


@pytest.mark.parametrize("name", ["wine", "cancer", "diabetes"])
def test_rows_are_encoded_and_split_as_by_the_run(cases, name, tmp_path):
    case = cases[name]
    table = make_table(read_table(case.file), "target")
    split = split_table(table, seed=0)
    defined = namespace(wf.export(case.run, data=case.file).code, tmp_path)
    frame = defined["read"](defined["DATA"])
    target = defined["target_of"](frame)
    np.testing.assert_array_equal(target[table.rows], table.target)
    found = defined["folds"](target)
    assert len(found) == len(split.folds)
    for (train, valid), (own_train, own_valid) in zip(found, split.folds, strict=True):
        assert set(train) == set(table.rows[own_train]) and set(valid) == set(table.rows[own_valid])
        expected = Encoder.fit(table, rows=own_train)
        encoder = defined["Encoder"](frame.iloc[train])
        np.testing.assert_allclose(
            encoder(frame.iloc[table.rows]), expected.transform(table.frame), rtol=1e-5, atol=1e-6
        )
        assert [kind for kind, _ in encoder.layout] == [block.kind for block in expected.blocks]


def test_a_frequency_stands_beside_a_category_with_more_values_than_slots(tmp_path):
    """A column of 200 categories, as wide as the encoder makes it, and what it does with one that it has not seen."""
    import pandas as pd

    from wellfit.exporter.facts import Reading
    from wellfit.exporter.reading import encoding_pieces, reading_constants, reading_pieces
    from wellfit.exporter.source import program
    from wellfit.exporter.table_facts import TableFacts
    from wellfit.models.mlp import Shape

    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"c": [f"k{n}" for n in draw.geometric(0.02, 900)], "y": draw.normal(size=900)})
    frame.loc[::50, "c"] = None
    facts = TableFacts(
        task="regression", target="y", classes=(), columns=(("c", "category"),), others=True, shape=Shape(65, 1),
        settings={}, parts={}, reading=Reading("x.csv"),
    )  # fmt: skip
    pieces = [*reading_pieces(facts), *encoding_pieces(facts, False, True)]
    constants = [*reading_constants(facts), "EMBED_FROM = 9"]
    defined = namespace(program("Rows.", [], constants, pieces, "print()"), tmp_path)
    expected = Encoder.fit(make_table(frame, "y"), rows=np.arange(600))
    new = pd.concat([frame, pd.DataFrame({"c": ["never seen", None], "y": [0.0, 0.0]})], ignore_index=True)
    np.testing.assert_allclose(defined["Encoder"](frame.iloc[:600])(new), expected.transform(new), rtol=1e-5, atol=1e-6)


def twins(run, defined, encoder, recipe):
    """The program's network and the run's, of the same weights, in float64."""
    shape = Stored(run.folder).shape
    theirs = recipe.rewrite(MLP(shape)).double()
    ours = defined["make_network"](encoder, shape.outputs).double()
    pairs = list(zip(ours.parameters(), theirs.parameters(), strict=True))
    assert [p.shape for p, _ in pairs] == [q.shape for _, q in pairs]
    with torch.no_grad():
        for mine, other in pairs:
            mine.copy_(other)
    return ours, theirs


@pytest.mark.parametrize("name", ["wine", "diabetes"])
def test_the_network_is_the_run_s(with_recipe, cases, name, tmp_path):
    run = with_recipe(name, wf.BatchNorm())
    defined = namespace(wf.export(run, data=cases[name].file).code, tmp_path)
    encoder = defined["Encoder"](defined["read"](defined["DATA"]))
    ours, theirs = twins(run, defined, encoder, run.recipe)
    x = torch.from_numpy(encoder(defined["read"](defined["DATA"]))).double()
    assert x.shape[1] == Stored(run.folder).shape.inputs
    for mode in (True, False):
        with torch.no_grad():
            torch.testing.assert_close(ours.train(mode)(x), theirs.train(mode)(x), rtol=1e-12, atol=1e-12)


RECIPES = {
    "nothing": [],
    "L2": [wf.L2(1e-2)],
    "L1": [wf.L1(1e-2)],
    "L1 in the loss": [wf.L1(1e-2, form="loss")],
    "ElasticNet": [wf.ElasticNet(1e-2, l1_ratio=0.3)],
    "WeightDecay": [wf.WeightDecay(0.5)],
    "coupled decay": [wf.WeightDecay(0.1, form="coupled")],
    "clipping": [wf.ClipNorm(0.1)],
    "clipped values": [wf.ClipValue(0.01)],
    "MaxNorm": [wf.MaxNorm(0.5)],
    "SAM": [wf.SAM(0.1)],
    "EMA": [wf.EMA(0.8)],
    "LabelSmoothing": [wf.LabelSmoothing(0.2)],
    "cocktail": [wf.SAM(0.05), wf.L1(1e-3), wf.WeightDecay(0.1), wf.ClipNorm(0.5), wf.MaxNorm(1.0), wf.EMA(0.9)],
}


@pytest.mark.parametrize("parts", RECIPES.values(), ids=RECIPES)
def test_steps_are_those_of_the_engine(with_recipe, cases, parts, tmp_path):
    """Five steps on given batches in float64, with the same weights before and after."""
    run = with_recipe("wine", *parts, rate=0.01)
    defined = namespace(wf.export(run, data=cases["wine"].file).code, tmp_path)
    frame = defined["read"](defined["DATA"])
    encoder = defined["Encoder"](frame)
    ours, theirs = twins(run, defined, encoder, wf.Recipe())
    start = [p.detach().clone() for p in ours.parameters()]
    x = torch.from_numpy(encoder(frame)).double()
    y = torch.eye(3, dtype=torch.float64)[torch.tensor(defined["target_of"](frame))]
    lone = Lone(theirs, wf.Recipe(*parts), Adam(), rate=0.01)
    with without_wellfit():
        optimizer = defined["make_optimizer"](ours)
        average = defined["average_of"](ours) if "average_of" in defined else None
    for first in range(0, 160, 32):
        rows = slice(first, first + 32)
        lone.step(x[rows], Target(y[rows], torch.ones(32, dtype=torch.float64), classes=True))
        with without_wellfit():
            defined["take_step"](ours, optimizer, x[rows], y[rows])
            if average is not None:
                average.update_parameters(ours)
    judged = average.module if average is not None else ours
    for mine, other in zip(judged.parameters(), lone.weights().values(), strict=True):
        torch.testing.assert_close(mine.detach(), other, rtol=1e-9, atol=1e-9)
    assert any((p != s).any() for p, s in zip(ours.parameters(), start, strict=True))
