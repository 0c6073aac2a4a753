-- The agents that a host speaks for beside those that are called after it: named when it joined.
ALTER TABLE joined_hosts ADD COLUMN agents TEXT[] NOT NULL DEFAULT '{}';
