"""The first schema: volumes, files, versions, digests, media facts, sequences, observations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("next_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "deliverable",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("sender", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("receiver", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("due_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("original_due_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("terms", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("imported_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removed_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("stale", sa.Integer(), server_default="1", nullable=False),
        sa.Column("agreement", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliverable")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(
        "ix_deliverable_stale",
        "deliverable",
        ["stale"],
        unique=False,
        sqlite_where=sa.text("stale > 0"),
        postgresql_where=sa.text("stale > 0"),
    )
    op.create_index("uq_deliverable_key", "deliverable", ["key"], unique=True)
    op.create_table(
        "keeper",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("host", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("pid", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("boot_id", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("version", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("started_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("beat_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stopped_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "doing", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="{}", nullable=False
        ),
        sa.CheckConstraint("kind in ('run', 'scan', 'verify')", name=op.f("ck_keeper_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keeper")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "message",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("made_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column(
            "about", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="{}", nullable=False
        ),
        sa.Column("route", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column(
            "place", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="mail", nullable=False
        ),
        sa.Column("content", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("tries", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("next_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sent_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("given_up_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("fault", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "kind in ('report', 'alert', 'reminder', 'ok', 'life', 'test')", name=op.f("ck_message_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("ix_message_made_us", "message", ["made_us"], unique=False)
    op.create_index(
        "ix_message_owed",
        "message",
        ["next_us"],
        unique=False,
        sqlite_where=sa.text("sent_us is null and given_up_us is null"),
        postgresql_where=sa.text("sent_us is null and given_up_us is null"),
    )
    op.create_table(
        "observation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("what", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "detail", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="{}", nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("ix_observation_at_us", "observation", ["at_us"], unique=False)
    op.create_index(
        "ix_observation_file_id",
        "observation",
        ["file_id"],
        unique=False,
        sqlite_where=sa.text("file_id is not null"),
        postgresql_where=sa.text("file_id is not null"),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("deliverable_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("who", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("word", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("why", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("item", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("due_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "contents", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="[]", nullable=False
        ),
        sa.CheckConstraint(
            "word in ('accept', 'reject', 'waive', 'cancel', 'reopen', 'redue')", name=op.f("ck_decision_word")
        ),
        sa.ForeignKeyConstraint(["deliverable_id"], ["deliverable.id"], name=op.f("fk_decision_deliverable_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("ix_decision_deliverable_id", "decision", ["deliverable_id"], unique=False)
    op.create_table(
        "delivery_root",
        sa.Column("root", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("deliverable_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["deliverable_id"], ["deliverable.id"], name=op.f("fk_delivery_root_deliverable_id")),
        sa.PrimaryKeyConstraint("root", "deliverable_id", name=op.f("pk_delivery_root")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_delivery_root_deliverable_id", "delivery_root", ["deliverable_id"], unique=False)
    op.create_table(
        "item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("deliverable_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("terms", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("removed_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "found", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="{}", nullable=False
        ),
        sa.Column("brief", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["deliverable_id"], ["deliverable.id"], name=op.f("fk_item_deliverable_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("uq_item_deliverable_id_name", "item", ["deliverable_id", "name"], unique=True)
    op.create_table(
        "volume",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("root", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("project", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("identity", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("file_system", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("online", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("changed_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("watching", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("last_event_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("last_scan_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "overflows", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("watches", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column("watch_limit", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("scan_wanted_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("accepted_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "ignored", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="{}", nullable=False
        ),
        sa.Column("keeper_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("online in (0, 1)", name=op.f("ck_volume_online")),
        sa.ForeignKeyConstraint(["keeper_id"], ["keeper.id"], name=op.f("fk_volume_keeper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volume")),
        sa.UniqueConstraint("name", name=op.f("uq_volume_name")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("opened_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("closed_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("text", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("said_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("ok_said_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("level", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("said_level", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["volume_id"], ["volume.id"], name=op.f("fk_alert_volume_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(
        "ix_alert_ok_owed",
        "alert",
        ["closed_us"],
        unique=False,
        sqlite_where=sa.text("said_us is not null and ok_said_us is null"),
        postgresql_where=sa.text("said_us is not null and ok_said_us is null"),
    )
    op.create_index(
        "uq_alert_open",
        "alert",
        ["key"],
        unique=True,
        sqlite_where=sa.text("closed_us is null"),
        postgresql_where=sa.text("closed_us is null"),
    )
    op.create_table(
        "capacity",
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("total", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("free", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["volume_id"], ["volume.id"], name=op.f("fk_capacity_volume_id")),
        sa.PrimaryKeyConstraint("volume_id", "at_us", name=op.f("pk_capacity")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "folder",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("fingerprint", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("ignored", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["volume_id"], ["volume.id"], name=op.f("fk_folder_volume_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_folder")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("uq_folder_volume_id_path", "folder", ["volume_id", "path"], unique=True)
    op.create_table(
        "link",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("deliverable_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("asset", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("path", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("content", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("how", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("who", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("at_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("how in ('rule', 'hand', 'never')", name=op.f("ck_link_how")),
        sa.ForeignKeyConstraint(["deliverable_id"], ["deliverable.id"], name=op.f("fk_link_deliverable_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_link_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(
        "ix_link_asset",
        "link",
        ["asset"],
        unique=False,
        sqlite_where=sa.text("ended_us is null"),
        postgresql_where=sa.text("ended_us is null"),
    )
    op.create_index(
        "ix_link_deliverable",
        "link",
        ["deliverable_id"],
        unique=False,
        sqlite_where=sa.text("ended_us is null"),
        postgresql_where=sa.text("ended_us is null"),
    )
    op.create_index(
        "ix_link_item",
        "link",
        ["item_id"],
        unique=False,
        sqlite_where=sa.text("ended_us is null"),
        postgresql_where=sa.text("ended_us is null"),
    )
    op.create_table(
        "package",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("format", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column(
            "lists", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="[]", nullable=False
        ),
        sa.Column("found_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("judged_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("complete_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("stale", sa.Integer(), server_default="1", nullable=False),
        sa.Column("listed", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False),
        sa.Column(
            "listed_size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column(
            "here_size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column(
            "counts", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="{}", nullable=False
        ),
        sa.Column(
            "extra", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="[]", nullable=False
        ),
        sa.Column(
            "findings", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="[]", nullable=False
        ),
        sa.Column("problem", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("known", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["volume_id"], ["volume.id"], name=op.f("fk_package_volume_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(
        "ix_package_stale",
        "package",
        ["stale"],
        unique=False,
        sqlite_where=sa.text("stale = 1"),
        postgresql_where=sa.text("stale = 1"),
    )
    op.create_index("uq_package_volume_id_path", "package", ["volume_id", "path"], unique=True)
    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("why", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("host", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("version", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("started_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("finished_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("complete", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "counts", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="{}", nullable=False
        ),
        sa.CheckConstraint("kind in ('scan', 'verify', 'report')", name=op.f("ck_run_kind")),
        sa.ForeignKeyConstraint(["volume_id"], ["volume.id"], name=op.f("fk_run_volume_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("ix_run_kind_started_us", "run", ["kind", "started_us"], unique=False)
    op.create_table(
        "tally",
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("presence", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("integrity", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("files", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["volume_id"], ["volume.id"], name=op.f("fk_tally_volume_id")),
        sa.PrimaryKeyConstraint("volume_id", "presence", "integrity", name=op.f("pk_tally")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "claim",
        sa.Column("package_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("path", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("key", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("verdict", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column(
            "wanted", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="", nullable=False
        ),
        sa.Column("algorithm", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("expected", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("computed", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("notes", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), server_default="", nullable=False),
        sa.Column("judged_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint(
            "verdict in ('verified', 'mismatch', 'doubted', 'missing', 'transformed', 'waiting', 'unreadable', 'uncheckable', 'dropped')",
            name=op.f("ck_claim_verdict"),
        ),
        sa.ForeignKeyConstraint(["package_id"], ["package.id"], name=op.f("fk_claim_package_id")),
        sa.PrimaryKeyConstraint("package_id", "path", name=op.f("pk_claim")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_claim_file_id",
        "claim",
        ["file_id"],
        unique=False,
        sqlite_where=sa.text("file_id is not null"),
        postgresql_where=sa.text("file_id is not null"),
    )
    op.create_index("ix_claim_volume_id_key", "claim", ["volume_id", "key"], unique=False)
    op.create_table(
        "file",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("folder_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ctime_ns", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("inode", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("presence", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("integrity", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("first_seen_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stat_since_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recorded_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("verified_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("checked_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("absent_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("due_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("due_for", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("target", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("series_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("frame", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sequence_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("known_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "due_for is null or due_for in ('settle', 'read', 'reading', 'probe', 'probing', 'absence', 'checking')",
            name=op.f("ck_file_due_for"),
        ),
        sa.CheckConstraint(
            "integrity in ('pending', 'recorded', 'verified', 'mismatch', 'unreadable')", name=op.f("ck_file_integrity")
        ),
        sa.CheckConstraint("kind in ('file', 'symlink', 'special')", name=op.f("ck_file_kind")),
        sa.CheckConstraint("presence in ('arriving', 'present', 'missing')", name=op.f("ck_file_presence")),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name=op.f("fk_file_folder_id")),
        sa.ForeignKeyConstraint(["volume_id"], ["volume.id"], name=op.f("fk_file_volume_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(
        "ix_file_absent",
        "file",
        ["id"],
        unique=False,
        sqlite_where=sa.text("absent_us is not null"),
        postgresql_where=sa.text("absent_us is not null"),
    )
    op.create_index(
        "ix_file_checked",
        "file",
        ["volume_id", "checked_us"],
        unique=False,
        sqlite_where=sa.text(
            "checked_us is not null and version_id is not null and presence = 'present' and integrity in ('recorded', 'verified')"
        ),
        postgresql_where=sa.text(
            "checked_us is not null and version_id is not null and presence = 'present' and integrity in ('recorded', 'verified')"
        ),
    )
    op.create_index(
        "ix_file_due",
        "file",
        ["volume_id", "due_us"],
        unique=False,
        sqlite_where=sa.text("due_us is not null"),
        postgresql_where=sa.text("due_us is not null"),
    )
    op.create_index(
        "ix_file_failed",
        "file",
        ["volume_id"],
        unique=False,
        sqlite_where=sa.text(
            "version_id is not null and presence = 'present' and integrity in ('mismatch', 'unreadable')"
        ),
        postgresql_where=sa.text(
            "version_id is not null and presence = 'present' and integrity in ('mismatch', 'unreadable')"
        ),
    )
    op.create_index("ix_file_first_seen_us", "file", ["first_seen_us", "folder_id"], unique=False)
    op.create_index("ix_file_inode", "file", ["volume_id", "inode"], unique=False)
    op.create_index("ix_file_integrity", "file", ["integrity", "folder_id"], unique=False)
    op.create_index(
        "ix_file_known",
        "file",
        ["known_us"],
        unique=False,
        sqlite_where=sa.text("known_us is not null"),
        postgresql_where=sa.text("known_us is not null"),
    )
    op.create_index(
        "ix_file_never_checked",
        "file",
        ["volume_id", "recorded_us"],
        unique=False,
        sqlite_where=sa.text(
            "checked_us is null and version_id is not null and presence = 'present' and integrity in ('recorded', 'verified')"
        ),
        postgresql_where=sa.text(
            "checked_us is null and version_id is not null and presence = 'present' and integrity in ('recorded', 'verified')"
        ),
    )
    op.create_index(
        "ix_file_presence",
        "file",
        ["presence", "folder_id"],
        unique=False,
        sqlite_where=sa.text("presence <> 'present'"),
        postgresql_where=sa.text("presence <> 'present'"),
    )
    op.create_index("ix_file_sequence_id", "file", ["sequence_id", "folder_id"], unique=False)
    op.create_index(
        "ix_file_series_frame",
        "file",
        ["series_id", "frame"],
        unique=False,
        sqlite_where=sa.text("series_id is not null"),
        postgresql_where=sa.text("series_id is not null"),
    )
    op.create_index("uq_file_folder_id_name", "file", ["folder_id", "name"], unique=True)
    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("folder_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("prefix", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("suffix", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("stale", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name=op.f("fk_series_folder_id")),
        sa.ForeignKeyConstraint(["volume_id"], ["volume.id"], name=op.f("fk_series_volume_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(
        "ix_series_stale",
        "series",
        ["stale"],
        unique=False,
        sqlite_where=sa.text("stale = 1"),
        postgresql_where=sa.text("stale = 1"),
    )
    op.create_index("uq_series_folder_id_prefix_suffix", "series", ["folder_id", "prefix", "suffix"], unique=True)
    op.create_table(
        "sequence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("series_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("volume_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("folder_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("first_frame", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_frame", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("frames", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("missing", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("zero_byte", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("outliers", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("presence", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("integrity", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("first_file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["folder_id"], ["folder.id"], name=op.f("fk_sequence_folder_id")),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_sequence_series_id")),
        sa.ForeignKeyConstraint(["volume_id"], ["volume.id"], name=op.f("fk_sequence_volume_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequence")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("ix_sequence_folder_id", "sequence", ["folder_id"], unique=False)
    op.create_index("ix_sequence_series_id", "sequence", ["series_id"], unique=False)
    op.create_table(
        "version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("inode", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seen_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("settled_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("recorded_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("read_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("how", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("superseded_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("how in ('read', 'link')", name=op.f("ck_version_how")),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_version_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_version")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index("ix_version_file_id", "version", ["file_id"], unique=False)
    op.create_table(
        "digest",
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("algorithm", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("value", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_digest_version_id")),
        sa.PrimaryKeyConstraint("version_id", "algorithm", name=op.f("pk_digest")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_digest_value", "digest", ["value"], unique=False)
    op.create_table(
        "media",
        sa.Column(
            "version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("status", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("facts", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("tool", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("tool_version", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("probed_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "status in ('ok', 'not_media', 'timed_out', 'crashed', 'unreadable')", name=op.f("ck_media_status")
        ),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_media_version_id")),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_media")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(
        "ix_media_not_probed",
        "media",
        ["probed_us"],
        unique=False,
        sqlite_where=sa.text("status in ('timed_out', 'crashed', 'unreadable')"),
        postgresql_where=sa.text("status in ('timed_out', 'crashed', 'unreadable')"),
    )
    op.create_table(
        "media_name",
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.Column("name", sa.Text(collation="C").with_variant(sa.Text(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["version_id"], ["version.id"], name=op.f("fk_media_name_version_id")),
        sa.PrimaryKeyConstraint("version_id", "kind", name=op.f("pk_media_name")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_media_name_name", "media_name", ["name"], unique=False)
