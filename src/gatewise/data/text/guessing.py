"""A guess at the encoding of a text that is not what it was said to be: byte order marks, zeros, and simple trials."""

from __future__ import annotations

import codecs

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # begins as UTF-16 does, so it is tried first
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_JAPANESE = "のにはをたがでてとしれさあいるもなくこまうかりきっんおそえらどちつよわーアイスラルクトリンド、。日人"
#: Common letters of the languages that an encoding is used for.
_COMMON = {
    "cp1256": "اأآبپتثجچحخدذرزسشصضطعغفقكکگلمنهويىیئء،",
    "cp1251": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёіїє",
    "cp1252": "éèàêçùâîôûëïüöäßñóíáúãõåøæœÉÀÖÜÄ«»’‘“”—–…",
    "cp1250": "łąęśżźćńěščřžýůťďňőűáéíóúţăŁŚŻČŠŘŽ„”",
    "cp1253": "αοιετσνηυρπκμλςωδγχθφβξζψάέήίόύώ",
    "cp1255": "יוהלאתמרבשנדעפקחמטסזגכצםןךףץ",
    "cp1254": "ığşİĞŞçöüâ",
    "gb18030": "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里",
    "shift_jis": _JAPANESE,
    "euc_jp": _JAPANESE,
    "euc_kr": "이다는의에가을를한고하지은로도사기나서있그어아인대자리시라만정해수들것",
}
_LATIN = ("cp1252", "cp1250", "cp1254")
#: Share of ordinary text that the common letters make up, where it is well below one.
_USUAL = {"gb18030": 0.3, "shift_jis": 0.6, "euc_jp": 0.6, "euc_kr": 0.35}
#: A guess must reach this part of the usual share.
_ENOUGH = 0.6


def guess_encoding(start: bytes) -> str | None:
    """Return the likely encoding of a text from a few thousand of its bytes, or None.

    Examples
    --------
    >>> guess_encoding("déjà vu".encode("latin-1")), guess_encoding("سلام دنیا".encode("utf-16"))
    ('cp1252', 'utf-16')
    """
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return name
    if b"\0" in start:
        return _wide(start)
    if _decode(start, "utf-8") is not None:
        return "utf-8"
    scores = {name: _score(start, name, set(common)) for name, common in _COMMON.items()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= _ENOUGH else None


def _wide(start: bytes) -> str | None:
    """Tell UTF-16 without a mark by the zeros that stand at every other place."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    for name, many, few in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if many > len(start) / 8 and few < many / 8 and _decode(start, name) is not None:
            return name
    return None


def _decode(start: bytes, name: str) -> str | None:
    """Decode the beginning of a text, whose last symbol may be cut; None where it is not of this encoding."""
    try:
        return codecs.getincrementaldecoder(name)().decode(start)
    except UnicodeError:
        return None


def _score(start: bytes, name: str, common: set[str]) -> float:
    """Return how usual the letters beyond ASCII are, and their neighbours.

    A marked Latin letter stands among plain ones; a letter of another script never does.
    """
    text = f" {_decode(start, name) or ''} "
    others = usual = 0
    for before, letter, after in zip(text, text[1:], text[2:], strict=False):
        if letter > "\x7f":
            others += 1
            around = before + after
            fits = around.isascii() if name in _LATIN else not any(one.isascii() and one.isalpha() for one in around)
            usual += letter in common and fits
    return usual / max(others, 1) / _USUAL.get(name, 1.0)
