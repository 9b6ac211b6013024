"""The benchmark's model in the peers' formats, each compared with float PyTorch.

    python tests/bench/peers/make_models.py SOURCE --out DIR --downloads DIR

    transformersjs/   an optimum export with a cache; onnx/model_quantized.onnx (q8), model_q4.onnx and model_q4f16.onnx,
                      quantised as transformers.js' own conversion script does (dynamic int8; blocks of 32, 4 bits,
                      symmetric)
    wllama/           model-q8_0.gguf and model-q4_0.gguf: every matrix in that format of GGUF's
    peers.json        prompts of exact lengths, sizes and fidelity of each file; written last, so its presence means done

Fidelity: the exporter's own measure (verify.py) on the exporter's own prose, so that a fast wrong answer shows.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from onnxruntime.quantization.onnx_quantizer import ONNXQuantizer
from onnxruntime.quantization.quant_utils import QuantizationMode
from onnxruntime.quantization.registry import IntegerOpsRegistry
from onnxruntime.transformers.float16 import convert_float_to_float16

from slm_export import checkpoint as checkpoints
from slm_export.checkpoint import Checkpoint
from slm_export.original import PROSE_NAME, Original, prose, run_original
from slm_export.progress import Reporter
from slm_export.sources import resolve

PROMPT_TOKENS = (42, 256, 1024)
PROMPTS = 8  # of each length
STEP_TOKENS = 128

# By name: what is in them.
FORMATS = {
    "q8": "transformers.js, dynamic int8",
    "q4": "transformers.js, 4 bits",
    "q4f16": "transformers.js, 4 bits over float16",
    "Q8_0": "wllama",
    "Q4_0": "wllama",
}
Logits = Callable[[tuple[int, ...]], NDArray[np.float32]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--downloads", type=Path, required=True, help="where the source is downloaded to, or lies already")
    parser.add_argument("--formats", default=",".join(FORMATS), help="comma-separated: %(default)s")
    options = parser.parse_args()
    wanted = frozenset(str(options.formats).split(","))
    if unknown := wanted - FORMATS.keys():
        parser.error(f"unknown formats: {', '.join(sorted(unknown))}")
    reporter, final = Reporter(), Path(options.out)
    final.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=final.parent) as folder:
        work, out = Path(folder), Path(folder) / "out"
        origin = resolve(options.source, downloads=options.downloads, revision=None, reporter=reporter)
        checkpoint = checkpoints.load(origin, work / "float32")
        reporter.say("PyTorch over the prose")
        original = run_original(checkpoint, work / "original", reporter, text=prose(), text_name=PROSE_NAME)
        peers = [
            *transformersjs(checkpoint, wanted, (out / "transformersjs", work / "optimum"), original),
            *wllama((origin.path, checkpoint), wanted, out / "wllama", original),
        ]
        described = {"source_sha256": _sha256(origin.path), "prompts": prompts(checkpoint), "peers": peers}
        (out / "peers.json").write_text(json.dumps(described, indent=2), encoding="utf-8")
        shutil.rmtree(final, ignore_errors=True)
        out.rename(final)
    for peer in peers:
        reporter.say(json.dumps(peer))


def transformersjs(
    checkpoint: Checkpoint, wanted: frozenset[str], folders: tuple[Path, Path], original: Original
) -> Iterator[dict[str, Any]]:
    """The export in the wanted formats, and what each is worth. `folders`: of the result, and for the float32 export."""
    folder, work = folders
    if not wanted & {"q8", "q4", "q4f16"}:
        return
    from optimum.exporters.onnx import main_export

    main_export(str(checkpoint.folder), work, task="text-generation-with-past", do_validation=False)
    (folder / "onnx").mkdir(parents=True)
    for path in work.iterdir():
        if path.suffix in (".json", ".txt", ".jinja"):
            shutil.copy(path, folder / path.name)
    _require_template(checkpoint, folder / "tokenizer_config.json")
    for dtype, name, quantise in (
        ("q8", "model_quantized.onnx", _dynamic_int8),
        ("q4", "model_q4.onnx", _blocks_of_4_bits),
        ("q4f16", "model_q4f16.onnx", lambda model: _blocks_of_4_bits(_halves(model))),
    ):
        if dtype not in wanted:
            continue
        path = folder / "onnx" / name
        onnx.save(quantise(onnx.load(work / "model.onnx")), path)
        yield {"engine": "transformers.js", "dtype": dtype, **_fidelity(_onnx_logits(path), original), **_size(path)}


def _require_template(checkpoint: Checkpoint, config: Path) -> None:
    """transformers.js reads the chat template from tokenizer_config.json."""
    fields = json.loads(config.read_text(encoding="utf-8"))
    fields["chat_template"] = checkpoint.chat_template
    config.write_text(json.dumps(fields), encoding="utf-8")


def _halves(model: onnx.ModelProto) -> onnx.ModelProto:
    # Shapes are inferred over the model as one message, which has a limit.
    large = model.ByteSize() > onnx.checker.MAXIMUM_PROTOBUF
    halved: onnx.ModelProto = convert_float_to_float16(model, keep_io_types=True, disable_shape_infer=large)
    return halved


def _dynamic_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    quantizer = ONNXQuantizer(
        model,
        per_channel=False,
        reduce_range=False,
        mode=QuantizationMode.IntegerOps,
        static=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=None,
        nodes_to_quantize=[],
        nodes_to_exclude=[],
        op_types_to_quantize=list(IntegerOpsRegistry),
        extra_options={"EnableSubgraph": True, "MatMulConstBOnly": True},
    )
    quantizer.quantize_model()
    quantised: onnx.ModelProto = quantizer.model.model
    return quantised


def _blocks_of_4_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    quantizer = MatMulNBitsQuantizer(model, block_size=32, is_symmetric=True, accuracy_level=None)
    quantizer.process()
    quantised: onnx.ModelProto = quantizer.model.model
    return quantised


def wllama(source: tuple[Path, Checkpoint], wanted: frozenset[str], folder: Path, original: Original) -> Iterator[dict[str, Any]]:
    """GGUF files with all that the source says; PyTorch over the same rounded weights measures them."""
    path_of_source, checkpoint = source
    folder.mkdir(parents=True)
    for dtype, kind in (("Q8_0", gguf.LlamaFileType.MOSTLY_Q8_0), ("Q4_0", gguf.LlamaFileType.MOSTLY_Q4_0)):
        if dtype not in wanted:
            continue
        path, packing = folder / f"model-{dtype.lower()}.gguf", gguf.GGMLQuantizationType[dtype]
        _write_gguf(path_of_source, path, kind, packing)
        model = checkpoint.load_model()
        weights = {
            name: torch.from_numpy(gguf.dequantize(gguf.quantize(weight.numpy(), packing), packing))
            if weight.ndim == 2
            else weight
            for name, weight in model.state_dict().items()
        }
        model.load_state_dict(weights, assign=True)
        with torch.inference_mode():
            yield {"engine": "wllama", "dtype": dtype, **_fidelity(_torch_logits(model), original), **_size(path)}


def _write_gguf(source: Path, path: Path, file_type: gguf.LlamaFileType, packing: gguf.GGMLQuantizationType) -> None:
    """A copy of `source` with every matrix packed anew, the rest in float32."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(path, str(_value(reader, "general.architecture")))
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        writer.add_key_value(field.name, field.contents(), kind, field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    writer.add_file_type(file_type)
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        if values.ndim == 2:
            writer.add_tensor(tensor.name, gguf.quantize(values, packing), raw_dtype=packing)
        else:
            writer.add_tensor(tensor.name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _value(reader: gguf.GGUFReader, name: str) -> Any:
    field = reader.get_field(name)
    assert field is not None, name
    return field.contents()


def _torch_logits(model: Any) -> Logits:
    return lambda tokens: model(torch.tensor([tokens])).logits[0].numpy()


def _onnx_logits(path: Path) -> Logits:
    """Logits of an export of optimum's, the cache fed on from step to step."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = {value.name: value for value in session.get_inputs()}
    outputs = [value.name for value in session.get_outputs()]
    empty = {
        name: np.zeros((1, value.shape[1], 0, value.shape[3]), np.float32) for name, value in inputs.items() if "past" in name
    }

    def logits(tokens: tuple[int, ...]) -> NDArray[np.float32]:
        cache, rows = dict(empty), []
        for start in range(0, len(tokens), STEP_TOKENS):
            ids = np.array([tokens[start : start + STEP_TOKENS]], np.int64)
            end = start + ids.shape[1]
            feeds = {"input_ids": ids, "attention_mask": np.ones((1, end), np.int64), **cache}
            if "position_ids" in inputs:
                feeds["position_ids"] = np.arange(start, end, dtype=np.int64)[None]
            results = dict(zip(outputs, session.run(None, feeds), strict=True))
            rows.append(results.pop("logits")[0])
            cache = {name.replace("present", "past_key_values"): value for name, value in results.items()}
        return np.concatenate(rows)

    return logits


def _fidelity(logits: Logits, original: Original) -> dict[str, float]:
    agreements, compared, predicted, nll = 0, 0, 0, np.zeros(2)
    for start, window in original.windows():
        expected = torch.from_numpy(original.log_probs(start, len(window)))
        rows = torch.log_softmax(torch.from_numpy(logits(window)), dim=1)
        agreements += int((expected.argmax(dim=1) == rows.argmax(dim=1)).sum())
        compared += len(window)
        following = torch.tensor(window[1:])[:, None]
        for index, each in enumerate((expected, rows)):
            nll[index] -= float(each[:-1].gather(1, following).sum(dtype=torch.float64))
        predicted += len(following)
    ratio = float(np.exp((nll[1] - nll[0]) / predicted))
    return {"tokens_compared": compared, "perplexity_ratio": ratio, "top1_agreement": agreements / compared}


def prompts(checkpoint: Checkpoint) -> dict[str, list[str]]:
    """Texts of exactly so many tokens, cut from the prose where no other begins: no engine's cache knows a beginning."""
    tokenizer = checkpoint.tokenizer
    tokens = [int(token) for token in tokenizer(prose())["input_ids"]]
    found: dict[str, list[str]] = {}
    first_tokens: set[int] = set()
    start = 0
    for count in PROMPT_TOKENS:
        texts: list[str] = []
        while len(texts) < PROMPTS:
            text = str(tokenizer.decode(tokens[start : start + count]))
            first = tokens[start]
            if first not in first_tokens and tokenizer(text)["input_ids"] == tokens[start : start + count]:
                texts.append(text)
                first_tokens.add(first)
            start += 1
        found[str(count)] = texts
    return found


def _size(path: Path) -> dict[str, Any]:
    return {"size_bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
