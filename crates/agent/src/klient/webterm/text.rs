//! A terminal's bytes as text for a client, and a client's text as bytes for a terminal.

/// Longest piece of output that one call carries, in bytes of UTF-8.
pub(super) const PIECE_MAX: usize = 16 << 10;

/// Turns bytes into text and keeps a character that has only begun until the rest of it is there.
#[derive(Default)]
pub(super) struct Decoder {
    /// At most three bytes: the beginning of a character.
    held: Vec<u8>,
}

impl Decoder {
    /// The text of everything that is whole. Bytes that are not UTF-8 are replaced.
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        let joined: Vec<u8>;
        let mut rest = bytes;
        if !self.held.is_empty() {
            joined = [&std::mem::take(&mut self.held), bytes].concat();
            rest = &joined;
        }
        let mut text = String::with_capacity(rest.len());
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    return text;
                }
                Err(error) => {
                    let (valid, after) = rest.split_at(error.valid_up_to());
                    text.push_str(std::str::from_utf8(valid).unwrap_or_default());
                    let Some(invalid) = error.error_len() else {
                        self.held = after.to_vec();
                        return text;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    rest = after.get(invalid..).unwrap_or_default();
                }
            }
        }
    }

    /// What is left when nothing more comes.
    pub(super) fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.held)).into_owned()
    }

    /// Lets go of what was held: what comes next does not join on to it.
    pub(super) fn reset(&mut self) {
        self.held.clear();
    }
}

/// The text in pieces of at most [`PIECE_MAX`] bytes, cut between characters.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_MAX));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The bytes that a control sequence stands for: one for every character up to U+00FF, as in Latin-1. Others,
/// which no sequence has, go as UTF-8.
pub(super) fn control_bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u8::try_from(character) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

#[cfg(test)]
mod tests;
