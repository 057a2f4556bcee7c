"""Chats that nobody wrote: seeded, varied, of any size, for demos, tests and benchmarks.

The mix is that of real group chats: short messages with a long tail, a fifth outside ASCII, links, e-mail addresses,
phone numbers, attachments, messages of several lines, messages of the app itself.
"""

from __future__ import annotations

import datetime
import itertools
import random
from collections.abc import Callable, Iterator

__all__ = ["DIALECTS", "generate_whatsapp", "iter_whatsapp"]

_ENGLISH_WORDS = """
    the a to and of in it is you that we for on be at with this have not are but was what they from will can all just if
    so like about there out get one when time would good know see make go could now really think then want need some
    here more come back today tomorrow tonight meeting dinner lunch train station ticket price market garden school
    family kids mother brother friend neighbour house kitchen window table paper project report invoice order delivery
    address number street corner bridge river mountain weather rain sunny cold warm winter summer weekend Monday Friday
    morning evening night hour minute later soon maybe perhaps probably sure definitely great nice lovely awful terrible
    funny strange quick slow early late busy free open closed full empty first second third last next other another many
    few enough please thanks sorry hello bye yes no okay right wrong left answer question idea plan photo video music
    concert film book story game match team player coach ticket bike car bus plane airport hotel beach island holiday
    birthday party cake coffee tea bread cheese soup salad chicken fish pasta pizza sauce doctor dentist hospital
    medicine phone battery charger screen laptop password account bank transfer money budget discount receipt box key
    door light water power
"""
_SLANG_WORDS = """
    lol ok haha brb omg yep nope hmm btw idk tbh fyi asap +1 :) ;) :D xD ... !! ?? 10:30 5pm 50% $20 #1 v2.0 24/7 w/
    don't it's
"""
_EMOJI_WORDS = """
    😂 👍 ❤️ 🙏 🎉 😅 🔥 😍 🤔 👏 💪 😊 🥳 ☕ 👨‍👩‍👧‍👦 👍🏽 🇧🇷 🏳️‍🌈 😭 ✨ 🚗 🍕 1️⃣
"""
_ENGLISH = _ENGLISH_WORDS.split()
_SLANG = _SLANG_WORDS.split()
_EMOJI = _EMOJI_WORDS.split()
# Languages whose every message holds something outside ASCII.
_WIDE = {
    "pt": "você não está amanhã reunião então também até mãe irmão café pão açúcar coração número endereço "
    "preço avião que para com uma mais hoje muito obrigado vamos casa tudo bem onde quando pode fazer "
    "agora depois",
    "es": "mañana qué cómo también está niño año días número dirección corazón reunión aquí más después "
    "café el la los para con una todo bien gracias vamos donde cuando puede hacer ahora luego casa "
    "hola",
    "de": "schön für über müssen können Straße Grüße nächste früh später heißt Größe Tür Küche ich du wir "
    "und der die das ist nicht mit auf heute morgen danke bitte Haus gut viel",
    "fr": "été déjà après où ça être même très français garçon réunion téléphone café forêt je tu nous et "
    "le la les est pas avec pour demain merci maison bien beaucoup",
    "ru": "привет сегодня завтра спасибо хорошо где когда можно нужно очень дом работа встреча вечером "
    "утром деньги дорога поезд и в на не что это как да нет",
    "ar": "مرحبا شكرا اليوم غدا البيت العمل أين متى كيف صباح مساء الخير جميل نعم لا في من على إلى هذا",
    "zh": "今天 明天 我们 你好 谢谢 可以 什么 时候 晚上 "
    "早上 开会 吃饭 回家 火车 电影 没问题 知道了 在哪里 多少钱 太好了",
    "hi": "नमस्ते धन्यवाद आज कल घर काम कहाँ कब कैसे अच्छा बहुत हाँ नहीं है में और यह",
}
_WIDE_SHARE = (("pt", 30), ("es", 20), ("de", 8), ("fr", 10), ("ru", 8), ("ar", 7), ("zh", 12), ("hi", 5))
_FIRST_WORDS = """
    Ana Bruno Carla Diego Elena Fábio Gabriela Hugo Inês João Karin Luís Maria Nuno Olga Paulo Rita Sofia Tiago Vera Zoë
    Ahmed Yuki Wei Priya Ravi Chloé Søren Łukasz Müge Amélie Noah Emma Liam Mia Ivan Nadia Omar Fatima José
"""
_LAST_WORDS = """
    Silva Santos Costa Pereira Almeida Rocha Lima Ribeiro Carvalho Gomes Martins Araújo Müller Schmidt García López
    Dubois Moreau Rossi Ferrari Nowak Jansen Kumar Patel Tanaka Kim Chen Novák Ivanov Öztürk
"""
_HOSTS_WORDS = """
    example.org example.com news.example.net shop.example.com docs.example.org video.example.net maps.example.com
"""
_PATHS_WORDS = """
    watch story item recipe photo album event thread article profile
"""
_FIRST = _FIRST_WORDS.split()
_LAST = _LAST_WORDS.split()
_HOSTS = _HOSTS_WORDS.split()
_PATHS = _PATHS_WORDS.split()
_FILES = (("IMG", "jpg"), ("VID", "mp4"), ("PTT", "opus"), ("AUD", "m4a"), ("STK", "webp"), ("DOC", "pdf"))
_IOS_FILES = (("PHOTO", "jpg"), ("VIDEO", "mp4"), ("AUDIO", "opus"), ("STICKER", "webp"), ("GIF", "mp4"))
_IOS_OMITTED = ("image", "video", "audio", "sticker", "GIF", "document")
_NOTICE = "Messages and calls are end-to-end encrypted. Only people in this chat can read or share them."
_AUTHORS = 400
_BATCH = 1024
_FIRST_DAY = datetime.datetime(2022, 3, 5, 9, 15)
_MEAN_SECONDS = 75.0

_Stamp = Callable[[datetime.datetime], str]


def _us_time(time: datetime.datetime) -> str:
    marker = "AM" if time.hour < 12 else "PM"
    return f"{time.month}/{time.day}/{time:%y}, {time.hour % 12 or 12}:{time:%M}\u202f{marker}"


_HEADERS: dict[str, _Stamp] = {
    "android-24h": lambda time: f"{time:%d/%m/%Y, %H:%M} - ",
    "android-us": lambda time: f"{_us_time(time)} - ",
    "android-de": lambda time: f"{time:%d.%m.%y, %H:%M} - ",
    "ios": lambda time: f"[{time:%d/%m/%Y, %H:%M:%S}] ",
}
DIALECTS = tuple(_HEADERS)
_IOS = "ios"


class _Writer:
    """Makes bodies of messages; every random choice comes from one seeded source."""

    def __init__(self, rng: random.Random, ios: bool) -> None:
        self.rng = rng
        self.ios = ios
        self.ascii = _ENGLISH * 6 + _SLANG
        self.wide = {name: words.split() for name, words in _WIDE.items()}
        self.pairs = [" ".join(rng.choices(_ENGLISH, k=2)) for _ in range(4000)]
        self.lengths = [min(int(rng.lognormvariate(2.42, 0.95)) + 1, 420) for _ in range(5000)]
        self.languages = rng.choices([name for name, _ in _WIDE_SHARE], [share for _, share in _WIDE_SHARE], k=997)
        self.number = 0

    def words(self) -> str:
        """A message without anything special in it."""
        rng, count = self.rng, self.lengths[int(self.rng.random() * 5000)]
        kind = rng.random()
        if kind < 0.79:
            text = " ".join(rng.choices(self.pairs, k=count // 3 + 1))
            if count % 3:
                text += " " + " ".join(rng.choices(self.ascii, k=count % 3))
            return text.capitalize() + "." if kind < 0.3 else text
        if kind < 0.88:
            text = " ".join(rng.choices(self.ascii, k=count)) + " " + rng.choice(_EMOJI)
            return text + rng.choice(_EMOJI) if kind < 0.83 else text
        words = self.wide[self.languages[int(rng.random() * 997)]]
        return " ".join(rng.choices(words, k=count)) + " " + words[count % 7]

    def url(self) -> str:
        rng = self.rng
        path = f"{rng.choice(_PATHS)}/{rng.getrandbits(40):x}"
        return f"https://{rng.choice(_HOSTS)}/{path}" + (f"?v={rng.getrandbits(24)}&t=1" if rng.random() < 0.3 else "")

    def phone(self) -> str:
        rng = self.rng
        a, b = rng.randrange(10000, 99999), rng.randrange(1000, 9999)
        mobile = f"9{a % 10000:04}-{b}"
        return rng.choice((f"+55 11 {mobile}", f"+1 (555) 010-{b}", f"(21) {mobile}", f"+44 20 7946 0{b % 1000:03}"))

    def address(self) -> str:
        rng = self.rng
        name = f"{rng.choice(_ENGLISH)}{rng.randrange(1000)}".lower()
        return f"{name}@{rng.choice(_HOSTS)}" if rng.random() < 0.6 else f"@{name}"

    def media(self, time: datetime.datetime) -> str:
        rng = self.rng
        self.number += 1
        if self.ios:
            kind, extension = rng.choice(_IOS_FILES)
            return f"\u200e<attached: {self.number:08}-{kind}-{time:%Y-%m-%d-%H-%M-%S}.{extension}>"
        kind, extension = rng.choice(_FILES)
        caption = f"\n{self.words()}" if rng.random() < 0.15 else ""
        return f"{kind}-{time:%Y%m%d}-WA{self.number % 10000:04}.{extension} (file attached){caption}"

    def body(self, time: datetime.datetime) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.755 or 0.961 <= kind < 0.977:
            return self.words()
        if kind < 0.835:
            return f"{self.words()} {self.url()}" if kind < 0.81 else self.url()
        if kind < 0.864:
            return f"{self.words()} {self.address()}"
        if kind < 0.883:
            return f"{self.words()} {self.phone()}"
        if kind < 0.903:
            return self.media(time)
        if kind < 0.937:
            return "\n".join(self.words() for _ in range(rng.randint(2, 5)))
        if kind < 0.961:
            mark = rng.choice(("<", ">", "&", "<3", "->", "<b>"))
            return f"{self.words()} {mark} {rng.choice(_ENGLISH)}"
        if kind < 0.990:
            return f"\u200e{rng.choice(_IOS_OMITTED)} omitted" if self.ios else "<Media omitted>"
        if kind < 0.996:
            return ("\u200e" if self.ios else "") + "This message was deleted"
        return f"location: https://maps.google.com/?q={rng.uniform(-60, 60):.6f},{rng.uniform(-180, 180):.6f}"

    def system(self, authors: list[str]) -> str:
        """What the app says, without an author."""
        a, b, topic = *self.rng.choices(authors, k=2), " ".join(self.rng.choices(_ENGLISH, k=2))
        text = self.rng.choice(
            (
                f"{a} added {b}",
                f"{a} left",
                f"{b} joined using this group's invite link",
                f'{a} changed the subject from "{topic}" to "Trip: {topic}"',
                f"{a} changed this group's icon",
                f"{b} changed their phone number to a new number. Tap to message or add the new number.",
            )
        )
        return f"\u200e{text}" if self.ios else text


def _make_authors(rng: random.Random, ios: bool) -> list[str]:
    names = [f"{first} {last}" for first in _FIRST for last in _LAST]
    rng.shuffle(names)
    authors = names[: _AUTHORS * 3 // 4]
    while len(authors) < _AUTHORS:
        phone = f"+55 {rng.randrange(11, 99)} 9{rng.randrange(1000, 9999)}-{rng.randrange(1000, 9999)}"
        authors.append(f"\u202a{phone}\u202c" if ios else phone)
        authors.append(f"~\u202f{rng.choice(_FIRST)} {rng.choice(_EMOJI)}{len(authors)}")
    return authors[:_AUTHORS]


def iter_whatsapp(
    rows: int, seed: int = 7, dialect: str = "android-24h", start: datetime.datetime = _FIRST_DAY
) -> Iterator[str]:
    """The messages of generate_whatsapp, one at a time, each with header and end of line; the first at `start`."""
    if dialect not in _HEADERS:
        raise ValueError(f"generate_whatsapp: expected dialect to be one of {', '.join(DIALECTS)}, got {dialect!r}")
    if rows < 0:
        raise ValueError(f"generate_whatsapp: expected rows >= 0, got {rows}")
    return _messages(rows, random.Random(seed), _HEADERS[dialect], dialect == _IOS, start)


def _messages(rows: int, rng: random.Random, stamp: _Stamp, ios: bool, start: datetime.datetime) -> Iterator[str]:
    end = "\r\n" if ios else "\n"
    writer, authors = _Writer(rng, ios), _make_authors(rng, ios)
    weights = list(itertools.accumulate(1 / (rank + 3) for rank in range(len(authors))))
    time, second = start, datetime.timedelta(seconds=1)
    for first in range(0, rows, _BATCH):
        for author in rng.choices(authors, cum_weights=weights, k=min(_BATCH, rows - first)):
            if time is start:
                yield f"{stamp(time)}{chr(0x200E) if ios else ''}{_NOTICE}{end}"
            elif rng.random() < 0.02:
                yield f"{stamp(time)}{writer.system(authors)}{end}"
            else:
                body = writer.body(time)
                mark = "\u200e" if ios and (body.startswith("\u200e<") or body.endswith(" omitted")) else ""
                yield f"{mark}{stamp(time)}{author}: {body}{end}"
            time += second * int(rng.expovariate(1 / _MEAN_SECONDS) + 1)


def generate_whatsapp(rows: int, seed: int = 7, dialect: str = "android-24h") -> str:
    """A WhatsApp export of `rows` messages in one of DIALECTS; equal arguments, equal text.

    Lines end as the phone would end them: with LF on Android, with CRLF between messages and LF within them on iOS.

    >>> generate_whatsapp(2).split(" - ")[0]
    '05/03/2022, 09:15'
    """
    return "".join(iter_whatsapp(rows, seed, dialect))
