"""mutf7.py — mailbox names on the wire: modified UTF-7 (RFC 3501 5.1.3)."""
import base64
import re


def encode(name):
    out = b""
    for run in re.finditer(r"[\x20-\x7e]+|[^\x20-\x7e]+", name):
        text = run[0]
        if " " <= text[0] <= "~":
            out += text.replace("&", "&-").encode()
        else:
            b64 = base64.b64encode(text.encode("utf-16-be")).rstrip(b"=")
            out += b"&" + b64.replace(b"/", b",") + b"-"
    return out


def decode(wire):
    """Text; a name that is not modified UTF-7 is taken as it stands."""
    def shifted(m):
        if not m[1]:
            return "&"
        b64 = m[1].replace(",", "/")
        return base64.b64decode(b64 + "=" * (-len(b64) % 4)).decode("utf-16-be")
    try:
        return re.sub(r"&([A-Za-z0-9+,]*)-", shifted, wire.decode("ascii"))
    except (UnicodeError, ValueError):
        return wire.decode(errors="surrogateescape")
