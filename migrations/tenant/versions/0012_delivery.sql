-- What has vouched for the mail server of an attempt: see platform_core.mail.tls; '' in clear, or when nobody noted it.
ALTER TABLE event ADD COLUMN tls_trust text NOT NULL DEFAULT '';

-- Held mail is bounded in bytes, too; a gigabyte unless said otherwise.
ALTER TABLE account ADD COLUMN held_bytes bigint NOT NULL DEFAULT 1073741824 CHECK (held_bytes >= 0);
-- A held recipient's share of the size of its message.
ALTER TABLE held ADD COLUMN bytes bigint NOT NULL DEFAULT 0;
UPDATE held h SET bytes = ceil(m.size::numeric / of_message.recipients)
    FROM message m, (SELECT message_id, count(*) AS recipients FROM held GROUP BY message_id) of_message
    WHERE m.id = h.message_id AND of_message.message_id = h.message_id;
UPDATE relay.holding d SET bytes = of_account.bytes
    FROM (SELECT account_id, sum(bytes) AS bytes FROM held GROUP BY account_id) of_account
    WHERE d.account_id = of_account.account_id
      AND d.reseller_id = (SELECT id FROM platform.reseller WHERE 'r_' || key = '{schema}');
