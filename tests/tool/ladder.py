"""ladder.py — what a server may lack, and what a client says only if it has it.

A rung is the capabilities of one server: all of them, one missing, or one of the
servers that there are.
"""
from peer import EXCHANGE, GMAIL, MODERN, PLAIN

# {capability: what a client says only if it uses it}
WORDS = {
    "QRESYNC": r"ENABLE .*QRESYNC|\(QRESYNC ",
    "CONDSTORE": r"CONDSTORE|CHANGEDSINCE|MODSEQ",
    "MOVE": r"UID MOVE ",
    "LITERAL+": r"\{\d+\+\}",
    "MULTIAPPEND": r"^APPEND .*\{\d+\+?\} .*\{",
    "ESEARCH": r"SEARCH RETURN",
    "LIST-STATUS": r"LIST .*RETURN.*STATUS",
    "LIST-EXTENDED": r"LIST .*RETURN",
    "SPECIAL-USE": r"LIST .*RETURN.*SPECIAL-USE",
    "UIDPLUS": r"UID EXPUNGE",
    "UNSELECT": r"UNSELECT",
    "ENABLE": r"ENABLE ",
    "NAMESPACE": r"NAMESPACE",
    "ID": r"ID \(",
    "BINARY": r"BINARY",
}

# What goes with what: without the first, the others are not announced either.
TOGETHER = {
    "CONDSTORE": ["QRESYNC"],
    "LIST-EXTENDED": ["LIST-STATUS", "SPECIAL-USE"],
    "SPECIAL-USE": ["CREATE-SPECIAL-USE"],
}


def without(cap):
    return [cap] + TOGETHER.get(cap, [])


EVERYTHING = MODERN + " NOTIFY OBJECTID BINARY"


def lacking(cap):
    """Everything but ${cap}."""
    return " ".join(c for c in EVERYTHING.split() if c not in without(cap))


# {name: capabilities}
RUNGS = {
    "everything": EVERYTHING,
    "no CONDSTORE, no QRESYNC": lacking("CONDSTORE"),
    "bare": "IMAP4rev1",
    "plain": PLAIN,
    "like Exchange": EXCHANGE,
    "like Gmail": GMAIL,
    "no way to be told": lacking("IDLE").replace(" NOTIFY", ""),
    "small literals": lacking("LITERAL+") + " LITERAL-",
} | {f"no {cap}": lacking(cap) for cap in (
    "QRESYNC", "UIDPLUS", "MOVE", "NOTIFY", "IDLE", "ESEARCH", "LIST-STATUS", "LIST-EXTENDED",
    "SPECIAL-USE", "LITERAL+", "MULTIAPPEND", "OBJECTID", "BINARY", "UNSELECT", "ENABLE",
    "NAMESPACE", "ID")}
