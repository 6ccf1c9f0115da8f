-- Substitutes for the functions and tables of Citus that `regulars distribute` uses. They only record the calls, and
-- raise the errors that Citus documents, based on PostgreSQL's catalog.

CREATE TABLE pg_dist_node (nodename text, groupid int NOT NULL);
CREATE TABLE distributed (relation regclass PRIMARY KEY, kind text NOT NULL, distribution_column text, colocated regclass);
CREATE TABLE distributed_functions (function regprocedure PRIMARY KEY);
CREATE TABLE calls (number int GENERATED ALWAYS AS IDENTITY, call text NOT NULL);
CREATE VIEW citus_tables AS SELECT relation AS table_name, kind AS citus_table_type FROM distributed;

CREATE FUNCTION is_kind(wanted text, relation oid) RETURNS boolean LANGUAGE sql AS
  $$ SELECT EXISTS (SELECT FROM distributed WHERE kind = wanted AND distributed.relation = $2) $$;

CREATE FUNCTION note(call text) RETURNS void LANGUAGE sql AS $$ INSERT INTO calls (call) VALUES ($1) $$;

CREATE FUNCTION refuse(reason text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', reason; END $$;

CREATE FUNCTION check_relation(relation regclass) RETURNS void LANGUAGE sql AS $$
  SELECT refuse(format('table "%s" is already distributed', $1)) FROM distributed WHERE distributed.relation = $1;
  SELECT refuse(format('table "%s" has a trigger', $1)) FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal
$$;

-- Any table may have a foreign key to a reference table. Other foreign keys must connect co-located tables and include
-- the distribution column.
CREATE FUNCTION check_foreign_keys(relation regclass) RETURNS void LANGUAGE sql AS $$
  SELECT refuse(format('foreign key %s: from a reference table to a distributed one', conname)) FROM pg_constraint
    WHERE contype = 'f' AND is_kind('reference', conrelid) AND is_kind('distributed', confrelid);
  SELECT refuse(format('foreign key %s: from a distributed table to a local one', conname)) FROM pg_constraint
    WHERE contype = 'f' AND is_kind('distributed', conrelid)
      AND NOT is_kind('reference', confrelid) AND NOT is_kind('distributed', confrelid);
  SELECT refuse(format('foreign key %s: from a local table to a distributed one', conname)) FROM pg_constraint
    WHERE contype = 'f' AND is_kind('distributed', confrelid) AND NOT is_kind('distributed', conrelid);
  SELECT refuse(format('foreign key %s: to a table that is neither distributed nor a reference table', conname))
    FROM pg_constraint WHERE contype = 'f' AND is_kind('reference', conrelid)
      AND NOT is_kind('reference', confrelid);
  SELECT refuse(format('foreign key %s: without the distribution column', conname)) FROM pg_constraint
    WHERE contype = 'f' AND is_kind('distributed', conrelid) AND is_kind('distributed', confrelid)
      AND NOT (SELECT bool_or(attname = 'tenant_id') FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey))
$$;

CREATE FUNCTION create_reference_table(table_name regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM check_relation(table_name);
  INSERT INTO distributed (relation, kind) VALUES (table_name, 'reference');
  PERFORM check_foreign_keys(table_name);
  PERFORM note(format('create_reference_table(%s)', table_name));
END $$;

CREATE FUNCTION create_distributed_function(function_name regprocedure) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO distributed_functions VALUES (function_name) ON CONFLICT DO NOTHING;
  PERFORM note(format('create_distributed_function(%s)', function_name));
END $$;

CREATE FUNCTION create_distributed_table(
  table_name regclass, distribution_column text, distribution_type text DEFAULT 'hash',
  colocate_with text DEFAULT 'default', shard_count int DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  together regclass := CASE WHEN colocate_with IN ('none', 'default') THEN table_name ELSE colocate_with::regclass END;
BEGIN
  PERFORM check_relation(table_name);
  IF together <> table_name AND NOT is_kind('distributed', together) THEN
    RAISE EXCEPTION 'relation % is not distributed', together;
  END IF;
  IF together <> table_name AND shard_count IS NOT NULL THEN
    RAISE EXCEPTION 'cannot use colocate_with with a table and shard_count at the same time';
  END IF;
  PERFORM refuse(format('%s: a unique index must have the distribution column', indexrelid::regclass)) FROM pg_index
    WHERE indrelid = table_name AND indisunique AND NOT EXISTS (
      SELECT FROM pg_attribute WHERE attrelid = indrelid AND attnum = ANY (indkey) AND attname = distribution_column);
  PERFORM refuse(format('%s: function %s is not on the workers', indexrelid::regclass, refobjid::regprocedure))
    FROM pg_index JOIN pg_depend AS needs ON needs.classid = 'pg_class'::regclass AND needs.objid = indexrelid
    WHERE indrelid = table_name AND refclassid = 'pg_proc'::regclass
      AND refobjid NOT IN (SELECT function FROM distributed_functions)
      AND NOT EXISTS (SELECT FROM pg_depend AS part
        WHERE part.classid = needs.refclassid AND part.objid = needs.refobjid AND part.deptype = 'e');
  INSERT INTO distributed VALUES (table_name, 'distributed', distribution_column, together);
  PERFORM check_foreign_keys(table_name);
  PERFORM note(format('create_distributed_table(%s, %s, %s, %s)', table_name, distribution_column, together, shard_count));
END $$;

CREATE FUNCTION run_command_on_workers(command text) RETURNS void LANGUAGE sql AS
  $$ SELECT note(format('run_command_on_workers(%s)', $1)) $$;
