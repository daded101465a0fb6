//! The answers of an S3 store, which are XML of the simplest kind: elements with elements or text in them, and nothing of
//! what makes XML difficult. What is looked for is found by its tags.

use crate::{Error, Result};

/// An answer as text.
pub(super) fn read(bytes: &[u8]) -> Result<String> {
    String::from_utf8(bytes.to_vec())
        .map_err(|_| Error::Unavailable("the S3 store answers with what is no text".into()))
}

/// The text of each element of this name, which has no attributes.
pub(super) fn elements<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (inside, behind) = after.split_once(&close)?;
        rest = behind;
        Some(inside)
    })
}

/// The text of the first element of this name.
pub(super) fn first(text: &str, name: &str) -> Option<String> {
    elements(text, name).next().map(plain)
}

fn plain(text: &str) -> String {
    let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&apos;", "'"), ("&#39;", "'")];
    // The sign itself last: what it makes is no sign again.
    named.iter().fold(text.trim().to_owned(), |text, (sign, plain)| text.replace(sign, plain)).replace("&amp;", "&")
}

/// A text as it stands in an element.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_elements_is_found_by_their_names() {
        let text = "<?xml version=\"1.0\"?><L><C><Key>a&amp;amp;b</Key></C><C><Key>&lt;c</Key></C><IsTruncated>false</IsTruncated></L>";
        let keys: Vec<_> = elements(text, "C").map(|entry| first(entry, "Key")).collect();
        assert_eq!(keys, [Some("a&amp;b".to_owned()), Some("<c".to_owned())]);
        assert_eq!((first(text, "IsTruncated").as_deref(), first(text, "Code")), (Some("false"), None));
        assert_eq!(elements("<C>cut off", "C").count(), 0);
    }

    #[test]
    fn what_is_escaped_is_read_as_it_was() {
        let text = "\"a&b\" <&amp;>";
        assert_eq!(plain(&escaped(text)), text);
    }
}
