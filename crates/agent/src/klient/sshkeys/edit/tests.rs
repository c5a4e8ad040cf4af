use super::*;

const ADA: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOY7mk5l2aQOQi+A1T8AqRk7K+GiCuV1+emsNYFi9Bb9 ada@laptop";
const GRACE: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBCkpyk0XRnucEf7760RnhSc05aq9iU5Wxwn5/+nUKW7y+Kr84uNp4oVr31FbGcLQI2iQccU8DZ7g65a/nQ5uofg= grace";
const ADA_SHA: &str = "SHA256:1ydfzKVNXlczCdUmEjS5U0IDVVXnw837WJlmOG54BjE";

fn file(lines: &[&str]) -> Vec<Vec<u8>> {
    lines.iter().map(|line| line.as_bytes().to_vec()).collect()
}

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(ToString::to_string).collect()
}

#[test]
fn foreign_lines_and_options_stay() {
    let mut lines = file(&["# mine", "", "something else", &format!("no-pty {ADA}")]);
    lines.push(b"\xff\xfe".to_vec());

    let added = add(&lines, &keys(&[GRACE])).unwrap();
    let deleted = delete(&added, &keys(&[ADA_SHA])).unwrap();

    assert_eq!(added[..5], lines);
    assert_eq!(added[5], GRACE.as_bytes());
    assert_eq!(deleted, [&added[0], &added[1], &added[2], &added[4], &added[5]].map(Clone::clone));
}

#[test]
fn keys_are_refused_with_a_reason_and_as_a_whole() {
    let lines = file(&[&format!("no-pty {ADA}")]);
    let nameless = GRACE.trim_end_matches(" grace");

    assert_eq!(add(&lines, &keys(&[GRACE, ADA])), Err(Refused::Duplicate(ADA_SHA.into())));
    assert!(matches!(add(&lines, &keys(&[GRACE, &format!("{nameless} other")])), Err(Refused::Duplicate(_))));
    assert!(matches!(add(&lines, &keys(&[nameless])), Err(Refused::NoComment(_))));
    assert!(matches!(add(&lines, &keys(&["ssh-rsa nonsense ada"])), Err(Refused::NoKey(_))));
    assert!(matches!(add(&lines, &keys(&[&format!("{GRACE}\n{ADA}")])), Err(Refused::NoKey(_))));
    assert_eq!(add(&lines, &[]), Err(Refused::Nothing));
    assert_eq!(delete(&lines, &keys(&[ADA_SHA, "SHA256:none"])), Err(Refused::Unknown("SHA256:none".into())));
}

#[test]
fn an_override_replaces_the_keys_and_nothing_else() {
    let lines = file(&["# mine", ADA]);

    assert_eq!(replace(&lines, &keys(&[GRACE])).unwrap(), file(&["# mine", GRACE]));
    assert_eq!(replace(&lines, &keys(&[ADA])).unwrap(), lines);
}
