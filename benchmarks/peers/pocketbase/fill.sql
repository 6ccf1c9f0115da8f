-- Fill PocketBase's tables from the tables of Regulars. PocketBase ids are strings of 15 characters; leading zeros keep
-- the numeric order.

BEGIN;

INSERT INTO main.countries (id, name)
SELECT printf('%015d', id), name
FROM ours.countries;

INSERT INTO main.users (id, name, email, created, updated, verified, tokenKey)
SELECT
    printf('%015d', id),
    name,
    email,
    replace(replace(created_at, 'T', ' '), 'Z', '.000Z'),
    replace(replace(created_at, 'T', ' '), 'Z', '.000Z'),
    TRUE,
    lower(hex(randomblob(25)))
FROM ours.users;

INSERT INTO main.customers (
    id, tenant, first_name, last_name, phone_number, email, date_of_birth, gender, country, identity_number, job,
    address, default_channel_id, avatar_url, user, created_at, updated_at, deleted_at
)
SELECT
    printf('%05d%010d', tenant_id, id),
    tenant_id,
    first_name,
    coalesce(last_name, ''),
    coalesce(phone_number, ''),
    coalesce(email, ''),
    coalesce(date_of_birth || ' 00:00:00.000Z', ''),
    coalesce(gender, ''),
    iif(country_id IS NULL, '', printf('%015d', country_id)),
    coalesce(identity_number, ''),
    coalesce(job, ''),
    coalesce(address, ''),
    coalesce(default_channel_id, 0),
    coalesce(avatar_url, ''),
    iif(user_id IS NULL, '', printf('%015d', user_id)),
    replace(replace(created_at, 'T', ' '), 'Z', '.000Z'),
    replace(replace(updated_at, 'T', ' '), 'Z', '.000Z'),
    coalesce(replace(replace(deleted_at, 'T', ' '), 'Z', '.000Z'), '')
FROM ours.customers
ORDER BY tenant_id, id;

COMMIT;
