//! What Azure DevOps says when it does not.

use crate::api::{Answer, refusal};
use crate::{Fault, ForgeError, LinkFault};

/// An answer that is no success, or that is a sign-in page, which comes with 203 or as a redirect.
pub(super) fn of(answer: &Answer) -> ForgeError {
    match answer.status().as_u16() {
        203 | 302 | 401 => {
            let host = answer.host();
            ForgeError::new(
                Fault::Link(LinkFault::Refused),
                format!("`{host}` refuses: it does not accept the token, or demands one"),
                "make a fresh token there, for the right organisation and with the scopes Code (read and write) \
                 and User profile (read), and paste it; tokens lapse after a year at the latest",
            )
        }
        _ => refusal(answer),
    }
}

/// The answer, unless it is a sign-in page in the place of one.
pub(super) fn no_page(answer: Answer) -> Result<Answer, ForgeError> {
    if answer.status().as_u16() == 203 { Err(of(&answer)) } else { Ok(answer) }
}
