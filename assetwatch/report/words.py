"""In which words does a report tell what the catalog keeps as words of one's own?"""

from __future__ import annotations

from typing import Final

#: Why files were not checked by a sweep.
NOT_CHECKED: Final = {
    "budget": "left for the next sweep: this one's budget was spent",
    "stopped": "left for the next sweep: this one was stopped",
    "offline": "on a volume that is not there",
    "quiet_hours": "on a volume in its quiet hours",
    "recent": "checked recently enough",
    "with_daemon": "about to be read or probed by the daemon",
    "being_written": "open for writing",
    "busy": "out of reach for the moment",
    "changed": "changed since they were recorded: the daemon reads them anew",
    "not_recorded": "never read to their end yet: there is nothing to compare with",
}

#: What was noticed of files, the worst first. What is not named here goes without saying.
NOTICED: Final = {
    "mismatch": "found to differ from what was sent or recorded",
    "unreadable": "could not be read",
    "readings_differ": "read twice with two results",
    "set_aside": "set aside after failing again and again",
    "missing": "gone",
    "changed": "written to after they were recorded",
    "replaced": "have other bytes than before: new versions",
    "superseded": "superseded by a newer version of the same thing",
    "misread": "read wrongly once, right at the second reading",
    "moved": "moved or renamed",
    "came_and_went": "came and went before they had settled",
    "back": "there again",
    "healed": "read as recorded again",
    "readable_again": "can be read again",
    "offline": "volumes went away",
    "acknowledged": "acknowledged by a person",
    "acknowledgement_taken_back": "told again at a person's word",
    "verified": "verified against their sender's list",
}

#: What a media reader's end is called.
PROBED: Final = {
    "timed_out": "took too long",
    "crashed": "ended the media reader",
    "unreadable": "could not be read",
}
