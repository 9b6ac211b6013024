"""axe-core on a page: what people who see, hear or point otherwise could not use."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

_SOURCE = (Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
# Contrast is judged on the colours that are computed, so no motion may be under way.
_RUN = """async () => {
  // Settled: one whose element goes away is cancelled, which its promise tells as an error.
  const moving = document.getAnimations().filter(a => a.effect?.getComputedTiming().endTime < Infinity)
  await Promise.allSettled(moving.map(a => a.finished))
  const { violations } = await axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } })
  const told = (id, { target, failureSummary }) => `${id} ${target.join(' ')}: ${failureSummary}`
  return violations.flatMap(({ id, nodes }) => nodes.map(node => told(id, node)))
}"""


def violations(page: Page) -> list[str]:
    """What the page does wrong as it is now, each with its place."""
    # Playwright's own context evaluates past the page's CSP; a script element would not.
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(_SOURCE)
    found: list[str] = page.evaluate(_RUN)
    return found
