"""Tests of which file a location names."""

from __future__ import annotations

import pytest

from assetwatch.media.timelines.locations import name_of, path_of


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("file:///Volumes/My%20Disk/a.mov", "/Volumes/My Disk/a.mov"),
        ("file://localhost/Volumes/a.mov", "/Volumes/a.mov"),
        ("file:///D%3A/Avid%20MediaFiles/a.mxf", "D:/Avid MediaFiles/a.mxf"),
        ("file:///c%3a/x/M%c3%a9dia.wav", "c:/x/Média.wav"),
        ("file://C:/Users/a.wav", "C:/Users/a.wav"),
        ("file://srv/share/a.mxf", "//srv/share/a.mxf"),
        ("FILE:///a%25b.mov", "/a%b.mov"),
        ("file:a.mov", "a.mov"),
        (" /plain/with%20percent.mov ", "/plain/with%20percent.mov"),
        ("C:\\Users\\a.wav", "C:\\Users\\a.wav"),
        ("file://[broken/a.mov", "//[broken/a.mov"),
        ("", ""),
    ],
)
def test_path(location: str, path: str) -> None:
    """URLs of every style become paths, escapes undone once; anything else is taken as it stands."""
    assert path_of(location) == path


@pytest.mark.parametrize("path", ["/vol/a.mov", "C:\\x\\a.mov", "a.mov", "/vol/a.mov/"])
def test_name(path: str) -> None:
    """The last part, of either system's paths."""
    assert name_of(path) == "a.mov"
