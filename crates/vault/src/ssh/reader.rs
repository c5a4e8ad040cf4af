//! The data types of the SSH protocol (RFC 4251, section 5), read from and written to bytes.

/// Reads one value after the other; every method gives `None` when the bytes do not hold such a value.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// As many bytes as that.
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// `byte`.
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    /// `boolean`: everything but zero is true.
    pub(super) fn boolean(&mut self) -> Option<bool> {
        Some(self.byte()? != 0)
    }

    /// `string`.
    pub(super) fn string(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_be_bytes(*self.take(4)?.first_chunk()?);
        self.take(usize::try_from(length).ok()?)
    }

    /// `string` that is text.
    pub(super) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.string()?).ok()
    }

    /// `mpint` that is not negative, as exactly `LENGTH` bytes with the largest first.
    pub(super) fn positive<const LENGTH: usize>(&mut self) -> Option<[u8; LENGTH]> {
        let bytes = self.string()?;
        if bytes.first().is_some_and(|first| first & 0x80 != 0) {
            return None;
        }
        let significant = trimmed(bytes);
        let mut number = [0; LENGTH];
        number.get_mut(LENGTH.checked_sub(significant.len())?..)?.copy_from_slice(significant);
        Some(number)
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// Appends a `string`. Nothing this crate writes comes near its limit of 4 GiB.
pub(super) fn put_string(to: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(bytes);
}

/// Appends a number that is not negative, largest byte first, as `mpint`.
pub(super) fn put_positive(to: &mut Vec<u8>, number: &[u8]) {
    let number = trimmed(number);
    let mut bytes = Vec::with_capacity(number.len() + 1);
    if number.first().is_some_and(|first| first & 0x80 != 0) {
        bytes.push(0);
    }
    bytes.extend_from_slice(number);
    put_string(to, &bytes);
}

fn trimmed(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}
