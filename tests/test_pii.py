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
# With few digits, or far apart, or in as many bytes as the kind can take.
SPARSE = (
    ("email", "a@b.io"),
    ("url_credentials", "me:secret"),
    ("phone", "(21)22.22.22"),
    (
        "phone",
        "+4\u3000\u2212\u30004\u3000\u2212\u30001\u3000\u2212\u30002\u3000\u2212\u30003\u3000\u2212\u30004\u3000\u2212\u30005\u3000\u2212\u30006",
    ),
    ("credit_card", "4111\u30001111\u30001111\u30001111"),
    ("iban", "GB29\u3000NWBK\u30006016\u30001331\u30009268\u300019"),
    ("ip", "1.1.1.1"),
    ("ip", "::1"),
    ("ip", "fade:fade::fade:fade:fade:fade:fad1"),
    ("us_ssn", "123-45-6789"),
    ("br_cpf", "529.982.247-25"),
    ("br_cnpj", "12.ABC.345/01DE-35"),
    ("crypto", "0x" + "aBcDeF" * 6 + "AbCd"),
)


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


@pytest.mark.parametrize(("kind", "value"), SPARSE, ids=[f"{kind}-{at}" for at, (kind, _) in enumerate(SPARSE)])
def test_what_is_found_does_not_depend_on_the_place(kind: str, value: str) -> None:
    """Kernels and doors look at 64 bytes at a time: a finding may begin at any of them and cross into the next."""
    before, after = ("https://", "@example.org") if kind == "url_credentials" else ("", "")
    for letter in ("x", "é", " ", "7\n"):
        heads = [(letter * place)[:place] + "\n" for place in range(150)]
        texts = [f"{head}{before}{value}{after}{tail}" for head in heads for tail in ("", " and more\n")]
        starts = [len(head) + len(before) for head in heads for _ in range(2)]
        expected = [[(kind, start, start + len(value), value)] for start in starts]
        columns = streamliner_udf.find_pii(texts)
        with streamliner_udf.connect() as connection:
            query = "SELECT sl_find_pii(t), sl_has_pii(t), sl_scrub_pii(t) FROM (SELECT unnest(?) AS t)"
            rows = connection.execute(query, [texts]).fetchall()
        assert [[tuple(found.values()) for found in one] for one in columns] == expected
        assert [[tuple(found.values()) for found in one] for one, _, _ in rows] == expected
        assert all(has for _, has, _ in rows)
        marked = [text.replace(value, f"<{kind.upper()}_REDACTED>") for text in texts]
        assert [scrubbed for _, _, scrubbed in rows] == marked


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
