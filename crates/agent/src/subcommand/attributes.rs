//! The attributes that git and its credential helpers exchange (git-credential(1), INPUT/OUTPUT FORMAT).

use wire::agent::CredentialFor;

/// Reads `key=value` lines up to the first empty one. Keys we do not know are left aside.
pub(super) fn read(text: &[u8]) -> CredentialFor {
    let mut wanted = CredentialFor::default();
    let lines = text.split(|byte| *byte == b'\n').map(String::from_utf8_lossy);
    for line in lines.take_while(|line| !line.trim_end_matches('\r').is_empty()) {
        let Some((key, value)) = line.trim_end_matches('\r').split_once('=') else { continue };
        let value = value.to_owned();
        match key {
            "protocol" => wanted.protocol = value,
            "host" => wanted.host = value,
            "path" => wanted.path = Some(value),
            "username" => wanted.username = Some(value),
            _ => {}
        }
    }
    wanted
}

/// Writes attributes; `None` if a value cannot stand in a line, for then it would be another attribute.
pub(super) fn write(attributes: &[(&str, &str)]) -> Option<String> {
    let is_whole = |value: &str| !value.contains(['\n', '\r', '\0']);
    attributes.iter().all(|(_, value)| is_whole(value)).then(|| {
        attributes.iter().fold(String::new(), |mut text, (key, value)| {
            for part in [key, "=", value, "\n"] {
                text.push_str(part);
            }
            text
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_git_says_is_read() {
        let text = b"capability[]=authtype\nprotocol=https\nhost=forge.test:8443\npath=a/b=c.git\n\nusername=later\n";

        let wanted = read(text);

        assert_eq!((wanted.protocol.as_str(), wanted.host.as_str()), ("https", "forge.test:8443"));
        assert_eq!((wanted.path.as_deref(), wanted.username), (Some("a/b=c.git"), None));
    }

    #[test]
    fn a_value_never_becomes_two_attributes() {
        assert_eq!(write(&[("username", "a"), ("password", "b")]).unwrap(), "username=a\npassword=b\n");
        assert_eq!(write(&[("password", "b\nquit=1")]), None);
    }

    proptest! {
        #[test]
        fn no_input_breaks_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let wanted = read(&bytes);
            prop_assert!(!wanted.host.contains('\n'));
        }

        #[test]
        fn what_is_written_is_read_back(host in "[^\n\r\u{0}]{0,30}", path in "[^\n\r\u{0}]{0,30}") {
            let text = write(&[("protocol", "https"), ("host", &host), ("path", &path)]).unwrap();
            let wanted = read(text.as_bytes());
            prop_assert_eq!((wanted.host, wanted.path), (host, Some(path)));
        }
    }
}
