-- Forges, people's accounts on them, what is sealed, and teams.
-- The folder `sqlite` holds the same tables in its own words.

-- Wrapped by the platform key. One un-retired key for each owner seals what is new.
create table data_keys (
    id text collate "C" primary key not null,
    owner text collate "C" not null,
    wrapped bytea not null,
    wrapped_by text not null,
    created_at bigint not null,
    retired_at bigint
);
create unique index data_keys_current on data_keys (owner) where retired_at is null;

-- Every sealed value there is, by kind and the row it belongs to. A key cannot go while something is
-- sealed with it: nothing cascades here.
create table sealed (
    kind text not null,
    row text collate "C" not null,
    owner text collate "C" not null,
    key text collate "C" not null references data_keys (id),
    value bytea not null,
    updated_at bigint not null,
    primary key (kind, row)
);
create index sealed_by_key on sealed (key);
create index sealed_by_row on sealed (row);
create index sealed_by_owner on sealed (owner);

create table teams (
    id text collate "C" primary key not null,
    slug text not null unique,
    name text not null,
    details text not null,
    created_at bigint not null
);
-- The team that everybody belongs to, in every installation.
insert into teams (id, slug, name, details, created_at)
values ('team_0000000000e008000000000001', 'everybody', 'Everybody', '{}', extract(epoch from now())::bigint * 1000000);

create table members (
    team text collate "C" not null references teams (id) on delete cascade,
    user_id text collate "C" not null references users (id) on delete cascade,
    role text not null,
    since bigint not null,
    primary key (team, user_id)
);
create index members_by_user on members (user_id);

create table invitations (
    id text collate "C" primary key not null,
    team text collate "C" not null references teams (id) on delete cascade,
    hash bytea not null unique,
    details text not null,
    expires_at bigint not null
);
create index invitations_by_team on invitations (team);
create index invitations_by_expiry on invitations (expires_at);

-- Which secrets a team has; their values are in `sealed`.
create table secret_names (
    team text collate "C" not null references teams (id) on delete cascade,
    name text not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (team, name)
);

alter table workspaces add column team text collate "C" not null default 'team_0000000000e008000000000001' references teams (id);
create index workspaces_by_team on workspaces (team, id);

create table forges (
    id text collate "C" primary key not null,
    team text collate "C" references teams (id),
    kind text not null,
    web_url text not null,
    details text not null,
    updated_at bigint not null
);
create index forges_by_team on forges (team);

-- `refresh_…`: who is renewing the credential, and whether the request may have reached the forge.
create table links (
    id text collate "C" primary key not null,
    forge text collate "C" not null references forges (id) on delete cascade,
    user_id text collate "C" not null references users (id) on delete cascade,
    subject text not null,
    state text not null,
    generation bigint not null,
    expires_at bigint,
    refresh_owner text,
    refresh_until bigint,
    refresh_sent_at bigint,
    details text not null,
    unique (forge, user_id),
    unique (forge, subject)
);
create index links_by_user on links (user_id);

create table identities (
    issuer text not null,
    subject text not null,
    user_id text collate "C" not null references users (id) on delete cascade,
    forge text collate "C" references forges (id) on delete set null,
    created_at bigint not null,
    last_used_at bigint,
    primary key (issuer, subject)
);
create index identities_by_user on identities (user_id);
create index identities_by_forge on identities (forge);

create table attempts (
    id text collate "C" primary key not null,
    state_hash bytea not null unique,
    browser_hash bytea not null,
    forge text collate "C" not null references forges (id) on delete cascade,
    details text not null,
    created_at bigint not null,
    expires_at bigint not null
);
create index attempts_by_forge on attempts (forge);
create index attempts_by_expiry on attempts (expires_at);

-- Which forge a session was signed in with, and the first session of the same sign-in.
alter table sessions add column signed_in_with text collate "C" references forges (id) on delete set null;
alter table sessions add column sign_in text collate "C";
create index sessions_by_sign_in on sessions (sign_in);

-- How a session goes over to another host of this server.
create table handoffs (
    code_hash bytea primary key not null,
    session text collate "C" not null references sessions (id) on delete cascade,
    browser_hash bytea not null,
    host text not null,
    return_to text not null,
    expires_at bigint not null
);
create index handoffs_by_session on handoffs (session);
create index handoffs_by_expiry on handoffs (expires_at);

create table ssh_keys (
    user_id text collate "C" primary key not null references users (id) on delete cascade,
    algorithm text not null,
    public_key text not null,
    fingerprint text not null,
    created_at bigint not null
);

create table ssh_uploads (
    link text collate "C" primary key not null references links (id) on delete cascade,
    fingerprint text not null,
    remote_id text,
    state text not null,
    why text,
    mend text,
    at bigint not null
);

alter table users add column preferences text;
