"""Ids and labels made of client text, safe to show and to open in a spreadsheet."""

from __future__ import annotations

import re
import unicodedata

RESERVED = (
    "unmapped children level trend season unexplained kpi noise total true false null none main"
)

PROPER_NAMES = {"tiktok": "TikTok", "youtube": "YouTube", "linkedin": "LinkedIn", "cj": "CJ"}


class Ids:
    """Gives out channel ids: plain words that no other channel, nor mixloop itself, uses."""

    def __init__(self) -> None:
        self.taken = set(RESERVED.split())

    def give(self, *texts: str) -> str:
        """Return a free id made of the texts."""
        wanted = slug("_".join(texts)) or "channel"
        found, number = wanted, 1
        while found in self.taken:
            number += 1
            found = f"{wanted}_{number}"
        self.taken.add(found)
        return found


def slug(text: str) -> str:
    """Return text as an id: lower case, letters and digits of any script, `_` between.

    >>> slug("Google Ads: BR / Search"), slug("360 Media"), slug("=1+1"), slug("🙂")
    ('google_ads_br_search', 'c_360_media', 'c_1_1', '')
    """
    plain = unicodedata.normalize("NFKC", text[:200]).lower()
    found = re.sub(r"[\W_]+", "_", plain).strip("_")[:60].strip("_")
    return f"c_{found}" if found and not found[0].isalpha() else found


def clean(text: str, length: int = 80) -> str:
    """Return client text as a label: one line, no control signs, no formula, not too long.

    >>> clean("=SUM(A1)"), clean("Spring  TV" + chr(10) + "| now"), clean("x" * 9, 5), clean("+")
    ('SUM(A1)', 'Spring TV | now', 'xxxx…', '?')
    """
    visible = "".join(
        " " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter
        for letter in text[: 10 * length]
        if unicodedata.category(letter) not in ("Cf", "Cs", "Co")
    )
    line = re.sub(r"\s+", " ", visible).lstrip("=+-@'\" ").rstrip() or "?"
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def in_words(platform: str) -> str:
    """Return a platform's technical name as people write it.

    >>> in_words("google_ads"), in_words("dv360"), in_words("linear_tv"), in_words("Direct mail")
    ('Google Ads', 'DV360', 'Linear TV', 'Direct mail')
    """
    if platform != platform.lower() or not platform.isascii():
        return clean(platform)
    words = [
        PROPER_NAMES.get(word)
        or (
            word.upper()
            if any(letter.isdigit() for letter in word) or (len(word) <= 3 and word != "ads")
            else word.capitalize()
        )
        for word in re.split(r"[_\s]+", platform[:200])
    ]
    return clean(" ".join(words))


def code(text: str, length: int = 50) -> str:
    """Return client text as code in a line of Markdown, also inside a table.

    >>> code("BR|x`y")
    '`BR¦x´y`'
    """
    return f"`{clean(text, length).replace('`', '´').replace('|', '¦')}`"
