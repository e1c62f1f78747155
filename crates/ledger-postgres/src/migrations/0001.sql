-- The ledger's tables, version 1. Safe to run again, and by several at once: run it in one transaction
-- (`psql --single-transaction --file 0001.sql`). The daemon does, when its role may.
SELECT pg_advisory_xact_lock(7954896240157012993);

CREATE SCHEMA IF NOT EXISTS faramesh;

CREATE TABLE IF NOT EXISTS faramesh.schema_version (
    version    integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- One row for each record. `record` holds the canonical bytes, which are the record; every other column is
-- derived from them so that records are found, and is held against them when they are read.
CREATE TABLE IF NOT EXISTS faramesh.records (
    stack    text COLLATE "C" NOT NULL,
    instance text COLLATE "C" NOT NULL,
    epoch    bigint NOT NULL,
    seq      bigint NOT NULL,
    time     timestamptz NOT NULL,
    id       text COLLATE "C" NOT NULL,
    hash     bytea NOT NULL,
    kind     text COLLATE "C" NOT NULL,
    effect   text COLLATE "C",
    agent    text COLLATE "C",
    tool     text COLLATE "C",
    session  text COLLATE "C",
    rule     text COLLATE "C",
    approval text COLLATE "C",
    record   bytea NOT NULL,
    PRIMARY KEY (stack, instance, epoch, seq, time)
) PARTITION BY RANGE (time);

CREATE INDEX IF NOT EXISTS records_by_time ON faramesh.records (stack, time);
CREATE INDEX IF NOT EXISTS records_by_id ON faramesh.records (stack, id);
CREATE INDEX IF NOT EXISTS records_by_agent ON faramesh.records (stack, agent, time) WHERE agent IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_by_session ON faramesh.records (stack, session) WHERE session IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_by_approval ON faramesh.records (stack, approval) WHERE approval IS NOT NULL;

-- One row for each commit. A unique key of a partitioned table must hold the partition's column, so that
-- the table above cannot refuse a number that was given twice. This one does: of two writers of a chain
-- that go on from the same record, one commits and the other never can.
CREATE TABLE IF NOT EXISTS faramesh.batches (
    stack     text COLLATE "C" NOT NULL,
    instance  text COLLATE "C" NOT NULL,
    first_seq bigint NOT NULL,
    last_seq  bigint NOT NULL,
    epoch     bigint NOT NULL,
    prev      bytea NOT NULL,
    head      bytea NOT NULL,
    PRIMARY KEY (stack, instance, first_seq),
    CHECK (last_seq >= first_seq)
);

-- Makes the partitions of some months. It runs as its owner, so that a daemon needs no more than INSERT
-- and SELECT. A table is attached, not created in place: that waits for no reader and stops no writer.
CREATE OR REPLACE FUNCTION faramesh.make_partitions(from_time timestamptz, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    low  timestamptz := date_trunc('month', from_time);
    high timestamptz;
    part text;
    home oid := 'faramesh'::regnamespace;
    made integer := 0;
BEGIN
    IF months < 1 OR months > 24 THEN
        RAISE EXCEPTION 'between 1 and 24 months are made at once';
    END IF;
    FOR n IN 1..months LOOP
        high := low + interval '1 month';
        part := 'records_' || to_char(low, 'YYYY_MM');
        -- A query sees what others committed while the lock was waited for; `to_regclass` may not.
        IF NOT EXISTS (SELECT FROM pg_class WHERE relname = part AND relnamespace = home) THEN
            PERFORM pg_advisory_xact_lock(7954896240157012994);
            IF NOT EXISTS (SELECT FROM pg_class WHERE relname = part AND relnamespace = home) THEN
                EXECUTE format(
                    'CREATE TABLE faramesh.%I (LIKE faramesh.records INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
                    part);
                EXECUTE format(
                    'ALTER TABLE faramesh.records ATTACH PARTITION faramesh.%I FOR VALUES FROM (%L) TO (%L)',
                    part, low, high);
                made := made + 1;
            END IF;
        END IF;
        low := high;
    END LOOP;
    RETURN made;
END
$$;
REVOKE ALL ON FUNCTION faramesh.make_partitions(timestamptz, integer) FROM PUBLIC;

INSERT INTO faramesh.schema_version (version) VALUES (1) ON CONFLICT DO NOTHING;
