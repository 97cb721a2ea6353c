"""How does the page of a report become a PDF to print, file or send on?

By WeasyPrint, the extra `pdf`: it lays out the page as a browser prints it, and fetches nothing. It needs the system's
Pango for the letters.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from assetwatch.errors import UsageError
from assetwatch.report import html
from assetwatch.report.basics import Place
from assetwatch.report.value import Report

NO_EXTRA: Final = 'a PDF cannot be written: install "assetwatch[pdf]" (WeasyPrint), or take another format'
NO_PANGO: Final = (
    "a PDF cannot be written: WeasyPrint does not find Pango; install it "
    "(Debian: libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0), or take another format"
)


def render(report: Report, pictures: Mapping[Place, bytes] | None = None, *, note: str | None = None) -> bytes:
    """The report as PDF; arguments as those of `html.render`. Raises UsageError as `write_pdf` does."""
    return write_pdf(html.render(report, pictures, note=note))


def write_pdf(page: str) -> bytes:
    """A page as PDF, tagged for screen readers (PDF/UA-1, ISO 14289-1).

    Raises UsageError where WeasyPrint or the Pango that it needs is not there; its message says what to install.
    """
    # It has its word on each rule of the page that is for screens, and counts its steps from its import on; what cuts
    # its letters down, where the system has no HarfBuzz for that, tells of each table of each font.
    for name in ("weasyprint", "weasyprint.progress", "fontTools"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except ImportError:
        raise UsageError(NO_EXTRA) from None
    except OSError:
        # It loads Pango when it is imported.
        raise UsageError(NO_PANGO) from None
    fetcher = URLFetcher(allowed_protocols=["data"], allow_redirects=False)
    return bytes(HTML(string=page, url_fetcher=fetcher).write_pdf(pdf_variant="pdf/ua-1"))
