"""Choice of the folder for numba's compiled code, even if the package cannot be written.

Numba writes beside the source, or else into the user's cache folder, and refuses to import a
function where it can write to neither (a read-only installation run without a home). Then a folder
of this user below the folder for temporary files takes both numba's code and matplotlib's fonts.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent


def keep_compiled_code() -> None:
    """Point numba to a folder that can be written, where it would find none.

    Processes that are started later inherit it.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    usual = [PACKAGE / "kernels" / "__pycache__", *_user_caches()]
    if any(map(_writable, [Path(chosen), *usual] if chosen else usual)):
        return
    folder = _own_temporary_folder()
    os.environ["NUMBA_CACHE_DIR"] = str(folder / "numba")
    os.environ.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = str(folder / "numba")


def _user_caches() -> list[Path]:
    home = os.path.expanduser("~")
    if sys.platform == "darwin":
        return [Path(home, "Library", "Caches", "numba")]
    return [Path(os.environ.get("XDG_CACHE_HOME") or Path(home, ".cache"), "numba")]


def _writable(folder: Path) -> bool:
    """True if files can be made in `folder`, which is made if it is not there."""
    probe = folder / f".poroscale-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.close(os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        probe.unlink()
    except OSError:
        return False
    return True


def _own_temporary_folder() -> Path:
    """A folder that no other user can write to: numba runs what it finds there."""
    import atexit
    import shutil
    import tempfile

    folder = Path(tempfile.gettempdir(), f"poroscale-{os.geteuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        about = folder.lstat()
        if folder.is_symlink() or about.st_uid != os.geteuid() or about.st_mode & 0o077:
            raise PermissionError(folder)
        if _writable(folder):
            return folder
    except OSError:
        pass
    folder = Path(tempfile.mkdtemp(prefix="poroscale-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
