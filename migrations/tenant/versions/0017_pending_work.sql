-- What is to be done here is noted where the jobs look, in the same transaction. Requests for delivery reports are noted by
-- the functions that write them: a trigger would cost every recipient something.
CREATE TRIGGER invoice_sending_pending AFTER INSERT ON invoice_sending
    FOR EACH ROW WHEN (NEW.next_at IS NOT NULL) EXECUTE FUNCTION relay.note_pending('invoices');
CREATE TRIGGER invoice_sending_pending_again AFTER UPDATE OF next_at ON invoice_sending
    FOR EACH ROW WHEN (OLD.next_at IS NULL AND NEW.next_at IS NOT NULL) EXECUTE FUNCTION relay.note_pending('invoices');
CREATE TRIGGER payment_undelivered_pending AFTER INSERT OR UPDATE OF state, delivered ON payment
    FOR EACH ROW WHEN (NEW.state = 'paid' AND NEW.delivered = 0) EXECUTE FUNCTION relay.note_pending('deliveries');
CREATE TRIGGER payment_top_up_pending AFTER INSERT OR UPDATE OF state ON payment
    FOR EACH ROW WHEN (NEW.origin = 'top_up' AND NEW.state = 'open') EXECUTE FUNCTION relay.note_pending('top_ups');
CREATE TRIGGER top_up_rule_pending AFTER INSERT OR UPDATE ON top_up_rule
    FOR EACH ROW WHEN (NEW.state = 'on') EXECUTE FUNCTION relay.note_pending('top_ups');
CREATE TRIGGER top_up_rule_stopped_pending AFTER INSERT OR UPDATE ON top_up_rule
    FOR EACH ROW WHEN (NEW.state = 'off' AND NEW.off_because <> '' AND NEW.told_at IS NULL)
    EXECUTE FUNCTION relay.note_pending('stopped_top_ups');

-- What there is to do already.
INSERT INTO relay.pending_work (kind, reseller_id)
    SELECT k.kind, r.id
    FROM platform.reseller r
    CROSS JOIN (
        SELECT 'notices' WHERE EXISTS (SELECT FROM recipient WHERE dsn IS NOT NULL AND NOT dsn_settled)
                            OR EXISTS (SELECT FROM notice WHERE closed_at IS NULL)
        UNION ALL
        SELECT 'invoices' WHERE EXISTS (SELECT FROM invoice_sending WHERE next_at IS NOT NULL)
        UNION ALL
        SELECT 'top_ups' WHERE EXISTS (SELECT FROM top_up_rule WHERE state = 'on')
                            OR EXISTS (SELECT FROM payment WHERE origin = 'top_up' AND state = 'open')
        UNION ALL
        SELECT 'stopped_top_ups' WHERE EXISTS (
            SELECT FROM top_up_rule WHERE state = 'off' AND off_because <> '' AND told_at IS NULL)
        UNION ALL
        SELECT 'deliveries' WHERE EXISTS (SELECT FROM payment WHERE state = 'paid' AND delivered = 0)
    ) AS k (kind)
    WHERE 'r_' || r.key = current_schema();
