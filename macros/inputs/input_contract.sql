{#-
    What mixloop expects of one input: {kind, is_required, columns}. The one home of names, aliases
    and limits. kind: `input` (a source) or `client_table` (a seed or model). Each column: name,
    type (what staging casts it to), is_required, required_if (rows in which an empty cell is
    a finding; all rows where it says nothing), aliases (first found wins, the name itself before
    them), min and max (numbers outside are blocking findings), allowed (texts, lower case).
-#}
{% macro input_contract(name) %}
    {%- set money = 'decimal(18, 6)' -%}
    {%- set number = 'decimal(28, 10)' -%}
    {%- set day_names = ['date_day', 'day', 'activity_date', 'week'] -%}
    {%- set geo_names = ['region', 'country', 'dma', 'market'] -%}
    {%- set geo = mixloop.input_column('geo', aliases=geo_names) -%}
    {%- set date = mixloop.input_column('date', 'date', true, day_names) -%}
    {%- set loaded_at = mixloop.input_column('loaded_at', 'timestamp', aliases=['_fivetran_synced']) -%}
    {%- set channel_id = mixloop.input_column('channel_id', is_required=true) -%}
    {%- set model_id = mixloop.input_column('model_id') -%}
    {%- set in_main = "coalesce(hierarchy_id, 'main') = 'main'" -%}
    {%- set contracts = {
        'media': [
            date,
            mixloop.input_column('platform', is_required=true),
            mixloop.input_column('account', aliases=['account_name', 'account_id']),
            mixloop.input_column('campaign', aliases=['campaign_name', 'campaign_id']),
            mixloop.input_column(
                'ad_group',
                aliases=['ad_group_name', 'ad_set_name', 'ad_group_id', 'ad_set_id'],
            ),
            mixloop.input_column('line_item', aliases=['ad_name', 'ad_id', 'line_item_name', 'line_item_id']),
            geo,
            mixloop.input_column('spend', money, true, ['cost'], min=0),
            mixloop.input_column('impressions', number, min=0),
            mixloop.input_column('clicks', number, min=0),
            mixloop.input_column('reach', number, min=0),
            mixloop.input_column('frequency', number, min=0),
            mixloop.input_column('currency', aliases=['currency_code']),
            loaded_at,
        ],
        'outcomes': [
            date,
            geo,
            mixloop.input_column('kpi', is_required=true),
            mixloop.input_column('value', number, true),
            loaded_at,
        ],
        'context': [
            date,
            geo,
            mixloop.input_column('variable', is_required=true),
            mixloop.input_column('value', number, true),
            loaded_at,
        ],
        'plan': [
            mixloop.input_column('plan_id', is_required=true),
            mixloop.input_column('week', 'date', true, ['date']),
            channel_id,
            geo,
            mixloop.input_column('planned_spend', money, true, min=0),
            mixloop.input_column('low', money, min=0),
            mixloop.input_column('high', money, min=0),
            mixloop.input_column('reach', number, min=0),
            mixloop.input_column('frequency', number, min=0),
            loaded_at,
        ],
        'plan_context': [
            mixloop.input_column('plan_id', is_required=true),
            mixloop.input_column('week', 'date', true, ['date']),
            geo,
            mixloop.input_column('variable', is_required=true),
            mixloop.input_column('value', number, true),
            loaded_at,
        ],
        'finance': [
            mixloop.input_column('month', 'date', true, ['date']),
            mixloop.input_column('platform', is_required=true),
            mixloop.input_column('spend', money, true, ['cost']),
            loaded_at,
        ],
        'channel_hierarchy': [
            channel_id,
            mixloop.input_column('parent_id'),
            mixloop.input_column('label', is_required=true, required_if=in_main),
            mixloop.input_column('owner'),
            mixloop.input_column('objective'),
            mixloop.input_column('is_modelled', 'boolean', true, required_if=in_main),
            mixloop.input_column('hierarchy_id'),
        ],
        'channel_mapping': [
            mixloop.input_column('rule_id'),
            mixloop.input_column('priority', 'bigint', true),
            mixloop.input_column('match_field', is_required=true, allowed=mixloop.match_fields()),
            mixloop.input_column(
                'match_type', is_required=true, allowed=['exact', 'prefix', 'like', 'regex']
            ),
            mixloop.input_column('pattern', is_required=true),
            channel_id,
            mixloop.input_column('valid_from', 'date'),
            mixloop.input_column('valid_to', 'date', far_dates=true),
            mixloop.input_column('notes'),
            mixloop.input_column('owner'),
        ],
        'model_definitions': [
            mixloop.input_column('model_id', is_required=true),
            mixloop.input_column('kpi', is_required=true),
            mixloop.input_column('geos'),
            mixloop.input_column('channel_level', allowed=['modelled']),
            mixloop.input_column('forecast_horizon_weeks', 'bigint', min=1, max=260),
            mixloop.input_column('training_weeks', 'bigint', min=26),
            mixloop.input_column('holiday_country'),
            mixloop.input_column('kpi_form', allowed=['additive', 'multiplicative']),
        ],
        'channel_priors': [
            model_id,
            channel_id,
            mixloop.input_column('share_of_kpi', number, min=0, max=1),
            mixloop.input_column('roi_low', number, min=0),
            mixloop.input_column('roi_high', number, min=0),
            mixloop.input_column('half_life_low_weeks', number, min=0),
            mixloop.input_column('half_life_high_weeks', number, min=0),
            mixloop.input_column('saturation_low', number, min=0, max=1),
            mixloop.input_column('saturation_high', number, min=0, max=1),
            mixloop.input_column('drift_per_year', number, min=0, max=1),
            mixloop.input_column(
                'media_unit', allowed=['spend', 'impressions', 'reach_frequency']
            ),
            mixloop.input_column('half_frequency_low', number, min=0),
            mixloop.input_column('half_frequency_high', number, min=0),
        ],
        'events': [
            mixloop.input_column('event_id', is_required=true),
            mixloop.input_column('label'),
            date,
            mixloop.input_column('recurs', allowed=['none', 'yearly']),
            mixloop.input_column('days_before', 'bigint', min=0, max=366),
            mixloop.input_column('days_after', 'bigint', min=0, max=366),
            geo,
        ],
        'experiments': [
            mixloop.input_column('experiment_id', is_required=true),
            channel_id,
            mixloop.input_column('kpi'),
            mixloop.input_column('geos'),
            mixloop.input_column('start_week', 'date', true),
            mixloop.input_column('end_week', 'date', true),
            mixloop.input_column('spend_actual', money, min=0),
            mixloop.input_column('spend_counterfactual', money, min=0),
            mixloop.input_column('lift', number, true),
            mixloop.input_column('standard_error', number, true, min=0),
            mixloop.input_column('method'),
            mixloop.input_column('decision_id'),
        ],
        'goals': [
            mixloop.input_column('goal_id', is_required=true),
            model_id,
            mixloop.input_column('kpi_target', number),
            mixloop.input_column('period_start', 'date'),
            mixloop.input_column('period_end', 'date'),
            mixloop.input_column('budget', money, min=0),
            mixloop.input_column('hurdle_roi', number, min=0),
            mixloop.input_column('risk_appetite'),
        ],
        'decisions': [
            mixloop.input_column('decision_id', is_required=true),
            mixloop.input_column('approved_on', 'date', true),
            mixloop.input_column('approved_by'),
            channel_id,
            mixloop.input_column('spend_from', money, min=0),
            mixloop.input_column('spend_to', money, min=0),
            mixloop.input_column('start_week', 'date'),
            mixloop.input_column('end_week', 'date'),
            mixloop.input_column('run_id'),
            mixloop.input_column('is_test', 'boolean'),
            mixloop.input_column('geos'),
        ],
        'feasibility_answers': [
            model_id,
            channel_id,
            mixloop.input_column(
                'answer',
                is_required=true,
                allowed=['model', 'pool', 'merge', 'hold_fixed', 'test_first'],
            ),
            mixloop.input_column('answered_by', is_required=true),
            mixloop.input_column('answered_on', 'date'),
            mixloop.input_column('reason'),
        ],
        'open_questions': [
            mixloop.input_column('question_id', is_required=true),
            mixloop.input_column('channel_id'),
            mixloop.input_column('line_item_id'),
            mixloop.input_column('week', 'date'),
            mixloop.input_column('question', is_required=true),
            mixloop.input_column('asked_by', is_required=true),
            mixloop.input_column('asked_on', 'date'),
            mixloop.input_column('is_blocking', 'boolean'),
            mixloop.input_column(
                'status', is_required=true, allowed=['open', 'answered', 'withdrawn']
            ),
            mixloop.input_column('answer'),
            mixloop.input_column('answered_by'),
        ],
        'context_variables': [
            model_id,
            mixloop.input_column('variable', is_required=true),
            mixloop.input_column('expected_sign', allowed=['+', '-', 'positive', 'negative']),
            mixloop.input_column('is_controllable', 'boolean'),
            mixloop.input_column('notes'),
        ],
        'overrides': [
            mixloop.input_column('check_name', is_required=true),
            mixloop.input_column('series'),
            mixloop.input_column('accepted_by', is_required=true),
            mixloop.input_column('accepted_on', 'date'),
            mixloop.input_column('reason', is_required=true),
        ],
    } -%}
    {%- if name not in contracts -%}
        {{ exceptions.raise_compiler_error(
            "mixloop: there is no input called '" ~ name ~ "'; choose one of "
            ~ contracts.keys() | join(', ')
        ) }}
    {%- endif -%}
    {%- set sources = ['media', 'outcomes', 'context', 'plan', 'plan_context', 'finance'] -%}
    {%- set required = [
        'media', 'outcomes', 'channel_hierarchy', 'channel_mapping', 'model_definitions',
    ] -%}
    {{ return({
        'kind': 'input' if name in sources else 'client_table',
        'is_required': name in required,
        'columns': contracts[name],
    }) }}
{% endmacro %}
