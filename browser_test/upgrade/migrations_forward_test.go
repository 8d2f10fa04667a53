package upgrade

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMigrations_ForwardOnly refuses a Down section: wrangler runs the whole file, and
// would revert the migration at once.
func TestMigrations_ForwardOnly(t *testing.T) {
	folder := "../../backend/store/sqlstore/migrations/"
	names := map[string][]string{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		files, err := filepath.Glob(folder + dialect + "/*")
		if err != nil || len(files) == 0 {
			t.Fatalf("no migrations for %s: %v", dialect, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(text), "-- +goose Up\n") {
				t.Errorf("%s does not begin with -- +goose Up", file)
			}
			if strings.Contains(strings.ToLower(string(text)), "+goose down") {
				t.Errorf("%s has a Down section", file)
			}
			names[dialect] = append(names[dialect], filepath.Base(file))
		}
	}
	if !slices.Equal(names["sqlite"], names["postgres"]) {
		t.Errorf("the dialects have different migrations: %v and %v", names["sqlite"], names["postgres"])
	}
}
