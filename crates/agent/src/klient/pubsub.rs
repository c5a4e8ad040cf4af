//! `client.*`: events between the Kite clients of a workspace, such as a command inside that opens a file in an
//! editor outside.
//!
//! | method | argument → result |
//! |---|---|
//! | `client.Subscribe` | `{eventName, onPublish: fn(event), onEnd?: fn({eventName, id, reason})}` → `{id}` |
//! | `client.Unsubscribe` | `{eventName, id}` → `true` |
//! | `client.Publish` | `{eventName, …}` → `{subscribers}`: how many the whole object was handed to |
//!
//! A subscription ends with its connection. One whose client does not keep up is ended: events come in order and
//! without gaps, or not at all. `onEnd` is called then, after the last event.

mod topics;

use std::sync::Arc;

use kite::{Callback, Error, Request, ServiceBuilder};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use self::topics::{Event, Events, Refused, Topics};

/// Longest event, as JSON.
const EVENT_MAX: usize = 64 << 10;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscribe {
    event_name: String,
    on_publish: Callback,
    #[serde(default)]
    on_end: Option<Callback>,
}

/// What `onEnd` is called with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ended<'a> {
    event_name: &'a str,
    id: u64,
    reason: &'static str,
}

#[derive(Serialize)]
struct Subscribed {
    id: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unsubscribe {
    event_name: String,
    id: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Publish {
    event_name: String,
}

#[derive(Serialize)]
struct Published {
    subscribers: usize,
}

type Shared = Arc<Topics>;

pub(super) fn methods(builder: ServiceBuilder) -> ServiceBuilder {
    let topics = Shared::default();
    let (subscribing, leaving) = (topics.clone(), topics.clone());
    builder
        .method("client.Subscribe", move |request| std::future::ready(subscribe(&subscribing, &request)))
        .method("client.Unsubscribe", move |request| std::future::ready(unsubscribe(&leaving, &request)))
        .method("client.Publish", move |request| std::future::ready(publish(&topics, &request)))
}

fn subscribe(topics: &Shared, request: &Request) -> Result<Subscribed, Error> {
    let wanted: Subscribe = request.arg()?;
    let (id, events) = topics.subscribe(&wanted.event_name).map_err(refused)?;
    // Ends with the subscription or with the connection.
    tokio::spawn(deliver(topics.clone(), wanted, id, events));
    Ok(Subscribed { id })
}

/// Hands events to one subscriber, as fast as it takes them.
async fn deliver(topics: Shared, subscriber: Subscribe, id: u64, mut events: Events) {
    let hears = async {
        while let Some(event) = events.next().await {
            if let Err(error) = subscriber.on_publish.call((&*event,)).await {
                tracing::debug!(%error, "an event goes nowhere");
                return;
            }
        }
        if let Some(on_end) = subscriber.on_end.as_ref().filter(|_| events.was_too_slow()) {
            let reason = "events came faster than they were taken; subscribe again";
            let ended = Ended { event_name: &subscriber.event_name, id, reason };
            // Its connection may have ended by now.
            drop(on_end.call((ended,)).await);
        }
    };
    tokio::select! {
        () = hears => {}
        () = subscriber.on_publish.closed() => {}
    }
    // One that was ended already is no fault.
    let _ = topics.unsubscribe(&subscriber.event_name, id);
}

fn unsubscribe(topics: &Shared, request: &Request) -> Result<bool, Error> {
    let wanted: Unsubscribe = request.arg()?;
    topics.unsubscribe(&wanted.event_name, wanted.id).map_err(refused)?;
    Ok(true)
}

fn publish(topics: &Shared, request: &Request) -> Result<Published, Error> {
    let wanted: Publish = request.arg()?;
    let text = request.raw().first().map(ToString::to_string).unwrap_or_default();
    if text.len() > EVENT_MAX {
        return Err(Error::argument(format!(
            "an event is at most {} KiB of JSON: write more than that into a file and publish its name",
            EVENT_MAX >> 10
        )));
    }
    let event: Event = RawValue::from_string(text).map_err(|fault| request.internal(&fault))?.into();
    let subscribers = topics.publish(&wanted.event_name, &event).map_err(refused)?;
    Ok(Published { subscribers })
}

/// Kinds are those of the original.
fn refused(why: Refused) -> Error {
    match why {
        Refused::Name | Refused::TooMany => Error::argument(why.to_string()),
        Refused::NoSubscribers => Error::custom("NoSubscribers", why.to_string(), ""),
        Refused::Unknown => Error::custom("SubNotFound", why.to_string(), ""),
    }
}
