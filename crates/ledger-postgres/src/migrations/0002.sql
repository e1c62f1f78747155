-- Signed checkpoints, version 2 of the ledger's tables. Safe to run again, behind 0001.sql.
SELECT pg_advisory_xact_lock(7954896240157012993);

-- One row for each checkpoint, in the order of its size and, of one size, of its number. `note` is the signed
-- note, `hash` its SHA-256: the same note is kept once, however often it is sent.
CREATE TABLE IF NOT EXISTS faramesh.checkpoints (
    stack    text COLLATE "C" NOT NULL,
    instance text COLLATE "C" NOT NULL,
    size     bigint NOT NULL,
    number   bigint GENERATED ALWAYS AS IDENTITY,
    hash     bytea NOT NULL,
    note     text COLLATE "C" NOT NULL,
    PRIMARY KEY (stack, instance, size, hash)
);

INSERT INTO faramesh.schema_version (version) VALUES (2) ON CONFLICT DO NOTHING;
