//! Where a ciphertext belongs, so that it cannot be used anywhere else.

/// The one cell of the store that a sealed value belongs to.
///
/// It is authenticated with the ciphertext and not stored in it: a value that somebody copies into another
/// row, column, table or to another owner does not open there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// Whose data it is: the id of a person, a group or the installation.
    pub owner: &'a str,
    /// The row's id.
    pub row: &'a str,
}

/// Binds ciphertexts to this application: the same key used elsewhere opens nothing here.
const APPLICATION: &[u8] = b"hearth";

impl Place<'_> {
    /// The additional authenticated data of a value sealed here in format `version`.
    pub(crate) fn authenticated(&self, version: u8) -> Vec<u8> {
        joined(&[
            APPLICATION,
            self.table.as_bytes(),
            self.column.as_bytes(),
            self.owner.as_bytes(),
            self.row.as_bytes(),
            &[version],
        ])
    }
}

/// The authenticated data of something of `kind` that is no cell: the parts as given.
pub(crate) fn context(kind: &str, parts: &[&str]) -> Vec<u8> {
    let mut all = vec![APPLICATION, kind.as_bytes()];
    all.extend(parts.iter().map(|part| part.as_bytes()));
    joined(&all)
}

/// Every part behind its length (64 bits, big end first), so that no two lists of parts join to the same bytes.
fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| 8 + part.len()).sum());
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_moves_from_one_part_to_the_next_makes_another_place() {
        let place = Place { table: "ab", column: "c", owner: "", row: "d" };

        for other in [
            Place { table: "a", column: "bc", ..place },
            Place { table: "abc", column: "", ..place },
            Place { owner: "d", row: "", ..place },
        ] {
            assert_ne!(place.authenticated(1), other.authenticated(1), "{other:?}");
        }
        assert_ne!(place.authenticated(1), place.authenticated(2));
        assert_ne!(context("a", &["b", "c"]), context("a", &["bc"]));
    }
}
