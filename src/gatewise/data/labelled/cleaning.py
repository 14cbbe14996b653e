"""Cleaning of short texts as named steps, each a function from text to text that never raises.

Steps are done in the order of ``registry.CLEANING_STEPS``, whatever order they were named in. What a step puts in the
place of a name, a link or an emoji no later step takes apart, and what it takes out leaves a space where leaving
nothing could join its neighbours to something new: cleaning a text twice gives what cleaning it once gives.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from gatewise.registry import CLEANING_STEPS

#: Changes when a step would give another text: a model that was saved with another version then says so.
CLEANING_VERSION = 1

USER, LINK, EMOTION = "<user>", "<url>", "<emotion>"

_LONG_CODE = re.compile(r"&#(?:[0-9]{12,}|[xX][0-9a-fA-F]{12,});?")  # longer than any code point, and than int() reads
_BREAKS = str.maketrans(dict.fromkeys("\n\r\t\v\f\x1c\x1d\x1e\x85\u2028\u2029", " ") | dict.fromkeys("\ufe0e\ufe0f"))
_QUOTES = "\"“”„‟«»‹›`´'‘’‚‛"
_RETWEET = re.compile(rf"(?<![\w@])(?:RT\b[\s:]*)+([{_QUOTES}]*@\w+)(\s*:\s?)?", re.IGNORECASE)
_ALONE = r"(?<![^\W_])(?<![\u0300-\u036f])"  # no letter, accent or digit right before
_END = r"[^\s<>\"“”.,;:!?)'’…]"  # a full stop or bracket behind a link is not part of it
_LINK = re.compile(
    rf"(?:https?://|{_ALONE}www\.|{_ALONE}(?:t\.co|bit\.ly|pic\.twitter\.com|youtu\.be|goo\.gl|tinyurl\.com)/)"
    rf"[^\s<>\"“”]*{_END}[\u0300-\u036f]*"
    rf"|{_ALONE}https?(?::/{{0,2}})?…",  # what a cut-off tweet leaves of one
    re.IGNORECASE,
)
_USER = re.compile(rf"{_ALONE}(?:@+\w+)+[\u0300-\u036f]*")
_HASHTAG = re.compile(r"(?<![&#＃])[#＃]+(?=(\w*[^\W\d_]\w*))")
_WORD = re.compile(r"[^\W\d_]+|\d+|[^\w]+")
_HUMP = re.compile(r"(?<=[a-z\u00df-\u00f6\u00f8-\u00ff])(?=[A-Z\u00c0-\u00d6\u00d8-\u00de])|(?<=[A-Z])(?=[A-Z][a-z])")
_PUT = r"<(?:user|url|emotion)>"
_IN_WORD = r"(?<=[^\W_])['’_](?=[^\W_])"  # don't, a_b
_STRAY = re.compile(rf"({_PUT})|{_IN_WORD}|((?:(?!{_PUT})[{_QUOTES}&|#＃*~^=+\\<>\[\]{{}}_•·°§¬¦])+)")
_REPEATED = re.compile(r"([^\W\d_])\1{2,}", re.IGNORECASE)
#: Signs that are emoji by Unicode's list and letters to everybody else.
_NO_EMOJI = re.compile("([©®™])")


def entities(text: str) -> str:
    """Return text in which HTML entities are the characters they stand for, those written twice over too.

    Examples
    --------
    >>> entities("you &amp; me &#128514; &amp;lt;3")
    'you & me 😂 <3'
    """
    while "&" in text:
        read = html.unescape(_LONG_CODE.sub("\ufffd", text))
        if read == text:
            break
        text = read
    return text


def normalize(text: str) -> str:
    r"""Return text in Unicode's form NFC, on one line, without the signs that choose how an emoji is drawn.

    Examples
    --------
    >>> normalize("cafe\u0301\n\tau lait")
    'café  au lait'
    """
    return unicodedata.normalize("NFC", text).translate(_BREAKS)


def retweets(text: str) -> str:
    """Return text without the sign RT before a name, and without the colon behind that name.

    Examples
    --------
    >>> retweets("!!! RT @anna: RT @ben: go on, RT if you like")
    '!!! @anna @ben go on, RT if you like'
    """
    return _RETWEET.sub(lambda found: found[1] + (" " if found[2] else ""), text)


def links(text: str) -> str:
    """Return text with ``<url>`` in the place of each link.

    Examples
    --------
    >>> links("see http://t.co/x1, or (www.example.org)")
    'see <url>, or (<url>)'
    """
    return _LINK.sub(LINK, text)


def users(text: str) -> str:
    """Return text with ``<user>`` in the place of each name that begins with @; addresses of mail stay.

    Examples
    --------
    >>> users("@anna: ask @ben_2 or mail to carl@example.org")
    '<user>: ask <user> or mail to carl@example.org'
    """
    return _USER.sub(USER, text)


def emoji_token(text: str) -> str:
    """Return text with ``<emotion>`` in the place of each emoji.

    Examples
    --------
    >>> emoji_token("so good 😂😂!")
    'so good  <emotion>  <emotion> !'
    """
    return _with_emoji(text, lambda _: EMOTION)


def emoji_names(text: str) -> str:
    """Return text with its English name in the place of each emoji.

    Examples
    --------
    >>> emoji_names("so good 😂")
    'so good  face with tears of joy '
    """
    return _with_emoji(text, lambda found: str(found["en"]).strip(":").replace("_", " "))


def _with_emoji(text: str, name: Callable[[dict[str, str]], str]) -> str:
    if text.isascii():
        return text
    import emoji

    parts = _NO_EMOJI.split(text)
    parts[::2] = [emoji.replace_emoji(part, lambda _, found: f" {name(found)} ") for part in parts[::2]]
    return "".join(parts)


def hashtag_signs(text: str) -> str:
    """Return text in which hashtags have lost their sign.

    Examples
    --------
    >>> hashtag_signs("#MondayMood is #1")
    'MondayMood is #1'
    """
    return _HASHTAG.sub(_gap, text)


def hashtag_words(text: str) -> str:
    """Return text in which hashtags have lost their sign and are split at capitals, digits and underscores.

    A run of small letters stays whole: nothing here knows where its words end.

    Examples
    --------
    >>> hashtag_words("#BlackLivesMatter #NFLDraft2020 #throwback_thursday #sohappy")
    'Black Lives Matter NFL Draft 2020 throwback thursday sohappy'
    """
    return re.sub(rf"{_HASHTAG.pattern}\w+", _split, text)


def _gap(found: re.Match[str]) -> str:
    """Return a space where a word or @ stands right before a hashtag."""
    before = found.string[: found.start()][-1:]
    return " " if before.isalnum() or before in ("_", "@") else ""


def _split(found: re.Match[str]) -> str:
    return _gap(found) + " ".join(word for run in _WORD.findall(found[1]) for word in _HUMP.split(run))


def symbols(text: str) -> str:
    r"""Return text without quotes and stray signs; apostrophes within words, points, commas and the like stay.

    Examples
    --------
    >>> symbols("<user> don't & #can't* | 'ok'?")
    "<user> don't    can't     ok ?"
    """
    return _STRAY.sub(lambda found: " " if found[2] else found[0], text)


def repeats(text: str) -> str:
    """Return text in which a letter that is repeated more than twice, small or capital, is there twice.

    Examples
    --------
    >>> repeats("sooooo coool!!!")
    'soo cool!!!'
    """
    return _REPEATED.sub(r"\1\1", text)


def lower(text: str) -> str:
    """Return text in small letters, in form NFC if it was before.

    Examples
    --------
    >>> lower("OMG İ")
    'omg i̇'
    """
    small = text.lower()
    if small.isascii() or not unicodedata.is_normalized("NFC", text):
        return small
    return unicodedata.normalize("NFC", small)


def spaces(text: str) -> str:
    """Return text with one space where runs of spaces were, and none at the ends.

    Examples
    --------
    >>> spaces("  a   b ")
    'a b'
    """
    return " ".join(text.split())


def whole(text: str) -> str:
    r"""Return text that UTF-8 can hold: halves of a surrogate pair become U+FFFD.

    Examples
    --------
    >>> whole("a\ud83d") == "a\ufffd"
    True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class Cleaner:
    """Some steps of cleaning, done in the registry's order.

    ``hashtag_words`` takes the place of ``hashtag_signs`` where both are asked for.

    Parameters
    ----------
    steps
        Names of steps, as :func:`gatewise.registry.cleaning_steps` resolves them.

    Examples
    --------
    >>> Cleaner(["links", "users", "lower"])("@Anna look: http://t.co/X")
    '<user> look: <url>'
    """

    def __init__(self, steps: Sequence[str]) -> None:
        self.steps = tuple(steps)
        done = [step for step in self.steps if step != "hashtag_signs" or "hashtag_words" not in self.steps]
        self._functions: list[tuple[str, Callable[[str], str]]] = [(name, CLEANING_STEPS.load(name)) for name in done]

    def __call__(self, text: str) -> str:
        """Return the cleaned text."""
        text = whole(text)
        for _, step in self._functions:
            text = step(text)
        return text

    def trace(self, text: str) -> list[tuple[str, str]]:
        """Return each step with the text as it stands after it."""
        made, text = [], whole(text)
        for name, step in self._functions:
            text = step(text)
            made.append((name, text))
        return made

    def changed(self, texts: Iterable[str]) -> dict[str, int]:
        """Return how many of the texts each step changes, given what the steps before it left."""
        counts = dict.fromkeys((name for name, _ in self._functions), 0)
        for text in texts:
            before = whole(text)
            for name, after in self.trace(before):
                counts[name] += after != before
                before = after
        return counts
