-- A warning: weeks or prices have moved on since the newest run was trained.
{{ config(severity='warn') }}

{{ mixloop.triggered_signs(['age', 'media_price']) }}
