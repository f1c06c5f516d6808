"""Text augmentation: variants of training texts that keep their labels, and the functions and lexicons behind them."""

from wellfit.text.edits import delete_words, insert_words, order_sentences, replace_words, swap_words
from wellfit.text.lexicon import SMALL, Groups, Lexicon, Nltk, find_lexicon, groups_from_file
from wellfit.text.varied import coverage, varied
from wellfit.text.word_edits import SentenceOrder, Synonyms, WordDeletion, WordInsertion, WordSwap
from wellfit.text.wordnet import WordNet

__all__ = [
    "SMALL",
    "Groups",
    "Lexicon",
    "Nltk",
    "SentenceOrder",
    "Synonyms",
    "WordDeletion",
    "WordInsertion",
    "WordNet",
    "WordSwap",
    "coverage",
    "delete_words",
    "find_lexicon",
    "groups_from_file",
    "insert_words",
    "order_sentences",
    "replace_words",
    "swap_words",
    "varied",
]
