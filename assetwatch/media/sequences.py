"""Which files of a folder are the frames of one image sequence, and which frames are missing, empty or odd?

Everything here is pure: names and sizes in, values out. The rules, with the reasons for them, are in
docs/reference/sequences.md; the numbers behind them are the constants below.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice, pairwise
from statistics import median_low
from typing import NamedTuple

# fmt: off
#: Extensions, in lower case, whose files can be single frames of a moving picture.
IMAGE_EXTENSIONS = frozenset({
    "exr", "sxr", "dpx", "cin", "tif", "tiff", "ari", "arx", "dng", "cri", "cr2", "cr3", "nef", "arw", "raf", "png",
    "jpg", "jpeg", "jpe", "jp2", "j2c", "j2k", "jpc", "jpf", "jpx", "jxs", "jxl", "tga", "bmp",
    "hdr", "rgbe", "pic", "psd", "psb", "sgi", "rgb", "rgba", "bw", "rla", "rpf", "iff", "heic", "heif", "webp",
})

# fmt: on

#: Formats written uncompressed as a rule: every frame of one raster has the same size.
FIXED_SIZE_EXTENSIONS = frozenset({"dpx", "cin", "ari"})

#: A longer run of digits is a time stamp or an id, never a frame number.
MAX_DIGITS = 10

#: A gap of more than this many usual steps may part two takes.
SPLIT_STEPS = 1000

#: Texts of ranges that stand for more frames than this are refused: 10 million frames are 115 hours at 24 fps.
MAX_PARSED_FRAMES = 10_000_000

_PLAIN = 0  # the padding class of numbers without leading zeros
_FLOOR = (0, 0, *(10 ** (width - 1) for width in range(2, 20)))  # below it, a number of that width has a leading zero
_INNER = re.compile(r"(?:^|(?<=\.))(?:-(?=0*[1-9]))?[0-9]+(?=(?:\.(?:[vV][0-9]{1,4}|[A-Za-z][A-Za-z_-]*))+$)")
_UNREADABLE = "{!r} is not a frame, a range (1001-1058) or a stepped range (1001-1058x2)"
_RANGE = re.compile(r"(-?[0-9]{1,18})(?:-(-?[0-9]{1,18})(?:x(-?[0-9]{1,9}))?)?")


#: One frame file of a series: frame, width, size in bytes.
Row = tuple[int, int, int]


class FrameName(NamedTuple):
    """A file name taken apart as a frame: `prefix` + digits + `suffix`.

    `frame` is the number, `width` how many digits it is written with (the minus sign not counted), `suffix`
    holds the extension in the case it is written in. (A tuple, because one is made for each new file.)
    """

    prefix: str
    frame: int
    width: int
    suffix: str

    @property
    def negative(self) -> bool:
        """Whether the number has a minus sign."""
        return self.frame < 0

    @property
    def digits(self) -> str:
        """The number as it is written, sign included."""
        return frame_text(self.frame, self.width)

    @property
    def name(self) -> str:
        """The file name again, exactly."""
        return f"{self.prefix}{self.digits}{self.suffix}"


@dataclass(frozen=True, slots=True)
class Sequence:
    """Two or more frames of one prefix, suffix and padding, without a gap that parts takes.

    `padding` is the least number of digits a frame is written with, `first` and `last` the frames at its ends,
    `count` how many frames are there, `size` their bytes together. `missing` are the gaps between first and
    last as inclusive (from, to) pairs. `duplicates` are frames that another padding of the same name holds too,
    `zero_byte` those that are empty, `size_outliers` those whose size does not fit the others. `members` are
    the rows, by frame.
    """

    prefix: str
    suffix: str
    padding: int
    first: int
    last: int
    count: int
    size: int
    missing: tuple[tuple[int, int], ...]
    duplicates: tuple[int, ...]
    zero_byte: tuple[int, ...]
    size_outliers: tuple[int, ...]
    members: tuple[Row, ...] = field(repr=False)

    @property
    def name(self) -> str:
        """`plate.[1001-1058].exr`: the ends as they are written in the files' own names."""
        first, last = (frame_text(frame, width) for frame, width, _ in (self.members[0], self.members[-1]))
        return f"{self.prefix}[{first}-{last}]{self.suffix}"

    @property
    def missing_count(self) -> int:
        """How many frames are missing between the first and the last."""
        return self.last - self.first + 1 - self.count

    @property
    def missing_text(self) -> str:
        """The missing frames as ranges: `1003-1004,1010`; empty if none is missing."""
        return ",".join(_range_text(start, end) for start, end in self.missing)

    def missing_frames(self, limit: int | None = None) -> list[int]:
        """The missing frames one by one, at most `limit` of them: a gap can be far longer than the sequence."""
        return list(islice((frame for start, end in self.missing for frame in range(start, end + 1)), limit))


def frame_text(frame: int, width: int) -> str:
    """`frame` written with at least `width` digits; the minus sign is not one of them."""
    return f"-{-frame:0{width}d}" if frame < 0 else f"{frame:0{width}d}"


def frame_of(name: str, extensions: Collection[str] = IMAGE_EXTENSIONS) -> FrameName | None:
    """Take a file name apart as a frame, or None where it is not one.

    `name` is a name without folders, as the catalog or as the system writes it; `extensions` are in lower case.
    """
    stem, dot, extension = name.rpartition(".")
    if not stem or extension.lower() not in extensions:
        return None
    prefix = stem.rstrip("0123456789")
    if len(prefix) == len(stem) or prefix.endswith(("v", "V")):
        return _frame_before_fields(stem, dot + extension)
    if "//" in prefix:  # a byte that is no UTF-8 is kept as // and two hex digits: those are not the number's
        escaped = 2 if prefix.endswith("//") else int(prefix[-3:-1] == "//")
        prefix = stem[: len(prefix) + escaped]
    elif prefix.endswith(("x", "X")) and prefix[-2:-1].isdecimal():  # a raster: 1920x1080
        return None
    return _frame(prefix, stem[len(prefix) :], dot + extension)


def _frame_before_fields(stem: str, extension: str) -> FrameName | None:
    """The number that stands between dots before `.left` or `.v002`, where nothing nearer the end is one."""
    found = _INNER.search(stem)
    if found is None:
        return None
    prefix, digits = stem[: found.start()], found[0]
    if digits.startswith("-"):
        prefix, digits = prefix + "-", digits[1:]
    return _frame(prefix, digits, stem[found.end() :] + extension)


def _frame(prefix: str, digits: str, suffix: str) -> FrameName | None:
    if not 0 < len(digits) <= MAX_DIGITS:
        return None
    number = int(digits)
    # A minus is a sign only where it cannot join two words; minus zero would be a second way to write zero.
    if number and prefix.endswith("-") and (len(prefix) == 1 or prefix[-2] in "._"):
        return FrameName(prefix[:-1], -number, len(digits), suffix)
    return FrameName(prefix, number, len(digits), suffix)


def series_key(frame: FrameName) -> tuple[str, str]:
    """What the frames of one sequence share within a folder: (prefix, suffix), both case-sensitive.

    Padding is not part of it: whether `1001` is padded shows only from the other names of the series.
    """
    return frame.prefix, frame.suffix


def group(prefix: str, suffix: str, rows: Iterable[Row]) -> list[Sequence]:
    """The sequences among the frames of one folder, prefix and suffix, by first frame.

    `rows` are (frame, width, size in bytes), each frame and width once, in any order. A row that is a member of
    no sequence is a single file. O(n log n).
    """
    classes = _by_padding(sorted(rows))
    twice: set[int] = set()
    if len(classes) > 1:
        seen = Counter(row[0] for _, members in classes for row in members)
        twice = {frame for frame, times in seen.items() if times > 1}
    found = [
        _sequence(prefix, suffix, padding, take, twice)
        for padding, members in classes
        for take in _takes(members)
        if len(take) > 1
    ]
    return sorted(found, key=lambda sequence: (sequence.first, sequence.padding))


def group_names(
    names: Iterable[tuple[str, int]], extensions: Collection[str] = IMAGE_EXTENSIONS
) -> tuple[list[Sequence], list[str]]:
    """The sequences among the (name, size in bytes) of one folder, and the names that are in none, both sorted."""
    series: dict[tuple[str, str], list[Row]] = {}
    singles = []
    for name, size in names:
        frame = frame_of(name, extensions)
        if frame is None:
            singles.append(name)
        else:
            series.setdefault(series_key(frame), []).append((frame.frame, frame.width, size))
    sequences = []
    for (prefix, suffix), rows in series.items():
        found = group(prefix, suffix, rows)
        taken = {member for sequence in found for member in sequence.members}
        singles += [f"{prefix}{frame_text(row[0], row[1])}{suffix}" for row in rows if row not in taken]
        sequences += found
    return sorted(sequences, key=lambda sequence: sequence.name), sorted(singles)


def which_to_probe(sequence: Sequence, limit: int = 16) -> list[int]:
    """The frames worth opening: the first and the last that hold bytes, and the size outliers; at most `limit`."""
    filled = [row[0] for row in sequence.members if row[2]]
    chosen = dict.fromkeys([*filled[:1], *filled[-1:], *sequence.size_outliers])
    return sorted(islice(chosen, limit))


def format_ranges(frames: Iterable[int]) -> str:
    """Frames as ascending ranges: `[1001, 1002, 1005]` is `1001-1002,1005`; negative ones as `-5--1`."""
    return ",".join(_range_text(start, end) for start, end in _runs(sorted(set(frames))))


def parse_ranges(text: str) -> list[int]:
    """The frames that `1001-1058,1070,1100-1120x2` names, ascending, each once.

    A range may run downwards, `x` gives its step (with a minus only where it runs downwards), empty places
    between commas are skipped. Raises ValueError with the part that cannot be read.
    """
    frames: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = _RANGE.fullmatch(part)
        if found is None:
            raise ValueError(_UNREADABLE.format(part))
        start, end, step = int(found[1]), int(found[2] or found[1]), int(found[3] or 1)
        if step == 0 or (step < 0 and start <= end):
            raise ValueError(_UNREADABLE.format(part))
        named = range(start, end + 1, step) if start <= end else range(start, end - 1, -abs(step))
        if len(frames) + len(named) > MAX_PARSED_FRAMES:
            raise ValueError(f"{part!r} makes more than {MAX_PARSED_FRAMES} frames")
        frames.update(named)
    return sorted(frames)


def _range_text(start: int, end: int) -> str:
    return str(start) if start == end else f"{start}-{end}"


def _runs(ordered: list[int]) -> Iterator[tuple[int, int]]:
    """Ascending distinct numbers as inclusive runs of neighbours."""
    start = previous = None
    for number in ordered:
        if start is None or previous is None:
            start = number
        elif number != previous + 1:
            yield start, previous
            start = number
        previous = number
    if start is not None and previous is not None:
        yield start, previous


def _sequence(prefix: str, suffix: str, padding: int, rows: list[Row], twice: set[int]) -> Sequence:
    frames, widths, sizes = zip(*rows, strict=True)
    return Sequence(
        prefix=prefix,
        suffix=suffix,
        padding=padding or min(widths),
        first=frames[0],
        last=frames[-1],
        count=len(rows),
        size=sum(sizes),
        missing=tuple((low + 1, high - 1) for low, high in pairwise(frames) if high - low > 1),
        duplicates=tuple(frame for frame in frames if frame in twice) if twice else (),
        zero_byte=tuple(row[0] for row in rows if not row[2]),
        size_outliers=tuple(_size_outliers(rows, suffix.rpartition(".")[2].lower())),
        members=tuple(rows),
    )


# --- padding ---------------------------------------------------------------------------------------------------------


def _by_padding(ordered: list[Row]) -> list[tuple[int, list[Row]]]:
    """Rows by frame, parted into (padding, rows by frame); padding 0 for numbers without leading zeros."""
    zero = bisect_left(ordered, (0,))
    classes = _one_sign(ordered[zero:]) if zero < len(ordered) else {}
    if not zero:
        return list(classes.items())
    below = _one_sign(ordered[zero - 1 :: -1])
    homeless = []
    taken: set[int] = set()
    for padding in sorted(below, key=lambda padding: padding not in classes):
        rows = below[padding][::-1]
        home = _home_of_negatives(padding, rows, classes.keys() - taken)
        if home is None:
            homeless.append((padding, rows))
        else:
            taken.add(home)
            classes[home] = rows + classes[home]
    return [*classes.items(), *homeless]


def _one_sign(rows: list[Row]) -> dict[int, list[Row]]:
    """Rows of one sign, by ascending magnitude, by padding.

    A leading zero fixes the padding. A number without one fits every padding up to its width; it goes where the
    numbering came from, the class of the nearest smaller frame, and to the wider of two that are equally near.
    """
    padded = {width for frame, width, _ in rows if abs(frame) < _FLOOR[width]}
    if not padded:
        return {_PLAIN: rows}
    if len(padded) == 1:
        (only,) = padded
        if min(row[1] for row in rows) >= only:
            return {only: rows}
    classes: dict[int, list[Row]] = {}
    reached: dict[int, int] = {}
    for row in rows:
        magnitude, width = abs(row[0]), row[1]
        padding = width
        if magnitude >= _FLOOR[width]:
            fitting = [(frame, known) for known, frame in reached.items() if known <= width]
            padding = max(fitting)[1] if fitting else _PLAIN
        reached[padding] = magnitude
        classes.setdefault(padding, []).append(row)
    return classes


def _home_of_negatives(padding: int, rows: list[Row], classes: Collection[int]) -> int | None:
    """The class of non-negative frames that negative ones of `padding` continue downwards.

    Some programs pad the digits (-0001, 0000), some, as printf does, the sign with them (-001, 0000).
    """
    if padding in classes:
        return padding
    if padding:
        return padding + 1 if padding + 1 in classes else None
    narrowest = min(row[1] for row in rows)
    return max((known for known in classes if known <= narrowest + 1), default=None)


# --- takes -----------------------------------------------------------------------------------------------------------


def _takes(rows: list[Row]) -> list[list[Row]]:
    """Rows of one padding, parted where the gap is too long to be dropped frames.

    That is: longer than SPLIT_STEPS usual steps, and longer than the stretch of frames on either side of it. In
    doubt the frames stay together, because a hole is reported and a second sequence is not.
    """
    if rows[-1][0] - rows[0][0] - len(rows) < SPLIT_STEPS:
        return [rows]
    steps = [high[0] - low[0] for low, high in pairwise(rows)]
    if max(steps) - 1 <= SPLIT_STEPS:
        return [rows]
    longest = SPLIT_STEPS * min(median_low(steps), SPLIT_STEPS)
    wide = [at for at, step in enumerate(steps, 1) if step - 1 > longest]
    ends = [0, *wide, len(rows)]
    spans = [rows[end - 1][0] - rows[start][0] + 1 for start, end in pairwise(ends)]
    neighbours = zip(wide, pairwise(spans), strict=True)
    cuts = [at for at, (before, after) in neighbours if steps[at - 1] - 1 > max(before, after)]
    return [rows[start:end] for start, end in pairwise([0, *cuts, len(rows)])]


# --- sizes -----------------------------------------------------------------------------------------------------------


def _size_outliers(rows: list[Row], extension: str) -> list[int]:
    """The frames whose size does not fit the others; empty files are not among them, they are told apart.

    Formats of fixed size: any other size than that of at least half. Others: smaller than the one size that all
    but one, or nine in ten, have; and where sizes vary, much smaller than the frames before as well as those after.
    """
    filled = [row for row in rows if row[2]]
    if len(filled) < 3:
        return []
    sizes = [row[2] for row in filled]
    usual, times = Counter(sizes).most_common(1)[0]
    if extension in FIXED_SIZE_EXTENSIONS and times * 2 > len(sizes):
        return [frame for frame, _, size in filled if size != usual]
    if (len(sizes) - times) * 10 <= max(len(sizes), 10):
        return [frame for frame, _, size in filled if size < usual]
    odd = [filled[at][0] for at in _much_smaller(sizes)]
    # What happens often is how this material is: alternating eyes, cuts to black, titles.
    return odd if len(odd) <= max(2, len(sizes) // 20) else []


def _much_smaller(sizes: list[int]) -> Iterator[int]:
    """Where a size is under a quarter of the usual one of the three before, and of the three after.

    At an end there is one side only, and slates and black are common, so it has to be under a tenth.
    """
    if len(sizes) >= 4:
        if sizes[0] * 10 < sorted(sizes[1:4])[1]:
            yield 0
        yield from (
            at
            for at, (before, size, after) in enumerate(zip(sizes, sizes[1:], sizes[2:], strict=False), 1)
            if (size * 4 < before or size * 4 < after)
            and size * 4 < median_low(sizes[max(0, at - 3) : at])
            and size * 4 < median_low(sizes[at + 1 : at + 4])
        )
        if sizes[-1] * 10 < sorted(sizes[-4:-1])[1]:
            yield len(sizes) - 1
