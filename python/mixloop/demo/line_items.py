"""The line items of the demo brand: how agencies named them, and the channel each belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

_BEGIN, _END = date(2000, 1, 1), date(2100, 1, 1)
UNMAPPED = "unmapped"


@dataclass(frozen=True)
class LineItem:
    """One line item (or a family of them: the campaign name may carry the quarter).

    Attributes
    ----------
    platform, account, campaign, ad_group, line_item : str
        As the platform reports them. `{quarter}` (2024Q1), `{year}` and `{flight}` (Spring,
        Autumn, Holiday) are filled in by date.
    leaf : str
        Leaf of the client's hierarchy, or `unmapped`.
    channel : str
        Modelled channel at or above the leaf, or `unmapped`.
    share : tuple of float
        Share of the channel's spend in the first and in the last week; linear between.
    cpm : float
        Price of 1,000 impressions.
    click_rate : float
        Clicks for each impression; 0: the platform reports none.
    frequency : float
        Impressions for each person reached; 0: the platform reports none.
    first_day, last_day : date
        When it ran, inclusive.
    weekly_spend : float
        Only for unmapped items, which no channel's budget pays for; all geos together.
    """

    platform: str
    account: str
    campaign: str
    ad_group: str
    line_item: str
    leaf: str
    channel: str
    share: tuple[float, float]
    cpm: float
    click_rate: float = 0.0
    frequency: float = 0.0
    first_day: date = _BEGIN
    last_day: date = _END
    weekly_spend: float = 0.0


def _google(*row: object, **more: object) -> LineItem:
    return LineItem("google_ads", "Lindenloom US", *row, **more)


def _microsoft(*row: object, **more: object) -> LineItem:
    return LineItem("microsoft_ads", "Lindenloom US", *row, **more)


def _meta(*row: object, **more: object) -> LineItem:
    return LineItem("meta_ads", "act_lindenloom_us", *row, frequency=2.1, **more)


def _tiktok(*row: object, **more: object) -> LineItem:
    return LineItem("tiktok_ads", "lindenloom_us_bc", *row, frequency=1.6, **more)


def _amazon(*row: object) -> LineItem:
    return LineItem("amazon_ads", "Lindenloom Vendor", *row)


_HANDOVER = date(2024, 7, 1)  # a Meta campaign was re-briefed from reach to purchases

# platform wrapper: campaign, ad group, line item, leaf, channel, share, cpm, click rate
LINE_ITEMS = (
    _google(
        "US_BR_Search_Exact_{quarter}",
        *("Brand Core", "RSA_BrandCore", "google_brand", "brand_search", (0.50, 0.48), 95, 0.14),
    ),
    _google(
        "US_BR_Search_Phrase_{quarter}",
        *("Brand Product", "RSA_BrandProduct", "google_brand", "brand_search"),
        *((0.30, 0.28), 80, 0.10),
    ),
    _google(
        "US_NB_Search_Bedding_{quarter}",
        *("Linen Sheets", "RSA_LinenSheets", "google_generic", "generic_search"),
        *((0.30, 0.26), 62, 0.045),
    ),
    _google(
        "US_NB_Search_Bedding_{quarter}",
        *("Duvet Covers", "RSA_DuvetCovers", "google_generic", "generic_search"),
        *((0.18, 0.15), 58, 0.042),
    ),
    _google(
        "US_NB_PMax_Shopping_{year}",
        *("All Products", "PMax_AssetGroup_1", "google_shopping", "generic_search"),
        *((0.32, 0.41), 21, 0.018),
    ),
    _google(
        "US_YT_Awareness_{quarter}",
        *("InStream 15s", "YT_15s_Softness", "youtube", "online_video", (0.34, 0.30), 9, 0.002),
        frequency=2.6,
    ),
    _google(
        "US_YT_Awareness_{quarter}",
        *("Bumper 6s", "YT_6s_Softness", "youtube", "online_video", (0.16, 0.15), 6, 0.001),
        frequency=3.0,
    ),
    _microsoft(
        "US_BR_Search_{year}",
        *("Brand Core", "RSA_BrandCore", "microsoft_brand", "brand_search", (0.20, 0.24), 70, 0.11),
    ),
    _microsoft(
        "US_NB_Search_{year}",
        *("Bedding", "RSA_Bedding", "microsoft_generic", "generic_search", (0.20, 0.18), 44, 0.033),
    ),
    _meta(
        "US_BR_Reach_Video_{quarter}",
        *("Broad 25-54", "Video_Morning_15s", "meta_brand", "brand_social", (0.48, 0.42), 7, 0.004),
    ),
    _meta(
        "US_Evergreen_AlwaysOn",
        *("Broad US", "Carousel_Evergreen", "meta_brand", "brand_social", (0.22, 0.22), 8, 0.006),
        last_day=date(2024, 6, 30),
    ),
    _meta(
        "US_Evergreen_AlwaysOn",
        *("Broad US", "Carousel_Evergreen", "meta_performance", "performance_social"),
        *((0.10, 0.10), 9, 0.010),
        first_day=_HANDOVER,
    ),
    _meta(
        "US_PF_Prospecting_{quarter}",
        *("LAL 1-3%", "DPA_Bestsellers", "meta_performance", "performance_social"),
        *((0.36, 0.26), 11, 0.012),
    ),
    _meta(
        "US_PF_Prospecting_{quarter}",
        *("Interest Home Decor", "Static_Offer", "meta_performance", "performance_social"),
        *((0.22, 0.16), 10, 0.010),
    ),
    _meta(
        "US_PF_Retargeting_{quarter}",
        *("Cart 14d", "DPA_Cart", "meta_performance", "performance_social"),
        *((0.20, 0.16), 16, 0.022),
    ),
    _meta(
        "US_PF_Retargeting_{quarter}",
        *("Brand Story Engagers", "Video_Story_30s", "meta_brand", "brand_social"),
        *((0.10, 0.10), 9, 0.006),
    ),
    _tiktok(
        "US_BR_SparkAds_{quarter}",
        *("Home Fans", "Creator_Spark_01", "tiktok_brand", "brand_social", (0.20, 0.38), 5, 0.006),
    ),
    _tiktok(
        "US_PF_SmartPerf_{quarter}",
        *("Auto", "SPC_01", "tiktok_performance", "performance_social", (0.14, 0.28), 6, 0.009),
    ),
    _tiktok(
        "US_PF_SmartPerf_{quarter}",
        *("Auto", "SPC_02", "tiktok_performance", "performance_social", (0.08, 0.14), 6, 0.009),
    ),
    LineItem(
        *("dv360", "Lindenloom DV360", "LL_OLV_Preroll_{quarter}", "Home & Living"),
        *("OLV_Preroll_20s", "open_web_video", "online_video", (0.30, 0.20), 11, 0.003, 1.9),
    ),
    LineItem(
        *("dv360", "Lindenloom DV360", "LL_CTV_Streaming_{quarter}", "Premium CTV"),
        *("CTV_30s", "connected_tv", "online_video", (0.20, 0.35), 27, 0.0, 2.2),
    ),
    LineItem(
        *("linear_tv", "Northgate Media", "TV {flight} Flight {year}", "Primetime"),
        *("30s Spot", "tv", "tv", (0.65, 0.60), 19, 0.0),
    ),
    LineItem(
        *("linear_tv", "Northgate Media", "TV {flight} Flight {year}", "Daytime"),
        *("15s Spot", "tv", "tv", (0.35, 0.40), 12, 0.0),
    ),
    LineItem(
        *("spotify_ads", "lindenloom", "LL Audio Everywhere {year}", "Lean Back Playlists"),
        *("Audio_30s", "streaming_audio", "audio", (0.55, 0.60), 15, 0.001, 2.4),
    ),
    LineItem(
        *("radio", "Northgate Media", "Radio Drivetime {year}", "Mon-Fri 6-9"),
        *("Radio_20s", "radio", "audio", (0.45, 0.40), 8, 0.0),
    ),
    LineItem(
        *("ooh", "Northgate Media", "OOH Transit {year} {flight}", "Metro"),
        *("6-Sheet", "ooh", "ooh", (0.70, 0.55), 5, 0.0),
    ),
    LineItem(
        *("ooh", "Northgate Media", "OOH Digital Large Format {year}", "Roadside"),
        *("DOOH_10s", "ooh", "ooh", (0.30, 0.45), 7, 0.0),
    ),
    _amazon(
        "Sponsored Products | Bedding | {year}",
        *("Auto Targeting", "SP_Auto", "marketplace", "marketplace", (0.55, 0.50), 7, 0.008),
    ),
    _amazon(
        "Sponsored Products | Towels | {year}",
        *("Keyword Exact", "SP_Exact", "marketplace", "marketplace", (0.25, 0.25), 8, 0.010),
    ),
    _amazon(
        "Sponsored Brands | Storefront | {year}",
        *("Storefront", "SB_Video", "marketplace", "marketplace", (0.20, 0.25), 10, 0.006),
    ),
    LineItem(
        *("awin", "Lindenloom Programme 48213", "Content Publishers", "Editorial"),
        *("CPA_8pct", "affiliate", "affiliate", (0.60, 0.55), 24, 0.03),
    ),
    LineItem(
        *("awin", "Lindenloom Programme 48213", "Cashback & Voucher", "Voucher"),
        *("CPA_5pct", "affiliate", "affiliate", (0.40, 0.45), 18, 0.05),
    ),
    # Nobody told the warehouse about these.
    _google(
        "TEST_do_not_use_2023Q3",
        *("Ad group 1", "RSA_test", UNMAPPED, UNMAPPED, (0.0, 0.0), 55, 0.02),
        first_day=date(2023, 8, 7),
        last_day=date(2023, 8, 27),
        weekly_spend=2_400.0,
    ),
    _meta(
        "Agency_Sandbox_Lookalikes",
        *("Sandbox", "Sandbox_01", UNMAPPED, UNMAPPED, (0.0, 0.0), 10, 0.01),
        first_day=date(2024, 10, 7),
        last_day=date(2024, 12, 1),
        weekly_spend=3_100.0,
    ),
    _tiktok(
        "Creator_Boost_Spring25",
        *("Creators", "Boost_07", UNMAPPED, UNMAPPED, (0.0, 0.0), 6, 0.01),
        first_day=date(2025, 3, 31),
        last_day=date(2025, 5, 25),
        weekly_spend=4_200.0,
    ),
)
