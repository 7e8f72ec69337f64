"""scenes.py — what a round is doing when it is interrupted.

Each scene is two lists of operations (world.py): what both sides agree on
already, and what has been done since on either.  ${caps} and ${account} are the
server's and the daemon's; ${held}: a guard holds it, so nothing may be done.
"""
from collections import namedtuple

from actors import WHOLE
from peer import EXCHANGE, MODERN, PLAIN

Scene = namedtuple("Scene", "given change caps account held", defaults=(MODERN, {}, False))

HERE, THERE = "here", "there"
EXPUNGE = {"trash": {"local_delete": "expunge"}}
FOLDERS = {"folders": {"sync": ["*"], "delete_local": "yes", "delete_remote": "yes"}}


def mails(side, folder, *tokens, flags=()):
    return [("add", side, t, folder, list(flags)) for t in tokens]


SOME = mails(THERE, "INBOX", "aa1", "aa2", "aa3") + mails(THERE, "Archive", "bb1", "bb2")

# INBOX and Archive number their keywords differently.
LETTERS = (mails(THERE, "INBOX", "aa1", "aa2", flags=["todo"]) +
           mails(THERE, "Archive", "bb1", flags=["$Work"]) +
           mails(THERE, "Archive", "bb2", flags=["todo"]))
DRAGGED = [("move", HERE, "aa1", "INBOX", ["todo"], "Archive", WHOLE),
           ("move", HERE, "aa2", "INBOX", ["todo"], "Archive", True)]

SCENES = {
    "download": Scene([], SOME + mails(THERE, "INBOX", "aa4", flags=["F", "todo"])),
    "several folders at once": Scene([], [("create", THERE, f) for f in ("One", "Two", "Three")] +
        mails(THERE, "One", "aa1", "aa2", flags=["S"]) + mails(THERE, "Two", "bb1", "bb2") +
        mails(THERE, "Three", "aa1", "ee1", flags=["F", "todo"])),
    "upload": Scene(SOME, mails(HERE, "INBOX", "cc1", "cc2", flags=["S"]) +
                    mails(HERE, "Archive", "cc3")),
    "upload, no UIDPLUS": Scene(
        SOME, mails(HERE, "INBOX", "cc1", "cc2", flags=["S"]) + mails(HERE, "Archive", "cc3"),
        "IMAP4rev1"),
    "flags": Scene(SOME, [
        ("flag", HERE, "aa1", "INBOX", [], ["S"]),
        ("flag", THERE, "aa2", "INBOX", [], ["F", "R"]),
        ("flag", HERE, "aa3", "INBOX", [], ["S"]),
        ("flag", THERE, "aa3", "INBOX", [], ["F"])]),
    "keywords": Scene(SOME, [
        ("flag", HERE, "aa1", "INBOX", [], ["todo"]),
        ("flag", THERE, "aa2", "INBOX", [], ["$Work"]),
        ("flag", HERE, "bb1", "Archive", [], ["$Work", "S"])]),
    "keyword exchanged": Scene(
        mails(THERE, "INBOX", "aa1", flags=["todo"]) +
        mails(THERE, "INBOX", "aa2", flags=["$Work"]),
        [("flag", HERE, "aa2", "INBOX", ["$Work"], ["todo"])]),
    "deleted, to the trash": Scene(SOME + mails(THERE, "INBOX", "aa5"), [
        ("delete", HERE, "aa1", "INBOX"), ("delete", THERE, "aa2", "INBOX"),
        ("delete", HERE, "bb1", "Archive")]),
    "deleted, for good": Scene(SOME, [
        ("delete", HERE, "aa1", "INBOX"), ("delete", THERE, "aa2", "INBOX"),
        ("delete", HERE, "bb1", "Archive")], account=EXPUNGE),
    "moved": Scene(SOME, [
        ("move", HERE, "aa1", "INBOX", [], "Archive", True),
        ("move", HERE, "aa2", "INBOX", [], "Archive", False),
        ("move", THERE, "bb1", "Archive", [], "INBOX")]),
    "moved, keywords": Scene(LETTERS, DRAGGED),
    "moved there, changed here": Scene(SOME, [
        ("flag", HERE, "aa1", "INBOX", [], ["todo"]),
        ("move", THERE, "aa1", "INBOX", [], "Archive"),
        ("flag", HERE, "bb1", "Archive", [], ["S"]),
        ("move", THERE, "bb1", "Archive", [], "INBOX")]),
    "moved, changed there": Scene(SOME, [
        ("move", HERE, "aa1", "INBOX", [], "Archive", True),
        ("flag", THERE, "aa1", "INBOX", [], ["S"]),
        ("flag", THERE, "aa2", "INBOX", [], ["F"])], EXCHANGE, EXPUNGE),
    "moved, keywords, no UIDPLUS": Scene(LETTERS, DRAGGED, "IMAP4rev1"),
    "moved on both sides, keywords": Scene(LETTERS, DRAGGED + [
        ("move", THERE, "aa1", "INBOX", ["todo"], "Archive"),
        ("move", THERE, "aa2", "INBOX", ["todo"], "Archive"),
        ("flag", THERE, "aa2", "Archive", ["todo"], [])]),
    "moved, deleted there, keywords": Scene(LETTERS, DRAGGED + [
        ("delete", THERE, "aa1", "INBOX", ["todo"]),
        ("delete", THERE, "aa2", "INBOX", ["todo"])]),
    "moved, no MOVE": Scene(SOME, [
        ("move", HERE, "aa1", "INBOX", [], "Archive", True),
        ("move", THERE, "bb1", "Archive", [], "INBOX")], PLAIN),
    "moved, no UIDPLUS": Scene(SOME, [
        ("move", HERE, "aa1", "INBOX", [], "Archive", True),
        ("move", THERE, "bb1", "Archive", [], "INBOX")], "IMAP4rev1"),
    "deleted, no UIDPLUS": Scene(SOME, [
        ("delete", HERE, "aa1", "INBOX"), ("delete", HERE, "bb1", "Archive")],
        "IMAP4rev1", EXPUNGE),
    "copied": Scene(SOME, [
        ("copy", HERE, "aa1", "INBOX", [], "Archive"),
        ("copy", THERE, "bb1", "Archive", [], "INBOX")]),
    "copied twice": Scene(SOME, [
        ("copy", HERE, "aa1", "INBOX", [], "Archive"),
        ("copy", HERE, "aa1", "INBOX", [], "Archive")]),
    "copied, keywords": Scene(
        LETTERS,
        [("copy", HERE, "aa1", "INBOX", ["todo"], "Archive"),
         ("flag", HERE, "aa1", "Archive", ["todo"], ["$Work", "todo"])]),
    "copied, keyword taken off": Scene(mails(THERE, "INBOX", "aa1", "aa2", flags=["todo"]), [
        ("flag", HERE, "aa1", "INBOX", ["todo"], []),
        ("copy", HERE, "aa1", "INBOX", [], "Archive")]),
    "copied there, one file": Scene(SOME, [
        ("copy", THERE, "aa1", "INBOX", [], "Archive"),
        ("copy", THERE, "bb1", "Archive", [], "INBOX"),
        ("move", THERE, "bb2", "Archive", [], "INBOX")], account={"dedupe": "hardlink"}),
    "draft saved again": Scene(SOME + mails(THERE, "Drafts", "dd1", "dd2", flags=["D"]), [
        ("replace", HERE, "dd1", "Drafts", ["D"], "ee1"),
        ("replace", THERE, "dd2", "Drafts", ["D"], "ee2")]),
    "draft saved again, no UIDPLUS": Scene(
        SOME + mails(THERE, "Drafts", "dd1", flags=["D"]),
        [("replace", HERE, "dd1", "Drafts", ["D"], "ee1")], "IMAP4rev1"),
    "folder made": Scene(SOME, [("create", HERE, "Near"), ("create", THERE, "Far")] +
                         mails(HERE, "Near", "ff1") + mails(THERE, "Far", "ff2")),
    "folder renamed": Scene(
        SOME + [("create", THERE, "One"), ("create", THERE, "Two")] +
        mails(THERE, "One", "gg1") + mails(THERE, "Two", "gg2"),
        [("rename", HERE, "One", "Uno"), ("rename", THERE, "Two", "Due")]),
    "folder removed": Scene(
        SOME + [("create", THERE, "One"), ("create", THERE, "Two")] +
        mails(THERE, "One", "gg1") + mails(THERE, "Two", "gg2"),
        [("remove", HERE, "One"), ("remove", THERE, "Two")], account=FOLDERS),
    "held by a guard": Scene(SOME, [
        ("delete", HERE, t, "INBOX") for t in ("aa1", "aa2", "aa3")],
        account={"guards": {"max_delete": {"count": 2, "percent": 20}}}, held=True),
    "new UIDVALIDITY": Scene(SOME + mails(THERE, "INBOX", "aa4", flags=["S"]), [
        ("revalidate", THERE, "INBOX"),
        ("flag", THERE, "aa1", "INBOX", [], ["F"]),
        ("flag", THERE, "aa4", "INBOX", ["S"], []),
        ("add", HERE, "hh1", "INBOX", ["S"])]),
    "all at once": Scene(SOME, mails(THERE, "INBOX", "jj1", "jj1") + [
        ("flag", HERE, "aa1", "INBOX", [], ["S"]),
        ("delete", THERE, "aa2", "INBOX"),
        ("move", HERE, "aa3", "INBOX", [], "Archive", False),
        ("move", THERE, "bb1", "Archive", [], "INBOX"),
        ("delete", HERE, "bb2", "Archive")] + mails(HERE, "INBOX", "jj2") +
        mails(HERE, "Archive", "jj3"), account=EXPUNGE),
}
