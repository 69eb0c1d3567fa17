"""Ready pieces of configuration and code for usual clients; the secret is left for the customer to fill in."""

from dataclasses import dataclass

SECRET = "YOUR_SECRET"  # noqa: S105 - a placeholder that customers replace


@dataclass(frozen=True, slots=True)
class Snippet:
    """One piece: its tab, and its text with everything filled in but the secret."""

    id: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Login:
    """What the pieces are filled with. `sender` is an address the account may send from."""

    host: str
    port: int
    user_name: str
    sender: str


_TEMPLATES: tuple[tuple[str, str, str], ...] = (
    (
        "swaks",
        "swaks",
        """swaks --server {host} --port {port} --tls \\
  --auth PLAIN --auth-user {user_name} --auth-password {secret} \\
  --from {sender} --to you@example.com \\
  --header "Subject: Hello" --body "It works."
""",
    ),
    (
        "curl",
        "curl",
        """printf 'From: {sender}\\r\\nTo: you@example.com\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n' |
curl --ssl-reqd smtp://{host}:{port} \\
  --user '{user_name}:{secret}' \\
  --mail-from {sender} --mail-rcpt you@example.com \\
  --upload-file -
""",
    ),
    (
        "python",
        "Python",
        """import smtplib
from email.message import EmailMessage

message = EmailMessage()
message["From"] = "{sender}"
message["To"] = "you@example.com"
message["Subject"] = "Hello"
message.set_content("It works.")

with smtplib.SMTP("{host}", {port}) as smtp:
    smtp.starttls()
    smtp.login("{user_name}", "{secret}")
    smtp.send_message(message)
""",
    ),
    (
        "php",
        "PHP",
        """use PHPMailer\\PHPMailer\\PHPMailer;

$mail = new PHPMailer(true);
$mail->isSMTP();
$mail->Host = '{host}';
$mail->Port = {port};
$mail->SMTPSecure = PHPMailer::ENCRYPTION_STARTTLS;
$mail->SMTPAuth = true;
$mail->Username = '{user_name}';
$mail->Password = '{secret}';
$mail->setFrom('{sender}');
$mail->addAddress('you@example.com');
$mail->Subject = 'Hello';
$mail->Body = 'It works.';
$mail->send();
""",
    ),
    (
        "node",
        "Node.js",
        """import nodemailer from "nodemailer";

const transport = nodemailer.createTransport({{
  host: "{host}",
  port: {port},
  requireTLS: true,
  auth: {{ user: "{user_name}", pass: "{secret}" }},
}});

await transport.sendMail({{
  from: "{sender}",
  to: "you@example.com",
  subject: "Hello",
  text: "It works.",
}});
""",
    ),
    (
        "wordpress",
        "WordPress",
        """WP Mail SMTP > Settings > Other SMTP

SMTP Host:       {host}
Encryption:      TLS
SMTP Port:       {port}
Authentication:  On
SMTP Username:   {user_name}
SMTP Password:   {secret}
From Email:      {sender}
""",
    ),
    (
        "django",
        "Django",
        """EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = "{host}"
EMAIL_PORT = {port}
EMAIL_USE_TLS = True
EMAIL_HOST_USER = "{user_name}"
EMAIL_HOST_PASSWORD = "{secret}"
DEFAULT_FROM_EMAIL = "{sender}"
""",
    ),
    (
        "laravel",
        "Laravel",
        """MAIL_MAILER=smtp
MAIL_HOST={host}
MAIL_PORT={port}
MAIL_ENCRYPTION=tls
MAIL_USERNAME={user_name}
MAIL_PASSWORD={secret}
MAIL_FROM_ADDRESS={sender}
""",
    ),
    (
        "postfix",
        "Postfix",
        """# /etc/postfix/main.cf
relayhost = [{host}]:{port}
smtp_sasl_auth_enable = yes
smtp_sasl_security_options = noanonymous
smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd
smtp_tls_security_level = encrypt

# /etc/postfix/sasl_passwd, then: postmap /etc/postfix/sasl_passwd
[{host}]:{port} {user_name}:{secret}
""",
    ),
)


def snippets_for(login: Login) -> list[Snippet]:
    """Every piece, filled in. No value can break out of its quotes: host names, generated names and checked addresses."""
    values = {
        "host": login.host,
        "port": login.port,
        "user_name": login.user_name,
        "sender": login.sender,
        "secret": SECRET,
    }
    return [Snippet(key, name, template.format(**values)) for key, name, template in _TEMPLATES]
