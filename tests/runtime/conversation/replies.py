# ruff: noqa: RUF001 (the words are in many alphabets)
"""Replies as mail programs write them, in many languages; every text is our own."""

from __future__ import annotations

# What Gmail writes above a quote, by language.
GMAIL = {
    "ar": "في الجمعة، ٢ يناير ٢٠٢٦ 10:00 ص كتب Jane Doe <jane@example.com>:",
    "cs": "pá 2. 1. 2026 v 10:00 odesílatel Jane Doe <jane@example.com> napsal:",
    "da": "Den fre. 2. jan. 2026 kl. 10.00 skrev Jane Doe <jane@example.com>:",
    "de": "Am Fr., 2. Jan. 2026 um 10:00 Uhr schrieb Jane Doe <jane@example.com>:",
    "en": "On Fri, Jan 2, 2026 at 10:00 AM Jane Doe <jane@example.com> wrote:",
    "es": "El vie, 2 ene 2026 a las 10:00, Jane Doe (<jane@example.com>) escribió:",
    "fi": "pe 2. tammik. 2026 klo 10.00 Jane Doe (jane@example.com) kirjoitti:",
    "fr": "Le ven. 2 janv. 2026 à 10:00, Jane Doe <jane@example.com> a écrit :",
    "hu": "Jane Doe <jane@example.com> ezt írta (időpont: 2026. jan. 2., P 10:00):",
    "he": "\u202b‪בתאריך יום ו׳, 2 בינו׳ 2026 ב-10:00 מאת ‪Jane Doe‬‏ <‪jane@example.com‬‏>:‬",
    "it": "Il giorno ven 2 gen 2026 alle ore 10:00 Jane Doe <jane@example.com> ha scritto:",
    "ja": "2026年1月2日(金) 10:00 Jane Doe <jane@example.com>:",
    "ko": "2026년 1월 2일 (금) 오전 10:00, Jane Doe <jane@example.com>님이 작성:",
    "nl": "Op vr 2 jan 2026 om 10:00 schreef Jane Doe <jane@example.com>:",
    "no": "fre. 2. jan. 2026 kl. 10:00 skrev Jane Doe <jane@example.com>:",
    "pl": "pt., 2 sty 2026 o 10:00 Jane Doe <jane@example.com> napisał(a):",
    "pt": "Em sex., 2 de jan. de 2026 às 10:00, Jane Doe <jane@example.com> escreveu:",
    "ru": "пт, 2 янв. 2026 г. в 10:00, Jane Doe <jane@example.com>:",
    "sv": "Den fre 2 jan. 2026 kl 10:00 skrev Jane Doe <jane@example.com>:",
    "tr": "Jane Doe <jane@example.com>, 2 Oca 2026 Cum, 10:00 tarihinde şunu yazdı:",
    "uk": "пт, 2 січ. 2026 р. о 10:00 Jane Doe <jane@example.com> пише:",
    "zh": "Jane Doe <jane@example.com> 于2026年1月2日周五 10:00写道：",
    "zh-TW": "Jane Doe <jane@example.com> 於 2026年1月2日 週五 上午10:00寫道：",
}

# What Apple Mail writes, where it differs, and Thunderbird.
APPLE = {
    "de": "> Am 02.01.2026 um 10:00 schrieb Jane Doe <jane@example.com>:",
    "en": "> On 2 Jan 2026, at 10:00, Jane Doe <jane@example.com> wrote:",
    "fr": "> Le 2 janv. 2026 à 10:00, Jane Doe <jane@example.com> a écrit :",
    "ja": "> 2026/01/02 10:00、Jane Doe <jane@example.com>のメール:",
    "zh": "> 2026年1月2日 10:00，Jane Doe <jane@example.com> 写道：",
}
THUNDERBIRD = {
    "cs": "Dne 02. 01. 26 v 10:00 Jane Doe napsal(a):",
    "de": "Am 02.01.26 um 10:00 schrieb Jane Doe:",
    "en": "On 1/2/26 10:00, Jane Doe wrote:",
    "es": "El 2/1/26 a las 10:00, Jane Doe escribió:",
    "fi": "Jane Doe kirjoitti 2.1.2026 klo 10.00:",
    "fr": "Le 02/01/2026 à 10:00, Jane Doe a écrit :",
    "it": "Il 02/01/26 10:00, Jane Doe ha scritto:",
    "ja": "On 2026/01/02 10:00, Jane Doe wrote:",
    "nl": "Op 02-01-2026 om 10:00 schreef Jane Doe:",
    "no": "Den 02.01.2026 10:00, skrev Jane Doe:",
    "pl": "W dniu 2.01.2026 o 10:00, Jane Doe pisze:",
    "pt": "Em 02/01/2026 10:00, Jane Doe escreveu:",
    "ru": "02.01.2026 10:00, Jane Doe пишет:",
    "sv": "Den 2026-01-02 kl. 10:00, skrev Jane Doe:",
}

# The fields of Outlook's header above a quote: from, sent, to, subject.
OUTLOOK = {
    "ar": ("من", "تاريخ الإرسال", "إلى", "الموضوع"),
    "cs": ("Od", "Odesláno", "Komu", "Předmět"),
    "da": ("Fra", "Sendt", "Til", "Emne"),
    "de": ("Von", "Gesendet", "An", "Betreff"),
    "en": ("From", "Sent", "To", "Subject"),
    "es": ("De", "Enviado el", "Para", "Asunto"),
    "fi": ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    "fr": ("De\u00a0", "Envoyé\u00a0", "À\u00a0", "Objet\u00a0"),
    "he": ("מאת", "נשלח", "אל", "נושא"),
    "it": ("Da", "Inviato", "A", "Oggetto"),
    "ja": ("差出人", "送信日時", "宛先", "件名"),
    "ko": ("보낸 사람", "보낸 날짜", "받는 사람", "제목"),
    "nl": ("Van", "Verzonden", "Aan", "Onderwerp"),
    "no": ("Fra", "Sendt", "Til", "Emne"),
    "pl": ("Od", "Wysłano", "Do", "Temat"),
    "pt": ("De", "Enviada em", "Para", "Assunto"),
    "ru": ("От", "Отправлено", "Кому", "Тема"),
    "sv": ("Från", "Skickat", "Till", "Ämne"),
    "tr": ("Kimden", "Gönderildi", "Kime", "Konu"),
    "uk": ("Від", "Надіслано", "Кому", "Тема"),
    "zh": ("发件人", "发送时间", "收件人", "主题"),
    "zh-TW": ("寄件者", "寄件日期", "收件者", "主旨"),
}

# What phones add below.
PHONE = {
    "ar": "أُرسلت من الـ iPhone",
    "cs": "Odesláno z iPhonu",
    "da": "Sendt fra min iPhone",
    "de": "Von meinem iPhone gesendet",
    "en": "Sent from my iPhone",
    "en-android": "Sent from my Galaxy",
    "en-outlook": "Get Outlook for Android<https://aka.ms/x>",
    "en-windows": "Sent from Mail for Windows",
    "en-yahoo": "Sent from Yahoo Mail on Android",
    "es": "Enviado desde mi iPhone",
    "fi": "Lähetetty iPhonesta",
    "fr": "Envoyé de mon iPhone",
    "fr-outlook": "Télécharger Outlook pour iOS",
    "he": "נשלח מה-iPhone שלי",
    "it": "Inviato da iPhone",
    "ja": "iPhoneから送信",
    "ko": "나의 iPhone에서 보냄",
    "nl": "Verstuurd vanaf mijn iPhone",
    "no": "Sendt fra min iPhone",
    "pl": "Wysłane z iPhone'a",
    "pt": "Enviado do meu iPhone",
    "ru": "Отправлено с iPhone",
    "sv": "Skickat från min iPhone",
    "tr": "iPhone'umdan gönderildi",
    "uk": "Надіслано з iPhone",
    "zh": "发自我的 iPhone",
    "zh-TW": "從我的 iPhone 傳送",
}

# How people end a letter.
GREETING = {
    "cs": "S pozdravem",
    "da": "Med venlig hilsen",
    "de": "Mit freundlichen Grüßen",
    "en": "Kind regards,",
    "es": "Un saludo,",
    "fi": "Ystävällisin terveisin",
    "fr": "Cordialement,",
    "it": "Cordiali saluti",
    "nl": "Met vriendelijke groet,",
    "no": "Med vennlig hilsen",
    "pl": "Pozdrawiam,",
    "pt": "Atenciosamente,",
    "ru": "С уважением,",
    "sv": "Med vänliga hälsningar",
    "tr": "Saygılarımla,",
    "uk": "З повагою,",
}


def outlook_header(fields: tuple[str, str, str, str], *, bold: bool = False) -> str:
    """The header that Outlook puts above what it quotes."""
    values = (
        "Support <support@example.com>",
        "Friday, 2 January 2026 10:00",
        "Jane Doe <jane@example.com>",
        "Re: Printer",
    )
    sign = "*" if bold else ""
    return "\n".join(
        f"{sign}{name}:{sign} {value}" for name, value in zip(fields, values, strict=True)
    )
