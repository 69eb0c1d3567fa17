"""All settings of the product: one typed object, read once from the environment.

Every field names its unit and default; `docs/settings.md` is made from them by `frankpost settings document`.
"""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from platform_core.errors import SettingsInvalid

ROOT = Path(__file__).resolve().parents[2]

_MONITORING = (
    "Where /live, /ready and /metrics are; 0: nowhere. Where it is taken, one of the nine after it. Of the"
)


class Settings(BaseSettings):
    """What an operator may set. Names are upper case in the environment, with the prefix FRANKPOST_."""

    model_config = SettingsConfigDict(
        env_prefix="FRANKPOST_", extra="ignore", frozen=True, populate_by_name=True
    )

    # --- secrets and servers ---
    secret_key: SecretStr = Field(
        min_length=32,
        description="Signs sessions, checks SMTP secrets, seals private keys. At least 32 characters; never change it on a running installation.",
    )
    database_url: SecretStr = Field(
        validation_alias="DATABASE_URL",
        description="The Postgres server and database, as a user that may create roles: `postgresql://user:password@host:port/database`.",
    )
    database_web_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_WEB_URL",
        description="How web and jobs log in (role frankpost_web). Default: made from DATABASE_URL and the secret key.",
    )
    database_relay_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_RELAY_URL",
        description="How relay and delivery workers log in (role frankpost_relay). Default: made from DATABASE_URL and the secret key.",
    )
    redis_url: SecretStr = Field(
        validation_alias="REDIS_URL",
        description="The Redis server: `redis://host:port/0` or `unix:///path?db=0`.",
    )
    var_dir: Path = Field(
        default=ROOT / "var", description="Folder for everything made at run time in development."
    )

    # --- web ---
    platform_host: str = Field(
        default="console.localhost", description="Host name of the superadmin console, without a port."
    )
    platform_name: str = Field(
        default="Frankpost", description="The platform's name; shown on the console alone."
    )
    web_bind: str = Field(default="127.0.0.1", description="Address the web process listens on.")
    web_port: int = Field(default=8080, ge=0, le=65535, description="Port of the web process.")
    web_threads: int = Field(default=8, ge=1, description="Threads of one web process.")
    external_scheme: str = Field(
        default="http", pattern="^https?$", description="Scheme in links we send: `https` behind a TLS proxy."
    )
    external_port: int | None = Field(
        default=None, description="Port in links we send, where it is not the scheme's own."
    )
    trusted_proxies: int = Field(
        default=0, ge=0, description="How many reverse proxies in front set X-Forwarded-For/-Proto/-Host."
    )
    session_days: int = Field(default=14, ge=1, description="Days a login lasts.")
    login_limit: str = Field(
        default="10 per minute; 60 per hour",
        description="Log-in attempts for one address and for one user name, in Flask-Limiter's notation.",
    )
    password_memory_kib: int = Field(
        default=65_536,
        ge=32,
        description="Memory that hashing one password takes, in KiB (RFC 9106 recommends 64 MiB); under 19456 in tests only. Hashes from before a change stay good.",
    )

    # --- the relay (submission) ---
    relay_bind: str = Field(default="0.0.0.0", description="Address the relay listens on.")  # noqa: S104 - a mail relay serves the world
    relay_starttls_ports: Annotated[tuple[int, ...], NoDecode] = Field(
        default=(587, 2525, 25), description="Ports that begin in clear and offer STARTTLS; comma-separated."
    )
    relay_tls_ports: Annotated[tuple[int, ...], NoDecode] = Field(
        default=(465, 25025), description="Ports with TLS from the first byte; comma-separated."
    )
    relay_proxy_protocol_from: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Networks whose connections begin with a PROXY protocol header (v1 or v2); comma-separated CIDR.",
    )
    relay_neutral_host: str = Field(
        default="smtp.localhost",
        description="Host name in the greeting before the client has named a reseller's; must not carry the platform's brand.",
    )
    relay_allow_plaintext_loopback_auth: bool = Field(
        default=False, description="Offer AUTH without TLS to clients on loopback; for development only."
    )
    relay_max_message_bytes: int = Field(
        default=26_214_400, ge=1024, description="Largest message, in bytes."
    )
    relay_max_recipients: int = Field(
        default=1000, ge=100, description="Recipients in one message (RFC 5321 asks for 100)."
    )
    relay_max_connections: int = Field(default=2000, ge=1, description="Connections of one relay process.")
    relay_max_connections_per_address: int = Field(
        default=100, ge=1, description="Connections from one address."
    )
    relay_max_connections_per_account: int = Field(
        default=200, ge=1, description="Logged-in connections of one account."
    )
    relay_max_auth_failures_per_address: int = Field(
        default=20,
        ge=1,
        description="Failed logins from one address in 10 minutes; then it waits out the rest.",
    )
    relay_max_auth_failures_per_user: int = Field(
        default=50,
        ge=1,
        description="Failed logins to one user name in 10 minutes from addresses it never logged in from.",
    )
    relay_max_errors: int = Field(
        default=20, ge=1, description="Erroneous commands in one session; then 421."
    )
    relay_max_commands: int = Field(
        default=10_000, ge=100, description="Commands without a message between them; then 421."
    )
    relay_idle_seconds: int = Field(
        default=300, ge=1, description="Silence that ends a session (RFC 5321 4.5.3.2 asks for 5 minutes)."
    )
    relay_session_seconds: int = Field(default=3600, ge=10, description="Longest session.")
    relay_batch_messages: int = Field(default=200, ge=1, description="Most messages in one database commit.")
    relay_allotment: int = Field(
        default=256,
        ge=0,
        description="Most recipients that an account which sends much has taken out of its books in advance, for a minute "
        "at most; 0: none.",
    )
    relay_batch_bytes: int = Field(
        default=8_388_608,
        ge=1024,
        description="Most bytes in one database commit, unless one message is larger.",
    )
    relay_max_hops: int = Field(
        default=50, ge=5, description="Received headers that mean a mail loop (RFC 5321 6.3)."
    )
    relay_drain_seconds: int = Field(
        default=20, ge=1, description="How long a stopping relay lets transactions finish."
    )
    relay_certificate_file: Path | None = Field(
        default=None,
        description="PEM certificate chain for clients that name no hostname of a reseller. Default: a self-signed one.",
    )
    relay_key_file: Path | None = Field(
        default=None,
        description="PEM private key to it, where the certificate file does not hold the key too.",
    )
    relay_memory_bytes: int = Field(
        default=536_870_912,
        ge=1024,
        description="Bytes of mail one relay process holds before commit; beyond it messages are put off (452).",
    )
    relay_database_seconds: float = Field(
        default=100,
        gt=0,
        description="How long one commit of the relay may take, its own retries included, before its messages are put off (451).",
    )

    # --- mail that comes back ---
    inbound_ports: Annotated[tuple[int, ...], NoDecode] = Field(
        default=(25,),
        description="Those of the STARTTLS ports that take bounces, complaints and unsubscribes from everybody, without a login; comma-separated.",
    )
    inbound_max_message_bytes: int = Field(
        default=1_048_576,
        ge=65_536,
        description="Bytes kept of a mail that comes back. Of a larger one, as a bounce with all of the message, it is the beginning.",
    )
    inbound_max_messages_per_address: int = Field(
        default=2000, ge=1, description="Mails that one address may bring back in 10 minutes."
    )
    inbound_max_refusals_per_address: int = Field(
        default=100,
        ge=1,
        description="Recipients that are refused to one address in 10 minutes; then it waits out the rest.",
    )
    inbound_keep_days: int = Field(
        default=30, ge=1, description="Days for which mail that came back is kept after it was read."
    )

    # --- queue and delivery ---
    delivery_connections: int = Field(default=200, ge=1, description="Open SMTP connections of one worker.")
    delivery_claim: int = Field(default=200, ge=1, description="Recipients a worker claims at once.")
    delivery_in_flight: int = Field(default=400, ge=1, description="Recipients a worker holds at once.")
    delivery_lease_seconds: int = Field(
        default=60,
        ge=2,
        description="How long a claim lasts without renewal; what a dead worker held is tried again after it.",
    )
    delivery_drain_seconds: int = Field(
        default=30, ge=1, description="How long one drain job works before it rings again and ends."
    )
    delivery_expire_hours: int = Field(
        default=72, ge=1, description="Hours after which a deferred recipient is given up."
    )
    held_days: int = Field(
        default=7,
        ge=1,
        description="Days after which mail held at the end of an account's quota is given up.",
    )
    delivery_port: int = Field(default=25, ge=1, le=65535, description="Port of the world's mail servers.")
    delivery_helo: str = Field(
        default="mta.localhost", description="Name said in EHLO to the world; neutral, with a matching PTR."
    )
    delivery_smart_host: str | None = Field(
        default=None, description="`host:port` that takes all mail instead of the world's servers."
    )
    delivery_routes: Annotated[dict[str, str], NoDecode] = Field(
        default={},
        description="Destinations sent elsewhere, for tests and demos: `example.net=127.0.0.1:2626`, comma-separated; `*` for all others; `*=:2626` keeps the server found by MX and changes its port.",
    )
    delivery_connect_seconds: float = Field(
        default=30, gt=0, description="Wait for a connection to a mail server."
    )
    delivery_command_seconds: float = Field(
        default=300, gt=0, description="Wait for a reply (RFC 5321 4.5.3.2: 5 minutes)."
    )
    delivery_final_dot_seconds: float = Field(
        default=600, gt=0, description="Wait for the reply to the final dot (RFC 5321 4.5.3.2.6: 10 minutes)."
    )
    delivery_idle_seconds: float = Field(
        default=5, gt=0, description="How long an unused connection to a mail server is kept."
    )
    delivery_verify_tls: bool = Field(
        default=False,
        description="Take no mail server without TLS or with a certificate that does not fit (opportunistic TLS takes any, and clear text without STARTTLS).",
    )
    delivery_mta_sts: bool = Field(
        default=True, description="Fetch and follow the MTA-STS policies of recipients' domains (RFC 8461)."
    )
    delivery_mta_sts_port: int = Field(
        default=443,
        ge=1,
        le=65535,
        description="HTTPS port of MTA-STS policy hosts; other than 443 in tests only.",
    )
    delivery_dane: bool = Field(
        default=False,
        description="Follow TLSA records of mail servers (RFC 7672). Only where every resolver validates DNSSEC and the way to it can't be tampered with, best on this machine: its AD bit is believed.",
    )
    delivery_ca_file: Path | None = Field(
        default=None,
        description="PEM file of the authorities trusted for mail servers and MTA-STS policy hosts; default: the system's.",
    )
    delivery_in_flight_bytes: int = Field(
        default=134_217_728, ge=1024, description="Bytes of messages a worker holds at once."
    )
    delivery_connections_per_destination: int = Field(
        default=10,
        ge=1,
        description="Most connections of one worker to one destination's mail servers, whatever its traffic rule allows all workers together.",
    )
    delivery_messages_per_connection: int = Field(
        default=100,
        ge=1,
        description="Messages after which a connection to a mail server of the operator's own is closed; traffic rules say it for all others.",
    )
    delivery_allow_private_addresses: bool = Field(
        default=False,
        description="Deliver to mail servers that DNS places on loopback or private addresses; for development only.",
    )
    nameservers: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="DNS resolvers as `address` or `address:port`, comma-separated; default: the system's.",
    )

    # --- payments ---
    stripe_secret_key: SecretStr | None = Field(
        default=None,
        description="Secret API key of the platform's Stripe account; without it nothing can be bought.",
    )
    stripe_webhook_secret: SecretStr | None = Field(
        default=None,
        description="Signing secret (`whsec_...`) of the webhook endpoint for the platform's own events.",
    )
    stripe_connect_webhook_secret: SecretStr | None = Field(
        default=None,
        description="Signing secret of the webhook endpoint for events of connected accounts.",
    )
    stripe_api_base: str | None = Field(
        default=None,
        description="Where Stripe's API answers, for tests and demos; default: Stripe itself.",
    )
    billing_currency: str = Field(
        default="EUR",
        pattern="^[A-Z]{3}$",
        description="Currency in which the platform sells to resellers (ISO 4217).",
    )

    # --- monitoring ---
    metrics_bind: str = Field(
        default="127.0.0.1",
        description="Address on which each process serves /live, /ready and /metrics (Prometheus), without a password.",
    )
    metrics_web_port: int = Field(default=9110, ge=0, le=65525, description=f"{_MONITORING} web process.")
    metrics_relay_port: int = Field(default=9120, ge=0, le=65525, description=f"{_MONITORING} relay.")
    metrics_worker_port: int = Field(default=9130, ge=0, le=65525, description=f"{_MONITORING} worker.")
    metrics_jobs_port: int = Field(default=9140, ge=0, le=65525, description=f"{_MONITORING} jobs process.")
    metrics_cron_port: int = Field(default=9150, ge=0, le=65525, description=f"{_MONITORING} cron process.")
    metrics_reseller_labels: bool = Field(
        default=False, description="Name resellers (by their key) in the metrics of the queue."
    )

    # --- our own letters: invoices and notices ---
    platform_reseller: str = Field(
        default="",
        description="Key of the reseller that is the platform itself: the platform's letters to resellers go out from its main account. Without one they stay unsent.",
    )

    # --- logs ---
    log_level: str = Field(default="info", description="debug, info, warning or error.")
    log_format: str = Field(
        default="json", pattern="^(json|console)$", description="`json`, or `console` for people."
    )

    @field_validator(
        "relay_starttls_ports",
        "relay_tls_ports",
        "inbound_ports",
        "relay_proxy_protocol_from",
        "nameservers",
        mode="before",
    )
    @classmethod
    def _split_list(cls, value: object) -> object:
        return _parts(value) if isinstance(value, str) else value

    @field_validator("delivery_routes", mode="before")
    @classmethod
    def _split_routes(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = (part.partition("=") for part in _parts(value))
        return {name.strip().lower(): target.strip() for name, _, target in pairs}


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


@cache
def settings() -> Settings:
    """The settings of this process, read from the environment on the first call.

    Raises SettingsInvalid naming each missing or wrong variable, without its value.
    """
    try:
        return Settings()  # type: ignore[call-arg]  # pydantic fills the fields from the environment
    except ValidationError as error:
        raise SettingsInvalid([_sentence(item) for item in error.errors()]) from None


def _sentence(error: ErrorDetails) -> str:
    """One line for one faulty setting. The value itself is never repeated: it may be a secret."""
    name = str(error["loc"][0])
    variable = name if name.isupper() else f"FRANKPOST_{name.upper()}"
    return f"{variable}: {'is not set' if error['type'] == 'missing' else error['msg']}"
