"""compare.py — are a server's folders and a Maildir tree the same?

Per folder a multiset of (digest, flags, keywords, date): identical twins are
legal and counted.  The answer is a list of lines, empty when all is equal.
"""
import re
from collections import Counter

from maildir import digest


def _label(data):
    m = re.search(rb"^subject:[ \t]*([^\r\n]*)", data, re.I | re.M)
    return m[1].decode(errors="replace")[:50] if m else repr(data[:40])


def _key(data, flags, keywords, date):
    return (digest(data)[:12], "".join(sorted(flags)), tuple(sorted(keywords)), date)


def server_side(client, folders=None):
    """{folder: Counter of keys}, {digest: subject}"""
    sides, labels = {}, {}
    for folder in client.list():
        if folders is not None and folder not in folders:
            continue
        keys = Counter()
        for m in client.fetch_all(folder):
            key = _key(m.data, m.flags, m.keywords, m.date)
            labels[key[0]] = _label(m.data)
            keys[key] += 1
        sides[folder] = keys
    return sides, labels


def local_side(tree, folders=None):
    sides, labels = {}, {}
    for folder, files in tree.all_messages().items():
        if folders is not None and folder not in folders:
            continue
        keys = Counter()
        for m in files:
            key = _key(m.data, m.flags, m.keywords, m.date)
            labels[key[0]] = _label(m.data)
            keys[key] += 1
        sides[folder] = keys
    return sides, labels


def _say(count, where, folder, key, labels):
    sha, flags, keywords, date = key
    return (f"{count} x only {where}: {folder}: {labels.get(sha, '?')} sha={sha} "
            f"flags={flags or '-'} keywords={','.join(keywords) or '-'} date={date}")


def compare(client, tree, folders=None, dates=True):
    """The differences as text.  ${folders}: only these; ${dates}: also
    INTERNALDATE against mtime."""
    far, labels = server_side(client, folders)
    near, more = local_side(tree, folders)
    labels.update(more)
    out = [f"folder only on the server: {f}" for f in sorted(far.keys() - near.keys())]
    out += [f"folder only in the tree: {f}" for f in sorted(near.keys() - far.keys())]
    for folder in sorted(far.keys() & near.keys()):
        a, b = far[folder], near[folder]
        if not dates:
            a, b = _undated(a), _undated(b)
        out += [_say(n, "on the server", folder, k, labels) for k, n in (a - b).items()]
        out += [_say(n, "in the tree", folder, k, labels) for k, n in (b - a).items()]
    return out


def _undated(keys):
    out = Counter()
    for (sha, flags, keywords, _), n in keys.items():
        out[sha, flags, keywords, None] += n
    return out


def places(client, tree, token):
    """Where the messages with ${token} in their bytes are: two Counters of
    folders, the server's and the tree's."""
    token = token.encode()
    far, near = Counter(), Counter()
    for folder in client.list():
        far[folder] += sum(token in m.data for m in client.fetch_all(folder))
    for folder, files in tree.all_messages().items():
        near[folder] += sum(token in m.data for m in files)
    return +far, +near
