-- A warning: the newest run's channels, or the KPI, keep missing on the same side.
{{ config(severity='warn') }}

{{ mixloop.triggered_signs(['misses']) }}
