"""How much of the personal data in a labelled corpus is found, and how much else is: per kind, beside what else one
would use.

    python bench/pii_quality.py [--label NAME] [--rows N] [--seed N] [--split held-out] [--only streamliner_udf] [--show
    KIND]

A finding counts as right if it has the kind and exactly the span of a label; `overlap` also counts one that only
touches a label of its kind. Opponents are asked for the kinds that they know, with the country of each message where
they take one. One that is not installed is named, and left out.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import re
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pii_corpus
import report
from pii_corpus import Label, Message

import streamliner_udf

Find = Callable[[Sequence[Message]], list[list[Label]]]
KINDS = tuple(pii_corpus.ENTITIES)


# ---- who is asked --------------------------------------------------------------------------------------------------


def ours(messages: Sequence[Message]) -> list[list[Label]]:
    found = streamliner_udf.find_pii([message.text for message in messages], "all")
    return [[Label(item["kind"], item["start"], item["stop"]) for item in row] for row in found]


def two_expressions(messages: Sequence[Message]) -> list[list[Label]]:
    """What pipelines write: two substitutions, the second on what the first has left."""
    email = re.compile(r"[\w.-]+@[\w.-]+\.\w+")
    phone = re.compile(r"(\+\d{1,2}\s?)?\(?\d{3}\)?[\s.-]?\d{3}[\s.-]?\d{4}")
    rows = []
    for message in messages:
        emails = [match.span() for match in email.finditer(message.text)]
        masked = email.sub(lambda match: "@" * len(match[0]), message.text)
        phones = [match.span() for match in phone.finditer(masked)]
        rows.append([*(Label("email", *span) for span in emails), *(Label("phone", *span) for span in phones)])
    return rows


def scrubadub_() -> Find:
    import scrubadub  # type: ignore[import-not-found,import-untyped,unused-ignore]

    kinds = {"email": "email", "phone": "phone", "credit_card": "credit_card", "social_security_number": "us_ssn"}
    scrubbers: dict[str, Any] = {}

    def find(messages: Sequence[Message]) -> list[list[Label]]:
        rows = []
        for message in messages:
            if message.locale not in scrubbers:
                # The number of the United States is looked for in that country's texts alone, so it is asked for too.
                names = ["email", "phone", "credit_card"]
                scrubbers[message.locale] = (
                    scrubadub.Scrubber(locale=message.locale, detector_list=names),
                    scrubadub.Scrubber(locale="en_US", detector_list=["social_security_number"]),
                )
            found = [filth for scrubber in scrubbers[message.locale] for filth in scrubber.iter_filth(message.text)]
            rows.append(
                [
                    Label(kinds[part.type], part.beg, part.end)
                    for filth in found
                    for part in getattr(filth, "filths", [filth])
                    if part.type in kinds
                ]
            )
        return rows

    return find


def presidio(least: float) -> Find:
    from presidio_analyzer import predefined_recognizers as known  # type: ignore[import-not-found,unused-ignore]

    kinds = {
        "EMAIL_ADDRESS": "email",
        "PHONE_NUMBER": "phone",
        "CREDIT_CARD": "credit_card",
        "IBAN_CODE": "iban",
        "IP_ADDRESS": "ip",
        "US_SSN": "us_ssn",
        "MAC_ADDRESS": "mac",
        "CRYPTO": "crypto",
    }
    recognizers = [
        known.EmailRecognizer(),
        known.CreditCardRecognizer(),
        known.IbanRecognizer(),
        known.IpRecognizer(),
        known.UsSsnRecognizer(),
        known.MacAddressRecognizer(),
        known.CryptoRecognizer(),
    ]
    phones: dict[str, Any] = {}

    def find(messages: Sequence[Message]) -> list[list[Label]]:
        rows = []
        for message in messages:
            region = message.locale[3:]
            if region not in phones:
                defaults = known.PhoneRecognizer.DEFAULT_SUPPORTED_REGIONS
                phones[region] = known.PhoneRecognizer(supported_regions=(region, *defaults))
            found = []
            for recognizer in (*recognizers, phones[region]):
                found += recognizer.analyze(message.text, recognizer.supported_entities, None)
            rows.append(
                list({Label(kinds[item.entity_type], item.start, item.end) for item in found if item.score >= least})
            )
        return rows

    return find


ENTRIES: dict[str, tuple[Callable[[], Find], tuple[str, ...]]] = {
    "streamliner_udf": (lambda: ours, KINDS),
    "two expressions": (lambda: two_expressions, ("email", "phone")),
    "scrubadub": (scrubadub_, ("email", "phone", "credit_card", "us_ssn")),
    "presidio, patterns": (
        lambda: presidio(0), ("email", "phone", "credit_card", "iban", "ip", "us_ssn", "mac", "crypto")
    ),
    "presidio, score 0.4": (
        lambda: presidio(0.4), ("email", "phone", "credit_card", "iban", "ip", "us_ssn", "mac", "crypto")
    ),
}  # fmt: skip


# ---- how well ------------------------------------------------------------------------------------------------------


def rates(right: int, found: int, labelled: int, covered: int) -> dict[str, float]:
    """Precision: of the findings; recall: of the labels. `covered` labels are touched by a finding that is right."""
    precision, recall = (right / found if found else 1.0), (covered / labelled if labelled else 1.0)
    total = precision + recall
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / total if total else 0.0}


def touches(label: Label, others: Sequence[Label]) -> bool:
    return any(o.kind == label.kind and o.start < label.stop and label.start < o.stop for o in others)


def score(messages: Sequence[Message], rows: Sequence[Sequence[Label]], kinds: Sequence[str]) -> dict[str, Any]:
    """Per kind and for all of `kinds`: rates by exact span, by overlap, and how many labels were masked in part."""
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in kinds}
    for message, found in zip(messages, rows, strict=True):
        for finding in found:
            counts[finding.kind]["found"] += 1
            counts[finding.kind]["right"] += finding in message.labels
            counts[finding.kind]["near"] += touches(finding, message.labels)
        for label in message.labels:
            if label.kind not in counts:
                continue
            counts[label.kind]["labelled"] += 1
            counts[label.kind]["covered"] += touches(label, found)
            masked = [any(f.start <= place < f.stop for f in found) for place in range(label.start, label.stop)]
            counts[label.kind]["in_part"] += any(masked) and not all(masked)
    counts["all"] = sum(counts.values(), Counter())
    return {
        kind: {
            "labelled": c["labelled"],
            "exact": rates(c["right"], c["found"], c["labelled"], c["right"]),
            "overlap": rates(c["near"], c["found"], c["labelled"], c["covered"]),
            "in_part": c["in_part"],
        }
        for kind, c in counts.items()
    }


def show_errors(messages: Sequence[Message], rows: Sequence[Sequence[Label]], kind: str, most: int = 60) -> None:
    """Findings of a kind without a label and labels without a finding, for tuning."""
    for message, found in zip(messages, rows, strict=True):
        wrong = [f for f in found if f.kind == kind and f not in message.labels]
        missed = [label for label in message.labels if label.kind == kind and label not in found]
        for sign, label in [*(("+", f) for f in wrong), *(("-", m) for m in missed)]:
            if most:
                most -= 1
                around = message.text[max(0, label.start - 20) : label.stop + 20]
                print(f"{sign} {message.locale} {message.text[label.start : label.stop]!r} in {around!r}")


def measure(messages: Sequence[Message], only: Sequence[str] = ()) -> tuple[dict[str, Any], dict[str, str]]:
    """What each entry scores; and which are not here, and why."""
    scores: dict[str, Any] = {}
    absent: dict[str, str] = {}
    for name, (make, kinds) in ENTRIES.items():
        if only and name not in only:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                find = make()
        except ImportError as error:
            absent[name] = str(error)
            continue
        scores[name] = score(messages, find(messages), kinds)
    return scores, absent


def table(scores: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Exact precision / recall / F1 per kind, in hundredths; one column an entry."""
    lines = []
    for kind in (*KINDS, "all"):
        cells = [kind, str(scores[next(iter(scores))][kind]["labelled"])]
        for entry in scores.values():
            exact = entry.get(kind, {}).get("exact")
            cells.append(f"{exact['precision']:.3f} {exact['recall']:.3f} {exact['f1']:.3f}" if exact else "-")
        lines.append(cells)
    return ["kind", "labels", *scores], lines


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--label", default="local", help="names the file in bench/results")
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--split", choices=pii_corpus.SPLITS, default="held-out")
    parser.add_argument("--only", default="", help="comma-separated names of entries; all if empty")
    parser.add_argument("--show", choices=KINDS, help="our errors of a kind, and nothing else")
    arguments = parser.parse_args(argv)
    messages = pii_corpus.messages(arguments.split, arguments.rows, arguments.seed)
    if arguments.show:
        show_errors(messages, ours(messages), arguments.show)
        return
    scores, absent = measure(messages, [name for name in arguments.only.split(",") if name])
    print(f"{len(messages):,} messages, split {arguments.split}; precision, recall and F1 of exact spans\n")
    report.table(*table(scores), words=1)
    for name, why in absent.items():
        print(f"{name}: not measured, {why}")
    settings = {
        "split": arguments.split,
        "rows": len(messages),
        "seed": arguments.seed,
        "faker": importlib.metadata.version("faker"),
    }
    print(f"\n{report.write('pii-quality', arguments.label, {**settings, 'scores': scores, 'absent': absent})}")


if __name__ == "__main__":
    main()
