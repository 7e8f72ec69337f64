"""The same changes with each rung of the ladder missing.

Once because the server does not offer it, and once because `avoid:` forbids it.
"""
from case import Case, limit, local_message, message, rows
from dovecot import Dovecot
from syncd import Syncd

RUNGS = {
    "QRESYNC": ("QRESYNC",),
    "QRESYNC and CONDSTORE": ("QRESYNC", "CONDSTORE"),
    "MOVE": ("MOVE",),
    "ESEARCH": ("ESEARCH",),
    "LIST-STATUS": ("LIST-STATUS",),
    "LIST-EXTENDED and LIST-STATUS": ("LIST-EXTENDED", "LIST-STATUS"),
    "SPECIAL-USE": ("SPECIAL-USE",),
    "LITERAL+": ("LITERAL+",),
    "LITERAL+ and MULTIAPPEND": ("LITERAL+", "MULTIAPPEND"),
    "MULTIAPPEND": ("MULTIAPPEND",),
    "COMPRESS": ("COMPRESS=DEFLATE",),
    "NAMESPACE": ("NAMESPACE",),
    "UNSELECT": ("UNSELECT",),
    "ENABLE": ("ENABLE", "QRESYNC"),
    "ID": ("ID",),
    "SASL-IR": ("SASL-IR",),
    "BINARY": ("BINARY",),
    "UIDPLUS": ("UIDPLUS",),
    "UIDPLUS and MOVE": ("UIDPLUS", "MOVE"),
    "NOTIFY": ("NOTIFY",),
    "IDLE and NOTIFY": ("IDLE", "NOTIFY"),
    "everything": (
        "QRESYNC", "CONDSTORE", "MOVE", "ESEARCH", "LIST-STATUS", "LIST-EXTENDED",
        "SPECIAL-USE", "LITERAL+", "MULTIAPPEND", "COMPRESS=DEFLATE", "NAMESPACE",
        "UNSELECT", "ENABLE", "ID", "SASL-IR", "BINARY", "NOTIFY", "IDLE", "UIDPLUS",
        "STATUS=SIZE", "METADATA"),
}


def avoidable(names):
    """What `avoid:` calls them."""
    return [n.split("=")[0] for n in names if n not in ("METADATA", "STATUS=SIZE")]


@rows("hidden", RUNGS)
@rows("avoided", RUNGS)
class Ladder(Case):
    server = None

    @limit(60)
    def hidden(self, names):
        with Dovecot(hide=names, rawlog=True) as server:
            self.story(server, None, names)

    @limit(60)
    def avoided(self, names):
        with Dovecot(rawlog=True) as server:
            self.story(server, {"avoid": avoidable(names)}, names)

    def story(self, server, account, names):
        self.dovecot, self.user = server, "u1"
        self.syncd = Syncd(server, "u1", account)
        self.tree = self.syncd.tree
        with server.client() as c:
            for i in range(6):
                c.append("INBOX", message(f"m{i}"), "S" if i % 2 else "", date=1_600_000_000 + i)
            c.append("Archive", message("kept"), "F", ["$Work"], 1_600_000_100)
            self.syncd.sync()
            self.assertSame()
            self.there(c)
        self.here()
        for _ in range(3):
            self.syncd.sync(expect=(0, 1))
            if not self.unsettled(names):
                break
        self.settled(names)
        self.assertQuiet()
        self.assertForbidden(names)

    @staticmethod
    def there(c):
        c.append("INBOX", message("far"), date=1_600_000_200)
        c.store("INBOX", c.find("INBOX", "m0"), "+", "F")
        c.store("INBOX", c.find("INBOX", "m1"), "-", "S")
        c.expunge("INBOX", c.find("INBOX", "m2"))
        c.store("Archive", c.find("Archive", "kept"), "+", "", ["todo"])

    def here(self):
        self.tree.add("INBOX", local_message("near"), "S", date=1_600_000_201)
        self.tree.add("INBOX", local_message("near two"), "S", date=1_600_000_202)
        self.tree.set_flags("INBOX", "m3", "RS")
        self.tree.move("INBOX", "m4", "Archive")
        self.tree.delete("INBOX", "m5")

    def unsettled(self, names):
        return self.differences() if "UIDPLUS" not in names else False

    def settled(self, names):
        """Without UIDPLUS nothing can be expunged safely: what was moved or
        deleted here may stay there, marked \\Deleted."""
        if "UIDPLUS" not in names:
            self.assertSame()
            self.assertPlaces("m4", "Archive")
            self.assertPlaces("m5", "Trash")
        self.assertPlaces("far", "INBOX")
        self.assertPlaces("near two", "INBOX")
        self.assertEqual(self.tree.find("INBOX", "m3").flags, {"R", "S"})
        self.assertEqual(self.tree.find("INBOX", "m0").flags, {"F"})
        self.assertEqual([m for m in self.tree.messages("INBOX") if b"m2" in m.data], [])

    def assertForbidden(self, names):
        """The missing thing was not used."""
        words = {"MOVE": "UID MOVE", "QRESYNC": "QRESYNC", "CONDSTORE": "CONDSTORE",
                 "ESEARCH": "SEARCH RETURN", "LITERAL+": "+}", "ENABLE": "ENABLE",
                 "LIST-STATUS": "RETURN (STATUS", "NOTIFY": "NOTIFY", "ID": "ID (",
                 "UNSELECT": "UNSELECT", "UIDPLUS": "UID EXPUNGE",
                 "COMPRESS=DEFLATE": "COMPRESS"}
        said = self.dovecot.commands()
        for name in names:
            word = words.get(name)
            used = [c for c in said if word and word in c.upper()]
            self.assertEqual(used, [], f"{name} is not to be used")
