"""Column names and types of every frame that goes back to the warehouse.

A frame is cast to its schema before it leaves Python, so that an all-null column keeps its type
and an empty result is still a table. The SQL marts promise the same columns in their contracts.
"""

from __future__ import annotations

import polars as pl

_RANGE = ("mean", "p05", "p50", "p95")


def _ranges(*stems: str) -> dict[str, pl.DataType]:
    """Columns `<stem>_mean`, `<stem>_p05`, `<stem>_p50`, `<stem>_p95` for each stem."""
    return {f"{stem}_{part}": pl.Float64() for stem in stems for part in _RANGE}


POSTERIOR: dict[str, pl.DataType] = {
    # what the row is
    "run_id": pl.String(),
    "model_id": pl.String(),
    "run_kind": pl.String(),  # live, backtest, specification
    "kpi": pl.String(),
    "kpi_form": pl.String(),  # additive (also where null), multiplicative
    "as_of_week": pl.Date(),  # last training week
    "first_training_week": pl.Date(),
    "n_training_weeks": pl.Int64(),
    "carryover_weeks": pl.Int64(),
    "geo": pl.String(),
    "term_id": pl.String(),  # channel:<id>, a baseline column's name, noise:sigma, noise:rho, ...
    "term_type": pl.String(),  # channel, baseline, noise
    "component_id": pl.String(),  # the component the term belongs to; null for noise
    # how to evaluate it at any week
    "media_unit": pl.String(),  # channels: spend, impressions or reach_frequency
    "pool_id": pl.String(),  # channels drawn together: their pool
    "kpi_scale": pl.Float64(),  # training mean (multiplicative: geometric) of the KPI in this geo
    "input_center": pl.Float64(),  # baseline columns: (value - center) / scale
    "input_scale": pl.Float64(),  # baseline columns and channels (training maximum)
    # the draws, aligned by position
    "coefficient": pl.List(pl.Float64()),
    "kernel": pl.List(pl.String()),  # channels: adstock kernel
    "decay": pl.List(pl.Float64()),
    "half": pl.List(pl.Float64()),
    "slope": pl.List(pl.Float64()),
    "saturation": pl.List(pl.String()),  # channels: hill or exponential
    "drift": pl.List(pl.Float64()),  # channels: yearly change of log effectiveness
    # convergence of this term
    "rhat": pl.Float64(),
    "ess_bulk": pl.Float64(),
    "ess_tail": pl.Float64(),
    # JSON: how far each row of evidence moved this channel; on rows of the first geo only
    "evidence_moves": pl.String(),
    # facts of the run, the same on each of its rows
    "n_chains": pl.Int64(),
    "n_sweeps": pl.Int64(),
    "n_draws": pl.Int64(),
    "is_converged": pl.Boolean(),
    "seed": pl.Int64(),
    "data_hash": pl.String(),
    "config_hash": pl.String(),
    "code_hash": pl.String(),
    "draws_hash": pl.String(),  # of all draws of the run, as fitted; null in earlier versions
    "configuration": pl.String(),  # JSON: what was asked of the fit
    "dropped": pl.String(),  # JSON: channels without exposure, drivers without variation
    "evidence": pl.String(),  # JSON: what each row of evidence moved; null without, see calibration
    "versions": pl.String(),  # JSON
    "fit_seconds": pl.Float64(),
    "peak_memory_mib": pl.Float64(),
}

CURRENT_RUNS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "run_kind": pl.String(),
    "as_of_week": pl.Date(),
}

CONTRIBUTIONS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "geo": pl.String(),  # `all` is the sum over the model's geos
    "week": pl.Date(),
    "component_id": pl.String(),
    "component_type": pl.String(),  # channel, level, trend, season, event, context, ...
    "is_additive": pl.Boolean(),
    "is_controllable": pl.Boolean(),
    "allocation": pl.String(),  # null: estimated, or a sum of estimated; else the rule's name
    "hierarchy_id": pl.String(),  # channels: the hierarchy of the node
    "is_pooled": pl.Boolean(),  # holds some but not all channels of a pool
    **_ranges("contribution"),
}

PERFORMANCE: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "period_id": pl.String(),  # training, last_52_weeks, last_13_weeks, year_<yyyy>
    "period_start": pl.Date(),  # first week
    "period_end": pl.Date(),  # last week
    "node_id": pl.String(),
    "is_additive": pl.Boolean(),  # a modelled channel; other nodes are subtotals or children
    "allocation": pl.String(),  # null: estimated, or a sum of estimated; else the rule's name
    "hierarchy_id": pl.String(),
    "is_pooled": pl.Boolean(),  # holds some but not all channels of a pool
    "pool_id": pl.String(),  # at or below one pooled channel: its pool
    "range_note": pl.String(),  # what pools mean for the row's ranges; null mostly
    "spend": pl.Float64(),
    "share_of_spend": pl.Float64(),
    "hurdle_roi": pl.Float64(),
    **_ranges(
        "effect",
        "share_of_effect",
        "share_of_kpi",
        "roi",
        "marginal_roi",
        "cost_per_outcome",
        "saturation",
        "half_life_weeks",
        "headroom_spend",
    ),
    "p_marginal_roi_above_hurdle": pl.Float64(),
}

CURVES: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "channel_id": pl.String(),
    "point": pl.Int64(),
    "media_unit": pl.String(),
    "is_pooled": pl.Boolean(),  # drawn together with siblings
    "weekly_exposure": pl.Float64(),  # all geos together, held every week (steady state)
    "weekly_spend": pl.Float64(),  # null where exposure is not paid for
    "weekly_frequency": pl.Float64(),  # contacts per person, held; null for other units than reach
    **_ranges("response", "marginal_response"),
    "current_weekly_exposure": pl.Float64(),  # mean of the last 13 training weeks
    "planned_weekly_exposure": pl.Float64(),  # mean of the live plan's weeks, null without one
    "observed_max_exposure": pl.Float64(),  # largest training week
    "is_in_observed_range": pl.Boolean(),
}

FORECASTS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "forecast_kind": pl.String(),  # live, backtest (the run's kind)
    "plan_id": pl.String(),
    "plan_source": pl.String(),  # client, assumed
    "as_of_week": pl.Date(),
    "geo": pl.String(),
    "week": pl.Date(),
    "horizon_weeks": pl.Int64(),  # 1 = the week after as_of_week
    "component_id": pl.String(),  # with `kpi` (the sum) and `noise` (the carried error)
    "component_type": pl.String(),
    "is_additive": pl.Boolean(),
    "planned_value": pl.Float64(),  # exposure at or below a modelled channel, value of a driver
    "planned_spend": pl.Float64(),
    "allocation": pl.String(),  # null: estimated, or a sum of estimated; else the rule's name
    "hierarchy_id": pl.String(),  # channels: the hierarchy of the node
    "is_pooled": pl.Boolean(),  # holds some but not all channels of a pool
    "planned_frequency": pl.Float64(),  # contacts per person; null for other units than reach
    **_ranges("forecast"),
}

VARIANCE: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "plan_id": pl.String(),
    "as_of_week": pl.Date(),
    "geo": pl.String(),
    "period_type": pl.String(),  # week, month, quarter, goal
    "period_id": pl.String(),  # first day of the week, 2026-06, 2026-Q2, the goal
    "week": pl.Date(),  # rows of a week only
    "first_week": pl.Date(),  # of the weeks that are added up
    "last_week": pl.Date(),
    "n_weeks": pl.Int64(),
    "n_weeks_of_period": pl.Int64(),
    "horizon_weeks": pl.Int64(),  # of the last week
    "driver_id": pl.String(),  # node, driver, kpi, unexplained, total
    "driver_type": pl.String(),  # channel, context, event, kpi, unexplained, total
    "cause": pl.String(),  # spend, media_price, timing, frequency, context, event, restated,
    # mapping, unexplained, total
    "is_additive": pl.Boolean(),
    "allocation": pl.String(),  # null: estimated, or a sum of estimated; else the rule's name
    "hierarchy_id": pl.String(),  # channels: the hierarchy of the node
    "is_pooled": pl.Boolean(),  # holds some but not all channels of a pool
    "planned_value": pl.Float64(),  # before the cause; of a total, as planned
    "actual_value": pl.Float64(),  # after it; of a total, as known today
    "forecast_mean": pl.Float64(),  # totals: what was forecast, and
    "actual_mean": pl.Float64(),  # what came; of a node its effect at what came
    **_ranges("variance"),
    "z_score": pl.Float64(),  # unexplained and total: size against the predictive spread
    "ranked_drivers": pl.String(),  # totals: JSON
    "sentence": pl.String(),  # totals
    "inputs_hash": pl.String(),  # of all that the forecast's rows are made from
}

RESTATEMENTS: dict[str, pl.DataType] = {
    "run_id": pl.String(),  # the later run
    "model_id": pl.String(),
    "earlier_run_id": pl.String(),
    "as_of_week": pl.Date(),
    "earlier_as_of_week": pl.Date(),
    "first_week": pl.Date(),  # of the weeks that both were trained on
    "last_week": pl.Date(),
    "component_id": pl.String(),  # channel, all_media
    "cause": pl.String(),  # mapping, revised_history, new_weeks, evidence, configuration,
    # sampler_noise, total
    "effect_before": pl.Float64(),  # total: what the earlier run says of these weeks
    "effect_after": pl.Float64(),
    "change": pl.Float64(),
    "change_low": pl.Float64(),  # range of the simulation error
    "change_high": pl.Float64(),
    "is_beyond_noise": pl.Boolean(),
}

BACKTESTS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "origin_week": pl.Date(),  # last training week
    "method": pl.String(),  # mixloop, ridge, seasonal_naive, drift, last_value
    "measure": pl.String(),  # week: that week alone; sum: all weeks after the origin up to it
    "week": pl.Date(),
    "horizon_weeks": pl.Int64(),
    "actual": pl.Float64(),  # sum over the model's geos
    **_ranges("forecast"),  # null quantiles where a method gives no range
    "absolute_error": pl.Float64(),
    "crps": pl.Float64(),  # for a point forecast the absolute error
    "is_in_50_range": pl.Boolean(),
    "is_in_80_range": pl.Boolean(),
    "is_in_90_range": pl.Boolean(),
    "inputs_hash": pl.String(),  # of all that the rows are made from
}

SCORES: dict[str, pl.DataType] = {
    "run_id": pl.String(),  # the live run
    "model_id": pl.String(),
    "method": pl.String(),  # mixloop, ridge, seasonal_naive, drift, last_value
    "sample": pl.String(),  # in_sample, out_of_sample (all backtest origins of the model)
    "n_weeks": pl.Int64(),
    "r2": pl.Float64(),
    "adjusted_r2": pl.Float64(),  # mixloop in sample, like the others that need draws
    "effective_parameters": pl.Float64(),
    "nrmse": pl.Float64(),  # RMSE / (max - min) of the actuals
    "mape": pl.Float64(),
    "wmape": pl.Float64(),
    "crps": pl.Float64(),  # relative to the mean actual
    "coverage_90": pl.Float64(),
    "skill": pl.Float64(),  # 1 - crps / crps of seasonal_naive, same weeks
    "durbin_watson": pl.Float64(),  # in sample, of the residuals
    "durbin_watson_innovations": pl.Float64(),  # of what the autocorrelation leaves
    "residual_autocorrelation": pl.Float64(),  # the largest of it among lags 1 to 4
    "spread_with_level": pl.Float64(),  # rank correlation of its size with the level of the KPI
    **_ranges("rssd"),
    "p_negative_baseline_week": pl.Float64(),  # some training week's baseline is below zero
    "p_negative_baseline_total": pl.Float64(),
    "negative_baseline_share": pl.Float64(),  # expected share of weeks
}

SELECTION: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "variable_id": pl.String(),  # channel, context:<variable>, event:<event>, trend, season
    "variable_type": pl.String(),  # channel, context, event, trend, season
    "is_fitted": pl.Boolean(),
    "drop_reason": pl.String(),  # no_exposure, never_varies, too_short; null where fitted
    **_ranges("share_of_kpi"),  # of the KPI that the variable moves, up or down
    "p_material": pl.Float64(),
    "p_positive": pl.Float64(),  # context, event
}

SPECIFICATIONS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "channel_id": pl.String(),
    "source_run_id": pl.String(),  # the run that says so: the same, or one of another baseline
    "dimension": pl.String(),  # all, kernel, half_life, half_saturation, slope, baseline
    "specification": pl.String(),
    "position": pl.Int64(),  # of the specification in its dimension
    "n_draws": pl.Int64(),
    "probability": pl.Float64(),
    "variance_share": pl.Float64(),  # of the effect's variance that the dimension accounts for
    "spend": pl.Float64(),
    **_ranges("effect", "roi"),
}

CONSISTENCY: dict[str, pl.DataType] = {
    "run_id": pl.String(),  # the live run
    "model_id": pl.String(),
    "channel_id": pl.String(),
    "n_origins": pl.Int64(),  # earlier origins that estimate the channel
    "first_week": pl.Date(),  # weeks that all of them were trained on
    "last_week": pl.Date(),
    "n_channels": pl.Int64(),  # ranked ones
    "roi": pl.Float64(),  # medians of the draws over these weeks
    "roi_lowest": pl.Float64(),
    "roi_highest": pl.Float64(),
    "rank": pl.Int64(),  # 1 = highest return
    "rank_lowest": pl.Int64(),
    "rank_highest": pl.Int64(),
    "is_above_hurdle": pl.Boolean(),
    "is_above_median": pl.Boolean(),
    "share_same_rank": pl.Float64(),
    "share_same_side_of_hurdle": pl.Float64(),
    "share_same_side_of_median": pl.Float64(),
}

HYPOTHESES: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "as_of_week": pl.Date(),
    "channel_id": pl.String(),
    "is_pooled": pl.Boolean(),
    "hurdle_roi": pl.Float64(),
    "weekly_spend": pl.Float64(),  # mean of the last 52 training weeks
    "p_over": pl.Float64(),  # that a little more does not earn the hurdle
    "direction": pl.String(),  # over, under, open
    "best_weekly_spend": pl.Float64(),  # on average, on the likelier side
    **_ranges("marginal_roi", "movable_spend", "gain"),  # a week
}

STALENESS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "as_of_week": pl.Date(),  # last training week of the run
    "last_known_week": pl.Date(),  # what it is judged with
    "channel_id": pl.String(),  # or total
    "signal": pl.String(),  # mix_shift, new_channel, dropped_channel, misses, ...: stale_signs
    "measured": pl.Float64(),  # null: nothing to measure yet
    "threshold": pl.Float64(),
    "is_triggered": pl.Boolean(),
    "first_week": pl.Date(),
    "last_week": pl.Date(),
    "n_observations": pl.Int64(),
    "p_value": pl.Float64(),  # misses
    "sentence": pl.String(),
    "remedy": pl.String(),  # null where not triggered
}

EVIDENCE: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "evidence_id": pl.String(),
    "source": pl.String(),  # experiment, decision, roi_belief
    "channel_id": pl.String(),
    "geos": pl.List(pl.String()),  # that took part
    "start_week": pl.Date(),
    "end_week": pl.Date(),
    "spend_actual": pl.Float64(),
    "spend_counterfactual": pl.Float64(),
    "lift": pl.Float64(),
    "standard_error": pl.Float64(),
    "age_factor": pl.Float64(),  # the factors multiply the variance
    "gap_factor": pl.Float64(),
    "duration_factor": pl.Float64(),
    "standard_error_used": pl.Float64(),
    "method": pl.String(),  # reweighted, refitted: how the run without the row was found
    "effective_draws": pl.Float64(),
    **_ranges("effect_before", "effect_after", "roi_before", "roi_after"),
    "shift": pl.Float64(),  # of the training effect, in standard deviations of before
    "narrowing": pl.Float64(),  # 1 - standard deviation after over before
    "z_score": pl.Float64(),  # lift against effect before
}

MOVES: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "evidence_id": pl.String(),
    "channel_id": pl.String(),  # that was moved
    **_ranges("effect_before", "effect_after"),  # of the training weeks
    "shift": pl.Float64(),  # in standard deviations of before
    "shift_error": pl.Float64(),  # its standard error from the sampler's noise
    "media_correlation": pl.Float64(),  # with the tested channel, weeks within geos
    "effect_correlation": pl.Float64(),  # of the draws, with the effect that was measured
    "is_pool_sibling": pl.Boolean(),  # drawn together with the tested channel
    "window_kpi": pl.Float64(),  # KPI of the training weeks
    "window_spend": pl.Float64(),  # of the channel in the training weeks
}

PRIORS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "channel_id": pl.String(),  # `all` is the model
    "quantity": pl.String(),  # share_of_kpi, roi, half_life_weeks, saturation, kpi_per_year,
    # and half_frequency instead of saturation for channels that are modelled on reach
    "prior_source": pl.String(),  # client, default
    **_ranges("prior", "posterior"),
    "shift": pl.Float64(),  # of the median, in standard deviations of the prior's 90% range
    "narrowing": pl.Float64(),  # 1 - width of the 90% range after over before
    "overlap": pl.Float64(),  # area that prior and posterior share, 0 to 1
    "p_above_one": pl.Float64(),  # prior probability of a share above the whole KPI
}


RECOMMENDATIONS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "plan_id": pl.String(),
    "plan_source": pl.String(),  # client, assumed
    "as_of_week": pl.Date(),
    "first_week": pl.Date(),  # of the plan
    "last_week": pl.Date(),
    "horizon_weeks": pl.Int64(),
    "channel_id": pl.String(),
    "media_unit": pl.String(),
    "spend_now": pl.Float64(),  # per week of the plan, as the other amounts
    "spend_recommended": pl.Float64(),
    "spend_low": pl.Float64(),
    "spend_high": pl.Float64(),
    "change": pl.Float64(),  # recommended over now, less 1; null without spend
    "held_by": pl.String(),  # low, high, fixed, no_spend; null: free to move further
    **_ranges("effect_now", "effect_recommended", "effect_change"),  # whole plan and after it
    **_ranges("gain"),  # of all channels together, the same on every row
    "p_better": pl.Float64(),  # that the gain is above zero; null where nothing is moved
    "n_moved": pl.Int64(),
}

DECISION_BACKTESTS: dict[str, pl.DataType] = {
    "run_id": pl.String(),  # the fit at the origin, which gave the advice
    "newest_run_id": pl.String(),  # the live run, which values it
    "model_id": pl.String(),
    "origin_week": pl.Date(),
    "first_week": pl.Date(),  # of the window that has come since
    "last_week": pl.Date(),
    "n_weeks": pl.Int64(),
    "budget": pl.Float64(),  # spent in the window, and in what would have been done
    "moved_spend": pl.Float64(),  # of it that would have gone elsewhere
    "n_moved": pl.Int64(),  # channels whose money the advice changed
    "more_for": pl.String(),  # channels, the largest amount first
    "less_for": pl.String(),
    "budget_then": pl.Float64(),  # money that the advice was about
    **_ranges("expected_gain"),  # as the origin's fit saw it
    "p_better_then": pl.Float64(),
    **_ranges("gain"),  # as the newest run sees it, carry-over after the window included
    "p_gain": pl.Float64(),
    **_ranges("gain_in_window"),
    "gain_after_mean": pl.Float64(),
    "actual_kpi": pl.Float64(),  # of the window; null where a week is missing
    **_ranges("kpi_if_followed"),  # actual_kpi + gain_in_window
    "inputs_hash": pl.String(),  # of all that the rows are made from
}

FEASIBILITY: dict[str, pl.DataType] = {
    "model_id": pl.String(),
    "node_id": pl.String(),  # channel of the main hierarchy
    "node_role": pl.String(),  # modelled, child (below a modelled one), subtotal (above)
    "media_unit": pl.String(),  # spend, impressions, reach_frequency
    "active_weeks": pl.Int64(),  # training weeks with media in any geo
    "share_of_active_weeks": pl.Float64(),
    "history_weeks": pl.Int64(),  # from its first active training week to the last training week
    "spend": pl.Float64(),
    "share_of_spend": pl.Float64(),  # of all spend in the model's geos and training weeks
    "variation": pl.Float64(),  # standard deviation over mean, within geos
    "vif": pl.Float64(),
    "moves_with": pl.String(),
    "correlation": pl.Float64(),
    "is_sibling": pl.Boolean(),  # moves_with has the same parent
    "nearest_sibling_id": pl.String(),  # the one it would be pooled with
    "effective_observations": pl.Float64(),
    "training_rows": pl.Int64(),  # of the model: weeks x geos with a known KPI
    "model_columns": pl.Int64(),  # of the model: coefficients over all geos
    "rows_per_column": pl.Float64(),
    "verdict": pl.String(),  # model, pool, merge, hold_fixed, test_first; null for subtotals
    "reason": pl.String(),
}


HOLIDAYS: dict[str, pl.DataType] = {
    "model_id": pl.String(),
    "holiday_country": pl.String(),  # one code of the model's list, as written
    "n_countries": pl.Int64(),  # known codes of the model's list
    "is_known": pl.Boolean(),  # false: the library does not have the code, and there is no day
    "close_codes": pl.String(),  # codes that an unknown one may mean; empty for none
    "label": pl.String(),
    "holiday_date": pl.Date(),
    "source_file": pl.String(),
    "source_row": pl.Int64(),
}


DECISION_PREDICTIONS: dict[str, pl.DataType] = {
    "prediction_id": pl.String(),  # decision x model x terms
    "decision_id": pl.String(),
    "model_id": pl.String(),
    "terms_hash": pl.String(),  # of what was approved
    "revision": pl.Int64(),  # 1, 2, ... of the terms as approved
    "run_id": pl.String(),  # the run that predicts
    "run_basis": pl.String(),  # named, newest_before_approval, in_hindsight
    "run_as_of_week": pl.Date(),
    "approved_on": pl.Date(),
    "node_id": pl.String(),
    "role": pl.String(),  # itself, below, above
    "channels": pl.String(),
    "geos": pl.String(),  # empty: all
    "start_week": pl.Date(),
    "end_week": pl.Date(),  # last week that is predicted
    "spend_from": pl.Float64(),
    "spend_to": pl.Float64(),
    "carryover_weeks": pl.Int64(),
    **_ranges("window_effect", "effect"),
    "window_effect_sd": pl.Float64(),
    "effect_sd": pl.Float64(),
    "p_positive": pl.Float64(),
}

DECISION_MEASUREMENTS: dict[str, pl.DataType] = {
    "measurement_id": pl.String(),
    "prediction_id": pl.String(),  # decision x model x terms
    "decision_id": pl.String(),
    "model_id": pl.String(),
    "terms_hash": pl.String(),
    "measured_by": pl.String(),  # experiment, later_model
    "source_id": pl.String(),  # experiment_id, or run_id of the later model
    "revision": pl.Int64(),  # 1, 2, ... of this decision, model and terms
    "as_of_week": pl.Date(),  # last training week of the current run
    "first_training_week": pl.Date(),  # of the run that measures; null for an experiment
    "n_training_weeks": pl.Int64(),
    "node_id": pl.String(),
    "role": pl.String(),
    "geos": pl.List(pl.String()),
    "start_week": pl.Date(),
    "end_week": pl.Date(),
    "evidence_ids": pl.List(pl.String()),  # that the run which measures had on these channels
    "carryover_weeks_seen": pl.Int64(),  # weeks after the window that the run knows
    "spend_actual": pl.Float64(),  # of the node in the window
    "spend_counterfactual": pl.Float64(),
    **_ranges("window_effect", "effect"),  # measured; an experiment has the window's only
    "window_effect_sd": pl.Float64(),
    "effect_sd": pl.Float64(),
    **_ranges("expected_window", "expected"),  # by the run that predicted, at the money spent
    "expected_window_sd": pl.Float64(),
    "expected_sd": pl.Float64(),
}


def conform(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Return `frame` with exactly the schema's columns, in its order and types.

    Raises
    ------
    ValueError
        When a column is missing or one is not in the schema; the message names them.
    """
    missing = [name for name in schema if name not in frame.columns]
    extra = [name for name in frame.columns if name not in schema]
    if missing or extra:
        raise ValueError(f"frame does not fit its schema: missing {missing}, not expected {extra}")
    return frame.select([pl.col(name).cast(dtype) for name, dtype in schema.items()])


def empty(schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Return a frame with the schema's columns and no rows."""
    return pl.DataFrame(schema=schema)
