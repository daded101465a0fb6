//! Reads the description of a page in its head: Open Graph, Twitter cards, its description and its title, and where its
//! oEmbed is. Only tokens are read, one after the other, so nothing in a page can nest.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};
use outgoing::Url;

/// Characters that are kept of anything: far more than is shown.
const LONGEST: usize = 4_000;
/// Tags that are read: a head has less.
const TAGS: usize = 5_000;

/// The description of a page, as the page gives it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) site: String,
    pub(super) title: String,
    pub(super) description: String,
    /// Where its picture is.
    pub(super) image: Option<Url>,
    /// Where its oEmbed is, in JSON.
    pub(super) oembed: Option<Url>,
}

/// The values that were found, the better source before the worse one.
#[derive(Default)]
struct Found {
    titles: [String; 3],
    descriptions: [String; 3],
    images: [String; 3],
    site: String,
    oembed: String,
    base: String,
}

/// Reads the head of a page that is at this place.
pub(super) fn read(text: &str, place: &Url) -> Said {
    let found = found(text);
    let base = place.join(&found.base).unwrap_or_else(|_| place.clone());
    let url = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).and_then(|text| base.join(text).ok());
    let first = |of: [String; 3]| of.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default();
    Said {
        site: found.site,
        title: first(found.titles),
        description: first(found.descriptions),
        image: found.images.iter().find_map(|text| url(text)),
        oembed: url(&found.oembed),
    }
}

fn found(text: &str) -> Found {
    let mut emitter = DefaultEmitter::default();
    // So that what scripts and styles contain is no tag.
    emitter.naively_switch_states(true);
    let mut found = Found::default();
    let mut in_title = false;
    let mut tags = 0;
    for token in Tokenizer::new_with_emitter(text, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                tags += 1;
                match tag.name.as_slice() {
                    b"meta" => found.note_meta(&tag),
                    b"link" => found.note_link(&tag),
                    b"base" => keep(&mut found.base, &attribute(&tag, b"href")),
                    b"title" => in_title = found.titles[2].is_empty(),
                    // The head is over. Some pages say of themselves in their body what belongs into it; those do not
                    // count, because that may be what their readers have written.
                    b"body" => break,
                    _ => {}
                }
                if tags > TAGS {
                    break;
                }
            }
            Token::EndTag(tag) => match tag.name.as_slice() {
                b"title" => in_title = false,
                b"head" => break,
                _ => {}
            },
            Token::String(text) if in_title && found.titles[2].len() < LONGEST => {
                found.titles[2].push_str(&short(&String::from_utf8_lossy(&text)));
            }
            _ => {}
        }
    }
    found
}

impl Found {
    fn note_meta(&mut self, tag: &StartTag<()>) {
        let named = [attribute(tag, b"property"), attribute(tag, b"name"), attribute(tag, b"itemprop")];
        let name = named.into_iter().find(|name| !name.is_empty()).unwrap_or_default().trim().to_ascii_lowercase();
        let place = match name.as_str() {
            "og:title" => &mut self.titles[0],
            "twitter:title" => &mut self.titles[1],
            "og:description" => &mut self.descriptions[0],
            "twitter:description" => &mut self.descriptions[1],
            "description" => &mut self.descriptions[2],
            "og:image" | "og:image:url" => &mut self.images[0],
            "og:image:secure_url" => &mut self.images[1],
            "twitter:image" | "twitter:image:src" => &mut self.images[2],
            "og:site_name" => &mut self.site,
            _ => return,
        };
        keep(place, &attribute(tag, b"content"));
    }

    fn note_link(&mut self, tag: &StartTag<()>) {
        let is_oembed = attribute(tag, b"type").trim().eq_ignore_ascii_case("application/json+oembed");
        let is_other = attribute(tag, b"rel").split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("alternate"));
        if is_oembed && is_other {
            keep(&mut self.oembed, &attribute(tag, b"href"));
        }
    }
}

/// The first that says something counts.
fn keep(place: &mut String, text: &str) {
    if place.trim().is_empty() {
        *place = short(text);
    }
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// The value of an attribute; empty if it is not there.
fn attribute(tag: &StartTag<()>, name: &[u8]) -> String {
    tag.attributes.get(name).map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Said {
        read(text, &Url::parse("https://a.example/blog/page?x=y").expect("a URL"))
    }

    #[test]
    fn the_better_source_counts_and_of_one_the_first() {
        let page = r#"<!doctype html><html><head><title>Plain &amp; simple</title>
            <meta name="description" content="plain">
            <meta name=twitter:title content='Card'><meta name="twitter:description" content="card">
            <meta property="og:title" content="Graph &quot;1&quot; &#x1f333; caf&eacute;">
            <meta property="og:title" content="Graph 2"><meta property="og:site_name" content="Site">
            <META PROPERTY="OG:IMAGE" CONTENT="/pictures/a.png"><meta name="twitter:image" content="b.png">
            <link rel="alternate" type="application/json+oembed" href="../oembed?format=json&amp;url=x">
            <link rel="alternate" type="application/rss+xml" href="/rss">"#;
        let found = said(page);
        assert_eq!(found.title, "Graph \"1\" 🌳 café");
        assert_eq!((found.site.as_str(), found.description.as_str()), ("Site", "card"));
        assert_eq!(found.image.map(String::from).as_deref(), Some("https://a.example/pictures/a.png"));
        assert_eq!(found.oembed.map(String::from).as_deref(), Some("https://a.example/oembed?format=json&url=x"));
        assert_eq!(said("<title>Plain &amp; simple</title>").title, "Plain & simple");
        assert_eq!(said("<meta name=twitter:title content=Card><title>x</title>").title, "Card");
        assert_eq!(
            said("<meta property=og:title content=' '><title>x</title>").title,
            "x",
            "nothing can be seen of it"
        );
    }

    #[test]
    fn only_the_head_is_read_and_nothing_in_scripts_and_comments() {
        let hidden = r#"<head><!-- <title>comment</title> --><script>"<title>script</title>"</script>
            <style><title>style</title></style><noscript><title>x</title></noscript></head>"#;
        assert!(!["comment", "script", "style"].iter().any(|text| said(hidden).title.contains(text)));
        assert_eq!(said("<head></head><meta property=og:title content=late>"), Said::default());
        assert_eq!(said("<body><meta property=og:title content=late>"), Said::default());
    }

    #[test]
    fn a_base_and_addresses_of_other_schemes_are_what_they_are() {
        let found = said("<base href='https://b.example/x/'><meta property=og:image content='a.png'>");
        assert_eq!(found.image.map(String::from).as_deref(), Some("https://b.example/x/a.png"));
        let found = said("<meta property=og:image content='javascript:alert(1)'>");
        assert_eq!(
            found.image.map(|url| url.scheme().to_owned()).as_deref(),
            Some("javascript"),
            "refused when asked for"
        );
    }

    #[test]
    fn what_is_hostile_costs_no_more_than_its_length() {
        let long = "a".repeat(100_000);
        let pages = [
            "<div>".repeat(20_000),
            "<".repeat(100_000),
            "<a b=".repeat(20_000),
            "&".repeat(100_000),
            "&amp".repeat(20_000),
            "<!--".repeat(20_000),
            "<title>".repeat(15_000),
            "<meta property=og:title content=".repeat(3_000),
            format!("<title>{long}"),
            format!("<meta property=og:title content='{long}'>"),
            "<![CDATA[".repeat(10_000),
            "</title>\0\u{fffd}<\0>".repeat(6_000),
            (0..10_000).map(|at| format!("<p a{at}=1 ")).collect(),
        ];
        for page in pages {
            let begun = std::time::Instant::now();
            let found = said(&page);
            assert!(found.title.chars().count() <= 2 * LONGEST, "{}", page.get(..20).unwrap_or_default());
            assert!(begun.elapsed().as_secs() < 5, "{}", page.get(..20).unwrap_or_default());
        }
    }
}
