{#-
    What a row of media says of reach. Any two of reach, frequency and impressions give the third:
    contacts are reach x frequency, else impressions. Null where it does not say both. Decimals,
    because sums of them do not depend on the order of the rows.
-#}
{% macro people_reached() -%}
    case
        when reach is not null and (frequency is not null or impressions is not null)
            then cast(reach as decimal(28, 4))
        when frequency > 0 and impressions is not null
            then cast(cast(impressions as double) / cast(frequency as double) as decimal(28, 4))
    end
{%- endmacro %}


{% macro contacts() -%}
    case
        when reach is not null and frequency is not null
            then cast(cast(reach as double) * cast(frequency as double) as decimal(28, 4))
        when reach is not null or frequency > 0 then cast(impressions as decimal(28, 4))
    end
{%- endmacro %}


{#- Whether reach, frequency and impressions of one row cannot all be right: nobody is reached less
    than once, and contacts are impressions. -#}
{% macro is_odd_reach() -%}
    coalesce(
        (reach > 0 and frequency < 1)
        or (impressions is not null and reach > impressions)
        or (
            impressions > 0
            and abs(cast(reach as double) * cast(frequency as double) / cast(impressions as double) - 1)
            > 0.1
        ),
        false
    )
{%- endmacro %}


{#- What a channel is modelled on: the client's wish where there is media of that kind, else spend,
    else impressions. -#}
{% macro media_unit(wish, spend, impressions, reach) -%}
    case
        when {{ wish }} = 'reach_frequency' and {{ reach }} > 0 then 'reach_frequency'
        when {{ wish }} = 'impressions' and {{ impressions }} > 0 then 'impressions'
        when {{ spend }} > 0 then 'spend'
        else 'impressions'
    end
{%- endmacro %}


{#- The exposure of a row of media in a unit. -#}
{% macro exposure_in(unit, media) -%}
    case {{ unit }}
        when 'spend' then {{ media }}.spend
        when 'reach_frequency' then {{ media }}.reach
        else {{ media }}.impressions
    end
{%- endmacro %}


{#- Contacts per person reached of a row of media, as a double; null in other units. -#}
{% macro frequency_in(unit, media) -%}
    case
        when {{ unit }} = 'reach_frequency' and {{ media }}.reach > 0
            then cast({{ media }}.contacts as double) / cast({{ media }}.reach as double)
    end
{%- endmacro %}
