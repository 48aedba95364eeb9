{#- What every var may be, as (kind, lowest, highest); none: no bound. Kinds: whole, number, boolean, text. -#}
{% macro var_rules() %}
    {%- set rules = {} -%}
    {%- set groups = {
        ('whole', 0, none): [
            'seed', 'first_forecast_weeks_ago', 'backtest_origins', 'min_history_weeks', 'min_active_weeks',
            'max_age_weeks',
        ],
        ('whole', 0, 1): ['specification_runs'],
        ('whole', 1, none): [
            'warmup', 'sweeps', 'max_sweeps', 'fit_jobs', 'backtest_step_weeks', 'backtest_horizon_weeks',
            'staleness_runs', 'miss_window_weeks', 'miss_block_weeks', 'miss_minimum',
        ],
        ('whole', 1, 104): ['carryover_weeks'],
        ('whole', 2, none): ['chains', 'draws', 'curve_points'],
        ('whole', 4, none): ['staleness_window_weeks'],
        ('number', 0, none): [
            'hurdle_roi', 'finance_tolerance', 'finance_blocking_gap', 'restatement_tolerance',
            'restatement_blocking', 'outlier_z', 'jump_ratio', 'min_variation', 'vif_warn', 'vif_fail',
            'rows_per_column_warn', 'roi_plausible_low', 'roi_plausible_high', 'effect_over_spend_high',
            'price_shift', 'range_tolerance', 'hypothesis_moved', 'evidence_conflict_z',
        ],
        ('number', 0, 1): [
            'recommend_change_max', 'min_share_of_spend', 'correlation_warn', 'correlation_fail',
            'share_of_kpi_high', 'spread_warn', 'coverage_warn', 'coverage_fail', 'negative_baseline_warn',
            'negative_baseline_fail', 'implausible_spend_fail', 'autocorrelation_warn', 'missing_weeks_warn',
            'stability_warn', 'material_share', 'p_material_keep', 'p_material_drop', 'p_sign_sure', 'mix_shift',
            'miss_false_alarm', 'hypothesis_weakened',
        ],
        ('number', 0.5, 1): ['hypothesis_lean'],
        ('number', 1e-6, 1): ['channel_share_scale', 'recommend_step'],
        ('number', 1e-6, none): ['pool_spread', 'evidence_half_life_weeks'],
        ('number', none, 1): ['min_skill'],
        ('boolean', none, none): ['price_of_media', 'allow_history_refresh'],
        ('text', none, none): [
            'week_start', 'as_of', 'source_database', 'source_schema', 'fit_backend', 'fit_scheduler',
            'history_database',
        ],
    } -%}
    {%- for rule, names in groups.items() -%}
        {%- for name in names -%}
            {%- do rules.update({'mixloop__' ~ name: rule}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for name in mixloop.input_names() -%}
        {%- for part in ('database', 'schema', 'identifier', 'seed') -%}
            {%- do rules.update({'mixloop__' ~ name ~ '_' ~ part: ('text', none, none)}) -%}
        {%- endfor -%}
        {%- do rules.update({'mixloop__' ~ name ~ '_enabled': ('boolean', none, none)}) -%}
    {%- endfor -%}
    {{ return(rules) }}
{% endmacro %}


{#- Stops dbt, while it reads the project, where a var has a value that it cannot have, or where --vars names one
    of mixloop's that there is not. (A name that dbt_project.yml invents cannot be seen from here.) -#}
{% macro check_vars() %}
    {%- set rules = mixloop.var_rules() -%}
    {%- set problems = [] -%}
    {%- for name, rule in rules.items() -%}
        {%- set value = var(name, none) -%}
        {%- set kind, lowest, highest = rule -%}
        {%- set is_number = value is number and value is not boolean -%}
        {%- if value is none or kind == 'text' -%}
        {%- elif kind == 'boolean' and value is not boolean -%}
            {%- do problems.append(name ~ " is '" ~ value ~ "': write true or false, without quotes") -%}
        {%- elif kind != 'boolean' and not is_number -%}
            {%- do problems.append(name ~ " is '" ~ value ~ "': write a plain number, without quotes or %") -%}
        {%- elif kind == 'whole' and value != value | int -%}
            {%- do problems.append(name ~ ' is ' ~ value ~ ': write a whole number') -%}
        {%- elif lowest is not none and value < lowest -%}
            {%- do problems.append(name ~ ' is ' ~ value ~ ': the least is ' ~ lowest) -%}
        {%- elif highest is not none and value > highest -%}
            {%- do problems.append(name ~ ' is ' ~ value ~ ': the most is ' ~ highest) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set said = invocation_args_dict.get('vars') or {} -%}
    {%- for name in said if said is mapping and name.startswith('mixloop__') and name not in rules -%}
        {%- set alike = [] -%}
        {%- for known in rules if (known.startswith(name[:-2]) or name.startswith(known[:-2]))
            and (known | length - name | length) | abs <= 3 -%}
            {%- do alike.append(known) -%}
        {%- endfor -%}
        {%- do problems.append(
            name ~ ' is not a var of mixloop' ~ ('; did you mean ' ~ alike | sort | join(' or ') if alike else '')
        ) -%}
    {%- endfor -%}
    {%- if problems -%}
        {{ exceptions.raise_compiler_error(
            'mixloop: ' ~ problems | join('; ') ~ '. The vars are listed in docs/vars.md'
        ) }}
    {%- endif -%}
{% endmacro %}
