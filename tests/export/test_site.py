"""`slm-export site`: what it writes, that it writes it twice the same, and that it overwrites nothing of anybody else's."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from slm_export.cli import main
from slm_export.manifest import load_manifest
from slm_export.site.check import check_site
from slm_export.site.social import social_png

ROOT = Path(__file__).resolve().parents[2]
WEB = Path(os.environ.get("WEB_DIST", ROOT / "web" / "dist"))
EVIL = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def run(*arguments, code=0, stdin=None):
    done = CliRunner().invoke(main, ["site", *map(str, arguments)], input=stdin)
    assert done.exit_code == code, done.output
    return done


def digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def meta(self, name):
        [content] = [a["content"] for tag, a in self.tags if tag == "meta" and name in (a.get("name"), a.get("property"))]
        return content


@pytest.fixture(scope="module")
def plain(tmp_path_factory, tiny_bundle, write_site):
    return write_site(tmp_path_factory.mktemp("site") / "plain", tiny_bundle)


@pytest.fixture(scope="module")
def toml(tmp_path_factory):
    """A site.toml with everything in it, and the files that it names."""
    folder = tmp_path_factory.mktemp("settings")
    (folder / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><circle r="4"/></svg>', encoding="utf-8")
    preset = {"format": "slm-playground-preset", "version": 1, "name": "Careful", "settings": {"temperature": 0}, "more": 1}
    (folder / "careful.json").write_text(json.dumps(preset), encoding="utf-8")
    (folder / "site.toml").write_text(
        f"""
title = {json.dumps(EVIL)}
description = "Zwei Zeilen:\\n*Größe* <b>"
author = {{ name = "Ada & <Bob>", url = "https://example.org/~ada?a=1&b=2" }}
accent = {{ light = "#1D5FD1", dark = "#8ab4ff" }}
logo = "logo.svg"
url = "https://example.org/demo"
licence = "CC-BY-4.0"
pages = ["write", "chat"]
tasks = ["autocomplete"]
controls = ["simple", "presets"]
isolation = "worker"
presets = ["careful.json"]
variants = ["cpu-int8"]
max_file_mb = 1
default_model = "tiny-llama"
[per_task]
write = "tiny-llama"
[examples]
chat = ["Who is <i>Alice</i>?"]
write = ["Down the rabbit hole"]
[[links]]
label = "Source"
href = "https://example.org/source"
""",
        encoding="utf-8",
    )
    return folder / "site.toml"


@pytest.fixture(scope="module")
def rich(tmp_path_factory, tiny_bundle, toml, write_site):
    return write_site(tmp_path_factory.mktemp("site") / "rich", tiny_bundle, "--config", toml, "--variants", "cpu-int8")


def test_a_site_is_whole_and_passes_its_own_check(plain, rich):
    for site in (plain, rich):
        names = set(digests(site))
        assert {"index.html", "site.json", "embed.html", "README.md", "_headers", ".nojekyll", "social.png", "slm.js"} <= names
        assert {"models/tiny-llama/manifest.json", "models/tiny-llama/card.html", "models/tiny-llama/LICENSE"} <= names
        assert [finding for finding in check_site(str(site)) if finding.kind == "error"] == []
        assert subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=site, check=False).returncode == 0


def test_defaults_follow_from_the_model(plain, tiny_bundle):
    manifest = load_manifest(tiny_bundle)
    data = json.loads((plain / "site.json").read_text(encoding="utf-8"))
    assert (data["format"], data["title"], data["licence"]) == (1, manifest.name, manifest.licence.id)
    assert (data["pages"], data["tasks"], data["isolation"]) == (["chat", "write"], ["autocomplete"], "headers")
    cpu = manifest.variant("cpu-int8")
    shared = [entry for entry in manifest.files if not entry.path.startswith("report/")]
    [model] = data["models"]
    assert model["bytes"] == sum(entry.size_bytes for entry in (*shared, *cpu.files))
    assert load_manifest(plain / "models/tiny-llama").variants == (cpu,)


def test_what_an_author_says_is_in_the_site_and_shown_as_text(rich, toml):
    data = json.loads((rich / "site.json").read_text(encoding="utf-8"))
    assert data["title"] == EVIL
    assert data["author"] == {"name": "Ada & <Bob>", "url": "https://example.org/~ada?a=1&b=2"}
    assert data["accent"] == {"light": "#1d5fd1", "dark": "#8ab4ff"}
    assert (data["pages"], data["controls"], data["isolation"]) == (["write", "chat"], ["simple", "presets"], "worker")
    assert data["presets"] == [
        {"format": "slm-playground-preset", "version": 1, "name": "Careful", "settings": {"temperature": 0}}
    ]
    assert data["links"][0] == {"label": "Source", "href": "https://example.org/source"}
    assert (rich / data["logo"]).read_bytes() == (toml.parent / "logo.svg").read_bytes()
    for name in ("index.html", "embed.html", "models/tiny-llama/card.html"):
        page = Tags((rich / name).read_text(encoding="utf-8"))
        assert not [tag for tag, attributes in page.tags if tag == "img" or "onerror" in attributes], name
        assert [tag for tag, attributes in page.tags if tag == "script" and "src" not in attributes] == [], name
    page = Tags((rich / "index.html").read_text(encoding="utf-8"))
    assert page.meta("og:title") == page.meta("twitter:title") == EVIL
    assert page.meta("description") == data["description"] == "Zwei Zeilen:\n*Größe* <b>"
    assert page.meta("og:image") == "https://example.org/demo/social.png"
    assert page.meta("slm-site") == "site.json"
    readme = (rich / "README.md").read_text(encoding="utf-8")
    assert f"title: {json.dumps(EVIL)}\n" in readme
    assert "<script>" not in readme.split("---\n", 2)[2]
    assert json.loads((rich / "site.webmanifest").read_text(encoding="utf-8"))["name"] == EVIL


def test_the_policy_comes_before_everything_that_it_holds_for(plain):
    page = Tags((plain / "index.html").read_text(encoding="utf-8"))
    names = [a.get("http-equiv") or tag for tag, a in page.tags]
    assert names.index("Content-Security-Policy") < min(names.index("script"), names.index("link"))
    [policy] = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert "connect-src 'self';" in policy
    assert f"Content-Security-Policy: {policy}\n" in (plain / "_headers").read_text(encoding="utf-8")


def test_the_same_input_gives_the_same_bytes(write_site, tmp_path, tiny_bundle, toml, rich):
    again = write_site(tmp_path / "again", tiny_bundle, "--config", toml, "--variants", "cpu-int8")
    assert digests(again) == digests(rich)


def test_files_over_the_limit_lie_in_parts(write_site, tmp_path, tiny_bundle, monkeypatch):
    from slm_export.site import order

    monkeypatch.setattr(order, "_megabytes", lambda value, _: 200_000)  # a tiny model has no file over 1 MB
    site = write_site(tmp_path / "site", tiny_bundle, "--max-file-mb", "1")
    bundle = site / "models/tiny-llama"
    manifest, original = load_manifest(bundle), load_manifest(tiny_bundle)
    [data] = [entry for entry in manifest.variants[0].files if entry.path.endswith(".data")]
    assert data.parts is not None
    assert [part.size_bytes for part in data.parts] == [200_000, 200_000, data.size_bytes - 400_000]
    joined = b"".join((bundle / part.path).read_bytes() for part in data.parts)
    assert joined == (tiny_bundle / data.path).read_bytes()
    assert not (bundle / data.path).exists()
    assert [hashlib.sha256((bundle / part.path).read_bytes()).hexdigest() for part in data.parts] == [
        part.sha256 for part in data.parts
    ]
    assert data.sha256 in {entry.sha256 for entry in original.all_files()}
    assert max(path.stat().st_size for path in bundle.rglob("*") if path.is_file()) <= 200_000
    assert [finding for finding in check_site(str(site)) if finding.kind == "error"] == []
    # A site's bundle is a bundle: another site of it, whole again.
    monkeypatch.undo()
    whole = write_site(tmp_path / "whole", bundle) / "models/tiny-llama"
    assert load_manifest(whole).variants == (original.variant("cpu-int8"),)


def test_weights_on_a_hub_are_named_by_their_commit(tmp_path, tiny_bundle):
    commit = "0123456789abcdef0123456789abcdef01234567"
    site = tmp_path / "site"
    run(tiny_bundle, "--out", site, "--web", WEB, "--weights", "hub", "--hub", f"owner/name@{commit}/tiny")
    [model] = json.loads((site / "site.json").read_text(encoding="utf-8"))["models"]
    assert model["manifest"] == f"https://huggingface.co/owner/name/resolve/{commit}/tiny/manifest.json"
    assert sorted(path.name for path in (site / "models/tiny-llama").iterdir()) == ["card.html"]
    page = (site / "index.html").read_text(encoding="utf-8")
    assert "connect-src 'self' https://*.hf.co https://*.huggingface.co https://huggingface.co;" in page


def test_pages_that_a_site_lacks_are_not_copied(write_site, tmp_path, tiny_bundle, plain):
    chunks = json.loads((WEB / "chunks.json").read_text(encoding="utf-8"))
    write_page = chunks["src/ui/write/page.tsx"]
    chat = write_site(tmp_path / "chat", tiny_bundle, "--pages", "chat")
    assert (plain / write_page["file"]).is_file()
    assert not (chat / write_page["file"]).exists()
    patterns = ("*.br", "*.gz", "*harper*", "*sync-worker*", "slm.d.ts", "pdf*", "temml*", "highlight*")
    assert not [path for pattern in patterns for path in chat.rglob(pattern)]
    listed = (chat / "sw.js").read_text(encoding="utf-8")
    assert write_page["file"] not in listed
    assert re.search(r"[\"'`|]index\.html sha256-", listed)
    assert "models/tiny" not in listed
    kept = {chunks["index.html"]["file"], *(chunks[name]["file"] for name in chunks["index.html"]["imports"])}
    assert not [name for name in kept if not (chat / name).is_file()]
    names = [path.relative_to(chat).as_posix() for path in chat.rglob("*") if path.is_file()]
    page = [name for name in names if not name.startswith(("models/", "ort/", "assets/ort."))]  # neither weights nor runtime
    assert sum((chat / name).stat().st_size for name in page) <= 1_000_000
    extras = write_site(tmp_path / "extras", tiny_bundle, "--pages", "chat", "--pdf", "--math", "--code")
    assert all(list(extras.rglob(pattern)) for pattern in ("pdf*", "temml*", "highlight*", "python*"))
    said = json.loads((extras / "site.json").read_text(encoding="utf-8"))
    assert [said[name] for name in ("pdf", "math", "code")] == [True, True, True]


def test_the_sizes_are_told_before_anything_is_written(tmp_path, tiny_bundle):
    done = run(tiny_bundle, "--out", tmp_path / "site", "--web", WEB, "--variants", "cpu-int8", "--json")
    result = json.loads(done.stdout)
    files = [path for path in (tmp_path / "site").rglob("*") if path.is_file()]
    assert result == {
        "out": str(tmp_path / "site"),
        "size_bytes": sum(path.stat().st_size for path in files),
        "files": len(files),
    }
    said = run(tiny_bundle, "--out", tmp_path / "site", "--web", WEB, "--variants", "cpu-int8", code=1)  # it stands there already
    assert "a visitor downloads at most" in said.stderr
    assert "Say --yes to replace it" in said.stderr


def test_an_older_site_is_replaced_and_what_is_not_ours_stays(write_site, tmp_path, tiny_bundle):
    site = write_site(tmp_path / "site", tiny_bundle, "--title", "Old")
    (site / ".git").mkdir()
    (site / ".git" / "HEAD").write_text("ref: x")
    (site / "CNAME").write_text("demo.example.org")
    run(tiny_bundle, "--out", site, "--web", WEB, "--variants", "cpu-int8", "--title", "New", "--yes")
    assert "<title>New</title>" in (site / "index.html").read_text(encoding="utf-8")
    assert (site / ".git" / "HEAD").read_text() == "ref: x"
    assert (site / "CNAME").read_text() == "demo.example.org"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site"]
    (site / "assets" / "mine.txt").write_text("mine")
    assert "would be lost" in run(tiny_bundle, "--out", site, "--web", WEB, "--yes", code=1).stderr
    assert (site / "assets" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("what", ["letters", "file", "link", "bundle", "here"])
def test_nothing_else_is_overwritten(tmp_path, tiny_bundle, what, monkeypatch):
    out = tmp_path / "out"
    if what == "letters":
        out.mkdir()
        (out / "letter.txt").write_text("Dear Ada")
    elif what == "file":
        out.write_text("Dear Ada")
    elif what == "link":
        (tmp_path / "real").mkdir()
        out.symlink_to(tmp_path / "real")
    elif what == "bundle":
        shutil.copytree(tiny_bundle, out)
        tiny_bundle = out
    else:
        out.mkdir()
        monkeypatch.chdir(out)
    before = digests(tmp_path)
    message = run(tiny_bundle, "--out", out, "--web", WEB, "--yes", code=1).stderr
    assert re.search("is not overwritten|no folder of its own|lie in one another|that this command runs in", message)
    assert digests(tmp_path) == before


def test_a_damaged_bundle_leaves_nothing_behind(tmp_path, tiny_bundle):
    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    place = bundle / "cpu-int8" / "model.onnx.data"
    content = bytearray(place.read_bytes())
    content[1000] ^= 1
    place.write_bytes(content)
    message = run(bundle, "--out", tmp_path / "site", "--web", WEB, "--variants", "cpu-int8", code=1).stderr
    assert "model.onnx.data is damaged: its SHA-256 is not the one in the manifest" in message
    place.write_bytes(content[:-1])
    message = run(bundle, "--out", tmp_path / "site", "--web", WEB, code=1).stderr
    assert f"has {len(content) - 1:,} bytes, the manifest says {len(content):,}" in message
    place.unlink()
    assert "is missing. The bundle" in run(bundle, "--out", tmp_path / "site", "--web", WEB, code=1).stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle"]


def test_the_command_needs_no_pytorch(tmp_path, tiny_bundle):
    script = (
        "import sys\nfrom slm_export.cli import main\n"
        "try:\n    main(['site', *sys.argv[1:]])\nfinally:\n"
        "    print({'torch', 'transformers', 'onnx'} & set(sys.modules), file=sys.stderr)"
    )
    arguments = [tiny_bundle, "--out", tmp_path / "site", "--web", WEB, "--variants", "cpu-int8"]
    done = subprocess.run([sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.rstrip().endswith("set()")


def test_the_picture_for_links():
    text = "Größe, Žluťoučký, Ελλάς, Жук: " + "long words that need more than the two lines there are " * 4
    first, again = (social_png("Größe & Maß", text, "By Ada", None) for _ in range(2))
    assert first == again
    image = Image.open(BytesIO(first))
    assert (image.format, image.size) == ("PNG", (1200, 630))
    without = Image.open(BytesIO(social_png("", "", "", None)))
    assert image.tobytes() != without.tobytes()
    # Letters that the font lacks are left out, not drawn as boxes.
    assert Image.open(BytesIO(social_png("中文", "", "", None))).tobytes() == without.tobytes()


def test_a_single_file_takes_nothing_of_a_manifest_for_markup(tmp_path, tiny_bundle):
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    data = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    name = 'x"><script>alert(1)<'
    (bundle / name).write_text("evil", encoding="utf-8")
    data["files"].append({"path": name, "size_bytes": 4, "sha256": hashlib.sha256(b"evil").hexdigest()})
    data["name"] = EVIL
    (bundle / "manifest.json").write_text(json.dumps(data), encoding="utf-8")
    out = tmp_path / "demo.html"
    run(bundle, "--single-file", "--out", out, "--web", WEB, "--link", "Home=https://example.org/")
    first = out.read_bytes()
    page = Tags(first.decode())
    paths = [attributes["data-path"] for tag, attributes in page.tags if "data-path" in attributes]
    assert f"models/tiny-llama/{name}" in paths
    assert [attributes for tag, attributes in page.tags if tag == "script" and not attributes] == []
    assert page.meta("slm-single-file") == "1"
    assert "Say --yes" in run(bundle, "--single-file", "--out", out, "--web", WEB, code=1).stderr
    run(bundle, "--single-file", "--out", out, "--web", WEB, "--link", "Home=https://example.org/", "--yes")
    assert out.read_bytes() == first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "demo"], "such as --out demo.html"),
        (["--out", "letter.html"], "is no single-file site of slm-export, so it is not overwritten"),
        (["--out", "demo.html", "--variants", "webgpu-q4f16"], "runs on the CPU only"),
        (["--out", "demo.html", "--weights", "hub"], "leave out --weights hub"),
    ],
)
def test_a_single_file_is_refused(tmp_path, tiny_bundle, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "letter.html").write_text("Dear Ada")
    assert message in run(tiny_bundle, "--single-file", "--web", WEB, *arguments, code=1).stderr
    assert [path.name for path in tmp_path.iterdir()] == ["letter.html"]


def test_a_single_file_holds_no_large_model(tmp_path, tiny_bundle, monkeypatch):
    from slm_export.site import single

    monkeypatch.setattr(single, "MOST_MODEL_BYTES", 100_000)
    said = run(tiny_bundle, "--single-file", "--web", WEB, "--out", tmp_path / "demo.html", code=1).stderr
    assert "The models have 0.7 MB, a single file takes 0 MB" in said
