"""From a file or arrays to clean tables, splits without leakage, and matrices that a network can be trained on."""

from wellfit.data.arrays import frame_from_arrays
from wellfit.data.encode import Block, Encoder, check_columns, shared_widths
from wellfit.data.fresh import hold_back
from wellfit.data.labeled import Labeled, Samples
from wellfit.data.notes import CODES, Column, Note
from wellfit.data.read import read_table
from wellfit.data.split import Split, split_given, split_table
from wellfit.data.table import Table, make_table, table_from_arrays

__all__ = [
    "CODES",
    "Block",
    "Column",
    "Encoder",
    "Labeled",
    "Note",
    "Samples",
    "Split",
    "Table",
    "check_columns",
    "frame_from_arrays",
    "hold_back",
    "make_table",
    "read_table",
    "shared_widths",
    "split_given",
    "split_table",
    "table_from_arrays",
]
