-- +goose Up

-- Which state of the workspace this database holds; the secret's file names the one that
-- replicas serve. A backup, and what was restored from one, has an epoch that no file has.
-- origin is the table that the epoch was written in, which a copy by pg_dump, or by logical
-- replication, is not: triggers are made after the rows. A physical copy keeps it.
CREATE TABLE epochs (
    one    BIGINT PRIMARY KEY CHECK (one = 1),
    value  TEXT   NOT NULL,
    origin BIGINT NOT NULL DEFAULT 0
);

-- +goose StatementBegin
CREATE FUNCTION epoch_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.origin = CAST(TG_RELID AS BIGINT);
    RETURN NEW;
END $$;
-- +goose StatementEnd

CREATE TRIGGER epoch_written BEFORE INSERT OR UPDATE ON epochs
FOR EACH ROW WHEN (NEW.origin = 0)
EXECUTE FUNCTION epoch_written();

-- copied is 1 where the tables are not those that the epoch was written in.
CREATE VIEW current_epoch AS SELECT value, CASE WHEN origin = CAST(tableoid AS BIGINT) THEN 0 ELSE 1 END AS copied FROM epochs;
