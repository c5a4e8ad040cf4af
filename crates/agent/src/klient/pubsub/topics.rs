//! Who subscribed to what. Everything in it is bounded.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;
use tokio::sync::mpsc;

/// Longest name of a topic, in bytes.
const NAME_MAX: usize = 256;
/// Subscriptions, over all topics. With the next one this bounds what events take of the workspace's memory.
const SUBSCRIPTIONS_MAX: usize = 200;
/// Bytes of events a subscriber has not taken yet. One that falls further behind loses its subscription.
const BEHIND_MAX: usize = 1 << 20;
/// The same in events, however small: a burst that is published at once must fit.
const QUEUE: usize = 1024;

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// Not a name.
    #[error("`eventName` is 1 to {NAME_MAX} bytes")]
    Name,
    /// No more fit.
    #[error(
        "there are {SUBSCRIPTIONS_MAX} subscriptions in this workspace already: end some with `client.Unsubscribe`"
    )]
    TooMany,
    /// Nobody listens.
    #[error("nobody has subscribed to this event")]
    NoSubscribers,
    /// There is no such subscription.
    #[error(
        "there is no subscription with this id to this event; perhaps it was too slow and has been ended"
    )]
    Unknown,
}

/// All topics with their subscribers.
#[derive(Default)]
pub(super) struct Topics {
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    by_name: BTreeMap<String, BTreeMap<u64, Subscriber>>,
    count: usize,
    last_id: u64,
}

/// An event, as JSON.
pub(super) type Event = Arc<RawValue>;

struct Subscriber {
    queue: mpsc::Sender<Event>,
    pace: Arc<Pace>,
}

/// How a subscriber keeps up.
#[derive(Default)]
struct Pace {
    /// Bytes of events not taken yet.
    behind: AtomicUsize,
    /// Whether that was why the subscription was ended.
    was_too_slow: AtomicBool,
}

/// What one subscriber gets.
pub(super) struct Events {
    queue: mpsc::Receiver<Event>,
    pace: Arc<Pace>,
}

impl Events {
    /// The next event; `None` when the subscription was ended.
    pub(super) async fn next(&mut self) -> Option<Event> {
        let event = self.queue.recv().await?;
        self.pace.behind.fetch_sub(event.get().len(), Ordering::Relaxed);
        Some(event)
    }

    /// Whether the subscription was ended because these were not taken quickly enough.
    pub(super) fn was_too_slow(&self) -> bool {
        self.pace.was_too_slow.load(Ordering::Relaxed)
    }
}

impl Subscriber {
    /// Whether it could be told.
    fn tell(&self, id: u64, event: &Event) -> bool {
        let bytes = event.get().len();
        let behind = self.pace.behind.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let told =
            if behind > BEHIND_MAX { Err(()) } else { self.queue.try_send(event.clone()).map_err(|_| ()) };
        // One that is gone is about to be taken out and not slow.
        if told.is_err() && !self.queue.is_closed() {
            self.pace.was_too_slow.store(true, Ordering::Relaxed);
            tracing::info!("subscription {id} is ended: its client does not keep up with the events");
        }
        told.is_ok()
    }
}

impl Topics {
    /// Adds a subscriber: its id, and what it gets. The events end when the subscription does.
    pub(super) fn subscribe(&self, name: &str) -> Result<(u64, Events), Refused> {
        if name.is_empty() || name.len() > NAME_MAX {
            return Err(Refused::Name);
        }
        let mut all = self.lock();
        if all.count >= SUBSCRIPTIONS_MAX {
            return Err(Refused::TooMany);
        }
        let (sender, receiver) = mpsc::channel(QUEUE);
        let pace = Arc::new(Pace::default());
        let subscriber = Subscriber { queue: sender, pace: pace.clone() };
        all.last_id += 1;
        all.count += 1;
        let id = all.last_id;
        all.by_name.entry(name.to_owned()).or_default().insert(id, subscriber);
        Ok((id, Events { queue: receiver, pace }))
    }

    /// Takes a subscriber out.
    pub(super) fn unsubscribe(&self, name: &str, id: u64) -> Result<(), Refused> {
        let mut all = self.lock();
        let subscribers = all.by_name.get_mut(name).ok_or(Refused::Unknown)?;
        subscribers.remove(&id).ok_or(Refused::Unknown)?;
        if subscribers.is_empty() {
            all.by_name.remove(name);
        }
        all.count -= 1;
        Ok(())
    }

    /// Hands an event to every subscriber, and ends the subscriptions of those that are too slow. Answers how many
    /// got it.
    pub(super) fn publish(&self, name: &str, event: &Event) -> Result<usize, Refused> {
        let mut all = self.lock();
        let subscribers = all.by_name.get_mut(name).ok_or(Refused::NoSubscribers)?;
        let before = subscribers.len();
        subscribers.retain(|id, subscriber| subscriber.tell(*id, event));
        let reached = subscribers.len();
        if subscribers.is_empty() {
            all.by_name.remove(name);
        }
        all.count -= before - reached;
        if reached == 0 { Err(Refused::NoSubscribers) } else { Ok(reached) }
    }

    fn lock(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
