-- +goose Up

CREATE INDEX sessions_by_upstream ON sessions (upstream_sid);
