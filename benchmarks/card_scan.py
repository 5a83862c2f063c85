"""How fast text is searched for card data, and how well: megabytes a second, precision and recall by kind.

    python benchmarks/card_scan.py [--megabytes 10] [--each 500]

The corpus is generated (``zcc_pipeline_tests/card_corpus.py``): true numbers in every spelling, and what looks
like them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from zcc_pipeline.domain.card_data import Cue, Rule, scan_cues, scan_text
from zcc_pipeline_tests.card_corpus import clean_text, corpus


def main() -> None:
    """Print speed on clean text, then the figures of the corpus."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megabytes", type=float, default=10)
    options.add_argument("--each", type=int, default=500)
    chosen = options.parse_args()
    text = clean_text(int(chosen.megabytes * 1e6))
    cues = [Cue("AB"[at // 90 % 2], text[at : at + 90]) for at in range(0, len(text), 90)]
    for name, run in (("text", lambda: scan_text(text)), ("cues of 90 characters", lambda: scan_cues(cues))):
        started = time.process_time()
        run()
        print(f"{name}: {len(text) / 1e6 / (time.process_time() - started):.1f} MB/s of processor time")
    found, all_of = Counter[str](), Counter[str]()
    right = wrong = 0
    samples = corpus(each=chosen.each)
    for sample in samples:
        hit = any(match.rule is Rule.CARD_NUMBER for match in scan_text(sample.text))
        all_of[sample.kind] += 1
        found[sample.kind] += hit
        right += hit and sample.is_card
        wrong += hit and not sample.is_card
    for kind, total in all_of.items():
        print(f"{kind}: found in {found[kind]} of {total}")
    cards = sum(sample.is_card for sample in samples)
    print(f"precision {right / (right + wrong):.4f}  recall {right / cards:.4f}  texts {len(samples)}")


if __name__ == "__main__":
    main()
