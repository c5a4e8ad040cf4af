//! The encodings of the wire.

mod agent;
mod frame;
