"""Programs for texts against the engine: the same words, folds, networks, steps, and the same change of a batch."""

from __future__ import annotations

import ast
import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from engine_twins import draw_the_same, same_steps, same_weights, same_weights_in_keras
from exported_programs import namespace, ruff, scores
from planned_runs import fit_by_plan, require_reached

import wellfit as wf
from wellfit import job
from wellfit.data import NgramVocabulary, Vocabulary
from wellfit.errors import UsageError
from wellfit.exporter import TARGETS
from wellfit.exporter.facts import Reading
from wellfit.exporter.kinds import read_facts
from wellfit.exporter.programs import program_of
from wellfit.exporter.text_facts import TextFacts
from wellfit.job.text_source import texts_from_file
from wellfit.models.text_shape import MODELS, TextShape

RUN_SEEDS, SEEDS = 8, 5
IN_KERAS = [model for model in MODELS if model != "transformer"]
HOSTILE = ("'''\"\"\" \\ abort()", '"); __import__("abort").abort() #')
"""A column and a class that end a string, a comment or a template where they are pasted into code."""
CLASSES = (HOSTILE[1], "{0} FORWARD DROPS ROWS", "x #? mix")


def made_texts(rows: int = 420) -> pd.DataFrame:
    """Texts of three classes, told by one or two words among many; some are missing, doubled or of odd signs."""
    draw = np.random.default_rng(0)
    telling = [["great", "LOVELY"], ["awful", "d\u00fcll"], ["so-so", "mi\u0301d"]]
    marked = ["\u0928\u0939\u0940\u0902", "\u05e1\u05b5\u05e4\u05b6\u05e8", "\u0645\u06cc\u200c\u062e"]
    marked += ["e\u0301\u0323 \u2764\ufe0f"]  # two marks on a letter, and one that belongs to a picture
    plain = [*(f"word{i}" for i in range(40)), "it's", "\u4f60", "3.5", "!?", "__import__('abort')", *marked]
    labels = draw.integers(0, 3, rows)
    texts = [
        " ".join(draw.permutation([*draw.choice(plain, draw.integers(2, 12)), *draw.choice(telling[k], 1)]))
        for k in labels
    ]
    wrong = draw.random(rows) < 0.15
    frame = pd.DataFrame({HOSTILE[0]: texts, "stars": [CLASSES[k] for k in np.where(wrong, (labels + 1) % 3, labels)]})
    frame.loc[::50, HOSTILE[0]] = None
    frame.loc[7, "stars"] = None
    return frame


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    data = folder / "it's \"__import__\".csv"
    made_texts().to_csv(data, index=False, sep=";")
    recipe = wf.Recipe(wf.Dropout(0.1), wf.TokenMask(0.1), wf.EMA(0.9), settings={"learning_rate": 1e-2})
    options = {"text": HOSTILE[0], "target": "stars"}
    return fit_by_plan(data, folder, recipe, options=options, width=16, depth=1, steps=60, seeds=RUN_SEEDS), data


@pytest.fixture(scope="module")
def program(case, tmp_path_factory):
    return namespace(wf.export(case[0], data=case[1]).code, tmp_path_factory.mktemp("program"))


@pytest.mark.parametrize("to", [n for n, target in TARGETS.items() if "text" in target.kinds])
def test_a_program_reaches_what_the_run_reached(case, to, tmp_path):
    require_reached(*case, to, tmp_path, RUN_SEEDS, SEEDS)


def check_reading(data, program, folds):
    """A program's rows, folds and numbers are those of the run; ``folds`` takes them from its split."""
    source = texts_from_file(data, job.Options(text=HOSTILE[0], target="stars"))
    frame = program["read"](program["DATA"])
    target, texts = program["target_of"](frame), program["documents"](frame)
    rows = source.table.rows
    np.testing.assert_array_equal(target[rows], source.table.target)
    assert texts[rows].tolist() == source.table.features.tolist() and len(rows) < len(texts)
    for (train, valid), (own, own_valid) in zip(program["folds"](target), folds(source.split), strict=True):
        assert set(train) == set(rows[own]) and set(valid) == set(rows[own_valid])
        expected = NgramVocabulary.fit(source.table.features[own])
        sizes = {"words": expected.words[: program["WORDS"]], "pieces": expected.pieces[: program["PIECES"]]}
        places = program["WORD_PLACES"], program["LENGTH"] - program["WORD_PLACES"]
        expected = dataclasses.replace(expected, **sizes, length=places[0], piece_length=places[1])
        np.testing.assert_array_equal(program["Encoder"](texts[train])(texts[rows]), expected.encode(texts[rows]))


def test_texts_are_read_split_and_numbered_as_by_the_run(case, program):
    check_reading(case[1], program, lambda split: split.folds)


def test_a_thousand_texts_have_one_slice_to_validate_on(tmp_path):
    data = tmp_path / "many.csv"
    made_texts(1500).to_csv(data, index=False, sep=";")
    recipe = wf.Recipe(wf.Dropout(0.1), settings={"learning_rate": 1e-2})
    options = {"text": HOSTILE[0], "target": "stars"}
    run = fit_by_plan(data, tmp_path, recipe, options=options, width=16, depth=1, steps=5, seeds=1)
    check_reading(data, namespace(wf.export(run, data=data).code, tmp_path), lambda split: split.fresh[:1])


def test_words_alone_are_numbered_as_by_the_run(tmp_path):
    told = facts()
    program = namespace(program_of(told, "torch").code, tmp_path)
    texts = program["documents"](made_texts(60).rename(columns={HOSTILE[0]: "x"}))
    expected = Vocabulary.fit(texts).cut(program["WORDS"], program["LENGTH"])
    np.testing.assert_array_equal(program["Encoder"](texts)(texts), expected.encode(texts))


def test_texts_of_the_data_are_string_constants(case, tmp_path):
    run, data = case
    for code in (wf.export(run, data=data).code, wf.export(run).code):
        tree = ast.parse(code)
        held = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        assert {*CLASSES, HOSTILE[0], "stars"} <= held
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                node.value = ""
        assert not any(w in ast.unparse(tree) for w in ("abort", "__import__", "FORWARD", "DROPS", "ROWS", "lovely"))
        assert not any("abort" in line.partition("#")[2] for line in code.splitlines() if line.lstrip()[:1] == "#")
        (tmp_path / "program.py").write_text(code)
        assert ruff(tmp_path / "program.py", "--select", "E,F,I,UP,B,SIM,C4") == ""


def test_without_the_file_rows_are_drawn_anew(case, tmp_path):
    run, data = case
    exported = wf.export(run)
    assert any(sentence.startswith("The split") for sentence in exported.missing)
    lines = exported.code.replace('DELIMITER = ","', 'DELIMITER = ";"').splitlines()
    named = "\n".join(f"DATA = {str(data)!r}" if line.startswith("DATA = ") else line for line in lines)
    assert 0 < scores(named, tmp_path, 1)[0] < 1.1  # three classes alike


def test_what_is_not_written_for_texts_is_refused_with_the_way_out(case, tmp_path):
    for to in sorted(n for n, target in TARGETS.items() if "text" not in target.kinds):
        with pytest.raises(UsageError) as error:
            wf.export(case[0], to=to)
        assert error.value.code == "WF-A43" and "torch" in error.value.fix
    other = made_texts().iloc[2:]
    other.to_csv(tmp_path / "other.csv", index=False)
    for path in (tmp_path / "other.csv", tmp_path):
        with pytest.raises(UsageError, match="WF-A41"):
            wf.export(case[0], data=path)


def facts(*parts: wf.Regularizer, model: str = "bag") -> TextFacts:
    """Facts of a run on texts with a recipe."""
    return TextFacts(
        task="multiclass", target="y", classes=("a", "b", "c"), text="x", words=10 if model == "ngrams" else 0,
        shape=TextShape(23, 9, 3, 8, model, 4 if model == "ngrams" else 0),
        settings={"rate": 0.01, "batch": 16, "steps": 4, "evaluate_every": 2}, parts={p.name: p for p in parts},
        reading=Reading("x.csv"),
    )  # fmt: skip


def rows_of_words(rows: int) -> torch.Tensor:
    """Rows of 9 numbers below 23: padding at their ends, unknown words, one row of nothing at all."""
    draw = torch.Generator().manual_seed(0)
    tokens = torch.randint(1, 23, (rows, 9), generator=draw)
    tokens[torch.arange(9) >= torch.randint(1, 10, (rows, 1), generator=draw)] = 0
    tokens[3] = 0
    return tokens


def network_of(told):
    """The run's network; weights that all begin at 0 are drawn, or both sides would say 0 whatever they compute."""
    torch.manual_seed(0)
    network = told.shape.network()
    for weight in network.parameters():
        if not weight.any():
            torch.nn.init.normal_(weight, std=0.3)
    return network


def twins(told, folder):
    """What a program defines, its network and the run's, of the same weights, in float64."""
    defined = namespace(program_of(told, "torch").code, folder)
    return defined, *same_weights(defined["Network"](3), network_of(told))


@pytest.mark.parametrize("model", MODELS)
def test_the_network_is_the_run_s(model, tmp_path):
    _, ours, theirs = twins(facts(model=model), tmp_path)
    tokens = rows_of_words(12)
    with torch.no_grad():
        torch.testing.assert_close(ours(tokens), theirs(tokens), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_first_weights_are_drawn_as_the_run_s(model, tmp_path):
    """The same standard deviation of each, over many networks."""
    defined = namespace(program_of(facts(model=model), "torch").code, tmp_path)
    shape = facts(model=model).shape
    ours, theirs = ([list(make().parameters()) for _ in range(60)]
                    for make in (lambda: defined["Network"](3), shape.network))  # fmt: skip
    for mine, other in zip(zip(*ours, strict=True), zip(*theirs, strict=True), strict=True):
        one, two = (torch.stack(list(w)).detach().std() for w in (mine, other))
        torch.testing.assert_close(one, two, rtol=0.15, atol=1e-6)


RECIPES = {
    "nothing": [], "L1": [wf.L1(1e-3)], "MaxNorm": [wf.MaxNorm(0.5)],
    "cocktail": [wf.EMA(0.8), wf.WeightDecay(0.1), wf.ClipNorm(0.5), wf.LabelSmoothing(0.1), wf.SAM(0.05)],
}  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("parts", RECIPES.values(), ids=RECIPES)
def test_steps_are_those_of_the_engine(parts, model, tmp_path):
    defined, ours, theirs = twins(facts(*parts, model=model), tmp_path)
    same_steps(defined, ours, wf.Recipe(*parts, silence=["WF-L40"]), theirs, rows_of_words(64))


@pytest.mark.parametrize("model", MODELS)
def test_a_batch_is_blended_and_hidden_as_by_the_engine(model, tmp_path, monkeypatch):
    """Steps with the same draws on both sides: every text is blended with another, and every word is hidden."""
    tokens = rows_of_words(64)
    for parts in ([wf.WordMixup(1.0), wf.SAM(0.1), wf.LabelSmoothing(0.1)], [wf.TokenMask(0.9)]):
        defined, ours, theirs = twins(facts(*parts, model=model), tmp_path)
        with monkeypatch.context() as patch:
            draw_the_same(patch)
            same_steps(defined, ours, wf.Recipe(*parts, silence=["WF-L03"]), theirs, tokens)


@pytest.mark.parametrize("model", MODELS)
def test_dropout_stands_where_it_does_in_the_run(model, tmp_path, monkeypatch):
    """With all hidden values gone, and with words gone, both sides say the same."""
    from wellfit.draws import Now
    from wellfit.sites import acting, find_sites

    for part in (wf.Dropout(1.0), wf.TokenDropout(1.0), wf.GaussianDropout(0.0), wf.AlphaDropout(0.0)):
        _, ours, theirs = twins(facts(part, model=model), tmp_path)
        sites = [s for s in find_sites(theirs).values() if part.selects_site(s)]
        tokens = rows_of_words(12)
        with torch.no_grad(), acting(theirs, lambda h, site, p=part: p.activation(h, site, {}, Now.at(0)), sites):
            expected = theirs.train()(tokens)
        torch.testing.assert_close(ours.train()(tokens).detach(), expected, rtol=1e-9, atol=1e-9)


def test_what_a_program_cannot_say_is_listed():
    told = facts(wf.WordDeletion(protect="x"), wf.NEFTune(), wf.TokenMask(0.1, mask=103, first=999), wf.Dropout(0.1))
    missing = " ".join(program_of(told, "torch").missing)
    assert all(name in missing for name in ("WordDeletion", "NEFTune", "TokenMask")) and " Dropout" not in missing


@pytest.mark.parametrize("to", ["torch", "lightning", "keras"])
@pytest.mark.parametrize("sam", [False, True], ids=["plain", "SAM"])
def test_a_program_of_any_recipe_trains_and_passes_ruff(case, to, sam, tmp_path):
    """On the run's texts, with all that changes a batch or follows a step."""
    told = read_facts(*case)
    parts = [wf.WordMixup(0.5), wf.TokenMask(0.1), wf.L1(1e-4), wf.MaxNorm(2.0), wf.ClipNorm(1.0), wf.EarlyStopping(2)]
    parts += [wf.WordDeletion(0.1), wf.WordSwap(0.2)]
    for model in MODELS if to != "keras" else IN_KERAS:
        shape = dataclasses.replace(told.shape, model=model, width=16)
        made = [*parts, *([wf.SAM(0.05)] if sam else [wf.EMA(0.9)])]
        code = program_of(dataclasses.replace(told, shape=shape, parts={p.name: p for p in made}), to).code
        assert scores(code, tmp_path, 1)[0] < 1.5  # three classes alike are 1.1
        assert ruff(tmp_path / "program.py", "--select", "E,F,I,UP,B,SIM,C4") == ""


@pytest.mark.parametrize("model", IN_KERAS)
def test_a_keras_program_holds_nothing_that_it_does_not_use(model, tmp_path):
    path = tmp_path / "program.py"
    for parts in ([], [wf.WordMixup(0.4)], [wf.Dropout(0.1)], [wf.L2(1e-3)], [wf.TokenMask(0.1)], [wf.SAM(0.05)]):
        program_of(facts(*parts, model=model), "keras").save(path)
        assert ruff(path, "--select", "F") == ""
        assert "WORD_MIXUP" not in path.read_text()
    assert "WORD_MIXUP = 0.4" in program_of(facts(wf.WordMixup(0.4), model=model), "torch").code


def test_a_transformer_is_not_written_in_keras():
    with pytest.raises(UsageError, match="WF-A43") as error:
        program_of(facts(model="transformer"), "keras")
    assert "transformer" in error.value.message and "torch or lightning" in error.value.fix


@pytest.mark.parametrize("model", IN_KERAS)
def test_the_network_in_keras_is_the_run_s(model, tmp_path):
    told = facts(model=model)
    ours, theirs = namespace(program_of(told, "keras").code, tmp_path)["make_network"](3), network_of(told)
    same_weights_in_keras(ours, theirs, {})
    tokens = rows_of_words(12)
    found = torch.as_tensor(ours(tokens.numpy(), training=False)).detach()
    torch.testing.assert_close(found, theirs(tokens).detach(), rtol=1e-4, atol=1e-5)


TOLD = [
    "a fine film, not a DULL one", "they didn't like it", "so so so", "word", "",
    "Mary saw 3 films in well-known towns.",
]  # fmt: skip


def test_all_words_that_may_go_are_those_of_the_engine(tmp_path):
    """At a share of 1; at a smaller one as many, and another draw takes others."""
    from random import Random

    from wellfit.text.edits import delete_words, swap_words

    defined = namespace(program_of(facts(wf.WordDeletion(1.0), wf.WordSwap(1.0)), "torch").code, tmp_path)
    for text in TOLD:
        if text not in ("so so so", "word"):  # where one word stays, which of them is drawn
            ours, theirs = defined["shortened"](text, Random(0)), delete_words(text, Random(0), 1.0)
            assert defined["tokens_of"](ours) == defined["tokens_of"](theirs)
        assert sorted(defined["swapped"](text, Random(0)).split()) == sorted(swap_words(text, Random(0), 1.0).split())
    assert defined["shortened"]("word", Random(0)) == "word"
    assert defined["shortened"]("so so", Random(0)).split() == ["so"]
    assert defined["swapped"]("fine film", Random(0)) == "film fine"
    some = namespace(program_of(facts(wf.WordDeletion(0.3)), "torch").code, tmp_path)
    text = "one two three four five six seven eight nine ten"
    found = {some["shortened"](text, Random(seed)) for seed in range(20)}
    assert len(found) > 10 and {len(t.split()) for t in found} == {len(delete_words(text, Random(0), 0.3).split())}


def test_variants_stand_behind_the_texts_with_their_labels(tmp_path):
    defined = namespace(program_of(facts(wf.WordDeletion(0.5), wf.WordSwap(0.5)), "torch").code, tmp_path)
    texts, y = np.array(["very good film", "not", "so dull"], dtype=object), np.eye(3)
    found, labels = defined["with_variants"](texts, y, 0)
    assert found[:3].tolist() == texts.tolist() and len(found) == len(labels) == 7
    assert labels[3:].argmax(1).tolist() == [0, 2, 0, 2]
