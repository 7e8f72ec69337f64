"""The loss drills of test_drills.py, with Cyrus as the server."""
from case import Case
from cyrus import Cyrus
from drills import Drills


class OnCyrus(Drills, Case):
    kind = Cyrus
