-- A company whose schema has every kind of table, type, name and rule that PostgreSQL knows. 60 people, as in company_test.go.
SET timezone = 'UTC';
CREATE SCHEMA "Sales. ""Dept"""; CREATE SCHEMA hr;
CREATE EXTENSION citext;
CREATE TYPE hr.mood AS ENUM ('sad', 'it''s; (ok)', 'happy');
CREATE TYPE hr.pair AS (a int, b text);
CREATE DOMAIN hr.address AS public.citext CHECK (VALUE ~ '@');
CREATE DOMAIN hr.instant AS timestamp with time zone;
CREATE COLLATION hr.ignoring (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

CREATE TABLE hr.streets (id uuid PRIMARY KEY, street text COLLATE hr.ignoring UNIQUE);
INSERT INTO hr.streets SELECT format('00000000-0000-0000-0000-%s', lpad(i::text, 12, '0'))::uuid, 'Via Garibaldi ' || i
  FROM generate_series(1, 60) i;

CREATE TABLE "Sales. ""Dept"""."Kunden. Liste, die dreiundsechzig Bytes lang ist, genau so viel" (
  "Kunden.Nr ""K""" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  "E-Mail; (x" hr.address UNIQUE, name text COLLATE hr.ignoring, "select" hr.instant NOT NULL, restricted boolean NOT NULL DEFAULT false,
  street uuid REFERENCES hr.streets, small smallint, n numeric(12,3), any_n numeric, r real, d double precision, m money,
  c character(6), one "char", day date, clock time(3), far timetz, span interval day to second, raw bytea, bits bit(9),
  more bit varying(20), doc json, docb jsonb, x xml, u uuid UNIQUE, ip inet, net cidr, mac macaddr, place point, words tsvector,
  ints integer[], texts text[], grid numeric(5,2)[][], moods hr.mood[], range int4range, spell tsrange, several int4multirange,
  feel hr.mood, joined hr.pair, scan oid,
  doubled bigint GENERATED ALWAYS AS (small * 2) STORED, mailed text GENERATED ALWAYS AS (lower(name)) STORED,
  EXCLUDE USING gist (place WITH ~=), CONSTRAINT "ck;" CHECK (small > '-100'::integer));
INSERT INTO "Sales. ""Dept"""."Kunden. Liste, die dreiundsechzig Bytes lang ist, genau so viel" ("E-Mail; (x", name, "select", street, small, n,
  any_n, r, d, m, c, one, day, clock, far, span, raw, bits, more, doc, docb, x, u, ip, net, mac, place, words, ints, texts, grid,
  moods, range, spell, several, feel, joined, scan)
SELECT format('%s.%s.%s@example.org', f, l, i), initcap(f) || ' ' || initcap(l) || CASE WHEN i % 3 = 0 THEN E'\t"\\N" 😀' ELSE '' END,
  '2023-05-01 09:00:00+00', format('00000000-0000-0000-0000-%s', lpad(CASE WHEN i % 10 = 8 THEN i - 1 ELSE i END::text, 12, '0'))::uuid,
  i, i / 8.0, 1e-20 * i, i / 4.0, i * 1e300, i * 12.34, 'ab', 'x', date '2024-02-29' - i, '15:04:05.125', '01:02:03+05:30',
  make_interval(days => i, mins => i), decode('00ff27225c0a0d1a', 'hex'), B'101010101', B'1', '{"a": "it''s \"b\"\n"}',
  jsonb_build_object('mail', format('%s@x.org', i), 'z', '[1, "\\"]'::jsonb), '<a b="c">''</a>',
  format('10000000-0000-0000-0000-%s', lpad(i::text, 12, '0'))::uuid, '::1', '10.0.0.0/8', '08:00:2b:01:02:03', point(i, -2), 'a cat''s',
  ARRAY[i, NULL, 3], ARRAY['a,b', 'it''s', '"q"', NULL, 'back\slash', E'new\nline'], '{{1.25,2},{3,4}}', '{sad,"it''s; (ok)"}',
  int4range(i, i + 5), '[2024-01-01 00:00,2024-06-01 00:00)', '{[1,3),[7,9)}', 'it''s; (ok)', ROW(i, 'x, y')::hr.pair, lo_from_bytea(0, 'a scan')
FROM (SELECT i, (ARRAY['ada','bruno','carla','dario','elena','fabio','giulia'])[1 + (i - 1) % 7] AS f,
  (ARRAY['rossi','bianchi','ferrari','esposito','romano','colombo','ricci','marino','greco'])[1 + (i - 1) % 9] AS l
  FROM generate_series(1, 60) i) AS people;
CREATE VIEW people AS SELECT "Kunden.Nr ""K""" AS nr, "E-Mail; (x" AS mail, name, street
  FROM "Sales. ""Dept"""."Kunden. Liste, die dreiundsechzig Bytes lang ist, genau so viel";
CREATE MATERIALIZED VIEW kept AS SELECT mail FROM people;

CREATE TABLE orders (customer bigint NOT NULL REFERENCES "Sales. ""Dept"""."Kunden. Liste, die dreiundsechzig Bytes lang ist, genau so viel"
    ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
  no int NOT NULL, at date NOT NULL, up int, up_at date, total numeric, PRIMARY KEY (no, at),
  FOREIGN KEY (up, up_at) REFERENCES orders DEFERRABLE INITIALLY DEFERRED) PARTITION BY RANGE (at);
CREATE TABLE hr.orders_2023 PARTITION OF orders FOR VALUES FROM ('2023-01-01') TO ('2024-01-01') PARTITION BY HASH (no);
CREATE TABLE hr."orders 2023.0" PARTITION OF hr.orders_2023 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hr."orders 2023.1" PARTITION OF hr.orders_2023 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE orders_rest PARTITION OF orders DEFAULT;
BEGIN; -- the second order of each hangs on the first, which comes later
INSERT INTO orders SELECT i, 2 * i, date '2023-06-01' + i, 2 * i - 1, date '2024-01-01' + i, i * 1.50 FROM generate_series(1, 60) i;
INSERT INTO orders SELECT i, 2 * i - 1, date '2024-01-01' + i, NULL, NULL, 'NaN' FROM generate_series(1, 60) i;
COMMIT;

CREATE TABLE hr.calls (id bigserial PRIMARY KEY, about bigint REFERENCES
  "Sales. ""Dept"""."Kunden. Liste, die dreiundsechzig Bytes lang ist, genau so viel" ON DELETE SET NULL, by text DEFAULT 'nobody');
INSERT INTO hr.calls (about) SELECT i FROM generate_series(1, 60) i;
CREATE TABLE hr.cards (id text COLLATE "C" PRIMARY KEY, owner bigint DEFAULT 1 REFERENCES
  "Sales. ""Dept"""."Kunden. Liste, die dreiundsechzig Bytes lang ist, genau so viel" ON DELETE RESTRICT, note text);
INSERT INTO hr.cards SELECT 'card ' || i, i, E'\\.' FROM generate_series(1, 60) i;

CREATE TABLE contacts (id int PRIMARY KEY, email text, created_at date NOT NULL DEFAULT '2023-05-01');
CREATE TABLE vip_contacts (gift money, PRIMARY KEY (id)) INHERITS (contacts);
INSERT INTO contacts SELECT i, format('%s.%s.%s@example.org', f, l, i) FROM (SELECT i,
  (ARRAY['ada','bruno','carla','dario','elena','fabio','giulia'])[1 + (i - 1) % 7] AS f,
  (ARRAY['rossi','bianchi','ferrari','esposito','romano','colombo','ricci','marino','greco'])[1 + (i - 1) % 9] AS l
  FROM generate_series(1, 30) i) AS people;
INSERT INTO vip_contacts SELECT i, format('%s.%s.%s@example.org', f, l, i), '2023-05-01', 5 FROM (SELECT i,
  (ARRAY['ada','bruno','carla','dario','elena','fabio','giulia'])[1 + (i - 1) % 7] AS f,
  (ARRAY['rossi','bianchi','ferrari','esposito','romano','colombo','ricci','marino','greco'])[1 + (i - 1) % 9] AS l
  FROM generate_series(31, 60) i) AS people;

CREATE TABLE hr.staff (id uuid NOT NULL, land text NOT NULL, email citext, name varchar(80) NOT NULL, iban char(34), born date, paid money,
  home inet, photo bytea, cv jsonb, tags text[], feel hr.mood, spell tsrange, since timestamptz NOT NULL DEFAULT now(), level numeric,
  badge bit varying(20), shift time, span interval, PRIMARY KEY (id, land)) PARTITION BY LIST (land);
CREATE TABLE hr.staff_it PARTITION OF hr.staff FOR VALUES IN ('IT');
CREATE TABLE hr.staff_rest PARTITION OF hr.staff DEFAULT;
INSERT INTO hr.staff VALUES
 ('00000000-0000-0000-0000-000000000001', 'IT', 'Ivo@example.com', 'Ivo Neri', 'IT60X0542811101000000123456', '1960-07-09', 1234.5, '10.1.2.3',
  '\x00ff', '{"name": "Ivo", "years": [1, 2]}', '{a,"b c"}', 'sad', '[2001-01-01,2010-01-01)', '2001-02-03 04:05:06.789+01', 3.50, B'101', '07:00', '3 days'),
 ('00000000-0000-0000-0000-000000000002', 'DE', 'lia@example.com', 'Lia Costa', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2020-01-01', 1, NULL, NULL, NULL),
 ('00000000-0000-0000-0000-000000000003', 'FR', 'ugo@example.com', 'Ugo Gallo', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2021-01-01', 1, NULL, NULL, NULL);

CREATE TABLE hr.keyless (at timestamptz, line text); INSERT INTO hr.keyless VALUES ('2024-01-01', 'x'), ('2024-01-01', 'x'), (NULL, NULL);
CREATE TABLE hr.trail (id serial PRIMARY KEY, what text);
CREATE UNLOGGED TABLE unlogged_one (a int PRIMARY KEY); CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES;
CREATE FUNCTION hr.gone() RETURNS trigger LANGUAGE plpgsql AS $fn$ BEGIN INSERT INTO hr.trail (what) VALUES ('call ' || OLD.id); RETURN NULL; END $fn$;
CREATE TRIGGER "watch; it" AFTER UPDATE OR DELETE ON hr.calls FOR EACH ROW EXECUTE FUNCTION hr.gone();
CREATE FUNCTION hr.same() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN coalesce(NEW, OLD); END $$;
CREATE CONSTRAINT TRIGGER late AFTER DELETE ON hr.cards DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION hr.same();
CREATE RULE guard AS ON DELETE TO contacts DO ALSO INSERT INTO hr.trail (what) VALUES ('contact ' || OLD.id);
CREATE RULE new_ones AS ON INSERT TO contacts DO ALSO NOTIFY contacts;
CREATE POLICY own ON contacts USING (id > 0); ALTER TABLE contacts ENABLE ROW LEVEL SECURITY; ALTER TABLE contacts FORCE ROW LEVEL SECURITY;
CREATE STATISTICS hr.together ON id, email FROM contacts;
CREATE PUBLICATION changes FOR TABLE contacts;
COMMENT ON TABLE contacts IS 'it''s; a comment -- with $$ and (';
