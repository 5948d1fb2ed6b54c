-- No foreign key to documents: a client that joins would wait for the lock of a commit.
CREATE TABLE document_clients (
  document_id uuid NOT NULL,
  client_id uuid NOT NULL,
  actor_id text NOT NULL,
  PRIMARY KEY (document_id, client_id)
);

INSERT INTO document_clients (document_id, client_id, actor_id)
SELECT DISTINCT ON (document_id, client_id) document_id, client_id, actor_id
FROM operations
ORDER BY document_id, client_id, sequence;
