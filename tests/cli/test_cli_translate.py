"""``wellfit translate``: words behind each side, lines for a person, JSON, and refusals with their exit code."""

from __future__ import annotations

import pytest

from wellfit.cli.sides import gathered

RIDGE = ("--from", "sklearn.Ridge", "alpha=0.5")


def test_a_translation_in_lines(wellfit_command):
    said = wellfit_command("translate", *RIDGE, "--to", "torch.SGD", "--n", "1000")
    assert (said.code, said.err) == (0, "")
    assert "code       torch.optim.SGD(parameters, weight_decay=0.001)\n" in said.out
    for word in (
        "sklearn.Ridge alpha=0.5",
        "sum of squared errors + alpha",
        "mean loss + 0.0005 * sum(w ** 2)",
        "bias",
    ):
        assert word in said.out
    assert max(map(len, said.out.splitlines())) <= 100


def test_a_translation_as_json(wellfit_command):
    told = wellfit_command("translate", *RIDGE, "--to", "torch.SGD", "--n", "1000", "--json").json
    assert told["to"]["values"] == {"weight_decay": 0.001}
    assert told["canonical"] == {"L1": 0.0, "L2": 0.0005}
    assert told["from"]["values"] == {"alpha": 0.5}
    assert (told["format"], told["version"], told["facts"]) == ("wellfit.translation", 1, {"n": 1000.0})


def test_no_penalty_is_null_in_json(wellfit_command):
    told = wellfit_command("translate", "--from", "canonical", "--to", "LogisticRegression", "--n", "9", "--json").json
    assert told["to"]["values"]["C"] is None  # JSON has no infinity
    assert "C=float('inf')" in told["to"]["call"]


@pytest.mark.parametrize(
    "words",
    [
        ("--n", "1000", "--from", "sklearn.Ridge", "alpha=0.5", "--to", "torch.SGD", "momentum=0.9", "half_loss=False"),
        ("--to=torch.SGD", "momentum=0.9", "--from=sklearn.Ridge", "alpha=0.5", "--n=1000"),
        ("--from", "sklearn.Ridge alpha=0.5", "--to", "torch.SGD momentum=0.9", "--n", "1000"),
        ("--from", "Ridge(alpha=0.5)", "--n", "1000", "--to", "torch.SGD(momentum=0.9)"),
    ],
)
def test_ways_to_write_it(wellfit_command, words):
    assert wellfit_command("translate", *words, "--json").json["to"]["values"] == {"weight_decay": 0.001}


def test_words_go_to_their_side():
    assert gathered(["--n", "5", "--from", "A", "x=1", "y=2", "--to", "B", "--json"]) == [
        "--n", "5", "--from", "A x=1 y=2", "--to", "B", "--json",
    ]  # fmt: skip
    assert gathered(["--from", "A", "--n", "5", "stray"]) == ["--from", "A", "--n", "5", "stray"]


def test_a_recipe_is_printed_to_be_copied(wellfit_command):
    import wellfit

    said = wellfit_command("translate", "--from", "canonical", "L1=0.1", "--to", "wellfit")
    code = next(line for line in said.out.splitlines() if line.startswith("code")).removeprefix("code").strip()
    assert eval(code, {"wellfit": wellfit}) == wellfit.Recipe(wellfit.L1(0.1))


def test_a_pace_in_lines(wellfit_command):
    words = ("--from", "torch.AdamW", "weight_decay=0.1", "--to", "optax.adamw", "lr=0.01", "--lr", "0.001")
    said = wellfit_command("translate", *words, "--n", "1000", "--batch", "50")
    assert "in 10000 steps, 500 epochs" in said.out
    assert "optax.adamw(learning_rate=0.01, weight_decay=0.01)" in said.out
    assert "Only the timescale" in said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*RIDGE, "--to", "torch.SGD"), ["WF-V03", "n (the number of training rows)", "--n NUMBER"]),
        ((*RIDGE, "--to", "torch.AdamW", "--n", "9"), ["WF-V04", "no lambda", "timescale"]),
        (("--from", "sklearn.Rigde", "--to", "torch.SGD"), ["WF-V01", "Did you mean sklearn.Ridge"]),
        ((*RIDGE, "alpha=2", "--to", "torch.SGD"), ["WF-V02", "twice"]),
        ((*RIDGE, "--to", "torch.SGD", "--n", "many"), ["WF-V02", "n=many"]),
        (RIDGE, ["WF-U10", "--to is missing"]),
        ((), ["WF-U10", "--from is missing"]),
        ((*RIDGE, "--to", "torch.SGD", "--rows", "9"), ["WF-U10", "--rows"]),
        (("alpha=1", *RIDGE, "--to", "torch.SGD"), ["WF-U10", "alpha=1"]),
        (("--from", "\x1b[31mRidge\u202e", "--to", "torch.SGD"), ["WF-V01"]),
    ],
)
def test_refusals(wellfit_command, words, told):
    said = wellfit_command("translate", *words)
    assert (said.code, said.out) == (2, "")
    for word in told:
        assert word in " ".join(said.err.split())
    assert "\x1b" not in said.err and "\u202e" not in said.err
    assert wellfit_command("translate", *words, "--json").json["exit_code"] == 2


def test_the_tools_are_listed(wellfit_command):
    from wellfit.translator import TOOLS

    said = wellfit_command("translate", "--list")
    told = wellfit_command("translate", "--list", "--json").json
    assert [tool["name"] for tool in told] == list(TOOLS)
    assert all(f"{name}\n" in said.out for name in TOOLS)
    assert max(map(len, said.out.splitlines())) <= 100


def test_every_tool_can_be_shown(wellfit_command):
    """Every note and objective passes through the lines of a terminal."""
    from wellfit.translator import TOOLS

    for name, tool in TOOLS.items():
        source = ["canonical"] if tool.form else ["torch.AdamW", "lr=0.1"]
        chosen = ["sigma=1"] if name == "prior.Gaussian" else []
        words = ["--n", "60", "--batch", "20", "--lr", "0.1", "--sd-y", "2", "--x-rms", "1"]
        said = wellfit_command("translate", "--from", *source, "--to", name, *chosen, *words)
        assert said.code == 0, said.err
        assert max(len(line) for line in said.out.splitlines() if not line.startswith("code")) <= 100
