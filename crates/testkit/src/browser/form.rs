//! Forms of a page, read leniently: enough for the pages of our peers.

/// A form as it would be sent if nobody touched it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Where it goes; empty for the page itself.
    pub action: String,
    /// Whether it is sent by POST.
    pub is_post: bool,
    /// Names and values of its inputs; of its buttons only the first.
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// All forms in a text of HTML, in order.
    pub fn all(html: &str) -> Vec<Self> {
        let mut forms: Vec<Self> = vec![];
        let mut has_button = false;
        for tag in tags(html) {
            let name =
                tag.split([' ', '\n', '\t', '\r', '/']).next().unwrap_or_default().to_ascii_lowercase();
            let attribute = |wanted: &str| attribute(tag, wanted);
            match (name.as_str(), forms.last_mut()) {
                ("form", _) => {
                    has_button = false;
                    forms.push(Self {
                        action: attribute("action").unwrap_or_default(),
                        is_post: attribute("method")
                            .is_some_and(|method| method.eq_ignore_ascii_case("post")),
                        fields: vec![],
                    });
                }
                ("input" | "button", Some(form)) => {
                    let is_button = name == "button" || attribute("type").as_deref() == Some("submit");
                    if is_button && std::mem::replace(&mut has_button, true) {
                        continue;
                    }
                    if let Some(field) = attribute("name") {
                        form.fields.push((field, attribute("value").unwrap_or_default()));
                    }
                }
                _ => {}
            }
        }
        forms
    }

    /// Whether it has an input of this name.
    pub fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|(name, _)| name == field)
    }
}

/// What stands between `<` and `>`, quoted `>` aside.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).map(|rest| {
        let mut quote = None;
        let end = rest.char_indices().find(|(_, c)| match (quote, c) {
            (None, '>') => true,
            (None, '"' | '\'') => {
                quote = Some(*c);
                false
            }
            (Some(open), c) if open == *c => {
                quote = None;
                false
            }
            _ => false,
        });
        end.and_then(|(end, _)| rest.get(..end)).unwrap_or(rest)
    })
}

/// The unescaped value of a tag's attribute.
fn attribute(tag: &str, wanted: &str) -> Option<String> {
    let mut rest = tag.find(char::is_whitespace).and_then(|start| tag.get(start..))?;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let end = rest.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let mut value = "";
        rest = after.trim_start();
        if let Some(text) = rest.strip_prefix('=') {
            let text = text.trim_start();
            let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
            (value, rest) = match quote {
                Some(quote) => {
                    let inner = text.get(1..).unwrap_or_default();
                    inner.split_once(quote).unwrap_or((inner, ""))
                }
                None => text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())),
            };
        }
        if name.eq_ignore_ascii_case(wanted) {
            return Some(unescape(value));
        }
        if name.is_empty() && rest.is_empty() {
            return None;
        }
        if name.is_empty() && value.is_empty() {
            rest = rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
        }
    }
}

fn unescape(text: &str) -> String {
    let pairs =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_are_read_with_their_first_button_and_unescaped_values() {
        let html = "<p>x</p><form action=\"/go?a=1&amp;b=2\" method='post'><input type=hidden name=a value=1 />\
            <input name=\"b\" value=\"&quot;>&quot;\" disabled><input type=\"submit\" name=\"commit\" value=\"Yes\">\
            <button name=other value=no>No</button></form><form><input name=q></form>";

        let forms = Form::all(html);

        let fields = |of: &[(&str, &str)]| of.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        assert_eq!(
            forms,
            [
                Form {
                    action: "/go?a=1&b=2".into(),
                    is_post: true,
                    fields: fields(&[("a", "1"), ("b", "\">\""), ("commit", "Yes")]),
                },
                Form { action: String::new(), is_post: false, fields: fields(&[("q", "")]) },
            ]
        );
        assert!(forms[1].has("q") && !forms[1].has("a"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic_or_hang(html in "(<(form|input|button)|[ \"'=<>/&;a-zü\n]){0,60}") {
            Form::all(&html);
        }
    }
}
