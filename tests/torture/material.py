"""What messages are mutated, and what is put into them."""

from __future__ import annotations

from mail_corpus import RECEIVED

_CARD = (
    b"From: Jane <jane@example.net>\r\nTo: <support@example.com>\r\nSubject: Card\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nMy card is 4111 1111 1111 1111, thanks.\r\n"
)
_PROGRAM = (
    b"From: Jane <jane@example.net>\r\nTo: support@example.com\r\nSubject: Tool\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="prog"\r\n\r\n'
    b"--prog\r\nContent-Type: text/plain\r\n\r\nSee the tool.\r\n--prog\r\n"
    b'Content-Type: application/octet-stream; name="tool.exe"\r\n'
    b'Content-Disposition: attachment; filename="tool.exe"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nTVqQAAMAAAAEAAAA//8AALgAAAA=\r\n--prog--\r\n"
)
ADDRESSED = b"From: Jane <jane@example.net>\r\nTo: support@example.com\r\n"
_BARE = b"From: a@example.net\r\nTo: support@example.com\r\n\r\nHello\r\n"
SEEDS = [*RECEIVED.values(), _CARD, _CARD, _PROGRAM, _PROGRAM, _BARE]
"""The messages that are mutated."""

CHARSETS = (
    b"utf-8",
    b"UTF8",
    b"utf-16",
    b"utf-7",
    b"utf_8_sig",
    b"idna",
    b"punycode",
    b"rot13",
    b"hex",
    b"base64",
    b"zip",
    b"unicode_escape",
    b"raw_unicode_escape",
    b"undefined",
    b"mbcs",
    b"x-unknown",
    b"cp-850",
    b"iso-8859-8-i",
    b"iso-2022-kr",
    b"hz-gb-2312",
    b"gb18030",
    b"\xff\xfe",
    b"",
    b"us-ascii\0",
    b"*",
    b"utf-8'en'x",
    b"ISO-8859-1" * 40,
)
ENCODINGS = (
    b"7bit",
    b"8bit",
    b"binary",
    b"base64",
    b"quoted-printable",
    b"x-uuencode",
    b"uuencode",
    b"BASE64 ",
    b"base64;",
    b"(x) base64",
    b'"base64"',
    b"gzip",
    b"8-bit",
    b"",
    b"\xe9",
    b"base64, base64",
)
NAMES = (
    b"..\\..\\a.exe",
    b"../../etc/passwd",
    b"a" * 300 + b".pdf",
    b"\xe4\xf6.pdf",
    b"a.exe\0.txt",
    b"con",
    b".",
    b"",
    b"=?utf-8?b?ZXhl?=.exe",
    b"a.pdf\r\n\texe",
    b"r\xe2\x80\xaefdp.exe",
    b"a.EXE ",
    b"a.exe.",
    b'a\\".exe',
    b"%2e%2e%2fx.js",
    b"x.js;y=.txt",
)
WORDS = (
    b"=?utf-8?b?a?=",
    b"=?utf-8?q?=?=",
    b"=?x?b?AAAA?=",
    b"=?utf-8?B?4pyT?= =?utf-8?B?4pyT?=",
    b"=?utf-8?q?a=0D=0ABcc:_x@example.com?=",
    b"=?utf-16?b?//4=?=",
    b"=?utf-8*en?q?x?=",
    b"=?utf-8?z?x?=",
    b"=?" * 300,
    b"=?utf-8?q?" + b"=41" * 900 + b"?=",
    b"=?idna?q?xn--?=",
    b"=?utf-8?b?" + b"QUFB" * 600 + b"?=",
    b"=?us-ascii?q?=FF?=",
    b"=??q?x?=",
)
ADDRESSES = (
    b"",
    b"root",
    b"<>",
    b"<a@example.com> <b@example.com>",
    b"a@b@c",
    b'"' * 301,
    b"(" * 500,
    b"undisclosed-recipients:;",
    b"g: a@example.com, b@example.com;, c@example.com",
    b"@" * 200,
    b"J\xf6rg <j@example.net>",
    b'"a\\" <x@example.net>',
    b"a@[127.0.0.1]",
    b"<@a,@b:c@d.example>",
    b"a" * 1_000 + b"@example.com",
    b",".join(b"p%d@example.com" % n for n in range(120)),
    b"=?utf-8?q?a=40b?= <c@example.com>",
    b'"a\0b" <c@d.example>',
    b"<support@example.com",
    b"(((a))) b@example.com (c",
    b": ; : ;" * 100,
    b"a@example.com\r\n\r\n\tb",
)
JUNK = (
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\xff",
    b"\x80",
    b"\x1b]0;x\x07",
    b"\xe2\x80\xae",
    b"=",
    b"=\r\n",
    b"--",
    b'"',
    b"(",
    b"\\",
    b"<",
    b"&",
    b"&#x110000;",
    b"\t",
    b" ",
    b".\r\n",
    b"\xed\xa0\x80",
)
DATES = (
    b"",
    b"now",
    b"Fri, 99 Foo 2026 99:99:99 +9999",
    b"1 Jan 0000 00:00:00 -0000",
    b"Thu, 1 Jan 99999",
    b"Fri, 27 Nov 2026 10:00:00 +0100 (" + b"(" * 200,
)
TYPES = (
    b"text/html",
    b"text",
    b"/",
    b"",
    b"multipart/mixed",
    b"multipart/mixed; boundary",
    b"message/rfc822",
    b'multipart/alternative; boundary=""',
    b"message/partial; id=a; number=1",
    b"text/plain;;;;;",
    b"message/external-body; access-type=URL",
    b"multipart/signed",
    b"application/pkcs7-mime",
    b"a/b/c",
    b"text/plain; charset",
    b"text/plain; charset*=utf-8''x; charset=y; charset=z",
    b"TEXT/PLAIN(c)",
    b"multipart/encrypted; boundary=x",
    b"text/enriched",
    b"message/global",
    b"multipart/x; boundary=" + b"b" * 500,
)
