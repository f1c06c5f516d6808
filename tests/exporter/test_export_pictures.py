"""Programs for images against the engine: the same pixels, folds, network, steps, and the same change of a batch."""

from __future__ import annotations

import ast
import dataclasses

import numpy as np
import pytest
import torch
from engine_twins import DRAW, draw_the_same, same_steps, same_weights, same_weights_in_keras
from exported_programs import namespace, ruff, scores, without_wellfit
from picture_cases import CLASSES, facts, write_folder
from planned_runs import fit_by_plan, require_reached

import wellfit as wf
from wellfit import job
from wellfit.data import PictureEncoder
from wellfit.draws import Now
from wellfit.errors import UsageError
from wellfit.exporter import TARGETS
from wellfit.exporter.kinds import read_facts
from wellfit.exporter.programs import program_of
from wellfit.job.picture_kind import PICTURES
from wellfit.job.picture_source import pictures_from_path
from wellfit.regularizers.picture_operations import OPERATIONS
from wellfit.regularizers.warping import warp
from wellfit.target import Target
from wellfit.training.statistics import mean_statistics

RUN_SEEDS, SEEDS = 8, 5


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    data = write_folder(folder / "it's \"__import__\"")
    recipe = wf.Recipe(
        wf.Rotation(10.0), wf.Shift(0.05), wf.EMA(0.8), settings={"learning_rate": 3e-3}, silence=["WF-L40"]
    )  # fmt: skip
    return fit_by_plan(data, folder, recipe, width=8, depth=0, steps=30, seeds=RUN_SEEDS), data


@pytest.fixture(scope="module")
def program(case, tmp_path_factory):
    run, data = case
    return namespace(wf.export(run, data=data).code, tmp_path_factory.mktemp("program"))


@pytest.mark.parametrize("to", [n for n, target in TARGETS.items() if "image" in target.kinds])
def test_a_program_reaches_what_the_run_reached(case, to, tmp_path):
    require_reached(*case, to, tmp_path, RUN_SEEDS, SEEDS)


def test_images_are_read_split_and_scaled_as_by_the_run(case, program):
    data = case[1]
    source = pictures_from_path(data, job.Options())
    pixels, target = program["read"](program["DATA"])
    used = np.flatnonzero(np.array(list(program["SPLIT"])) != "-")
    np.testing.assert_array_equal(pixels[used], source.table.take(np.arange(len(source.table)))[:])
    np.testing.assert_array_equal(target[used], source.table.target)
    (train, valid), *others = program["folds"](target)
    fresh = source.split.fresh[0]
    assert not others and set(train) == set(used[fresh[0]]) and set(valid) == set(used[fresh[1]])
    expected = PictureEncoder.fit(source.table.features, fresh[0])
    found = program["Encoder"](pixels[train])(torch.from_numpy(pixels[valid]))
    np.testing.assert_allclose(found, expected.transform(pixels[valid]), rtol=1e-5, atol=1e-5)


def test_names_of_folders_are_string_constants(case, tmp_path):
    run, data = case
    code = wf.export(run, data=data).code
    tree = ast.parse(code)
    held = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    assert {*CLASSES, str(data)} <= held
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    assert not any(word in ast.unparse(tree) for word in ("abort", "__import__", "DIGIT ONE", "ROWS", "ENDS", "LAYERS"))
    assert not any("abort" in line.partition("#")[2] for line in code.splitlines() if line.lstrip().startswith("#"))
    (tmp_path / "program.py").write_text(code)
    assert ruff(tmp_path / "program.py", "--select", "E,F,I,UP,B,SIM,C4") == ""


def test_what_is_not_written_for_images_is_refused_with_the_way_out(case, tmp_path):
    for to in sorted(n for n, target in TARGETS.items() if "image" not in target.kinds):
        with pytest.raises(UsageError) as error:
            wf.export(case[0], to=to)
        assert error.value.code == "WF-A43" and "torch" in error.value.fix
    with pytest.raises(UsageError, match="WF-A41"):
        wf.export(case[0], data=case[1] / CLASSES[0] / "deep" / "0000.png")
    without = wf.export(case[0])
    read = namespace(without.code, tmp_path)["read"]
    assert (read(case[1])[1] == -1).sum() == 1  # the damaged one
    with pytest.raises(SystemExit, match="called as a class"):
        read(case[1].parent)
    assert any(sentence.startswith("The split") for sentence in without.missing)


@pytest.mark.parametrize("blocks", [0, 2])
def test_the_network_is_the_run_s(blocks, tmp_path):
    told = facts(blocks=blocks)
    ours, theirs = twins(told, tmp_path)[1:]
    x = torch.randn(5, 3, 8, 10, dtype=torch.float64)
    for mode in (True, False):
        with torch.no_grad():
            torch.testing.assert_close(ours.train(mode)(x), theirs.train(mode)(x), rtol=1e-12, atol=1e-12)


def twins(told, folder):
    """What a program defines, its network and the run's, of the same weights, in float64."""
    defined = namespace(program_of(told, "torch").code, folder)
    return defined, *same_weights(defined["make_network"](3), told.shape.network())


RECIPES = {
    "nothing": [], "L2": [wf.L2(1e-2)], "L1": [wf.L1(1e-3)], "MaxNorm": [wf.MaxNorm(0.5)], "SAM": [wf.SAM(0.1)],
    "cocktail": [wf.EMA(0.8), wf.WeightDecay(0.1), wf.ClipNorm(0.5), wf.LabelSmoothing(0.1), wf.SAM(0.05)],
}  # fmt: skip


@pytest.mark.parametrize("parts", RECIPES.values(), ids=RECIPES)
def test_steps_are_those_of_the_engine(parts, tmp_path):
    """Four steps in float64 from the same weights; the statistics of batch norm, too."""
    defined, ours, theirs = twins(facts(*parts), tmp_path)
    x = torch.randn(64, 3, 8, 10, dtype=torch.float64)
    weights = same_steps(defined, ours, wf.Recipe(*parts, silence=["WF-L40"]), theirs, x)
    statistics = [b for n, b in ours.named_buffers() if "running" in n]
    expected = [weights[n] for n, _ in theirs.named_buffers() if "running" in n]
    torch.testing.assert_close(statistics, expected, rtol=1e-9, atol=1e-9)


def test_statistics_of_an_average_are_taken_as_by_the_engine(tmp_path):
    """Over batches in training mode, but without dropout."""
    defined, ours, theirs = twins(facts(wf.EMA(0.9), wf.Dropout(0.5)), tmp_path)
    x = torch.randn(3, 16, 3, 8, 10, dtype=torch.float64)
    with without_wellfit():
        defined["settle"](ours, x)
    found = [b for n, b in ours.named_buffers() if "running" in n]
    weights = {**dict(theirs.named_parameters()), **dict(theirs.named_buffers())}
    expected = mean_statistics(theirs, weights, dict(theirs.named_buffers()), x)
    pairs = [expected[n] for n, _ in theirs.named_buffers() if "running" in n]
    torch.testing.assert_close(found, pairs, rtol=1e-9, atol=1e-9)


CHANGES = {
    "all geometry": [wf.Crop(0.25), wf.Flip(0.9), wf.Rotation(20.0), wf.Shear(0.2), wf.Shift(0.2), wf.Zoom(0.3)],
    "along one axis": [wf.Flip(0.9, axis="vertical"), wf.Shear(0.3, axis="vertical"), wf.Shift(0.2, axis="horizontal")],
    "along both": [wf.Flip(0.9, axis="both"), wf.Shear(0.3, axis="both"), wf.Shift(0.2, axis="vertical")],
    "black borders": [wf.Rotation(30.0, fill="constant"), wf.Zoom(0.3, fill="constant")],
    "nearest": [wf.Rotation(33.0, fill="edge", interpolation="nearest")],
    "light": [wf.Brightness(0.3), wf.Contrast(0.4), wf.Saturation(0.5)],
    "erasing by black": [wf.RandomErasing(0.9, 0.4, 2.0, fill="constant")],
    "erasing by the mean": [wf.RandomErasing(0.9, 0.4, 2.0, fill="mean")],
    "erasing by noise": [wf.RandomErasing(0.9, 0.4, 2.0)],
    "Cutout": [wf.Cutout(0.5)],
    "CutMix": [wf.CutMix(1.0)],
    "in order": [
        wf.Rotation(20.0), wf.Contrast(0.4), wf.RandomErasing(0.9, fill="mean"), wf.Cutout(0.3), wf.Mixup(0.4)
    ],
}  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("parts", CHANGES.values(), ids=CHANGES)
def test_a_batch_is_changed_as_by_the_engine(parts, channels, tmp_path, monkeypatch):
    """With the same draws on both sides: every uniform and Beta draw is one number, partners are reversed."""
    told = facts(*parts, channels=channels)
    defined = namespace(program_of(told, "torch").code, tmp_path)
    x, y = 40 + 150 * torch.rand(6, channels, 8, 10), torch.eye(3)[torch.arange(6) % 3]
    encoder = told.encoder
    x = torch.from_numpy(encoder.transform(x.numpy()))
    found = changed_by_both(defined, parts, x, y, encoder, monkeypatch)
    assert not torch.equal(found, x)


def changed_by_both(defined, parts, x, y, encoder, monkeypatch, draw=DRAW, atol=1e-5, apart=0.0):
    """A batch as the program and as the engine change it with the same draws: all but a share of pixels agree."""
    with monkeypatch.context() as patch:
        draw_the_same(patch, draw)
        now = Now(**{**vars(Now.at(0)), "pixels": PICTURES.pixels(encoder)})
        expected, goal = wf.Recipe(*parts).batch(x, Target(y, torch.ones(len(x)), classes=True), now)
        ends = [scaled(encoder)] if "encoder" in defined["changed"].__annotations__ else []
        found, soft = defined["changed"](x, y, *ends)
    close = torch.isclose(found, expected, rtol=1e-5, atol=atol)
    assert (~close).double().mean() <= apart, (found - expected).abs().max()
    torch.testing.assert_close(soft, goal.values, rtol=1e-5, atol=1e-5)
    return found


POLICIES = {
    "RandAugment": wf.RandAugment(12.0), "three layers": wf.RandAugment(7.0, layers=3, fill="constant"),
    "TrivialAugment": wf.TrivialAugment(), "the standard space": wf.TrivialAugment(space="standard", fill="edge"),
}  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_policies_change_images_as_in_the_engine(policy, channels, tmp_path, monkeypatch):
    """Each of the fourteen operations, by a draw that chooses it; several interpolations in float32 of noise."""
    for parts in ([policy], [wf.Rotation(20.0, fill=policy.fill), policy, wf.Contrast(0.4)]):
        told = facts(*parts, channels=channels, side=20)
        defined = namespace(program_of(told, "torch").code, tmp_path)
        x = torch.from_numpy(told.encoder.transform(np.float32(torch.randint(0, 256, (4, channels, 20, 22)))))
        for operation in range(14):
            draw = float(np.float32((operation + 0.5) / 14))
            # behind an interpolation a pixel may lie between two levels, and is rounded to the one or the other
            apart = 0.01 if OPERATIONS[operation] in ("Posterize", "Solarize", "Equalize") else 0.0
            y = torch.eye(3)[[0, 1, 2, 0]]
            changed_by_both(defined, parts, x, y, told.encoder, monkeypatch, draw, 1e-4, apart)


def scaled(encoder):
    """The ends of the scale, as a program's encoder has them."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (encoder.mean, encoder.std))
    return type("Ends", (), {"black": -mean / std, "white": (255 - mean) / std})


@pytest.mark.parametrize(("fill", "mode"), [("reflect", "bilinear"), ("edge", "nearest")])
def test_a_map_moves_an_image_as_in_the_engine(fill, mode, tmp_path):
    """The same drawn matrices, far enough to leave the image."""
    told = facts(wf.Rotation(20.0, fill=fill, interpolation=mode))
    defined = namespace(program_of(told, "torch").code, tmp_path)
    maps = torch.eye(3).repeat(9, 1, 1)
    maps[:, :2] += 0.6 * torch.randn(9, 2, 3)
    x = torch.randn(9, 3, 8, 10)
    torch.testing.assert_close(defined["warp"](x, maps), warp(x, maps.double(), fill, mode), rtol=1e-5, atol=1e-5)


def test_shares_of_holes_are_spread_as_told(tmp_path):
    defined = namespace(program_of(facts(wf.Cutout(0.5, 0.3), channels=1, side=64), "torch").code, tmp_path)
    torch.manual_seed(0)
    np.random.seed(0)
    x, _ = defined["changed"](torch.ones(800, 1, 64, 66), torch.zeros(800, 3))
    own, _ = wf.Cutout(0.5, 0.3).batch(torch.ones(800, 1, 64, 66), None, Now.at(0))
    ours, theirs = ((1 - v).mean((1, 2, 3)) for v in (x, own))
    assert abs(ours.mean() - theirs.mean()) < 0.03 and abs(ours.std() - theirs.std()) < 0.03


def test_what_a_program_cannot_say_is_listed():
    told = facts(wf.Rotation(10.0), wf.Zoom(0.1, fill="edge"), wf.SelfDistillation(), wf.SpatialDropout(0.1))
    missing = " ".join(program_of(told, "torch").missing)
    assert "Zoom" in missing and "SelfDistillation" in missing
    assert "Dropout" not in missing and "Rotation" not in missing
    assert "ZOOM" not in program_of(told, "torch").code




@pytest.mark.parametrize("flip", ["reflect", "constant"])
def test_a_flip_fills_nothing_and_keeps_no_other_part_out(flip):
    found = program_of(facts(wf.Flip(0.5, fill=flip), wf.Rotation(5.0, fill="constant")), "torch")
    assert not [sentence for sentence in found.missing if sentence.startswith(("Flip", "Rotation"))]
    assert "FLIP = 0.5" in found.code and "ROTATION = 5.0" in found.code and "is black" in found.code
    edge = program_of(facts(wf.Flip(0.5, fill=flip), wf.Rotation(5.0, fill="edge"), wf.Zoom(0.1)), "torch")
    assert [s.partition(":")[0] for s in edge.missing if "of its own" in s] == ["Zoom"]


def test_a_keras_program_says_what_sam_does_to_batch_norm():
    told = " ".join(program_of(facts(wf.SAM(0.05)), "keras").missing)
    assert "Batch norm under SAM" in told
    assert "Batch norm" not in " ".join(program_of(facts(wf.SAM(0.05)), "torch").missing)
    assert "Batch norm" not in " ".join(program_of(facts(), "keras").missing)


EVERY = [
    wf.Rotation(10.0), wf.Brightness(0.1), wf.RandomErasing(0.2), wf.Cutout(0.3, 0.2), wf.CutMix(0.5), wf.Mixup(0.1),
    wf.InputNoise(0.1), wf.L1(1e-4), wf.MaxNorm(2.0), wf.ClipNorm(1.0), wf.Dropout(0.1), wf.EarlyStopping(2),
]  # fmt: skip


@pytest.mark.parametrize("to", ["torch", "lightning", "keras"])
@pytest.mark.parametrize(
    "parts",
    [[*EVERY, wf.EMA(0.8)], [*EVERY, wf.SAM(0.05)], [wf.Flip(0.5)], [wf.RandAugment(9.0)], [wf.SAM(0.05)]],
    ids=["everything", "everything with SAM", "one change", "RandAugment", "SAM"],
)
def test_a_program_of_any_recipe_trains_and_passes_ruff(case, to, parts, tmp_path):
    told = dataclasses.replace(read_facts(*case), parts={p.name: p for p in parts})
    code = program_of(told, to).code
    assert scores(code, tmp_path, 1)[0] < 1.5  # three classes alike are 1.1
    assert ruff(tmp_path / "program.py", "--select", "E,F,I,UP,B,SIM,C4") == ""


@pytest.mark.parametrize("side", [7, 8])
def test_the_network_in_keras_is_the_run_s(side, tmp_path):
    """Of the same weights, on odd sides, too; its dense layer reads channels last."""
    told = facts(side=side)
    model, theirs = namespace(program_of(told, "keras").code, tmp_path)["make_network"](3), told.shape.network()
    x = torch.randn(5, 3, side, side + 2)
    theirs(x)  # so that its statistics are not those of the start
    dense, cells = theirs.dense.layer.weight, told.form.grid**2
    dense_last = dense.detach().unflatten(1, (-1, cells)).transpose(1, 2).flatten(1)
    same_weights_in_keras(model, theirs, {id(dense): dense_last})
    with torch.no_grad():
        expected = theirs.eval()(x)
    found = torch.as_tensor(model(x.permute(0, 2, 3, 1).numpy(), training=False)).detach()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
