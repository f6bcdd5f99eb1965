"""The files of a finished volume.

The manifest lists every file of a finished output with its size and SHA-256, and every chunk
that was left out because it holds only the fill value. Without a manifest a volume does not open
as finished; with one, every byte that is read is compared with it. A codec's checksum would miss
two chunks that changed places and a chunk that is gone; this does not.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

JOURNAL_DIR = ".poroscale"
MANIFEST_FORMAT = 1
RESULTS = "results"
BytesLike = bytes | bytearray | memoryview
Fingerprint = tuple[int, str]
"""Size in bytes and SHA-256 (hex) of one file."""


def canonical_json(value: Any) -> str:
    """The one spelling of a JSON value: sorted keys, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(value: Any) -> str:
    """SHA-256 (hex) of a JSON value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def fingerprint(data: BytesLike) -> Fingerprint:
    """Size and SHA-256 of `data`."""
    return len(data), hashlib.sha256(data).hexdigest()


def write_durably(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a reader sees all of it or nothing, also after a power cut."""
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.partial")
    with partial.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make renames inside the directory `path` durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@dataclass(frozen=True)
class Manifest:
    """Everything that a finished output consists of.

    Attributes
    ----------
    recipe
        Recipe of the output: kernel, parameters, inputs.
    files
        Size and SHA-256 of each file, by its name relative to the output.
    empty
        Chunks left out on purpose: they hold the fill value alone.
    result
        Result of the job as a whole (JSON), such as a reduction's value; None for most volumes.
    """

    recipe: Mapping[str, Any]
    files: Mapping[str, Fingerprint]
    empty: frozenset[str] = frozenset()
    result: Any = None

    @cached_property
    def digest(self) -> str:
        """Identity of the content: what another recipe names this output by as its input."""
        return digest_of(self._body())

    def _keep_digest(self, digest: str) -> None:
        """Keep the digest: large results take long to spell out once more."""
        self.__dict__["digest"] = digest

    def _body(self) -> dict[str, Any]:
        return {
            "format": MANIFEST_FORMAT,
            "recipe": self.recipe,
            "files": {key: list(value) for key, value in sorted(self.files.items())},
            "empty": sorted(self.empty),
            "result": self.result,
        }

    def save(self, output: Path) -> None:
        """Write the manifest of the finished `output`; from here on it opens."""
        text = canonical_json(self._body()).encode()
        self._keep_digest(hashlib.sha256(text).hexdigest())
        write_durably(manifest_path(output), text[:-1] + _seal(self.digest))

    @classmethod
    def load(cls, output: Path) -> Manifest:
        """Read the manifest of `output`.

        Raises
        ------
        FileNotFoundError
            If `output` has none: it is unfinished, or not ours.
        OSError
            If the manifest itself is damaged.
        """
        path = manifest_path(output)
        status = path.stat()
        return _load_manifest(path, status.st_mtime_ns, status.st_size)

    @classmethod
    def parse(cls, path: Path) -> Manifest:
        """Read and check one manifest file."""
        try:
            data = path.read_bytes()
            body = json.loads(data)
            stated = body.pop("sha256")
            as_written = _is_sealed(data, stated)
            whole = as_written or digest_of(body) == stated
            whole = whole and body["format"] == MANIFEST_FORMAT
        except (ValueError, KeyError, AttributeError):
            whole = False
        if not whole:
            raise OSError(f"{path} is damaged: it does not match its own checksum")
        files = {key: (int(size), str(sha)) for key, (size, sha) in body["files"].items()}
        found = cls(body["recipe"], files, frozenset(body["empty"]), body["result"])
        if as_written:
            found._keep_digest(stated)
        return found

    @property
    def is_results(self) -> bool:
        """True if this is a folder of results: files of its own, and outputs in it."""
        return self.recipe.get("kind") == RESULTS

    def problems(self, output: Path) -> Iterator[str]:
        """One sentence for each file of `output` that is missing, changed or not listed.

        In a folder of results other files may lie beside those that are listed.
        """
        for key, expected in self.files.items():
            try:
                check(output / key, (output / key).read_bytes(), expected)
            except OSError as error:
                yield _sentence(error, output / key)
        if self.is_results:
            yield from _lost_outputs(output, self.result)
            return
        for key in sorted(_files_below(output) - self.files.keys()):
            yield f"{output / key} is not part of the finished output"


def _seal(digest: str) -> bytes:
    """End of a manifest's text: of all its keys `sha256` is the last one."""
    return f',"sha256":"{digest}"}}'.encode()


def _is_sealed(data: bytes, stated: Any) -> bool:
    """True if the text `data`, without its seal, has the digest that the seal states."""
    seal = _seal(stated)
    if not data.endswith(seal):
        return False
    text = hashlib.sha256(memoryview(data)[: -len(seal)])
    text.update(b"}")
    return text.hexdigest() == stated


def record_results(
    folder: Path,
    *,
    files: Iterable[str] = (),
    outputs: Iterable[str] = (),
    forget: Iterable[str] = (),
) -> None:
    """Add files and finished outputs in `folder` to what its results consist of.

    Parameters
    ----------
    folder
        Folder of results; it gets a manifest of its own.
    files, outputs
        Their names in it.
    forget
        Files that no longer belong to the others.
    """
    listed: dict[str, Fingerprint] = {}
    digests: dict[str, str] = {}
    with suppress(FileNotFoundError):
        before = Manifest.load(folder)
        listed, digests = dict(before.files), dict(before.result)
    listed = {name: value for name, value in listed.items() if name not in set(forget)}
    listed |= {name: fingerprint((folder / name).read_bytes()) for name in files}
    digests |= {name: Manifest.load(folder / name).digest for name in outputs}
    (folder / JOURNAL_DIR).mkdir(exist_ok=True)
    Manifest({"kind": RESULTS}, listed, frozenset(), digests).save(folder)


def local(path: Path) -> Path:
    """`path`, if it can be one of this machine's file systems.

    `Path("s3://bucket/scan")` is the folder `bucket` in a folder called `s3:`; nobody means that.

    Raises
    ------
    ValueError
        If it is an address, or `-`, which stands for a stream elsewhere.
    """
    first = path.parts[0] if path.parts else ""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]+:", first):
        raise ValueError(
            f"{first}//{'/'.join(path.parts[1:])} must be a path on a local file system: poroscale "
            "neither reads nor writes addresses; copy the data there with the tools of the store"
        )
    if str(path) == "-":
        raise ValueError("- must be a path: poroscale has no streams; ./- is a file of that name")
    return path


def check_file(path: Path) -> Path:
    """`path`, compared with the manifest beside it if there is one that lists it.

    Raises
    ------
    OSError
        Naming the file, if it is not what was written.
    """
    with suppress(FileNotFoundError):
        expected = Manifest.load(path.parent).files.get(path.name)
        if expected is not None:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found != expected[1]:
                raise OSError(
                    f"{path} is damaged: its content is not what was written; "
                    "delete it and make it again"
                )
    return path


def _lost_outputs(folder: Path, digests: Mapping[str, str]) -> Iterator[str]:
    for name, digest in digests.items():
        try:
            found = Manifest.load(folder / name).digest
        except FileNotFoundError:
            yield f"{folder / name} is missing or unfinished"
        except OSError as error:
            yield str(error)
        else:
            if found != digest:
                yield f"{folder / name} was replaced after the results were made from it"


def manifest_path(output: Path) -> Path:
    """Path of the manifest of `output`."""
    return output / JOURNAL_DIR / "manifest.json"


@lru_cache(maxsize=64)
def _load_manifest(path: Path, _mtime_ns: int, _size: int) -> Manifest:
    return Manifest.parse(path)


def check(path: Path, data: BytesLike, expected: Fingerprint) -> None:
    """Raise OSError that names `path` unless `data` is what the manifest says.

    Raises
    ------
    OSError
        Naming the file and what is wrong with it.
    """
    if len(data) != expected[0]:
        raise OSError(f"{path} is damaged: {len(data)} bytes where {expected[0]} were written")
    if hashlib.sha256(data).hexdigest() != expected[1]:
        raise OSError(f"{path} is damaged: its content is not what was written")


def refuse_data(path: Path, key: str, manifest: Manifest) -> None:
    """Raise OSError that names `path` if it exists although the chunk `key` was left empty."""
    if key in manifest.empty and path.exists():
        raise OSError(f"{path} is damaged: it was left empty and now holds data")


def _sentence(error: OSError, path: Path) -> str:
    return f"{path} is missing" if isinstance(error, FileNotFoundError) else str(error)


def _files_below(output: Path) -> set[str]:
    found = set()
    for folder, names, files in os.walk(output):
        if JOURNAL_DIR in names:
            names.remove(JOURNAL_DIR)
        relative = Path(folder).relative_to(output)
        found |= {(relative / name).as_posix() for name in files}
    return found
