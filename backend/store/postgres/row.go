package postgres

import (
	"cmp"
	"database/sql"
	"encoding/binary"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// first reads the first of rows into fields, like [sql.Row.Scan]. It decodes the values
// itself: the cost of each column in database/sql and the driver, forty times in a
// mint, exceeds all other costs of the read in this process.
func first(conn *pgx.Conn, rows pgx.Rows, err error, fields []any) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return cmp.Or(rows.Err(), sql.ErrNoRows)
	}
	columns := rows.FieldDescriptions()
	for i, value := range rows.RawValues() {
		if err := decode(conn.TypeMap(), &columns[i], value, fields[i]); err != nil {
			return err
		}
	}
	rows.Close()
	return rows.Err()
}

// decode stores a value in a field like the driver, but faster for a text or an integer
// of eight bytes, the types of nearly all columns.
func decode(types *pgtype.Map, column *pgconn.FieldDescription, value []byte, field any) error {
	var decoded any // NULL
	switch {
	case value == nil:
	case column.DataTypeOID == pgtype.TextOID: // in either format
		text := string(value)
		if field, ok := field.(*string); ok {
			*field = text
			return nil
		}
		decoded = text
	case column.DataTypeOID == pgtype.Int8OID && column.Format == pgtype.BinaryFormatCode && len(value) == 8:
		number := int64(binary.BigEndian.Uint64(value))
		if field, ok := field.(*int64); ok {
			*field = number
			return nil
		}
		decoded = number
	default:
		return types.Scan(column.DataTypeOID, column.Format, value, field)
	}
	if field, ok := field.(sql.Scanner); ok {
		return field.Scan(decoded)
	}
	return types.Scan(column.DataTypeOID, column.Format, value, field)
}
