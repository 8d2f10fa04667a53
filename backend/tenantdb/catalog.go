package tenantdb

// protected begins every query of the catalog: the tables that have the organization's
// column, t, and the role's properties, me.
const protected = `WITH t AS (
	SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relowner, c.relrowsecurity, c.relforcerowsecurity,
		c.relispartition, a.attname, a.attnum, a.attnotnull
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
		AND lower(a.attname) = ANY (string_to_array(lower($1), ','))
), me AS (
	SELECT rolname, rolsuper OR rolbypassrls AS bypasses FROM pg_roles WHERE rolname = current_user
) `

// catalog has a query for each kind of gap. Each returns objects and texts.
var catalog = []struct{ code, query string }{
	{GapRowSecurity, `SELECT name AS object, CASE WHEN relispartition
		THEN 'the partition can be read past its parent''s policies: ENABLE ROW LEVEL SECURITY and give it the policy too'
		ELSE 'row-level security is off: apply what tenantdb.Policy returns' END AS text
		FROM t WHERE NOT relrowsecurity`},
	{GapNotForced, `SELECT name AS object, 'the table''s owner ignores its policies: FORCE ROW LEVEL SECURITY' AS text
		FROM t WHERE relrowsecurity AND NOT relforcerowsecurity`},
	{GapPolicy, policies},
	{GapNullable, `SELECT name AS object, format('%I may be NULL, of no organization: SET NOT NULL', attname) AS text
		FROM t WHERE NOT attnotnull`},
	{GapUnique, `SELECT i.indexrelid::regclass::text AS object,
			format('a conflict tells that another organization has the value: include %I in the unique index of %s', t.attname, t.name) AS text
		FROM t JOIN pg_index i ON i.indrelid = t.oid AND i.indisunique
		WHERE NOT t.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])
			AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
			AND EXISTS (SELECT FROM unnest(i.indkey[0:i.indnkeyatts - 1]) k(n)
				LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.n
				WHERE k.n = 0 OR a.atttypid <> 'uuid'::regtype AND a.attidentity <> 'a')`},
	{GapUnique, `SELECT e.conname::text AS object,
			format('a conflict tells that another organization has a row: include %I WITH = in the exclusion constraint of %s', t.attname, t.name) AS text
		FROM t JOIN pg_constraint e ON e.conrelid = t.oid AND e.contype = 'x' AND e.conparentid = 0
		WHERE NOT EXISTS (SELECT FROM unnest(e.conkey, e.conexclop) k(own, by) JOIN pg_operator o ON o.oid = k.by
			WHERE k.own = t.attnum AND o.oprname = '=')`},
	{GapForeignKey, `SELECT f.conname::text AS object,
			format('rows of %s may point to rows of %s of another organization: apply what tenantdb.Reference returns, and drop the constraint', t.name, o.name) AS text
		FROM t JOIN pg_constraint f ON f.conrelid = t.oid AND f.contype = 'f' AND f.conparentid = 0
		JOIN t o ON o.oid = f.confrelid
		WHERE NOT EXISTS (SELECT FROM unnest(f.conkey, f.confkey) k(own, other) WHERE k.own = t.attnum AND k.other = o.attnum)`},
	{GapNoColumn, pointing},
	{GapView, views},
	{GapFunction, `SELECT p.oid::regprocedure::text AS object,
			CASE WHEN r.rolsuper OR r.rolbypassrls THEN format('it is SECURITY DEFINER, and its owner %I ignores policies: make it SECURITY INVOKER', r.rolname)
				ELSE 'it sets tabard.org_id, and so acts for an organization of its own: do not SET it' END AS text
		FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles r ON r.oid = p.proowner
		WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
			AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
			AND (p.prosecdef AND (r.rolsuper OR r.rolbypassrls)
				OR EXISTS (SELECT FROM unnest(p.proconfig) s WHERE s LIKE 'tabard.org_id=%'))`},
	{GapRole, `SELECT r.rolname::text AS object, CASE WHEN r.rolname = me.rolname
			THEN 'the role of this connection ignores policies: connect as one that is no superuser and has no BYPASSRLS'
			ELSE format('%I may become this role, which ignores policies: revoke it', me.rolname) END AS text
		FROM me, pg_roles r WHERE (r.rolsuper OR r.rolbypassrls)
			AND (r.rolname = me.rolname OR NOT me.bypasses AND pg_has_role(me.rolname, r.oid, 'MEMBER'))`},
	{GapOwner, `SELECT t.name AS object, format('%I may change the table''s policies, for it owns it: let another role own it', me.rolname) AS text
		FROM t, me WHERE NOT me.bypasses AND pg_has_role(me.rolname, t.relowner, 'MEMBER')`},
	{GapTruncate, `SELECT t.name AS object, format('TRUNCATE ignores policies: revoke it from %I', me.rolname) AS text
		FROM t, me WHERE NOT me.bypasses AND NOT pg_has_role(me.rolname, t.relowner, 'MEMBER') AND has_table_privilege(me.rolname, t.oid, 'TRUNCATE')`},
}

// policies finds commands that no policy restricts. A command is restricted if one
// restrictive policy for everybody has the condition of the organization, or all of its
// permissive policies have. The condition is what Policy writes, with a cast where the
// column is no text, alone or among others that must hold too.
const policies = `SELECT name AS object,
		format('%s is not restricted to the organization: apply what tenantdb.Policy returns', string_agg(DISTINCT word, ', ' ORDER BY word)) AS text
	FROM (
		SELECT t.name, command.word, bool_or(p.holds AND NOT p.polpermissive AND p.polroles = '{0}') AS restricted,
			bool_and(p.holds) FILTER (WHERE p.polpermissive) AS permitted
		FROM t CROSS JOIN (VALUES ('SELECT', 'r', false), ('INSERT', 'a', true), ('UPDATE', 'w', false), ('UPDATE', 'w', true), ('DELETE', 'd', false)) command(word, letter, checks)
		LEFT JOIN LATERAL (
			SELECT p.polpermissive, p.polroles, COALESCE((SELECT bool_or(plain.part IN (
					t.attname || '=' || setting.text, setting.text || '=' || t.attname
				)) FROM unnest(string_to_array(expression.text, ' AND ')) raw(part),
					LATERAL (SELECT regexp_replace(raw.part, '::(text|uuid|bigint|integer|character varying(\(\d+\))?)|[()" ]', '', 'g')) plain(part),
					(VALUES ('NULLIFcurrent_setting''tabard.org_id'',true,'''''), ('current_setting''tabard.org_id'',true'), ('current_setting''tabard.org_id''')) setting(text)
					WHERE expression.text !~ '\mOR\M' AND expression.text !~ '\mNOT\M' AND expression.text !~ '\mCASE\M'), false) AS holds
			FROM pg_policy p, LATERAL (SELECT CASE WHEN command.checks
				THEN COALESCE(pg_get_expr(p.polwithcheck, p.polrelid), pg_get_expr(p.polqual, p.polrelid))
				ELSE pg_get_expr(p.polqual, p.polrelid) END) expression(text)
			WHERE p.polrelid = t.oid AND p.polcmd IN ('*', command.letter)
		) p(polpermissive, polroles, holds) ON true
		WHERE t.relrowsecurity
		GROUP BY t.name, command.word, command.checks
	) AS each
	WHERE NOT COALESCE(restricted, false) AND NOT COALESCE(permitted, false)
	GROUP BY name`

// pointing finds tables without the column whose rows point to rows of organizations, also by
// way of other such tables.
const pointing = `SELECT format('%I.%I', n.nspname, c.relname) AS object,
		format('its rows point to rows of %s, and do not say whose they are: add %I and the policy', reached.name, reached.attname) AS text
	FROM (
		WITH RECURSIVE points(oid, name, attname) AS (
			SELECT f.conrelid, t.name, t.attname FROM t JOIN pg_constraint f ON f.confrelid = t.oid
			WHERE f.contype = 'f' AND f.conparentid = 0 AND f.conrelid NOT IN (SELECT oid FROM t)
			UNION
			SELECT f.conrelid, format('%I.%I', pn.nspname, pc.relname), points.attname
			FROM points JOIN pg_constraint f ON f.confrelid = points.oid JOIN pg_class pc ON pc.oid = points.oid JOIN pg_namespace pn ON pn.oid = pc.relnamespace
			WHERE f.contype = 'f' AND f.conparentid = 0 AND f.conrelid NOT IN (SELECT oid FROM t) AND f.conrelid <> points.oid
		) SELECT DISTINCT oid, name, attname FROM points
	) AS reached JOIN pg_class c ON c.oid = reached.oid JOIN pg_namespace n ON n.oid = c.relnamespace`

// views finds views that read tables of organizations, also through other views, with
// their owners' rights.
const views = `SELECT format('%I.%I', n.nspname, c.relname) AS object, CASE c.relkind
		WHEN 'm' THEN 'a materialized view keeps rows of all organizations, and has no policies: revoke it from the service, or use a table'
		ELSE format('it reads as its owner %I%s: make it WITH (security_invoker = true)', r.rolname, CASE WHEN r.rolsuper OR r.rolbypassrls THEN ', who ignores policies' ELSE '' END) END AS text
	FROM (
		WITH RECURSIVE reads(oid) AS (
			SELECT oid FROM t
			UNION
			SELECT w.ev_class FROM reads JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = reads.oid AND d.classid = 'pg_rewrite'::regclass
			JOIN pg_rewrite w ON w.oid = d.objid
		) SELECT DISTINCT oid FROM reads
	) AS reading JOIN pg_class c ON c.oid = reading.oid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
	WHERE c.relkind = 'm' OR c.relkind = 'v' AND NOT COALESCE((
		SELECT bool_or(split_part(o, '=', 2)::boolean) FROM unnest(c.reloptions) o WHERE split_part(o, '=', 1) = 'security_invoker'), false)`
