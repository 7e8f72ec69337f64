"""measure.py — run a command and say what it cost."""
import json
import mmap
import os
import statistics
import subprocess

from world import TOOLS, Proxy

LIMIT = 1800

FIGURES = ("wall", "cpu", "rss", "flights", "up", "down", "syncs")


class Failed(Exception):
    pass


def _run(argv, env, cwd, result):
    with open(os.path.join(cwd, "output"), "wb") as out:
        p = subprocess.run((os.path.join(TOOLS, "measure"), result, *argv), env=env, cwd=cwd,
                           stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=LIMIT,
                           check=False)
    if p.returncode != 0:
        with open(out.name, encoding="utf-8", errors="replace") as f:
            raise Failed(f"{' '.join(argv)}: exit {p.returncode}\n{f.read()[-2000:]}")
    with open(result, encoding="ascii") as f:
        return json.load(f)


def prepared(argv, env, cwd):
    """Run what is not measured; nothing of it has to be durable."""
    env = dict(env, LD_PRELOAD=os.path.join(TOOLS, "syncs.so"), BENCH_NOSYNC="1")
    _run(argv, env, cwd, os.path.join(cwd, "cost"))


def measured(command, env, cwd, port, rtt, counted=False):
    """The cost of ${command}(port), with a round trip of ${rtt} ms to ${port}; FIGURES as
    far as they are known.  Without a round trip there is no proxy, and nobody
    counts flights and bytes, unless ${counted}."""
    proxy = Proxy(port, rtt, cwd) if rtt or counted else None
    shared = os.path.join(cwd, "syncs")
    with open(shared, "wb") as f:
        f.write(bytes(8))
    env = dict(env, LD_PRELOAD=os.path.join(TOOLS, "syncs.so"), BENCH_SYNCS=shared)
    os.sync()    # nobody pays for what others wrote
    try:
        cost = _run(command(proxy.port if proxy else port), env, cwd, os.path.join(cwd, "cost"))
    finally:
        wire = proxy.stop() if proxy else {}
    with open(shared, "rb") as f, mmap.mmap(f.fileno(), 8, prot=mmap.PROT_READ) as m:
        cost["syncs"] = int.from_bytes(m[:8], "little")
    for key in ("flights", "up", "down"):
        if key in wire:
            cost[key] = wire[key]
    return cost


def summary(runs):
    """Medians of each figure that was measured, and the spread of the wall time."""
    out = {"n": len(runs)}
    for key in FIGURES:
        values = [r[key] for r in runs if key in r]
        if values:
            out[key] = statistics.median(values)
    walls = [r["wall"] for r in runs]
    out["wall_min"], out["wall_max"] = min(walls), max(walls)
    return out
