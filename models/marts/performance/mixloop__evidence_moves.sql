{#- from where on a move (in standard deviations) and a likeness of media are worth a word -#}
{%- set small_move = 0.1 -%}
{%- set alike_media = 0.3 -%}
with moves as (
    select * from {{ ref('int_mixloop__evidence_moves') }}
),

effects as (
    select
        run_id,
        evidence_id,
        source,
        channel_id,
        method,
        effective_draws
    from {{ ref('int_mixloop__evidence_effects') }}
),

channel_tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

judged as (
    select
        moves.*,
        effects.source,
        effects.channel_id as tested_channel_id,
        effects.method as compared_by,
        effects.effective_draws,
        moves.effect_after_mean - moves.effect_before_mean as effect_move,
        coalesce(abs(moves.shift), 0) < {{ small_move }} as is_small,
        coalesce(abs(moves.shift) < 2 * moves.shift_error, true) as is_noise,
        case
            when moves.channel_id = effects.channel_id then 'tested'
            when
                coalesce(abs(moves.shift), 0) < greatest(
                    {{ small_move }}, 2 * coalesce(moves.shift_error, 0)
                ) then 'little'
            when moves.is_pool_sibling then 'pool'
            when abs(moves.media_correlation) >= {{ alike_media }} then 'shared_weeks'
            else 'indirect'
        end as cause
    from moves
    inner join effects
        on
            moves.run_id = effects.run_id
            and moves.evidence_id = effects.evidence_id
),

told as (
    select
        *,
        concat(
            'moved ', case when effect_move < 0 then 'down' else 'up' end, ' by ',
            {{ mixloop.short_number('abs(effect_move)') }}, ' of the KPI (',
            format('{:.2f}', abs(shift)), ' standard deviations)',
            case when is_noise then ', which may be the sampler''s noise' else '' end
        ) as move_in_words
    from judged
),

final as (
    select
        {{ mixloop.surrogate_key(['told.run_id', 'told.evidence_id', 'told.channel_id']) }}
            as evidence_move_id,
        told.run_id,
        told.model_id,
        told.evidence_id,
        told.source,
        told.tested_channel_id,
        told.channel_id,
        channel_tree.label,
        told.cause,
        case
            when told.shift is null
                then 'its effect does not vary without the row: there is nothing to compare'
            when told.cause = 'tested' and told.is_small
                then 'the row is about this channel: the model already said so, hardly a move'
            when told.cause = 'tested'
                then concat('the row is about this channel: ', told.move_in_words)
            when told.cause = 'little' and told.is_small then 'moved nearly nothing'
            when told.cause = 'little' then told.move_in_words
            when told.cause = 'pool'
                then concat(
                    'it is in one pool with the tested channel, and they share a return: ',
                    told.move_in_words
                )
            when told.cause = 'shared_weeks'
                then concat(
                    'its media run ',
                    case when told.media_correlation < 0 then 'against' else 'with' end,
                    ' those of the tested channel (correlation ',
                    format('{:.2f}', told.media_correlation), '): ', told.move_in_words
                )
            else concat(
                'its media are not like those of the tested channel; it moved through the ',
                'baseline, the common scale of shares or other channels: ', told.move_in_words
            )
        end as reason,
        told.effect_before_mean,
        told.effect_before_p05,
        told.effect_before_p50,
        told.effect_before_p95,
        told.effect_after_mean,
        told.effect_after_p05,
        told.effect_after_p50,
        told.effect_after_p95,
        told.effect_move,
        told.effect_before_mean / nullif(told.window_kpi, 0) as share_of_kpi_before,
        told.effect_after_mean / nullif(told.window_kpi, 0) as share_of_kpi_after,
        told.effect_before_mean / nullif(told.window_spend, 0) as roi_before,
        told.effect_after_mean / nullif(told.window_spend, 0) as roi_after,
        told.shift,
        told.shift_error,
        told.media_correlation,
        told.effect_correlation,
        told.compared_by,
        told.effective_draws,
        (select publication.overrides from publication) as overrides
    from told
    left join channel_tree
        on told.channel_id = channel_tree.channel_id
)

select * from final
