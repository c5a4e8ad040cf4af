//! One call of a method, as its handler sees it.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use tracing::error;

use crate::arguments::Arguments;
use crate::authentication::Caller;
use crate::context::Context;
use crate::error::Error;
use crate::function::Functions;
use crate::peer::Peer;

/// One call of a method; cheap to clone.
///
/// The types that arguments are read as may hold [`Callback`](crate::Callback)s anywhere, and may borrow texts from the
/// request.
#[derive(Clone)]
pub struct Request(Arc<Parts>);

struct Parts {
    id: u64,
    method: Arc<str>,
    caller: Caller,
    arguments: Arguments,
}

impl Request {
    pub(crate) fn new(id: u64, method: Arc<str>, caller: Caller, arguments: Arguments) -> Self {
        Self(Arc::new(Parts { id, method, caller, arguments }))
    }

    /// The request's id: 16 hex digits, for logs and errors.
    pub fn id(&self) -> String {
        format!("{:016x}", self.0.id)
    }

    /// The method's name.
    pub fn method(&self) -> &str {
        &self.0.method
    }

    /// Who calls.
    pub fn caller(&self) -> &Caller {
        &self.0.caller
    }

    /// The other end of the connection.
    pub fn peer(&self) -> &Peer {
        self.0.arguments.peer()
    }

    /// What is known about the connection.
    pub fn context(&self) -> &Context {
        self.peer().context()
    }

    /// The arguments themselves.
    pub fn arguments(&self) -> &Arguments {
        &self.0.arguments
    }

    /// Reads exactly one argument.
    ///
    /// # Errors
    ///
    /// As [`Arguments::arg`].
    pub fn arg<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        self.0.arguments.arg()
    }

    /// Reads one argument, or none.
    ///
    /// # Errors
    ///
    /// As [`Arguments::optional`].
    pub fn optional<'a, T: Deserialize<'a>>(&'a self) -> Result<Option<T>, Error> {
        self.0.arguments.optional()
    }

    /// Reads all arguments, as a tuple or as a list.
    ///
    /// # Errors
    ///
    /// As [`Arguments::args`].
    pub fn args<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        self.0.arguments.args()
    }

    /// All arguments as they came; a function is the text `[Function]`.
    pub fn raw(&self) -> &[Value] {
        self.0.arguments.raw()
    }

    /// Keeps a group of functions alive until the connection ends: for functions in a result.
    pub fn keep(&self, group: Functions) {
        self.peer().shared().keep(group);
    }

    /// Logs a fault with its sources under this request's id, and makes the error that says nothing of it.
    pub fn internal(&self, fault: &(dyn std::error::Error + 'static)) -> Error {
        let mut chain = fault.to_string();
        let mut source = fault.source();
        while let Some(cause) = source {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            source = cause.source();
        }
        error!(request.id = self.id(), request.method = self.method(), error = chain, "a call failed");
        Error::internal(self.id())
    }
}

impl fmt::Debug for Request {
    /// Without arguments, which may be secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Request")
            .field("id", &self.id())
            .field("method", &self.method())
            .field("caller", self.caller())
            .finish_non_exhaustive()
    }
}
