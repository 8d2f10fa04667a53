-- +goose Up

-- The keys of the workspace's secret, by id, as replicas hold them: place 0 makes, the
-- others only open. A replica is a process; left_at tells that it ended in peace.
-- retired_at tells that the key was taken out of use by command.
CREATE TABLE secret_keys (
    id         TEXT   NOT NULL,
    replica    TEXT   NOT NULL,
    place      BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen  BIGINT NOT NULL,
    left_at    BIGINT,
    retired_at BIGINT,
    PRIMARY KEY (id, replica)
);
