-- The first schema. Ids are text (`ws_…`), times are microseconds since 1970, JSON is text.
-- The folder `postgres` holds the same tables in its own words; a test compares the two.

create table users (
    id text primary key not null,
    name text not null unique,
    display_name text,
    email text,
    role text not null,
    password text,
    suspended_at integer,
    created_at integer not null
) strict;

create table sessions (
    id text primary key not null,
    user_id text not null references users (id) on delete cascade,
    hash blob not null unique,
    user_agent text not null,
    created_at integer not null,
    last_seen_at integer not null,
    expires_at integer not null
) strict;
create index sessions_by_user on sessions (user_id);
create index sessions_by_expiry on sessions (expires_at);

create table api_tokens (
    id text primary key not null,
    user_id text not null references users (id) on delete cascade,
    name text not null,
    hash blob not null unique,
    scopes text not null,
    created_at integer not null,
    expires_at integer,
    last_used_at integer
) strict;
create index api_tokens_by_user on api_tokens (user_id);

create table workspaces (
    id text primary key not null,
    owner text not null references users (id),
    name text not null,
    phase text not null,
    run integer not null,
    created_at integer not null,
    updated_at integer not null,
    last_activity_at integer not null,
    details text not null,
    unique (owner, name)
) strict;

create table agent_credentials (
    workspace text primary key not null references workspaces (id) on delete cascade,
    hash blob not null
) strict;

-- One wanted effect per workspace. `effect` is null when nothing is wanted; the row stays, so that
-- `generation` never goes back and a late worker cannot finish what was wanted after it.
create table effects (
    workspace text primary key not null references workspaces (id) on delete cascade,
    effect text,
    generation integer not null,
    due integer not null,
    attempt integer not null,
    lease_owner text,
    lease_until integer
) strict;
create index effects_by_due on effects (due) where effect is not null;

create table jobs (
    id integer primary key autoincrement not null,
    kind text not null,
    key text,
    payload text not null,
    due integer not null,
    attempt integer not null,
    lease_owner text,
    lease_until integer,
    given_up integer not null,
    last_problem text
) strict;
create unique index jobs_by_key on jobs (kind, key) where given_up = 0;
create index jobs_by_due on jobs (due) where given_up = 0;

create table snapshots (
    id text primary key not null,
    owner text not null references users (id),
    workspace text references workspaces (id) on delete set null,
    workspace_name text not null,
    source text,
    rootfs text not null,
    initialised integer not null,
    created_at integer not null
) strict;
create index snapshots_by_owner on snapshots (owner);
create index snapshots_by_workspace on snapshots (workspace);

create table settings (
    key text primary key not null,
    value text not null
) strict;

create table idempotency (
    user_id text not null references users (id) on delete cascade,
    key text not null,
    fingerprint text not null,
    response text not null,
    created_at integer not null,
    primary key (user_id, key)
) strict;
create index idempotency_by_age on idempotency (created_at);

-- No reference to `users`: the record of what somebody did outlives the person's account.
create table audit (
    id integer primary key autoincrement not null,
    at integer not null,
    caller text,
    action text not null,
    subject text not null,
    detail text not null
) strict;

-- `log_heads` hands out sequence numbers: its row is locked while a chunk is added.
create table log_heads (
    workspace text primary key not null references workspaces (id) on delete cascade,
    run integer not null,
    last integer not null
) strict;

create table log_chunks (
    workspace text not null references workspaces (id) on delete cascade,
    first integer not null,
    last integer not null,
    run integer not null,
    lines text not null,
    primary key (workspace, last)
) strict;
