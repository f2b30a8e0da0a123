"""The page as a PDF file, through weasyprint."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_drift.errors import ExtraMissingError
from accel_drift.files import write_bytes_atomically

if TYPE_CHECKING:
    from accel_drift.report.report import Report


def write(report: Report, path: str | Path, top: int | None = None) -> None:
    """Write the page, whole or not at all.

    Raises:
        ExtraMissingError: weasyprint, or the Pango that it draws text with, is not there.
        SourceError: the folder does not exist, or the file cannot be written.
    """
    weasyprint = library()
    from accel_drift.report.html import render

    document = weasyprint.HTML(string=with_styled_pictures(render(report, paper=True, top=top)), url_fetcher=_refuse)
    made: bytes = document.write_pdf()
    write_bytes_atomically(path, lambda out: _write_all(out, made))


def library() -> Any:
    """Weasyprint, or what to do to have it.

    Raises:
        ExtraMissingError: it is not installed, or a library of the system that it needs is not there.
    """
    try:
        import weasyprint  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ExtraMissingError(
            "a PDF needs weasyprint, which is not installed: pip install 'accel-drift[report]'; "
            "or write the HTML page and print it from a browser"
        ) from error
    except OSError as error:
        # It loads Pango when it is imported, and says so in many lines.
        raise ExtraMissingError(
            f"a PDF needs the Pango library, which weasyprint cannot load ({_first_line(error)}): "
            "apt install libpango-1.0-0 libpangoft2-1.0-0 (Debian, Ubuntu), dnf install pango (Fedora), "
            "brew install pango (macOS); or write the HTML page and print it from a browser"
        ) from error
    return weasyprint


def with_styled_pictures(page: str) -> str:
    """The page with the rules of its pictures inside each of them, where alone weasyprint looks, and no variables."""
    here = Path(__file__).parent
    colours = dict(re.findall(r"(--[\w-]+): ([^;]+);", (here / "page.css").read_text(encoding="utf-8")))
    rules = re.sub(
        r"var\((--[\w-]+)\)", lambda found: colours[found[1]], (here / "svg.css").read_text(encoding="utf-8")
    )
    return re.sub(r"<svg [^>]*>", lambda found: f"{found[0]}<style>{rules}</style>", page)


def _first_line(error: OSError) -> str:
    return str(error).strip().partition("\n")[0]


def _refuse(url: str, *_: Any, **__: Any) -> Any:
    """The page loads nothing, and nothing in it may make it load."""
    raise ValueError(f"the page loads nothing, so not {url!r}")


def _write_all(out: Any, made: bytes) -> None:
    out.write(made)
