-- p05 <= p50 <= p95 wherever a range is published; a range is there as a whole or not at all.
with
{%- set ranges = {
    'mixloop__contributions': ['contribution'],
    'mixloop__channel_performance': [
        'effect', 'share_of_effect', 'share_of_kpi', 'roi', 'marginal_roi', 'cost_per_outcome',
        'saturation', 'half_life_weeks', 'headroom_spend',
    ],
    'mixloop__response_curves': ['response', 'marginal_response'],
    'mixloop__backtests': ['forecast'],
    'mixloop__forecasts': ['forecast'],
    'mixloop__forecast_variance': ['variance'],
    'mixloop__run_scores': ['rssd'],
    'mixloop__channel_plausibility': ['share_of_effect', 'share_of_kpi', 'roi'],
    'mixloop__variable_selection': ['share_of_kpi'],
    'mixloop__specifications': ['effect', 'roi'],
    'mixloop__recommendations': [
        'effect_now', 'effect_recommended', 'effect_change', 'gain',
    ],
    'mixloop__decision_backtests': [
        'expected_gain', 'gain', 'gain_in_window', 'kpi_if_followed', 'gain_share',
    ],
} %}
{%- for mart, stems in ranges.items() %}
{%- for stem in stems %}
{{ mart }}_{{ stem }} as (
    select
        '{{ mart }}' as mart,
        '{{ stem }}' as quantity,
        run_id,
        {{ stem }}_p05 as p05,
        {{ stem }}_p50 as p50,
        {{ stem }}_p95 as p95
    from {{ ref(mart) }}
    where
        not (
            coalesce(
                {{ stem }}_p05 <= {{ stem }}_p50
                and {{ stem }}_p50 <= {{ stem }}_p95
                and isfinite({{ stem }}_p95),
                false
            )
            or ({{ stem }}_p05 is null and {{ stem }}_p50 is null and {{ stem }}_p95 is null)
        )
),
{%- endfor %}
{%- endfor %}

offenders as (
    {%- for mart, stems in ranges.items() %}
    {%- set outer_last = loop.last %}
    {%- for stem in stems %}
    select * from {{ mart }}_{{ stem }}
    {{ 'union all' if not (outer_last and loop.last) }}
    {%- endfor %}
    {%- endfor %}
)

select * from offenders
