-- How far the registry's log was read. No fact: where a row is missing, reading starts at the present block, and what was
-- before is left to the look at records that were not looked at for longest.
CREATE TABLE chain_cursors (
  chain_id INTEGER NOT NULL,
  registry TEXT NOT NULL, -- ERC-55
  next_block INTEGER NOT NULL, -- the first that was never read
  span INTEGER NOT NULL, -- blocks of one request that the node is asked for next
  PRIMARY KEY (chain_id, registry)
) STRICT;

-- Records that stand in the registry and others are looked at in equal shares, so that many of one kind don't keep the
-- other waiting. Nothing leads out of `revoked`: such a record is read for answers alone.
DROP INDEX anchors_to_watch;
CREATE INDEX anchors_on_chain ON anchors (read_at) WHERE anchor ->> '$.status' IN ('anchored', 'superseded');
CREATE INDEX anchors_elsewhere ON anchors (read_at) WHERE coalesce(anchor ->> '$.status', 'unknown') = 'unknown';
