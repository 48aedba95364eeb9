with priors as (
    select * from {{ ref('int_mixloop__priors') }}
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
        *,
        case
            when prior_p05 is null or posterior_p50 is null then 'unknown'
            when posterior_p50 < prior_p05 or posterior_p50 > prior_p95 then 'contradicted'
            when overlap >= 0.8 then 'prior_decides'
            when narrowing >= 0.25 then 'narrowed'
            else 'moved'
        end as verdict
    from priors
),

final as (
    select
        {{ mixloop.surrogate_key(['judged.run_id', 'judged.channel_id', 'judged.quantity']) }}
            as prior_id,
        judged.run_id,
        judged.model_id,
        judged.channel_id,
        channel_tree.label,
        judged.quantity,
        judged.prior_source,
        judged.prior_mean,
        judged.prior_p05,
        judged.prior_p50,
        judged.prior_p95,
        judged.posterior_mean,
        judged.posterior_p05,
        judged.posterior_p50,
        judged.posterior_p95,
        judged.shift,
        judged.narrowing,
        judged.overlap,
        judged.p_above_one,
        judged.verdict,
        concat(
            case judged.verdict
                when 'contradicted'
                    then concat(
                        'the data moved it out of the range that was believed: check the belief, ',
                        'or what else could explain the KPI'
                    )
                when 'prior_decides'
                    then 'the data said little: what comes out is what was put in'
                when 'narrowed' then 'the data made it clearer, within what was believed'
                when 'moved'
                    then concat(
                        'the data moved it within what was believed, ',
                        'without making it much clearer'
                    )
                else 'it cannot be compared'
            end,
            case
                when judged.p_above_one > 0.5
                    then concat(
                        '; the priors together expect media to explain more than the whole KPI: ',
                        'give smaller shares (share_of_kpi)'
                    )
                else ''
            end
        ) as reason,
        (select publication.overrides from publication) as overrides
    from judged
    left join channel_tree
        on judged.channel_id = channel_tree.channel_id
)

select * from final
