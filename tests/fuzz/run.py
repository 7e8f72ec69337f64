#!/usr/bin/env python3
"""run.py SECONDS TARGET... — libFuzzer over each target: `make fuzz`.

What it learns stays in $BUILD/corpus; what breaks a target is left beside it, and
belongs into tests/fuzz/kept once it is mended.
"""
import os
import re
import subprocess
import sys

import seeds

BUILD = os.environ["BUILD"]


def fuzz(target, seconds):
    """libFuzzer's last words, whether nothing was found, and seconds of CPU."""
    seeds.write(os.path.join(BUILD, "seeds"), target)
    learned = os.path.join(BUILD, "corpus", target)
    os.makedirs(learned, exist_ok=True)
    argv = [os.path.join(BUILD, f"fuzz_{target}"), f"-max_total_time={seconds}",
            f"-max_len={seeds.longest(target)}", "-timeout=20", "-rss_limit_mb=1500",
            "-detect_leaks=1", "-print_final_stats=1", "-close_fd_mask=1",
            f"-artifact_prefix={BUILD}/{target}-"]
    if seeds.dictionary(target):
        argv.append(f"-dict={seeds.dictionary(target)}")
    argv += [learned, *seeds.places(os.path.join(BUILD, "seeds"), target)]
    before = os.times()
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return p.returncode == 0, p.stderr.decode(errors="replace"), cpu


def main(argv):
    failed = 0
    for target in argv[2:]:
        good, said, cpu = fuzz(target, argv[1])
        runs = re.search(r"number_of_executed_units: *(\d+)", said)
        seen = re.findall(r"cov: (\d+)", said)
        print(f"{target:<10} {runs.group(1) if runs else '?':>10} runs"
              f" {seen[-1] if seen else '?':>7} places {cpu:6.0f} s of CPU "
              f" {'nothing' if good else 'FOUND:'}",
              flush=True)
        if not good:
            print(said[-6000:], flush=True)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
