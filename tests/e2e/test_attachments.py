"""Files in a chat with the real model: a short text whole, a long one in passages, a PDF, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest
from chatting import Chat
from playwright.sync_api import Page, expect
from serving import Server, StartServer

FACT = "The old lighthouse keeper of Brenholm was called Magnus Tveit, and he kept nine goats."
QUESTION = "What was the lighthouse keeper of Brenholm called?"
CPU = "CPU · int8"


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def embedding_bundle() -> Path:
    bundle = ROOT / "tests" / ".fixtures" / "transformers" / "tiny-minilm"
    assert (bundle / "manifest.json").is_file(), f"{bundle} is not there: run `make setup`"
    return bundle


@pytest.fixture
def chat(page: Page, real_server: Server) -> Chat:
    chat = Chat(page)
    chat.open(real_server.url, CPU)
    chat.choose_greedy(longest=40)
    return chat


def attach(page: Page, *files: Path) -> None:
    page.locator("form.composer input[type=file]").set_input_files(files)
    expect(page.locator(".attached-files [aria-busy=true]")).to_have_count(0)


def pdf(path: Path, lines: list[str]) -> Path:
    """The least PDF of one page: lines of text in a standard font."""
    shown = "BT /F1 12 Tf 50 750 Td 16 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    parts = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(shown)}>>stream\n{shown}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    text, places = "%PDF-1.4\n", []
    for number, part in enumerate(parts, start=1):
        places.append(len(text))
        text += f"{number} 0 obj{part}endobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    start = len(text)
    trailer = f"trailer<</Size {len(parts) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF"
    text += f"xref\n0 {len(parts) + 1}\n0000000000 65535 f \n{table}{trailer}"
    path.write_text(text, encoding="ascii")
    return path


def test_a_pdf_is_read_and_goes_along(chat: Chat, tmp_path: Path) -> None:
    page = chat.page
    attach(page, pdf(tmp_path / "keeper.pdf", FACT.split(", ")))
    expect(page.get_by_role("list", name="Attached files").get_by_text("keeper.pdf")).to_be_visible()
    chat.ask(QUESTION)
    assert "Magnus Tveit" in chat.wait_for_end()
    expect(page.get_by_role("list", name="Attached files")).to_have_count(0)
    expect(page.get_by_role("list", name="Attached", exact=True).get_by_text("keeper.pdf")).to_be_visible()
    prompt, _ = chat.prompt_tokens()
    assert prompt > 50, "the text went along"
    chat.wait_until_kept()
    page.reload()
    expect(page.get_by_role("list", name="Attached", exact=True).get_by_text("keeper.pdf")).to_be_visible()


def test_of_a_long_text_the_passages_that_matter_are_read(chat: Chat, tmp_path: Path) -> None:
    page = chat.page
    filler = "Corn was ground in the valley mill from March until the first snow came down. Foxes hunt at dusk near the river. "
    long = tmp_path / "valley.txt"
    long.write_text(filler * 260 + FACT + " " + filler * 260, encoding="utf-8")
    attach(page, long)
    chat.ask(QUESTION)
    chat.wait_for_end()
    sources = chat.answer().locator("details.sources")
    sources.locator("summary").click()
    expect(sources.get_by_text("Magnus Tveit")).to_be_visible()
    expect(sources).to_contain_text("chosen by shared words")  # there is no model for embeddings on this server
    prompt, _ = chat.prompt_tokens()
    assert prompt < 5000, "not the whole text, which has more than 10,000 tokens"


def test_passages_are_chosen_by_meaning_where_a_model_for_it_is_there(
    page: Page, start_server: StartServer, real_bundle: Path, embedding_bundle: Path, tmp_path: Path
) -> None:
    chat = Chat(page)
    chat.open(start_server(real_bundle, embedding_bundle).url, CPU)
    chat.choose_greedy(longest=4)
    long = tmp_path / "valley.txt"
    long.write_text(("The mill ground corn. Foxes hunt at dusk near the river. " * 12 + "\n\n") * 40, encoding="utf-8")
    attach(page, long)
    chat.ask(QUESTION)
    chat.wait_for_end()
    expect(chat.answer().locator("details.sources summary")).to_contain_text("chosen by meaning")


def test_what_has_no_text_is_refused_in_words(chat: Chat, tmp_path: Path) -> None:
    page = chat.page
    picture, empty, broken = tmp_path / "cat.png", tmp_path / "empty.txt", tmp_path / "broken.pdf"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    empty.write_text("  \n", encoding="utf-8")
    broken.write_bytes(b"%PDF-1.4 nothing more")
    for file, said in (
        (picture, "cat.png holds no text"),
        (empty, "empty.txt holds no text"),
        (broken, "broken.pdf cannot be read"),
    ):
        attach(page, file)
        expect(page.get_by_role("alert").get_by_text(said)).to_be_visible()
    expect(page.get_by_role("list", name="Attached files")).to_have_count(0)
