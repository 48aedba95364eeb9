-- A warning: weeks since training or a plan are beyond all the newest run was trained on.
{{ config(severity='warn') }}

{{ mixloop.triggered_signs(['spend_range', 'carryover_range', 'budget_range']) }}
