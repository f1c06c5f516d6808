"""What differs between programs for tables, images and texts: how data are read, and the network."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wellfit.exporter.facts import Facts, require_finished
from wellfit.exporter.network import NETWORK_PARTS, network_constants, network_pieces, waves_and_embeds
from wellfit.exporter.picture_facts import PictureFacts, read_picture_facts
from wellfit.exporter.picture_network import (
    PICTURE_NETWORK_PARTS,
    picture_network_constants,
    picture_network_pieces,
)
from wellfit.exporter.picture_reading import picture_constants, picture_encoder_piece, picture_pieces
from wellfit.exporter.reading import encoding_pieces, reading_constants, reading_pieces
from wellfit.exporter.recipe_code import needs_ends
from wellfit.exporter.source import Piece
from wellfit.exporter.table_facts import TableFacts, read_table_facts
from wellfit.exporter.text_facts import TextFacts, read_text_facts
from wellfit.exporter.text_network import TEXT_NETWORK_PARTS, text_network_constants, text_network_pieces
from wellfit.exporter.text_reading import text_constants, text_pieces
from wellfit.job.folder import Stored
from wellfit.job.run import Run


@dataclasses.dataclass(frozen=True)
class Form:
    """How programs for one kind of data are written.

    Attributes:
        read: a run and its data to facts.
        told: what a network predicts from, in the first line.
        place: what ``--data`` names.
        constants, pieces: how data become inputs; whether the framework has embeddings.
        network_constants, network_pieces: the network in torch.
        layers: the parts of a recipe that are layers of it.
    """

    read: Callable[[Run, Stored, str | Path | None], Any]
    told: Callable[[Any], str]
    place: str
    constants: Callable[[Any], list[str]]
    pieces: Callable[[Any, bool], list[Piece]]
    network_constants: Callable[[Any], list[str]]
    network_pieces: Callable[[Any], list[Piece]]
    layers: tuple[str, ...]


def read_facts(run: Run, data: str | Path | None) -> Facts:
    """Read a run's folder, and its data where they are named.

    Raises:
        RunFolderError: the folder holds no model that can be read.
        UsageError: the run is not finished, or the data are not the run's.
    """
    require_finished(run)
    stored = Stored(run.folder)
    return FORMS[stored.kind.name].read(run, stored, data)


def _table_pieces(facts: TableFacts, embeds: bool) -> list[Piece]:
    waves, embedded = waves_and_embeds(facts)
    return [*reading_pieces(facts), *encoding_pieces(facts, waves, embedded and embeds)]


def _picture_pieces(facts: PictureFacts, embeds: bool) -> list[Piece]:
    return [*picture_pieces(facts), picture_encoder_piece(facts, needs_ends(facts))]


def _words(facts: TextFacts) -> str:
    if facts.form.model == "ngrams":
        return "the words, pairs and pieces of texts"
    return f"texts of up to {facts.form.length} words"


def _size(facts: PictureFacts) -> str:
    encoder = facts.encoder
    return f"{'color' if encoder.channels == 3 else 'gray'} images of {encoder.width} x {encoder.height} pixels"


FORMS: dict[str, Form] = {
    "table": Form(
        read_table_facts, lambda facts: f"{len(facts.columns)} columns", "the table", reading_constants, _table_pieces,
        network_constants, network_pieces, NETWORK_PARTS,
    ),
    "image": Form(
        read_picture_facts, _size, "the images", picture_constants, _picture_pieces, picture_network_constants,
        picture_network_pieces, PICTURE_NETWORK_PARTS,
    ),
    "text": Form(
        read_text_facts, _words, "the table with the texts", text_constants, lambda facts, _: text_pieces(facts),
        text_network_constants, text_network_pieces, TEXT_NETWORK_PARTS,
    ),
}  # fmt: skip
