"""The report in a bundle: what it says is what the manifest says, and it needs nothing from elsewhere."""

import json
from html.parser import HTMLParser

import pytest

from slm_export.manifest import load_manifest
from slm_export.plots import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, along_text, sorted_curve


@pytest.fixture(scope="module")
def report(tiny_bundle):
    return json.loads((tiny_bundle / "report" / "report.json").read_text(encoding="utf-8"))


def test_the_report_is_part_of_the_bundle(tiny_bundle):
    listed = {entry.path for entry in load_manifest(tiny_bundle).files}
    assert {"report/report.json", "report/index.html"} <= listed


def test_figures_are_those_of_the_manifest_and_follow_from_the_lists(tiny_bundle, report):
    manifest = load_manifest(tiny_bundle)
    assert [variant["name"] for variant in report["variants"]] == [variant.name for variant in manifest.variants]
    for variant in report["variants"]:
        fidelity = manifest.variant(variant["name"]).fidelity
        assert variant["perplexity_ratio"] == fidelity.perplexity_ratio
        assert len(variant["kl"]) == fidelity.tokens_compared == report["text"]["tokens"]
        assert sum(variant["kl"]) / len(variant["kl"]) == pytest.approx(fidelity.mean_kl, rel=1e-2)
        assert variant["greedy_divergence"].count(None) == fidelity.greedy_prompts_equal
        ratio = variant["perplexity"] / report["original"]["perplexity"]
        assert ratio == pytest.approx(fidelity.perplexity_ratio, rel=1e-4)
        assert max(variant["kv_cache"]["pieces_error"], variant["kv_cache"]["single_error"]) <= variant["kv_cache"]["tolerance"]
    assert len(report["prompts"]) == manifest.variants[0].fidelity.greedy_prompts
    assert report["environment"]["onnxruntime"]


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links, self.text = [], [], []
        self.lines = 0

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.lines += tag == "polyline" and len(dict(attributes)["points"].split()) > 2
        self.links += [value for name, value in attributes if name in ("href", "src", "action")]

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_shows_every_variant_and_loads_nothing_from_elsewhere(tiny_bundle, report):
    page = _Page()
    html = (tiny_bundle / "report" / "index.html").read_text(encoding="utf-8")
    page.feed(html)
    text = " ".join(page.text)
    for variant in report["variants"]:
        assert variant["name"] in text
        assert f"{variant['perplexity_ratio']:.4f}" in text
    assert page.lines == 2 * len(report["variants"])
    assert page.links == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "url(" not in html
    assert "@import" not in html


SERIES = {"some": [0.0, 1e-9, 0.5, 3.0, 40.0], "none": [0.0] * 5, "many": [index / 1000 for index in range(1000)]}


@pytest.mark.parametrize("plot", [along_text, sorted_curve])
def test_lines_stay_inside_the_plot(plot):
    made = plot(SERIES)
    assert [line.name for line in made.lines] == list(SERIES)
    for line in made.lines:
        for point in line.points.split():
            x, y = map(float, point.split(","))
            assert LEFT <= x <= WIDTH - RIGHT
            assert TOP <= y <= HEIGHT - BOTTOM
    assert 2 <= len(made.y_ticks) <= 9


def test_the_sorted_curve_never_falls():
    heights = [float(point.split(",")[1]) for point in sorted_curve(SERIES).lines[2].points.split()]
    assert heights == sorted(heights, reverse=True)
    assert heights[0] > heights[-1]
