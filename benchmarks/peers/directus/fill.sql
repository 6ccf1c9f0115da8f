-- Directus supports only tables with a primary key of one column, so copy the tables into the schema of Directus.
-- The ids of seeded customers are unique across tenants; otherwise the new primary key fails.
CREATE TABLE directus.countries (LIKE public.countries INCLUDING ALL);
INSERT INTO directus.countries SELECT * FROM public.countries;

CREATE TABLE directus.users (id bigint PRIMARY KEY, name text NOT NULL);
INSERT INTO directus.users SELECT id, name FROM public.users;

CREATE TABLE directus.customers AS
SELECT id, tenant_id, first_name, last_name, phone_number, email, date_of_birth, gender, country_id, identity_number,
  job, address, default_channel_id, avatar_url, user_id, created_at, updated_at, deleted_at
FROM public.customers;

ALTER TABLE directus.customers
  ADD PRIMARY KEY (id),
  ALTER tenant_id SET NOT NULL,
  ALTER first_name SET NOT NULL,
  ALTER created_at SET NOT NULL,
  ALTER updated_at SET NOT NULL,
  ADD FOREIGN KEY (country_id) REFERENCES directus.countries (id),
  ADD FOREIGN KEY (user_id) REFERENCES directus.users (id);

-- The index that Regulars uses for the first page.
CREATE INDEX customers_created_at ON directus.customers (tenant_id, created_at, id) WHERE deleted_at IS NULL;
