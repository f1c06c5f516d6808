"""From a file or arrays to clean tables, splits without leakage, and matrices that a network can be trained on."""

from wellfit.data.arrays import frame_from_arrays
from wellfit.data.coded import with_categories
from wellfit.data.encode import Block, Encoder, check_columns, require_columns, shared_widths, unused_columns
from wellfit.data.fresh import hold_back
from wellfit.data.labeled import Labeled, Samples
from wellfit.data.mapped import Mapped
from wellfit.data.names import names_of
from wellfit.data.new_pictures import read_new_array, read_new_pixels
from wellfit.data.ngrams import NgramVocabulary
from wellfit.data.notes import CODES, Column, Note
from wellfit.data.picture import read_header
from wellfit.data.picture_arrays import NpzFile, looks_like_images, pixels_of
from wellfit.data.picture_encoder import PictureEncoder
from wellfit.data.picture_folder import bad_notes, clean, find_files, judge_none, parts_of, treatment_notes
from wellfit.data.pictures import decode, read_arrays, read_folders
from wellfit.data.read import read_table
from wellfit.data.split import Split, split_given, split_table
from wellfit.data.table import Table, make_table, table_from_arrays
from wellfit.data.texts import read_texts, texts_of
from wellfit.data.vocabulary import Vocabulary

__all__ = [
    "CODES",
    "Block",
    "Column",
    "Encoder",
    "Labeled",
    "Mapped",
    "NgramVocabulary",
    "Note",
    "NpzFile",
    "PictureEncoder",
    "Samples",
    "Split",
    "Table",
    "Vocabulary",
    "bad_notes",
    "check_columns",
    "clean",
    "decode",
    "find_files",
    "frame_from_arrays",
    "hold_back",
    "judge_none",
    "looks_like_images",
    "make_table",
    "names_of",
    "parts_of",
    "pixels_of",
    "read_arrays",
    "read_folders",
    "read_header",
    "read_new_array",
    "read_new_pixels",
    "read_table",
    "read_texts",
    "require_columns",
    "shared_widths",
    "split_given",
    "split_table",
    "table_from_arrays",
    "texts_of",
    "treatment_notes",
    "unused_columns",
    "with_categories",
]
