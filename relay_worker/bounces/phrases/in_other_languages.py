"""The same in German, French, Spanish, Italian, Portuguese, Romanian, Dutch, Danish, Norwegian, Swedish, Polish, Czech,
Hungarian, Turkish, Russian, Chinese, Japanese and Korean.

A reason is two words near each other: whom it is about, and what became of them. Latin letters come without accents
(see `classify.plain`). These are asked after the English ones, for most servers say it in both languages.
"""

from relay_worker.bounces.classes import OutcomeClass as Class
from relay_worker.bounces.phrases.phrase import phrase

_SENDER = (
    "absender(?:-?adresse)?", "expediteurs?", "emetteur", "remitente", "emisor", "mittente", "remetente", "afzender(?:adres)?",
    r"expeditor\w*", r"a[fv]sender\w*", r"avsandar\w+", r"odesilatel\w*", r"felado\w*", r"gonderen\w*",
    r"nadawc\w+", r"отправител\w+", "(?:ihre|votre|uw) (?:adresse|konto|compte|adres)",
)  # fmt: skip
_RECIPIENT = (
    "empfae?ngers?", "(?:be)?nutzers?", "postfach", "mailbox", r"(?:e-?mail-?)?adresse", "konto", "account",
    "destinataires?", "utilisateurs?", "compte", "boite",
    "usuario", "destinatario", "buzon", "direccion", "cuenta", "persona", "correo",
    "utente", "indirizzo", "casella",
    "utilizador", "endereco", "caixa", "conta",
    "gebruiker", "ontvanger", "geadresseerde", r"(?:e-?mail-?)?adres",
    r"utilizator\w*", r"destinatar\w*", r"casut\w+", r"adres[aeiu]\w*",
    r"bru[gk]er\w*", r"modtager\w*", r"mottaker\w*", r"postkass\w+", r"anvandar\w+", r"mottagar\w+", r"brevlad\w+",
    r"uzivatel\w*", r"prijemc\w+", r"schrank\w+", r"felhasznal\w+", r"cimzett\w*", r"postafiok\w*",
    r"kullanici\w*", r"alici\w*", r"posta kutu\w+", r"hesa[bp]\w*",
    r"uzytkownik\w*", r"odbiorc\w+", r"adresat\w*", r"skrzynk\w+",
    r"пользовател\w+", r"получател\w+", r"адресат\w*", r"ящик\w*", r"адрес\w*",
)  # fmt: skip
_GONE = (
    "existier(?:t|en)(?: hier)? nicht", "nicht (?:gefunden|vorhanden|bekannt|gue?ltig)", r"unbekannt\w*", r"ungue?ltig\w*",
    "n'existe(?:nt)? (?:pas|plus)", "inexistante?", "inconnue?", "introuvable", "invalide", "non repertorie",
    "pas (?:ete )?trouvee?",
    "no existe", "ine[xs]istente", "desconocid[oa]", r"no (?:se )?(?:ha )?(?:podido )?enc(?:ue|o)ntr\w+", "invalid[oa]",
    "non esiste", "sconosciut[oa]", "non (?:e )?(?:stat[oa] )?(?:trovat|valid)[oa]", "impossibile trovare",
    "nao existe", "desconhecid[oa]", r"nao (?:foi )?(?:possivel )?encontra\w+",
    "bestaat niet", "onbekende?", "niet (?:gevonden|bekend)", "ongeldig",
    "nu exista", r"necunoscut\w*", "fin(?:de|ne)s ikke", "eksisterer ikke", "uk(?:en|jen)dt?", r"ugyldig\w*", "finns inte", r"okan[dt]\w*",
    "hittades inte", r"ogiltig\w*", "neexistuje", r"nenalezen\w*", r"neznam\w+", r"neplatn\w+",
    "nem letezik", r"ismeretlen\w*", "nem talalhato", r"ervenytelen\w*", r"bulunam[aiu]\w+", "mevcut degil", "gecersiz", "bilinmeyen",
    "nie istnieje", r"nieznan\w+", r"nie (?:zostal\w* )?znalezion\w+", "nie ma takiego",
    "не существует", r"не (?:был\w* |удалось )?най(?:ден\w*|ти)", r"неизвест\w+", "нет такого", "не зарегистрирован",
)  # fmt: skip
_CLOSED = (
    "deaktiviert", "geschlossen", "geloe?scht", r"desactivee?", r"supprimee?", r"fermee?", "desactivad[oa]", "eliminad[oa]",
    "disattivat[oa]", "chius[oa]", "desativad[oa]", "encerrad[oa]", "ina(?:c|t)?tiv[oa]", "inacti(?:f|ve)", "inaktiv", "opgeheven", "verwijderd", r"usuniet\w+",
    r"отключ[её]н\w*", r"удал[её]н\w*",
)  # fmt: skip
_LOCKED = (
    "gesperrt", r"bloque\w*", r"bloccat[oa]", r"suspendu\w*", r"suspendid[oa]", r"suspens[oa]", r"sospes[oa]", "geblokkeerd",
    r"zablokowan\w+", r"заблокирован\w*",
)  # fmt: skip
_FULL = (
    "plina", "ful(?:d|l)", r"(?:pre)?pln[aey]", "megtelt", "dolu", r"dolmus\w*", r"asild\w+",
    "voll", "ue?berfue?llt", "pleine?", "llen[oa]", "pien[oa]", "chei[oa]", "vol", r"peln[aey]", r"przepelnion\w+",
    r"переполнен\w*", "ue?berschritten", r"depass\w+", r"superad[oa]", r"exced\w+", r"превышен\w*",
)  # fmt: skip
_LISTED = (*_LOCKED, "sperrliste", "liste noire", "lista (?:negra|nera)", "zwarte lijst", r"черн\w+ спис\w+")
_SPAM = (
    "spam",
    "unerwunschte?",
    "indesirables?",
    "pourriel",
    "no deseado",
    "indesiderata",
    "indesejad[oa]",
    r"спам\w*",
)
_TAKEN_FOR = (
    "nachricht", "e?-?mail", "message", "mensaje", "correo", "messaggio", "posta", "mensagem", "bericht", r"wiadomo\w+", r"письм\w+", r"сообщени\w+",
)  # fmt: skip
_DOMAIN = (r"domain\w*", "domaine", "dominio", "domena", "domein", r"домен\w*")

_CJK_SENDER = ("发件人", "寄件", "发信人", "送信者", "送信元", "差出人", "발신자", "보낸 ?사람", "송신자")
_CJK_RECIPIENT = (
    "用[户戶]", "收件", "[邮郵信]箱", "地址", "[账帐帳]号",
    "宛先", "アドレス", "ユーザ", "メールボックス", "受信者", "アカウント", "ディレクトリ",
    "사용자", "수신자", "받는 ?사람", "메일", "주소", "계정",
)  # fmt: skip
_CJK_GONE = (
    "不存在", "[找查]不到", "未找到", "没有找到", "[无無]效", "查[无無]",
    "无此", "没有[这该此]", "存在しま?せ?な?[いん]", "使われていません", "見つか(?:りま|らな)", "不明", "ありません",
    "존재하지 않", "찾을 수 없", "없는", "없습니다", "알 수 없",
)  # fmt: skip
_CJK_FULL = (
    "已满",
    "已滿",
    "空间不足",
    "超[出过]",
    "容量",
    "いっぱい",
    "満杯",
    "超過",
    "공간",
    "가득",
    "초과",
)
_CJK_LOCKED = ("停用", "[冻凍][结結]", "锁定", "一時停止", "정지")


def _near(some: tuple[str, ...], others: tuple[str, ...]) -> str:
    """One of `some` and one of `others` in the same half sentence, in either order."""
    one, other = (rf"\b(?:{'|'.join(words)})\b" for words in (some, others))
    return rf"{one}[^.;!?]{{0,60}}?{other}|{other}[^.;!?]{{0,40}}?{one}"


def _beside(some: tuple[str, ...], others: tuple[str, ...]) -> str:
    """The same for scripts without spaces."""
    one, other = (f"(?:{'|'.join(words)})" for words in (some, others))
    return f"{one}[^。;!?]{{0,30}}?{other}|{other}[^。;!?]{{0,10}}?{one}"


# In the same reply, words for an address that is gone are not meant, in any language.
NOT_GONE = (
    phrase(
        Class.BLOCK_REPUTATION,
        _near((r"(?:adresse |direccion |indirizzo |endereco )?ip(?:-\w+)?",), _LISTED),
    ),
    phrase(
        Class.SENDER_REFUSED,
        _near(_SENDER, (*_GONE, r"rejete\w*", r"abgelehnt", r"rechazad[oa]", r"rifiutat[oa]")),
        _beside(_CJK_SENDER, _CJK_GONE),
    ),
    phrase(
        Class.SPAM_CONTENT,
        _near(_SPAM, _TAKEN_FOR),
        "垃圾|スパム|迷惑メール|스팸",
    ),
    phrase(Class.MAILBOX_FULL, _near(_RECIPIENT, _FULL), _beside(_CJK_RECIPIENT, _CJK_FULL)),
    phrase(Class.ADDRESS_SUSPENDED, _near(_RECIPIENT, _LOCKED), _beside(_CJK_RECIPIENT, _CJK_LOCKED)),
)

OTHER_LANGUAGES = (
    *NOT_GONE,
    phrase(Class.ADDRESS_DISABLED, _near(_RECIPIENT, _CLOSED)),
    phrase(
        Class.NO_SUCH_ADDRESS,
        _near(_RECIPIENT, _GONE),
        _beside(_CJK_RECIPIENT, _CJK_GONE),
        rf"\b(?:kein(?:e[nr]?)?|aucune?|ningun[oa]?|nessun[oa]?|nenhuma?|geen) (?:{'|'.join(_RECIPIENT)})\b",
        r"\bno hay (?:nadie|ningun\w*) (?:\w+ )?con es[et]e? ",
        r"(?:такого|такой) (?:пользовател|получател|адрес|ящик)\w* нет\b",
    ),
    phrase(Class.NO_SUCH_DOMAIN, _near(_DOMAIN, _GONE), _beside(("域名", "ドメイン", "도메인"), _CJK_GONE)),
)
