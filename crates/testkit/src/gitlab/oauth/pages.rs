//! The pages people see: sign in, consent, "redirecting", errors. Plain HTML without scripts but one.

use axum::response::{Html, IntoResponse, Response};
use http::{StatusCode, header};

use crate::gitlab::params::Params;

/// Makes text safe inside HTML, attributes included.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

pub(crate) fn page(title: &str, content: &str) -> Html<String> {
    Html(format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · GitLab</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>body{{font:16px sans-serif;\
         max-width:32rem;margin:3rem auto;padding:0 1rem}}label,input,button{{display:block;margin:.5rem 0}}\
         .alert{{color:#ae1800}}</style></head><body>\n<h1>{title}</h1>\n{content}\n</body></html>\n",
        title = escape(title),
    ))
}

/// The form for name and password; `alert` is shown above it.
pub(crate) fn sign_in(action: &str, csrf: &str, alert: Option<&str>) -> Html<String> {
    let alert = alert.map_or_else(String::new, |text| {
        format!("<p class=\"alert\" role=\"alert\" data-testid=\"alert-danger\">{}</p>\n", escape(text))
    });
    page(
        "Sign in",
        &format!(
            "{alert}<form id=\"new_user\" action=\"{action}\" method=\"post\">\
             <input type=\"hidden\" name=\"authenticity_token\" value=\"{csrf}\">\
             <label for=\"user_login\">Username or primary email</label>\
             <input id=\"user_login\" name=\"user[login]\" autocomplete=\"username\" required autofocus>\
             <label for=\"user_password\">Password</label>\
             <input id=\"user_password\" name=\"user[password]\" type=\"password\" required>\
             <button type=\"submit\" name=\"commit\" data-testid=\"sign-in-button\">Sign in</button></form>"
        ),
    )
}

/// What a consent page asks.
pub(crate) struct Consent<'a> {
    pub(crate) action: &'a str,
    pub(crate) csrf: &'a str,
    pub(crate) application: &'a str,
    pub(crate) username: &'a str,
    pub(crate) scopes: &'a [String],
}

/// Fields a consent passes on to the decision.
const PASSED_ON: [&str; 8] = [
    "client_id",
    "redirect_uri",
    "state",
    "response_type",
    "scope",
    "nonce",
    "code_challenge",
    "code_challenge_method",
];

/// "Authorize … to use your account?", with one form for each answer.
pub(crate) fn consent(consent: &Consent<'_>, params: &Params) -> Html<String> {
    let hidden = |name: &str, value: &str| {
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value))
    };
    let passed = PASSED_ON.iter().filter_map(|name| Some(hidden(name, &params.text(name)?)));
    let fields: Vec<String> =
        std::iter::once(hidden("authenticity_token", consent.csrf)).chain(passed).collect();
    let fields = fields.concat();
    let scopes: Vec<String> = consent.scopes.iter().map(|scope| escape(scope)).collect();
    let scopes = scopes.join("</li><li>");
    let (application, action) = (escape(consent.application), consent.action);
    page(
        &format!("{} is requesting access to your account", consent.application),
        &format!(
            "<p>An application called {application} is requesting access to your GitLab account \
             (<strong>{username}</strong>). Please note that this application is not provided by GitLab.</p>\
             <ul><li>{scopes}</li></ul>\
             <form action=\"{action}\" method=\"post\">{fields}\
             <button type=\"submit\" data-testid=\"authorization-button\">Authorize {application}</button></form>\
             <form action=\"{action}\" method=\"post\"><input type=\"hidden\" name=\"_method\" value=\"delete\">\
             {fields}<button type=\"submit\">Deny</button></form>",
            username = escape(consent.username),
        ),
    )
}

/// The page GitLab sends a browser on with when it skips consent: 200 and a script, not a redirect.
pub(crate) fn redirecting(target: &str) -> Html<String> {
    let script = serde_json::Value::from(target).to_string().replace('<', "\\u003c");
    page(
        "Redirecting",
        &format!(
            "<a href=\"{}\">Click here to continue</a>\n<script>window.location = {script};</script>",
            escape(target)
        ),
    )
}

/// Rails' redirect: 302, whatever the method was.
pub(crate) fn found(target: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, target)]).into_response()
}

/// What GitLab shows instead of going back to an application it does not trust.
pub(crate) fn error(description: &str) -> Html<String> {
    page("An error has occurred", &format!("<pre id=\"error_description\">{}</pre>", escape(description)))
}
