"""What `rag/questions/asked.py` and `rag/verify.py` look for, neither in Chinese nor in English.

Words and patterns, without capitals: they are folded when they are first used. They are generous:
where a sentence seems to hold a number, that is only no reason to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from rag.fold import fold, language, words

__all__ = ["KNOWN", "asks_for", "asks_price", "denied", "money", "numbers_changed", "sign"]

KNOWN = frozenset(
    {"fr", "de", "es", "it", "pt", "nl", "ru", "ja", "ko", "ar", "he", "hi", "th", "vi"}
)
"""Languages whose question words, numbers and months stand here."""

_HERE = frozenset({"zh", "en"})
_PAUSE = re.compile("[,،，、;；:：.。!！?？؟।—–…\n]")

# Words of scripts with spaces. "^": only at the beginning of a question.
_ASKS: Mapping[str, str] = {
    "date": """
        quand|en quelle année|quelle année|quel jour|quel mois|à quelle heure|quelle date|wann
        in welchem jahr|welches jahr|an welchem tag|um wie viel uhr|cuándo|en qué año|qué año
        qué día
        a qué hora|qué fecha|quando|in che anno|in quale anno|em que ano|wanneer|in welk jaar|когда
        в каком году|каком году|в каком месяце|какого числа|متى|في أي عام|في أي سنة|أي عام
        מתי|באיזו שנה
        कब|किस साल|किस वर्ष|किस सन्|khi nào|năm nào|bao giờ|ngày nào|tháng nào
        """,
    "number": """
        combien|quel âge|wie viel|wie viele|wieviel|wieviele|wie lange|wie oft|wie alt|wie hoch
        wie groß|wie weit|wie lang|wie teuer|cuánto|cuánta|cuántos|cuántas|qué edad|quanto|quanta
        quanti|quante|quantos|quantas|hoeveel|hoe lang|hoe oud|hoe vaak|сколько|скольких|كم|בן כמה
        כמה|कितना|कितनी|कितने|कितनों|bao nhiêu|bao lâu|mấy
        """,
    "reason": """
        pourquoi|pour quelle raison|warum|wieso|weshalb|aus welchem grund|por qué|por que|perché
        come mai|waarom|почему|зачем|отчего|по какой причине|لماذا|ما سبب|למה|מדוע|क्यों|vì sao
        tại sao
        """,
    "person": """
        ^qui|à qui|avec qui|wer|wem|wen|wessen|quién|quiénes|chi|quem|^wie|кто|кого|кому|кем|чей|чья
        ^من|מי|कौन|किसने|किसको|ai
        """,
    "place": """
        ^où|d'où|dans quelle ville|wo|wohin|woher|in welcher stadt|dónde|adónde|dove|onde|^waar|где
        куда|откуда|в каком городе|أين|איפה|היכן|לאן|कहाँ|कहां|ở đâu|đâu
        """,
    "name": """
        comment s'appelle|comment s'appelait|comment s'appelaient|quel est le nom|quel était le nom
        wie heißt|wie hieß|wie heißen|wie hießen|wie nannte|cómo se llama|cómo se llamaba
        come si chiama|come si chiamava|como se chama|como se chamava|как зовут|как звали
        как называется|как назывался|как называлась|ما اسم|איך קוראים|क्या नाम|tên gì|tên là gì
        """,
    "manner": """
        comment|^wie|auf welche weise|cómo|^come|^como|как|каким образом|كيف|איך|כיצד|कैसे|thế nào
        như thế nào|làm sao
        """,
}
# Patterns of scripts without spaces, or with particles at words.
_ASKS_GLUED: Mapping[str, str] = {
    "date": r"いつ|何(?:年(?!间|間)|月(?!间|間)|日(?!间|間)|曜日|时(?!间)"
    r"|時(?!間))|언제|몇\s?년(?:에|도)|몇\s?월|며칠|เมื่อไร|เมื่อไหร่"
    r"|เมื่อใด|ปีไหน|ปีใด|กี่โมง|วันไหน",
    "number": r"いくつ|いくら|(?:どの|どれ)(?:くらい|ぐらい|ほど)|どれだけ"
    r"|何(?:[个個本人回枚册冊度台分秒匹头頭羽杯通歳才円圆箱倍割]"
    r"|年间|年間|か月|ヶ月|时间|時間|日间|日間|キロ|メートル|センチ"
    r"|グラム|パーセント|名|つ)|얼마|몇|กี่|เท่าไร|เท่าไหร่|นานแค่ไหน",
    "reason": r"なぜ|どうして|何故|なんで|理由は|왜|이유|ทำไม|เพราะอะไร"
    r"|เพราะเหตุใด|เหตุใด",
    "person": r"谁|誰|だれ|どなた|누가|누구|ใคร",
    "place": r"どこ|何处|어디|어느\s?(?:도시|나라)|ที่ไหน|ไหน",
    "name": r"何という|なんという|何と呼|名前は|이름은|이름이\s?무엇|ชื่ออะไร"
    r"|ชื่อว่าอะไร",
    "manner": r"どうやって|どのように|どう|어떻게|อย่างไร|ยังไง",
}

_PRICE = """
    coûtait coûte coûtaient coûté prix tarif salaire gagnait loyer kostet kostete kosten
    preis gehalt verdiente verdient lohn miete cuesta costaba costó precio sueldo salario ganaba
    alquiler costa costava prezzo stipendio custa custava custou preço salário kost kostte prijs
    loon стоил стоила стоило стоит стоили цена зарплату зарплата заработок سعر ثمن راتب
    كلف تكلفة يكلف מחיר עלה עלתה שכר משכורת दाम कीमत क़ीमत तनख़्वाह तनख्वाह वेतन giá lương
"""
_PRICE_GLUED = (
    r"いくら|値段|价格|価格|给料|給料|月给|家赁|家賃|가격|값은|값이|월급|봉급|요금"
    r"|비용|ราคา|เงินเดือน|ค่าจ้าง|กี่บาท"
)
_MONEY = (
    r"[$€£¥₹₩₽₺₪₫₱฿]|euro|fran[ck]|\bmark\b|pfennig|peset|\bpesos?\b|\bduros?\b"
    r"|\blir[ae]s?\b|escudo|dollar|dolar|dólar|pfund|libras|gulden|рубл|копе|доллар"
    r"|円|銭|ドル|\d\s?원|[천만억]\s?원|달러|ليره|ليرة|ليرات|دينار|درهم|جنيه|دولار"
    r"|ريال|שקל|דולר|ליר|रुपय|रुपए|रुपये|पैसे|บาท|\bdong\b|\bvnd\b|\d\s?元"
)

_NUMBERS = (
    r"\b(?:deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze"
    r"|quinze|seize|vingt|trente|quarante|cinquante|soixante|cents?|mille|milliers?"
    r"|\w+aines?|demie?|moitie|tiers)\b|\b(?:zwei|zwo|drei|vier|funf|sechs|sieben"
    r"|neun)\w*|\b(?:acht(?:und\w+|zehn|zig|hundert)?|elf|zwolf|zehn|dutzend"
    r"|halb\w*)\b|\w+(?:zehn|zig|ssig|hundert|tausend)\b|\b(?:hundert|tausend)\w*"
    r"|\b(?:dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce"
    r"|quince|dieci\w+|veint\w+|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta"
    r"|noventa|cien|ciento|\w+cient[oa]s|quinient[oa]s|mil|millon\w*|docenas?"
    r"|mitad)\b|\b(?:due|tre|quattro|cinque|sei|sette|otto|nove|dieci|\w+dici"
    r"|dicias\w+|diciotto|venti\w*|trenta|quaranta|cinquanta|sessanta|settanta"
    r"|ottanta|novanta|cento|\w*cento|\w*mila|milion\w)\b|\b(?:dois|duas|tres|quatro"
    r"|sete|oito|nove|dez|doze|treze|quatorze|dezess\w+|dezoito|dezanove|vinte"
    r"|trinta|cinquenta|sessenta|oitenta|cem|metade)\b|\b(?:twee|vijf|zes|zeven"
    r"|negen|tien|twaalf|\w+tien|\w+tig|honderd|duizend)\b|\b(?:од(?:ин|на|но|ну|ной"
    r"|ного|ному)|дв(?:а|е|ух|ум|ое|умя)|тр(?:и|ех|ем|ое|емя)|четыр\w+|четвер(?:о"
    r"|ых)|(?:пят|шест|сем|восем|восьм|девят|десят)(?:ь|и|ью|ер[оы]х?|ьсот"
    r"|ьюдесятью)|\w*надцат\w+|двадцат\w+|тридцат\w+|сорок\w?|\w+десят\w?|\w*ст[оаи]"
    r"|\w+сот|тысяч\w*|миллион\w*|полтор\w+|половин\w|полгода|полчаса|оба|обе)\b"
    r"|(?:다섯|여섯|일곱|여덟|아홉|열|스무|스물|서른|마흔|쉰|예순|일흔|여든|아흔)"
    r"|(?:한|두|세|네|석|넉)\s?(?:통|명|마리|개|번|방|달|살|시간|해|가지|권|장|잔|병"
    r"|사람|분|주|배|대|채|그루|자루|켤레)|[일이삼사오육칠팔구십백천만]+\s?(?:장|년"
    r"|개월|원|명|톤|미터|킬로|분|초|주|번|권|달러|퍼센트|층|인|배|세|그램)"
    r"|[〇零一二三四五六七八九十百千万亿億数数]+(?:[个個本人回枚册冊度台分秒匹头頭羽杯通歳岁才円圆箱倍割年月日名]"
    r"|か月|ヶ月|时间|時間|キロ|メートル|センチ|グラム|つ)|ひとつ|ふたつ|みっつ"
    r"|よっつ|いつつ|半分|\bو?(?:ال)?(?:اثن\w+|ثلاث\w*|اربع\w*|خمس\w*|ست(?:ه|ة|ين|ون)?"
    r"|سبع\w*|ثمان\w*|تسع\w*|عشر\w*|مئ\w+|مائ\w+)\b|\bو?(?:الف\w*|الاف|مليون\w*|نصف"
    r"|شهرين|سنتين|عامين|يومين|مرتين|واحد\w*)\b|\bו?ב?ל?(?:שתי\w*|שני|שניים|שלוש\w*"
    r"|ארבע\w*|חמש\w*|שש\w*|שבע\w*|שמונ\w*|תשע\w*|עשר\w*|מאה|מאות|מאתיים|אלף|אלפי\w*"
    r"|יומיים|שנתיים|שבועיים|פעמיים|חצי)\b|(?<!\w)(?:दो|तीन|चार|पाँच|पांच|छह|छः|सात"
    r"|आठ|नौ|दस|ग्यारह|बारह|तेरह|चौदह|पंद्रह|सोलह|सत्रह|अठारह|बीस|[^ ]*(?:ईस|तीस|लीस"
    r"|चास|वन|साठ|सठ|सत्तर|अस्सी|नब्बे)|सौ|हज़ार|हजार|लाख|करोड़|आधा|आधी|डेढ़|ढाई)(?!\w)"
    r"|หนึ่ง|สอง|สาม|สี่|ห้า|หก|เจ็ด|แปด|เก้า|สิบ|ร้อย|พัน|หมื่น|แสน|ล้าน|ครึ่ง|\b(?:mot|hai"
    r"|ba|bon|lam|bay|chin|muoi|chuc|tram|nghin|ngan|trieu|nua)\b"
)
_DATES = (
    r"\b(?:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre"
    r"|novembre|decembre|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|midi"
    r"|minuit|printemps|automne|hiver|ete|januar|februar|marz|juni|juli|oktober"
    r"|dezember|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag"
    r"|mitternacht|fruhling|fruhjahr|sommer|herbst|winter|morgens|abends|uhr|enero"
    r"|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre"
    r"|diciembre|lunes|martes|miercoles|jueves|viernes|sabado|domingo|primavera"
    r"|verano|otono|invierno|medianoche|madrugada|gennaio|febbraio|aprile|maggio"
    r"|giugno|luglio|settembre|ottobre|dicembre|janeiro|fevereiro|marco|maio|junho"
    r"|julho|setembro|outubro|novembro|dezembro|inverno|autunno|estate|verao|outono"
    r"|januari|februari|maart|mei|augustus|zomer|herfst|lente|январ\w|феврал\w"
    r"|март\w?|апрел\w|ма[йяе]|июн\w|июл\w|август\w?|сентябр\w|октябр\w|ноябр\w"
    r"|декабр\w|понедельник\w?|вторник\w?|сред[уы]|четверг\w?|пятниц\w|суббот\w"
    r"|воскресень\w|весн\w+|лет(?:ом|о|а)|осен\w+|зим\w+|полночь|полдень|утра|вечера"
    r"|часов|часа)\b|일월|이월|삼월|사월|오월|유월|칠월|팔월|구월|시월|십일월|십이월"
    r"|[월화수목금토일]요일|봄|여름|가을|겨울|새벽|아침|저녁|작년|올해"
    r"|[月火水木金土日]曜|春|夏|秋|冬|昭和|平成|令和|明治|大正|朝|夜|夕方|昨年|去年"
    r"|يناير|فبراير|مارس|ابريل|نيسان|مايو|ايار|يونيو|يوليو|تموز|اغسطس|سبتمبر|ايلول"
    r"|اكتوبر|نوفمبر|ديسمبر|شتاء|صيف|ربيع|خريف|ינואר|פברואר|מרץ|אפריל|מאי|יוני|יולי"
    r"|אוגוסט|ספטמבר|אוקטובר|נובמבר|דצמבר|קיץ|חורף|אביב|סתיו|जनवरी|फरवरी|मार्च|अप्रैल"
    r"|मई|जून|जुलाई|अगस्त|सितंबर|अक्टूबर|नवंबर|दिसंबर|बरसात|सर्दी|गर्मी|सुबह|शाम|รุ่ง|เช้า"
    r"|เย็น|ตี[หสก]|ทุ่ม|โมง|พ\.ศ|ค\.ศ|ปีที่แล้ว|เดือน|\bthang\b|\bnam \d|\bngay\b"
    r"|\bmua (?:xuan|ha|thu|dong)\b|\bthu (?:hai|ba|tu|nam|sau|bay)\b"
)
_REASONS = (
    r"\b(?:parce qu|car\b|puisqu|grace a|a cause|afin|c'est pourquoi|pour que"
    r"|faute de|weil\b|denn\b|deshalb|deswegen|damit\b|sodass|wegen\b|daher\b"
    r"|um\b.{1,60}\bzu\b|porque|ya que|debido a|por eso|asi que|para que|gracias a"
    r"|perche|poiche|siccome|pois\b|por causa|omdat|want\b|потому|так как|из-за"
    r"|чтобы|поскольку|ведь\b|поэтому)|からだ|からで|から。|から、|ため|ので"
    r"|からである|때문|니까|므로|위해|어서|아서|\b(?:و?ل?لان|بسبب|لذلك|ولذلك|حتي|لكي"
    r"|כי|בגלל|משום|לכן|כדי)|क्योंकि|इसलिए|ताकि|के कारण|वजह|เพราะ|จึง|เนื่องจาก"
    r"|\b(?:vi|boi vi|nen|do|de)\b"
)
_DENIALS = (
    r"\b(?:ne|n'|pas|jamais|aucune?|rien|personne|sans|nicht|kein\w*|nie|niemals|niemand|nichts|ohne"
    r"|weder|no|nunca|ningun\w*|nadie|nada|tampoco|sin|non|mai|nessun\w*|niente|nulla|senza|nao"
    r"|nenhum\w*|ninguem|sem|niet|geen|nooit|niets|zonder|не|ни|нет|никогда|никто|ничего|без|нельзя"
    r"|khong|chua|chang|لا|لم|لن|ليس\w*|دون|بدون|לא|אין|בלי|מעולם)(?!\w)"
    r"|(?<!\w)(?:नहीं|न|मत|बिना)(?!\w)|(?<!少)(?<!すく)ない|なかった|なく(?:て|、)|ません|ずに|ず、"
    r"|않|없|안 |못|아니|ไม่|มิได้|ห้าม"
)
_SIGNS: Mapping[str, str] = {"number": _NUMBERS, "date": _DATES, "reason": _REASONS}


def asks_for(folded: str) -> str | None:
    """The kind of answer that a folded question asks for, by the question word that stands first;
    None: it has none of these."""
    found = [
        (match.start(), -len(match.group()), kind)
        for kind, pattern in _asking().items()
        if (match := pattern.search(folded))
    ]
    return min(found)[2] if found else None


def asks_price(folded: str) -> bool:
    """Whether a folded question asks for a sum of money."""
    return _priced().search(folded) is not None


@cache
def money() -> re.Pattern[str]:
    """What a sum of money looks like, in folded text."""
    return re.compile(fold(_MONEY))


def sign(kind: str) -> re.Pattern[str] | None:
    """What an answer of a kind holds, in folded text."""
    return _signs().get(kind)


def denied(claim: str, near: str) -> int:
    """Whether a claim denies what the sentences near it state (+1), or the reverse (−1), in one
    language. What a part denies that the claim has nothing of says nothing of the claim."""
    if _together(claim, near) in _HERE:
        return 0
    mine, theirs = fold(claim), fold(near)
    said = frozenset(words(claim))
    part = max(_PAUSE.split(theirs), key=lambda one: len(said.intersection(words(one))))
    if _denying().search(mine):
        return 0 if _denying().search(theirs) else 1
    return -1 if _denying().search(part) else 0


def numbers_changed(claim: str, near: str) -> tuple[str, ...]:
    """The spelt numbers of a claim that the sentences near it lack, which have others."""
    if _together(claim, near) not in {*KNOWN, ""}:
        return ()
    mine, theirs = (dict.fromkeys(_signs()["number"].findall(fold(t))) for t in (claim, near))
    changed = tuple(word for word in mine if word not in theirs)
    return changed if theirs.keys() - mine.keys() else ()


def _together(one: str, other: str) -> str:
    """The language of two texts of which one may be too short to tell; "en" where they differ."""
    found = {language(text, "") for text in (one, other)} - {""}
    return found.pop() if len(found) == 1 else "en" if found else ""


@cache
def _denying() -> re.Pattern[str]:
    return re.compile(fold(_DENIALS))


@cache
def _asking() -> Mapping[str, re.Pattern[str]]:
    return {
        kind: re.compile(f"{fold(_ASKS_GLUED[kind])}|{'|'.join(map(_spaced, _listed(words)))}")
        for kind, words in _ASKS.items()
    }


def _listed(words: str) -> list[str]:
    return [word.strip() for line in words.splitlines() for word in line.split("|") if word.strip()]


def _spaced(word: str) -> str:
    """A word, or several, between spaces; not inside `l'après` or a compound."""
    start = r"^\W*" if word.startswith("^") else r"(?<!\w)"
    return rf"{start}{re.escape(fold(word.removeprefix('^')))}(?!\w)"


@cache
def _priced() -> re.Pattern[str]:
    return re.compile(f"{fold(_PRICE_GLUED)}|{'|'.join(map(_spaced, _PRICE.split()))}")


@cache
def _signs() -> Mapping[str, re.Pattern[str]]:
    return {kind: re.compile(fold(pattern)) for kind, pattern in _SIGNS.items()}
