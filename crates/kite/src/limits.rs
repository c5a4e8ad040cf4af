//! How much one connection may take.

use std::time::Duration;

/// Limits of one connection; what they are for is said at each.
///
/// [`Limits::default`] is for kites that know each other; [`Limits::strangers`] for a public server.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of one message's text. 16 MiB: a file of 10 MiB in base64 fits.
    pub message_bytes: usize,
    /// Bytes of memory one message may take once it is parsed, estimated. Small values take up to ninety
    /// times their text (`{"":0}`), so that the limit on text alone would not do.
    pub message_memory: usize,
    /// How deep arrays and objects may lie in each other within the arguments; more than 120 has no effect.
    pub depth: usize,
    /// Functions named in one message.
    pub callbacks_per_message: usize,
    /// Elements of one path to a function.
    pub path_elements: usize,
    /// The highest place a path may make in an array that does not reach so far.
    pub array_growth: usize,
    /// Our functions that the other end may call, at any time.
    pub functions: usize,
    /// Bytes of one message that we send, answers too: what is longer fails with `tooLarge`, because most ends
    /// close a connection on which it comes.
    pub sent_bytes: usize,
    /// Incoming calls that run at any time; above it nothing more is read.
    pub pending_calls: usize,
    /// Bytes of memory of the messages whose calls run, estimated; above it nothing more is read. As many may wait
    /// in the queues of all groups of functions together.
    pub pending_memory: usize,
    /// Invocations that wait in the queue of one group of functions; at it nothing more is read.
    pub group_invocations: usize,
    /// Bytes of memory of the invocations that wait in the queue of one group, estimated.
    pub group_bytes: usize,
    /// Bytes that wait to be sent: above it whoever calls waits, and answers above it stop the reading and the calls
    /// that run. Two ends that
    /// both owe each other more than this, and both read nothing for that reason, are parted by `write_stall`.
    pub queue_bytes: usize,
    /// Messages a second that make no sense (not parsable, or to functions that never were) before the
    /// connection is closed. Up to then they are counted and ignored.
    pub nonsense_per_second: u32,
    /// How long the other end may take not even one of the messages that wait to be sent, before the connection is
    /// closed. One message must get through in this time: 16 MiB in a minute are 280 KiB a second.
    pub write_stall: Duration,
    /// How long nothing may be read because one of the limits above is reached and nothing makes progress, before
    /// the connection is closed. Clients of this crate take a server for dead after 50 s without an answer to a ping.
    pub read_stall: Duration,
    /// How long closing may take.
    pub close: Duration,
    /// How long our own calls wait for their answer, where the call does not say.
    pub call_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: usize = 1 << 20;
        Self {
            message_bytes: 16 * MIB,
            message_memory: 128 * MIB,
            depth: 64,
            callbacks_per_message: 256,
            path_elements: 64,
            array_growth: 1024,
            functions: 10_000,
            sent_bytes: 16 * MIB,
            pending_calls: 10_000,
            pending_memory: 256 * MIB,
            group_invocations: 1024,
            group_bytes: 4 * MIB,
            queue_bytes: MIB,
            nonsense_per_second: 100,
            write_stall: Duration::from_mins(1),
            read_stall: Duration::from_mins(1),
            close: Duration::from_secs(5),
            // What Kite's other implementations wait.
            call_timeout: Duration::from_secs(15),
        }
    }
}

impl Limits {
    /// Smaller limits, for a server that everybody can reach: 1 MiB a message, 1000 calls at once.
    pub fn strangers() -> Self {
        Self {
            message_bytes: 1 << 20,
            message_memory: 16 << 20,
            functions: 1000,
            pending_calls: 1000,
            pending_memory: 32 << 20,
            group_bytes: 1 << 20,
            queue_bytes: 256 << 10,
            ..Self::default()
        }
    }
}
