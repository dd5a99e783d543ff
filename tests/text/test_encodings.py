"""The encodings that a text may be in, by sentences of several languages."""

import gzip
import os
import shutil
import subprocess

import pytest

from charrnn.errors import TextError
from charrnn.text import sources
from charrnn.text.corpus import read
from charrnn.text.decoding import Decoding
from charrnn.text.encodings import ENCODINGS, Reading, is_utf_8_with_mistakes, readings
from charrnn.text.sources import File

SENTENCES = {
    "English": "It’s not “fine” – the keeper’s lamp went out, and the café’s too…",
    "German": "Die Kinder fürchten sich, wenn draußen der Wind über die Dächer fährt; größer wird"
    " nur die Stille.",
    "French": "L’été dernier, nous avons mangé des crêpes à côté de la forêt, et le garçon a ri.",
    "Spanish": "¿Dónde está el niño? Mañana vendrá con su compañera; habrá café y música.",
    "Portuguese": "Não há pão nem maçãs na mesa, mas os irmãos estão contentes com o verão.",
    "Swedish": "På ön står två små hus, och en gammal båt ligger på stranden väntande på våren.",
    "Polish": "Książka leży na stole, a pies śpi pod łóżkiem; jutro będzie ładniejszy dzień, więc"
    " pójdziemy nad rzekę źródlaną.",
    "Czech": "Příliš žluťoučký kůň stál u řeky a děti mu nosily čerstvou trávu.",
    "Hungarian": "Az öreg tűzoltó őrizte a várost, míg a gyerekek győztek a versenyen.",
    "Romanian": "Băiatul şi fata merg spre munţi, unde zăpada încă nu s-a topit.",
    "Turkish": "Güneş doğduğunda küçük çocuk ağacın altında uyuyordu, ışık yüzüne vuruyordu.",
    "Icelandic": "Það er ekki satt að þú hafir séð bátinn við bryggjuna í gær.",
    "Russian": "Вчера вечером мы долго гуляли по берегу реки и говорили о том, что будет завтра.",
    "Ukrainian": "Її брат їхав додому, і вони разом співали пісень про ліс і річку.",
    "Greek": "Το πρωί η θάλασσα ήταν ήσυχη και οι ψαράδες γύρισαν νωρίς στο λιμάνι.",
    "Hebrew": "אתמול בערב הלכנו לאורך הנהר ודיברנו על מה שיהיה מחר בבוקר.",
    "Arabic": "في المساء مشينا على ضفة النهر وتحدثنا عن الغد وعن الأصدقاء القدامى.",
    "Thai": "เมื่อวานตอนเย็นเราเดินเล่นริมแม่น้ำและคุยกันเรื่องวันพรุ่งนี้",
    "simplified Chinese": "昨天晚上我们在河边走了很久，谈到了明天要做的事情。孩子们已经睡着了。",
    "traditional Chinese": "昨天晚上我們在河邊走了很久，談到了明天要做的事情。孩子們已經睡著了。",
    "Japanese": "昨日の夜、私たちは川のそばを長く歩いて、明日のことを話しました。もう寝た。",
    "Korean": "어제 저녁에 우리는 강가를 오래 걸으면서 내일 할 일에 대해 이야기했다.",
}
CASES = [
    ("English", "cp1252"),
    ("English", "macintosh"),
    ("German", "cp1252"),
    ("German", "cp850"),
    ("German", "macintosh"),
    ("French", "cp1252"),
    ("French", "macintosh"),
    ("Spanish", "cp1252"),
    ("Portuguese", "cp1252"),
    ("Swedish", "cp1252"),
    ("Polish", "cp1250"),
    ("Polish", "iso8859-2"),
    ("Czech", "cp1250"),
    ("Hungarian", "cp1250"),
    ("Romanian", "cp1250"),
    ("Turkish", "cp1254"),
    ("Icelandic", "cp1252"),
    ("Russian", "cp1251"),
    ("Russian", "koi8-r"),
    ("Russian", "cp866"),
    ("Ukrainian", "cp1251"),
    ("Ukrainian", "koi8-u"),
    ("Greek", "cp1253"),
    ("Hebrew", "cp1255"),
    ("Arabic", "cp1256"),
    ("Thai", "cp874"),
    ("simplified Chinese", "gb18030"),
    ("traditional Chinese", "big5"),
    ("Japanese", "cp932"),
    ("Japanese", "euc-jp"),
    ("Korean", "cp949"),
]


@pytest.mark.parametrize("repeat", [1, 30])
@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_the_encoding_of_a_text_is_named_first(language, encoding, repeat):
    text = (SENTENCES[language] + "\n") * repeat
    (first, *_) = readings(text.encode(encoding))
    assert first.text == text


@pytest.mark.parametrize("language", SENTENCES)
@pytest.mark.parametrize("encoding", [name for name in ENCODINGS if name.startswith("utf")])
def test_unicode_without_a_mark_is_named_first(language, encoding):
    text = SENTENCES[language] + "\n"
    (first, *_) = readings(text.encode(encoding))
    assert first.text == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("it’s\n", "cp1252"),
        ("don’t, won’t, can’t\n", "cp1252"),
        ("“fine” – really…\n", "cp1252"),
        ("café\n", "cp1252"),
        ("CAFÉ DÉJÀ VU\n", "cp1252"),
        ("20 °C, 5 €, 3 m²\n", "cp1252"),
        ("Straße\n", "cp1252"),
        ("Привет\n", "cp1251"),
        ("привет, мир\n", "koi8-r"),
        ("Łódź\n", "cp1250"),
        ("你好\n", "gb18030"),
        ("你好，世界\n", "gb18030"),
        ("こんにちは\n", "cp932"),
        ("こんにちは\n", "euc-jp"),
        ("안녕하세요\n", "cp949"),
        ("我們\n", "big5"),
    ],
)
def test_a_few_characters_are_enough(text, encoding):
    found = readings(text.encode(encoding))
    assert found[0].text == text


def test_text_that_only_ascii_surrounds_is_found_in_a_long_sample():
    text = "a line of a log\n" * 1_000 + "naïve café\n" + "a line of a log\n" * 1_000
    assert readings(text.encode("cp1252"))[0].encoding == "cp1252"


def test_latin_1_is_never_named():
    assert "latin-1" not in ENCODINGS
    assert "iso8859-1" not in ENCODINGS


def test_bytes_of_no_language_have_no_encoding():
    assert readings(bytes(range(255, 0, -1)) * 20) == []


def test_ascii_with_a_nul_is_not_utf_16():
    assert readings(b"a line of a log\n" * 100 + b"x\0y\n") == []


def test_readings_that_are_alike_are_named_once():
    texts = [reading.text for reading in readings("„Größe“\n".encode("cp1252"))]
    assert len(texts) == len(set(texts))


def words(text):
    """The words that are shown of a text."""
    return Reading("cp1252", 1, text).words()


def test_words_with_characters_outside_of_ascii_are_shown():
    assert words("It’s “fine” – and that’s that\n") == '"It’s", "“fine”", "–"'
    assert words("a café, a café and\xa0a bar") == '"café,", "café"'
    assert words("plain words and more of them") == '"plain", "words", "and"'


def test_long_words_are_cut_around_their_first_letter_outside_of_ascii():
    assert words("昨天晚上我们在河边走了很久很久") == '"昨天晚上我们在河边走了很", "久很久"'
    assert words(20 * "a" + "éb" + 20 * "c") == '"aaaaébcccccc"'
    words(100_000 * "a" + "é" + 100_000 * "a")  # in a moment


@pytest.mark.parametrize(("mistakes", "expected"), [(0, False), (1, True), (30, False)])
def test_utf_8_with_mistakes_is_told_from_other_encodings(mistakes, expected):
    data = "größer, schöner, müder\n".encode() * 10 + b"caf\xe9 \n" * mistakes
    assert is_utf_8_with_mistakes(data) == expected


def refusal(path):
    """The error of a file."""
    with pytest.raises(TextError) as caught:
        read([path])
    return str(caught.value)


def test_the_error_names_the_encodings_as_options(write):
    said = refusal(write("q.txt", "It’s “fine” – really\n".encode("cp1252") * 200))
    assert "not utf-8 at byte 2 (92 73 20 93): name its encoding: --encoding cp1252 (" in said
    assert '"It’s", "“fine”", "–"' in said
    assert "latin" not in said


def test_the_error_names_utf_16_by_its_pattern_alone(write):
    wide = refusal(write("u.txt", "plain text\n".encode("utf-16le") * 100))
    assert "a NUL at byte 1 (00 6c 00 61): name its encoding: --encoding utf-16le" in wide
    log = refusal(write("log.txt", b"a line of a log\n" * 3_000 + b"x\0y\n"))
    assert log.endswith(
        "a NUL at byte 48,001 (00 79 0a): leave out NULs with --encoding-errors ignore"
    )
    assert "utf-16" not in log


def test_utf_8_with_a_mistake_is_not_another_encoding(write):
    said = refusal(write("a.txt", "größer\n".encode() * 500 + b"caf\xe9\n" + "größer\n".encode()))
    assert "not utf-8 at byte 4,503 (e9 0a 67 72), but most letters there are" in said
    assert said.endswith("read past such bytes with --encoding-errors replace")


def test_an_encoding_that_fits_the_beginning_alone_is_not_named(write, monkeypatch):
    monkeypatch.setattr(sources, "SAMPLE_BYTES", 4096)
    good = "caf\xe9 noir\n".encode("cp1252") * 1_000
    assert "cp1252" in refusal(write("good.txt", good))
    assert "cp1252" not in refusal(write("bad.txt", good + b"\x81\x8d\n"))


def test_a_wrong_encoding_is_answered_with_another_one(write):

    path = write("a.txt", "grün, größer\n".encode())
    with pytest.raises(TextError, match=r'not ascii at byte 2 .*: --encoding utf-8 \("grün,"'):
        "".join(File(path, Decoding("ascii")))


def test_a_sample_far_from_the_beginning_begins_with_a_line(write):
    data = b"plain ASCII, line by line\n" * 20_000 + "こんにちは、世界\n".encode("euc-jp") * 5
    assert "--encoding euc-jp (" in refusal(write("a.txt", data))


@pytest.mark.skipif(os.name != "posix", reason="commands of a shell")
@pytest.mark.parametrize(
    ("name", "pack"),
    [("old file.txt", bytes), ("old.gz", lambda data: gzip.compress(data, mtime=0))],
)
def test_one_file_of_several_is_converted_as_it_is_said(name, pack, write, tmp_path):
    data = "müde\n".encode("cp1252")
    new, old = write("new.txt", "größer\n".encode()), write(name, pack(data))
    with pytest.raises(TextError, match=r'--encoding cp1252 .*"müde".*; if other files') as caught:
        read([new, old])
    command = str(caught.value).split("`")[1]
    subprocess.run(["sh", "-c", command], check=True, timeout=60)
    assert read([new, old]).text == "größer\nmüde\n"
    assert (tmp_path / f".{name}").read_bytes() == pack(data)


@pytest.mark.skipif(not shutil.which("iconv"), reason="without iconv")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_iconv_knows_the_names_of_the_encodings(encoding):
    done = subprocess.run(
        ["iconv", "-f", encoding, "-t", "utf-8"], input="a\n".encode(encoding), capture_output=True
    )
    assert (done.returncode, done.stdout) == (0, b"a\n")


#: Sentences that no letter of the tables was chosen for, by encoding.
OTHERS = {
    "cp1252": [
        "Der Bäcker öffnet früh.",
        "Où est passé le chat ?",
        "Ça va très bien, merci.",
        "El año pasado llovió mucho en Málaga.",
        "São Paulo é grande.",
        "Perché no? È così.",
        "Smørrebrød på dansk",
        "Vi går hem när solen går ner",
        "Hyvää päivää, mitä kuuluu?",
        "Het café is één straat verder",
        "“Yes,” she said – ‘maybe’",
        "naïve façade",
        "£5 and ½ a pound © 1999",
        "Þórður fór út",
        "l’Œuvre complète",
        "ÜBER ALLE GIPFEL",
        "Fußgängerübergänge",
        "Les élèves ont été félicités à l’école",
    ],
    "cp1250": [
        "Zażółć gęślą jaźń",
        "Łukasz mieszka w Gdańsku.",
        "Proszę przyjść później, mówił.",
        "Dobrý den, jak se máš?",
        "Šílený řidič předjížděl",
        "Szép őszi idő van, ülj le",
        "Ľudia sú rôzni a šťastní",
        "Câine, pisică şi vrăbii",
        "Čuvaj se, đače, žurno",
    ],
    "cp1251": [
        "Добрый день",
        "Мама мыла раму",
        "В лесу родилась ёлочка",
        "ПРИВЕТ ВСЕМ",
        "Доброе утро, София, как си?",
        "Добро јутро, мој пријатељу",
        "Це моя хата, їжак і ґава",
    ],
    "koi8-r": [
        "Добрый день, дорогие друзья",
        "Мама мыла раму",
        "да",
        "Привет",
    ],
    "cp866": [
        "Добрый день, дорогие друзья",
        "Мама мыла раму",
    ],
    "iso8859-2": [
        "Zażółć gęślą jaźń",
        "Proszę przyjść później, mówił.",
        "Šílený řidič předjížděl",
    ],
    "gb18030": [
        "今天天气很好，我们去公园散步吧。",
        "学习使人进步",
        "中国历史悠久",
        "请问，图书馆在哪里？",
        "第一章 开始",
        "他走进屋里，关上了门，一句话也没说。",
        "苹果",
    ],
    "big5": [
        "今天天氣很好，我們去公園散步吧。",
        "學習使人進步",
        "請問，圖書館在哪裡？",
        "他走進屋裡，關上了門，一句話也沒說。",
        "第一章 開始",
    ],
    "cp932": [
        "今日はいい天気ですね。",
        "吾輩は猫である。名前はまだ無い。",
        "カタカナの言葉",
        "東京都",
        "図書館はどこですか",
        "彼は部屋に入り、何も言わなかった。",
    ],
    "euc-jp": [
        "今日はいい天気ですね。",
        "吾輩は猫である。名前はまだ無い。",
        "カタカナの言葉",
        "東京都",
        "図書館はどこですか",
    ],
    "cp949": [
        "오늘은 날씨가 좋네요.",
        "도서관이 어디에 있습니까?",
        "한국어",
        "나는 학교에 간다",
        "그는 방에 들어와 문을 닫고 아무 말도 하지 않았다.",
    ],
    "cp1253": [
        "Καλημέρα σας",
        "Η γάτα κοιμάται στον ήλιο",
    ],
    "cp1254": [
        "İstanbul çok güzel bir şehir",
        "Iğdır’da kış soğuk geçer",
        "Günaydın, nasılsın?",
    ],
    "cp1255": [
        "שלום עולם",
        "הספר על השולחן",
    ],
    "cp1256": [
        "صباح الخير يا صديقي",
        "الكتاب على الطاولة",
    ],
    "macintosh": [
        "Les élèves ont été félicités à l’école",
        "Über den Dächern",
        "“Quoted” – text",
    ],
    "cp850": [
        "Über den Dächern läuft ein Kätzchen",
        "déjà vu à côté",
    ],
    "cp874": [
        "สวัสดีครับ",
    ],
    "cp1257": [
        "Labas rytas, ačiū už žąsį",
        "Paldies, čūska ēd ābolu",
    ],
}


def test_most_short_sentences_have_the_right_encoding_first_and_nearly_all_have_it():
    ranks = []
    for encoding, sentences in OTHERS.items():
        for sentence in sentences:
            texts = [reading.text for reading in readings(sentence.encode(encoding))]
            ranks.append(texts.index(sentence) if sentence in texts else len(ENCODINGS))
    assert len(ranks) == 88
    assert sum(rank == 0 for rank in ranks) >= 80
    assert sum(rank < len(ENCODINGS) for rank in ranks) >= 85
