"""New variants of training texts beside the originals: other words, another order, with the label that the text had."""

from __future__ import annotations

from wellfit.regularizer import knob, static
from wellfit.text.edits import delete_words, insert_words, order_sentences, replace_words, swap_words
from wellfit.text.rows import TextPart

_EDA = "Wei & Zou, EDA: Easy Data Augmentation Techniques for Text Classification, EMNLP 2019, arXiv 1901.11196"


class Synonyms(TextPart):
    """Add variants of training texts with synonyms in place of a share of the words that have one.

    A synonym comes in the form of its word (plural, past, ``-ing``, capital letters) and fits an ``a`` or ``an`` before
    it. Stop words, negations, names, numbers, addresses, mentions and tokens such as ``[MASK]`` are never touched, nor
    is what ``protect`` names. The label and the weight are the original's. It acts once on the texts of a training
    fold; a text without a change gets no variant.

    Args:
        p: share of the words that have a synonym, 0 (neutral) to 1; one at least where it is not 0.
        variants: of each text, 1 and up.
        lexicon: ``wordnet``, ``nltk``, ``file``, ``small``, or ``auto`` for the first that is there; where it lies is
            said by the environment's WELLFIT_LEXICON. In Python the resource ``lexicon`` goes first.
        protect: words and phrases that stay, commas between them.

    Shapes:
        data: a fold whose rows are texts in, more rows out, the originals first.

    Raises:
        DataError: the rows are no texts, or the lexicon is not there.
        RecipeError: no lexicon is called so.

    Example:
        >>> import dataclasses, torch
        >>> from wellfit.draws import Now
        >>> from wellfit.fold import Fold, Texts
        >>> from wellfit.text.lexicon import Groups
        >>> now = dataclasses.replace(Now.at(0), resources={"lexicon": Groups((("film", "movie"),))})
        >>> data = Fold(Texts.of(["Dull films."]), torch.tensor([0]), torch.ones(1), 2)
        >>> Synonyms(0.5).resample(data, now).x.values
        ('Dull films.', 'Dull movies.')

    Source:
        Wei & Zou, EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification Tasks, EMNLP
        2019, arXiv 1901.11196; Zhang, Zhao & LeCun, Character-level Convolutional Networks for Text Classification,
        NeurIPS 2015, arXiv 1509.01626.
    """

    formula = "texts + variants with ceil(p * n) of n replaceable words replaced by synonyms"
    source = _EDA
    use_when = "fewer than a few thousand texts in everyday English"
    avoid_when = "the class hangs on exact words: part numbers, legal or medical terms"
    edit = staticmethod(replace_words)
    p: float = knob(0.2, low=0.05, high=0.5, neutral=0.0, maximum=1.0)
    variants: int = static(1)
    lexicon: str = static("auto")
    protect: str = static("")


class WordInsertion(TextPart):
    """Add variants of training texts with synonyms put in beside a share of the words that have one.

    ``a dull film`` becomes ``a dull dreary film``; the paper puts the synonym at any place of the sentence, which reads
    worse. What is never touched, and what a variant's label is, see ``Synonyms``.

    Args:
        p: share of the words that have a synonym, 0 (neutral) to 1; one at least where it is not 0.
        variants: of each text, 1 and up.
        lexicon: as in ``Synonyms``.
        protect: words and phrases that get no companion, commas between them.

    Shapes:
        data: a fold whose rows are texts in, more rows out, the originals first.

    Raises:
        DataError: the rows are no texts, or the lexicon is not there.
        RecipeError: no lexicon is called so.

    Example:
        >>> import dataclasses, torch
        >>> from wellfit.draws import Now
        >>> from wellfit.fold import Fold, Texts
        >>> from wellfit.text.lexicon import Groups
        >>> now = dataclasses.replace(Now.at(0), resources={"lexicon": Groups((("dull", "dreary"),))})
        >>> data = Fold(Texts.of(["A dull film."]), torch.tensor([0]), torch.ones(1), 2)
        >>> WordInsertion(0.5).resample(data, now).x.values[1]
        'A dull dreary film.'

    Source:
        Wei & Zou, EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification Tasks, EMNLP
        2019, arXiv 1901.11196.
    """

    formula = "texts + variants with a synonym inserted beside ceil(p * n) of n words that have one"
    source = _EDA
    use_when = "fewer than a few thousand texts, and Synonyms alone changes too little"
    avoid_when = "the class hangs on exact words, or texts are cut off at a length"
    edit = staticmethod(insert_words)
    p: float = knob(0.1, low=0.03, high=0.4, neutral=0.0, maximum=1.0)
    variants: int = static(1)
    lexicon: str = static("auto")
    protect: str = static("")


class WordSwap(TextPart):
    """Add variants of training texts with a share of neighboring words the other way round.

    Only words with blanks alone between them are swapped; negations, names, numbers, addresses and tokens such as
    ``[MASK]`` stay where they are. A network that reads a bag of words sees no change. The label is the original's.

    Args:
        p: share of the pairs that can be swapped, 0 (neutral) to 1; one at least where it is not 0.
        variants: of each text, 1 and up.
        protect: words and phrases that stay, commas between them.

    Shapes:
        data: a fold whose rows are texts in, more rows out, the originals first.

    Raises:
        DataError: the rows are no texts.

    Example:
        >>> import torch
        >>> from wellfit.draws import Now
        >>> from wellfit.fold import Fold, Texts
        >>> data = Fold(Texts.of(["very good"]), torch.tensor([0]), torch.ones(1), 2)
        >>> WordSwap(0.5).resample(data, Now.at(0)).x.values
        ('very good', 'good very')

    Source:
        Wei & Zou, EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification Tasks, EMNLP
        2019, arXiv 1901.11196 (there any two words of a sentence).
    """

    formula = "texts + variants with ceil(p * n) of n disjoint pairs of neighboring words swapped"
    source = _EDA
    use_when = "fewer than a few thousand texts, and a network that reads the order of words"
    avoid_when = "who did what to whom decides the class; a bag of words, which sees no change"
    edit = staticmethod(swap_words)
    p: float = knob(0.2, low=0.05, high=0.5, neutral=0.0, maximum=1.0)
    variants: int = static(1)
    protect: str = static("")


class WordDeletion(TextPart):
    """Add variants of training texts with a share of the words left out.

    Negations stay, and so do names, numbers, addresses and tokens such as ``[MASK]``: what would turn its sense. One
    word of a text stays at least. The label is the original's.

    Args:
        p: share of the words that may go, 0 (neutral) to 1; one at least where it is not 0.
        variants: of each text, 1 and up.
        protect: words and phrases that stay, commas between them.

    Shapes:
        data: a fold whose rows are texts in, more rows out, the originals first.

    Raises:
        DataError: the rows are no texts.

    Example:
        >>> import torch
        >>> from wellfit.draws import Now
        >>> from wellfit.fold import Fold, Texts
        >>> data = Fold(Texts.of(["not good"]), torch.tensor([0]), torch.ones(1), 2)
        >>> WordDeletion(0.5).resample(data, Now.at(0)).x.values
        ('not good', 'not')

    Source:
        Wei & Zou, EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification Tasks, EMNLP
        2019, arXiv 1901.11196; Iyyer et al., Deep Unordered Composition, ACL 2015.
    """

    formula = "texts + variants without ceil(p * n) of the n words that may go"
    source = _EDA
    use_when = "fewer than a few thousand texts, of which single words say little"
    avoid_when = "texts of a few words, where each decides"
    edit = staticmethod(delete_words)
    p: float = knob(0.1, low=0.03, high=0.4, neutral=0.0, maximum=1.0)
    variants: int = static(1)
    protect: str = static("")


class SentenceOrder(TextPart):
    """Add variants of training texts with a share of neighboring sentences the other way round.

    A text of one sentence gets no variant. Words inside a sentence stay as they are, and so does the label. A last
    sentence without a mark of its end gets a period where another takes its place.

    Args:
        p: share of the pairs of sentences that can be swapped, 0 (neutral) to 1; one at least where it is not 0.
        variants: of each text, 1 and up.
        protect: phrases whose sentences stay where they are, commas between them.

    Shapes:
        data: a fold whose rows are texts in, more rows out, the originals first.

    Raises:
        DataError: the rows are no texts.

    Example:
        >>> import torch
        >>> from wellfit.draws import Now
        >>> from wellfit.fold import Fold, Texts
        >>> data = Fold(Texts.of(["It rained. We left."]), torch.tensor([0]), torch.ones(1), 2)
        >>> SentenceOrder(0.5).resample(data, Now.at(0)).x.values[1]
        'We left. It rained.'

    Source:
        Lewis et al., BART: Denoising Sequence-to-Sequence Pre-training, ACL 2020, arXiv 1910.13461 (sentence
        permutation, there to be undone).
    """

    formula = "texts + variants with ceil(p * n) of n disjoint pairs of neighboring sentences swapped"
    source = "Lewis et al., BART: Denoising Sequence-to-Sequence Pre-training, ACL 2020, arXiv 1910.13461"
    use_when = "texts of several sentences, each of which says what it says by itself"
    avoid_when = "one sentence a text; stories and arguments, whose order is their sense"
    edit = staticmethod(order_sentences)
    p: float = knob(0.5, low=0.1, high=1.0, neutral=0.0, maximum=1.0)
    variants: int = static(1)
    protect: str = static("")
