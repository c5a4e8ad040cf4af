//! Our functions that the other end may call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use serde::ser::Error as _;
use serde::{Serialize, Serializer};

use crate::arguments::Arguments;
use crate::connection::Shared;
use crate::payload;

/// A group of our functions. Those of one group are invoked one after the other, in the order in which
/// their invocations arrived; groups do not wait for each other.
///
/// Dropping the group releases all of them: later invocations are ignored, waiting ones are dropped, and one that runs
/// finishes. What waits is bounded by [`Limits::group_invocations`](crate::Limits::group_invocations) and
/// [`Limits::group_bytes`](crate::Limits::group_bytes); at the bound the connection is read no further until
/// the group has caught up. A group that is sent over two connections has a queue in each.
#[derive(Default)]
pub struct Functions {
    group: Arc<Group>,
}

/// One of our functions, to be put anywhere into arguments or results. It can be called while its group lives.
#[derive(Clone)]
pub struct Function {
    pub(crate) group: Arc<Group>,
    pub(crate) handler: Arc<Handler>,
}

pub(crate) type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a function does.
pub(crate) type Handler = dyn Fn(Arguments) -> Running + Send + Sync;

impl Functions {
    /// An empty group.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a function. The other end can call it once it was sent, that is serialised within the
    /// arguments or the result of a call.
    ///
    /// A panic of the handler is logged, and the function stays.
    pub fn add<H, F>(&self, handler: H) -> Function
    where
        H: FnMut(Arguments) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let handler = Mutex::new(handler);
        let handler = move |arguments| -> Running {
            let mut handler = handler.lock().unwrap_or_else(PoisonError::into_inner);
            Box::pin(handler(arguments))
        };
        Function { group: self.group.clone(), handler: Arc::new(handler) }
    }
}

impl Drop for Functions {
    fn drop(&mut self) {
        self.group.release();
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Functions({})", self.group.number)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Function(of {})", self.group.number)
    }
}

impl Serialize for Function {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mark = payload::meet(self).ok_or_else(|| {
            S::Error::custom("a function can only be sent in the arguments or result of a call")
        })?;
        serializer.serialize_str(&mark)
    }
}

/// What the functions of a group share.
pub(crate) struct Group {
    /// Tells groups apart within the process.
    pub(crate) number: u64,
    released: AtomicBool,
    /// Where its functions were sent, and as what.
    offered: Mutex<Offered>,
}

#[derive(Default)]
struct Offered {
    places: Vec<(Weak<Shared>, u64)>,
    /// At how many places those of ended connections are looked for next.
    prune_at: usize,
}

impl Default for Group {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { number, released: AtomicBool::new(false), offered: Mutex::default() }
    }
}

impl Group {
    /// Whether the group was dropped.
    pub(crate) fn is_released(&self) -> bool {
        self.released.load(Ordering::Acquire)
    }

    /// Notes that one of the functions was sent. False if the group is released, and then nothing is noted.
    pub(crate) fn offer(&self, connection: &Arc<Shared>, id: u64) -> bool {
        let mut offered = self.offered();
        if self.is_released() {
            return false;
        }
        if offered.places.len() >= offered.prune_at {
            offered.places.retain(|(connection, _)| connection.strong_count() > 0);
            offered.prune_at = 2 * offered.places.len().max(16);
        }
        offered.places.push((Arc::downgrade(connection), id));
        true
    }

    fn release(&self) {
        let places = {
            let mut offered = self.offered();
            self.released.store(true, Ordering::Release);
            std::mem::take(&mut offered.places)
        };
        for (connection, id) in places {
            if let Some(connection) = connection.upgrade() {
                connection.release(id);
            }
        }
    }

    fn offered(&self) -> MutexGuard<'_, Offered> {
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
