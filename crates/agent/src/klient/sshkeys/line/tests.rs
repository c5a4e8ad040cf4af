use proptest::prelude::*;

use super::*;

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOY7mk5l2aQOQi+A1T8AqRk7K+GiCuV1+emsNYFi9Bb9";
const ECDSA: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCkpyk0XRnucEf7760RnhSc05aq9iU5Wxwn5/+nUKW7y+Kr84uNp4oVr31FbGcLQI2iQccU8DZ7g65a/nQ5uofg=";

#[test]
fn fingerprints_are_those_of_ssh_keygen() {
    let key = Key::parse(ED25519).unwrap();

    assert_eq!(key.fingerprint(), "SHA256:1ydfzKVNXlczCdUmEjS5U0IDVVXnw837WJlmOG54BjE");
    for same in [
        "SHA256:1ydfzKVNXlczCdUmEjS5U0IDVVXnw837WJlmOG54BjE",
        "SHA256:1ydfzKVNXlczCdUmEjS5U0IDVVXnw837WJlmOG54BjE=",
        "1a:bf:54:91:a9:b3:74:2c:24:1c:f6:45:3c:c0:c9:3d",
        " MD5:1A:BF:54:91:A9:B3:74:2C:24:1C:F6:45:3C:C0:C9:3D ",
    ] {
        assert!(key.has_fingerprint(same), "{same}");
    }
    for other in ["", "MD5:", "SHA256:", "SHA256:AuENms", "14:ae:6c:b6:25:bd:14:ab:e2:c4:6e:6d:62:7d:47:73"] {
        assert!(!key.has_fingerprint(other), "{other}");
    }
    assert_eq!(
        Key::parse(ECDSA).unwrap().fingerprint(),
        "SHA256:AuENms/U3V3MeJ56LNfcM61WKbAlxyrDvCxMykA+7IU"
    );
}

#[test]
fn options_and_comments_are_told_apart_from_the_key() {
    let key = Key::parse(ED25519).unwrap();
    for (line, comment) in [
        (ED25519.to_owned(), ""),
        (format!("{ED25519} ada@example.com"), "ada@example.com"),
        (format!("  {ED25519}\tAda's laptop, the old one "), "Ada's laptop, the old one"),
        (format!("no-pty,command=\"echo \\\"ssh-rsa x\\\" y\" {ED25519} ada"), "ada"),
    ] {
        let read = Key::parse(&line).unwrap_or_else(|| panic!("`{line}` is a key"));
        assert!(read.is_same(&key));
        assert_eq!(read.comment, comment);
    }
}

#[test]
fn what_is_no_key_is_none() {
    for line in [
        String::new(),
        "# comment".into(),
        "ssh-ed25519".into(),
        "ssh-ed25519 AAAA ada".into(),
        format!("{ED25519}\nssh-rsa"),
        // Another algorithm than the blob's, and more bytes than the key has.
        ED25519.replace("ssh-ed25519 ", "ssh-rsa "),
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOY7mk5l2aQOQi+A1T8AqRk7K+GiCuV1+emsNYFi9Bb9AAAA ada".into(),
        "mine@example.com AAAAEG1pbmVAZXhhbXBsZS5jb20AAAAA ada".into(),
        format!("command=\"{ED25519} ada"),
        format!("{ED25519} {}", "x".repeat(LINE_MAX)),
    ] {
        assert!(Key::parse(&line).is_none(), "{line}");
    }
}

proptest! {
    #[test]
    fn no_line_makes_it_panic(line in "\\PC{0,200}") {
        drop(Key::parse(&line));
    }

    #[test]
    fn no_broken_key_makes_it_panic(cut in 0_usize..68, letter in "[A-Za-z0-9+/=]") {
        let (mut head, tail) = (ED25519[..12 + cut].to_owned(), &ED25519[12 + cut..]);
        head += &letter;

        if let Some(key) = Key::parse(&(head + tail + " ada")) {
            prop_assert!(key.has_fingerprint(&key.fingerprint()));
        }
    }
}
