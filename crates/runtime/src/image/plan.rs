//! Carries out what a registry or an archive says: brings every layer of an image that is not here yet,
//! several at a time, and writes the image down.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use domain::ImageDigest;
use futures_util::{StreamExt, stream};
use outbound::Client;
use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::document::Config;
use super::fetch::{download, pipe};
use super::layer::{Counter, Wanted, panicked, take_in};
use super::record::{ImageNote, NameNote};
use super::registry::Repository;
use super::shelf::Shelf;
use super::trouble::{bad, failed};
use super::{Image, Progress};
use crate::DriverError;

/// An image that is known and has to be brought.
pub(super) struct Plan {
    pub(super) id: ImageDigest,
    pub(super) config: Config,
    /// Lowest first, as many as the configuration names.
    pub(super) layers: Vec<LayerPlan>,
    pub(super) names: Vec<NameNote>,
}

/// A layer and where it comes from.
pub(super) struct LayerPlan {
    pub(super) wanted: Wanted,
    pub(super) source: Source,
}

/// Where a layer comes from.
pub(super) enum Source {
    Registry(Arc<Repository>),
    File(File),
}

/// Keeps people and disks from being asked too much: what all plans of a store share.
pub(super) struct Order {
    /// Layers on their way at the same time. Three keep a network and two processors busy; Docker has
    /// the same number.
    layers: Semaphore,
    gates: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Order {
    pub(super) fn new() -> Self {
        Self { layers: Semaphore::new(3), gates: Mutex::default() }
    }

    /// Waits until nobody else does what `key` names, and keeps others from it until the answer is dropped.
    pub(super) async fn alone(
        &self,
        key: &str,
        cancel: &CancellationToken,
    ) -> Result<OwnedMutexGuard<()>, DriverError> {
        let gate = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            gates.retain(|_, gate| gate.strong_count() > 0);
            gates.get(key).and_then(Weak::upgrade).unwrap_or_else(|| {
                let gate = Arc::default();
                gates.insert(key.to_owned(), Arc::downgrade(&gate));
                gate
            })
        };
        tokio::select! {
            () = cancel.cancelled() => Err(DriverError::Cancelled),
            turn = gate.lock_owned() => Ok(turn),
        }
    }
}

/// How often something on its way is spoken of.
pub(super) const REPORTS: Duration = Duration::from_secs(2);

/// What is needed to carry a plan out.
#[derive(Clone, Copy)]
pub(super) struct Hands<'a> {
    pub(super) shelf: &'a Arc<Shelf>,
    pub(super) order: &'a Order,
    pub(super) client: &'a Client,
    pub(super) progress: Progress<'a>,
}

/// Brings an image's layers and writes the image down under its names.
pub(super) async fn carry_out(
    hands: Hands<'_>,
    plan: Plan,
    cancel: &CancellationToken,
) -> Result<Vec<Image>, DriverError> {
    let Plan { id, config, layers, names } = plan;
    let layers = needed(layers);
    let total = layers.len();
    let _awaited =
        hands.shelf.await_layers(layers.iter().map(|layer| layer.wanted.diff_id.clone()).collect());
    let diff_ids: Vec<ImageDigest> = layers.iter().map(|layer| layer.wanted.diff_id.clone()).collect();
    // The first that goes wrong ends the others; a dropped future ends them all.
    let stop = cancel.child_token();
    let _ends = stop.clone().drop_guard();
    let mut running = stream::iter(layers.into_iter().enumerate().map(|(at, layer)| {
        let (stop, name) = (&stop, format!("layer {} of {total}", at + 1));
        async move {
            let result = bring(hands, &layer, &name, stop).await;
            if result.is_err() {
                stop.cancel();
            }
            result
        }
    }))
    .buffer_unordered(total.max(1));
    let mut failure = None;
    while let Some(result) = running.next().await {
        if let Err(error) = result {
            // Those that were ended say only that.
            match &failure {
                Some(DriverError::Cancelled) | None => failure = Some(error),
                Some(_) => {}
            }
        }
    }
    drop(running);
    if let Some(error) = failure {
        return Err(error);
    }
    let shelf = hands.shelf.clone();
    let write_down = move || {
        let mut layers = Vec::with_capacity(total);
        for diff_id in &diff_ids {
            let note = shelf.layer(diff_id)?;
            layers.push(note.ok_or_else(|| bad(format!("the layer `{diff_id}` is gone again")))?);
        }
        let Config { env, user, working_dir, .. } = config;
        shelf.keep_image(ImageNote { id, layers, env, user, working_dir }, names)
    };
    spawn_blocking(write_down).await.map_err(panicked)?
}

/// The layers that count: overlayfs takes none twice, and of two the upper one alone gives the same.
fn needed(mut layers: Vec<LayerPlan>) -> Vec<LayerPlan> {
    let mut seen = HashSet::new();
    layers.reverse();
    layers.retain(|layer| seen.insert(layer.wanted.diff_id.clone()));
    layers.reverse();
    layers
}

/// Brings one layer, unless it is here already.
async fn bring(
    hands: Hands<'_>,
    layer: &LayerPlan,
    name: &str,
    stop: &CancellationToken,
) -> Result<(), DriverError> {
    let Hands { shelf, order, client, progress } = hands;
    let diff_id = &layer.wanted.diff_id;
    let _turn = order.alone(&diff_id.to_string(), stop).await?;
    let _room = tokio::select! {
        () = stop.cancelled() => return Err(DriverError::Cancelled),
        room = order.layers.acquire() => room.map_err(|_| DriverError::Cancelled)?,
    };
    if shelf.layer(diff_id)?.is_some() {
        progress(format!("{name}: already here"));
        return Ok(());
    }
    let counter = Counter::default();
    let wanted = layer.wanted.clone();
    let work = async {
        match (&layer.source, &layer.wanted.blob) {
            (Source::Registry(repository), Some(blob)) => {
                let (sender, arriving) = pipe();
                let (result, ()) = tokio::join!(
                    take_in(shelf, wanted, arriving, counter.clone(), stop.clone()),
                    download(repository, client, blob, sender, stop),
                );
                result
            }
            (Source::Registry(_), None) => Err(bad("a layer in a registry has no digest")),
            (Source::File(file), _) => {
                let file = file.try_clone().map_err(|error| failed("cannot read a layer", error))?;
                take_in(shelf, wanted, file, counter.clone(), stop.clone()).await
            }
        }
    };
    let size = match (&layer.wanted.blob, &layer.source) {
        (Some(blob), _) => Some(blob.size),
        (None, Source::File(file)) => file.metadata().ok().map(|metadata| metadata.len()),
        (None, Source::Registry(_)) => None,
    };
    let mut ticks = interval_at(Instant::now() + REPORTS, REPORTS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(work);
    loop {
        tokio::select! {
            result = &mut work => {
                result?;
                progress(format!("{name}: done, {} MB", megabytes(counter.load(Ordering::Relaxed))));
                return Ok(());
            }
            _ = ticks.tick() => {
                let read = megabytes(counter.load(Ordering::Relaxed));
                progress(match size {
                    Some(size) => format!("{name}: {read} of {} MB", megabytes(size)),
                    None => format!("{name}: {read} MB"),
                });
            }
        }
    }
}

/// Rounded up, so that something is never shown as nothing.
fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1_000_000)
}
