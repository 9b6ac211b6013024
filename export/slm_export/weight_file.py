"""External data files of one variant: tensors appended at page boundaries, the same bytes stored once.

Several graphs of a variant (encoder, decoder, embedding) refer to the same files, so a tied matrix is on disk once.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from slm_export.errors import ExportError
from slm_export.variant_recipes import MAX_FILE_BYTES

ALIGNMENT_BYTES = 256  # WebGPU's for buffer offsets, and more than any SIMD load asks for
INLINE_BYTES = 1024  # smaller tensors stay in the .onnx file: shapes, and weights where they are asked to


class WeightFiles:
    """Writes `name`, `name.1`, … into `folder`, each at most `max_file_bytes`; a context manager."""

    def __init__(
        self,
        folder: Path,
        name: str = "weights.data",
        *,
        max_file_bytes: int = MAX_FILE_BYTES,
        inlines_weights: bool = True,
    ) -> None:
        self.folder = folder
        self.name = name
        self.max_file_bytes = max_file_bytes
        self.inlines_weights = inlines_weights
        self.stored: dict[tuple[bytes, int], tuple[str, int]] = {}  # digest and bytes → file and offset
        self.count = 0
        self.file: BinaryIO | None = None

    def __enter__(self) -> WeightFiles:
        return self

    def __exit__(self, *_: object) -> None:
        if self.file:
            self.file.close()

    def tensor(self, name: str, array: NDArray[np.generic]) -> TensorProto:
        """An initializer called `name` with the values of `array`.

        Raises: ExportError where it is larger than a file may be.
        """
        array = np.asarray(array, order="C")
        tensor = TensorProto(name=name, dims=array.shape, data_type=helper.np_dtype_to_tensor_dtype(array.dtype))
        if array.nbytes <= INLINE_BYTES and (self.inlines_weights or array.dtype == np.int64):
            tensor.raw_data = array.tobytes()
            return tensor
        key = (hashlib.sha256(array.data).digest(), array.nbytes)
        if key not in self.stored:
            self.stored[key] = self._append(array)
        for entry, value in zip(("location", "offset", "length"), (*self.stored[key], array.nbytes), strict=True):
            tensor.external_data.add(key=entry, value=str(value))
        tensor.data_location = TensorProto.EXTERNAL
        return tensor

    def view(self, name: str, tensor: TensorProto, shape: tuple[int, ...]) -> TensorProto:
        """An initializer called `name`: the first values of `tensor`, which this wrote, under another shape."""
        view = TensorProto()
        view.CopyFrom(tensor)
        view.name = name
        view.dims[:] = shape
        count_bytes = math.prod(shape) * helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        if tensor.data_location != TensorProto.EXTERNAL:
            view.raw_data = tensor.raw_data[:count_bytes]
        for entry in view.external_data:
            if entry.key == "length":
                entry.value = str(count_bytes)
        return view

    def _append(self, array: NDArray[np.generic]) -> tuple[str, int]:
        """The file and the offset where the bytes of `array` are now."""
        if array.nbytes > self.max_file_bytes:
            raise ExportError(
                f"A weight of {array.nbytes / 1e9:.1f} GB ({' × '.join(map(str, array.shape))}) is more than the "
                f"{self.max_file_bytes / 1e9:.1f} GB that a browser holds at once. Choose variants of fewer bits (--variants) or "
                "a smaller model of the family."
            )
        if self.file is None or (self.file.tell() and self.file.tell() + array.nbytes > self.max_file_bytes):
            self.__exit__()
            self.location = self.name if self.count == 0 else f"{self.name}.{self.count}"
            self.file = (self.folder / self.location).open("wb")
            self.count += 1
        self.file.write(b"\0" * (-self.file.tell() % ALIGNMENT_BYTES))
        offset = self.file.tell()
        self.file.write(array.data)
        return self.location, offset
