"""Names that a client might have, and that must be nothing but text everywhere."""

HOSTILE = (
    'O\'Brien "Ads"; drop table media; --',
    "50% off_today",
    "50X offXtoday",
    '=HYPERLINK("http://x","y")',
    "+49 30",
    "-1",
    "@cmd",
    "0042",
    "1E5",
    "Jan 24",
    "TRUE",
    "a.b*c(d)[e]{2}^f$|g\\h",
    "🙂🙂",
    "\u202eפרסום\u202c ממומן",
    "zeile eins\nzeile zwei",
    "x" * 10_000,
    "=" + "y" * 10_000,
    "{{ 1/0 }} {% raw %}",
)
