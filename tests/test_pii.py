"""How much personal data is found in a labelled corpus, and that nothing is masked in part of a word or number."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
import random_text
from conftest import SCALE, SEED

import streamliner_udf

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
PHONES, OTHERS = 0.93, 0.97


def test_no_finding_ends_inside_a_longer_run(rng: random.Random) -> None:
    """Digits go on with digits, letters of ASCII with letters or digits of ASCII: never at the edge of a finding."""
    texts = random_text.texts(rng, 3_000 * SCALE)
    for text, found in zip(texts, streamliner_udf.find_pii(texts, "all"), strict=True):
        for finding in found:
            for before, after in ((finding["start"] - 1, finding["start"]), (finding["stop"] - 1, finding["stop"])):
                if before < 0 or after >= len(text):
                    continue
                pair = text[before : after + 1]
                assert not (pair.isascii() and pair.isalnum()), (ascii(text), finding)
                assert not pair.isdecimal(), (ascii(text), finding)


def test_the_corpus_is_found() -> None:
    """Held-out locales, sentences and seed: the grammar was not made on them."""
    pytest.importorskip("faker")
    import pii_corpus
    import pii_quality

    messages = pii_corpus.messages("held-out", 4_000 * SCALE, SEED)
    kinds = sorted({label.kind for message in messages for label in message.labels})
    scores = pii_quality.score(messages, pii_quality.ours(messages), kinds)
    for kind in kinds:
        f1 = scores[kind]["exact"]["f1"]
        assert f1 >= (PHONES if kind == "phone" else OTHERS), f"{kind}: F1 {f1:.3f} on seed {SEED}"


def test_what_is_labelled_is_masked_whole_or_not_at_all() -> None:
    pytest.importorskip("faker")
    import pii_corpus

    messages = pii_corpus.messages("held-out", 4_000 * SCALE, SEED)
    parts = 0
    for message, found in zip(messages, streamliner_udf.find_pii([m.text for m in messages], "all"), strict=True):
        for label in message.labels:
            masked = {at for f in found for at in range(f["start"], f["stop"])}
            inside = [at in masked for at in range(label.start, label.stop) if message.text[at].isalnum()]
            parts += any(inside) and not all(inside)
    assert parts == 0
