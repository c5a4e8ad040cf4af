//! What a kite says of itself: the seven fields of its name in the registry.

use serde::{Deserialize, Serialize};

/// The longest field taken, in bytes: more than a host name (253) or a user name has.
const FIELD_BYTES: usize = 512;

/// A kite's seven fields. What a caller says here is only its own word, until it is verified.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Kite {
    /// One running kite; no two have the same.
    pub id: String,
    /// Whose kite it is.
    pub username: String,
    /// Where it belongs, for example `dev`.
    pub environment: String,
    /// What it does, for example `klient`.
    pub name: String,
    /// Its version, for example `1.2.3`.
    pub version: String,
    /// Where it runs, for example `eu`.
    pub region: String,
    /// The machine it runs on.
    pub hostname: String,
}

/// A field of a [`Kite`] that nobody could look up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the kite's `{field}` is {fault}")]
pub struct InvalidKite {
    /// The field's name.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: &'static str,
}

impl Kite {
    /// The fields in the order of [`Kite::path`], with their names.
    pub fn fields(&self) -> [(&'static str, &str); 7] {
        [
            ("username", &self.username),
            ("environment", &self.environment),
            ("name", &self.name),
            ("version", &self.version),
            ("region", &self.region),
            ("hostname", &self.hostname),
            ("id", &self.id),
        ]
    }

    /// `/username/environment/name/version/region/hostname/id`: the audience of a token for it.
    pub fn path(&self) -> String {
        let mut path = String::with_capacity(160);
        for (_, value) in self.fields() {
            path.push('/');
            path.push_str(value);
        }
        path
    }

    /// Checks that every field can stand in a path.
    ///
    /// # Errors
    ///
    /// A field is empty, longer than 512 bytes, or contains `/` or a control character.
    pub fn check(&self) -> Result<(), InvalidKite> {
        for (field, value) in self.fields() {
            let fault = if value.is_empty() {
                "empty"
            } else if value.len() > FIELD_BYTES {
                "longer than 512 bytes"
            } else if value.contains('/') {
                "not free of `/`"
            } else if value.chars().any(char::is_control) {
                "not free of control characters"
            } else {
                continue;
            };
            return Err(InvalidKite { field, fault });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_kite() -> Kite {
        Kite {
            id: "6ca5".into(),
            username: "alice".into(),
            environment: "dev".into(),
            name: "math".into(),
            version: "1.2.3".into(),
            region: "eu".into(),
            hostname: "vm".into(),
        }
    }

    #[test]
    fn a_path_names_all_seven_fields() {
        assert_eq!(a_kite().path(), "/alice/dev/math/1.2.3/eu/vm/6ca5");
    }

    #[test]
    fn a_field_that_could_stand_for_two_is_refused() {
        let check = |kite: Kite| kite.check().map_err(|invalid| invalid.field);

        assert_eq!(check(a_kite()), Ok(()));
        assert_eq!(check(Kite { region: String::new(), ..a_kite() }), Err("region"));
        assert_eq!(check(Kite { username: "a/dev".into(), ..a_kite() }), Err("username"));
        assert_eq!(check(Kite { name: "a\nb".into(), ..a_kite() }), Err("name"));
        assert_eq!(check(Kite { id: "x".repeat(513), ..a_kite() }), Err("id"));
    }

    #[test]
    fn a_field_that_was_not_said_is_empty() {
        let kite: Kite = serde_json::from_str(r#"{"username":"bob","unknown":1}"#).unwrap();

        assert_eq!(kite, Kite { username: "bob".into(), ..Kite::default() });
    }
}
