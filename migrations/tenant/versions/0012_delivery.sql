-- What has vouched for the mail server of an attempt: see platform_core.mail.tls; '' in clear, or when nobody noted it.
ALTER TABLE event ADD COLUMN tls_trust text NOT NULL DEFAULT '';
