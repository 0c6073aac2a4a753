ALTER TABLE executions ADD COLUMN take_ups INTEGER NOT NULL DEFAULT 0;
-- how often it was taken up from an engine that died, since it last got further

ALTER TABLE workflow_engines ADD COLUMN suspect UUID;
-- the execution that this engine took up as one that may end it: should it die now, that one is to blame, and no other
