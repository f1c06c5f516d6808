"""Text augmentation: variants of training texts that keep their labels, and the functions and lexicons behind them."""

from wellfit.text.back_translation import BackTranslation
from wellfit.text.byte_pairs import BytePairs, bpe_dropout
from wellfit.text.edits import delete_words, insert_words, order_sentences, replace_words, swap_words
from wellfit.text.lexicon import SMALL, Groups, Lexicon, Nltk, find_lexicon, groups_from_file
from wellfit.text.many_texts import coverage, varied
from wellfit.text.subwords import BPEDropout
from wellfit.text.translation import Cache, Marian, back_translate, there_and_back
from wellfit.text.word_edits import SentenceOrder, Synonyms, WordDeletion, WordInsertion, WordSwap
from wellfit.text.wordnet import WordNet

__all__ = [
    "SMALL",
    "BPEDropout",
    "BackTranslation",
    "BytePairs",
    "Cache",
    "Groups",
    "Lexicon",
    "Marian",
    "Nltk",
    "SentenceOrder",
    "Synonyms",
    "WordDeletion",
    "WordInsertion",
    "WordNet",
    "WordSwap",
    "back_translate",
    "bpe_dropout",
    "coverage",
    "delete_words",
    "find_lexicon",
    "groups_from_file",
    "insert_words",
    "order_sentences",
    "replace_words",
    "swap_words",
    "there_and_back",
    "varied",
]
