//! What the registry has to be told of: rights, names and workspaces that changed, here or on another server.
//!
//! The registry keeps answers for a while and connections for long; a commit that takes something away nudges, and
//! within a second registrations, watches and calls under way end that must.

use std::time::Duration;

use domain::{UserId, WorkspaceId};
use registry::{Change, Whose, field_of};
use store::{EVERYTHING, Topic, Tx};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, broadcast};

use super::keys::KEYS_TOPIC;
use super::shares::SHARED_TOPIC;
use super::storage::STORED_TOPIC;
use super::viewer::{Judge, Look};
use crate::control::Control;
use crate::error::Error;
use crate::people::{REVOKED_TOPIC, welcome};
use crate::teams::PLACES_TOPIC;
use crate::workspace::WORKSPACE_TOPIC;

/// Said after a commit that changed what somebody's kites are called or may; the person's id is behind.
const RIGHTS_TOPIC: &str = "kite rights ";
/// How often a right is looked up again although nothing was heard, should the news get lost.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Tells the registry, after the commit, that a name or a credential of somebody's has changed.
pub(crate) fn announce_kite_rights(tx: &mut Tx, user: UserId) {
    tx.nudge(format!("{RIGHTS_TOPIC}{user}"));
}

/// Whether a nudge may change what one of these people may do with kites.
pub(super) fn concerns(topic: &str, people: &[UserId]) -> bool {
    match Said::read(topic) {
        Said::Person(user) | Said::Loss(user) => people.contains(&user),
        Said::Everything => true,
        Said::Credential(_) | Said::Workspace(_) | Said::Stored(_) | Said::Keys | Said::Else => false,
    }
}

/// What a nudge means to the registry.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// Somebody's rights, names or credentials: theirs alone.
    Person(UserId),
    /// Somebody lost a right: also whoever got something from them.
    Loss(UserId),
    /// A session or an API token, by its id, was taken back.
    Credential(&'a str),
    /// A workspace changed or is gone.
    Workspace(WorkspaceId),
    /// A server changed stored registrations.
    Stored(&'a str),
    /// The registry has other keys.
    Keys,
    /// Nobody knows.
    Everything,
    /// Nothing to the registry.
    Else,
}

impl<'a> Said<'a> {
    pub(super) fn read(topic: &'a str) -> Self {
        let person = |text: &str| text.parse().ok();
        let of = |prefix| topic.strip_prefix(prefix);
        if topic == EVERYTHING {
            Self::Everything
        } else if topic == KEYS_TOPIC {
            Self::Keys
        } else if let Some(server) = of(STORED_TOPIC) {
            Self::Stored(server)
        } else if let Some(user) =
            of(SHARED_TOPIC).or_else(|| of(PLACES_TOPIC)).or_else(|| of(RIGHTS_TOPIC)).and_then(person)
        {
            Self::Person(user)
        } else if let Some(subject) = of(REVOKED_TOPIC) {
            person(subject).map_or(Self::Credential(subject), Self::Loss)
        } else if let Some(id) = of(WORKSPACE_TOPIC).and_then(|rest| rest.split(' ').next()?.parse().ok()) {
            Self::Workspace(id)
        } else {
            Self::Else
        }
    }
}

impl Control {
    /// Tells the registry what it has to know, for ever.
    pub(crate) async fn follow_kites(self, nudges: broadcast::Receiver<Topic>) {
        let other_keys = Notify::new();
        other_keys.notify_one();
        // Beside each other: while the platform key is away, the registry gets no keys and hears of every loss.
        tokio::select! {
            () = self.keep_up_registry_keys(&other_keys) => {}
            () = self.pass_on(nudges, &other_keys) => {}
        }
    }

    async fn keep_up_registry_keys(&self, other_keys: &Notify) {
        loop {
            other_keys.notified().await;
            self.insist_on_registry_keys().await;
        }
    }

    async fn pass_on(&self, mut nudges: broadcast::Receiver<Topic>, other_keys: &Notify) {
        loop {
            match nudges.recv().await {
                Ok(topic) => self.tell_registry(Said::read(&topic), other_keys).await,
                Err(RecvError::Lagged(_)) => self.tell_registry(Said::Everything, other_keys).await,
                Err(RecvError::Closed) => return,
            }
        }
    }

    async fn tell_registry(&self, said: Said<'_>, other_keys: &Notify) {
        let registry = &self.inner.kites.registry;
        match said {
            Said::Person(user) => {
                // Another server may have changed the name.
                self.user_names().remove(&user);
                registry.rights_changed(Whose::User(user));
            }
            Said::Loss(user) => {
                registry.rights_changed(Whose::User(user));
                match self.guests_of(user).await {
                    Ok(guests) => {
                        for guest in guests {
                            registry.rights_changed(Whose::User(guest));
                        }
                    }
                    Err(error) => {
                        tracing::warn!(error = %error, "cannot look up with whom somebody shares kites");
                        registry.rights_changed(Whose::Everybody);
                    }
                }
            }
            Said::Workspace(id) => match self.is_another(id).await {
                Ok(false) => {}
                Ok(true) => registry.rights_changed(Whose::Workspace(id)),
                Err(error) => {
                    tracing::warn!(error = %error, "cannot look up what a workspace is called now");
                    registry.rights_changed(Whose::Workspace(id));
                }
            },
            Said::Stored(server) => {
                if server != self.inner.settings.server {
                    registry.changed_elsewhere();
                }
            }
            Said::Keys => other_keys.notify_one(),
            Said::Everything => {
                self.user_names().clear();
                registry.changed_elsewhere();
                registry.rights_changed(Whose::Everybody);
                other_keys.notify_one();
            }
            Said::Credential(_) | Said::Else => {}
        }
    }

    /// Whether a workspace is not what the registry takes it for. Of their many changes hardly any matters to it.
    async fn is_another(&self, id: WorkspaceId) -> Result<bool, Error> {
        let Some(entry) = self.inner.kites.registry.get(&id.to_string()) else { return Ok(false) };
        let seat = self.seat_of(id).await?;
        Ok(seat.is_none_or(|seat| {
            seat.owner != entry.owner
                || field_of(&seat.hostname) != entry.kite.hostname
                || field_of(&seat.username) != entry.kite.username
        }))
    }

    /// Everybody with whom somebody shares something.
    async fn guests_of(&self, owner: UserId) -> Result<Vec<UserId>, Error> {
        let shares = self.inner.store.read().await?.kite_shares_of(owner).await?;
        let mut guests: Vec<UserId> = shares.into_iter().map(|share| share.user).collect();
        guests.sort_unstable();
        guests.dedup();
        Ok(guests)
    }

    /// Resolves within a second after somebody may no longer call a kite: it is gone, the person is suspended, has
    /// left the team, or it is shared with them no more. At once where they may not now.
    ///
    /// Listens from the moment it is called, before anything is polled.
    pub fn kite_rights_ended(&self, user: UserId, kite: &str) -> impl Future<Output = ()> + Send + use<> {
        let control = self.clone();
        let kite = kite.to_owned();
        let mut news = self.inner.store.nudges();
        let mut changes = self.inner.kites.registry.changes();
        async move {
            loop {
                let owner = match control.may_call(user, &kite).await {
                    Ok(Some(owner)) => owner,
                    Ok(None) => return,
                    // A database that does not answer cuts nobody off.
                    Err(error) => {
                        tracing::warn!(error = %error, "cannot look up whether somebody may still call a kite");
                        user
                    }
                };
                let heard = async {
                    loop {
                        tokio::select! {
                            said = news.recv() => match said {
                                Ok(topic) => match Said::read(&topic) {
                                    Said::Person(whose) | Said::Loss(whose) if whose == user || whose == owner => return,
                                    Said::Workspace(id) if id.to_string() == kite => return,
                                    Said::Everything => return,
                                    _ => {}
                                },
                                Err(RecvError::Lagged(_)) => return,
                                // The store is closing, and with it the server.
                                Err(RecvError::Closed) => std::future::pending().await,
                            },
                            change = changes.recv() => match change {
                                Ok(Change::Deregistered(entry) | Change::Registered(entry))
                                    if entry.kite.id == kite => return,
                                Ok(_) => {}
                                Err(RecvError::Lagged(_)) => return,
                                Err(RecvError::Closed) => std::future::pending().await,
                            },
                        }
                    }
                };
                // Whether it ended or not, it is looked up.
                drop(tokio::time::timeout(LOOK_AGAIN, heard).await);
            }
        }
    }

    /// The kite's owner, if somebody may call it now, by whatever credential.
    async fn may_call(&self, user: UserId, kite: &str) -> Result<Option<UserId>, Error> {
        let Some(entry) = self.inner.kites.registry.get(kite) else { return Ok(None) };
        let now = self.now();
        let mut tx = self.inner.store.read().await?;
        let Some(user) = welcome(&mut tx, user).await? else { return Ok(None) };
        let judge = Judge::load(&mut tx, &user, None, now).await?;
        Ok(Some(entry.owner).filter(|_| judge.look(&entry) == Look::Calls))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nudges_are_read_as_they_are_said() {
        let user: UserId = "usr_00000000000000000000000001".parse().unwrap();
        let workspace: WorkspaceId = "ws_00000000000000000000000001".parse().unwrap();

        for (topic, expected) in [
            (format!("revoked {user}"), Said::Loss(user)),
            (format!("places {user}"), Said::Person(user)),
            (format!("kite shared {user}"), Said::Person(user)),
            (format!("kite rights {user}"), Said::Person(user)),
            (format!("workspace {workspace} {user} team_x"), Said::Workspace(workspace)),
            ("kites one".into(), Said::Stored("one")),
            ("registry keys".into(), Said::Keys),
            ("*".into(), Said::Everything),
            ("revoked ses_01".into(), Said::Credential("ses_01")),
            ("effect x".into(), Said::Else),
            (String::new(), Said::Else),
        ] {
            assert_eq!(Said::read(&topic), expected, "{topic}");
        }
    }
}
