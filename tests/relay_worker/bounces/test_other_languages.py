"""What servers say in other languages than English, with and without their accents."""

import pytest

from relay_worker.bounces.classes import HARD_CLASSES
from relay_worker.bounces.classes import OutcomeClass as Class
from relay_worker.bounces.classify import classify, plain

GONE = [
    "Empfänger unbekannt", "Dieser Benutzer existiert nicht", "Die eingegebene E-Mail-Adresse konnte nicht gefunden werden",
    "Utilisateur inconnu", "Cette adresse n'existe pas", "L\u2019adresse que vous avez entrée est introuvable",
    "El usuario no existe", "No se encontró la dirección de correo", "Destinatario inexistente",
    "Casella inesistente", "L'indirizzo non esiste", "Impossibile trovare l'indirizzo immesso",
    "Usuário não existe", "Não foi possível encontrar o endereço de email", "Conta inexistente",
    "Gebruiker onbekend", "Dit e-mailadres bestaat niet",
    "Użytkownik nie istnieje", "Nie ma takiego użytkownika",
    "Пользователь не найден", "Такого пользователя нет", "Почтовый ящик не существует",
    "用户不存在", "收件人邮箱地址不存在", "无此用户",
    "宛先のアドレスは存在しません", "ユーザーが見つかりません",
    "존재하지 않는 사용자입니다", "수신자를 찾을 수 없습니다",
    "Brugeren findes ikke", "Brukeren finnes ikke", "Ukendt modtager", "Användaren finns inte", "Okänd mottagare",
    "Uživatel neexistuje", "Neznámý příjemce", "A felhasználó nem létezik", "Ismeretlen címzett", "Utilizatorul nu există",
    "Destinatar necunoscut", "Kullan\u0131c\u0131 bulunamad\u0131", "Al\u0131c\u0131 adresi geçersiz", "Empfaenger ungueltig",
    "Kein Postfach unter diesem Namen", "Aucun utilisateur de ce nom", "Nessun utente con questo nome",
]  # fmt: skip
FULL = [
    "Das Postfach des Empfängers ist voll", "La boîte aux lettres est pleine", "El buzón está lleno", "Casella di posta piena",
    "Caixa postal cheia", "Mailbox van de ontvanger is vol", "Skrzynka odbiorcy jest pełna", "Почтовый ящик переполнен",
    "Schránka je plná", "Posta kutusu dolu", "Căsuța poștală este plină", "Mottagarens brevlåda är full", "A postafiók megtelt",
    "邮箱已满", "メールボックスの容量を超えています", "메일함이 가득 찼습니다",
]  # fmt: skip
ABOUT_THE_SENDER = [
    "Absender unbekannt", "Die Absender-Adresse existiert nicht", "L'adresse de l'expéditeur n'existe pas", "Remitente desconocido",
    "Indirizzo del mittente inesistente", "Endereço do remetente inexistente", "Afzender onbekend", "Adres nadawcy nie istnieje",
    "Avsändaren är okänd", "Afsenderen findes ikke", "Odesílatel neexistuje", "A feladó nem létezik", "Gönderen bulunamad\u0131",
    "Адрес отправителя не существует", "发件人地址不存在", "送信者のアドレスが存在しません", "발신자 주소가 존재하지 않습니다",
]  # fmt: skip
NOT_GONE = [
    ("Votre adresse IP est bloquée", Class.BLOCK_REPUTATION),
    ("Ihre IP-Adresse steht auf einer Sperrliste", Class.BLOCK_REPUTATION),
    ("Ваш IP-адрес находится в чёрном списке", Class.BLOCK_REPUTATION),
    ("Votre message est considéré comme indésirable", Class.SPAM_CONTENT),
    ("Сообщение похоже на спам", Class.SPAM_CONTENT),
    ("您的邮件被判定为垃圾邮件", Class.SPAM_CONTENT),
    ("Das Postfach ist gesperrt", Class.ADDRESS_SUSPENDED),
    ("Ihre Nachricht wurde als Spam eingestuft", Class.SPAM_CONTENT),
    ("El usuario no existe temporalmente", Class.RECIPIENT_UNCONFIRMED),
    ("Unbekannter Fehler bei der Zustellung an den Empfänger", Class.SERVER_TROUBLE),
]


@pytest.mark.parametrize("text", GONE)
def test_an_address_that_is_gone_is_understood(text: str) -> None:
    assert classify(550, "", text) is Class.NO_SUCH_ADDRESS
    assert classify(550, "5.1.1", text) is Class.NO_SUCH_ADDRESS


@pytest.mark.parametrize(
    "text", ["Conta inativa", "La cuenta está inactiva", "Das Konto ist inaktiv", "Compte inactif"]
)
def test_an_account_that_nobody_uses_is_understood(text: str) -> None:
    assert classify(550, "", text) is Class.ADDRESS_DISABLED


@pytest.mark.parametrize("text", FULL)
def test_a_full_mailbox_is_understood_beside_any_code(text: str) -> None:
    assert classify(550, "", text) is Class.MAILBOX_FULL
    assert classify(550, "5.1.1", text) is Class.MAILBOX_FULL


@pytest.mark.parametrize("text", ABOUT_THE_SENDER)
def test_an_unknown_sender_is_no_unknown_recipient(text: str) -> None:
    assert classify(550, "", text) is Class.SENDER_REFUSED


@pytest.mark.parametrize(("text", "outcome"), NOT_GONE)
def test_what_is_not_about_the_address_never_suppresses_it(text: str, outcome: Class) -> None:
    assert classify(550, "", text) is outcome
    assert outcome not in HARD_CLASSES


def test_accents_and_the_shapes_of_letters_make_no_difference() -> None:
    assert plain("Boîte pleine") == plain("Boite pleine")
    assert plain("doesn\u2019t") == plain("doesn't")
    assert plain("\uff55\uff53\uff45\uff52") == plain("user")
