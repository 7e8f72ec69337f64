"""live.py — the rows about a running daemon."""


class Live:
    pass


def table(scale):
    return ()
