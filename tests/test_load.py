"""Files as people keep them: encodings, front matter, titles and dates."""

from __future__ import annotations

import contextlib
import random
import time
from itertools import pairwise
from pathlib import Path

import pytest

from rag.errors import LoadError, UnknownFormat
from rag.load import load, loadable
from rag.schema import Essay
from rag.text.decoding import decode

SEEDS = Path(__file__).parent.parent / "seeds"
SIMPLIFIED = "今天天气很好，我们去公园散步。"
TRADITIONAL = "今天天氣很好，我們去公園散步。這是一個很好的開始。"


def essay(folder: Path, text: str | bytes, name: str = "file.txt") -> Essay:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(path, f"folder/{name}")


@pytest.mark.parametrize(
    ("text", "encoding", "found"),
    [
        (SIMPLIFIED, "utf-8", "utf-8"),
        (SIMPLIFIED, "utf-8-sig", "utf-8"),
        (SIMPLIFIED, "utf-16", "utf-16-le"),
        (SIMPLIFIED + " and ASCII\r\n", "utf-16-le", "utf-16-le"),
        (SIMPLIFIED + " and ASCII\r\n", "utf-16-be", "utf-16-be"),
        ("plain English text, nothing else.", "utf-16-le", "utf-16-le"),
        (SIMPLIFIED, "utf-32", "utf-32-le"),
        (SIMPLIFIED, "gb18030", "gb18030"),
        ("你好，世界", "gb18030", "gb18030"),
        ("AI 大模型的训练与推理\r\n第二行", "gb18030", "gb18030"),
        ("生僻字：𠀀㐀。" + SIMPLIFIED, "gb18030", "gb18030"),
        (TRADITIONAL, "gb18030", "gb18030"),
        (TRADITIONAL, "big5", "big5hkscs"),
        ("人工智慧的發展與未來", "big5", "big5hkscs"),
        ("AI 產業的訓練與推理，以及應用。", "big5", "big5hkscs"),
        ("Le café est fermé à Noël, désolé.", "cp1252", "cp1252"),
        ("これは日本語の文章です。とても長い。", "shift_jis", "shift_jis"),
        ("これは日本語の文章です。とても長い。", "iso2022_jp", "iso2022_jp_2"),
        ("English words, then はい.\r\n", "iso2022_jp", "iso2022_jp_2"),
        ("그는 다음 해에 돌아왔다.", "iso2022_kr", "iso2022_kr"),
        (SIMPLIFIED + " and ASCII\r\n", "hz", "hz"),
        (TRADITIONAL + " and ASCII\r\n", "utf-7", "utf-7"),
        ("Un été à la mer, déjà passé.", "utf-7", "utf-7"),
        ("C++ and a+bcd-e, x~{y} and foo+bar-baz+qux-quux, 1+100-3.", "ascii", "utf-8"),
        ("", "utf-8", "utf-8"),
        ("a\r\nb\rc\n", "utf-8", "utf-8"),
    ],
)
def test_decode(text: str, encoding: str, found: str) -> None:
    assert decode(text.encode(encoding)) == (text, found)


OLD_ENCODINGS = [
    (
        "cp1250 iso8859_2",
        "Wiosną otworzyliśmy małą piekarnię na rogu ulicy. Przez pierwsze tygodnie "
        "nikt nie przychodził, a później ustawiała się kolejka aż do mostu. Babcia "
        "mówiła, że chleb musi być ciepły jak dłoń. Źle spaliśmy, ale byliśmy "
        "szczęśliwi.",
        "Wiosną otworzyliśmy małą piekarnię.",
    ),
    (
        "cp1250 iso8859_2",
        "Můj dědeček měl včely na zahradě za kostelem. Každé ráno k nim chodil s "
        "dýmkou a mluvil s nimi jako se sousedy. Když zemřel, řekli jsme jim to "
        "potichu. Příští léto odletěly.",
        "Včera přišel můj bratr z města.",
    ),
    (
        "cp1250 iso8859_2",
        "Môj starý otec mal včely v záhrade za kostolom. Každé ráno k nim chodil s "
        "fajkou a hovoril s nimi ako so susedmi. Ľudia hovorili, že ho počúvajú. Keď "
        "zomrel, povedali sme im to potichu.",
        "Ľudia hovorili, že včely počúvajú každé slovo.",
    ),
    (
        "cp1250 iso8859_2",
        "A nagyapám méheket tartott a templom mögötti kertben. Minden reggel kiment "
        "hozzájuk, és úgy beszélt velük, mint a szomszédokkal. Amikor meghalt, "
        "csöndben megmondtuk nekik. A következő nyáron elrepültek, és a fű magasra "
        "nőtt.",
        "A következő őszön nőtt a fű a kertben.",
    ),
    (
        "cp1250 iso8859_2",
        "Bunicul meu ţinea albine în grădina din spatele bisericii. În fiecare "
        "dimineaţă mergea la ele şi vorbea cu ele ca şi cu vecinii. Când a murit, "
        "le-am spus încet. Vara următoare au plecat.",
        "Vara următoare albinele au plecat şi grădina a rămas goală.",
    ),
    (
        "cp1250 iso8859_2",
        "Moj je djed držao pčele u vrtu iza crkve. Svako jutro odlazio je k njima i "
        "pričao im kao susjedima. Kad je umro, rekli smo im tiho. Sljedećeg ljeta "
        "odletjele su, a kuća je ostala prazna i tiša.",
        "Sljedećeg ljeta pčele su odletjele iz košnice.",
    ),
    (
        "cp1254 iso8859_9",
        "İlkbaharda nehrin kıyısında küçük bir fırın açtık. İlk haftalarda kimse "
        "gelmedi, sonra köprüye kadar kuyruk oluştu. Büyükannem ekmeğin el gibi sıcak "
        "olması gerektiğini söylerdi. Az uyuduk ama mutluyduk.",
        "İlkbaharda nehrin kıyısında küçük bir fırın açtık.",
    ),
    (
        "cp1253 iso8859_7",
        "Την άνοιξη ανοίξαμε έναν μικρό φούρνο στη γωνία του δρόμου. Τις πρώτες "
        "εβδομάδες δεν ερχόταν κανείς, ύστερα η ουρά έφτανε ως τη γέφυρα. Η γιαγιά "
        "έλεγε ότι το ψωμί πρέπει να είναι ζεστό σαν χέρι. Άλλοι γελούσαν.",
        "Την άνοιξη ανοίξαμε έναν μικρό φούρνο.",
    ),
    (
        "cp1255 iso8859_8",
        "באביב פתחנו מאפייה קטנה בפינת הרחוב. בשבועות הראשונים לא בא איש, ואחר כך הגיע "
        "התור עד הגשר. סבתא אמרה שהלחם צריך להיות חם כמו יד. ישנו מעט אבל היינו "
        "מאושרים.",
        "באביב פתחנו מאפייה קטנה בפינת הרחוב.",
    ),
    (
        "cp1256 iso8859_6",
        "في الربيع فتحنا مخبزا صغيرا في زاوية الشارع. في الأسابيع الأولى لم يأت أحد، "
        "ثم وصل الطابور إلى الجسر. كانت جدتي تقول إن الخبز يجب أن يكون دافئا مثل اليد. "
        "كنا ننام قليلا لكننا كنا سعداء.",
        "في الربيع فتحنا مخبزا صغيرا في زاوية الشارع.",
    ),
    (
        "cp874 tis_620",
        "ในฤดูใบไม้ผลิเราเปิดร้านขนมปังเล็กๆ ที่มุมถนน สัปดาห์แรกไม่มีใครมาเลย "
        "ต่อมาแถวยาวไปถึงสะพาน ยายบอกว่าขนมปังต้องอุ่นเหมือนมือ เรานอนน้อยแต่มีความสุข",
        "ในฤดูใบไม้ผลิเราเปิดร้านขนมปังเล็กๆ ที่มุมถนน",
    ),
    (
        "cp1251 koi8_r iso8859_5 cp866",
        "Весной мы открыли маленькую пекарню на углу улицы. Первые недели никто не "
        "приходил, а потом очередь стояла до самого моста. Бабушка говорила, что хлеб "
        "должен быть тёплым, как ладонь. Мы мало спали, но были счастливы.",
        "Весной мы открыли маленькую пекарню.",
    ),
    (
        "cp1251 koi8_u",
        "Навесні ми відкрили маленьку пекарню на розі вулиці. Перші тижні ніхто не "
        "приходив, а потім черга стояла аж до мосту. Бабуся казала, що хліб має бути "
        "теплим, як долоня. Їхній сміх і ґанок я пам'ятаю.",
        "Навесні ми відкрили маленьку пекарню.",
    ),
    (
        "cp1257",
        "Pavasarį atidarėme mažą kepyklą gatvės kampe. Pirmąsias savaites niekas "
        "neatėjo, o paskui eilė nusidriekė iki tilto. Močiutė sakydavo, kad duona turi "
        "būti šilta kaip ranka. Mažai miegojome, bet buvome laimingi.",
        "Pavasarį atidarėme mažą kepyklą gatvės kampe.",
    ),
    (
        "cp1252",
        "Au printemps, nous avons ouvert une petite boulangerie près de l’église. Les "
        "premières semaines, personne ne venait ; après, la queue allait jusqu’au "
        "pont. Ma grand-mère disait : « Le pain doit être chaud comme une main. » Ma "
        "sœur riait, et là-bas, au cœur de l’été, l’œuvre fut achevée.",
        "Élève à Besançon, elle rêvait d’un cœur plus léger.",
    ),
    (
        "cp1252",
        "En primavera abrimos una pequeña panadería en la esquina. ¿Quién vendría? Las "
        "primeras semanas no vino nadie; después la cola llegaba al puente. ¡Qué "
        "alegría! Mi abuela decía que el pan debía estar caliente como una mano. Señor "
        "Núñez reía.",
        "¿Quién vendría a la pequeña panadería?",
    ),
    (
        "cp1252",
        "Na primavera abrimos uma pequena padaria na esquina. Nas primeiras semanas "
        "não veio ninguém; depois a fila chegava à ponte. A avó dizia que o pão devia "
        "estar quente como a mão. Você três vezes pôs lenha no fogão.",
        "A avó dizia que o pão devia estar quente.",
    ),
    (
        "cp1252",
        "Im Frühling öffneten wir eine kleine Bäckerei an der Straße. In den ersten "
        "Wochen kam niemand, später reichte die Schlange bis zur Brücke. Großmutter "
        "sagte: „Das Brot muss warm sein wie eine Hand.“",
        "Großmutter öffnete die Bäckerei früh.",
    ),
    (
        "cp1252",
        "Um vorið opnuðum við lítið bakarí á horninu. Fyrstu vikurnar kom enginn, en "
        "síðan náði röðin að brúnni. Amma sagði að brauðið ætti að vera hlýtt eins og "
        "hönd. Það var þó ekki alltaf svo; því að nýja mjölið þraut.",
        "Það var ekki alltaf svo, því að brauðið þraut.",
    ),
    (
        "cp1252",
        "Om foråret åbnede vi et lille bageri på hjørnet. De første uger kom der "
        "ingen, siden nåede køen helt til broen. Mormor sagde, at brødet skulle være "
        "varmt som en hånd. Æblerne var røde.",
        "De første uger kom der ingen på hjørnet.",
    ),
    (
        "cp1252",
        "In primavera aprimmo un piccolo forno all’angolo. Perché? La nonna diceva che "
        "il pane dev’essere caldo come una mano. Così è più buono, e però già nessuno "
        "venne; laggiù c’è la città. Lunedì riaprì.",
        "Perché la città è più buona, laggiù? Così è già lunedì.",
    ),
    (
        "cp1252",
        "A la primavera vam obrir un forn petit a la cantonada. Les primeres setmanes "
        "no venia ningú; després la cua arribava fins al pont. L'àvia deia que el pa "
        "havia d'estar calent. Això és així: raó, país, qüestió, col·lecció.",
        "L'àvia deia això: és així, amb raó.",
    ),
    (
        "cp1252",
        "The tank holds 5 m³ of water. Smith showed¹ it, as did Müller², and the café "
        "in Málaga charged £3.50 — “naïve”, he said. García’s résumé went to "
        "Ångström’s friend. It was 20 °C, ±2, and ½ full.",
        "The tank holds 5 m³ of water, as Müller showed¹.",
    ),
    (
        "shift_jis euc_jp",
        "春に私たちは通りの角に小さなパン屋を開いた。最初の数週間は誰も来なかったが、やがて行列は橋まで続いた。祖母はパンは手のように温かくなければならないと言った。",
        "春に小さなパン屋を開いた。",
    ),
    (
        "euc_kr",
        "봄에 우리는 길모퉁이에 작은 빵집을 열었다. "
        "처음 몇 주 동안은 아무도 오지 않았지만, 나중에는 줄이 다리까지 이어졌다. "
        "할머니는 빵이 손처럼 따뜻해야 한다고 말했다.",
        "봄에 우리는 작은 빵집을 열었다.",
    ),
    (
        "gb18030 big5hkscs",
        "春天我們在街角開了一家小麵包店。最初幾個星期沒有人來，後來隊伍一直排到橋邊。外婆說麵包要像手一樣溫暖。我們睡得很少，可是很快樂。",
        "我們在街角開了一家小麵包店。",
    ),
    # English with names and signs of all kinds, and no language beyond the West
    (
        "cp1252",
        "We met Molière’s heirs and Søren’s in Besançon. "
        + "They talked about bread and bridges for a long time. " * 8
        + "Then José García came with Þórarinn and Zoë.",
        "I had the money, £1,450, left by my aunt.",
    ),
]
"""Encodings, several sentences, and a line."""


@pytest.mark.parametrize(("encodings", "sentences", "line"), OLD_ENCODINGS)
def test_old_encodings(encodings: str, sentences: str, line: str) -> None:
    for encoding in encodings.split():
        for text in (sentences, line, sentences.replace(". ", ".\r\n"), sentences * 5):
            with contextlib.suppress(UnicodeEncodeError):
                assert decode(text.encode(encoding))[0] == text, encoding


@pytest.mark.parametrize(
    "sign",
    ["5 µm", "50 µg", "2×4", "£5 or ¥500", "½ cup", "Fig. 2·3", "©Ann ®Bob", "±2 mm", "20 °C"],
)
@pytest.mark.parametrize("sentences", [1, 20])
def test_a_sign_in_an_english_text_is_no_half_of_a_chinese_character(
    sign: str, sentences: int
) -> None:
    text = (
        f"The shop in Basel sells {sign} of it. "
        + "It opened at nine and closed again. " * sentences
    )
    assert decode(text.encode("cp1252")) == (text, "cp1252")


def test_numbers_with_a_plus_are_no_utf7() -> None:
    for text in (
        "It grew +150% online, and +120% in shops.",
        "+100 metres, then +104 -20, +118 -3",
    ):
        assert decode(text.encode()) == (text, "utf-8")
    assert decode("这是一段中文。".encode("utf-7")) == ("这是一段中文。", "utf-7")


def test_half_a_character_that_utf7_spells_is_not_taken_for_one() -> None:
    text, _ = decode((SIMPLIFIED * 99).encode("utf-7") + b"+2D0-")
    text.encode()


@pytest.mark.parametrize("size", [6, 12, 30, 120, 400])
@pytest.mark.parametrize("encoding", ["gb18030", "big5hkscs", "utf-16-le", "utf-16-be"])
def test_short_texts_are_decoded_too(size: int, encoding: str) -> None:
    whole = TRADITIONAL if encoding == "big5hkscs" else SIMPLIFIED
    text = (whole * 30)[:size]
    assert decode(text.encode(encoding))[0] == text


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 4,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(200),
        b"\x7fELF\x02\x01\x01" + bytes(64),
        b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(range(128, 256)) * 3,
        b"\xff\xfeabc",
    ],
)
def test_what_is_no_text_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"^it "):
        essay(tmp_path, data)


def test_unknown_kinds_and_missing_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match=r"\.docx.*\.md"):
        load(tmp_path / "a.docx", "x/a.docx")
    with pytest.raises(LoadError, match="cannot be read"):
        load(tmp_path / "none.txt", "x/none.txt")
    assert loadable(Path("A.TXT"))
    assert loadable(Path("b.md"))
    assert not loadable(Path("c.png"))
    assert not loadable(Path(".hidden.txt"))


def test_front_matter_becomes_metadata(tmp_path: Path) -> None:
    found = essay(
        tmp_path,
        '---\r\ntitle: "A: b"\r\nauthor:\r\n  - "[[Yibo Zhu]]"\r\n  - Other\r\npublished:\r\n'
        "created: 2025-12-24\r\nsource: http://a.b/c\r\ntags: [x, 'y z']\r\n---\r\nBody.\r\n",
    )
    assert (found.title, found.author, found.date) == ("A: b", "Yibo Zhu, Other", "2025-12-24")
    assert (found.origin, found.tags) == ("http://a.b/c", ("x", "y z"))
    assert found.text[found.body_start :] == "\r\nBody.\r\n"
    assert found.markdown


def test_toml_front_matter_becomes_metadata(tmp_path: Path) -> None:
    found = essay(
        tmp_path,
        '+++\ntitle = "On Bridges"\ndate = 2021-05-04T10:00:00Z\ndraft = false\ntags = ["a", "b"]\n'
        '[params]\nauthor = "Ann"\n+++\nText.\n',
    )
    assert (found.title, found.author, found.date) == ("On Bridges", "Ann", "2021-05-04")
    assert found.tags == ("a", "b")
    assert found.text[found.body_start :].strip() == "Text."
    assert essay(tmp_path, "+++\nno = toml = at all\n+++\nText.\n").body_start == 0


def test_authors_with_more_than_a_name(tmp_path: Path) -> None:
    listed = "---\ntitle: X\nauthor:\n  - name: Ann Lee\n    orcid: 1\n  - name: Bo\n---\nText.\n"
    assert essay(tmp_path, listed).author == "Ann Lee, Bo"
    assert essay(tmp_path, "---\ntitle: X\nauthor: {name: Ann}\n---\nText.\n").author == "Ann"


def test_front_matter_nested_without_end_takes_no_time(tmp_path: Path) -> None:
    began = time.process_time()
    for nest in ("[ ", "[", "{a: ", "[\n"):
        essay(tmp_path, "---\ntitle: x\na: " + nest * 4_000 + "\n---\nText.\n")
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "block",
    [
        "title: a: b: c\nauthor: [[Yibo Zhu]]\ndate: 2024/3/5\ntags: x, y",
        "title: a: b: c\nauthor: '[[Yibo Zhu]]\ndate: 2024年3月5日\ntags:\n- x\n- y",
        "title: 'a: b: c'\nauthor: \"[Yibo Zhu](http://x)\"\n\tbad: tab\n"
        "date: 2024-03-05 10:00\ntags: x，y",
    ],
)
def test_broken_front_matter_is_read_line_by_line(block: str, tmp_path: Path) -> None:
    found = essay(tmp_path, f"---\n{block}\n---\n\nBody.")
    assert (found.title, found.author, found.date) == ("a: b: c", "Yibo Zhu", "2024-03-05")
    assert found.tags == ("x", "y")


@pytest.mark.parametrize(
    "text", ["---\nno fields here\n---\nText.", "---\nTitle without end", "--- \n"]
)
def test_a_rule_is_no_front_matter(text: str, tmp_path: Path) -> None:
    assert essay(tmp_path, text).body_start == 0


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nIt was a long winter.\n\nNote: the mill burnt down in 1931.\n\n---\n\nThen.",
        "---\r\n\r\nNote: the mill burnt down in 1931.\r\n---\r\nThen.",
        "---\nIt was a long winter.\nNote: the mill burnt down.\nNobody saw it.\n---\nThen.",
        "---\nNote: the mill burnt down in 1931.\n---\nThen.",
        "---\nAlice: I went home.\nBob: Why did you go?\nAlice: It was late.\n---\nThen.",
        "---\nTitle: The talk\nAlice: I went home.\nBob: So did I, then.\n---\nThen.",
        "---\nAuthor: I think it is so.\nEditor: And why is it so?\n---\nThen.",
        "---\n问：您怎么看？\n答：我觉得很好。\n---\nThen.",
        "---\n注：这座桥是后来修的。\n---\nThen.",
        "---\nWe met at 10: the bridge was open.\n---\nThen.",
    ],
)
def test_prose_between_two_rules_is_no_front_matter(text: str, tmp_path: Path) -> None:
    assert essay(tmp_path, text).body_start == 0


@pytest.mark.parametrize(
    "block",
    [
        "layout: post",
        "weight: 5\ndraft: true",
        "date created: 2024-01-02\nMood: calm",
        "Title: Why did the bridge fall?",
        "作者：李四\n日期：2024年3月5日",
        "title: a: b\ndescription: It is long and\nwas wrapped.\ntags: x\ndate: 2024",
        "author: A\ntags:\n- x\n\n- y",
    ],
)
def test_fields_between_two_rules_are_front_matter(block: str, tmp_path: Path) -> None:
    found = essay(tmp_path, f"---\n{block}\n---\nBody.")
    assert found.text[found.body_start :] == "\nBody."


def test_halves_of_characters_in_front_matter_are_joined_or_replaced(tmp_path: Path) -> None:
    found = essay(
        tmp_path,
        r"""---
title: "A smile \ud83d\ude00"
author: "Ann \ud83d"
tags: ["\ud83d\ude00"]
source: "\udc00"
"\ud83d": x
---
Body.""",
    )
    assert (found.title, found.author, found.tags) == ("A smile 😀", "Ann \ufffd", ("😀",))
    assert found.origin == "\ufffd"


@pytest.mark.parametrize("escape", ["UDEADBEEF", "UFFFFFFFF", "U00110000"])
def test_a_character_that_there_is_not_fails_no_file(escape: str, tmp_path: Path) -> None:
    found = essay(tmp_path, f'---\ntitle: "x \\{escape}"\nauthor: Ann\n---\nBody.')
    assert (found.title, found.author) == (f"x \\{escape}", "Ann")


def test_hostile_front_matter_fails_no_file(tmp_path: Path) -> None:
    doubled = (f"{c}: &{c} [{', '.join([f'*{p}'] * 9)}]" for p, c in pairwise("abcdefghi"))
    bomb = "\n".join(["a: &a [x]", *doubled])
    for block in (bomb, "title: " + "[" * 5000, "title: !!python/object:os.system x"):
        assert essay(tmp_path, f"---\n{block}\n---\nBody.").text.endswith("Body.")


WRAPPED = (
    "My grandmother was born in Paramaribo in 1921 and came to\nAmsterdam in the spring of 1938, "
    "seventeen years old,\nwith one suitcase and the address of an aunt."
)
PROSE = (
    "这是一段很长的正文，说明了事情的来龙去脉，并且以句号结尾，因此不会被当作标题，它还要再长一些。"
)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (f"# Marked *title* #\n\n{PROSE}", "Marked title"),
        (f"# Marked title {{#top}}\n\n{PROSE}", "Marked title"),
        (f"返回列表\n🧠 某人 · 💰投资\n\nAI 是基础设施\n\n{PROSE}", "AI 是基础设施"),
        (f"PhD第四年 - 存在主义\n\n{PROSE}", "PhD第四年 - 存在主义"),
        (f"An unrelated question:why?\n训练靠后,推理向前\n{PROSE}", "训练靠后,推理向前"),
        (f"The Title\n\nA subtitle\n\nBy Somebody\nMarch 3, 2024\n\n{PROSE}", "The Title"),
        (f"[Home](/)\n\n训(xùn)练\n\n{PROSE}", "训练"),
        (f"{PROSE}\n\n小标题\n\n{PROSE}", "file"),
        ("", "file"),
        ("just a note", "just a note"),
        (f"---\ntitle: never closed\ntags:\n- x\n\n{PROSE}", "file"),
        (f"---\ntitle: never closed\n\n# The Title\n\n{PROSE}", "The Title"),
        (f"---\n\nThe Title\n\n{PROSE}", "The Title"),
        (f"The Title\n\n{PROSE}\n\n```sh\n# of the code\n```", "The Title"),
        ("```py\nx = 1\n```\n\n" + PROSE, "file"),
        (f"| a | b |\n|---|---|\n| 1 | 2 |\n\n{PROSE}", "file"),
        (f"<!-- from the web -->\n\nThe Title\n\n{PROSE}", "The Title"),
        (f"<div><h1>The <b>Title</b></h1>\n<style>p{{}}</style>\n<p>{PROSE}</p>", "The Title"),
        (f"<!DOCTYPE html>\n<html>\n<title>The Title</title>\n<p>{PROSE}</p>", "The Title"),
        (f"<h1><img src=x></h1>\n<h2>The Title</h2>\n<p>{PROSE}</p>", "The Title"),
        (f"标题：我的家乡\n作者：李四\n\n{PROSE}", "我的家乡"),
        (f"Title: The Title\nAuthor: Somebody\n\n{PROSE}", "The Title"),
        (f"The Title\nA memoir for my nieces\n\n{WRAPPED}", "The Title"),
        (
            f"The Title\nCompiled by Ann Lee, 2 March 2018\n\nHISTORY\n\n{PROSE}",
            "The Title",
        ),
        (f"Home\nPosts\n\nThe Title\n\n{WRAPPED}", "The Title"),
        (f"背影\n朱自清\n\n{PROSE}", "背影"),
        (f"李雷  21:03\n写完了吗\n\n韩梅梅  21:05\n{PROSE}", "file"),
        (f"[12/03/2022, 18:04:11] Ana Souza: Did he come?\n{PROSE}", "file"),
        (f"城南旧事\n林海音\n\n一、惠安馆\n\n{PROSE}", "城南旧事"),
        (f"背影\n——忆父亲\n朱自清\n\n{PROSE}", "背影"),
        (f"故鄉\n魯迅\n　　{PROSE}", "故鄉"),
        (f"灯台守の日記\n山本 花子\n\n{PROSE}", "灯台守の日記"),
        (f"The Title\nEdwin van Harrow\n\n{PROSE}", "The Title"),
        (f"Старый трамвай\nАнна Петрова\n\n{PROSE}", "Старый трамвай"),
        (
            "断章\n卞之琳\n\n你站在桥上看风景\n看风景人在楼上看你\n\n明月装饰了你的窗子\n你装饰了别人的梦",
            "断章",
        ),
        (f"The Title\n{WRAPPED}", "The Title"),
        (WRAPPED, "file"),
        (f"Dear all,\n\n{PROSE}\n\nYours,\nAnn", "file"),
        (f"亲爱的小明：\n\n{PROSE}", "file"),
        (f"Besançon, le 8 février 2014\n\nMon cher Julien,\n\n{PROSE}", "file"),
        (f"Cambridge, 3 May 2015\n\nThe Title\n\n{PROSE}", "The Title"),
        (f"讀《河邊的錶匠》\n文／許靜宜\n\n{PROSE}", "讀《河邊的錶匠》"),
        (
            "FERRY TITLE: A TALK\nRecording 7\nInterviewer: Ann Lee\nInterviewee: Bo Reid\n"
            "Recorded at Kyle, 22 September 2016\n\n[00:00:14] LEE: When?\n\n"
            f"[00:00:19] REID: In 1961.\n\n{PROSE}",
            "FERRY TITLE: A TALK",
        ),
        (f"题目：一篇备忘录\n2025 年 1 月 6 日　无锡\n\n各位：\n\n{PROSE}", "一篇备忘录"),
        (f"            THE TITLE              17\n\n{PROSE}", "THE TITLE"),
        (f"THE TITLE\nfrom all who are left\n14 June 2025\n\nDear all,\n\n{PROSE}", "THE TITLE"),
        (f"The Title\n\n问：您怎么看？\n\n答：{PROSE}", "The Title"),
        (
            f"From: A <a@b.example>\nTo: all\nSubject: Re: The Title\n\nDear all,\n\n{PROSE}",
            "The Title",
        ),
    ],
)
def test_titles_without_front_matter(text: str, title: str, tmp_path: Path) -> None:
    assert essay(tmp_path, text).title == title


@pytest.mark.parametrize(
    ("name", "text", "date"),
    [
        ("2024-03-05 note.txt", "x", "2024-03-05"),
        ("20240305.txt", "x", ""),
        ("a.txt", "Title\n2026年3月1日\n" + PROSE, "2026-03-01"),
        ("a.txt", "Title\nMarch 3, 2024\n" + PROSE, "2024-03-03"),
        ("a.txt", "Title\n3 Mar 2024\n" + PROSE, "2024-03-03"),
        ("a.txt", "---\ndate: 2024\n---\nx", "2024"),
        ("a.txt", "---\nupdated: 2024-05\n---\nx", "2024-05"),
        ("a.txt", "In 2024 we met.", ""),
        ("a.txt", "Title\n\nOn 2 August 2009 I swam to the island for a bet.\n" + PROSE, ""),
        ("a.txt", "Title\n我们是2019年3月在竹北租下这间屋子的。\n" + PROSE, ""),
        ("a.txt", "Title\n作者：陈默，写于 2024 年 5 月 6 日，上海。\n" + PROSE, "2024-05-06"),
        ("a.md", "# T\n\n*A talk at the Health Forum, 14 September 2023.*\n" + PROSE, "2023-09-14"),
        ("a.md", "Title\nKochi, 3 March 2024\n" + PROSE, "2024-03-03"),
        (
            "a.md",
            "# T\n<p>Posted by Ann on <time>November 8, 2020</time></p>\n" + PROSE,
            "2020-11-08",
        ),
        ("a.txt", "---\ndate: 2020-02-30\n---\nx", ""),
        ("a.txt", "---\ndate: 2020-02-29\n---\nx", "2020-02-29"),
        ("a.txt", "---\ndate: 30 Feb 2020\nupdated: 2020-03-01\n---\nx", "2020-03-01"),
        ("a.txt", f"题目\n\n{PROSE}\n二〇一九年十一月三日，寫於花蓮\n", "2019-11-03"),
        (
            "a.txt",
            f"題\n\n{PROSE}\n一九九三年七月十三日の頁には、こうある。客は一人、漁師の佐々木さん\n",
            "",
        ),
        ("a.txt", f"题目\n一九九三年二月\n{PROSE}", "1993-02"),
        ("a.txt", f"Title\n\n{PROSE}\n\nKochi, 3 March 2024\n", "2024-03-03"),
        ("a.txt", "Title\n" + f"\n{PROSE}\n" * 6 + "\n[3] A. Lee, Nature, 3 March 2024\n", ""),
        ("a.txt", f"From: A\nSubject: B\nDate: Sun, 14 Apr 2019 21:07\n\n{PROSE}", "2019-04-14"),
        ("a.txt", "Title\nFebruary 31, 2024\nMarch 3, 2024\n" + PROSE, "2024-03-03"),
    ],
)
def test_dates(name: str, text: str, date: str, tmp_path: Path) -> None:
    assert essay(tmp_path, text, name).date == date


@pytest.mark.parametrize(
    ("top", "author", "date"),
    [
        (
            "Ночная смена\nАвтор: Галина Вересова\n7 декабря 2015 года",
            "Галина Вересова",
            "2015-12-07",
        ),
        ("할아버지의 벌통\n글쓴이: 서지원\n2020년 5월 17일", "서지원", "2020-05-17"),
        ("祖母の味噌蔵\n著者：高梨 千鶴\n2018年11月3日", "高梨 千鶴", "2018-11-03"),
        (
            "La calle\n\nAutora: Inés Carrasco\nFecha: 2 de junio de 2021",
            "Inés Carrasco",
            "2021-06-02",
        ),
        ("L'atelier\npar Hélène Morvan\n1er mars 2019", "Hélène Morvan", "2019-03-01"),
        ("مكتبة الحي\nبقلم: سلمى الحداد\n٣ نيسان ٢٠١٧", "سلمى الحداد", "2017-04-03"),
        ("שומר המים\nמאת נועה ברקאי", "נועה ברקאי", ""),
        ("นาข้าวของพ่อ\nเขียนโดย ปิยะดา สุวรรณกุล", "ปิยะดา สุวรรณกุล", ""),
    ],
)
def test_by_lines_of_other_languages_are_no_titles(
    tmp_path: Path, top: str, author: str, date: str
) -> None:
    found = essay(tmp_path, f"{top}\n\n" + "Это длинное предложение о том, что было. " * 5)
    assert (found.title, found.author, found.date) == (top.splitlines()[0], author, date)


def test_an_e_book_s_title_and_author_stand_below_its_licence(tmp_path: Path) -> None:
    licence = "You may copy it, give it away or re-use it under the terms\nof the License.\n" * 4
    fields = "Title: The Salt Road\n\nAuthor: Edwin Harrow\n\nLanguage: English"
    found = essay(tmp_path, f"The Free eBook of The Salt Road\n\n{licence}\n{fields}\n\n{PROSE}")
    assert (found.title, found.author) == ("The Salt Road", "Edwin Harrow")


def test_a_title_with_a_preposition_is_no_by_line(tmp_path: Path) -> None:
    found = essay(tmp_path, "Von Bremen nach Oslo\n\n" + "Es war ein langer Weg dorthin. " * 9)
    assert (found.title, found.author) == ("Von Bremen nach Oslo", "")


def test_language_and_digest_come_from_the_file(tmp_path: Path) -> None:
    found = essay(tmp_path, "---\ntitle: English title words\n---\n" + PROSE)
    assert found.language == "zh"
    assert len(found.digest) == 64


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.txt")), ids=lambda path: path.name[:3])
def test_the_first_corpus_has_titles_and_exact_text(path: Path) -> None:
    found = load(path, f"seeds/{path.name}")
    assert found.text.encode() == path.read_bytes()
    assert 5 < len(found.title) < 80
    assert found.title != path.stem


CHINESE = "这是一段文字，说明了事情的来龙去脉。" * 50


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (CHINESE.encode()[:-1], "utf-8 but ends in the middle of a character, at byte 2697"),
        (CHINESE.encode()[:20], "ends in the middle of a character, at byte 18"),
        (CHINESE.encode("gb18030")[:-1], "gb18030 but ends in the middle"),
        (CHINESE.encode()[:300] + b"\xff" + CHINESE.encode(), "but for one place at byte 300"),
        ("“Yes”, “no”. ".encode() * 9 + b"\xe9 and more", "but for one place at byte 189"),
        (CHINESE.encode() + CHINESE.encode("gb18030"), "UTF-8 up to byte 2700, another after it"),
        (CHINESE.encode("gb18030") + b"\n" + CHINESE.encode(), "another encoding up to byte 1801"),
        (b"Some words. " * 99 + b"\0" * 99, "99, the first at byte 1188"),
        (b"\xef\xbb\xbfcaf\xe9", "begins like utf-8 but byte 6"),
        (b"ab\0", "zero bytes"),
        (b"\xa2" * 2000, "not text"),
        (b"\xb0" * 2000, "not text"),
        (random.Random(1).randbytes(2000).translate(None, bytes(range(128))), "not text"),
    ],
)
def test_a_damaged_file_is_refused_with_the_place(data: bytes, said: str) -> None:
    with pytest.raises(LoadError, match=said):
        decode(data)


def test_a_zero_byte_that_strayed_into_a_text_stays_where_it_is() -> None:
    text = "Some English words. " * 9 + "\0" + "And some more of them."
    assert decode(text.encode()) == (text, "utf-8")
    assert decode((CHINESE + "\0").encode()) == (CHINESE + "\0", "utf-8")


@pytest.mark.parametrize(
    ("top", "author"),
    [
        ("# 标题\n\n> 作者：Yibo Zhu\n>\n> 来源：知乎\n", "Yibo Zhu"),
        ("标题\n\n作者：王小明 编辑：李四 2025-01-02\n", "王小明"),
        ("標題\n文／陳大文\n", "陳大文"),
        ("**作者**：张三\n", "张三"),
        ("# Title\n*By Jane van der Berg | Staff writer*\n", "Jane van der Berg"),
        ("Title\n3 March 2025 · By Ana María López\n", "Ana María López"),
        ("By J. R. R. Tolkien, March 2025\n", "J. R. R. Tolkien"),
        ("Author: Lin Mei\n", "Lin Mei"),
        ('<p class="meta">Posted by <a href="/me">Lin Mei</a> on March 8, 2020</p>\n', "Lin Mei"),
        # no by-line: prose that begins like one, wrapped or not
        ("By Christmas, everyone who had been working on it since May\nhad gone home.\n", ""),
        ("By Christmas 2025 we had left.\n", ""),
        ("By the time it ended\n", ""),
        ("作者认为这是好事，我不同意\n", ""),
        ("作者：这是一篇关于人工智能的文章\n", ""),
        ("\n" * 20 + "By Jane Doe\n", ""),
    ],
)
def test_the_author_of_a_by_line(tmp_path: Path, top: str, author: str) -> None:
    path = tmp_path / "essay.md"
    path.write_text(f"{top}\nThe rest of it, which says by Whom.\n", "utf-8")
    assert load(path, "essay.md").author == author
    path.write_text(f"---\nauthor: Somebody Else\n---\n{top}\nThe rest.\n", "utf-8")
    assert load(path, "essay.md").author == "Somebody Else"


@pytest.mark.parametrize(
    ("text", "author"),
    [
        (
            "Mon cher Julien,\n\nVoici.\n\nJe t'embrasse,\n\nTon père,\nÉtienne Marchand\n",
            "Étienne Marchand",
        ),
        (
            "Dear all,\n\nIt rained.\n\nSee you,\n\nMargaret\n\n--\nM. Oakes\nSecretary\n",
            "Margaret",
        ),
        ("王老师：\n\n雨下了一天。\n\n此致\n敬礼\n\n李小明\n2014年2月8日\n", "李小明"),
        ("王老师：\n\n雨下了一天。\n\n祝好\n李小明 敬上\n", "李小明"),
        (
            'From: "Margaret Oakes" <m@b.example>\nSubject: Rain\n\nDear all,\n\nYours,\nM',
            "Margaret Oakes",
        ),
        ("采访、整理：吴桐\n\n雨下了一天。\n", "吴桐"),
        # no letter
        ("The rain\n\nIt fell on the roof,\nRose\n", ""),
        ("Dear all,\n\nIt rained.\n\nThe End\n", ""),
        ("王老师：\n\n雨下了一天。\n\n他说完就走了。\n再见\n", ""),
        ("From: London\nTo the sea\n\nIt rained.\n", ""),
    ],
)
def test_the_author_of_a_letter_signs_it(tmp_path: Path, text: str, author: str) -> None:
    assert essay(tmp_path, text).author == author
