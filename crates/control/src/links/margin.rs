//! How long before its end an access token is replaced. Pure.

use domain::{Link, SignedDuration, Timestamp};

/// Tokens that live for GitLab's two hours or longer are replaced at most this long before their end: a forge that
/// takes ten requests a minute from one address then replaces three hundred in time.
const WIDEST: SignedDuration = SignedDuration::from_mins(30);
/// And at least this long.
const NARROWEST: SignedDuration = SignedDuration::from_mins(10);

/// When the link's access token is to be replaced; never where it does not end.
///
/// Between 10 and 30 minutes before its end, so that tokens that were got together are not replaced together; of a
/// token that lives less than two hours, between a twelfth and a quarter of its life. The same for every server that
/// asks, and another with each token.
pub(super) fn due(link: &Link) -> Option<Timestamp> {
    let end = link.expires_at?;
    let life = end.duration_since(link.issued_at).max(SignedDuration::ZERO);
    let least = NARROWEST.min(life / 12);
    let spread = WIDEST.min(life / 4) - least;
    let margin = least + (spread / 256) * i32::from(draw(link));
    Some(end.checked_sub(margin).unwrap_or(Timestamp::MIN))
}

/// A byte that differs between links and between tokens of one. The last bytes of an id are random.
fn draw(link: &Link) -> u8 {
    let generation = link.generation.to_le_bytes();
    let bytes = link.id.to_bytes();
    let mixed = bytes.iter().chain(&generation).fold(0x811c_9dc5_u32, |hash, byte| {
        // FNV-1a, 32 bits.
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    });
    let [first, second, third, fourth] = mixed.to_le_bytes();
    first ^ second ^ third ^ fourth
}

#[cfg(test)]
mod tests;
