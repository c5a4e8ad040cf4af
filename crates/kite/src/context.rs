//! What whoever accepted a connection knows about it, for authenticators and handlers.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Values by their type: the peer's address, an authority that came with the transport, and so on.
///
/// Cheap to clone; holds at most one value of each type.
#[derive(Clone, Default)]
pub struct Context(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl Context {
    /// A context of one value.
    pub fn with<T: Send + Sync + 'static>(value: T) -> Self {
        Self::default().and(value)
    }

    /// The same with one more value; one of the same type that was there goes.
    #[must_use]
    pub fn and<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.0.insert(TypeId::of::<T>(), Arc::new(value));
        self
    }

    /// The value of a type, if there is one.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>()).and_then(|value| value.downcast_ref())
    }
}

impl fmt::Debug for Context {
    /// How many values there are: they may be secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Context({} values)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_type() {
        let context = Context::with(5_u8).and("five").and(6_u8);

        assert_eq!(context.get::<u8>(), Some(&6));
        assert_eq!(context.get::<&str>(), Some(&"five"));
        assert_eq!(context.get::<u16>(), None);
    }
}
