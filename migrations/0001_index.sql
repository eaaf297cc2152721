-- The index. Every row follows from objects in R2 (worker/store/facts.ts) and can be rebuilt from them, except `anchors`,
-- which is what a chain said last, and `events`, which is what subscribers are still to be told.
-- Digests and roots: 64 lower-case hexadecimal digits. Times: seconds since 1970.

CREATE TABLE runs (
  run_id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  base_root TEXT NOT NULL,
  data_root TEXT NOT NULL,
  steps INTEGER NOT NULL,
  run TEXT NOT NULL -- canonical JSON of the run's part of the statement
) STRICT;

-- One row a proof and verifier version.
CREATE TABLE proofs (
  proof_digest TEXT NOT NULL,
  verifier TEXT NOT NULL,
  statement_hash TEXT NOT NULL,
  run_id TEXT NOT NULL,
  first INTEGER NOT NULL,
  steps INTEGER NOT NULL,
  adapter_in TEXT,
  moments_in TEXT,
  adapter_out TEXT NOT NULL,
  moments_out TEXT NOT NULL,
  counts TEXT NOT NULL, -- JSON, one number a step
  losses TEXT, -- JSON, one number a step; null where the run hides them
  received_at INTEGER NOT NULL,
  PRIMARY KEY (proof_digest, verifier)
) STRICT;
-- In this order chains are followed from step 0.
CREATE INDEX proofs_of_run ON proofs (run_id, first, verifier, adapter_in);
CREATE INDEX proofs_at_adapter ON proofs (adapter_out, run_id);
CREATE INDEX proofs_by_verifier ON proofs (verifier);

-- Complete chains: one row a run, verifier version and final adapter.
CREATE TABLE completions (
  run_id TEXT NOT NULL,
  verifier TEXT NOT NULL,
  adapter_root TEXT NOT NULL,
  run_digest TEXT NOT NULL,
  record TEXT NOT NULL, -- 0x…, id of the registry's record
  completed_at INTEGER NOT NULL,
  PRIMARY KEY (run_id, verifier, adapter_root)
) STRICT;
CREATE INDEX completions_of_adapter ON completions (adapter_root);
CREATE INDEX completions_of_record ON completions (record);

CREATE TABLE files (
  file TEXT NOT NULL, -- SHA-256 of the file
  tensors TEXT NOT NULL, -- SHA-256 of its tensors, without metadata
  adapter_root TEXT NOT NULL,
  run_id TEXT NOT NULL,
  shown_at INTEGER NOT NULL,
  PRIMARY KEY (adapter_root, file)
) STRICT;
CREATE INDEX files_by_file ON files (file);
CREATE INDEX files_by_tensors ON files (tensors);

CREATE TABLE verifiers (
  digest TEXT PRIMARY KEY,
  id TEXT NOT NULL,
  version TEXT NOT NULL,
  code_hash TEXT NOT NULL,
  withdrawn_at INTEGER,
  withdrawn_reason TEXT
) STRICT;

-- One row an announcement; the latest of an address counts.
CREATE TABLE attesters (
  address TEXT NOT NULL, -- ERC-55
  announced_at INTEGER NOT NULL,
  valid_from INTEGER NOT NULL,
  valid_until INTEGER,
  PRIMARY KEY (address, announced_at)
) STRICT;

CREATE TABLE keys (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE, -- SHA-256 of the key, which has 256 random bits
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;

CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  key_id TEXT NOT NULL,
  url TEXT NOT NULL,
  events TEXT NOT NULL, -- JSON
  created_at INTEGER NOT NULL,
  removed_at INTEGER
) STRICT;
CREATE INDEX webhooks_of_key ON webhooks (key_id);

-- What the registry said last of a record. The record of a complete run enters as null, read at 0.
CREATE TABLE anchors (
  record TEXT PRIMARY KEY,
  anchor TEXT NOT NULL, -- JSON
  read_at INTEGER NOT NULL
) STRICT;
-- Nothing leads out of `revoked`: such a record is read for answers alone.
CREATE INDEX anchors_to_watch ON anchors (read_at) WHERE anchor ->> '$.status' IS NOT 'revoked';

-- The outbox: written in the transaction of what happened, sent to the queue afterwards.
CREATE TABLE events (
  id TEXT PRIMARY KEY, -- follows from type and subject, so that one event is one row
  type TEXT NOT NULL,
  data TEXT NOT NULL, -- JSON
  created_at INTEGER NOT NULL,
  sent_at INTEGER,
  leased_until INTEGER NOT NULL DEFAULT 0 -- until then one invocation of the worker is at it
) STRICT;
CREATE INDEX events_to_send ON events (sent_at, created_at);
