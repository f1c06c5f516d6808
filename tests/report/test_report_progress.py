"""Progress: one bar on a terminal of any width, whole lines in a pipe, nothing where nothing is wanted."""

from __future__ import annotations

import io
import re

import pytest
from sample_record import PAYLOADS

from wellfit.progress import Silent
from wellfit.report.bar import Moment, bar
from wellfit.report.progress import Lines, Terminal, choose

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Closed(io.StringIO):
    """A pipe whose reader went away."""

    def write(self, text):
        raise BrokenPipeError

    def flush(self):
        raise BrokenPipeError


def play(progress) -> None:
    progress.say("data", "32,561 rows, 14 columns")
    progress.begin("wellfit 0.1 adult.csv", 60.0)
    progress.phase("search", "cocktails")
    for step in range(5):
        progress.tick(step / 5, "training 64 members, rung 2 of 4, with a rather long story", 0.3121 if step else None)
    progress.rung("search", 1, 4, 64, 300, 0.3121, 12.34)
    progress.say("result", "it helps")
    progress.tick(1.2, "writing", 0.3)
    progress.end()
    progress.end()


def test_a_pipe_gets_whole_lines_without_escapes():
    stream = io.StringIO()
    play(Lines(stream))
    assert stream.getvalue().splitlines() == [
        "data       32,561 rows, 14 columns",
        "wellfit 0.1 adult.csv",
        "search     cocktails",
        "search     rung 1/4: 64 members trained to step 300, best 0.3121, 12.3 s",
        "result     it helps",
    ]


def test_a_pipe_hears_something_every_half_minute():
    stream, clock = io.StringIO(), [0.0]
    lines = Lines(stream, now=lambda: clock[0])
    lines.begin("a job", 100.0)
    for second in range(65):
        clock[0] = float(second)
        lines.tick(second / 100, "training", 0.5)
    told = stream.getvalue().splitlines()
    assert told[1:] == [
        "time       0:30 of 1:40, 1:10 left, training, best 0.5",
        "time       1:00 of 1:40, 0:40 left, training, best 0.5",
    ]


def test_closing_topics_are_left_to_the_caller():
    stream = io.StringIO()
    play(Lines(stream, closing=False))
    assert "it helps" not in stream.getvalue()


@pytest.mark.parametrize("width", [20, 21, 33, 40, 60, 80, 120, 200])
def test_a_terminal_of_any_width(width):
    screen = Screen()
    play(Terminal(screen, width=width))
    shown = ESCAPE.sub("", screen.getvalue()).replace("\r", "\n")
    assert max(map(len, shown.split("\n"))) <= width
    assert "12.3 s" in " ".join(shown.split())


@pytest.mark.parametrize("fraction", [0.0, 0.31, 1.0, 7.0])
def test_the_bar_fits(fraction):
    for width in range(1, 140):
        line = bar(Moment(fraction, 3_600.0, "training 64 members of rung 2", 0.31214), width)
        assert len(line.plain) <= max(width - 1, 1)


def test_a_wide_bar_says_everything():
    line = bar(Moment(0.25, 60.0, "rung 2 of 4", 0.31214), 100).plain
    assert "0:15 of 1:00, 0:45 left" in line
    assert "best 0.3121" in line
    assert "rung 2 of 4" in line
    assert "finishing" in bar(Moment(1.0, 60.0, "", None), 100).plain


def test_a_bar_in_letters_where_the_encoding_has_no_others():
    assert bar(Moment(0.5, 60.0, "", None), 80, "ascii").plain.startswith("####")


def test_the_cursor_comes_back(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = Screen()
    play(Terminal(screen, width=80))
    shown = screen.getvalue()
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_no_color_means_no_color(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen()
    play(Terminal(screen, width=80))
    codes = re.findall(r"\x1b\[([0-9;]*)m", screen.getvalue())
    assert not [code for code in codes if re.search(r"(^|;)(3[0-8]|9[0-7])(;|$)", code)]


def test_what_is_chosen(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(choose(stream=Screen()), Terminal)
    assert isinstance(choose(stream=io.StringIO()), Lines)
    assert isinstance(choose(quiet=True, stream=Screen()), Silent)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(choose(stream=Screen()), Lines)


def test_quiet_is_quiet():
    play(Silent())


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("kind", [Lines, Terminal])
def test_names_cannot_steer_a_terminal(kind, payload, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    stream = io.StringIO()
    progress = kind(stream)
    progress.begin(payload, 10.0)
    progress.say(payload, payload)
    progress.phase(payload, payload)
    progress.tick(0.5, payload, 0.1)
    progress.rung(payload, 1, 2, 3, 4, 0.5, 0.6)
    progress.end()
    assert not [letter for letter in stream.getvalue() if letter in "\x1b\x07\u202e"]
    if payload.startswith("["):
        assert payload in stream.getvalue()


@pytest.mark.parametrize("kind", [Lines, Terminal])
def test_a_reader_that_went_away_ends_nothing(kind):
    play(kind(Closed()))


def test_letters_that_the_stream_lacks_are_replaced():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Lines(stream).say("data", "größe 大")
    stream.flush()
    assert raw.getvalue().decode() == "data       gr??e ?\n"
