"""``wellfit demo``: wrong labels in the training rows and nowhere else, then the same job."""

from __future__ import annotations

from wellfit.cli.demo import digits


def test_the_demo_writes_tables_and_runs_the_job(job, wellfit_command, tmp_path):
    said = wellfit_command("demo", "--budget", "5s", "--seed", "3")
    assert said.code == 0
    assert job.options.target == "digit"
    assert (job.options.budget, job.options.seed, str(job.options.out)) == ("5s", 3, "wellfit-demo")
    assert (tmp_path / str(job.path)).read_text().count("\n") == 1 + 1078
    assert (tmp_path / str(job.options.test)).exists()
    assert said.out.startswith("result")


def test_a_tenth_of_the_training_labels_is_wrong_and_no_other():
    from sklearn.datasets import load_digits

    truth = load_digits(as_frame=True).frame
    columns = [name for name in truth.columns if name != "target"]
    labels = {tuple(row): label for row, label in zip(truth[columns].to_numpy(), truth["target"], strict=True)}
    wrong = {}
    for name, table in digits(0).items():
        assert list(table.columns)[-1] == "digit"
        right = [labels[tuple(row)] for row in table[columns].to_numpy()]
        wrong[name] = float((table["digit"].to_numpy() != right).mean())
        assert set(table["digit"]) == set(range(10))
    assert 0.07 < wrong["train"] < 0.13
    assert (wrong["valid"], wrong["test"]) == (0.0, 0.0)


def test_the_same_seed_gives_the_same_tables():
    assert digits(1)["train"].equals(digits(1)["train"])
    assert not digits(1)["train"].equals(digits(2)["train"])


def test_a_folder_that_cannot_be_written_is_named(job, wellfit_command, tmp_path):
    (tmp_path / "taken").write_text("a file")
    said = wellfit_command("demo", "--out", "taken")
    assert said.code == 7
    assert "error WF-F02: the folder taken cannot be written" in said.err
