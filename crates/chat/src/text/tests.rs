//! The texts of `docs/protocol/text-vectors.json`.

use serde_json::{Value, json};

use super::*;

const VECTORS: &str = include_str!("../../../../docs/protocol/text-vectors.json");

/// A part as the vectors write it.
fn written(part: &Part<'_>) -> Value {
    let (kind, more) = match &part.meaning {
        Meaning::Text => ("text", None),
        Meaning::Link(address) => ("link", Some(("address", json!(address)))),
        Meaning::Mention(name) => ("mention", Some(("name", json!(name)))),
        Meaning::Room(name) => ("room", Some(("name", json!(name)))),
        Meaning::Emoji(name) => ("emoji", Some(("name", json!(name)))),
        Meaning::Code { block, .. } => ("code", Some(("block", json!(block)))),
        Meaning::Strong => ("strong", None),
        Meaning::Emphasis => ("emphasis", None),
        Meaning::Strike => ("strike", None),
        Meaning::Heading(level) => ("heading", Some(("level", json!(level)))),
        Meaning::Quote => ("quote", None),
        Meaning::List => ("list", None),
        Meaning::Item(number) => ("item", number.map(|number| ("number", json!(number)))),
    };
    let mut value = json!({"kind": kind, "from": part.place.start, "to": part.place.end});
    if part.parts.is_empty() || kind == "link" {
        value["text"] = json!(part.text);
    }
    if let Some((name, more)) = more {
        value[name] = more;
    }
    if let Meaning::Code { language: Some(language), .. } = &part.meaning {
        value["language"] = json!(language);
    }
    if !part.parts.is_empty() {
        value["parts"] = part.parts.iter().map(written).collect();
    }
    value
}

#[test]
fn texts_have_the_parts_and_the_plain_form_that_the_vectors_say() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("JSON");
    for vector in vectors["texts"].as_array().expect("texts") {
        let text = vector["text"].as_str().expect("a text");
        let found: Vec<Value> = parts(text).iter().map(written).collect();
        assert_eq!(json!(found), vector["parts"], "{text:?}");
        assert_eq!(plain(text), vector["plain"].as_str().unwrap_or(text), "{text:?}");
    }
}

/// Whether parts follow each other without gaps, and those within a part lie in it in their order; how deep they go.
fn depth(text: &[char], parts: &[Part<'_>], place: std::ops::Range<usize>, gaps: bool) -> usize {
    let mut at = place.start;
    let mut deepest = 0;
    for part in parts {
        assert!(if gaps { part.place.start >= at } else { part.place.start == at }, "{text:?}");
        assert!(part.place.end > part.place.start && part.place.end <= place.end, "{text:?}");
        at = part.place.end;
        if part.parts.is_empty() {
            let whole: String = text[part.place.clone()].iter().collect();
            let is_cut = matches!(part.meaning, Meaning::Code { block: true, .. });
            assert!(is_cut || (!part.text.is_empty() && whole.contains(&*part.text)), "{text:?}");
        }
        deepest = deepest.max(1 + depth(text, &part.parts, part.place.clone(), true));
    }
    assert!(gaps || at == text.len(), "{text:?}");
    deepest
}

const PIECES: &[&str] = &[
    "https://",
    "www.",
    "mailto:",
    "@",
    "＠",
    "#",
    "ann",
    "a.example",
    "/",
    "\\",
    "(",
    ")",
    "](https://a.example)",
    "[",
    "]",
    ".",
    " ",
    "  ",
    "    ",
    "\t",
    "\n",
    "\r\n",
    "\n> ",
    "\n- ",
    "\n1. ",
    "\n# ",
    "\n  - ",
    "`",
    "```",
    "你",
    "é",
    "👍",
    "\u{fe0f}",
    "\u{202e}",
    ":",
    "。",
    "*",
    "**",
    "***",
    "_",
    "~~",
    ">",
    "-",
    "1",
    ":tada:",
    "x",
];

#[test]
fn parts_follow_each_other_without_gaps_whatever_comes() {
    let mut dice = 7_u64;
    for round in 0..30_000 {
        let mut text = String::new();
        for _ in 0..6 + round % 20 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push_str(PIECES[usize::try_from(dice >> 33).expect("small") % PIECES.len()]);
        }
        let chars: Vec<char> = text.chars().collect();
        // Three quotes, three lists with their items, a link in four styles with four in its text.
        assert!(depth(&chars, &parts(&text), 0..chars.len(), false) <= 3 + 6 + 4 + 1 + 4, "{text:?}");
        let _is_no_panic = plain(&text);
    }
}

#[test]
fn a_long_hostile_text_takes_a_time_that_grows_with_its_length() {
    let mut pieces: Vec<String> = PIECES.iter().map(|piece| (*piece).to_owned()).collect();
    let nested = [
        "*a **b ~~c _d ",
        "*a* ",
        "**a",
        "a** ",
        "*a _",
        "[a](https://x",
        "[",
        "[a](",
        "> > ",
        "\n>",
        "\n> - a\n>   - b",
        "\n- a\n  - b\n    - c\n      - d",
        "- ",
        "@a.",
        "(https://a.example/(",
        "``` ",
        "`a\n",
        "```\n> ",
        "a@",
        "a.",
    ];
    pieces.extend(nested.map(str::to_owned));
    for piece in pieces {
        let text = piece.repeat(10_000);
        // A time that grew with the square would be minutes.
        let begin = std::time::Instant::now();
        assert!(!parts(&text).is_empty());
        assert!(begin.elapsed().as_secs() < 3, "{piece:?}");
    }
}

#[test]
fn a_mention_is_compared_as_names_are() {
    assert!(mentions("**hi _you_ @Ann!**", "ann") && mentions("> - @ann", "ann"));
    assert!(mentions("hi @Ann!", "ann") && mentions("＠ＡＮＮ", "Ann") && mentions("@annさん", "ann"));
    assert!(
        !mentions("@anna", "ann")
            && !mentions("mail@ann", "ann")
            && !mentions("`@ann`", "ann")
            && !mentions("@annë", "ann")
    );
}

#[test]
fn each_name_is_mentioned_once_wherever_it_stands() {
    assert_eq!(mentioned("@bob **@Ann** `@eve`\n> @BOB\n- @here"), ["bob", "ann", "here"]);
}
