"""What Windows shows under "Properties, Details" of the program, in the form that PyInstaller reads."""

from __future__ import annotations

from pathlib import Path

TEMPLATE = """VSVersionInfo(
  ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3F, flags=0x0, OS=0x40004, fileType=0x1, subtype=0x0),
  kids=[
    StringFileInfo([StringTable('040904B0', [
      StringStruct('CompanyName', 'SLM Playground'),
      StringStruct('FileDescription', 'SLM Playground'),
      StringStruct('FileVersion', '{version}'),
      StringStruct('LegalCopyright', 'Apache-2.0'),
      StringStruct('OriginalFilename', 'slm-playground.exe'),
      StringStruct('ProductName', 'SLM Playground'),
      StringStruct('ProductVersion', '{version}'),
    ])]),
    VarFileInfo([VarStruct('Translation', [1033, 1200])]),
  ],
)
"""


def write_version_resource(version: str, out: Path) -> str:
    """Write the description of `version` (three numbers and dots) to `out`; gives its path."""
    numbers = tuple(int(part) for part in [*version.split("."), "0"][:4])
    out.write_text(TEMPLATE.format(numbers=numbers, version=version), encoding="utf-8")
    return str(out)
