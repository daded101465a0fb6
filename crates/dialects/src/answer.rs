//! The successful answer to a request: a status, headers, and a body of any media type.

use std::ops::Range;

use crate::rest::JSON;

/// The successful answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Headers besides the body's own, in order. A name may occur several times.
    pub headers: Vec<(&'static str, String)>,
    /// The body, if there is one.
    pub content: Option<Content>,
    /// The part of the file that the step has [opened](crate::Step::Open), which is the body instead; the dialect gives
    /// its media type as a header.
    pub stored: Option<Range<u64>>,
}

/// A body with its media type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its media type, with the character set of a text.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl RestAnswer {
    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), content: None, stored: None }
    }

    /// An answer in JSON.
    #[must_use]
    pub fn json(status: u16, body: String) -> Self {
        Self::of(status, JSON, body)
    }

    /// An answer of any media type.
    #[must_use]
    pub fn of(status: u16, media_type: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { content: Some(Content { media_type, bytes: bytes.into() }), ..Self::empty(status) }
    }

    /// Redirects the caller to another URL, which it must read with GET (303). A dialect that takes `to` from a caller
    /// must decide first whether to send people there.
    #[must_use]
    pub fn see_other(to: &str) -> Self {
        Self::empty(303).with_header("location", to.to_owned())
    }

    /// Makes a part of the opened file the body.
    #[must_use]
    pub fn with_stored(self, part: Range<u64>) -> Self {
        Self { stored: Some(part), ..self }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds a cookie for the caller.
    #[must_use]
    pub fn with_cookie(self, cookie: &Cookie<'_>) -> Self {
        self.with_header("set-cookie", cookie.to_string())
    }
}

/// A cookie for a browser. Scripts cannot read it, and pages of other sites can send it only with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookie<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value; the caller ensures that it consists of characters that a cookie may have.
    pub value: &'a str,
    /// The path below which it is sent back.
    pub path: &'a str,
    /// Its lifetime in seconds; without one it ends with the browser's session.
    pub lasts: Option<u64>,
    /// Whether it is sent back over HTTPS only.
    pub secure: bool,
}

impl std::fmt::Display for Cookie<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}; Path={}; HttpOnly; SameSite=Lax", self.name, self.value, self.path)?;
        if let Some(seconds) = self.lasts {
            write!(f, "; Max-Age={seconds}")?;
        }
        if self.secure { f.write_str("; Secure") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_written_as_browsers_read_it() {
        let cookie = Cookie { name: "a", value: "b", path: "/", lasts: None, secure: false };
        assert_eq!(cookie.to_string(), "a=b; Path=/; HttpOnly; SameSite=Lax");
        let lasting = Cookie { lasts: Some(60), secure: true, ..cookie };
        assert_eq!(lasting.to_string(), "a=b; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure");
        let answer = RestAnswer::see_other("/there").with_cookie(&cookie).with_cookie(&lasting);
        assert_eq!(answer.headers[0], ("location", "/there".to_owned()));
        assert_eq!(answer.headers.iter().filter(|(name, _)| *name == "set-cookie").count(), 2);
    }
}
