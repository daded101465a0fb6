//! L1: previews of links come once, are whole, and stay off once they were taken off.

use serde::Serialize;

use super::{Evidence, Rule, Violation};

/// Everything that became of one client's links.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Linked {
    /// The client's name in reports.
    pub client: String,
    /// How many numbers the room has taken, in which nothing happened but messages with links and their previews.
    pub changes: i64,
    /// The messages of the room.
    pub links: Vec<Link>,
}

/// A message with a link, at the end.
#[derive(Clone, Debug, Serialize)]
pub struct Link {
    /// Its number.
    pub seq: i64,
    /// Whether anything of it has changed since.
    pub is_changed: bool,
    /// Whether it has a preview.
    pub has_preview: bool,
    /// Whether that is of its page.
    pub is_right: bool,
    /// Whether taking it off was acknowledged.
    pub is_off: bool,
    /// How often its page was asked for.
    pub asked: u64,
    /// Whether the page and its picture were given to their ends when they were last asked for.
    pub was_served: bool,
    /// The preview's picture.
    pub picture: Picture,
}

/// The picture of a preview.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Picture {
    /// There is none.
    None,
    /// It is that of the page.
    Whole,
    /// It cannot be read, or is another.
    Other,
}

/// Judges the rule, and counts how often it was applied.
pub(super) fn judge(evidence: &Evidence) -> (Vec<Violation>, Vec<(Rule, u64)>) {
    let (mut violations, mut count) = (Vec::new(), 0);
    for Linked { client, changes, links } in &evidence.linked {
        let mut broken = |detail: String| violations.push(Violation { rule: Rule::L1, detail });
        for link in links {
            count += 1;
            let seq = link.seq;
            if link.has_preview && link.is_off {
                broken(format!("the preview of {seq} of {client} was taken off and is there"));
            }
            if link.has_preview && (!link.is_right || link.picture == Picture::Other) {
                broken(format!("the preview of {seq} of {client} is not that of its page: {link:?}"));
            }
            let is_missing = !link.has_preview && !link.is_off;
            if is_missing && (link.asked == 0 || link.was_served) {
                broken(format!("{seq} of {client} has no preview, and its page was asked for {} times", link.asked));
            }
        }
        // A message takes a number, its preview one, and taking that off another.
        let numbers = links.iter().map(|link| 1 + i64::from(link.is_changed) * if link.has_preview { 1 } else { 2 });
        let explained: i64 = numbers.sum();
        if explained != *changes {
            broken(format!("{client} explains {explained} changes, and there were {changes}: a preview came twice"));
        }
    }
    (violations, vec![(Rule::L1, count)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Link = Link {
        seq: 5,
        is_changed: true,
        has_preview: true,
        is_right: true,
        is_off: false,
        asked: 1,
        was_served: true,
        picture: Picture::Whole,
    };
    const OFF: Link = Link { has_preview: false, is_off: true, picture: Picture::None, ..GOOD };

    fn count_of_broken(changes: i64, links: Vec<Link>) -> usize {
        let linked = vec![Linked { client: "ann".into(), changes, links }];
        let (violations, counts) = judge(&Evidence { linked, ..Evidence::default() });
        assert!(counts.iter().any(|(rule, count)| *rule == Rule::L1 && *count > 0), "{counts:?}");
        violations.len()
    }

    #[test]
    fn the_rule_about_links_is_broken_by_what_breaks_it_and_by_nothing_else() {
        let never = Link { is_changed: false, ..OFF };
        let slow = Link { has_preview: false, is_changed: false, was_served: false, ..GOOD };
        let bare = Link { picture: Picture::None, ..GOOD };
        assert_eq!(count_of_broken(2 + 3 + 1 + 1 + 2, vec![GOOD, OFF, never, slow.clone(), bare]), 0);
        assert_eq!(count_of_broken(2, vec![Link { is_off: true, ..GOOD }]), 1, "it came back");
        assert_eq!(count_of_broken(2, vec![Link { picture: Picture::Other, ..GOOD }]), 1, "half a picture");
        assert_eq!(count_of_broken(2, vec![Link { is_right: false, ..GOOD }]), 1, "another page");
        assert_eq!(count_of_broken(1, vec![Link { asked: 0, ..slow.clone() }]), 1, "forgotten");
        assert_eq!(count_of_broken(1, vec![Link { was_served: true, ..slow }]), 1, "lost");
        assert_eq!(count_of_broken(3, vec![GOOD]), 1, "made twice");
    }
}
