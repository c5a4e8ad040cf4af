//! One frame from server to client: a letter and, for most, JSON.

use super::batch::read_batch;

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// `o`: the session is open.
    Open,
    /// `h`: still there.
    Heartbeat,
    /// `a["…"]`, or `m"…"` as Go's kites write a single one.
    Messages(Vec<String>),
    /// `c[3000,"Go away!"]`: the session is over.
    Close(Close),
}

/// Why a session is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: std::borrow::Cow<'static, str>,
}

impl Close {
    /// The server's end is done with it.
    pub(crate) const GO_AWAY: Self = Self::new(3000, "Go away!");
    /// A second request asked for messages while a first one was being answered.
    pub(crate) const ANOTHER_CONNECTION: Self = Self::new(2010, "Another connection still open");
    /// The connection broke off while messages may have been under way on it.
    pub(crate) const INTERRUPTED: Self = Self::new(1002, "Connection interrupted");

    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason: std::borrow::Cow::Borrowed(reason) }
    }

    /// The frame's text.
    pub(crate) fn to_text(&self) -> String {
        format!("c[{},{}]", self.code, quote(&self.reason))
    }
}

impl Frame {
    /// Reads a frame. `None` for what is none: SockJS says to ignore that, and a client may also give up.
    ///
    /// A frame has at most `max_messages` messages.
    pub(crate) fn parse(text: &str, max_messages: usize) -> Option<Self> {
        let mut letters = text.chars();
        let kind = letters.next()?;
        let rest = letters.as_str();
        match kind {
            'o' if rest.is_empty() => Some(Self::Open),
            'h' if rest.is_empty() => Some(Self::Heartbeat),
            'a' => read_batch(rest, max_messages).ok().map(Self::Messages),
            'm' => serde_json::from_str::<String>(rest).ok().map(|message| Self::Messages(vec![message])),
            'c' => {
                let (code, reason) = serde_json::from_str::<(u16, String)>(rest).ok()?;
                Some(Self::Close(Close { code, reason: reason.into() }))
            }
            _ => None,
        }
    }
}

/// Writes `a[…]` of messages that [`quote`] has already quoted.
pub(crate) fn write_messages<'a>(quoted: impl IntoIterator<Item = &'a str>, into: &mut String) {
    into.push_str("a[");
    for (index, message) in quoted.into_iter().enumerate() {
        if index > 0 {
            into.push(',');
        }
        into.push_str(message);
    }
    into.push(']');
}

/// The text as a JSON string, with those characters escaped that browsers are known to mangle on the way
/// (SockJS protocol 0.3, "server encoding").
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + text.len() / 8 + 2);
    quoted.push('"');
    let mut plain = 0;
    for (at, letter) in text.char_indices() {
        // Most letters of a message are these; one comparison each.
        if (' '..'\u{7f}').contains(&letter) && letter != '"' && letter != '\\' {
            continue;
        }
        let Some(escape) = escape(letter) else { continue };
        quoted.push_str(text.get(plain..at).unwrap_or_default());
        quoted.push_str(&escape);
        plain = at + letter.len_utf8();
    }
    quoted.push_str(text.get(plain..).unwrap_or_default());
    quoted.push('"');
    quoted
}

fn escape(letter: char) -> Option<std::borrow::Cow<'static, str>> {
    let short = match letter {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{ad}'
        | '\u{200c}'..='\u{200f}'
        | '\u{2028}'..='\u{202f}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff0}'..='\u{ffff}' => return Some(format!("\\u{:04x}", u32::from(letter)).into()),
        _ => return None,
    };
    Some(short.into())
}
