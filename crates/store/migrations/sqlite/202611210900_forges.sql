-- Forges, people's accounts on them, what is sealed, and teams.
-- The folder `postgres` holds the same tables in its own words.

-- Wrapped by the platform key. One un-retired key for each owner seals what is new.
create table data_keys (
    id text primary key not null,
    owner text not null,
    wrapped blob not null,
    wrapped_by text not null,
    created_at integer not null,
    retired_at integer
) strict;
create unique index data_keys_current on data_keys (owner) where retired_at is null;

-- Every sealed value there is, by kind and the row it belongs to. A key cannot go while something is
-- sealed with it: nothing cascades here.
create table sealed (
    kind text not null,
    row text not null,
    owner text not null,
    key text not null references data_keys (id),
    value blob not null,
    updated_at integer not null,
    primary key (kind, row)
) strict;
create index sealed_by_key on sealed (key);
create index sealed_by_row on sealed (row);
create index sealed_by_owner on sealed (owner);

create table teams (
    id text primary key not null,
    slug text not null unique,
    name text not null,
    details text not null,
    created_at integer not null
) strict;
-- The team that everybody belongs to, in every installation.
insert into teams (id, slug, name, details, created_at)
values ('team_0000000000e008000000000001', 'everybody', 'Everybody', '{}', cast(strftime('%s', 'now') as integer) * 1000000);

create table members (
    team text not null references teams (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    role text not null,
    since integer not null,
    primary key (team, user_id)
) strict;
create index members_by_user on members (user_id);

create table invitations (
    id text primary key not null,
    team text not null references teams (id) on delete cascade,
    hash blob not null unique,
    details text not null,
    expires_at integer not null
) strict;
create index invitations_by_team on invitations (team);
create index invitations_by_expiry on invitations (expires_at);

-- Which secrets a team has; their values are in `sealed`.
create table secret_names (
    team text not null references teams (id) on delete cascade,
    name text not null,
    created_at integer not null,
    updated_at integer not null,
    primary key (team, name)
) strict;

-- Without a reference: SQLite cannot add one to a column with a default. It has one writer, so a team that is
-- being deleted cannot get a workspace meanwhile.
alter table workspaces add column team text not null default 'team_0000000000e008000000000001';
create index workspaces_by_team on workspaces (team, id);

create table forges (
    id text primary key not null,
    team text references teams (id),
    kind text not null,
    web_url text not null,
    details text not null,
    updated_at integer not null
) strict;
create index forges_by_team on forges (team);

-- `refresh_…`: who is renewing the credential, and whether the request may have reached the forge.
create table links (
    id text primary key not null,
    forge text not null references forges (id) on delete cascade,
    user_id text not null references users (id) on delete cascade,
    subject text not null,
    state text not null,
    generation integer not null,
    expires_at integer,
    refresh_owner text,
    refresh_until integer,
    refresh_sent_at integer,
    details text not null,
    unique (forge, user_id),
    unique (forge, subject)
) strict;
create index links_by_user on links (user_id);

create table identities (
    issuer text not null,
    subject text not null,
    user_id text not null references users (id) on delete cascade,
    forge text references forges (id) on delete set null,
    created_at integer not null,
    last_used_at integer,
    primary key (issuer, subject)
) strict;
create index identities_by_user on identities (user_id);
create index identities_by_forge on identities (forge);

create table attempts (
    id text primary key not null,
    state_hash blob not null unique,
    browser_hash blob not null,
    forge text not null references forges (id) on delete cascade,
    details text not null,
    created_at integer not null,
    expires_at integer not null
) strict;
create index attempts_by_forge on attempts (forge);
create index attempts_by_expiry on attempts (expires_at);

-- Which forge a session was signed in with, and the first session of the same sign-in.
alter table sessions add column signed_in_with text references forges (id) on delete set null;
alter table sessions add column sign_in text;
create index sessions_by_sign_in on sessions (sign_in);

-- How a session goes over to another host of this server.
create table handoffs (
    code_hash blob primary key not null,
    session text not null references sessions (id) on delete cascade,
    browser_hash blob not null,
    host text not null,
    return_to text not null,
    expires_at integer not null
) strict;
create index handoffs_by_session on handoffs (session);
create index handoffs_by_expiry on handoffs (expires_at);

create table ssh_keys (
    user_id text primary key not null references users (id) on delete cascade,
    algorithm text not null,
    public_key text not null,
    fingerprint text not null,
    created_at integer not null
) strict;

create table ssh_uploads (
    link text primary key not null references links (id) on delete cascade,
    fingerprint text not null,
    remote_id text,
    state text not null,
    why text,
    mend text,
    at integer not null
) strict;

alter table users add column preferences text;
