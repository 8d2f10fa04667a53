package p

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tabard-auth/tabard/backend/isolationtest"
	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/resource/hold"
	"github.com/tabard-auth/tabard/backend/resource/hold/coderws"
	"github.com/tabard-auth/tabard/backend/tenantdb"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/backend/token/tokentest"
)

var (
	_ context.Context
	_ *slog.Logger
	_ *token.Claims
	_ *resource.Guard
	_ pgx.Tx
	_ tenantdb.Beginner
	_ isolationtest.Config
	_ *tokentest.Issuer
	_ hold.Upgrade = coderws.Upgrade
	_ *url.URL
	_ time.Time
	_ = fmt.Sprint()

	guard    *resource.Guard
	follower *resource.Follower
	key      []byte // of the API's links
)

func f(ctx context.Context, mux *http.ServeMux, notes http.Handler, raw string, w http.ResponseWriter, r *http.Request,
	pool *pgxpool.Pool, db *sql.DB, t *testing.T, tokenA, tokenB string) error {
	var err error
list := func(ctx context.Context, organization string) (*sql.Rows, error) {
	return db.QueryContext(ctx, "SELECT text FROM notes WHERE organization_id = @organization", sql.Named("organization", organization))
}
rows, err := list(ctx, resource.OrganizationFrom(ctx))
if err != nil {
	return err
}
defer rows.Close()

	return err
}
