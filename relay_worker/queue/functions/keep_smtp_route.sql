-- Trigger on every reseller's smtp_account: keeps platform.smtp_route in step, in the same transaction. The reseller is
-- read from the schema the trigger stands in, so that no reseller can write another's route.
CREATE OR REPLACE FUNCTION platform.keep_smtp_route() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_reseller integer;
BEGIN
    SELECT id INTO STRICT v_reseller FROM platform.reseller WHERE 'r_' || key = TG_TABLE_SCHEMA;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM platform.smtp_route WHERE user_name = OLD.user_name AND reseller_id = v_reseller;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO platform.smtp_route (user_name, reseller_id, account_id, smtp_account_id, verifier, state)
        VALUES (NEW.user_name, v_reseller, NEW.account_id, NEW.id, NEW.verifier, NEW.state);
    END IF;
    RETURN NULL;
END $$;
