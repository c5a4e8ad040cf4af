-- Kites, the keys they register with, the registry's own keys, and who may call whose kites.
-- The folder `postgres` holds the same tables in its own words.

-- The pairs that sign kite keys and tokens. The private halves are in `sealed`. One signs at a time.
create table registry_keys (
    kid text primary key not null,
    public text not null,
    created_at integer not null,
    retired_at integer
) strict;
create unique index registry_keys_current on registry_keys (coalesce(retired_at, 0)) where retired_at is null;

-- A kite key is a family: each re-issue is a row of its own, and all of them are revoked together.
create table kite_keys (
    id text primary key not null,
    family text not null,
    user_id text not null references users (id) on delete cascade,
    team text references teams (id) on delete cascade,
    name text not null,
    signed_by text not null,
    created_at integer not null,
    issued_at integer not null,
    expires_at integer not null,
    replaced_by text,
    last_used_at integer
) strict;
create index kite_keys_by_family on kite_keys (family);
create index kite_keys_by_user on kite_keys (user_id);
create index kite_keys_by_team on kite_keys (team);
create index kite_keys_by_signer on kite_keys (signed_by, expires_at);
create index kite_keys_by_expiry on kite_keys (expires_at);

-- What is registered. `credential` is what it was registered with, a family of kite keys or an API token; agents
-- of workspaces have none.
create table kites (
    id text primary key not null,
    owner text not null references users (id) on delete cascade,
    workspace text references workspaces (id) on delete cascade,
    team text references teams (id) on delete cascade,
    credential text,
    username text not null,
    environment text not null,
    name text not null,
    version text not null,
    region text not null,
    hostname text not null,
    url text not null,
    via text not null,
    signed_by text not null,
    server text not null,
    generation integer not null,
    registered_at integer not null,
    seen_at integer not null
) strict;
create index kites_by_owner on kites (owner);
create index kites_by_workspace on kites (workspace);
create index kites_by_team on kites (team);
create index kites_by_credential on kites (credential);

-- `subject` is a workspace's id, which then stands in `workspace` as well, or a service: environment/name.
create table kite_shares (
    owner text not null references users (id) on delete cascade,
    subject text not null,
    user_id text not null references users (id) on delete cascade,
    workspace text references workspaces (id) on delete cascade,
    created_at integer not null,
    primary key (owner, subject, user_id)
) strict;
create index kite_shares_by_user on kite_shares (user_id);
create index kite_shares_by_workspace on kite_shares (workspace);

-- One-time codes that a new machine trades for a kite key.
create table kite_codes (
    hash blob primary key not null,
    user_id text not null references users (id) on delete cascade,
    team text references teams (id) on delete cascade,
    expires_at integer not null
) strict;
create index kite_codes_by_user on kite_codes (user_id);
create index kite_codes_by_team on kite_codes (team);
create index kite_codes_by_expiry on kite_codes (expires_at);
