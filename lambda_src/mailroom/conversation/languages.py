# ruff: noqa: RUF001 (the words are in many alphabets)
"""How mail programs introduce what they quote, and how people sign, in some thirty languages.

Only what programs and conventions write; never what people say. Each expression is matched against
one line, or a few that are joined, of a bounded length. In the lists, ``…`` stands for a device or
a program.
"""

from __future__ import annotations

import re

__all__ = [
    "ABOVE",
    "DATE",
    "MOBILE",
    "SEPARATOR",
    "SIGN_OFF",
    "STARTER",
    "THANKS",
    "WROTE",
    "label",
]

_I = re.IGNORECASE


def _any(words: str) -> str:
    """Return an expression for any of *words*, one or more a line."""
    return "|".join(line for line in words.strip().split("\n") if line)


WROTE = re.compile(
    r"\b(?:"
    + _any("""
wrote|writes|sent
schrieb|schreibt|geschrieben
a écrit|écrit
escribió|escribio|escrigué|va escriure
ha scritto|scritto|scrive
escreveu
schreef|geschreven
napisał|napisała|pisze
skrev|skriver|skreiv
kirjoitti
napsal|napsala|odesílatel|napísal|napísala
пишет|написал|написала|писал
пише|написав|написала
yazdı|yazmış
írta|a scris|έγραψε|je napisao
""")
    + r")\b|"
    + _any("""
写道|寫道|写到
のメール|書きました|書いた|さんのメッセージ
작성|썼습니다|님이 쓴
كتب|كتبت|كتبه
כתב|כתבה|מאת
"""),
    _I,
)
STARTER = re.compile(
    r"\b(?:On|Am|Vom|Le|El|Il|Em|No dia|Op|W dniu|Dnia|Den|Dne|Dňa|În|Στις)\s"
    r"(?=\S{1,12}[.,]?\s|\d)"
)
DATE = re.compile(
    r"\d{1,2}[:.h]\d{2}\b|\b(?:19|20)\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d\s?[年月日년월일]"
)

_LABELS = {
    "from": """
From|Von|De|Da|Od|Van|Från|Fra|Lähettäjä|От|От кого|Від|Kimden|Gönderen|Feladó|De la|Από
差出人|送信者|发件人|發件人|寄件者|寄件人|보낸 사람|보낸사람|발신|من|מאת
Expéditeur|Remitente|Mittente|Remetente|Afzender|Nadawca|Avsändare|Afsender|Avsender|Odesílatel
Odosielateľ|Отправитель|Відправник|Absender
""",
    "sent": """
Sent|Date|Sent on|Gesendet|Gesendet am|Datum|Envoyé|Envoyé le|Enviado|Enviado el|Enviado em|Fecha
Inviato|Data|Enviada|Enviada em|Verzonden|Verstuurd|Wysłano|Wysłane|Skickat|Sendt|Dato
Lähetetty|Päivämäärä|Päiväys|Odesláno|Odoslané|Отправлено|Дата|Надіслано
Gönderildi|Gönderilme|Gönderme Tarihi|Gönderim Tarihi|Tarih|Elküldve|Dátum|Trimis|Ημερομηνία
送信日時|日時|日付|发送时间|发送日期|日期|時間|寄件日期|傳送時間|보낸 날짜|보낸날짜|날짜
تاريخ الإرسال|التاريخ|תאריך|נשלח
""",
    "to": """
To|An|À|A|Para|Aan|Do|Till|Til|Vastaanottaja|Komu|Кому|Kime|Alıcı|Címzett|Către|Προς|宛先
收件人|收件者|받는 사람|받는사람|수신|إلى|אל
Destinataire|Destinatario|Destinatário|Empfänger
""",
    "cc": """
Cc|Bcc|Kopie|Copie|Kopia|Kopi|Kopio|Копия|Копія|Bilgi|抄送|副本|참조|نسخة|עותק
""",
    "subject": """
Subject|Betreff|Objet|Sujet|Asunto|Oggetto|Assunto|Onderwerp|Temat|Ämne|Emne|Aihe
Předmět|Predmet|Тема|Konu|Tárgy|Subiect|Θέμα|件名|主题|主題|主旨|제목|الموضوع|נושא
""",
}
_KINDS = {word.lower(): kind for kind, words in _LABELS.items() for word in _any(words).split("|")}
_LABEL = re.compile(r"[\s*_|]{0,8}([^\W\d_][^\n:：*]{0,23}?)[*_]{0,3}\s?[:：][*_]{0,3}(.*)")


def label(line: str) -> tuple[str, str] | None:
    """Return which field of a quoted header *line* is, such as ``from``, and its value."""
    found = _LABEL.match(line)
    kind = _KINDS.get(found[1].lower()) if found else None
    return (kind, found[2]) if found and kind else None


_ORIGINAL = _any("""
original (?:e-?mail )?message|original e-?mail|reply message
forwarded (?:by|message)|begin forwarded message
(?:urspr[üu]ngliche|original|weitergeleitete|antwort)[ -]?(?:nachricht|mail)
anfang der weitergeleiteten (?:nachricht|e-mail)
(?:début du )?message (?:d.origine|original|transféré|réexpédié)
(?:inicio del )?mensaje (?:original|reenviado)
(?:inizio )?messaggio (?:originale|inoltrato)
(?:início da )?mensagem (?:original|encaminhada|reencaminhada)
(?:begin )?(?:oorspronkelijk|origineel|doorgestuurd) bericht
(?:oryginalna|przekazana) wiadomość|wiadomość (?:oryginalna|przekazana)
(?:ursprungligt|vidarebefordrat|original) ?meddelande|originalmeddelande
(?:oprindelig|videresendt|original) (?:meddelelse|besked)
(?:opprinnelig|videresendt) (?:melding|e-post)
(?:alkuperäinen|välitetty) viesti
(?:původní|přeposlaná) (?:zpráva|e-mail)|pôvodná správa
(?:исходное|оригинальное|пересылаемое|пересланное|первоначальное) сообщение
(?:оригінальне|вихідне|переслане|початкове) повідомлення
(?:özgün|orijinal|iletilen) (?:ileti|mesaj)
eredeti (?:üzenet|levél)|mesaj original
元のメッセージ|転送メッセージ
转发邮件信息|原始邮件|原邮件|转发的邮件|原始郵件|轉寄郵件
원본 ?(?:메시지|메일)|전달된 메시지
الرسالة الأصلية|رسالة معاد توجيهها
הודעה מקורית|הודעה שהועברה
""")
_SENT = "wrote|sent|schrieb|a écrit|escribió|ha scritto|escreveu|schreef|написал"
SEPARATOR = re.compile(
    r"[\s*]{0,4}(?:"
    rf"(?P<rule>[-_=–—*]{{2,}}\s?[*]{{0,2}})?(?:{_ORIGINAL})(?(rule)[^\n]{{0,60}}|\s?[:：])"
    rf"|-{{2,}}\s?[^\n]{{2,160}} (?:{_SENT})\s?-{{2,}}"
    r"|\[?Original Message processed by "
    r")[^\n]{0,80}",
    _I,
)
ABOVE = re.compile(
    r"[\s\W]{0,12}(?:"
    + _any("""
(?:please )?(?:reply|respond|write|type)(?: your)?(?: reply| answer)? above (?:this|the) line
bitte (?:geben|schreiben|antworten) [^\\n]{0,30}(?:oberhalb|über) dieser (?:zeile|linie)
répond\\w* au-dessus de cette ligne
responda por encima de esta línea
""")
    + ")",
    _I,
)

_MOBILE = _any("""
(?:sent|shared) (?:from|via|with|using) (?:my |the |an? )?…|sent on the …
get outlook for …
(?:von|vom) (?:meinem|mein) … gesendet|diese nachricht wurde von meinem …
gesendet (?:von|mit|über|aus) (?:meinem |der )?…
(?:holen sie sich |laden sie )?outlook für (?:ios|android)\\b
envoyé (?:de|depuis|à partir de|avec|par) …
(?:obtenez|télécharger|téléchargez) outlook pour …
enviado (?:desde|do|da|de|a partir do|através do|con|com|via) …
(?:obtener|obtenga|obter|descargue|baixe)(?: o)? outlook (?:para|for) …
inviato (?:da|dal|dallo|con|tramite) …
(?:scarica|ottieni) outlook (?:per|for) …
(?:verstuurd|verzonden) (?:vanaf|vanuit|via|met|van) …|outlook voor (?:ios|android) …
wysłan[eoy] (?:z|ze|przez|za pomocą) …|pobierz (?:program )?outlook dla …
skickat från …|hämta outlook för …
sendt (?:fra|via|med) …|(?:hent|skaff) outlook (?:til|for) …
lähetetty …|hanki outlook …
odesláno (?:z|ze|pomocí) …|odoslané zo? …|získat outlook pro …
отправлено (?:с|из|через) …|скачать outlook …
надіслано (?:з|із|через) …
…(?:dan|den|umdan|mden)? (?:gönderildi|ile gönderildi)
(?:el)?küldve (?:az? )?…|trimis de pe …
…から送信|…(?:を使用して|より)送信
(?:发自|發自)(?:我的)?\\s?…|从我的\\s?…发送|從我的\\s?…傳送|(?:获取|取得) outlook …
(?:나의 |내 )?…에서 보냄|…에서 보냈습니다
[أا]ُ?رسلت من …|تم الإرسال من …
נשלח מ…
""")
MOBILE = re.compile(r"\W{0,4}(?:" + _MOBILE.replace("…", r"[^\n,;?!]{1,60}") + r")\W{0,3}", _I)

_REGARDS = _any("""
(?:with )?(?:my )?(?:best|kind|warm|kindest|warmest|many) (?:regards|wishes)|regards
best|all the best|cheers|take care|respectfully
(?:yours )?(?:sincerely|faithfully|truly)(?: yours)?|yours
(?:mit )?(?:beste|freundliche|herzliche|liebe|viele|schöne|sonnige)[nr]? gr[üu](?:ß|ss)e?n?
mit (?:besten|freundlichen) empfehlungen
gru(?:ß|ss)|lg|mfg|vg|hochachtungsvoll
(?:bien |très )?(?:cordialement|amicalement)|bien à (?:vous|toi)
(?:meilleures |sincères |mes |nos )?salutations(?: distinguées)?
(?:un )?(?:cordial(?:es)?|atento|afectuoso) saludos?|saludos(?: cordiales)?|atentamente|un saludo
(?:cordiali|distinti) saluti|cordialmente|un (?:cordiale )?saluto|saluti
atenciosamente|(?:com os )?(?:melhores )?cumprimentos|abraços?|att
(?:met )?(?:vriendelijke|hartelijke|beste) groet(?:en)?|groet(?:en|jes)?|mvg
z powa[żz]aniem|pozdrawiam(?: serdecznie)?|serdecznie pozdrawiam|z wyrazami szacunku|pozdrowienia
(?:med )?(?:vänlig|vänliga|bästa|hjärtliga|varma) hälsning(?:ar)?|mvh|hälsningar
(?:med )?(?:venlig|venlige|kærlig|bedste|de bedste|vennlig|beste) hils(?:en|ener|ner)|vh|kh|hilsen
(?:ystävällisin |parhain )?terveisin|terv|ystävällisesti
s (?:pozdravem|přátelským pozdravem|úctou|pozdravom)|hezký den|pěkný den
с (?:уважением|наилучшими пожеланиями)|всего (?:доброго|хорошего)
з (?:повагою|найкращими побажаннями)
saygılarım(?:ızla|la)|saygılar|iyi çalışmalar|sevgiler
üdvözlettel|tisztelettel|cu (?:stimă|respect)|με εκτίμηση
(?:以上、?)?(?:何卒、?)?(?:どうぞ、?)?(?:よろ|宜)しくお願い(?:いた|致|申し上げ)?します|敬具|以上(?:です)?
此致|敬礼|祝好|顺祝商祺|順頌商祺
감사합니다|안녕히 계세요
مع (?:أطيب )?(?:التحيات|تحياتي|الاحترام|خالص التحية)|تحياتي
בברכה
""")
SIGN_OFF = re.compile(rf"\W{{0,3}}(?:{_REGARDS})(?: (?:from|aus|de) [^\n]{{2,30}})?\W{{0,4}}", _I)
_THANKS = _any("""
thanks|thank you|thx|many thanks|thanks (?:again|in advance|a lot|so much)
thanks and (?:best |kind )?regards
danke|vielen dank|besten dank|merci|merci d.avance|gracias|muchas gracias|grazie|grazie mille
obrigad[oa]|bedankt|dank u|dank je|alvast bedankt|dziękuję|z góry dziękuję|tack|tack på förhand
tak|mange tak|takk|kiitos|děkuji|děkuji předem|спасибо|дякую|teşekkürler|teşekkür ederim|köszönöm
ありがとうございます|谢谢|謝謝|شكرا|תודה
""")
THANKS = re.compile(rf"\W{{0,3}}(?:{_THANKS})\W{{0,4}}", _I)
