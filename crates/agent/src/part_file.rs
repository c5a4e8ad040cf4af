//! Names of files that are being written: they lie beside the file they will become, and nobody else's are
//! called so.

use std::ffi::OsStr;

const HEAD: &str = ".hearth-";
const TAIL: &str = ".part";
/// Hex digits between them.
const DIGITS: usize = 16;

/// A name for a file that is being written.
pub(crate) fn name(random: u64) -> String {
    format!("{HEAD}{random:016x}{TAIL}")
}

/// Whether the name is of a file that is being written.
pub(crate) fn is_one(name: &OsStr) -> bool {
    let digits = name.to_str().and_then(|name| name.strip_prefix(HEAD)?.strip_suffix(TAIL));
    digits
        .is_some_and(|digits| digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_again_and_no_other_is() {
        for random in [0, 7, u64::MAX] {
            assert!(is_one(OsStr::new(&name(random))));
        }
        for other in
            ["", ".hearth", ".hearth-.part", "a.part", ".hearth-0123456789abcdeg.part", ".hearth-0.part"]
        {
            assert!(!is_one(OsStr::new(other)), "{other}");
        }
    }
}
