-- Kites, the keys they register with, the registry's own keys, and who may call whose kites.
-- The folder `sqlite` holds the same tables in its own words.

-- The pairs that sign kite keys and tokens. The private halves are in `sealed`. One signs at a time.
create table registry_keys (
    kid text collate "C" primary key not null,
    public text not null,
    created_at bigint not null,
    retired_at bigint
);
create unique index registry_keys_current on registry_keys (coalesce(retired_at, 0)) where retired_at is null;

-- A kite key is a family: each re-issue is a row of its own, and all of them are revoked together.
create table kite_keys (
    id text collate "C" primary key not null,
    family text collate "C" not null,
    user_id text collate "C" not null references users (id) on delete cascade,
    team text collate "C" references teams (id) on delete cascade,
    name text not null,
    signed_by text collate "C" not null,
    created_at bigint not null,
    issued_at bigint not null,
    expires_at bigint not null,
    replaced_by text collate "C",
    last_used_at bigint
);
create index kite_keys_by_family on kite_keys (family);
create index kite_keys_by_user on kite_keys (user_id);
create index kite_keys_by_team on kite_keys (team);
create index kite_keys_by_signer on kite_keys (signed_by, expires_at);
create index kite_keys_by_expiry on kite_keys (expires_at);

-- What is registered. `credential` is what it was registered with, a family of kite keys or an API token; agents
-- of workspaces have none.
create table kites (
    id text collate "C" primary key not null,
    owner text collate "C" not null references users (id) on delete cascade,
    workspace text collate "C" references workspaces (id) on delete cascade,
    team text collate "C" references teams (id) on delete cascade,
    credential text collate "C",
    username text not null,
    environment text not null,
    name text not null,
    version text not null,
    region text not null,
    hostname text not null,
    url text not null,
    via text not null,
    signed_by text collate "C" not null,
    server text collate "C" not null,
    generation bigint not null,
    registered_at bigint not null,
    seen_at bigint not null
);
create index kites_by_owner on kites (owner);
create index kites_by_workspace on kites (workspace);
create index kites_by_team on kites (team);
create index kites_by_credential on kites (credential);

-- `subject` is a workspace's id, which then stands in `workspace` as well, or a service: environment/name.
create table kite_shares (
    owner text collate "C" not null references users (id) on delete cascade,
    subject text collate "C" not null,
    user_id text collate "C" not null references users (id) on delete cascade,
    workspace text collate "C" references workspaces (id) on delete cascade,
    created_at bigint not null,
    primary key (owner, subject, user_id)
);
create index kite_shares_by_user on kite_shares (user_id);
create index kite_shares_by_workspace on kite_shares (workspace);

-- One-time codes that a new machine trades for a kite key.
create table kite_codes (
    hash bytea primary key not null,
    user_id text collate "C" not null references users (id) on delete cascade,
    team text collate "C" references teams (id) on delete cascade,
    expires_at bigint not null
);
create index kite_codes_by_user on kite_codes (user_id);
create index kite_codes_by_team on kite_codes (team);
create index kite_codes_by_expiry on kite_codes (expires_at);
