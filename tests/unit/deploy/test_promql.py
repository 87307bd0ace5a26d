import pytest

from tests.unit.deploy.promql import Selector, faults, read

SERIES = {
    "frames_total": frozenset({"job", "instance", "channel"}),
    "age_seconds_bucket": frozenset({"job", "instance", "le"}),
    "clients": frozenset({"job", "instance"}),
    "capacity": frozenset({"job", "instance"}),
    "busy": frozenset[str](),
}
NOTHING = frozenset[str]()


def test_metrics_are_told_from_functions_operators_and_ranges() -> None:
    query = read(
        'histogram_quantile(0.9, sum by (le) (rate(age_seconds_bucket{job="x"}[5m] offset 1h))) > 2.5e1 and busy'
    )

    assert query.selectors == (Selector("age_seconds_bucket", {"job": "x"}), Selector("busy", {}))


def test_text_in_matchers_is_no_metric() -> None:
    query = read(r'clients{job=~"a{2}|not_a_metric \"or that\"", instance!="b"}')

    assert query.selectors == (Selector("clients", {"job": r"a{2}|not_a_metric \"or that\"", "instance": "b"}),)


@pytest.mark.parametrize(
    "expression", ["sum by (channel) (rate(frames_total[5m]))", "sum(rate(frames_total[5m])) by (channel)"]
)
def test_an_aggregation_keeps_the_labels_it_names_wherever_it_names_them(expression: str) -> None:
    query = read(expression)

    assert query.kept == frozenset({"channel"})
    assert [selector.metric for selector in query.selectors] == ["frames_total"]


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("clients / capacity > 0.85", frozenset({"instance"})),
        ("sum by (channel) (frames_total) / on () group_left () sum(clients)", frozenset({"channel"})),
        ("count(clients == 0) and on () busy == 1", NOTHING),
        ("(sum(clients) or vector(0)) < 1", NOTHING),
        ("hour() * 60 + minute() >= bool 120", NOTHING),
    ],
)
def test_right_expressions_have_no_faults(expression: str, shown: frozenset[str]) -> None:
    assert faults(expression, shown, SERIES) == []


@pytest.mark.parametrize(
    ("expression", "shown", "fault"),
    [
        ("rate(frame_total[5m])", NOTHING, "no metric frame_total"),
        ("rate(frames[5m])", NOTHING, "no metric frames"),
        ("sum by (job) (age_seconds)", NOTHING, "no metric age_seconds"),
        ("clients / kapacity", NOTHING, "no metric kapacity"),
        ("absent(client)", NOTHING, "no metric client"),
        ('clients{channel="market"}', NOTHING, "clients has no label channel"),
        ("sum by (reason) (frames_total)", NOTHING, "nothing has a label reason"),
        ("clients and on (zone) capacity", NOTHING, "nothing has a label zone"),
        ("clients", frozenset({"channel"}), "the result has no label channel"),
        ("sum by (channel) (frames_total)", frozenset({"instance"}), "the result has no label instance"),
        ("sum(frames_total)", frozenset({"instance"}), "the result has no label instance"),
    ],
)
def test_what_does_not_exist_is_a_fault(expression: str, shown: frozenset[str], fault: str) -> None:
    assert faults(expression, shown, SERIES) == [fault]


def test_a_selector_without_a_metric_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match="must name its metric"):
        read('sum({job="publisher"})')
