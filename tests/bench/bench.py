#!/usr/bin/env python3
"""bench [ROW...] — measure syncd, its peers and the limits of the machine, in turn.

ROW is a part of a row's name.  Environment: SCALE (0.1: a tenth of the messages),
REPEAT (3), RTT (0 or 50: only with it), PEERS (names; "install" gets the missing
packages first; "all" lets slow ones take part in large rows, too), BENCH_DIR (where
the clients' files go; a real disk).  Results: a table, and JSON in BENCH_DIR.
"""
import json
import os
import signal
import subprocess
import sys
import time

from world import BUILD, HERE, World

import live
import peers
import rows
from measure import Failed, summary

TOP = os.environ.get("BENCH_DIR", os.path.join(BUILD, "bench", "work"))
REPEAT = int(os.environ.get("REPEAT", "3"))


def chosen_peers(words):
    """Those that are here; who is not is said."""
    names = [w for w in words if w not in ("install", "all")]
    if "install" in words:
        packages = sorted({p.package for p in peers.ALL if p.package and not p.installed()})
        if packages:
            subprocess.run((os.path.join(os.path.dirname(HERE), "tool", "deps"), "peers"), check=True)
    out = []
    for peer in peers.ALL:
        if names and peer.name not in names and peer.name != "syncd":
            continue
        if peer.installed():
            out.append(peer)
        else:
            print(f"{peer.name} is not installed (package {peer.package}): left out")
    return out


def one_row(world, row, clients, rtts, everything):
    """[{row, rtt, who, median figures}]"""
    out = []
    made = [row.make(world, c) for c in clients
            if c in row.peers and row.takes(c, everything)]
    turn = 0
    for rtt in rtts:
        runs = {p.name: [] for p in made}
        limits = []
        for again in range(REPEAT):
            for p in made:
                if p.slow and again > 0:
                    continue
                row.before(world, p, turn)
                runs[p.name].append(row.run(world, p, rtt))
                row.check(world, p, turn)
            limit = row.limit(world, rtt)
            if limit is not None:
                limits.append(limit)
            turn += 1
        for name, cost in (*runs.items(), ("limit", limits)):
            if cost:
                out.append({"row": row.name, "n": row.n, "rtt": rtt, "who": name, **summary(cost)})
    return out


def ratio(a, b):
    return f"{a / b:6.2f}" if b else "      "


def show(results):
    """The lines of one row and round trip."""
    best = min((r["wall"] for r in results
                if not r["who"].startswith("syncd") and r["who"] != "limit"), default=None)
    limit = next((r["wall"] for r in results if r["who"] == "limit"), None)
    for r in results:
        def figure(key, fmt, scale=1.0):
            return format(r[key] * scale, fmt) if key in r else " " * int(fmt.split(".")[0])
        ours = r["who"] == "syncd"
        print(f"{r['row']:<18} {r['rtt']:>3} {r['who']:<12}{figure('wall', '8.3f')} "
              f"[{r['wall_min']:.3f}-{r['wall_max']:.3f}]".ljust(62) +
              f"{figure('cpu', '7.2f')} {figure('rss', '7.1f', 1 / 1024)} "
              f"{figure('flights', '6.0f')} {figure('up', '9.0f', 1 / 1024)} "
              f"{figure('down', '9.0f', 1 / 1024)} {figure('syncs', '6.0f')} "
              f"{ratio(best, r['wall']) if ours and best else ' ' * 6} "
              f"{ratio(r['wall'], limit) if r['who'] != 'limit' and limit else ''}", flush=True)


HEAD = (f"{'row':<18} {'rtt':>3} {'who':<12}{'wall s':>8} [min-max]".ljust(62) +
        f"{'cpu s':>7} {'rss MB':>7} {'flight':>6} {'up KB':>9} {'down KB':>9} {'syncs':>6} "
        f"{'x best':>6} {'/limit':>6}")


def main(argv):
    scale = float(os.environ.get("SCALE", "1"))
    words = os.environ.get("PEERS", "").replace(",", " ").split()
    only = os.environ.get("RTT")
    wanted = [r for r in (*rows.table(scale), *live.table(scale))
              if not argv[1:] or any(word in r.name for word in argv[1:])]
    if not wanted:
        sys.exit("no such row")
    clients = chosen_peers(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))    # the server is stopped
    world = World(TOP + f".{os.getpid()}")
    results, failed = [], 0
    try:
        print(HEAD, flush=True)
        for row in wanted:
            rtts = [r for r in row.rtts if only is None or r == int(only)]
            try:
                if isinstance(row, live.Live):
                    got = row.measure(world, clients, rtts)
                    row.show(got)
                else:
                    got = one_row(world, row, clients, rtts, "all" in words)
                    for rtt in rtts:
                        show([r for r in got if r["rtt"] == rtt])
                results += got
            except (Failed, subprocess.TimeoutExpired, OSError) as e:
                failed += 1
                print(f"{row.name}: FAILED: {e}", flush=True)
    finally:
        world.close()
    path = os.path.join(BUILD, "bench", time.strftime("%Y%m%d-%H%M%S.json"))
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"scale": scale, "repeat": REPEAT, "results": results,
                   "versions": {c.name: c.version() for c in clients}}, f, indent=1)
    print(f"{path}; {failed} rows failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
