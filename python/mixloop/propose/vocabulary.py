"""What is known before the client's data is read: ad platforms, words of naming conventions, geos.

Facts, not guesses about one client. What is not listed is simply unknown: an unknown platform is a
group of its own, an unknown word has no objective.
"""

from __future__ import annotations

import re

# family -> label; the order in which a hierarchy lists them
FAMILY_LABELS = {
    "search": "Search",
    "social": "Social",
    "video": "Video and TV",
    "display": "Display and programmatic",
    "audio": "Audio",
    "out_of_home": "Out of home",
    "print": "Print and mail",
    "marketplace": "Marketplaces and retail media",
    "affiliate": "Affiliates and partners",
    "crm": "Own channels",
}
# Words in a platform's name; more words beat fewer ("amazon dsp" before "amazon").
_FAMILY_WORDS = {
    "search": (
        "search|sem|ppc|google|google ads|adwords|sa360|bing|bing ads|microsoft|microsoft ads|"
        "microsoft advertising|apple search|apple search ads|baidu|naver|yandex|yahoo|seznam"
    ),
    "social": (
        "social|paid social|meta|meta ads|facebook|facebook ads|fb|instagram|ig|tiktok|tik tok|"
        "snapchat|snap|pinterest|linkedin|twitter|x ads|reddit|quora|wechat|weibo|kakao|threads"
    ),
    "video": (
        "video|online video|digital video|olv|tv|linear tv|ctv|connected tv|television|cinema|"
        "youtube|twitch|vimeo|hulu|roku|netflix|disney|disney plus|prime video|joyn"
    ),
    "display": (
        "display|programmatic|banner|gdn|dv360|dbm|display video 360|criteo|the trade desk|ttd|"
        "trade desk|amazon dsp|yahoo dsp|xandr|taboola|outbrain|adroll|rtb house|teads|native|"
        "google display"
    ),
    "audio": "audio|digital audio|radio|podcast|podcasts|spotify|pandora|soundcloud|acast|deezer",
    "out_of_home": (
        "ooh|dooh|out of home|outdoor|billboard|billboards|jcdecaux|clear channel|stroer|transit"
    ),
    "print": (
        "print|newspaper|newspapers|magazine|magazines|insert|inserts|direct mail|mail|catalog|"
        "catalogue|catalogs|flyer|flyers|leaflet|leaflets|coupon book"
    ),
    "marketplace": (
        "marketplace|retail media|amazon|amazon ads|walmart|walmart connect|instacart|ebay|etsy|"
        "zalando|otto|bol|mercado libre|mercado ads|target roundel|citrusad|criteo retail media"
    ),
    "affiliate": (
        "affiliate|affiliates|awin|cj|commission junction|rakuten|impact|impact radius|webgains|"
        "partnerize|tradedoubler|shareasale|influencer|influencers|partner|partners"
    ),
    "crm": (
        "email|e mail|newsletter|sms|push|crm|whatsapp|klaviyo|braze|mailchimp|iterable|attentive"
    ),
}
FAMILY_OF = {
    phrase: family for family, phrases in _FAMILY_WORDS.items() for phrase in phrases.split("|")
}

# Words of naming conventions that say what a campaign is for.
_OBJECTIVE_WORDS = {
    "brand": (
        "br brd brand branded branding awareness awr reach upper uf upperfunnel image video-views"
    ),
    "performance": (
        "nb nbr nonbrand nonbranded non-brand non-branded generic gen generics pf perf performance "
        "conv conversion conversions sales prospecting pros prosp acq acquisition retargeting "
        "remarketing retention rtg rmk rlsa dpa lower lf lowerfunnel shopping pla pmax dsa leads "
        "lead leadgen traffic app installs lookalike lookalikes competitor competitors comp"
    ),
}
OBJECTIVE_OF = {
    word: objective for objective, words in _OBJECTIVE_WORDS.items() for word in words.split()
}
# A search platform also sells these: their groups stand with the family they belong to.
SEARCH_SELLS = {
    **dict.fromkeys(("yt", "youtube", "video", "vid", "olv", "ctv", "demandgen"), "video"),
    **dict.fromkeys(("gdn", "display", "disp", "discovery"), "display"),
}

_CALENDAR = re.compile(
    r"""^(?:
        (?:19|20)\d\d                                          # 2024
      | (?:19|20)?\d\d[-./ ]?[qhwm]\d{1,2} | [qhwm]\d{1,2}[-./ ]?(?:(?:19|20)?\d\d)?  # 2024Q1, Q1
      | (?:19|20)\d\d[-./ ]?\d\d(?:[-./ ]?\d\d)?               # 202401, 2024-01-15
      | \d{1,2}[-./]\d{1,2}(?:[-./](?:\d\d|\d{4}))?            # 15.01.24
      | (?:fy|cy|kw|cw|wk|week|year|quarter)[-./ ]?\d{1,4}     # FY24, KW12
      | (?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|january|february|march|april|june
          |july|august|september|october|november|december|spring|summer|autumn|fall|winter
          |holiday|holidays|xmas|christmas|easter|cyber|bfcm|blackfriday|black\ friday|newyear)
        [-./ ]?(?:(?:19|20)?\d\d)?                             # Jan24, Spring, Holiday2025
    )$""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"^[#v$€£+-]?\d[\d.,:x%/+-]*[a-z%]{0,3}$")  # 15s, 25-54, 300x250, v2
_ID = re.compile(
    r"^(?=(?:[^\d]*\d){3})[0-9a-z-]{8,}$"
)  # at least three digits among eight characters
MAX_TOKEN = 200  # longer tokens are texts, not words of a convention

_COUNTRIES = (
    "ad ae af ag ai al am ao ar at au aw az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz "
    "ca cd cf cg ch ci cl cm cn co cr cu cv cy cz de dj dk dm do dz ec ee eg er es et fi fj fr ga "
    "gb gd ge gh gm gn gq gr gt gw gy hk hn hr ht hu id ie il in iq ir is it jm jo jp ke kg kh km "
    "kr kw kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mk ml mm mn mo mr mt mu mv mw mx my "
    "mz na ne ng ni nl no np nz om pa pe pf pg ph pk pl pr ps pt py qa ro rs ru rw sa sb sc sd se "
    "sg si sk sl sm sn so sr ss st sv sy sz td tg th tj tl tm tn to tr tt tv tw tz ua ug us uy uz "
    "va vc ve vn vu ws ye za zm zw uk eu "
    "usa can mex bra arg gbr deu ger fra ita esp prt nld bel aut che swe nor dnk fin pol cze irl "
    "jpn kor chn ind aus nzl zaf tur sau are isr "
    "emea apac latam noram namer amer dach nordics benelux cee mena anz row ww global intl "
    "international worldwide national nationwide domestic "
    "germany deutschland france spain italy portugal netherlands belgium austria switzerland "
    "sweden norway denmark finland poland ireland england scotland japan korea china india "
    "australia canada mexico brazil turkey europe america asia"
)
# Country codes that also mean something else in a campaign's name.
_AMBIGUOUS = (
    "br nb pf tv sm se sb sd ga la li tt pr ad ai ms st co in is it to at me my no so do ml mf"
)
GEO_WORDS = frozenset(_COUNTRIES.split())
AMBIGUOUS_GEO_WORDS = frozenset(_AMBIGUOUS.split())


def family_of(platform: str) -> str | None:
    """Return the family of a platform, by the longest known phrase in its name.

    >>> family_of("google_ads"), family_of("Amazon DSP"), family_of("linear_tv"), family_of("Acme")
    ('search', 'display', 'video', None)
    """
    words = re.findall(r"\w+", platform[:MAX_TOKEN].lower().replace("_", " "))
    for length in range(min(3, len(words)), 0, -1):
        for start in range(len(words) - length, -1, -1):
            family = FAMILY_OF.get(" ".join(words[start : start + length]))
            if family is not None:
                return family
    return None


def objective_of(token: str) -> str | None:
    """Return `brand` or `performance` for a known word of naming conventions, else none."""
    return OBJECTIVE_OF.get(token.strip().lower())


def is_calendar(token: str) -> bool:
    """Return whether a token is a date, a part of the year, or a season.

    >>> [is_calendar(text) for text in ("2024Q1", "Spring", "KW12", "brand", "Q4-24", "20240115")]
    [True, True, True, False, True, True]
    """
    return len(token) <= MAX_TOKEN and _CALENDAR.match(token.strip().lower()) is not None


def is_number(token: str) -> bool:
    """Return whether a token is a number, a size, a duration or an id.

    >>> [is_number(text) for text in ("15s", "25-54", "48213", "a1b2c3d4e5", "brand", "1%")]
    [True, True, True, True, False, True]
    """
    text = token.strip().lower()
    if len(text) > MAX_TOKEN or not any(c.isalnum() or not c.isascii() for c in text):
        return True
    return _NUMBER.match(text) is not None or _ID.match(text) is not None


def is_geo(token: str, geos: frozenset[str]) -> bool:
    """Return whether a token names a place: a known one, or one of the client's geos."""
    text = token.strip().lower()
    return text in GEO_WORDS or text in geos


def is_surely_geo(token: str, geos: frozenset[str]) -> bool:
    """Return whether a token names a place and can hardly mean anything else."""
    text = token.strip().lower()
    return text in geos or (text in GEO_WORDS and text not in AMBIGUOUS_GEO_WORDS)
