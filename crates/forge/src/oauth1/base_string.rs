//! What is signed: RFC 5849, section 3.4.1.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;
use zeroize::Zeroizing;

/// Everything but RFC 3986's unreserved characters (RFC 5849, section 3.6).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes as the standard has it, in capitals.
pub(super) fn encode(text: &str) -> Zeroizing<String> {
    Zeroizing::new(utf8_percent_encode(text, ENCODED).collect())
}

/// The signature base string: the method, the address without its query, and all parameters in order, those of
/// the query and of a form (`more`, decoded) alike. Every one of them counts, also where a name repeats. It
/// carries tokens, so it is wiped.
pub(super) fn base_string(method: &str, url: &Url, more: &[(&str, &str)]) -> Zeroizing<String> {
    let query = url.query_pairs().map(|(name, value)| (encode(&name), encode(&value)));
    let more = more.iter().map(|(name, value)| (encode(name), encode(value)));
    let mut pairs: Vec<(Zeroizing<String>, Zeroizing<String>)> = query.chain(more).collect();
    // By encoded name, then by encoded value, byte by byte.
    pairs.sort_by(|one, other| (one.0.as_str(), one.1.as_str()).cmp(&(other.0.as_str(), other.1.as_str())));
    let mut parameters = Zeroizing::new(String::new());
    for (name, value) in &pairs {
        if !parameters.is_empty() {
            parameters.push('&');
        }
        parameters.push_str(name);
        parameters.push('=');
        parameters.push_str(value);
    }
    // Scheme and host are in lower case and a default port is left out by every `Url`.
    let mut address = url.clone();
    address.set_query(None);
    address.set_fragment(None);
    let method = method.to_ascii_uppercase();
    let parts = [encode(&method), encode(address.as_str()), encode(&parameters)];
    Zeroizing::new(parts.each_ref().map(|part| part.as_str()).join("&"))
}
