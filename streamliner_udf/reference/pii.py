"""Personal data in a text: where it is, and the text without it.

How the grammar is written. Every rule reads a *simplified* copy of the text that has the same length: ASCII stays; any
Unicode space becomes a space, a typographic hyphen or minus `-`, a currency sign `$`, a letter or mark of a script that
writes on without spaces `語`, any other letter, digit or combining mark `é` (so that `é` stands for "a character of a
word"), and everything else `·`. A finding never starts or ends next to a further character of the same word; `語` is
none, for in those scripts a number or an address stands right between the words of a sentence. A kind's findings are
taken from left to right, at each place the longest that its rules accept. Where findings of several kinds overlap, the
longest wins, then the order of `KINDS`.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Iterator

__all__ = ["find_pii", "has_pii", "scrub_pii"]

Span = tuple[int, int]

W = "[A-Za-z0-9é]"  # a character of a word, in simplified text
BEFORE = f"(?<!{W})"
AFTER = f"(?!{W})"
# A number that goes on with a separator and a further digit is a piece of something longer.
NUMBER_BEFORE = BEFORE + rf"(?<![0-9][.,:/+-])(?<!{W}-)"
NUMBER_AFTER = AFTER + r"(?![.:+-][0-9])"


# Blocks of scripts that put no space between words, or as Korean none before a particle.
UNSPACED = [
    (0x0E00, 0x0FFF),  # Thai, Lao, Tibetan
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul Jamo
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # radicals
    (0x3005, 0x318F),  # marks of repetition, Hiragana, Katakana, Bopomofo, Hangul compatibility Jamo
    (0x31A0, 0x31FF),  # Bopomofo and Katakana extensions
    (0x3400, 0x9FFF),  # Han
    (0xA960, 0xA97F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F),  # extensions of Hangul and Myanmar
    (0xAC00, 0xD7FF),  # Hangul
    (0xF900, 0xFAFF),  # Han, for compatibility
    (0xFF66, 0xFFDC),  # half-width Katakana and Hangul
    (0x1AFF0, 0x1B16F),  # more Kana
    (0x20000, 0x3FFFF),  # more Han
]  # fmt: skip


def simplify(text: str) -> str:
    def stand_in(match: re.Match[str]) -> str:
        character = match[0]
        category = unicodedata.category(character)
        if category == "Zs":
            return " "
        if character in "\u2010\u2011\u2012\u2013\u2212":
            return "-"
        if "\u00a2" <= character <= "\u00a5" or "\u20a0" <= character <= "\u20cf":
            return "$"
        if "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef":
            return "·"  # variation selectors: marks that only choose the look of an emoji
        if category[0] in "LM" and any(low <= ord(character) <= high for low, high in UNSPACED):
            return "語"
        return "é" if category[0] in "LNM" else "·"

    return re.sub(r"[^\x00-\x7f]", stand_in, text)


def digits(text: str) -> list[int]:
    return [int(character) for character in text if character in "0123456789"]


def search(pattern: re.Pattern[str], text: str, stop_of: Callable[[re.Match[str]], int | None]) -> Iterator[Span]:
    """The matches that `stop_of` accepts by giving their end, from left to right, none overlapping."""
    place = 0
    while match := pattern.search(text, place):
        stop = stop_of(match)
        if stop is None:
            place = match.start() + 1
        else:
            yield match.start(), stop
            place = stop


def search_shapes(first: str, shapes: list[str], text: str, accept: Callable[[str], bool]) -> Iterator[Span]:
    """Places that begin with `first`; there the first of `shapes` (longest first) that `accept` takes."""
    compiled = [re.compile(shape) for shape in shapes]

    def stop_of(match: re.Match[str]) -> int | None:
        for shape in compiled:
            found = shape.match(text, match.start())
            if found and accept(found[0]):
                return found.end()
        return None

    return search(re.compile(first), text, stop_of)


# ---- e-mail and credentials ------------------------------------------------------------------------------------------

CREDENTIALS = re.compile(
    r"""
    (?<=[A-Za-z0-9]://)
    (?=[^\x00-\x20/?#@<>"]{2,256}@)
    [^\x00-\x20/?#@<>":]* : [^\x00-\x20/?#@<>"]+     # user : password, up to the @; a password needs no user
    (?=@)
    """,
    re.VERBOSE,
)

LABEL = r"(?:[A-Za-z0-9é](?:[A-Za-z0-9é-]{0,61}[A-Za-z0-9é])?|語{1,63})"
PICTURE = rf"(?:avif|bmp|gif|heic|jpe?g|png|svg|webp){AFTER}"  # no domain ends so, but icon@2x.png does
EMAIL = re.compile(
    rf"""
    {BEFORE}
    (?=[A-Za-z0-9é_%+'.-]{{1,64}}@)
    [A-Za-z0-9é_] [A-Za-z0-9é_%+'-]* (?:\.[A-Za-z0-9é_%+'-]+)*    # no dot first, last or twice
    @
    (?:{LABEL}\.)+
    (?: (?:[Xx][Nn]--[A-Za-z0-9-]{{1,58}}[A-Za-z0-9]|(?!(?i:{PICTURE}))[A-Za-zé]{{2,63}}) {AFTER} )
    """,
    re.VERBOSE,
)


def find_credentials(text: str) -> Iterator[Span]:
    return search(CREDENTIALS, text, lambda match: match.end())


def find_emails(text: str) -> Iterator[Span]:
    # The @ behind `user:password` in a URL is not the @ of an address.
    taken = {stop for _, stop in find_credentials(text)}
    return search(EMAIL, text, lambda match: None if text.index("@", match.start()) in taken else match.end())


# ---- phone -----------------------------------------------------------------------------------------------------------

# A phone may begin here: not inside a word, a longer number, an amount, a URL's path or query, an order number (#).
PHONE_START = re.compile(
    BEFORE
    + rf"(?<![0-9][.,:+-])(?<!{W}-)(?<![#$&%+])(?<![0-9]\([0-9]\))(?:\+(?=[0-9])|(?<!@)\((?=[0-9])|(?<![/@])[0-9])"
)
GAP = "(?: - |  |[ ./-])"
# As far as groups of digits go, each behind one gap, some in parentheses.
PHONE_REACH = re.compile(
    rf"\+?(?:[0-9]+|\([0-9]{{1,20}}\))(?:{GAP}?\([0-9]{{1,20}}\)|{GAP}[0-9]+|(?<=\))[0-9]+){{0,15}}"
)
EXTENSION = re.compile(rf"(?: ?x| ?ext\.? ?| ?ramal )[0-9]{{1,6}}{AFTER}", re.IGNORECASE)
INTERNATIONAL = re.compile(r"(?:\+|00[ .-]?)(?=[1-9])[0-9]+(?:[ ./-]?\([0-9]{1,5}\)[0-9]*)?(?:[ ./-][0-9]+)*")

# National numbers: shape, least and most digits.
NATIONAL = [
    # (11) 91234-5678, (11) 9 1234-5678, 1 (555) 123-4567, 0 (532) 123 45 67, (0161) 4960066, (351) 928 063 608
    (
        r"""(?:[018][ .-]?)? \( (?:[0-9]{2,3}|0[0-9]{3,4}) \) [ ./-]?
            (?:9[ .-])? [0-9]{2,} (?:([ .-])[0-9]{2,}(?:\1[0-9]{2,})*)?""",
        8,
        12,
    ),
    # (0)30 123456
    (r"\(0\) [ ./-]? [0-9]{2,} (?:([ .-])[0-9]{2,}(?:\1[0-9]{2,})*)?", 8, 11),
    # 020 7946 0958, 030/123456, 0812-3456-7890, 01 23 45 67 89; but two groups and a dot are a decimal, 2-2-4 a date,
    # six pairs some other list, 3-2-4 a social security number
    (
        r"""(?![0-9]+\.[0-9]+$) (?![0-9]{2}[ ./-][0-9]{2}[ ./-][0-9]{4}(?![0-9])) (?!(?:[0-9]{2}[ ./-]){5}[0-9]{2}$)
            (?![0-9]{3}[ -][0-9]{2}[ -][0-9]{4}$)
            0[1-9][0-9]{0,3} [ ./-] [0-9]{2,} (?:([ .-])[0-9]{2,}(?:\1[0-9]{2,})*)?""",
        9,
        12,
    ),
    # 555-123-4567, 555.123.4567, 1-555-123-4567, 8 916 123 4567
    (r"(?:[18][ .-])? [0-9]{3}[ .-][0-9]{3}[ .-][0-9]{4}", 10, 11),
    # 11 91234-5678, 11 9 1234-5678, 11 1234-5678, 75-6508-8995; but 15 2023-2024 holds two years
    (r"(?!...(?:19|20)..[ .-](?:19|20)..$) [1-9][0-9][ .-] (?:9[ ]?)? [0-9]{4}[ .-][0-9]{4}", 10, 11),
    (r"9[6-9][0-9]{3}-[0-9]{4}", 9, 9),  # 98765-4321
    (r"[25-9][0-9]{2}([ -])[0-9]{3}\1[0-9]{3}", 9, 9),  # 612 345 678
    (r"[5-9][0-9]{2}([ .-])[0-9]{2}\1[0-9]{2}\1[0-9]{2}", 9, 9),  # 612 34 56 78
    (r"[1-9][0-9]([ -])[0-9]{3}\1[0-9]{2}\1[0-9]{2}", 9, 9),  # 22 657 07 04; with dots it would be an IP address
    (r"(?!...00[ -]...00$) [6-9][0-9]{4}[ -][0-9]{5}", 10, 10),  # 98765 43210; but 70000-80000 is a range
    (r"3[2-9][0-9][ -][0-9]{6,7}", 9, 10),  # 347 1234567
    (r"1[3-9][0-9]([ -])[0-9]{4}\1[0-9]{4}", 11, 11),  # 138 1234 5678
    (r"1[389]00([ -])[0-9]{3}\1[0-9]{3}", 10, 10),  # 1300 123 456
    (r"(?:8|0(?=.[1-9]))([ -])[0-9]{3}\1[0-9]{3}[ -][0-9]{2}[ -][0-9]{2}", 11, 11),  # 8 800 555-35-35, 0 532 123 45 67
    (r"0([ -])[1-9][0-9]{2}\1[0-9]{3}\1[0-9]{3,4}", 10, 11),  # 0 812 345 678, 0 532 123 4567
    (r"0-[2-9][0-9]{3}-[0-9]{4}", 9, 9),  # 0-2123-4567
    # Bare digits: North America, mobile numbers of India and Italy, a leading 0, Brazil, China, Russia.
    (
        r"""(?!(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))    # 2024030509 is a date
            (?: [2-9][0-9]{2}[2-9][0-9]{6} | [6-9][0-9]{9} | 3[1-9][0-9]{8} | 0[1-9][0-9]{8}
              | (?:1[1-49]|[2-9][1-9])[2-5][0-9]{7}
              | 1[2-9][0-9]{2}[2-9][0-9]{6} | [1-9][1-9]9[0-9]{8} | 0[1-9][0-9]{9} | 1[3-9][0-9]{9} | 8[34789][0-9]{9}
              )""",
        10,
        11,
    ),
]
NATIONAL_SHAPES = [(re.compile(shape, re.VERBOSE), least, most) for shape, least, most in NATIONAL]

# The most digits that usually follow a country's calling code.
USUAL_LENGTH = {
    "1": 10, "7": 10, "20": 10, "27": 9, "30": 10, "31": 9, "32": 9, "33": 9, "34": 9, "36": 9, "39": 11, "40": 9,
    "41": 9, "43": 13, "44": 10, "45": 8, "46": 10, "47": 8, "48": 9, "49": 11, "51": 9, "52": 11, "53": 8, "54": 11,
    "55": 11, "56": 9, "57": 10, "58": 10, "60": 10, "61": 9, "62": 12, "63": 10, "64": 10, "65": 8, "66": 9, "81": 10,
    "82": 10, "84": 10, "86": 11, "90": 10, "91": 10, "92": 10, "94": 9, "98": 10, "212": 9, "234": 10, "254": 9,
    "351": 9, "353": 9, "358": 12, "380": 9, "420": 9, "421": 9, "966": 9, "971": 9, "972": 9,
}  # fmt: skip

# Words before a bare run of digits that make it a number of something else.
LABELLED = re.compile(
    rf"""{BEFORE}(?: (?:order|pedido|commande|bestellung|bestellnummer|ordine|invoice|rechnung|factura|fatura|facture
        |ticket|protocolo|tracking|rastreio|isbn|sku|ref|id|n[é·])
        (?:[ ](?:number|num|no|nr|code|n[é·]))? [ ]?[.:\#]?[ ]? | no\.[ ]? )\Z""",
    re.VERBOSE | re.IGNORECASE,
)

CPF = r"[0-9]{3}([ .-])[0-9]{3}\1[0-9]{3}[ ./-][0-9]{2}|[0-9]{9}-[0-9]{2}|[0-9]{11}"
# What stands before a number, and a number that is then a part of something else.
PARTS = [
    # 98101-1234 of an address in the west of the United States
    (re.compile(rf"{BEFORE}(?:AK|CA|GU|HI|OR|WA) \Z"), re.compile("9[0-9]{4}-[0-9]{4}")),
    # the rest of 4000 0812 3456 7890, which would be a card but for its check digit
    (re.compile(rf"{BEFORE}[0-9]{{4}} \Z"), re.compile("0[0-9]{3} [0-9]{4} [0-9]{4}")),
]


def excess(number: str) -> int | None:
    """How many digits an international number has beyond the usual; None if it is none.

    It has 8 to 15 digits behind + or 00, an inner (0) not counted.
    """
    if not INTERNATIONAL.fullmatch(number):
        return None
    kept = "".join(map(str, digits(number.replace("(0)", ""))))
    if number[0] == "0":
        kept = kept[2:]
    if not 8 <= len(kept) <= 15:
        return None
    code = next((kept[:size] for size in (1, 2, 3) if kept[:size] in USUAL_LENGTH), None)
    if code is None:
        return len(kept) - 13
    national = kept[len(code) :]
    return len(national) - USUAL_LENGTH[code] - national.startswith("0")


def narrow(number: str) -> str:
    """With one character for each gap."""
    return number.replace(" - ", "-").replace("  ", " ")


def is_national(number: str) -> bool:
    count = len(digits(number))
    return any(least <= count <= most and shape.fullmatch(number) for shape, least, most in NATIONAL_SHAPES)


def phone_stop(text: str, start: int, stop: int) -> int | None:
    """Where the phone that begins at `start` and whose last group ends at `stop` ends, if it may stand there."""
    number = text[start:stop]
    if re.fullmatch(CPF, narrow(number)) and is_cpf(number):
        return None
    if re.fullmatch("[0-9]{14}", number) and is_cnpj(number):
        return None
    if any(n.fullmatch(text, start, stop) and b.search(text, max(0, start - 6), start) for b, n in PARTS):
        return None
    if number.isdigit():
        if text[start - 1 : start] == "=" or LABELLED.search(text, max(0, start - 30), start):
            return None
        end = AFTER + r"(?![.,:/_+-][A-Za-z0-9é])"
    else:
        end = NUMBER_AFTER
    if not re.search(r"[-+(./]", number):  # nothing but digits and spaces: might be an amount
        if text[max(0, start - 2) : start] == "$ ":
            return None
        end += r"(?! ?(?:%|\$(?![0-9])))"
    extension = EXTENSION.match(text, stop)
    if extension:
        return extension.end()
    return stop if re.compile(end + "(?![@=%])").match(text, stop) else None


def find_phones(text: str) -> Iterator[Span]:
    def stop_of(match: re.Match[str]) -> int | None:
        start = match.start()
        reach = PHONE_REACH.match(text, start)
        if not reach:
            return None
        stops = [start + group.end() for group in re.finditer("[0-9]+(?![0-9)])", reach[0])]
        numbers = [(stop, narrow(text[start:stop])) for stop in reversed(stops)]
        for usual in (True, False):
            for stop, number in numbers:
                beyond = excess(number)
                # +1 555 010 9999 2024 is a number and a year. One that leaves groups out is nearly complete by itself;
                # otherwise +1 555 1234 5678 90 is taken as a whole, unusual as it is.
                fits = beyond is not None and (not usual or (beyond <= 0 and (stop == stops[-1] or beyond >= -2)))
                if fits or is_national(number):
                    found = phone_stop(text, start, stop)
                    if found is not None:
                        return found
        return None

    return search(PHONE_START, text, stop_of)


# ---- numbers with check digits ---------------------------------------------------------------------------------------

# First four digits from, to: lengths.
CARDS = [
    (1800, 1800, {15}), (2131, 2131, {15}),  # JCB
    (2200, 2205, {16}), (2221, 2720, {16}), (5100, 5599, {16}),  # Mir, Mastercard
    (3000, 3059, {14, 16}), (3095, 3095, {14, 16}), (3600, 3699, {14, 16, 19}), (3800, 3999, {14, 16, 19}),  # Diners
    (3400, 3499, {15}), (3700, 3799, {15}),  # American Express
    (3500, 3599, {16, 19}),  # JCB
    (4000, 4999, {13, 16, 19}),  # Visa
    (5000, 5099, {13, 14, 15, 16, 17, 18, 19}), (5600, 5899, {12, 13, 14, 15, 16, 17, 18, 19}),  # Maestro, Elo
    (5018, 5018, {12}), (5020, 5020, {12}), (5038, 5038, {12}), (6304, 6304, {12}), (6390, 6390, {12}),  # Maestro
    (6759, 6763, {12}),  # Maestro
    (6000, 6999, {13, 14, 15, 16, 17, 18, 19}),  # Discover, UnionPay, RuPay, Maestro
    (8100, 8299, {16}), (8600, 8600, {16}), (9792, 9792, {16}), (9860, 9860, {16}),  # RuPay, Uzcard, Troy, Humo
]  # fmt: skip


def is_card(number: str) -> bool:
    """A plausible issuer and the Luhn check."""
    values = digits(number)
    issuer = int("".join(map(str, values[:4])))
    if not any(low <= issuer <= high and len(values) in lengths for low, high, lengths in CARDS):
        return False
    doubled = [value * 2 for value in values[-2::-2]]
    if number.isdigit() and len(number) == 14 and is_cnpj(number):
        return False  # two check digits weigh more than one
    return (sum(values[-1::-2]) + sum(value // 10 + value % 10 for value in doubled)) % 10 == 0


def find_cards(text: str) -> Iterator[Span]:
    shapes = [
        r"[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}\1[0-9]{3}",
        r"[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}",
        r"[0-9]{4}([ -])[0-9]{6}\1[0-9]{5}",
        r"[0-9]{4}([ -])[0-9]{6}\1[0-9]{4}",
        r"[0-9]{12,19}",
    ]
    return search_shapes(NUMBER_BEFORE + "[0-9]{4}", [shape + NUMBER_AFTER for shape in shapes], text, is_card)


IBAN_LENGTH = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BI": 27, "BR": 29,
    "BY": 28, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DJ": 27, "DK": 18, "DO": 28, "EE": 20, "EG": 29,
    "ES": 24, "FI": 18, "FK": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28,
    "HN": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20,
    "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27, "MD": 24, "ME": 22, "MK": 19,
    "MN": 20, "MR": 27, "MT": 31, "MU": 30, "NI": 28, "NL": 18, "NO": 15, "OM": 23, "PK": 24, "PL": 28, "PS": 29,
    "PT": 25, "QA": 29, "RO": 24, "RS": 22, "RU": 33, "SA": 24, "SC": 31, "SD": 18, "SE": 24, "SI": 19, "SK": 24,
    "SM": 27, "SO": 23, "ST": 25, "SV": 28, "TL": 23, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
    "YE": 30,
}  # fmt: skip


def is_iban(number: str) -> bool:
    """ISO 7064 MOD 97-10 over the number turned by four; at least eight digits, as every structure in use has."""
    turned = number[4:] + number[:4]
    return len(digits(number)) >= 8 and int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def find_ibans(text: str) -> Iterator[Span]:
    def stop_of(match: re.Match[str]) -> int | None:
        length = IBAN_LENGTH.get(match[0][:2].upper())
        if length is None:
            return None
        groups, rest = divmod(length - 4, 4)
        spaced = f"(?: [A-Za-z0-9]{{4}}){{{groups}}}" + (f" [A-Za-z0-9]{{{rest}}}" if rest else "")
        for shape in (spaced, f"[A-Za-z0-9]{{{length - 4}}}"):
            found = re.compile(shape + AFTER).match(text, match.end())
            if found and is_iban((match[0] + found[0]).replace(" ", "")):
                return found.end()
        return None

    return search(re.compile(BEFORE + "[A-Za-z]{2}[0-9]{2}"), text, stop_of)


def find_ssns(text: str) -> Iterator[Span]:
    shape = r"(?!000|666|9)[0-9]{3}([ -])(?!00)[0-9]{2}\1(?!0000)[0-9]{4}"
    return search_shapes(NUMBER_BEFORE + "[0-9]", [shape + NUMBER_AFTER], text, lambda number: True)


def check_digit(values: list[int], weights: list[int]) -> int:
    rest = sum(value * weight for value, weight in zip(values, weights, strict=True)) % 11
    return 0 if rest < 2 else 11 - rest


def is_cpf(number: str) -> bool:
    values = digits(number)
    if len(values) != 11 or len(set(values)) == 1:
        return False
    first = check_digit(values[:9], list(range(10, 1, -1)))
    second = check_digit(values[:10], list(range(11, 1, -1)))
    return values[9:] == [first, second]


def is_cnpj(number: str) -> bool:
    """Since 2026 the first twelve places may be letters, which count as their ASCII code less that of 0."""
    values = [ord(character) - ord("0") for character in number if character not in "./-"]
    if len(set(values)) == 1:
        return False
    weights = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]
    return values[12:] == [check_digit(values[:12], weights[1:]), check_digit(values[:13], weights)]


def find_cpfs(text: str) -> Iterator[Span]:
    return search_shapes(NUMBER_BEFORE + "[0-9]", [f"(?:{CPF}){NUMBER_AFTER}"], text, is_cpf)


def find_cnpjs(text: str) -> Iterator[Span]:
    shapes = [r"[0-9A-Z]{2}\.[0-9A-Z]{3}\.[0-9A-Z]{3}/[0-9A-Z]{4}-[0-9]{2}", "[0-9]{8}/[0-9]{4}-[0-9]{2}", "[0-9]{14}"]
    first = NUMBER_BEFORE + r"(?=[0-9]{8}|[0-9A-Z]{2}\.)"
    return search_shapes(first, [shape + NUMBER_AFTER for shape in shapes], text, is_cnpj)


# ---- addresses of machines and wallets -------------------------------------------------------------------------------

OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
IPV4 = re.compile(
    rf"{BEFORE}(?<![0-9]\.)(?<![A-Za-zé]-)(?<!version )(?<!release ){OCTET}(?:\.{OCTET}){{3}}{AFTER}(?!\.[0-9])",
    re.IGNORECASE,
)


def is_ipv6(token: str) -> bool:
    """Valid as a whole; with a decimal digit, and `::` between two groups at least, so that `std::dec` is none."""
    try:
        ipaddress.IPv6Address(token)
    except ValueError:
        return False
    if token == "::1":
        return True
    return bool(digits(token)) and len([group for group in re.split("[:.]", token) if group]) >= 2


def find_ips(text: str) -> Iterator[Span]:
    yield from search(IPV4, text, lambda match: match.end())
    for run in re.finditer("[0-9A-Fa-f:.]+", text):
        start, stop = run.span()
        while start < stop and text[start] == ".":
            start += 1
        while start < stop and text[stop - 1] == ".":
            stop -= 1
        if text[start : start + 1] == ":" and text[start : start + 2] != "::":
            start += 1
        if start < stop and text[stop - 1] == ":" and text[start:stop][-2:] != "::":
            stop -= 1
        inside = re.match(W, text[start - 1 : start]) or re.match(W, text[stop : stop + 1])
        if not inside and stop - start <= 45 and is_ipv6(text[start:stop]):
            yield start, stop


def find_macs(text: str) -> Iterator[Span]:
    pair, four = "[0-9A-Fa-f]{2}", "[0-9A-Fa-f]{4}"
    shape = rf"{BEFORE}(?<!{W}[:-])(?:{pair}([:-])(?:{pair}\1){{4}}{pair}|{four}\.{four}\.{four}){AFTER}(?![:-]{W})"
    return search(re.compile(shape), text, lambda match: match.end())


BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def is_base58check(address: str) -> bool:
    """A Bitcoin address of version 0 or 5: 21 bytes and the first four of their doubled SHA-256."""
    value = 0
    for character in address:
        value = value * 58 + BASE58.index(character)
    if value >= 1 << 200:
        return False
    raw = value.to_bytes(25, "big")
    ones = len(address) - len(address.lstrip("1"))
    zeros = 25 - len(raw.lstrip(b"\0"))
    checksum = hashlib.sha256(hashlib.sha256(raw[:21]).digest()).digest()[:4]
    return raw[0] in (0, 5) and ones == zeros and raw[21:] == checksum


def is_segwit(address: str) -> bool:
    """BIP 173 and BIP 350 for the prefix bc: one case, checksum by version, up to 40 bytes, 20 or 32 in version 0."""
    if address not in (address.lower(), address.upper()) or not set(address[3:].lower()) <= set(BECH32):
        return False
    values = [BECH32.index(character) for character in address[3:].lower()]
    state = 1
    for value in [3, 3, 0, 2, 3, *values]:  # "bc", expanded
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for i, generator in enumerate([0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]):
            state ^= generator if top >> i & 1 else 0
    version, data = values[0], values[1:-6]
    spare = len(data) * 5 % 8
    size = len(data) * 5 // 8
    if version > 16 or spare > 4 or size > 40 or data[-1] & ((1 << spare) - 1):
        return False
    return state == 1 and size in (20, 32) if version == 0 else state == 0x2BC830A3


def find_wallets(text: str) -> Iterator[Span]:
    shape = f"{BEFORE}(?:0x[0-9A-Fa-f]{{40}}|[13][{BASE58}]{{25,34}}|[bB][cC]1[A-Za-z0-9]{{23,71}}){AFTER}"

    def stop_of(match: re.Match[str]) -> int | None:
        check = {"0": lambda address: True, "1": is_base58check, "3": is_base58check}.get(match[0][0], is_segwit)
        return match.end() if check(match[0]) else None

    return search(re.compile(shape), text, stop_of)


# ---- all kinds -------------------------------------------------------------------------------------------------------

KINDS: dict[str, Callable[[str], Iterator[Span]]] = {
    "email": find_emails,
    "phone": find_phones,
    "credit_card": find_cards,
    "iban": find_ibans,
    "ip": find_ips,
    "us_ssn": find_ssns,
    "br_cpf": find_cpfs,
    "br_cnpj": find_cnpjs,
    "mac": find_macs,
    "crypto": find_wallets,
    "url_credentials": find_credentials,
}


def chosen_kinds(function: str, kinds: str) -> list[str]:
    """The kinds that the option names, in the order of `KINDS`."""
    names = [name.strip(" \t") for name in kinds.split(",")]
    if names == [""]:
        return [kind for kind in KINDS if kind != "mac"]
    for name in names:
        if name not in KINDS and name != "all":
            expected = f"expected kinds to be a comma-separated list of {', '.join([*KINDS, 'all'])}, got '{name}'"
            raise ValueError(f"{function}: {expected}")
    return [kind for kind in KINDS if kind in names or "all" in names]


def findings(text: str, kinds: list[str]) -> list[tuple[int, int, str]]:
    simple = simplify(text)
    found = [(start, stop, kind) for kind in kinds for start, stop in KINDS[kind](simple)]
    order = list(KINDS)
    found.sort(key=lambda finding: (finding[0] - finding[1], order.index(finding[2]), finding[0]))
    taken = bytearray(len(text))
    kept = []
    for start, stop, kind in found:
        if not any(taken[start:stop]):
            taken[start:stop] = b"\1" * (stop - start)
            kept.append((start, stop, kind))
    return sorted(kept)


def scrub_pii(text: str, kinds: str = "") -> str:
    """Text with every finding of personal data replaced by a mark of its kind.

    Parameters
    ----------
    text : text
        Any text.
    kinds : text, default ''
        Comma-separated list out of email, phone, credit_card, iban, ip, us_ssn, br_cpf, br_cnpj, mac, crypto,
        url_credentials; or all. Empty means all but mac.

    Returns
    -------
    text
        The text with `<EMAIL_REDACTED>`, `<PHONE_REDACTED>`, ... in the place of each finding of `find_pii`.

    Nulls : NULL in, NULL out.
    Errors : an unknown kind.
    Cost : O(len(text)).
    Source : RFC 5321, RFC 4291, ITU-T E.164, ISO/IEC 7812-1, ISO 13616-1, BIP 173, BIP 350, IN RFB 2.229/2024.

    Examples
    --------
    >>> scrub_pii("mail ana@example.org or call +55 (11) 91234-5678")
    'mail <EMAIL_REDACTED> or call <PHONE_REDACTED>'
    >>> scrub_pii("on 2024-03-05 at 09:15:02 for $1,234.50")
    'on 2024-03-05 at 09:15:02 for $1,234.50'
    >>> scrub_pii("ana@example.org, 4111 1111 1111 1111", "credit_card")
    'ana@example.org, <CREDIT_CARD_REDACTED>'
    >>> scrub_pii("")
    ''
    """
    place = 0
    pieces = []
    for start, stop, kind in findings(text, chosen_kinds("scrub_pii", kinds)):
        pieces += [text[place:start], f"<{kind.upper()}_REDACTED>"]
        place = stop
    return "".join(pieces) + text[place:]


def find_pii(text: str, kinds: str = "") -> list[dict[str, str | int]]:
    """Personal data in a text: kind, code-point offsets and value of every finding.

    Parameters
    ----------
    text : text
        Any text.
    kinds : text, default ''
        Comma-separated list out of email, phone, credit_card, iban, ip, us_ssn, br_cpf, br_cnpj, mac, crypto,
        url_credentials; or all. Empty means all but mac.

    Returns
    -------
    list of (kind, start, stop, value)
        `value` is the text from `start` to before `stop`, in code points. In order; no two overlap: the longest wins,
        then the kind that stands first in the list above.

    Nulls : NULL in, NULL out.
    Errors : an unknown kind.
    Cost : O(len(text)).
    Source : RFC 5321, RFC 4291, ITU-T E.164, ISO/IEC 7812-1, ISO 13616-1, BIP 173, BIP 350, IN RFB 2.229/2024.

    Examples
    --------
    >>> find_pii("olá joão@exemplo.com.br")
    [{'kind': 'email', 'start': 4, 'stop': 23, 'value': 'joão@exemplo.com.br'}]
    >>> find_pii("version 1.2.3.4, order 12345678")
    []
    >>> find_pii("")
    []
    """
    return [
        {"kind": kind, "start": start, "stop": stop, "value": text[start:stop]}
        for start, stop, kind in findings(text, chosen_kinds("find_pii", kinds))
    ]


def has_pii(text: str, kinds: str = "") -> bool:
    """Whether a text holds personal data.

    Parameters
    ----------
    text : text
        Any text.
    kinds : text, default ''
        Comma-separated list out of email, phone, credit_card, iban, ip, us_ssn, br_cpf, br_cnpj, mac, crypto,
        url_credentials; or all. Empty means all but mac.

    Returns
    -------
    boolean
        True if `find_pii` finds anything; the kernel stops at the first finding.

    Nulls : NULL in, NULL out.
    Errors : an unknown kind.
    Cost : O(len(text)).
    Source : RFC 5321, RFC 4291, ITU-T E.164, ISO/IEC 7812-1, ISO 13616-1, BIP 173, BIP 350, IN RFB 2.229/2024.

    Examples
    --------
    >>> has_pii("mail ana@example.org")
    True
    >>> has_pii("mail ana@example.org", "phone,ip")
    False
    >>> has_pii("")
    False
    """
    return bool(findings(text, chosen_kinds("has_pii", kinds)))
