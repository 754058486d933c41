"""How mail programs introduce what they quote, and how people sign, in some thirty languages.

Only what programs and conventions write; never what people say. Each expression is matched against
one line, or a few that are joined, of a bounded length.
"""

from __future__ import annotations

import re

__all__ = [
    "ABOVE",
    "DATE",
    "LABELS",
    "MOBILE",
    "SEPARATOR",
    "SIGN_OFF",
    "STARTER",
    "THANKS",
    "WROTE",
]

_I = re.IGNORECASE

# en de fr es it pt nl pl sv/da/no fi cs/sk ru uk tr hu ro el ja zh ko ar he
WROTE = re.compile(
    r"\b(?:wrote|writes|sent|schrieb|schreibt|geschrieben|(?:a|à) écrit|écrit|escribió|escribi[oó]|ha scritto"
    r"|scrive|scritto|escreveu|schreef|geschreven|napisał|napisała|pisze|skrev|skriver|kirjoitti"
    r"|napsal|napsala|odesílatel|napísal|пишет|написал|написала|писал|пише|написав|написала"
    r"|yazdı|yazmış|írta|a scris|έγραψε|je napisao|escrigué|va escriure)\b"
    r"|写道|寫道|写到|のメール|書きました|書いた|さんのメッセージ|작성|썼습니다|님이 쓴"
    r"|كتب|كتبت|كتبه|כתב|כתבה|מאת",
    _I,
)
STARTER = re.compile(
    r"\b(?:On|Am|Le|El|Il|Em|Op|Den|Vom|Dne|Dňa|Dnia|W dniu|Il giorno|Em|No dia|În|Στις|Em data)\s"
    r"(?=\S{1,12}[.,]?\s|\d)"
)
DATE = re.compile(
    r"\d{1,2}[:.h]\d{2}\b|\b(?:19|20)\d\d\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d\s?[年月日년월일]"
)

_LABELS = {
    "from": "From|Von|De|Da|Od|Van|Från|Fra|Lähettäjä|От|От кого|Від|Kimden|Gönderen|Feladó|De la|Από"
    "|差出人|送信者|发件人|寄件者|寄件人|보낸 사람|보낸사람|발신|من|מאת|Expéditeur|Remitente|Mittente"
    "|Afzender|Nadawca|Avsändare|Afsender|Avsender|Odesílatel|Odosielateľ|Отправитель|Відправник",
    "sent": "Sent|Date|Sent on|Gesendet|Datum|Envoyé|Envoyé le|Enviado|Enviado el|Enviado em|Fecha"
    "|Inviato|Data|Enviada|Enviada em|Verzonden|Verstuurd|Wysłano|Wysłane|Skickat|Sendt|Dato"
    "|Lähetetty|Päivämäärä|Päiväys|Odesláno|Odoslané|Отправлено|Дата|Надіслано|Gönderildi"
    "|Gönderilme|Gönderme Tarihi|Gönderim Tarihi|Tarih|Elküldve|Dátum|Trimis|Ημερομηνία|送信日時"
    "|日時|日付|发送时间|发送日期|日期|時間|寄件日期|傳送時間|보낸 날짜|날짜|보낸날짜|تاريخ الإرسال|التاريخ"
    "|תאריך|נשלח",
    "to": "To|An|À|A|Para|Aan|Do|Till|Til|Vastaanottaja|Komu|Кому|Kime|Alıcı|Címzett|Către|Προς|宛先"
    "|收件人|收件者|받는 사람|받는사람|수신|إلى|אל|Destinataire|Destinatario|Destinatário|Empfänger",
    "cc": "Cc|Bcc|Kopie|Copie|Kopia|Kopi|Kopio|Копия|Копія|Bilgi|抄送|副本|참조|نسخة|עותק",
    "subject": "Subject|Betreff|Objet|Sujet|Asunto|Oggetto|Assunto|Onderwerp|Temat|Ämne|Emne|Aihe"
    "|Předmět|Predmet|Тема|Konu|Tárgy|Subiect|Θέμα|件名|主题|主旨|제목|الموضوع|נושא",
}
LABELS = re.compile(
    r"[\s*_|]{0,8}(?:"
    + "|".join(f"(?P<{kind}>{words})" for kind, words in _LABELS.items())
    + r")[*_]{0,3}\s?[:：][*_]{0,3}(?P<value>.*)",
    _I,
)

_ORIGINAL = (
    "original (?:e-?mail )?message|original e-?mail|reply message|forwarded (?:by|message)|begin forwarded message"
    "|(?:urspr[üu]ngliche|original|weitergeleitete|antwort)[ -]?(?:nachricht|mail)"
    "|anfang der weitergeleiteten (?:nachricht|e-mail)|(?:début du )?message (?:d.origine|original|transféré|réexpédié)"
    "|(?:inicio del )?mensaje (?:original|reenviado)|(?:inizio )?messaggio (?:originale|inoltrato)"
    "|(?:início da )?mensagem (?:original|encaminhada|reencaminhada)"
    "|(?:begin )?(?:oorspronkelijk|origineel|doorgestuurd) bericht"
    "|(?:oryginalna|przekazana) wiadomość|wiadomość (?:oryginalna|przekazana)|treść przekazanej wiadomości"
    "|(?:ursprungligt|vidarebefordrat|original) ?meddelande|originalmeddelande"
    "|(?:oprindelig|videresendt|original) (?:meddelelse|besked)|(?:opprinnelig|videresendt) (?:melding|e-post)"
    "|(?:alkuperäinen|välitetty) viesti|(?:původní|přeposlaná) (?:zpráva|e-mail)|pôvodná správa"
    "|(?:исходное|оригинальное|пересылаемое|пересланное|первоначальное) сообщение"
    "|(?:оригінальне|вихідне|переслане|початкове) повідомлення"
    "|(?:özgün|orijinal|iletilen) (?:ileti|mesaj)|eredeti (?:üzenet|levél)|mesaj original"
    "|元のメッセージ|転送メッセージ|转发邮件信息|原始邮件|原邮件|转发的邮件|原始郵件|轉寄郵件"
    "|원본 ?(?:메시지|메일)|전달된 메시지|الرسالة الأصلية|رسالة معاد توجيهها|הודעה מקורית|הודעה שהועברה"
)
SEPARATOR = re.compile(
    rf"[\s*]{{0,4}}(?:[-_=–—*]{{2,}}\s?[*]{{0,2}}(?:{_ORIGINAL})[^\n]{{0,60}}|(?:{_ORIGINAL})\s?[:：]|\s?"
    r"-{2,}\s?[^-\n]{2,60} (?:wrote|sent|schrieb|a écrit|escribió|ha scritto|escreveu)\s?-{2,}"
    r"|\[?Original Message processed by )[^\n]{0,80}",
    _I,
)
ABOVE = re.compile(
    r"[\s\W]{0,12}(?:please )?(?:(?:write|type|enter|add) your )?(?:reply|respond|replies|write|type) "
    r"(?:your (?:reply|response|answer) )?above (?:this|the) line"
    r"|[\s\W]{0,12}bitte (?:geben|schreiben|antworten) [^\n]{0,30}(?:oberhalb|über) dieser (?:zeile|linie)"
    r"|[\s\W]{0,12}(?:répond\w* au-dessus de cette ligne|responda por encima de esta línea)",
    _I,
)

_DEVICE = r"[^\n,;?!]{1,60}"
MOBILE = re.compile(
    rf"\W{{0,4}}(?:(?:sent|shared) (?:from|via|with|using) (?:my |the |an? )?{_DEVICE}|sent on the {_DEVICE}"
    rf"|get outlook for {_DEVICE}|(?:von|vom) (?:meinem|mein) {_DEVICE} gesendet"
    rf"|gesendet (?:von|mit|über|aus) (?:meinem |der )?{_DEVICE}|diese nachricht wurde von meinem {_DEVICE}"
    rf"|(?:holen sie sich |laden sie )?outlook für (?:ios|android)\b{_DEVICE}?"
    rf"|envoyé (?:de|depuis|à partir de|avec|par) {_DEVICE}|(?:obtenez|télécharger|téléchargez) outlook pour {_DEVICE}"
    rf"|enviado (?:desde|do|da|de|a partir do|através do|con|com|via) {_DEVICE}"
    rf"|(?:obtener|obtenga|obter|descargue|baixe)(?: o)? outlook (?:para|for) {_DEVICE}"
    rf"|inviato (?:da|dal|dallo|con|tramite) {_DEVICE}|(?:scarica|ottieni) outlook (?:per|for) {_DEVICE}"
    rf"|(?:verstuurd|verzonden) (?:vanaf|vanuit|via|met|van) {_DEVICE}|outlook voor (?:ios|android){_DEVICE}?"
    rf"|wysłan[eoy] (?:z|ze|przez|za pomocą) {_DEVICE}|pobierz (?:program )?outlook dla {_DEVICE}"
    rf"|skickat från {_DEVICE}|hämta outlook för {_DEVICE}|sendt (?:fra|via|med) {_DEVICE}|(?:hent|skaff) outlook (?:til|for) {_DEVICE}"
    rf"|lähetetty {_DEVICE}|hanki outlook {_DEVICE}|odesláno (?:z|ze|pomocí) {_DEVICE}|odoslané z[o]? {_DEVICE}|získat outlook pro {_DEVICE}"
    rf"|отправлено (?:с|из|через) {_DEVICE}|надіслано (?:з|із|через) {_DEVICE}|скачать outlook {_DEVICE}"
    rf"|{_DEVICE} (?:gönderildi|ile gönderildi)|{_DEVICE}から送信|{_DEVICE}(?:を使用して送信|より送信)"
    rf"|(?:发自|發自)(?:我的)?\s?{_DEVICE}|从我的\s?{_DEVICE}发送|從我的\s?{_DEVICE}傳送|(?:获取|取得) outlook {_DEVICE}"
    rf"|(?:나의 |내 )?{_DEVICE}에서 보냄|{_DEVICE}에서 보냈습니다|[أا]ُ?رسلت من {_DEVICE}|تم الإرسال من {_DEVICE}"
    rf"|נשלח מ{_DEVICE}|küldve {_DEVICE}|elküldve az? {_DEVICE}|trimis de pe {_DEVICE})\W{{0,3}}",
    _I,
)

_REGARDS = (
    r"(?:with )?(?:my )?(?:best|kind|warm|kindest|warmest|many)(?:est)? (?:regards|wishes)|regards|best|all the best"
    r"|(?:yours )?(?:sincerely|faithfully|truly)(?: yours)?|yours|respectfully|cheers|take care"
    r"|(?:mit )?(?:besten|freundlichen|herzlichen|lieben|vielen|schönen|viele|liebe|beste|schöne|herzliche|freundliche)n?"
    r" (?:gr[üu](?:ß|ss)e?n?|empfehlungen)(?: aus [^\n]{2,30})?|gru(?:ß|ss)|lg|mfg|vg|hochachtungsvoll"
    r"|(?:bien |très )?(?:cordialement|amicalement)|(?:meilleures |sincères |mes |nos )?salutations(?: distinguées)?|bien à (?:vous|toi)"
    r"|(?:un )?(?:cordial(?:es)?|atento|afectuoso) saludos?|saludos(?: cordiales)?|atentamente|un saludo"
    r"|(?:cordiali|distinti) saluti|cordialmente|un (?:cordiale )?saluto|saluti"
    r"|atenciosamente|(?:com os )?(?:melhores )?cumprimentos|abraços?|att"
    r"|(?:met )?(?:vriendelijke|hartelijke|beste) groet(?:en)?|groet(?:en|jes)?|mvg"
    r"|(?:z powa[żz]aniem|pozdrawiam(?: serdecznie)?|serdecznie pozdrawiam|z wyrazami szacunku|pozdrowienia)"
    r"|(?:med )?(?:vänlig|vänliga|bästa|hjärtliga|varma) hälsning(?:ar)?|mvh|hälsningar"
    r"|(?:med )?(?:venlig|venlige|kærlig|bedste|de bedste|vennlig|beste) hils(?:en|ener|ner)|vh|kh|hilsen"
    r"|(?:ystävällisin |parhain )?terveisin|terv(?:eisin)?|ystävällisesti"
    r"|s (?:pozdravem|přátelským pozdravem|úctou|pozdravom)|(?:hezký|pěkný) den"
    r"|с (?:уважением|наилучшими пожеланиями)|всего (?:доброго|хорошего)"
    r"|з (?:повагою|найкращими побажаннями)|(?:saygılarım(?:ızla|la)|saygılar|iyi çalışmalar|sevgiler)"
    r"|üdvözlettel|tisztelettel|cu (?:stimă|respect)|με εκτίμηση"
    r"|(?:よろしくお願い(?:いた|致)?します|宜しくお願い(?:いた|致)?します|敬具|以上)|此致|敬礼|祝好|顺祝商祺|順頌商祺"
    r"|감사합니다|안녕히 계세요|(?:드림|올림)|مع (?:أطيب )?(?:التحيات|تحياتي|الاحترام|خالص التحية)|تحياتي|بברכה|בברכה"
)
SIGN_OFF = re.compile(rf"\W{{0,3}}(?:{_REGARDS})(?: (?:from|aus|de) [^\n]{{2,30}})?\W{{0,4}}", _I)
THANKS = re.compile(
    r"\W{0,3}(?:thanks|thank you|thx|many thanks|thanks (?:again|in advance|a lot|so much|and (?:best |kind )?regards)"
    r"|danke|vielen dank|besten dank|merci|merci d.avance|gracias|muchas gracias|grazie|grazie mille|obrigad[oa]"
    r"|bedankt|dank u|dank je|alvast bedankt|dziękuję|z góry dziękuję|tack|tack på förhand|tak|mange tak|takk"
    r"|kiitos|děkuji|děkuji předem|спасибо|дякую|teşekkürler|teşekkür ederim|köszönöm|ありがとうございます"
    r"|谢谢|謝謝|شكرا|תודה)\W{0,4}",
    _I,
)
