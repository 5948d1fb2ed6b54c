CREATE TABLE documents (
  id uuid PRIMARY KEY,
  revision bigint NOT NULL DEFAULT 0,
  snapshot text NOT NULL DEFAULT '[]',
  snapshot_revision bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE operations (
  document_id uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  revision bigint NOT NULL,
  client_id uuid NOT NULL,
  sequence bigint NOT NULL,
  actor_id text NOT NULL,
  operation_type varchar(20) NOT NULL,
  delta jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (document_id, revision),
  CONSTRAINT operations_once UNIQUE (document_id, client_id, sequence)
);

CREATE INDEX operations_created_at ON operations (created_at);
