//! Values of the other end: arguments and results, with its functions in them.
//!
//! While a value is deserialised, a [`Callback`](crate::Callback) in it asks the thread's scope whose text it stands at:
//! the text's address tells which function it is. So a text `"[Function]"` that no path names stays a text,
//! and nothing in a message can pretend to be a function.

use std::cell::RefCell;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::SeqDeserializer;
use serde_json::Value;

use crate::callback::Callback;
use crate::dnode::{Path, find};
use crate::error::{Error, clip};
use crate::peer::Peer;

thread_local! {
    /// The functions in the value that is deserialised on this thread, by the addresses of their texts.
    static PRESENT: RefCell<Option<Present>> = const { RefCell::new(None) };
}

struct Present {
    functions: Vec<(usize, u64)>,
    peer: Peer,
}

/// What a method or one of our functions is called with.
///
/// The types that arguments are read as may hold [`Callback`](crate::Callback)s anywhere, and may borrow texts.
#[derive(Debug)]
pub struct Arguments {
    values: Vec<Value>,
    functions: Vec<(Path, u64)>,
    peer: Peer,
}

impl Arguments {
    pub(crate) fn new(values: Vec<Value>, functions: Vec<(Path, u64)>, peer: Peer) -> Self {
        Self { values, functions, peer }
    }

    /// Reads exactly one argument.
    ///
    /// # Errors
    ///
    /// `argumentError` if there are none or more, or the one is not a `T`.
    pub fn arg<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        match self.values.as_slice() {
            [value] => self.read(|| T::deserialize(value)),
            values => Err(Error::argument(format!("expected one argument, got {}", values.len()))),
        }
    }

    /// Reads one argument, or none. `null` is none.
    ///
    /// # Errors
    ///
    /// `argumentError` if there are more, or the one is not a `T`.
    pub fn optional<'a, T: Deserialize<'a>>(&'a self) -> Result<Option<T>, Error> {
        if self.values.is_empty() { Ok(None) } else { self.arg() }
    }

    /// Reads all arguments, as a tuple of exactly as many or as a list.
    ///
    /// # Errors
    ///
    /// `argumentError` if there are more or fewer, or one of them is not what the tuple has there.
    pub fn args<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        self.read(|| T::deserialize(SeqDeserializer::new(self.values.iter())))
    }

    /// All arguments as they came; a function is the text `[Function]`.
    pub fn raw(&self) -> &[Value] {
        &self.values
    }

    /// The other end of the connection they came over.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    fn read<T>(&self, read: impl FnOnce() -> Result<T, serde_json::Error>) -> Result<T, Error> {
        let wrong = |error: serde_json::Error| Error::argument(clip(&error.to_string()));
        if self.functions.is_empty() {
            return read().map_err(wrong);
        }
        let functions = self.functions.iter().filter_map(|(path, id)| match find(&self.values, path)? {
            Value::String(text) => Some((text.as_ptr().addr(), *id)),
            _ => None,
        });
        within(Present { functions: functions.collect(), peer: self.peer.clone() }, read).map_err(wrong)
    }

    /// Reads a single value as the result of a call.
    pub(crate) fn into_result<T: DeserializeOwned>(mut self) -> Result<T, Error> {
        let read = if self.functions.is_empty() {
            let value = self.values.pop().unwrap_or_default();
            serde_json::from_value(value).map_err(|error| Error::argument(clip(&error.to_string())))
        } else {
            self.arg()
        };
        read.map_err(|error| Error::invalid_response(format!("the answer is not what was expected: {error}")))
    }
}

/// The function whose text stands at an address.
pub(crate) fn at(text: &str) -> Option<Callback> {
    PRESENT.with_borrow(|present| {
        let Present { functions, peer } = present.as_ref()?;
        let address = text.as_ptr().addr();
        let (_, id) = functions.iter().find(|(known, _)| *known == address)?;
        Some(Callback::new(peer.clone(), *id))
    })
}

fn within<T>(present: Present, read: impl FnOnce() -> T) -> T {
    /// Gives the thread its former scope back, also when a deserialisation panics.
    struct Restore(Option<Present>);

    impl Drop for Restore {
        fn drop(&mut self) {
            PRESENT.set(self.0.take());
        }
    }

    let _restore = Restore(PRESENT.replace(Some(present)));
    read()
}
