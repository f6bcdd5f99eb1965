"""Recognition of a DICOM series in a folder by the files' first bytes, without any package."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
_PREAMBLE = 128


def dicom_files(folder: Path, pattern: str | None = None) -> tuple[str, ...]:
    """Names of the DICOM files in `folder`, sorted; many have no suffix.

    Files with a suffix that is none of DICOM's are left alone, and a DICOMDIR is no slice.
    """
    found = []
    for entry in sorted(folder.iterdir()):
        suffix = entry.suffix.lower()
        numbered = not suffix or suffix[1:].isdigit()  # as in IM0001 and 1.2.840.1
        wanted = (pattern is None or fnmatch(entry.name, pattern)) and entry.is_file()
        if not wanted or entry.name.upper() == "DICOMDIR":
            continue
        if suffix in DICOM_SUFFIXES or (numbered and _is_dicom(entry)):
            found.append(entry.name)
    return tuple(found)


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_PREAMBLE + 4)
    return head[_PREAMBLE:] == b"DICM"
