-- The first schema. Ids are text (`ws_…`), times are microseconds since 1970, JSON is text (the
-- terminal output in it may hold U+0000, which `jsonb` cannot).
-- The folder `sqlite` holds the same tables in its own words; a test compares the two.

create table users (
    id text collate "C" primary key not null,
    name text not null unique,
    display_name text,
    email text,
    role text not null,
    password text,
    suspended_at bigint,
    created_at bigint not null
);

create table sessions (
    id text collate "C" primary key not null,
    user_id text collate "C" not null references users (id) on delete cascade,
    hash bytea not null unique,
    user_agent text not null,
    created_at bigint not null,
    last_seen_at bigint not null,
    expires_at bigint not null
);
create index sessions_by_user on sessions (user_id);
create index sessions_by_expiry on sessions (expires_at);

create table api_tokens (
    id text collate "C" primary key not null,
    user_id text collate "C" not null references users (id) on delete cascade,
    name text not null,
    hash bytea not null unique,
    scopes text not null,
    created_at bigint not null,
    expires_at bigint,
    last_used_at bigint
);
create index api_tokens_by_user on api_tokens (user_id);

create table workspaces (
    id text collate "C" primary key not null,
    owner text collate "C" not null references users (id),
    name text not null,
    phase text not null,
    run bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    last_activity_at bigint not null,
    details text not null,
    unique (owner, name)
);

create table agent_credentials (
    workspace text collate "C" primary key not null references workspaces (id) on delete cascade,
    hash bytea not null
);

-- One wanted effect per workspace. `effect` is null when nothing is wanted; the row stays, so that
-- `generation` never goes back and a late worker cannot finish what was wanted after it.
create table effects (
    workspace text collate "C" primary key not null references workspaces (id) on delete cascade,
    effect text,
    generation bigint not null,
    due bigint not null,
    attempt bigint not null,
    lease_owner text,
    lease_until bigint
);
create index effects_by_due on effects (due) where effect is not null;

create table jobs (
    id bigint generated always as identity primary key,
    kind text not null,
    key text,
    payload text not null,
    due bigint not null,
    attempt bigint not null,
    lease_owner text,
    lease_until bigint,
    given_up bigint not null,
    last_problem text
);
create unique index jobs_by_key on jobs (kind, key) where given_up = 0;
create index jobs_by_due on jobs (due) where given_up = 0;

create table snapshots (
    id text collate "C" primary key not null,
    owner text collate "C" not null references users (id),
    workspace text collate "C" references workspaces (id) on delete set null,
    workspace_name text not null,
    source text,
    rootfs text not null,
    initialised bigint not null,
    created_at bigint not null
);
create index snapshots_by_owner on snapshots (owner);
create index snapshots_by_workspace on snapshots (workspace);

create table settings (
    key text primary key not null,
    value text not null
);

create table idempotency (
    user_id text collate "C" not null references users (id) on delete cascade,
    key text not null,
    fingerprint text not null,
    response text not null,
    created_at bigint not null,
    primary key (user_id, key)
);
create index idempotency_by_age on idempotency (created_at);

-- No reference to `users`: the record of what somebody did outlives the person's account.
create table audit (
    id bigint generated always as identity primary key,
    at bigint not null,
    caller text collate "C",
    action text not null,
    subject text not null,
    detail text not null
);

-- `log_heads` hands out sequence numbers: its row is locked while a chunk is added.
create table log_heads (
    workspace text collate "C" primary key not null references workspaces (id) on delete cascade,
    run bigint not null,
    last bigint not null
);

create table log_chunks (
    workspace text collate "C" not null references workspaces (id) on delete cascade,
    first bigint not null,
    last bigint not null,
    run bigint not null,
    lines text not null,
    primary key (workspace, last)
);
