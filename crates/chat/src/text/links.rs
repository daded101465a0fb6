//! Links: `https://…`, `http://…`, `mailto:…`, `www.…` and mail addresses.

use std::ops::Range;

use super::scripts::{ends_link, is_sign, is_unspaced, is_word};

/// The beginnings that a link may have.
const BEGINNINGS: [&str; 4] = ["https://", "http://", "mailto:", "www."];

/// The next link of this stretch of a text from `from` on, with the address that it leads to; none, if it only looks
/// like a link.
pub(super) fn next(text: &str, stretch: Range<usize>, from: usize) -> Option<(Range<usize>, Option<String>)> {
    let mut before = text.get(stretch.start..from)?.chars().next_back();
    let rest = text.get(from..stretch.end)?;
    for (at, c) in rest.char_indices() {
        let here = rest.get(at..)?;
        if let Some((length, target)) = at_beginning(here, before).or_else(|| address_at(here, before)) {
            return Some((from + at..from + at + length, target));
        }
        before = Some(c);
    }
    None
}

/// Where a text leads that is wholly a link with its scheme or `www.`.
pub(super) fn whole(text: &str) -> Option<String> {
    at_beginning(text, None).filter(|(length, _)| *length == text.len()).and_then(|(_, target)| target)
}

/// Whether a word may begin behind this character.
fn parts_words(before: Option<char>) -> bool {
    before.is_none_or(|c| !is_word(c) || is_unspaced(c))
}

/// A link that begins with its scheme or `www.`: how long it is, and where it leads.
fn at_beginning(rest: &str, before: Option<char>) -> Option<(usize, Option<String>)> {
    // Asked of each character of a text.
    if !matches!(rest.as_bytes().first(), Some(b'h' | b'H' | b'm' | b'M' | b'w' | b'W')) {
        return None;
    }
    let is_here =
        |beginning: &&&str| rest.get(..beginning.len()).is_some_and(|head| head.eq_ignore_ascii_case(beginning));
    let beginning = BEGINNINGS.iter().find(is_here).filter(|_| parts_words(before))?;
    if rest.get(beginning.len()..)?.chars().next().is_none_or(ends_link) {
        return None;
    }
    let target = |text: &str| match *beginning {
        "mailto:" => is_mail(text.get(beginning.len()..).unwrap_or_default()).then(|| text.to_owned()),
        "www." => is_web(text, 3).then(|| format!("https://{text}")),
        scheme => is_web(text.get(scheme.len()..).unwrap_or_default(), 1).then(|| text.to_owned()),
    };
    // A link that ends in its host is found without a look at all that follows: there may be a link every few letters.
    let host = if *beginning == "mailto:" { "" } else { with_host(rest) };
    let ends = Some(trimmed(unglued(hosted(host)))).filter(|text| text.len() < trimmed(host).len());
    if let Some((text, target)) = ends.and_then(|text| Some((text, target(text)?))) {
        return Some((text.len(), Some(target)));
    }
    let candidate = rest.get(..rest.find(ends_link).unwrap_or(rest.len()))?;
    let text = trimmed(unglued(hosted(candidate)));
    let target = target(text);
    Some(if target.is_some() { (text.len(), target) } else { (candidate.len(), None) })
}

/// The longest host that is looked at for its end, in characters.
const MOST_HOST: usize = 300;

/// A link up to the end of its host.
fn with_host(rest: &str) -> &str {
    let begin = scheme_length(rest);
    let behind = rest.get(begin..).unwrap_or_default().char_indices().enumerate();
    let mut inside =
        behind.skip_while(|(count, (_, c))| *count < MOST_HOST && !matches!(c, '/' | '?' | '#') && !ends_link(*c));
    let end = inside.next().map_or(rest.len(), |(_, (at, _))| begin + at);
    rest.get(..end).unwrap_or(rest)
}

/// How long the scheme of a link to a page is.
fn scheme_length(link: &str) -> usize {
    let has = |scheme: &&&str| link.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme));
    ["https://", "http://"].iter().find(has).map_or(0, |scheme| scheme.len())
}

/// Where the authority of a link lies in it: behind its scheme, or from its beginning.
fn authority(link: &str) -> Range<usize> {
    let begin = scheme_length(link);
    let end = link.get(begin..).and_then(|rest| rest.find(['/', '?', '#'])).map_or(link.len(), |end| begin + end);
    begin..end
}

/// Up to the first character behind its host that no host has: a sign of any script, an emoji. Where something in it
/// hides where the link leads, the whole is left, and is no link.
fn hosted(candidate: &str) -> &str {
    let authority = authority(candidate);
    let host = candidate.get(authority.clone()).unwrap_or_default();
    let is_hosts = |c: char| is_word(c) || matches!(c, '-' | '.' | ':' | '[' | ']');
    match host.find(|c| !is_hosts(c)) {
        Some(at) if at > 0 && !host.contains(['@', '\\', '%']) => {
            candidate.get(..authority.start + at).unwrap_or(candidate)
        }
        _ => candidate,
    }
}

/// Without what is written on to a host in a script without spaces: no top level domain mixes it with Latin letters.
fn unglued(candidate: &str) -> &str {
    if candidate.get(..7).is_some_and(|head| head.eq_ignore_ascii_case("mailto:")) {
        return candidate;
    }
    let authority = authority(candidate);
    let host = candidate.get(authority.clone()).unwrap_or_default();
    let label = host.rfind('.').map_or(0, |dot| dot + 1);
    let last = host.get(label..).unwrap_or_default();
    match last.find(is_unspaced) {
        Some(at) if last.starts_with(|c: char| c.is_ascii_alphanumeric()) => {
            candidate.get(..authority.start + label + at).unwrap_or(candidate)
        }
        _ => candidate,
    }
}

/// Without the punctuation that ends the sentence and the bracket that was opened before the link.
fn trimmed(candidate: &str) -> &str {
    let mut text = candidate;
    let mut depth = Brackets::of(text);
    while let Some(last) = text.chars().next_back() {
        let loose = depth.closes_nothing(last);
        if !loose && !matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '|') && !is_sign(last)
        {
            break;
        }
        depth.leave(last);
        text = text.get(..text.len() - last.len_utf8()).unwrap_or_default();
    }
    text
}

/// How many brackets of each kind there are, less the opening ones.
struct Brackets([i64; 3]);

impl Brackets {
    fn kind(c: char) -> Option<(usize, i64)> {
        Some(match c {
            '(' => (0, -1),
            ')' => (0, 1),
            '[' => (1, -1),
            ']' => (1, 1),
            '{' => (2, -1),
            '}' => (2, 1),
            _ => return None,
        })
    }

    fn of(text: &str) -> Self {
        let mut all = Self([0; 3]);
        for (kind, more) in text.chars().filter_map(Self::kind) {
            if let Some(count) = all.0.get_mut(kind) {
                *count += more;
            }
        }
        all
    }

    fn closes_nothing(&self, c: char) -> bool {
        Self::kind(c).is_some_and(|(kind, more)| more > 0 && self.0.get(kind).is_some_and(|count| *count > 0))
    }

    fn leave(&mut self, c: char) {
        if let Some((kind, more)) = Self::kind(c)
            && let Some(count) = self.0.get_mut(kind)
        {
            *count -= more;
        }
    }
}

/// Whether a link may lead there: to a host and nothing that hides it. `https://bank.example@evil.example` leads to the
/// latter and stays text, and so does a backslash, which is a slash to browsers.
fn is_web(rest: &str, labels: usize) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => return address.parse::<std::net::Ipv6Addr>().is_ok() && is_port(port),
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    if port.is_some_and(|port| !is_port_number(port)) {
        return false;
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    let parts: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| !label.is_empty() && label.chars().all(|c| is_word(c) || c == '-');
    let is_number = parts.last().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    parts.len() >= labels && parts.iter().all(is_label) && (!is_number || host.parse::<std::net::Ipv4Addr>().is_ok())
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(is_port_number)
}

fn is_port_number(port: &str) -> bool {
    port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()) && (port.is_empty() || port.parse::<u16>().is_ok())
}

/// A mail address and nothing else: no copies to others, no body.
fn is_mail(rest: &str) -> bool {
    let address = rest.split('#').next().unwrap_or_default();
    let Some((local, domain)) = address.split_once('@') else { return false };
    let is_clean = |text: &str| !text.is_empty() && !text.contains(['@', '?', '&', ',']);
    is_clean(local)
        && domain.char_indices().any(|(at, c)| {
            c == '.' && domain.get(..at).is_some_and(is_clean) && domain.get(at + 1..).is_some_and(is_clean)
        })
}

/// A mail address without a scheme.
fn address_at(rest: &str, before: Option<char>) -> Option<(usize, Option<String>)> {
    let is_local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '%' | '+' | '-');
    let is_local_inside = |c: char| is_local(c) || c == '.';
    if !rest.starts_with(is_local)
        || !parts_words(before)
        || before.is_some_and(|c| matches!(c, '@' | '.' | '/' | '+' | '%' | '-'))
    {
        return None;
    }
    let local = rest.find(|c| !is_local_inside(c))?;
    let domain = rest.get(local..)?.strip_prefix('@')?;
    let end = domain.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))).unwrap_or(domain.len());
    let after = domain.get(end..)?.chars().next();
    let domain = domain.get(..end)?.trim_end_matches(['.', '-']);
    // Only where the address ends with its domain may something else be grown on to it.
    let grown = after.is_some_and(|c| c == '@' || c == '_' || (is_word(c) && !is_unspaced(c)));
    let labels: Vec<&str> = domain.split('.').collect();
    let is_label = |label: &&str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    let is_top = labels.last().is_some_and(|top| top.len() >= 2 && top.bytes().all(|b| b.is_ascii_alphabetic()));
    if grown || labels.len() < 2 || !is_top || !labels.iter().all(is_label) {
        return None;
    }
    let length = local + 1 + domain.len();
    rest.get(..length).map(|address| (length, Some(format!("mailto:{address}"))))
}
