//! Accounts: made, blocked, renamed, removed; their personal access tokens and keys.

use domain::{SignedDuration, Timestamp};

use crate::gitlab::GitlabDouble;
use crate::gitlab::hooks::system;
use crate::gitlab::ssh;
use crate::gitlab::world::{AccessLevel, Account, Group, PersonalToken};

/// An account of the instance.
#[derive(Debug, Clone)]
pub struct User {
    /// The number that never changes.
    pub id: u64,
    /// The name at the time it was made.
    pub username: String,
    /// The primary address.
    pub email: String,
    /// What it signs in with.
    pub password: String,
}

/// What an account is made of; `NewUser::named` has useful defaults.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name it signs in with, and its namespace.
    pub username: String,
    /// The name people read.
    pub name: String,
    /// The primary address.
    pub email: String,
    /// What it signs in with.
    pub password: String,
    /// Whether it administers the instance.
    pub admin: bool,
    /// Whether the address is confirmed; without that nothing can be authorised.
    pub confirmed: bool,
}

impl NewUser {
    /// An ordinary account with an address at example.com and the password "password-of-<username>".
    pub fn named(username: &str) -> Self {
        Self {
            username: username.to_owned(),
            name: format!("User {username}"),
            email: format!("{username}@example.com"),
            password: format!("password-of-{username}"),
            admin: false,
            confirmed: true,
        }
    }

    /// The same as an administrator.
    #[must_use]
    pub fn admin(self) -> Self {
        Self { admin: true, ..self }
    }
}

impl GitlabDouble {
    /// Makes an ordinary account with this user name.
    pub fn add_user(&self, username: &str) -> User {
        self.add_new_user(NewUser::named(username))
    }

    /// Makes an account.
    pub fn add_new_user(&self, new: NewUser) -> User {
        let now = self.instance.now();
        let id = {
            let mut world = self.instance.world();
            let (id, namespace) = (world.next_id("user"), world.next_id("group"));
            let group = Group {
                id: namespace,
                path: new.username.clone(),
                full_path: new.username.clone(),
                parent: None,
                account: Some(id),
                members: [(id, AccessLevel::Owner)].into(),
                created_at: now,
            };
            world.groups.insert(namespace, group);
            let account = Account {
                id,
                username: new.username.clone(),
                name: new.name,
                email: new.email.clone(),
                confirmed: new.confirmed,
                password: new.password.clone(),
                admin: new.admin,
                blocked: false,
                namespace,
                keys: vec![],
                created_at: now,
                updated_at: now,
            };
            world.accounts.insert(id, account);
            id
        };
        system::account(&self.instance, id, "user_create", None);
        User { id, username: new.username, email: new.email, password: new.password }
    }

    /// Blocks an account: no sign-in, no API, no Git. Its tokens stay, as on GitLab.
    pub fn block_user(&self, user: &User) {
        self.change(user, |account| account.blocked = true);
    }

    /// Lets it in again.
    pub fn unblock_user(&self, user: &User) {
        self.change(user, |account| account.blocked = false);
    }

    fn change(&self, user: &User, change: impl FnOnce(&mut Account)) {
        let now = self.instance.now();
        if let Some(account) = self.instance.world().accounts.get_mut(&user.id) {
            change(account);
            account.updated_at = now;
        }
        ssh::write_keys(&self.instance);
    }

    /// Gives an account and its namespace another name; its projects move along.
    pub fn rename_user(&self, user: &User, username: &str) {
        let Some(former) =
            self.instance.world().accounts.get(&user.id).map(|account| account.username.clone())
        else {
            return;
        };
        self.change(user, |account| username.clone_into(&mut account.username));
        let namespace = self.instance.world().accounts.get(&user.id).map(|account| account.namespace);
        if let Some(group) = namespace {
            self.move_group(group, username);
        }
        system::account(&self.instance, user.id, "user_rename", Some(&former));
    }

    /// Removes an account with its tokens, keys and memberships.
    pub fn delete_user(&self, user: &User) {
        system::account(&self.instance, user.id, "user_destroy", None);
        {
            let mut world = self.instance.world();
            world.accounts.remove(&user.id);
            world.tokens.retain(|pair| pair.account != Some(user.id));
            world.personal_tokens.retain(|token| token.account != user.id);
            for group in world.groups.values_mut() {
                group.members.remove(&user.id);
            }
            for project in world.projects.values_mut() {
                project.members.remove(&user.id);
            }
        }
        ssh::write_keys(&self.instance);
    }

    /// Ends every OAuth token the account has given, as "revoke" in its settings does.
    pub fn revoke_tokens_of(&self, user: &User) {
        let mut world = self.instance.world();
        for pair in world.tokens.iter_mut().filter(|pair| pair.account == Some(user.id)) {
            pair.revoked = true;
        }
    }

    /// Makes a personal access token that ends in a year, and gives it.
    pub fn add_personal_token(&self, user: &User, scopes: &[&str]) -> String {
        let value = format!("glpat-{}", &self.instance.random_hex(10));
        let now = self.instance.now();
        let mut world = self.instance.world();
        let id = world.next_id("personal token");
        world.personal_tokens.push(PersonalToken {
            id,
            account: user.id,
            name: format!("token {id}"),
            value: value.clone(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            revoked: false,
            created_at: now,
            expires_at: Some(now.checked_add(SignedDuration::from_hours(365 * 24)).unwrap_or(Timestamp::MAX)),
        });
        value
    }

    /// The public keys of an account, as `kind body comment`.
    pub fn keys_of(&self, user: &User) -> Vec<String> {
        let world = self.instance.world();
        let keys = world.accounts.get(&user.id).map(|account| account.keys.iter());
        keys.into_iter().flatten().map(|key| key.text.clone()).collect()
    }
}
