"""Messages with personal data in them and labels that say where: seeded, for measuring what is found and what is not.

    python bench/pii_corpus.py [--split held-out] [--rows 20] [--seed 1]        shows some of them

Nobody's data: Faker and a seeded generator make all of it. Two splits share no locale, no form of hard
negative and no sentence but the empty one. The grammar may be tuned on `tuning`; what is reported is measured on
`held-out`, of which docs/pii.md says how far it was looked at.

A label is what the documentation promises to find. Bare runs of digits of another length than 10 or 11 are no promise,
so such numbers are not made; neither are numbers of fewer than 8 digits.
"""

from __future__ import annotations

import argparse
import hashlib
import ipaddress
import random
import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import faker  # type: ignore[import-not-found,unused-ignore]

Make = Callable[[random.Random, faker.Faker], str]


@dataclass(frozen=True)
class Label:
    """Where in a message something personal stands, in code points."""

    kind: str
    start: int
    stop: int


@dataclass(frozen=True)
class Message:
    """A text, who might have written it, and what has to be found in it."""

    text: str
    locale: str
    labels: tuple[Label, ...]


# ---- what has to be found ------------------------------------------------------------------------------------------


def email(rng: random.Random, fake: faker.Faker) -> str:
    address: str = rng.choice((fake.email, fake.company_email, fake.ascii_free_email))()
    user, _, domain = address.partition("@")
    form = rng.random()
    if form < 0.08:
        word = str(fake.word())
        user += f"+{word}" if word.isascii() and word.isalpha() else "+list"
    elif form < 0.14:
        user = user.replace(".", "_") + str(rng.randrange(100))
    elif form < 0.20:
        domain = f"mail-{rng.randrange(10)}.{domain}"
    elif form < 0.24:
        user, domain = user.upper(), domain.upper()
    elif form < 0.28:
        user = f"{user[0]}.{user[1:].strip('.')}"
    elif form < 0.31:
        user = f"{rng.choice(('josé', 'müller', 'françois', 'søren', 'łukasz'))}.{rng.randrange(100)}"
    elif form < 0.34:
        domain = f"{rng.choice(('müller', 'café', 'españa'))}.example"
    return f"{user}@{domain}"


def is_promised(number: str) -> bool:
    """Of the numbers that Faker makes, those that the documentation says are found."""
    number = re.sub(r"(?: ?x| ?ext\.? ?)\d+$", "", number)
    count = sum(character.isdigit() for character in number.replace("(0)", ""))
    if number.startswith("00"):
        count -= 2
    return 10 <= count <= 11 if number.isdigit() and not number.startswith("00") else 8 <= count <= 15


def phone(rng: random.Random, fake: faker.Faker) -> str:
    while True:
        number: str = fake.phone_number()
        # One message in twelve has the hyphens and spaces that phones and word processors write.
        if rng.random() < 0.08:
            number = number.replace("-", "\u2011").replace(" ", "\u00a0")
        if is_promised(number):
            return number


def grouped(number: str, sizes: Sequence[int], separator: str) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(number[at : at + size])
        at += size
    return separator.join(parts)


def credit_card(rng: random.Random, fake: faker.Faker) -> str:
    kind = rng.choice(("visa", "visa16", "mastercard", "amex", "discover", "jcb16", "maestro"))
    number: str = fake.credit_card_number(kind)
    separator = rng.choice(("", " ", "-"))
    if len(number) == 16:
        return grouped(number, (4, 4, 4, 4), separator)
    return grouped(number, (4, 6, 5), separator) if len(number) == 15 else number


def iban(rng: random.Random, fake: faker.Faker) -> str:
    number: str = fake.iban()
    if rng.random() < 0.5:
        number = " ".join(number[i : i + 4] for i in range(0, len(number), 4))
    return number.lower() if rng.random() < 0.1 else number


def ip(rng: random.Random, fake: faker.Faker) -> str:
    form = rng.random()
    if form < 0.6:
        return str(fake.ipv4())
    address = ipaddress.IPv6Address(fake.ipv6())
    if form < 0.75:  # as routers and hosts number themselves: zeros in the middle
        address = ipaddress.IPv6Address(int(address) >> 80 << 80 | rng.randrange(1, 1 << 16))
    return address.compressed if rng.random() < 0.7 else address.exploded.upper()


def us_ssn(rng: random.Random, fake: faker.Faker) -> str:
    number: str = fake.ssn()
    return number if rng.random() < 0.8 else number.replace("-", " ")


def br_cpf(rng: random.Random, fake: faker.Faker) -> str:
    number: str = fake.cpf()
    return rng.choice((number, number, number.replace(".", "").replace("-", ""), number.replace(".", "")))


def br_cnpj(rng: random.Random, fake: faker.Faker) -> str:
    number: str = fake.cnpj()
    form = rng.random()
    if form < 0.2:
        values = [ord(c) - ord("0") for c in "".join(rng.choices("0123456789ABCDEFGHJKLMNPRSTVWXYZ", k=8)) + "0001"]
        for _ in range(2):
            total = sum(value * (2 + place % 8) for place, value in enumerate(reversed(values)))
            values.append(0 if total % 11 < 2 else 11 - total % 11)
        letters = "".join(chr(value + ord("0")) for value in values)
        return f"{letters[:2]}.{letters[2:5]}.{letters[5:8]}/{letters[8:12]}-{letters[12:]}"
    return number if form < 0.7 else re.sub(r"\D", "", number)


def mac(rng: random.Random, fake: faker.Faker) -> str:
    address: str = fake.mac_address()
    form = rng.random()
    if form < 0.2:
        digits = address.replace(":", "")
        return f"{digits[:4]}.{digits[4:8]}.{digits[8:]}"
    address = address.replace(":", rng.choice(":-"))
    return address.upper() if rng.random() < 0.5 else address


BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def base58check(raw: bytes) -> str:
    raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
    value, made = int.from_bytes(raw, "big"), ""
    while value:
        value, digit = divmod(value, 58)
        made = BASE58[digit] + made
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + made


def bech32_remainder(values: Sequence[int]) -> int:
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            state ^= generator if top >> bit & 1 else 0
    return state


def segwit(version: int, program: bytes) -> str:
    size = -len(program) * 8 % 5
    number = int.from_bytes(program, "big") << size
    data = [version, *(number >> at & 31 for at in range(len(program) * 8 + size - 5, -1, -5))]
    final = bech32_remainder([3, 3, 0, 2, 3, *data, 0, 0, 0, 0, 0, 0]) ^ (0x2BC830A3 if version else 1)
    return "bc1" + "".join(BECH32[value] for value in [*data, *(final >> 5 * (5 - i) & 31 for i in range(6))])


def crypto(rng: random.Random, fake: faker.Faker) -> str:
    form = rng.random()
    if form < 0.4:
        return "0x" + "".join(rng.choices("0123456789abcdefABCDEF", k=40))
    if form < 0.7:
        return base58check(bytes([rng.choice((0, 5))]) + rng.randbytes(20))
    version, size = rng.choice(((0, 20), (0, 32), (1, 32)))
    address = segwit(version, rng.randbytes(size))
    return address.upper() if rng.random() < 0.1 else address


def credentials(rng: random.Random, fake: faker.Faker) -> str:
    """`{` and `}` stand around what has to be found; the rest is the URL."""
    scheme = rng.choice(("https", "http", "ftp", "postgresql", "redis", "amqp", "mongodb+srv", "ssh"))
    password = fake.password(special_chars=False) if rng.random() < 0.7 else "p%40ss-w0rd!"
    user = rng.choice((fake.user_name(), "admin", "root", "" if scheme == "redis" else "app.user"))
    host = rng.choice((fake.domain_name(), "localhost", "db.internal.example"))
    port = rng.choice(("", f":{rng.randrange(1024, 65536)}"))
    return f"{scheme}://{{{user}:{password}}}@{host}{port}/{fake.uri_path()}"


ENTITIES: dict[str, Make] = {
    "email": email,
    "phone": phone,
    "credit_card": credit_card,
    "iban": iban,
    "ip": ip,
    "us_ssn": us_ssn,
    "br_cpf": br_cpf,
    "br_cnpj": br_cnpj,
    "mac": mac,
    "crypto": crypto,
    "url_credentials": credentials,
}
WEIGHTS = {"email": 4, "phone": 6}  # the others 1


# ---- what is none of it --------------------------------------------------------------------------------------------


def digits(rng: random.Random, count: int) -> str:
    return str(rng.randrange(1, 10)) + "".join(rng.choices("0123456789", k=count - 1))


def moment(rng: random.Random) -> datetime:
    return datetime(2015, 1, 1) + timedelta(seconds=rng.randrange(15 * 365 * 86_400))


def isbn13(rng: random.Random) -> str:
    body = "978" + digits(rng, 9)
    check = -sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(body)) % 10
    return f"{body[:3]}-{body[3]}-{body[4:7]}-{body[7:12]}-{check}"


def bad_card(rng: random.Random, fake: faker.Faker) -> str:
    number: str = fake.credit_card_number("visa16")
    wrong = number[:-1] + str((int(number[-1]) + rng.randrange(1, 10)) % 10)
    return grouped(wrong, (4, 4, 4, 4), rng.choice(("", " ", "-")))


def bad_iban(rng: random.Random, fake: faker.Faker) -> str:
    number: str = fake.iban()
    return number[:-1] + str((int(number[-1], 36) + rng.randrange(1, 9)) % 10)


def bad_cpf(rng: random.Random, fake: faker.Faker) -> str:
    number: str = fake.cpf()
    return number[:-1] + str((int(number[-1]) + rng.randrange(1, 10)) % 10)


NEGATIVES: dict[str, list[Make]] = {
    "tuning": [
        lambda rng, fake: f"order {digits(rng, rng.choice((6, 8, 10, 11, 12)))}",
        lambda rng, fake: f"pedido nº {digits(rng, 10)}",
        lambda rng, fake: f"{moment(rng):%Y-%m-%d}",
        lambda rng, fake: f"{moment(rng):%d/%m/%Y %H:%M}",
        lambda rng, fake: f"{moment(rng):%Y-%m-%dT%H:%M:%S}Z",
        lambda rng, fake: f"{moment(rng):%d.%m.%Y}",
        lambda rng, fake: f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}",
        lambda rng, fake: f"${rng.randrange(10**7):,}.{rng.randrange(100):02}",
        lambda rng, fake: f"R$ {rng.randrange(10**6):,}".replace(",", ".") + ",50",
        lambda rng, fake: f"v{rng.randrange(20)}.{rng.randrange(30)}.{rng.randrange(100)}",
        lambda rng, fake: f"version {rng.randrange(9)}.{rng.randrange(9)}.{rng.randrange(99)}.{rng.randrange(99)}",
        lambda rng, fake: hashlib.md5(rng.randbytes(8)).hexdigest(),
        lambda rng, fake: hashlib.sha1(rng.randbytes(8)).hexdigest(),
        lambda rng, fake: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        lambda rng, fake: f"{rng.uniform(-90, 90):.6f}, {rng.uniform(-180, 180):.6f}",
        lambda rng, fake: f"1Z{digits(rng, 6)}{digits(rng, 10)}",
        lambda rng, fake: f"ISBN {isbn13(rng)}",
        lambda rng, fake: f"{rng.randrange(10**5)} + {rng.randrange(10**5)} = {rng.randrange(10**6)}",
        lambda rng, fake: f"@{fake.user_name()}",
        lambda rng, fake: f"IMG-{moment(rng):%Y%m%d}-WA{rng.randrange(10_000):04}.jpg",
        lambda rng, fake: f"https://example.org/item/{digits(rng, 10)}?ref={digits(rng, 11)}",
        bad_card,
        bad_iban,
        lambda rng, fake: f"WA 9{digits(rng, 4)}-{digits(rng, 4)}",
        lambda rng, fake: f"{rng.randrange(100)}% of {rng.randrange(10**6):,}",
        lambda rng, fake: f"icon@{rng.choice((2, 3))}x.{rng.choice(('png', 'webp', 'jpg'))}",
        lambda rng, fake: f"{moment(rng):%H:%M}-{moment(rng):%H:%M}",
    ],
    "held-out": [
        lambda rng, fake: f"booking ref {digits(rng, rng.choice((7, 9, 10)))}",
        lambda rng, fake: f"n° de commande {digits(rng, 10)}",
        lambda rng, fake: f"{moment(rng):%b %d, %Y at %I:%M %p}",
        lambda rng, fake: f"{moment(rng):%d-%m-%Y}",
        lambda rng, fake: f"{moment(rng):%m/%d/%y %H:%M:%S}",
        lambda rng, fake: f"{moment(rng):%Y年%m月%d日}",
        lambda rng, fake: f"{moment(rng):%Y%m%dT%H%M%S}",
        lambda rng, fake: f"[{moment(rng):%d/%b/%Y:%H:%M:%S} +0000]",
        lambda rng, fake: f"{moment(rng):%Y-%m-%d %H:%M:%S}.{rng.randrange(10**6):06}",
        lambda rng, fake: f"£{rng.randrange(10**6):,}",
        lambda rng, fake: f"{rng.randrange(1, 1000)} {rng.randrange(1000):03} {rng.randrange(1000):03} €",
        lambda rng, fake: f"Rs. {rng.randrange(1, 99)},{rng.randrange(100):02},{rng.randrange(1000):03}",
        lambda rng, fake: f"{rng.randrange(10**6)}円",
        lambda rng, fake: f"build 10.0.{rng.randrange(10_000, 30_000)}.{rng.randrange(300, 5_000)}",
        lambda rng, fake: f"Chrome/{rng.randrange(90, 140)}.0.{rng.randrange(4000, 8000)}.{rng.randrange(300)}",
        lambda rng, fake: hashlib.sha256(rng.randbytes(8)).hexdigest(),
        lambda rng, fake: f"commit {hashlib.sha1(rng.randbytes(8)).hexdigest()[:10]}",
        lambda rng, fake: f"{rng.uniform(-90, 90):.7f}N {rng.uniform(-180, 180):.7f}E",
        lambda rng, fake: f"tracking number {digits(rng, 22)}",
        lambda rng, fake: f"RR{digits(rng, 9)}GB",
        lambda rng, fake: f"ISBN-13: {isbn13(rng)}",
        lambda rng, fake: f"DOI 10.{rng.randrange(1000, 9999)}/{digits(rng, 8)}.{rng.randrange(2000, 2025)}",
        lambda rng, fake: f"arXiv:{rng.randrange(10, 25)}{rng.randrange(1, 13):02}.{rng.randrange(10**5):05}",
        lambda rng, fake: f"{rng.random():.12f}",
        lambda rng, fake: f"{rng.randrange(10**4)} x {rng.randrange(10**4)} = {rng.randrange(10**8)}",
        lambda rng, fake: f"{rng.uniform(1, 10):.8f}e{rng.randrange(5, 30)}",
        lambda rng, fake: f"{moment(rng).timestamp():.0f}",
        lambda rng, fake: f"pp. {rng.randrange(100, 999)}-{rng.randrange(1000, 1999)}",
        lambda rng, fake: f"{rng.randrange(6)}-{rng.randrange(6)}, {rng.randrange(6)}-{rng.randrange(6)}",
        lambda rng, fake: f"{fake.word()}@localhost" if fake.word().isascii() else "root@localhost",
        lambda rng, fake: f"npm i left-pad@{rng.randrange(9)}.{rng.randrange(9)}.{rng.randrange(9)}",
        lambda rng, fake: f"{rng.choice('ABCDEF')}{digits(rng, 8)}",
        lambda rng, fake: f"00:{rng.randrange(60):02}:{rng.randrange(60):02},{rng.randrange(1000):03}",
        bad_cpf,
        lambda rng, fake: f"{rng.choice(('000', '666'))}-{rng.randrange(10, 99)}-{rng.randrange(1000, 9999)}",
        lambda rng, fake: f"std::vector<int>::{fake.word() if fake.word().isascii() else 'size'}",
        lambda rng, fake: f"0x{rng.getrandbits(64):016x}",
        lambda rng, fake: f"{rng.randrange(1, 255)}.{rng.randrange(256)}.{rng.randrange(256)}",
    ],
}  # fmt: skip

# Faker makes these for their country, and cards of all issuers only for one.
MADE_IN: dict[Make, str] = {
    credit_card: "en_US", us_ssn: "en_US", bad_card: "en_US", br_cpf: "pt_BR", br_cnpj: "pt_BR", bad_cpf: "pt_BR",
}  # fmt: skip
# Where Faker's bank accounts are no IBAN of any country.
BANK_IN = {"en_IN": "en_GB", "th_TH": "de_CH", "zh_CN": "en_IE", "es_MX": "es_ES", "zh_TW": "en_IE", "id_ID": "nl_NL",
           "en_AU": "en_GB", "uk_UA": "pl_PL"}  # fmt: skip


# ---- sentences -----------------------------------------------------------------------------------------------------

# `{}` is where something stands. Chinese, Japanese and Thai write on without a space; Korean writes particles right
# behind a number.
SENTENCES: dict[str, dict[str, list[str]]] = {
    "tuning": {
        "en": ["Please note this: {}.", "{} is what I was given", "is {} still right?", "Contact ({}), thanks", "re: {}",
               "I wrote it down, {}, but check again!", "{}", "old: {}\nnew: see below", '"{}" she said', "*{}*"],
        "pt": ["anota aí: {}", "o meu é {}, tá?", "{} não funciona mais", "Segue ({}) para o cadastro.", "{}"],
        "de": ["Bitte notieren: {}.", "{} stimmt nicht mehr", "Meine Angabe lautet {}, danke!", "siehe {};", "{}"],
        "es": ["apunta esto: {}", "¿{} sigue siendo correcto?", "{} es lo que tengo.", "el dato ({}) ya está", "{}"],
        "ja": ["連絡先は{}です", "{}に連絡してください。", "こちらです：{}", "{}", "新しいのは「{}」です", "確認お願いします {}"],
        "it": ["segna questo: {}.", "{} è quello giusto?", "ti mando {}, ciao", "{}"],
        "ru": ["запиши: {}.", "{} больше не работает", "вот данные ({}), спасибо", "{}"],
        "ko": ["제 정보는 {}입니다", "{}로 연락 주세요.", "여기요: {}", "{}"],
    },
    "held-out": {
        "en": ["You can reach me under {} from Monday on.", "Hi all, {} - use that one", "Got it: {}; will do",
               "[{}]", "change {}, please, to something else", "{}!", "FYI {}\n", "Is it <{}>?", "new={} (old one is dead)",
               "The form says {} and nothing more", "1) {}", "Thanks... {}", "_{}_ noted", "info:{}"],
        "fr": ["Voici : {}.", "{} ne marche plus", "tu peux noter {}, merci !", "mes coordonnées ({}) ont changé", "« {} »",
               "{}"],
        "hi": ["कृपया नोट करें: {}", "{} पर संपर्क करें।", "मेरा है {}, धन्यवाद", "{}"],
        "zh": ["我的是{}，谢谢", "请联系{}。", "记一下：{}", "资料{}已经改了", "（{}）", "{}"],
        "nl": ["noteer even: {}.", "{} klopt niet meer", "mijn gegevens ({}) zijn nieuw", "{}"],
        "pl": ["zapisz: {}.", "{} już nie działa", "moje dane to {}, dzięki", "{}"],
        "th": ["ติดต่อ{}ได้เลย", "ของฉันคือ {} นะ", "{}", "ข้อมูล: {}"],
        "sv": ["anteckna: {}.", "{} gäller inte längre", "mina uppgifter ({}) är nya", "{}"],
        "tr": ["not al: {}.", "{} artık çalışmıyor", "benimki {}, teşekkürler", "{}"],
        "es": ["toma nota: {}.", "{} ya no funciona", "te paso {}, gracias", "{}"],
        "pt": ["toma nota: {}.", "{} já não funciona", "envio-te {}, obrigado", "{}"],
        "cs": ["zapiš si: {}.", "{} už neplatí", "posílám {}, díky", "{}"],
        "uk": ["запиши: {}.", "{} вже не працює", "ось дані ({}), дякую", "{}"],
        "id": ["catat ya: {}.", "{} sudah tidak aktif", "data saya ({}) sudah baru", "{}"],
        "el": ["σημείωσε: {}.", "{} δεν ισχύει πια", "τα στοιχεία μου ({}) άλλαξαν", "{}"],
    },
}  # fmt: skip

# A word of the kind before it, as people write.
NAMED: dict[str, dict[str, list[str]]] = {
    "tuning": {
        "phone": ["call me on {}", "Tel.: {}", "Tel {}", "phone={}", "meu zap é {}", "Handy: {}", "mi móvil {}", "電話{}",
                  "WhatsApp {} ok?"],
        "email": ["mail {} please", "E-Mail: {}", "email={}", "manda pra {}", "メール：{}まで", "メールは{}へ"],
        "ip": ["ping {}", "server {} is down", "host={}", "ssh root@{}"],
        "credit_card": ["card {}", "cartão: {}", "Karte {}"],
        "us_ssn": ["SSN {}", "ssn: {}"],
        "br_cpf": ["CPF {}", "cpf: {}", "CPF nº {}"],
        "br_cnpj": ["CNPJ {}", "cnpj: {}"],
        "iban": ["IBAN {}", "Konto: {}"],
    },
    "held-out": {
        "phone": ["ring me at {} later", "Mob: {}", "tél. {}", "📞 {}", "电话{}", "手机号：{}", "फ़ोन {}", "โทร{}",
                  "give {} a buzz", "phone:{}", "fax {}", "text {}, he never picks up"],
        "email": ["write to {}.", "courriel : {}", "邮箱{}", "邮箱是{}，别忘了", "อีเมล{}", "cc {} and me", "mailto:{}",
                  "ईमेल {}"],
        "ip": ["from {} port 22", "curl http://{}/status", "IP地址{}", "{} timed out"],
        "credit_card": ["charge {} please", "CB {}", "卡号{}"],
        "us_ssn": ["my social is {}", "SSN={}"],
        "br_cpf": ["meu CPF é {}", "CPF/MF {}"],
        "br_cnpj": ["empresa {}", "inscrita no CNPJ sob o nº {}"],
        "iban": ["virement sur {}", "rekening {}"],
    },
}  # fmt: skip

LOCALES: dict[str, list[str]] = {
    "tuning": ["en_US", "pt_BR", "de_DE", "es_ES", "ja_JP", "it_IT", "ru_RU", "ko_KR"],
    "held-out": [
        "en_GB",
        "fr_FR",
        "hi_IN",
        "zh_CN",
        "en_IN",
        "nl_NL",
        "pl_PL",
        "th_TH",
        "sv_SE",
        "tr_TR",
        "cs_CZ",
        "da_DK",
        "es_MX",
        "pt_PT",
        "fi_FI",
        "uk_UA",
        "id_ID",
        "zh_TW",
        "en_AU",
        "ro_RO",
        "el_GR",
    ],
}
SPLITS = tuple(LOCALES)


def _sentence(rng: random.Random, split: str, locale: str, kind: str | None) -> str:
    named = NAMED[split].get(kind or "")
    if named and rng.random() < 0.4:
        return rng.choice(named)
    sentences = SENTENCES[split]
    language = locale[:2] if rng.random() < 0.8 else rng.choice(list(sentences))
    return rng.choice(sentences.get(language, sentences["en"]))


def _fill(sentence: str, value: str, kind: str | None) -> tuple[str, list[Label]]:
    """The sentence with the value in it, and its label; `{...}` in a value stands around the labelled part."""
    before, _, after = sentence.partition("{}")
    if kind is None:
        return before + value + after, []
    start, stop = 0, len(value)
    if kind == "url_credentials":
        start = value.index("{")
        stop = value.index("}") - 1
        value = value.replace("{", "", 1).replace("}", "", 1)
    return before + value + after, [Label(kind, len(before) + start, len(before) + stop)]


def messages(split: str, count: int, seed: int = 1) -> list[Message]:
    """`count` messages of a split: one to three sentences, some with an entity, some with something that looks alike."""
    rng = random.Random(f"pii {split} {seed}")
    locales = LOCALES[split]
    fakes = {locale: faker.Faker(locale) for locale in {*locales, *MADE_IN.values(), *BANK_IN.values()}}
    for locale, fake in sorted(fakes.items()):
        fake.seed_instance(f"{locale} {split} {seed}")
    kinds = list(ENTITIES)
    weights = [WEIGHTS.get(kind, 1) for kind in kinds]
    made = []
    for _ in range(count):
        locale = rng.choice(locales)
        own = fakes[locale]

        def make_with(make: Make, locale: str = locale) -> str:
            if make in (iban, bad_iban):
                locale = BANK_IN.get(locale, locale)
            return make(rng, fakes[MADE_IN.get(make, locale)])

        text, labels = "", []
        for _ in range(rng.choice((1, 1, 2, 3))):
            draw = rng.random()
            kind, value = None, ""
            if draw < 0.55:
                kind = rng.choices(kinds, weights)[0]
                value = make_with(ENTITIES[kind])
            elif draw < 0.85:
                value = make_with(rng.choice(NEGATIVES[split]))
            filler = rng.choice((own.sentence, own.name, own.company))() if not value else ""
            piece, found = _fill(_sentence(rng, split, locale, kind), value, kind) if value else (filler, [])
            if text:
                # Two numbers with nothing but a space between them could be one to anybody.
                glued = text[-1].isalnum() and piece[0] in "+(0123456789"
                text += "\n" if glued else rng.choice(("\n", " ", " ", "  "))
            labels += [Label(label.kind, label.start + len(text), label.stop + len(text)) for label in found]
            text += piece
        made.append(Message(text, locale, tuple(labels)))
    return made


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=SPLITS, default="held-out")
    parser.add_argument("--rows", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    for message in messages(arguments.split, arguments.rows, arguments.seed):
        found = [f"{label.kind}={message.text[label.start : label.stop]!r}" for label in message.labels]
        print(f"{message.locale}  {message.text!r}  {', '.join(found)}")


if __name__ == "__main__":
    main()
