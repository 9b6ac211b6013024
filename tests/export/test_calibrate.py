"""Calibrated 4-bit weights: better than rounding where it counts, found again in the graph, the same at each run."""

import numpy as np
import pytest
import torch

from slm_export import checkpoint as checkpoints
from slm_export.bit_budget import FREQUENT_SHARE, frequent_tokens
from slm_export.calibrate import calibrate
from slm_export.gptq import gptq_blocks
from slm_export.manifest import load_manifest
from slm_export.matmuls import switchable
from slm_export.quantize import int4_blocks, symmetric_int4_blocks
from slm_export.row_store import RowStore, write_rows
from slm_export.sources import resolve


@pytest.fixture(scope="module")
def inputs() -> torch.Tensor:
    """Correlated inputs float32 [256, 96], as activations are: a few directions carry most of them."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(256, 12, generator=generator) @ torch.randn(12, 96, generator=generator) + 0.1 * torch.randn(
        256, 96, generator=generator
    )


@pytest.fixture(scope="module")
def weight() -> torch.Tensor:
    return torch.randn(40, 96, generator=torch.Generator().manual_seed(1))


def output_error(inputs, weight, blocks) -> float:
    rounded = torch.from_numpy(blocks.dequantize(weight.shape[1]))
    return float((inputs @ (weight - rounded).T).square().mean())


def test_gptq_changes_the_outputs_far_less_than_rounding_to_nearest(inputs, weight):
    nearest = output_error(inputs, weight, int4_blocks(weight.numpy()))
    fitted = output_error(inputs, weight, gptq_blocks(weight, inputs.T @ inputs))
    assert fitted < 0.4 * nearest


def test_gptq_blocks_have_the_layout_of_rounding(weight, inputs):
    blocks, nearest = gptq_blocks(weight, inputs.T @ inputs), int4_blocks(weight.numpy())
    for part in ("values", "scales", "zero_points"):
        assert getattr(blocks, part).dtype == getattr(nearest, part).dtype
        assert getattr(blocks, part).shape == getattr(nearest, part).shape
    assert blocks.values.max() <= 15
    assert blocks.zero_points.max() <= 15


def test_symmetric_gptq_beats_symmetric_rounding_with_all_zero_points_8(inputs, weight):
    nearest, fitted = symmetric_int4_blocks(weight.numpy()), gptq_blocks(weight, inputs.T @ inputs, symmetric=True)
    assert (nearest.zero_points == 8).all()
    assert (fitted.zero_points == 8).all()
    assert np.abs(nearest.dequantize(96) - weight.numpy()).max() < 0.5
    assert output_error(inputs, weight, fitted) < 0.5 * output_error(inputs, weight, nearest)


def test_gptq_pads_columns_that_do_not_fill_a_block_and_survives_inputs_that_never_come(inputs, weight):
    narrow, seen = weight[:, :70], inputs[:, :70].clone()
    seen[:, 5] = 0
    blocks = gptq_blocks(narrow, seen.T @ seen)
    assert blocks.values.shape == (40, 96)
    assert np.isfinite(blocks.dequantize(70)).all()
    assert output_error(seen, narrow, blocks) < output_error(seen, narrow, int4_blocks(narrow.numpy()))


def test_rows_are_found_again_in_any_order_and_packing(tmp_path, weight):
    other = weight.flip(0) * 2
    write_rows([(each.numpy(), int4_blocks(each.numpy())) for each in (weight, other)], tmp_path / "rows.npz")
    packed = torch.cat([other[3:9], weight[5:20]]).numpy()
    found = RowStore(tmp_path / "rows.npz").find(packed)
    assert found is not None
    expected = int4_blocks(packed)
    assert np.array_equal(found.values, expected.values)
    assert np.array_equal(found.scales, expected.scales)
    assert RowStore(tmp_path / "rows.npz").find(packed + 1) is None


def test_weights_marked_wide_are_known_again_and_have_no_4_bit_blocks(tmp_path, weight):
    other = weight * 3
    write_rows([(weight.numpy(), int4_blocks(weight.numpy()))], tmp_path / "rows.npz", wide=[other.numpy()])
    store = RowStore(tmp_path / "rows.npz")
    assert store.is_wide(other.numpy())
    assert store.find(other.numpy()) is None
    assert not store.is_wide(weight.numpy())
    assert not store.is_wide(torch.cat([weight, other]).numpy())


def test_the_slope_of_widening_is_what_blending_in_float_weights_does(tiny_source, tmp_path, reporter):
    origin = resolve(str(tiny_source), downloads=tmp_path, revision=None, reporter=reporter)
    model = checkpoints.load(origin, tmp_path / "float32").load_model().requires_grad_(False)
    tokens = torch.arange(40)[None] + 300
    with switchable(model) as layers:
        matmul = layers[1][1][-1]
        original, blocks = matmul.weight.clone(), int4_blocks(matmul.weight.numpy())

        def loss():
            return model(tokens, use_cache=False).logits.log_softmax(dim=-1)[0, :, 7].double().mean()

        matmul.blocks = blocks
        matmul.widening = torch.zeros((), requires_grad=True)
        loss().backward()
        matmul.blocks = None
        rounded = torch.from_numpy(blocks.dequantize(original.shape[1]))
        values = []
        for share in (0.05, -0.05):
            matmul.module.weight.copy_(rounded + share * (original - rounded))
            with torch.no_grad():
                values.append(float(loss()))
    assert matmul.widening.grad is not None
    assert (values[0] - values[1]) / 0.1 == pytest.approx(float(matmul.widening.grad), rel=0.05)


def test_a_model_is_as_it_was_when_its_matrices_need_not_be_switched_any_more(tiny_source, tmp_path, reporter):
    origin = resolve(str(tiny_source), downloads=tmp_path, revision=None, reporter=reporter)
    model = checkpoints.load(origin, tmp_path / "float32").load_model()
    with switchable(model) as layers:
        modules = [matmul.module for _, found in layers for matmul in found]
        assert all("forward" in vars(module) for module in modules)
    assert not any("forward" in vars(module) for module in modules)


def test_frequent_tokens_make_up_their_share_of_the_text():
    generator = torch.Generator().manual_seed(0)
    tokens = (torch.rand(50, 100, generator=generator).pow(6) * 4096).long()  # small ids are frequent
    frequent = frequent_tokens(tokens, 4096)
    assert frequent % 64 == 0
    assert FREQUENT_SHARE <= (tokens[:, 2:] < frequent).double().mean() < FREQUENT_SHARE + 0.02


def test_ids_without_an_order_of_frequency_are_not_split():
    tokens = torch.randint(0, 4096, (50, 100), generator=torch.Generator().manual_seed(0))
    assert frequent_tokens(tokens, 4096) == 4096


def test_calibration_is_the_same_at_each_run_and_covers_every_matrix_of_the_layers(tiny_source, tmp_path, reporter):
    torch.set_num_threads(1)
    origin = resolve(str(tiny_source), downloads=tmp_path, revision=None, reporter=reporter)
    checkpoint = checkpoints.load(origin, tmp_path / "float32")
    for name in ("a.npz", "b.npz"):
        calibrate(checkpoint, tmp_path / name, reporter)
    first, second = RowStore(tmp_path / "a.npz"), RowStore(tmp_path / "b.npz")
    for name, tensor in checkpoint.load_model().state_dict().items():
        if name.endswith("_proj.weight"):
            blocks, again = first.find(tensor.numpy()), second.find(tensor.numpy())
            assert blocks is not None
            assert again is not None
            assert np.array_equal(blocks.values, again.values)
            assert np.array_equal(blocks.scales, again.scales)


def test_the_tiny_bundles_4_bit_variants_are_close_to_the_original(tiny_bundle):
    manifest = load_manifest(tiny_bundle)
    for name in ("webgpu-q4f16", "webgpu-q4f32"):
        fidelity = manifest.variant(name).fidelity
        assert fidelity.perplexity_ratio < 1.06
        assert fidelity.mean_kl < 0.05
