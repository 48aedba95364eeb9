-- A warning: money has moved to other channels since the newest run was trained, or will.
{{ config(severity='warn') }}

{{ mixloop.triggered_signs(['mix_shift', 'new_channel', 'dropped_channel']) }}
