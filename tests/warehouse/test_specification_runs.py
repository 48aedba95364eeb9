"""Other specifications on demand: more runs, rows in one table, nothing else moves."""

from mixloop.variants import AS_PRODUCT, FREE, STIFF, WITHOUT_CONTEXT

MODELS = (
    *("int_mixloop__current_runs", "int_mixloop__posterior", "int_mixloop__current_posterior"),
    *("int_mixloop__specifications", "mixloop__runs", "mixloop__specifications"),
)
UNMOVED = (
    "select run_id, channel_id, dimension, specification, effect_mean "
    "from wh.main_mixloop.mixloop__specifications where dimension != 'baseline' order by all"
)


def test_specification_runs_are_added_and_change_nothing_else(place):
    before = place.read(UNMOVED)
    live = place.read("select run_id from wh.main_mixloop.mixloop__runs where is_current")
    place.dbt("run", "--select", *MODELS, mixloop__specification_runs=1)
    assert place.read(UNMOVED) == before
    assert place.read("select run_id from wh.main_mixloop.mixloop__runs where is_current") == live
    kinds = dict(
        place.read("select run_kind, count(*) from wh.main_mixloop.mixloop__runs group by run_kind")
    )
    assert kinds["specification"] == 4
    found = place.read(
        "select specification, count(*), count(probability), count(distinct source_run_id) "
        "from wh.main_mixloop.mixloop__specifications where dimension = 'baseline' "
        "group by specification order by specification"
    )
    assert found == [(name, 3, 0, 1) for name in sorted((STIFF, FREE, WITHOUT_CONTEXT, AS_PRODUCT))]
