"""Bad input of each kind to `slm-export site`: exit code 1 or 2, one message that names the place, nothing written."""

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from slm_export.cli import main
from slm_export.manifest import load_manifest, parse_manifest
from slm_export.site import values
from slm_export.site.content import complete
from slm_export.site.errors import SiteError
from slm_export.site.models import SiteModel
from slm_export.site.order import read_order
from slm_export.site.settings import Settings

WEB = Path(os.environ.get("WEB_DIST", Path(__file__).resolve().parents[2] / "web" / "dist"))
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def refused(*arguments, code=1):
    web = ["--web", WEB] if code == 1 and "--web" not in arguments else []
    done = CliRunner().invoke(main, ["site", *map(str, (*arguments, *web))])
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.stderr


@pytest.fixture
def config(tmp_path):
    """Writes a site.toml; gives its path."""

    def write(text):
        (tmp_path / "site.toml").write_text(text, encoding="utf-8")
        return tmp_path / "site.toml"

    return write


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title = ", "is not TOML"),
        ('titel = "x"', "unknown key 'titel'. Did you mean title?"),
        ('title = ""', "title: expected a text that is not empty"),
        ("title = 5", "title: expected a text"),
        (f'title = "{"x" * 101}"', "title: has 101 characters, at most 100"),
        ('title = "a\\u0007b"', "title: has control characters"),
        ('accent = "red"', "accent: expected a colour such as #1d5fd1, found 'red'"),
        ('accent = { light = "#112233" }', "accent: expected a colour such as #1d5fd1, or both light and dark"),
        ('author = { name = "A", mail = "x" }', "author: expected a name, or a table with name and url"),
        ('author = { name = "A", url = "http://a.org" }', "author: expected an address that begins with https://"),
        ('url = "javascript:alert(1)"', "url: expected an address that begins with https://"),
        ('url = "https://user:word@a.org/"', "url: expected an address"),
        ('[[links]]\nlabel = "x"\nhref = "//a.org/x"', "links: expected an address"),
        ('[[links]]\nlabel = "x"\nhref = "data:text/html,x"', "links: expected an address"),
        ('[[links]]\nlabel = "x"', "links: expected tables with label and href"),
        ('pages = ["chat", "chess"]', "pages: expected chat or write"),
        ('pages = ["chat", "chat"]', "pages: names something twice"),
        ('pages = "chat"', "pages: expected a list"),
        ('controls = ["secret"]', "controls: expected all or simple, or a list of simple, advanced"),
        ('isolation = "magic"', "isolation: expected headers or worker or none"),
        ('pdf = "yes"', "pdf: expected true or false"),
        ("max_file_mb = 0", "max_file_mb: expected a number of at least 1"),
        ("max_file_mb = true", "max_file_mb: expected a number"),
        ("[examples]\nsing = ['la']", "examples: there is no 'sing', only chat, write"),
        ("[examples]\nchat = 'la'", "examples: expected a list of texts"),
        ("[hub]\ntiny = 'owner/name@main'", "a branch or tag may move"),
        ("[hub]\ntiny = 'owner/name'", "expected owner/name@commit"),
        (f"[hub]\ntiny = 'owner/name@{COMMIT}/../x'", "expected owner/name@commit"),
        ('logo = "../logo.svg"', "logo: '../logo.svg' leads out of the settings file's folder"),
        ('logo = "/etc/logo.svg"', "leads out of the settings file's folder"),
        ('logo = "logo.gif"', "expected a file that ends in .svg or .png or .webp"),
        ('logo = "not-there.png"', "cannot be read (No such file"),
        ('presets = ["../secret.json"]', "leads out of the settings file's folder"),
        ('default_model = "other"', "default_model is 'other', which is none of the bundles (tiny-llama)"),
        ("[per_task]\nwrite = 'other'", "write is 'other', which is none of the bundles"),
    ],
)
def test_a_bad_settings_file_names_the_key(tmp_path, tiny_bundle, config, text, message):
    said = refused(tiny_bundle, "--out", tmp_path / "site", "--config", config(text))
    assert f"{tmp_path / 'site.toml'}: " in said or "none of the bundles" in said
    assert message in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site.toml"]


def test_a_link_out_of_the_settings_folder_is_not_followed(tmp_path, config):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "secret.png").write_bytes(b"\x89PNG\r\n\x1a\nsecret")
    folder = tmp_path / "settings"
    folder.mkdir()
    (folder / "logo.png").symlink_to(tmp_path / "elsewhere" / "secret.png")
    (folder / "site.toml").write_text('bundles = ["../elsewhere"]', encoding="utf-8")
    with pytest.raises(SiteError, match="leads out of the settings file's folder"):
        read_order(folder / "site.toml", {})
    (folder / "site.toml").write_text('logo = "logo.png"', encoding="utf-8")
    with pytest.raises(SiteError, match="leads out of the settings file's folder"):
        read_order(folder / "site.toml", {})


@pytest.mark.parametrize(
    "drawing",
    [
        "<svg><script>alert(1)</script></svg>",
        '<svg onload="alert(1)"/>',
        "<svg><rect\nonclick='x()'/></svg>",
        '<svg><image href="https://a.org/x.png"/></svg>',
        '<svg><use xlink:href="https://a.org/x.svg#y"/></svg>',
        "<svg><foreignObject><p>x</p></foreignObject></svg>",
        '<svg><a href="javascript:x()"><rect/></a></svg>',
        "<svg><style>@import 'https://a.org/x.css';</style></svg>",
        "<svg><rect fill=\"url('https://a.org/x')\"/></svg>",
        '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        "<svg><s:script xmlns:s='http://www.w3.org/2000/svg'>alert(1)</s:script></svg>",
    ],
)
def test_a_drawing_that_could_act_is_refused(tmp_path, drawing):
    (tmp_path / "logo.svg").write_text(drawing, encoding="utf-8")
    with pytest.raises(ValueError, match="only drawings without scripts"):
        values.picture(tmp_path / "logo.svg", (".svg",))


def test_a_plain_drawing_is_taken_and_a_false_name_is_not(tmp_path):
    drawing = '<?xml version="1.0"?>\n<svg><defs><g id="a"/></defs><rect fill="url(#a)" style="opacity: 1"/></svg>'
    (tmp_path / "logo.svg").write_text(drawing, encoding="utf-8")
    assert values.picture(tmp_path / "logo.svg", (".svg",)).content == drawing.encode()
    (tmp_path / "logo.png").write_text(drawing, encoding="utf-8")
    with pytest.raises(ValueError, match="is no PNG picture"):
        values.picture(tmp_path / "logo.png", (".png",))
    (tmp_path / "logo.webp").write_bytes(b"x" * 1_000_001)
    with pytest.raises(ValueError, match="more than 1,000,000 bytes"):
        values.picture(tmp_path / "logo.webp", (".webp",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "is no preset"),
        ('{"format": "slm-playground-preset", "version": 2, "name": "x", "settings": {}}', "of version 2"),
        ('{"format": "slm-playground-preset", "version": 1, "name": "", "settings": {}}', "a text that is not empty"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_a_bad_preset(tmp_path, text, message):
    (tmp_path / "preset.json").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        values.preset(tmp_path / "preset.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--title", " "], "--title: expected a text"),
        (["--accent", "blue"], "--accent: expected a colour"),
        (["--link", "Evil=javascript:x"], "--links: expected an address"),
        (["--pages", "chat,chess"], "--pages: expected chat or write"),
        (["--pages", "analyse", "--tasks", "grammar"], "The task 'grammar' needs a model for it"),
        (["--variants", "cpu-int8,cpu-int2"], "No bundle has a variant 'cpu-int2'. There are cpu-int8"),
        (["--weights", "hub"], "--weights hub needs the place of tiny-llama"),
        (["--hub", f"owner/name@{COMMIT}"], "add --weights hub"),
        (["--weights", "hub", "--hub", f"other=owner/name@{COMMIT}"], "--weights hub needs the place of tiny-llama"),
        (["--weights", "hub", "--hub", "owner/name@v1"], "a branch or tag may move"),
        (["--web", "."], "has no index.html, so it is no build of the page"),
    ],
)
def test_bad_flags(tmp_path, tiny_bundle, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused(tiny_bundle, "--out", tmp_path / "site", *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Say one of --out DIR"),
        (["--out", "a", "--check", "b"], "Say one of --out DIR"),
        (["--check", "b", "--title", "x"], "--title does not go with --check"),
        (["x", "--check", "b"], "bundles does not go with --check"),
        (["--preview", "b", "--json"], "--json does not go with --preview"),
        (["x", "--out", "a", "--author-url", "https://a.org"], "--author-url needs --author"),
        (["x", "--out", "a", "--link", "nothing"], "has no = between label and href"),
    ],
)
def test_wrong_usage(arguments, message):
    assert message in refused(*arguments, code=2)


def test_bundles_that_are_none(tmp_path, tiny_bundle):
    out = ("--out", tmp_path / "site")
    assert "No bundle is named" in refused(*out)
    assert "not found. Is" in refused(tmp_path / "nothing", *out)
    assert "Two of the bundles are called tiny-llama" in refused(tiny_bundle, tiny_bundle, *out)
    assert list(tmp_path.iterdir()) == []
    said = CliRunner().invoke(
        main, ["site", str(tmp_path / "nothing"), "--out", str(tmp_path / "site"), "--web", str(WEB), "--json"]
    )
    assert json.loads(said.stdout)["error"]["kind"] == "ManifestError"


def test_a_file_outside_of_the_bundle_is_not_published(tmp_path, tiny_bundle):
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    licence = bundle / "LICENSE"
    licence.rename(tmp_path / "LICENSE")
    licence.symlink_to(tmp_path / "LICENSE")
    assert "LICENSE is a link that leads out of the bundle" in refused(bundle, "--out", tmp_path / "site")


def test_a_model_without_a_chat_cannot_have_a_page_for_it(tmp_path, tiny_bundle):
    bundle = shutil.copytree(tiny_bundle, tmp_path / "bundle")
    data = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    data["tasks"] = ["grammar"]
    (bundle / "manifest.json").write_text(json.dumps(data), encoding="utf-8")
    assert load_manifest(bundle).tasks == ("grammar",)
    said = refused(bundle, "--out", tmp_path / "site", "--pages", "chat")
    assert "The page 'chat' needs a model for it, and there is only tiny-llama (grammar)" in said


@pytest.mark.parametrize("pages", [(), ("analyse",)])
def test_a_model_that_only_reads_has_no_page_of_its_own(tmp_path, pages):
    text = Path(__file__).resolve().parents[1] / "fixtures" / "manifests" / "valid" / "encoder.json"
    model = SiteModel(tmp_path, parse_manifest(text.read_text(encoding="utf-8")), "https://example.org/model/")
    with pytest.raises(SiteError, match="Nothing can be shown with|The page 'analyse' needs a model for it"):
        complete(Settings(pages=pages), [model])
