"""`slm-export site --check` and `--preview`: every kind of fault is found; headers and ranges are those of production."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from slm_export.cli import main
from slm_export.site.check import check_site
from slm_export.site.errors import SiteError
from slm_export.site.preview import open_preview

MODEL = "models/tiny-llama"


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_bundle, write_site):
    return write_site(tmp_path_factory.mktemp("made") / "site", tiny_bundle, "--pages", "chat")


@pytest.fixture
def site(made, tmp_path):
    """A site to damage; files that are damaged are copied first (`spoil`), the others are the same on disk."""
    return Path(shutil.copytree(made, tmp_path / "site", copy_function=_link))


def _link(source, target):
    Path(target).hardlink_to(source)


def spoil(site, name, change):
    """`change` maps the file's text, or is None: it goes away."""
    path = site / name
    text = path.read_text(encoding="utf-8")
    path.unlink()
    if change is not None:
        path.write_text(change(text), encoding="utf-8")


def of_json(change):
    def edit(text):
        data = json.loads(text)
        change(data)
        return json.dumps(data)

    return edit


def errors(site):
    return {(finding.place, finding.message) for finding in check_site(str(site)) if finding.kind == "error"}


def put(name, value):
    return of_json(lambda data: data.__setitem__(name, value))


HEAD = '<meta charset="utf-8">'
FOREIGN = f"{HEAD}<script src=https://a.org/x.js></script>"
FAULTS = [
    ("site.json", None, "site.json", "is not there"),
    ("site.json", lambda text: "{", "site.json", "cannot be used"),
    ("site.json", put("format", 2), "site.json", "expected format 1"),
    ("site.json", put("pages", ["chess"]), "site.json", "pages: expected some of"),
    ("site.json", put("models", []), "site.json", "cannot be used"),
    ("site.json", put("logo", "../x.svg"), "site.json", "logo: expected a path"),
    ("site.json", put("links", [{"label": "x", "href": "http://a.org"}]), "site.json", "begins with https://"),
    ("site.json", put("accent", "red"), "site.json", "expected a colour"),
    ("site.json", put("default_model", "other"), "site.json", "is none of the models"),
    ("SHA256SUMS", None, "SHA256SUMS", "is not there"),
    ("SHA256SUMS", lambda text: text.replace("  ", " "), "SHA256SUMS", "is damaged"),
    ("SHA256SUMS", lambda text: f"{text}{'0' * 64}  ../secret\n", "SHA256SUMS", "leads out of the site"),
    ("slm.js", lambda text: f"{text}\n", "slm.js", "was changed"),
    ("slm.js", lambda text: f"{text}\nimport('https://a.org/x.js')", "slm.js", "asks another origin for an import"),
    ("card.css", lambda text: f"{text}a{{background:url(//a.org/x.png)}}", "card.css", "asks another origin for a style"),
    ("index.html", lambda text: text.replace("./assets/", "/assets/"), "index.html", "from the host's root"),
    (
        "index.html",
        lambda text: text.replace(HEAD, FOREIGN),
        "index.html",
        "other origin",
    ),
    ("index.html", lambda text: text.replace(HEAD, f"{HEAD}<script>x()</script>"), "index.html", "has code in the page itself"),
    ("index.html", lambda text: text.replace("connect-src 'self'", "connect-src *"), "index.html", "another Content-Security"),
    ("index.html", lambda text: text.replace("http-equiv", "x"), "index.html", "has no Content-Security-Policy"),
    ("index.html", lambda text: text.replace("slm-site", "x"), "index.html", "has no <meta"),
    ("embed.html", lambda text: text.replace("<main>", "<main><a href='javascript:x()'>x</a>"), "embed.html", "runs code"),
    (f"{MODEL}/manifest.json", None, f"{MODEL}/manifest.json", "is not there: tiny-llama cannot be loaded"),
    (f"{MODEL}/manifest.json", put("kv", None), f"{MODEL}/manifest.json", "kv: expected an object"),
    (f"{MODEL}/manifest.json", put("id", "other"), f"{MODEL}/manifest.json", "describes other"),
    (
        f"{MODEL}/manifest.json",
        of_json(lambda data: data["licence"].__setitem__("id", "unknown")),
        f"{MODEL}/manifest.json",
        "the licence is 'unknown'",
    ),
    (  # as an export of a GGUF file has it: it once passed
        f"{MODEL}/manifest.json",
        of_json(lambda data: data["licence"].__setitem__("id", "LicenseRef-unknown")),
        f"{MODEL}/manifest.json",
        "the licence is 'LicenseRef-unknown'",
    ),
    (
        f"{MODEL}/manifest.json",
        of_json(lambda data: data["prompts"].__setitem__("chat_template", None)),
        f"{MODEL}/manifest.json",
        "names no chat template",
    ),
    (f"{MODEL}/LICENSE", None, f"{MODEL}/LICENSE", "is missing or empty"),
    (f"{MODEL}/card.html", None, f"{MODEL}/card.html", "the model has no card"),
    (f"{MODEL}/tokenizer.json", None, f"{MODEL}/tokenizer.json", "is not there, and the manifest lists it"),
    (f"{MODEL}/cpu-int8/program.json", lambda text: "{}", f"{MODEL}/cpu-int8/program.json", "has 2 bytes, the manifest says"),
    (f"{MODEL}/chat_template.jinja", lambda text: "{% for", f"{MODEL}/chat_template.jinja", "is no template for this model"),
    (
        f"{MODEL}/chat_template.jinja",
        lambda text: text.replace("<|im_start|>", "<|start_header_id|>"),
        f"{MODEL}/chat_template.jinja",
        "writes <|start_header_id|>, which the tokenizer does not know",
    ),
]


@pytest.mark.parametrize(("name", "change", "place", "message"), FAULTS, ids=[f"{f[0]}-{f[3][:24]}" for f in FAULTS])
def test_every_fault_is_found(site, name, change, place, message):
    assert errors(site) == set()
    spoil(site, name, change)
    found = errors(site)
    assert [text for where, text in found if where == place and message in text], found


def test_buffers_over_the_limits_of_devices(write_site, tmp_path, tiny_bundle):
    import onnx
    from onnx import TensorProto

    from slm_export.site.check_models import _largest_tensor

    tensor = onnx.TensorProto(name="embedding", data_type=TensorProto.FLOAT16, dims=[49152, 4096])
    tensor.data_location = TensorProto.EXTERNAL
    graph = onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], initializer=[tensor])).SerializeToString()
    assert _largest_tensor(graph) == ("embedding", 49152 * 4096 * 2)
    assert _largest_tensor(b"nonsense") is None
    # In a whole site: the graph's file as the manifest says it, with a tensor of 384 MiB that is nowhere.
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    data = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    [entry] = [e for v in data["variants"] for e in v["files"] if e["path"] == "webgpu-q4f16/model.onnx"]
    entry["size_bytes"], entry["sha256"] = len(graph), hashlib.sha256(graph).hexdigest()
    (bundle / "manifest.json").write_text(json.dumps(data), encoding="utf-8")
    (bundle / entry["path"]).write_bytes(graph)
    site = write_site(tmp_path / "site", bundle, "--variants", "webgpu-q4f16")
    place = f"{MODEL}/webgpu-q4f16/model.onnx"
    assert (place, "the tensor embedding has 384 MiB; WebGPU promises buffers of 256 MiB only") in errors(site)


def test_files_that_are_not_the_sites_are_told(site):
    (site / "notes.txt").write_text("private")
    assert ("warning", "notes.txt") in {(finding.kind, finding.place) for finding in check_site(str(site))}


def test_the_check_is_a_command(site):
    done = CliRunner().invoke(main, ["site", "--check", str(site), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["passed"]) == (0, True)
    spoil(site, f"{MODEL}/LICENSE", None)
    done = CliRunner().invoke(main, ["site", "--check", str(site), "--json"])
    result = json.loads(done.stdout)
    assert (done.exit_code, result["passed"], result["error"]["kind"]) == (1, False, "SiteError")
    told = [finding["message"] for finding in result["findings"] if finding["place"] == f"{MODEL}/LICENSE"]
    assert told == ["is missing or empty: the licence must go with the model"]  # once, not by all who look for the file
    assert CliRunner().invoke(main, ["site", "--check", str(site / "nothing")]).exit_code == 1


@pytest.mark.parametrize("place", ["http://example.org/", "ftp://example.org/", "file:///etc/"])
def test_only_https_is_asked(place):
    with pytest.raises(SiteError, match="is no https address"):
        check_site(place)


@contextmanager
def served(site, base="/", **options):
    with open_preview(site, 0, base, **options) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.url
        finally:
            server.shutdown()
            thread.join()


def get(url, method="GET", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=named, method=method)) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def test_the_preview_sends_what_production_sends(made):
    with served(made, "/sub/path") as url:
        assert url.endswith("/sub/path/")
        status, headers, body = get(url)
        assert (status, body) == (200, (made / "index.html").read_bytes())
        assert headers["Content-Type"] == "text/html; charset=utf-8"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        [asset] = sorted((made / "assets").glob("index-*.js"))
        assert get(f"{url}assets/{asset.name}")[1]["Cache-Control"] == "public, max-age=31536000, immutable"
        assert get(url[:-1])[2] == body  # goes on to the folder
        for path in ("nothing", "assets/", "..%2F..%2Fsecret", "%2e%2e/x", "site.json/", "models/tiny-llama"):
            assert get(url + path)[0] == 404, path
        assert get(url.replace("/sub/path", ""))[0] == 404
        assert get(url, "POST")[0] == 501


def test_the_preview_serves_ranges(made):
    content = (made / "slm.js").read_bytes()
    with served(made) as url:
        address = f"{url}slm.js"
        _, headers, body = get(address)
        assert (body, headers["Accept-Ranges"]) == (content, "bytes")
        etag = headers["ETag"]
        for asked, start, end in [
            ("bytes=0-9", 0, 10),
            ("bytes=100-", 100, len(content)),
            ("bytes=-7", len(content) - 7, len(content)),
        ]:
            status, headers, body = get(address, Range=asked)
            assert (status, body) == (206, content[start:end])
            assert headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(content)}"
        assert get(address, Range="bytes=0-9", If_Range=etag)[0] == 206
        assert get(address, Range="bytes=0-9", If_Range='"older"')[0] == 200
        assert get(address, Range=f"bytes={len(content)}-")[0] == 416
        assert get(address, Range="lines=1-2")[0] == 200
        assert get(address, If_None_Match=etag)[0] == 304
        status, headers, body = get(address, "HEAD")
        assert (status, headers["Content-Length"], body) == (200, str(len(content)), b"")


def test_the_preview_can_be_a_host_without_headers_and_a_space(site):
    with served(site, with_headers=False) as url:
        assert "Cross-Origin-Opener-Policy" not in get(url)[1]
    spoil(site, "_headers", None)
    with served(site) as url:  # what is left is the README's front matter
        headers = {name.lower(): value for name, value in get(url)[1].items()}
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert "content-security-policy" not in headers


def test_a_site_on_the_web_is_checked_by_its_address(site):
    with served(site, "/demo") as url:
        assert [finding for finding in check_site(url) if finding.kind == "error"] == []
        spoil(site, f"{MODEL}/tokenizer.json", None)
        assert f"{MODEL}/tokenizer.json" in {finding.place for finding in check_site(url) if finding.kind == "error"}
    with served(site, with_headers=False) as url:
        assert any("does not send the isolation headers" in finding.message for finding in check_site(url))
    with pytest.raises(SiteError, match="could not be reached"):
        check_site(url)


def test_the_preview_of_what_is_no_site(tmp_path, made):
    with pytest.raises(SiteError, match="is no site"), open_preview(tmp_path):
        pass
    with pytest.raises(SiteError, match="is no path"), open_preview(made, 0, "/../x"):
        pass
    with open_preview(made) as first:
        port = first.server_address[1]
        with pytest.raises(SiteError, match=f"Port {port} of 127.0.0.1 cannot be used"), open_preview(made, port):
            pass


def test_the_preview_is_a_command_that_ctrl_c_ends(made):
    command = [sys.executable, "-m", "slm_export", "site", "--preview", made, "--port", "0", "--base", "/x"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert get(f"{url}site.json")[2] == (made / "site.json").read_bytes()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert (process.returncode, said) == (0, "Ctrl-C ends it.\n")
