//! Pages that are found by counting, with links to the next and the previous one, as Django REST framework makes them.

use chat::{Error, MAX_SAFE_INTEGER};
use serde::Serialize;

use crate::rest::{Request, query_pairs};

/// The parameters of a query string.
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads them.
    ///
    /// # Errors
    /// `malformed` if they are not percent-encoded UTF-8.
    pub(super) fn read(query: &str) -> Result<Self, Error> {
        query_pairs(query).map(Self)
    }

    /// The last parameter of this name; an empty one is as good as none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let last = self.0.iter().rfind(|(known, _)| known == name)?;
        Some(last.1.as_str()).filter(|text| !text.is_empty())
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| (0..=MAX_SAFE_INTEGER).contains(number));
        let wrong = || Error::invalid(name, format!("{name} must be a whole number from 0 to {MAX_SAFE_INTEGER}."));
        number.map(Some).ok_or_else(wrong)
    }

    /// Which part of a list is asked for.
    ///
    /// # Errors
    /// `invalid`, with the parameter.
    pub(super) fn part(self, request: &Request<'_>, path: &str, limits: Limits) -> Result<Part, Error> {
        let limit = self.number("limit")?.filter(|limit| *limit > 0).unwrap_or(limits.usual).min(limits.most);
        let offset = self.number("offset")?.unwrap_or_default();
        Ok(Part { offset, limit, url: format!("{}{path}", request.base), parameters: self })
    }
}

/// How many entries a page has if nothing is asked for, and at most.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub usual: i64,
    pub most: i64,
}

/// The part of a list that a page shows.
pub(super) struct Part {
    pub offset: i64,
    pub limit: i64,
    url: String,
    parameters: Parameters,
}

/// A page.
#[derive(Serialize)]
pub(super) struct Page<T> {
    count: i64,
    next: Option<String>,
    previous: Option<String>,
    results: Vec<T>,
}

impl Part {
    /// The page with these entries, of a list of `count`.
    pub(super) fn page<T>(&self, count: i64, results: Vec<T>) -> Page<T> {
        let (offset, limit) = (self.offset, self.limit);
        let next = (offset.saturating_add(limit) < count).then(|| self.link(offset.saturating_add(limit)));
        let previous = (offset > 0).then(|| self.link((offset - limit).max(0)));
        Page { count, next, previous, results }
    }

    /// The same address with another offset; the beginning needs none. The parameters stand in order, as they did.
    fn link(&self, offset: i64) -> String {
        let own = |name: &str| name == "limit" || name == "offset";
        let mut pairs: Vec<(String, String)> =
            self.parameters.0.iter().filter(|(name, _)| !own(name)).cloned().collect();
        pairs.push(("limit".to_owned(), self.limit.to_string()));
        if offset > 0 {
            pairs.push(("offset".to_owned(), offset.to_string()));
        }
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        format!("{}?{}", self.url, pairs.join("&"))
    }
}

/// Percent-encodes a text for a query, a space as `+`.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::Body;

    fn links(query: &str, count: i64) -> (Option<String>, Option<String>) {
        let body = Body::Json(Vec::new());
        let request = Request { speaker: None, query, body: &body, header: &|_| None, base: "http://p" };
        let part = Parameters::read(query).unwrap().part(&request, "/a/", Limits { usual: 20, most: 100 }).unwrap();
        let page = part.page::<()>(count, Vec::new());
        (page.next, page.previous)
    }

    #[test]
    fn links_lead_forth_and_back() {
        assert_eq!(links("", 20), (None, None));
        assert_eq!(links("", 21).0.as_deref(), Some("http://p/a/?limit=20&offset=20"));
        assert_eq!(links("offset=20", 21), (None, Some("http://p/a/?limit=20".into())));
        assert_eq!(links("offset=5&limit=10", 5).1.as_deref(), Some("http://p/a/?limit=10"));
        assert_eq!(links("offset=50&limit=10", 5).1.as_deref(), Some("http://p/a/?limit=10&offset=40"));
        assert_eq!(links("limit=1000", 101).0.as_deref(), Some("http://p/a/?limit=100&offset=100"));
        let written = links("name=%C3%A9t%C3%A9+2&limit=1&details=a%26b", 2).0;
        assert_eq!(written.as_deref(), Some("http://p/a/?details=a%26b&limit=1&name=%C3%A9t%C3%A9+2&offset=1"));
        assert!(links("offset=9007199254740991", i64::MAX).0.is_some());
    }
}
