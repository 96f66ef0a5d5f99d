"""Figures, tested as data: which traces, in which colours, over which range, saying what."""

import dataclasses
import itertools
import json
import subprocess
import sys

import numpy as np
import plotly.graph_objects as go
import pytest
import record_examples
from hypothesis import given
from hypothesis import strategies as st

from workbench import coding
from workbench.plots import colour, curve, panels, plot, plot_row, style, surface, text
from workbench.quantity import decimals, fixed, quantity, share, significant
from workbench.records import Attribution, Grade, Record
from workbench.words import merged_words

EXAMPLES = record_examples.examples()
THEMES = ("light", "dark")
METHODS = ("gradient", "integrated_gradients", "kernel_shap", "random")
GRADES = (Grade.SUPPORTED, Grade.MIXED, Grade.NOT_SUPPORTED, Grade.MIXED)


def several(record: Attribution, count: int = 4) -> list[Attribution]:
    """The same sample by several methods of different sizes."""
    sizes = (0.5, 1.0, 3.0, 0.25)
    return [
        dataclasses.replace(record, method=name, values=record.values * size)
        for name, size in zip(METHODS[:count], sizes, strict=False)
    ]


def maps(figure: go.Figure) -> list[go.Heatmap]:
    return [trace for trace in figure.data if isinstance(trace, go.Heatmap) and trace.zmid is not None]


def words(figure: go.Figure) -> str:
    """Every text that a figure shows."""
    shown = [note.text for note in figure.layout.annotations] + [figure.layout.title.text or ""]
    for trace in figure.data:
        for value in (trace.text, trace.name) if hasattr(trace, "text") else ():
            shown += [value] if isinstance(value, str) else list(value if value is not None else ())
    return " ".join(map(str, shown))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_record_has_a_figure(name: str, theme: str) -> None:
    figure = plot(EXAMPLES[name], theme=theme)
    assert figure.data or figure.layout.annotations
    assert json.loads(figure.to_json())
    assert figure.layout.template.layout.paper_bgcolor == style.palette(theme).ground
    assert 100 < figure.layout.height < 1200


def test_every_record_type_is_among_the_examples() -> None:
    assert {type(record) for record in EXAMPLES.values()} == set(coding.kinds().values())


def test_what_is_no_record_has_no_figure() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
    class Novel(Record):
        name = "novel"

    with pytest.raises(TypeError, match="Novel"):
        plot(Novel())
    with pytest.raises(ValueError, match="light or dark"):
        plot(EXAMPLES["curve"], theme="sepia")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_same_record_gives_the_same_figure(name: str) -> None:
    assert plot(EXAMPLES[name]).to_json() == plot(EXAMPLES[name]).to_json()


def test_seconds_are_not_drawn() -> None:
    record = record_examples.image()
    assert plot(record).to_json() == plot(dataclasses.replace(record, seconds=99.0)).to_json()


def test_plots_load_no_network() -> None:
    code = "import sys, workbench.plots; print([m for m in ('torch', 'captum', 'sklearn') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["image", "rgb"])
def test_maps_are_symmetric_about_zero_and_share_their_range(name: str) -> None:
    rows = several(EXAMPLES[name])  # type: ignore[arg-type]
    found = maps(plot_row(rows, common_scale=True))
    assert len(found) == len(rows)
    largest = max(np.abs(row.take(0).sum("channel").values).max() for row in rows)
    for trace in found:
        assert (trace.zmin, trace.zmid, trace.zmax) == (pytest.approx(-largest), 0, pytest.approx(largest))
    own = maps(plot_row(rows, common_scale=False))
    assert [trace.zmax for trace in own] == [
        pytest.approx(np.abs(row.take(0).sum("channel").values).max()) for row in rows
    ]
    assert "scale ±" in words(plot_row(rows, common_scale=False))


def test_maps_share_a_scale_while_none_looks_empty_on_it() -> None:
    record = record_examples.image()
    for least, shared in ((0.4, True), (0.2, False)):
        small = dataclasses.replace(record, values=record.values * least)
        assert (len({trace.zmax for trace in maps(plot_row([record, small]))}) == 1) is shared


def test_a_map_is_the_sum_over_channels_of_its_sample() -> None:
    record = record_examples.image(count=3, channels=3)
    drawn = maps(plot_row([record], index=2))[0]
    np.testing.assert_allclose(drawn.z, record.values[2].sum(0), rtol=1e-6)
    assert "sum over channel" in words(plot(record.take(0)))


def test_a_colour_image_is_shown_in_its_colours() -> None:
    record = record_examples.image(channels=3)
    shown = next(trace for trace in plot_row([record]).data if isinstance(trace, go.Image))
    np.testing.assert_array_equal(shown.z, np.round(255 * record.inputs[0].transpose(1, 2, 0)).astype(np.uint8))


def test_positive_is_orange_negative_is_blue_and_zero_the_ground() -> None:
    for theme, blue_to_orange in (("light", ("#2166AC", "#FBFBF9", "#B35806")), ("dark", None)):
        colours = style.palette(theme)
        ends = tuple(style.shade(colours, value, 2.0) for value in (-2.0, 0.0, 2.0))
        assert ends == (blue_to_orange or (colours.against, colours.ground, colours.towards))
        assert style.shade(colours, 99.0, 2.0) == colours.towards
        assert style.shade(colours, 0.0, 0.0) == colours.ground


def test_the_evidence_is_outlined_where_it_is_planted() -> None:
    mask = np.zeros((4, 5), dtype=bool)
    mask[1:3, 2:4] = True
    x, y = panels.outline(mask)
    points = {(a, b) for a, b in zip(x, y, strict=True) if a is not None}
    corners = {(1.5, 0.5), (3.5, 0.5), (1.5, 2.5), (3.5, 2.5)}
    assert corners <= points
    assert all(1.5 <= a <= 3.5 and 0.5 <= b <= 2.5 for a, b in points)  # type: ignore[operator]
    assert len([a for a in x if a is None]) == 8  # pixel edges of a 2 × 2 square
    names = [trace.name for trace in plot_row(several(record_examples.image())).data]
    assert names.count("evidence") == 5
    assert "evidence" not in [trace.name for trace in plot(EXAMPLES["bare"]).data]


def test_a_caption_says_what_was_explained_and_how_far_to_trust_it() -> None:
    record = record_examples.image(count=1)
    shown = words(plot(record))
    for part in ("logit of a", "f(x) 4.00", "f(x′) 0.500", "gap", "seed 0", "33 forward, 32 backward passes"):
        assert part in shown
    bare = words(plot(dataclasses.replace(record, f_reference=np.array([np.nan]), seed=None)))
    assert "gap" not in bare
    assert "seed" not in bare
    equal = words(plot(dataclasses.replace(record, f_reference=record.f_x + 1e-9)))
    assert "e+" not in equal, "rounding is no share of nothing"


def test_a_wrong_prediction_looks_different() -> None:
    right, wrong = (words(plot(record_examples.image().take(i))) for i in (0, 1))
    assert "label a ✓" in right
    assert "label a ✗" in wrong
    assert "✗" not in right
    unknown = record_examples.image(count=1, labels=np.array([-1]), label_names=("",))
    assert "label" not in words(plot(unknown))


def test_grades_have_a_shape_and_a_word() -> None:
    graded = [record_examples.evidence(grade) for grade in GRADES]
    shown = words(plot_row(several(record_examples.image()), graded))
    for part in ("● Supported", "◐ Mixed", "○ Not supported"):
        assert part in shown
    assert len(set(style.SYMBOLS.values())) == 3


def test_rows_of_different_samples_are_refused() -> None:
    record = record_examples.image(count=2)
    with pytest.raises(ValueError, match="same sample"):
        plot_row([record.take(0), record.take(1)])
    with pytest.raises(ValueError, match="at least one"):
        plot_row([])
    with pytest.raises(ValueError, match="zip"):
        plot_row([record], [record_examples.evidence()] * 2)


def test_words_are_sums_of_their_tokens() -> None:
    record = record_examples.text()
    found, values = merged_words(record)
    assert found == ("not", "a", "bad", "film", ",", "but", "<b>never</b>", "a", "good", "one")
    assert values[3] == pytest.approx(0.75)
    assert values.sum() == pytest.approx(record.values[0].sum())
    with pytest.raises(ValueError, match="tokens"):
        merged_words(record_examples.image())


def test_words_are_cells_in_lines_that_do_not_overlap() -> None:
    graded = [record_examples.evidence(grade) for grade in GRADES]
    figure = plot_row(several(record_examples.text()), graded, width=520)
    boxes = [(s.x0, s.x1, s.y0, s.y1) for s in figure.layout.shapes]
    assert len(boxes) == 4 * 10
    assert len({box[2] for box in boxes}) > 4  # more than one line
    assert max(box[1] for box in boxes) <= 520
    for a, b in itertools.combinations(boxes, 2):
        assert a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2]
    lefts = [box[0] for box in boxes]
    assert lefts[:10] == lefts[10:20] == lefts[20:30]


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=60), st.floats(min_value=80, max_value=1200))
def test_lines_of_words_wrap(shown: list[str], width: float) -> None:
    cells = text.layout(shown, ["0.00"] * len(shown), width)
    for before, after in itertools.pairwise(cells):
        assert (after.line, after.left) > (before.line, before.left)
        assert after.line > before.line or after.left > before.right
    assert all(cell.left == 0 or cell.right <= width for cell in cells)


def test_a_users_text_is_never_markup() -> None:
    odd = '<script>alert(1)</script><a href="x">&amp;'
    record = record_examples.text(
        tokens=((odd, *record_examples.SENTENCE[1:], ""),),
        sample_ids=(odd,),
        class_names=(odd,),
        predicted_names=(odd,),
        label_names=(odd,),
        subject=odd,
    )
    table = dataclasses.replace(record_examples.table(), title=odd, note=odd, rows=((odd, 1.0, 1.0, 1),) * 3)
    matrix = dataclasses.replace(record_examples.matrix(), rows=(odd,) * 3, columns=(odd,) * 3, unit=odd, title=odd)
    lines = dataclasses.replace(record_examples.curve(), labels=(odd,) * 3, title=odd, x_title=odd, band_label=odd)
    tabular = record_examples.tabular(feature_names=(odd, "b", "c", "d"))
    found = dataclasses.replace(record_examples.evidence(), subject=odd, sample_id=odd)
    score = dataclasses.replace(record_examples.score(), why=odd, unit=odd, subject=odd)
    points = dataclasses.replace(record_examples.embedding(), labels=(odd,) * 60, ids=(odd,) * 60)
    for example in (record, table, matrix, lines, tabular, found, score, points):
        encoded = plot(example).to_json()
        decoded = json.dumps(json.loads(encoded), ensure_ascii=False)
        assert "<script" not in decoded
        assert "<a href" not in decoded
        assert "&lt;script" in decoded


def test_bars_are_sorted_and_named_with_their_values() -> None:
    figure = plot(EXAMPLES["tabular"])
    bars = figure.data[0]
    assert list(np.abs(bars.x)) == sorted(np.abs(bars.x), reverse=True)
    assert list(figure.layout.yaxis.ticktext) == ["doses = 2.00", "temperature = 36.6", "ratio = 1.25", "smoker = 0"]
    colours = style.palette("light")
    assert bars.marker.color[0] == colours.against
    assert bars.marker.color[1] == colours.towards
    low, high = figure.layout.xaxis.range
    assert low == -high


@pytest.mark.parametrize("make", [record_examples.tabular, record_examples.text, record_examples.image])
def test_a_map_of_zeros_has_axes_that_can_be_drawn(make) -> None:
    """Plotly draws nothing at all where an axis is next to no numbers wide."""
    record = make()
    nothing = dataclasses.replace(record, values=np.zeros_like(record.values)).take(0)
    for figure in (
        plot(nothing),
        plot_row([nothing, nothing]),
        plot_row([record.take(0), nothing], common_scale=False),
    ):
        layout = figure.to_plotly_json()["layout"]
        ranges = [axis["range"] for name, axis in layout.items() if name[1:5] == "axis" and axis.get("range")]
        assert all(abs(high - low) > 1e-3 for low, high in ranges)


def test_bars_of_several_methods_carry_a_name_a_grade_and_a_gap_a_line_each() -> None:
    rows = several(record_examples.tabular(), len(GRADES))
    graded = [record_examples.evidence(grade) for grade in GRADES]
    figure, one = plot_row(rows, graded), plot_row(rows[:1])
    heads = [note.text for note in figure.layout.annotations if note.yanchor == "bottom"]
    for head, record, found in zip(heads, rows, graded, strict=True):
        name, grade, gap = head.split("<br>")
        assert style.readable(record.method) in name or record.title in name
        assert found.grade.value in grade
        assert gap.startswith("gap "), "and no f(x): the same in all, and wider than a column"
    assert figure.layout.margin.t > one.layout.margin.t, "a line more needs room"
    alone = [note.text for note in one.layout.annotations if note.yanchor == "bottom"]
    assert "f(x)" in alone[0]


def test_many_features_are_cut_to_the_largest() -> None:
    values = np.arange(50.0)[None]
    record = record_examples.tabular(values=values, inputs=values, feature_names=tuple(f"f{i}" for i in range(50)))
    figure = plot(record)
    assert list(figure.data[0].x) == list(range(49, 29, -1))
    assert "20 largest of 50 features" in figure.layout.title.text


def test_series_are_shaded_over_time() -> None:
    record = record_examples.series()
    figure = plot_row(several(record, 2))
    shading = maps(figure)
    np.testing.assert_allclose(shading[1].z[0], record.values[0].sum(0))
    assert shading[0].zmax == shading[1].zmax == -shading[0].zmin


def test_a_series_of_many_features_is_a_map_with_its_evidence_outlined() -> None:
    inputs = np.random.default_rng(0).normal(size=(1, 20, 9))
    evidence = np.zeros((1, 20, 9), bool)
    evidence[0, 3:7, 2:5] = True
    axes = ("sample", "time", "feature")
    record = record_examples.series(inputs=inputs, values=2 * inputs, axes=axes, evidence=evidence)
    figure = plot_row([record])
    np.testing.assert_allclose(maps(figure)[0].z, 2 * inputs[0].T)
    assert [trace.name for trace in figure.data if trace.name == "evidence"] == ["evidence"]


def test_curves_are_named_at_their_ends_and_controls_are_dashed() -> None:
    figure = plot(EXAMPLES["curve"])
    notes = {note.text.partition("</span> ")[2]: note.y for note in figure.layout.annotations}
    assert {note.font.color for note in figure.layout.annotations} == {style.LIGHT.text}
    assert set(notes) == {"Integrated gradients", "Gradient", "Random", "random orders"}
    assert notes["Integrated gradients"] > notes["Gradient"]
    assert figure.layout.showlegend is None
    styles = {trace.name: trace.line.dash for trace in figure.data}
    assert styles["Random"] == "dash"
    assert styles["Gradient"] is None


def test_logarithmic_curves_have_round_ticks() -> None:
    figure = plot(record_examples.curve(logarithmic=True, band=None))
    assert figure.layout.yaxis.type == "log"
    assert list(figure.layout.yaxis.ticktext) == ["0.05", "0.1", "0.2", "0.5", "1"]
    zeros = record_examples.curve(logarithmic=True, y=np.zeros((3, 17)), band=None)
    assert plot(zeros).to_json()


@given(st.lists(st.floats(min_value=0, max_value=1) | st.just(float("nan")), max_size=12))
def test_labels_keep_apart_and_in_order(heights: list[float]) -> None:
    placed = curve.spread(heights, 0.07)
    kept = [(h, p) for h, p in zip(heights, placed, strict=True) if np.isfinite(h)]
    assert np.isnan(placed).tolist() == np.isnan(heights).tolist()
    ordered = sorted(p for _, p in kept)
    assert all(b - a >= 0.07 - 1e-9 for a, b in itertools.pairwise(ordered))
    for (h, p), (g, q) in itertools.combinations(kept, 2):
        assert h == g or (h < g) == (p < q)
    if len(ordered) == 1:
        assert ordered[0] == kept[0][0]


def test_surfaces_are_logarithmic_and_share_limits() -> None:
    record = record_examples.surface()
    contour = plot(record).data[0]
    np.testing.assert_allclose(10 ** np.asarray(contour.z), record.loss)
    np.testing.assert_array_equal(contour.customdata, record.loss)
    assert contour.colorscale[0][1].lower() == "#00224e"  # cividis
    shared = surface.figure(record, limits=(0.001, 100.0)).data[0]
    assert (shared.zmin, shared.zmax) == (pytest.approx(-3), pytest.approx(2))
    names = [trace.name for trace in plot(record).data]
    assert "trained" in names
    assert names.count("path") == 2
    assert isinstance(surface.figure(record, view="3d").data[0], go.Surface)
    with pytest.raises(ValueError, match="contour or 3d"):
        surface.figure(record, view="4d")


def test_a_hole_in_a_surface_stays_a_hole() -> None:
    loss = record_examples.surface().loss.copy()
    loss[0, 0] = np.nan
    record = dataclasses.replace(record_examples.surface(), loss=loss)
    assert np.isnan(plot(record).data[0].z[0][0])


def test_the_least_loss_is_marked_where_it_is_not_the_trained_point() -> None:
    record = dataclasses.replace(record_examples.surface(), loss=record_examples.surface().loss[:, ::-1] + 0)
    moved = dataclasses.replace(record, loss=np.roll(record.loss, 3, axis=1))
    assert "least on the grid" in [trace.name for trace in plot(moved).data]
    assert "least on the grid" not in [trace.name for trace in plot(record_examples.surface()).data]


def test_matrices_of_one_sign_run_from_the_ground_and_signed_ones_about_zero() -> None:
    record = record_examples.matrix()
    signed = plot(record).data[0]
    assert (signed.zmin, signed.zmax, signed.zmid) == (-1, 1, 0)
    counts = plot(dataclasses.replace(record, values=np.abs(record.values))).data[0]
    assert counts.zmin == 0
    assert counts.zmid is None
    numbers = plot(record).data[1]
    assert numbers.text[1] == "0.40"
    assert numbers.text[2] == "−0.20"


def test_scores_show_samples_mean_and_control() -> None:
    record = record_examples.score()
    figure = plot(record)
    by_name = {trace.name: trace for trace in figure.data}
    assert len(by_name["sample"].x) == 16
    assert len(by_name["random control"].x) == 160
    assert by_name["mean"].x[0] == pytest.approx(record.mean)
    assert by_name["mean"].error_x.array[0] == pytest.approx(record.high - record.mean)
    assert "lower is better" in figure.layout.title.text
    assert "1 not scored" in figure.layout.xaxis.title.text


def test_classes_keep_their_colour() -> None:
    record = record_examples.embedding()
    colours = {trace.name: trace.marker.color for trace in plot(record).data}
    turned = dataclasses.replace(record, labels=record.labels[::-1], ids=record.ids[::-1], points=record.points[::-1])
    assert colours == {trace.name: trace.marker.color for trace in plot(turned).data}
    assert len(set(colours.values())) == 3
    looks = {style.category(style.LIGHT, index) for index in range(30)}
    assert len(looks) == 30


def test_tables_show_intervals_and_gaps() -> None:
    cells = plot(EXAMPLES["table"]).data[0].cells.values
    assert list(cells[1]) == ["98.9 ± 0.7", "97.0 ± 1.2", "91.3"]
    assert list(cells[2]) == ["0.31", "0.50", "–"]
    assert list(cells[3]) == ["20,000", "–", "650"]
    heads = plot(EXAMPLES["table"]).data[0].header.values
    assert heads[1] == "<b>Accuracy, % ↑</b>"


@pytest.mark.parametrize("theme", THEMES)
def test_text_is_readable(theme: str) -> None:
    colours = style.palette(theme)
    for ground in (colours.ground, colours.second):
        for name in ("text", "quiet", "accent"):
            assert colour.contrast(getattr(colours, name), ground) >= 4.5, name
        for shown in colours.grades.values():
            assert colour.contrast(shown, ground) >= 4.5
    for value in np.linspace(-1, 1, 201):
        fill = style.shade(colours, float(value), 1.0)
        assert colour.contrast(colour.text_on(fill), fill) >= 4.5
    assert colour.contrast("#000000", "#FFFFFF") == pytest.approx(21)


@pytest.mark.parametrize(
    ("value", "low", "high", "unit", "shown"),
    [
        (98.8877, 98.2, 99.6, "%", "98.9 ± 0.7 %"),
        (98.8877, 97.2, 100.6, "%", "98.9 ± 1.7 %"),
        (0.42, 0.31, 0.71, "", "0.4 (0.3 to 0.7)"),
        (1234.5, 1200.0, 1269.0, "s", "1,234 ± 34 s"),
        (-0.5, -0.55, -0.45, "", "−0.50 ± 0.05"),
        (0.5, float("nan"), float("nan"), "%", "0.500 %"),
        (float("nan"), 0.0, 1.0, "%", "–"),
        (0.00012345, 0.0001, 0.000147, "", "(1.2 ± 0.2)e−4"),
        (100.0, 99.3, 100.0, "%", "100.0 (99.3 to 100.0) %"),
        (1.1e-6, 4e-7, 1.8e-6, "s", "(1.1 ± 0.7)e−6 s"),
        (4e-7, 2e-7, 8e-7, "", "4e−7 (2e−7 to 8e−7)"),
    ],
)
def test_quantities_have_the_digits_that_their_interval_justifies(
    value: float, low: float, high: float, unit: str, shown: str
) -> None:
    assert quantity(value, low, high, unit) == shown


def test_numbers() -> None:
    assert [significant(v) for v in (0, 0.012345, 4.567, 1234.0, -0.5, 1e-9, 2.5e8)] == [
        "0", "0.0123", "4.57", "1,234", "−0.500", "1.00e−9", "2.50e8",
    ]  # fmt: skip
    assert fixed(-0.001, 1) == "0.0"
    assert [share(v) for v in (0.0023, 1e-9, 0, 4.0, float("nan"))] == ["0.23 %", "< 0.01 %", "0 %", "400 %", "–"]
    assert [decimals(v) for v in (1.75, 12.0, 0.05, 1234.0, 0.0)] == [2, 1, 4, 0, 0]


@given(st.floats(min_value=-1e12, max_value=1e12), st.floats(min_value=1e-9, max_value=1e9))
def test_a_rounded_value_stays_within_its_interval(value: float, half: float) -> None:
    shown = quantity(value, value - half, value + half)
    if "±" in shown:
        number = float(shown.split(" ± ")[0].strip("(").replace(",", "").replace("−", "-"))
        number *= float("1e-" + shown.rpartition("e−")[2]) if "e−" in shown else 1.0
        assert abs(number - value) <= max(half, 1e-12 * abs(value)) * 1.000001
