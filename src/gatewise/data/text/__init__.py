"""Text to numbers: read, cleaned, divided into symbols and parts. NumPy only, in memory or on disk."""

from gatewise.data.text.cache import cache_folder
from gatewise.data.text.check import TextReport, check_text
from gatewise.data.text.corpus import Corpus
from gatewise.data.text.reading import corpus_of, read_corpus
from gatewise.data.text.splits import TextSplit, split_text
from gatewise.data.text.vocabulary import UNKNOWN, Ids, Vocabulary, unseen_note

__all__ = [
    "Corpus",
    "Ids",
    "TextReport",
    "TextSplit",
    "UNKNOWN",
    "Vocabulary",
    "cache_folder",
    "check_text",
    "corpus_of",
    "read_corpus",
    "split_text",
    "unseen_note",
]
