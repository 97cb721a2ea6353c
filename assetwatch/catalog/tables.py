"""What does the catalog keep? The schema, one for SQLite and PostgreSQL.

Conventions: instants are whole microseconds since 1970 UTC (`_us`); sizes are bytes; file-system times are
nanoseconds (`_ns`). Names and paths are the texts of `assetwatch.paths`. Integers are 64 bits wide. Texts are
of any length (`Text`: SQLite's STRICT tables know no VARCHAR). Migrations never import this module.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    text,
)
from sqlalchemy import Text as _AnyText

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: SQLite's INTEGER is 64 bits wide, is the only one that STRICT tables and rowids know; PostgreSQL's has to be said.
Int64 = BigInteger().with_variant(Integer(), "sqlite")
Id = Int64

#: PostgreSQL's order of letters is that of a language unless it is told: with this one texts compare by their
#: characters' numbers, as SQLite's do and Python's, and an index serves a range of names.
Text = _AnyText(collation="C").with_variant(_AnyText(), "sqlite")


def _table(name: str, *parts: Column[object] | CheckConstraint | Index, with_rowid: bool = True) -> Table:
    return Table(name, metadata, *parts, sqlite_strict=True, sqlite_with_rowid=with_rowid)


_partial_indexes: list[Index] = []


def _partial(*names: str, where: str, unique: bool = False) -> Index:
    """An index over the rows for which `where` holds: its name, then its columns."""
    index = Index(*names, unique=unique, sqlite_where=text(where))
    _partial_indexes.append(index)
    return index


def complete_for_postgresql() -> None:
    """Tell PostgreSQL's part of the partial indexes. Not at import: naming that dialect loads it, in every command."""
    for index in _partial_indexes:
        index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]


#: Blocks of ids already given out, one row a table: ids are known before the rows are written,
#: so that a thousand rows that point at each other go in one executemany on either database.
counter = _table(
    "counter",
    Column("name", Text, primary_key=True),
    Column("next_id", Int64, nullable=False),
)

#: One run of `assetwatch run`, `scan` or `verify`: who holds volumes, what it is doing, when it last said so.
keeper = _table(
    "keeper",
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Int64, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_us", Int64, nullable=False),
    Column("beat_us", Int64, nullable=False),
    Column("stopped_us", Int64),
    #: JSON: what is being read and how far, what waits, overflows
    Column("doing", Text, nullable=False, server_default="{}"),
    CheckConstraint("kind in ('run', 'scan', 'verify')", name="kind"),
)

volume = _table(
    "volume",
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False, unique=True),
    Column("root", Text, nullable=False),
    Column("project", Text),
    #: JSON of what proves that the right disk is there; null until it was first seen online
    Column("identity", Text),
    Column("file_system", Text),
    Column("online", Integer, nullable=False, server_default="0"),
    Column("reason", Text),
    Column("changed_us", Int64),
    Column("watching", Text),
    Column("last_event_us", Int64),
    Column("last_scan_us", Int64),
    Column("overflows", Int64, nullable=False, server_default="0"),
    Column("watches", Int64, nullable=False, server_default="0"),
    Column("watch_limit", Int64),
    Column("scan_wanted_us", Int64),
    #: a person said that what is there now is right: a new disk, a great loss
    Column("accepted_us", Int64),
    #: JSON: how many names each ignore rule passed over in the last scan
    Column("ignored", Text, nullable=False, server_default="{}"),
    Column("keeper_id", Id, ForeignKey("keeper.id")),
    CheckConstraint("online in (0, 1)", name="online"),
)

folder = _table(
    "folder",
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("volume_id", Id, ForeignKey("volume.id"), nullable=False),
    Column("path", Text, nullable=False),
    #: digest over the folder's listing when every file of it was found as cataloged; null where something is open
    Column("fingerprint", Text),
    #: JSON: how many names each ignore rule passed over here; null for none
    Column("ignored", Text),
    Index("uq_folder_volume_id_path", "volume_id", "path", unique=True),
)

#: The three ways of a file to the sweep: what failed, what was not read again since it was recorded, and what was.
#: A query has to say them word for word, or SQLite does not use the index.
FAILED = "version_id is not null and presence = 'present' and integrity in ('mismatch', 'unreadable')"
_SOUND = "version_id is not null and presence = 'present' and integrity in ('recorded', 'verified')"
NEVER_CHECKED = f"checked_us is null and {_SOUND}"
CHECKED = f"checked_us is not null and {_SOUND}"

file = _table(
    "file",
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("volume_id", Id, ForeignKey("volume.id"), nullable=False),
    Column("folder_id", Id, ForeignKey("folder.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("size", Int64, nullable=False),
    Column("mtime_ns", Int64, nullable=False),
    Column("ctime_ns", Int64, nullable=False),
    Column("inode", Int64, nullable=False),
    Column("presence", Text, nullable=False),
    Column("integrity", Text, nullable=False),
    #: the present content; null until it was read once
    Column("version_id", Id),
    Column("first_seen_us", Int64, nullable=False),
    #: since when the stat above has been seen unchanged, by our own clock
    Column("stat_since_us", Int64, nullable=False),
    Column("recorded_us", Int64),
    Column("verified_us", Int64),
    Column("checked_us", Int64),
    #: first look that did not find it
    Column("absent_us", Int64),
    #: when the loop has to turn to it again, and for what; null: nothing is owed
    Column("due_us", Int64),
    Column("due_for", Text),
    #: reads begun since the last one that ended, in whatever way
    Column("attempts", Integer, nullable=False, server_default="0"),
    #: what a person should know of it, one sentence
    Column("problem", Text),
    #: where a symbolic link points
    Column("target", Text),
    Column("series_id", Id),
    Column("frame", Int64),
    #: the image sequence it is a frame of; null for a file that stands alone
    Column("sequence_id", Id),
    #: since when a person knows what is wrong with it; null again as soon as something else is
    Column("known_us", Int64),
    CheckConstraint("kind in ('file', 'symlink', 'special')", name="kind"),
    CheckConstraint("presence in ('arriving', 'present', 'missing')", name="presence"),
    CheckConstraint("integrity in ('pending', 'recorded', 'verified', 'mismatch', 'unreadable')", name="integrity"),
    CheckConstraint(
        "due_for is null or due_for in ('settle', 'read', 'reading', 'probe', 'probing', 'absence', 'checking')",
        name="due_for",
    ),
    Index("uq_file_folder_id_name", "folder_id", "name", unique=True),
    _partial("ix_file_due", "volume_id", "due_us", where="due_us is not null"),
    Index("ix_file_inode", "volume_id", "inode"),
    _partial("ix_file_series_frame", "series_id", "frame", where="series_id is not null"),
    # The second column of these four lets a list go through the folders in their order and stop when it is long enough.
    Index("ix_file_sequence_id", "sequence_id", "folder_id"),
    _partial("ix_file_presence", "presence", "folder_id", where="presence <> 'present'"),
    Index("ix_file_integrity", "integrity", "folder_id"),
    _partial("ix_file_known", "known_us", where="known_us is not null"),
    _partial("ix_file_absent", "id", where="absent_us is not null"),
    _partial("ix_file_failed", "volume_id", where=FAILED),
    _partial("ix_file_never_checked", "volume_id", "recorded_us", where=NEVER_CHECKED),
    _partial("ix_file_checked", "volume_id", "checked_us", where=CHECKED),
    Index("ix_file_first_seen_us", "first_seen_us", "folder_id"),
)

#: The content of a file as it was read once. Appended, never edited but for the date it was superseded.
version = _table(
    "version",
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("file_id", Id, ForeignKey("file.id"), nullable=False),
    Column("size", Int64, nullable=False),
    Column("mtime_ns", Int64, nullable=False),
    Column("inode", Int64, nullable=False),
    #: first look at this content, and when it had settled
    Column("seen_us", Int64, nullable=False),
    Column("settled_us", Int64, nullable=False),
    Column("recorded_us", Int64, nullable=False),
    Column("read_us", Int64, nullable=False),
    #: read: from its bytes; link: another name of bytes already read
    Column("how", Text, nullable=False),
    Column("superseded_us", Int64),
    CheckConstraint("how in ('read', 'link')", name="how"),
    Index("ix_version_file_id", "file_id"),
)

digest = _table(
    "digest",
    Column("version_id", Id, ForeignKey("version.id"), primary_key=True),
    Column("algorithm", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Index("ix_digest_value", "value"),
    with_rowid=False,
)

#: What a report counts of `media`. A query has to say it word for word.
NOT_PROBED = "status in ('timed_out', 'crashed', 'unreadable')"

#: What MediaInfo said of a version. Kept apart from the file: the full answer is thousands of bytes.
media = _table(
    "media",
    Column("version_id", Id, ForeignKey("version.id"), primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    #: JSON, normalized (contract, `probe --json`); null where it is no media
    Column("facts", Text),
    #: the library's own JSON, zlib
    Column("answer", LargeBinary),
    Column("tool", Text, nullable=False),
    Column("tool_version", Text, nullable=False),
    Column("probed_us", Int64, nullable=False),
    Column("reason", Text),
    CheckConstraint("status in ('ok', 'not_media', 'timed_out', 'crashed', 'unreadable')", name="status"),
    _partial("ix_media_not_probed", "probed_us", where=NOT_PROBED),
)

#: What a file's media call it besides its name, in lower case, by which a cut list may ask for it.
media_name = _table(
    "media_name",
    Column("version_id", Id, ForeignKey("version.id"), primary_key=True),
    #: reel, tape, umid or file_umid, as the facts have it
    Column("kind", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Index("ix_media_name_name", "name"),
    with_rowid=False,
)

#: Image files of one folder that share what stands before and after the frame number.
series = _table(
    "series",
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("volume_id", Id, ForeignKey("volume.id"), nullable=False),
    Column("folder_id", Id, ForeignKey("folder.id"), nullable=False),
    Column("prefix", Text, nullable=False),
    Column("suffix", Text, nullable=False),
    #: 1: frames came, went or changed, and the sequences have to be drawn up anew
    Column("stale", Integer, nullable=False, server_default="1"),
    Index("uq_series_folder_id_prefix_suffix", "folder_id", "prefix", "suffix", unique=True),
    _partial("ix_series_stale", "stale", where="stale = 1"),
)

#: One image sequence, drawn up from the frames' rows; never written by hand.
sequence = _table(
    "sequence",
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("series_id", Id, ForeignKey("series.id"), nullable=False),
    Column("volume_id", Id, ForeignKey("volume.id"), nullable=False),
    Column("folder_id", Id, ForeignKey("folder.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("first_frame", Int64, nullable=False),
    Column("last_frame", Int64, nullable=False),
    Column("frames", Int64, nullable=False),
    #: ranges, `1004-1006,1010`
    Column("missing", Text, nullable=False),
    Column("zero_byte", Text, nullable=False),
    Column("outliers", Text, nullable=False),
    Column("size", Int64, nullable=False),
    Column("presence", Text, nullable=False),
    Column("integrity", Text, nullable=False),
    Column("first_file_id", Id, nullable=False),
    Index("ix_sequence_series_id", "series_id"),
    Index("ix_sequence_folder_id", "folder_id"),
)

#: A folder that lists from its sender lie in: what they say of the files below it, taken together.
package = _table(
    "package",
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("volume_id", Id, ForeignKey("volume.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column("format", Text),
    #: JSON: [[path below the volume, digests], ...] of the lists that were used
    Column("lists", Text, nullable=False, server_default="[]"),
    Column("found_us", Int64, nullable=False),
    Column("judged_us", Int64),
    #: first time that everything listed was here and right
    Column("complete_us", Int64),
    #: 1: a list or a listed file came, went or changed since it was judged; 2: it is being judged
    Column("stale", Integer, nullable=False, server_default="1"),
    Column("listed", Int64, nullable=False, server_default="0"),
    Column("listed_size", Int64, nullable=False, server_default="0"),
    Column("here_size", Int64, nullable=False, server_default="0"),
    #: JSON: how many entries have each verdict, and how many files are extra
    Column("counts", Text, nullable=False, server_default="{}"),
    #: JSON: files that no list names, the first of them
    Column("extra", Text, nullable=False, server_default="[]"),
    #: JSON: [[kind, what, path, wrong], ...]
    Column("findings", Text, nullable=False, server_default="[]"),
    #: why the lists cannot be used; null where they can
    Column("problem", Text),
    #: JSON: what is wrong with it that a person knows of: `at_us`, `by`, `why`, and `said`, the sentences
    Column("known", Text),
    Index("uq_package_volume_id_path", "volume_id", "path", unique=True),
    _partial("ix_package_stale", "stale", where="stale = 1"),
)

#: What the lists of a package say of one file, and how that compares with what is there.
claim = _table(
    "claim",
    Column("package_id", Id, ForeignKey("package.id"), primary_key=True),
    #: below the volume, as the disk spells it, or as the list does where nothing is there yet
    Column("path", Text, primary_key=True),
    #: the path under which spellings compare equal: NFC, lower case
    Column("key", Text, nullable=False),
    Column("volume_id", Id, nullable=False),
    Column("file_id", Id),
    #: the content that was judged
    Column("version_id", Id),
    Column("verdict", Text, nullable=False),
    #: algorithms, separated by spaces, that have to be computed to judge it
    Column("wanted", Text, nullable=False, server_default=""),
    Column("algorithm", Text),
    Column("expected", Text),
    Column("computed", Text),
    Column("notes", Text, nullable=False, server_default=""),
    Column("judged_us", Int64, nullable=False),
    CheckConstraint(
        "verdict in ('verified', 'mismatch', 'doubted', 'missing', 'transformed', 'waiting', 'unreadable',"
        " 'uncheckable', 'dropped')",
        name="verdict",
    ),
    Index("ix_claim_volume_id_key", "volume_id", "key"),
    _partial("ix_claim_file_id", "file_id", where="file_id is not null"),
    with_rowid=False,
)

#: What is scheduled to arrive, as the last import said it. Where it stands is derived and not kept (`delivery.status`).
deliverable = _table(
    "deliverable",
    Column("id", Id, primary_key=True, autoincrement=True),
    #: the schedule's own stable id
    Column("key", Text, nullable=False),
    Column("position", Int64, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("receiver", Text, nullable=False),
    Column("due_us", Int64),
    #: the first date that was ever said, once another one is
    Column("original_due_us", Int64),
    #: JSON: everything that the schedule says besides
    Column("terms", Text, nullable=False),
    Column("imported_us", Int64, nullable=False),
    #: when an import no longer named it; its links, decisions and history stay
    Column("removed_us", Int64),
    #: 1: a file that it may be about came, went or changed since it was compared; 2: it is being compared
    Column("stale", Integer, nullable=False, server_default="1"),
    #: JSON: what its elements gave when they were compared with each other; null: not compared yet
    Column("agreement", Text),
    Index("uq_deliverable_key", "key", unique=True),
    _partial("ix_deliverable_stale", "stale", where="stale > 0"),
)

#: A folder below which files may be meant for a deliverable: what changes there makes it stale.
delivery_root = _table(
    "delivery_root",
    Column("root", Text, primary_key=True),
    Column("deliverable_id", Id, ForeignKey("deliverable.id"), primary_key=True),
    Index("ix_delivery_root_deliverable_id", "deliverable_id"),
    with_rowid=False,
)

#: One thing that a deliverable needs.
item = _table(
    "item",
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("deliverable_id", Id, ForeignKey("deliverable.id"), nullable=False),
    Column("position", Int64, nullable=False),
    Column("name", Text, nullable=False),
    #: JSON: what the schedule says of it
    Column("terms", Text, nullable=False),
    Column("removed_us", Int64),
    #: JSON: what was found of it in the catalog: things, their states, what checks gave
    Column("found", Text, nullable=False, server_default="{}"),
    #: as much of it as says where the item stands while nobody decided anything; null: all of it does
    Column("brief", Text),
    Index("uq_item_deliverable_id_name", "deliverable_id", "name", unique=True),
)

#: That a thing in the catalog, in one exact content, is for an item. Ended, never deleted.
link = _table(
    "link",
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("item_id", Id, ForeignKey("item.id"), nullable=False),
    Column("deliverable_id", Id, ForeignKey("deliverable.id"), nullable=False),
    Column("volume_id", Id, nullable=False),
    #: a file `f12`, the sequences of a series `s12`, a folder `d12`
    Column("asset", Text, nullable=False),
    Column("path", Text, nullable=False),
    #: a file's version; of a sequence or folder a number (below 0) that stands for all its files' versions
    Column("content", Int64, nullable=False),
    Column("role", Text, nullable=False),
    #: rule, by hand, or by hand not: a person said that it does not belong here
    Column("how", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("at_us", Int64, nullable=False),
    Column("ended_us", Int64),
    CheckConstraint("how in ('rule', 'hand', 'never')", name="how"),
    _partial("ix_link_item", "item_id", where="ended_us is null"),
    _partial("ix_link_deliverable", "deliverable_id", where="ended_us is null"),
    _partial("ix_link_asset", "asset", where="ended_us is null"),
)

#: What a person decided of a deliverable, of exactly which contents. Appended, never edited.
decision = _table(
    "decision",
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("deliverable_id", Id, ForeignKey("deliverable.id"), nullable=False),
    Column("at_us", Int64, nullable=False),
    Column("who", Text, nullable=False),
    Column("word", Text, nullable=False),
    Column("why", Text),
    #: the item that is waived; null for the whole
    Column("item", Text),
    Column("due_us", Int64),
    #: JSON: [[item, path, content, digest], ...] of what was current
    Column("contents", Text, nullable=False, server_default="[]"),
    CheckConstraint("word in ('accept', 'reject', 'waive', 'cancel', 'reopen', 'redue')", name="word"),
    Index("ix_decision_deliverable_id", "deliverable_id"),
)

#: What was noticed of a file or a volume, dated. Appended, never edited.
observation = _table(
    "observation",
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("at_us", Int64, nullable=False),
    Column("what", Text, nullable=False),
    Column("volume_id", Id),
    Column("file_id", Id),
    Column("version_id", Id),
    #: JSON
    Column("detail", Text, nullable=False, server_default="{}"),
    _partial("ix_observation_file_id", "file_id", where="file_id is not null"),
    Index("ix_observation_at_us", "at_us"),
)

#: Files and bytes by state, kept in step by every write: `status` reads this and never counts rows.
tally = _table(
    "tally",
    Column("volume_id", Id, ForeignKey("volume.id"), primary_key=True),
    Column("presence", Text, primary_key=True),
    Column("integrity", Text, primary_key=True),
    Column("files", Int64, nullable=False),
    Column("size", Int64, nullable=False),
    with_rowid=False,
)

#: One execution of a scan, a verification or a report.
run = _table(
    "run",
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("kind", Text, nullable=False),
    Column("volume_id", Id, ForeignKey("volume.id")),
    Column("why", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_us", Int64, nullable=False),
    Column("finished_us", Int64),
    Column("complete", Integer, nullable=False, server_default="0"),
    #: JSON
    Column("counts", Text, nullable=False, server_default="{}"),
    CheckConstraint("kind in ('scan', 'verify', 'report')", name="kind"),
    Index("ix_run_kind_started_us", "kind", "started_us"),
)

#: A condition that a person has to know of, from when it began to when it ended.
alert = _table(
    "alert",
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("volume_id", Id, ForeignKey("volume.id")),
    Column("opened_us", Int64, nullable=False),
    Column("closed_us", Int64),
    Column("text", Text, nullable=False),
    #: when word of it was last given to be sent, first or as a reminder, and when word that it is over
    Column("said_us", Int64),
    Column("ok_said_us", Int64),
    #: how much of it there is (files, problems), and how much there was when word was last given: more is news
    Column("level", Int64),
    Column("said_level", Int64),
    _partial("uq_alert_open", "key", unique=True, where="closed_us is null"),
    _partial("ix_alert_ok_owed", "closed_us", where="said_us is not null and ok_said_us is null"),
)

#: Word to be sent to one of the places that the configuration names. Kept until it is sent or given up.
message = _table(
    "message",
    Column("id", Id, primary_key=True, autoincrement=True),
    Column("made_us", Int64, nullable=False),
    #: report, alert, reminder, ok, life (the weekly sign of it), test
    Column("kind", Text, nullable=False),
    #: JSON: the run or the alerts it tells of
    Column("about", Text, nullable=False, server_default="{}"),
    #: the name of a route in the configuration: never an address with a secret in it
    Column("route", Text, nullable=False),
    #: mail, or the name of the credential that holds another kind of address
    Column("place", Text, nullable=False, server_default="mail"),
    #: JSON: subject, text, and the paths of what goes along
    Column("content", Text, nullable=False),
    Column("tries", Int64, nullable=False, server_default="0"),
    Column("next_us", Int64, nullable=False),
    Column("sent_us", Int64),
    Column("given_up_us", Int64),
    #: what went wrong at the last try, without secrets
    Column("fault", Text),
    CheckConstraint("kind in ('report', 'alert', 'reminder', 'ok', 'life', 'test')", name="kind"),
    _partial("ix_message_owed", "next_us", where="sent_us is null and given_up_us is null"),
    Index("ix_message_made_us", "made_us"),
)

#: How full a volume was, as its file system said: a row an hour at most.
capacity = _table(
    "capacity",
    Column("volume_id", Id, ForeignKey("volume.id"), primary_key=True),
    Column("at_us", Int64, primary_key=True),
    Column("total", Int64, nullable=False),
    Column("free", Int64, nullable=False),
    #: bytes of the files in care
    Column("size", Int64, nullable=False),
    with_rowid=False,
)
