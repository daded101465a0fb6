//! The names of `docs/protocol/text-vectors.json`, and what holds of all of them.

use serde_json::Value;

use super::*;

const VECTORS: &str = include_str!("../../../../docs/protocol/text-vectors.json");

fn vectors(of: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(VECTORS).expect("JSON");
    all[of].as_array().expect("a list").clone()
}

fn text<'a>(vector: &'a Value, field: &str) -> Option<&'a str> {
    vector.get(field).and_then(Value::as_str)
}

#[test]
fn names_are_kept_compared_and_refused_as_the_vectors_say() {
    for vector in vectors("names") {
        let raw = text(&vector, "raw").expect("a raw text");
        let refused = match stored(raw) {
            Ok(name) => {
                assert_eq!(Some(&*name), text(&vector, "stored"), "{vector}");
                assert_eq!(Some(&*compared(&name)), text(&vector, "compared"), "{vector}");
                assert_eq!(stored(&name), Ok(name.clone()), "a stored form stays as it is: {vector}");
                assert_eq!(compared(&name), compared(raw), "a name is the same however it came: {vector}");
                assert_eq!(compared(&compared(raw)), compared(raw), "{vector}");
                assert_eq!(mended(raw), Some(name), "{vector}");
                None
            }
            Err(Unfit::Blank) => Some("blank"),
            Err(Unfit::Control(_)) => Some("control"),
            Err(Unfit::Marks) => Some("marks"),
        };
        assert_eq!(refused, text(&vector, "refused"), "{vector}");
    }
}

#[test]
fn names_look_alike_as_the_vectors_say() {
    for vector in vectors("alike") {
        let names = [text(&vector, "one").expect("a name"), text(&vector, "other").expect("a name")];
        assert_eq!(look_alike(names[0]) == look_alike(names[1]), vector["alike"] == true, "{vector}");
    }
}

#[test]
fn names_are_found_as_the_vectors_say() {
    for vector in vectors("searches") {
        let names: Vec<&str> = vector["names"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
        let key = search_key(names);
        let words = words(text(&vector, "search").expect("a search"));
        let found = words.iter().all(|word| key.contains(&format!(" {word}")));
        assert_eq!(found, vector["found"] == true, "{vector}: {words:?} in {key:?}");
    }
}

#[test]
fn reactions_are_emoji_as_the_vectors_say() {
    for vector in vectors("reactions") {
        let emoji = crate::reactions::emoji(text(&vector, "raw").expect("a raw text"));
        assert_eq!(emoji.as_deref(), text(&vector, "stored"), "{vector}");
    }
}

/// Planes in which there are characters that are not for private use.
fn assigned() -> impl Iterator<Item = char> {
    (0..0x4_0000).chain(0xe_0000..0xe_1000).filter_map(char::from_u32)
}

/// If it fails, a crate has brought other tables: give [`VERSION`] another value, so that keys are made anew.
#[test]
fn the_version_is_that_of_the_tables() {
    // FNV-1a over the keys of every character.
    let mut sum = 0xcbf2_9ce4_8422_2325_u64;
    for c in assigned() {
        let mut name = [0; 4];
        let name = &*c.encode_utf8(&mut name);
        for byte in [compared(name), look_alike(name), search_key([name])].concat().bytes() {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    assert_eq!((VERSION, sum), ("3, Unicode 17", 14_668_004_441_439_623_296));
    assert!(characters::is_picture('\u{1faea}'), "an emoji of Unicode 17");
}

#[test]
fn every_character_has_one_stored_and_one_compared_form() {
    for c in assigned() {
        let raw = format!("a{c}");
        let key = compared(&raw);
        assert_eq!(compared(&key), key, "U+{:04X}", c as u32);
        match stored(&raw) {
            Ok(name) => {
                assert_eq!(stored(&name).as_deref(), Ok(&*name), "U+{:04X}", c as u32);
                assert_eq!(compared(&name), key, "U+{:04X}", c as u32);
            }
            Err(unfit) => assert!(matches!(unfit, Unfit::Control(_)), "U+{:04X}: {unfit}", c as u32),
        }
    }
}

#[test]
fn lines_are_kept_and_each_is_cleaned() {
    assert_eq!(
        stored_lines("  one\t two \r\n\u{202e}three\n\n\u{200b}\nfour  ").as_deref(),
        Ok("one two\nthree\n\n\nfour")
    );
    assert_eq!(stored_lines("\u{200b} \n\u{2800}").as_deref(), Ok(""));
    assert_eq!(stored_lines("a\0b"), Err(Unfit::Control('\0')));
}

#[test]
fn an_old_name_loses_what_would_be_refused() {
    assert_eq!(mended("a\u{7}b\nc").as_deref(), Some("a b c"));
    assert_eq!(mended("\u{200b}\u{2800}"), None);
    let zalgo = format!("z{}", "\u{316}".repeat(30));
    assert_eq!(stored(&zalgo), Err(Unfit::Marks));
    assert!(mended(&zalgo).is_some_and(|name| stored(&name) == Ok(name.clone())));
}

#[test]
fn marks_are_counted_through_joiners_and_none_stands_at_the_beginning() {
    for many in [
        format!("a{}", format!("{}\u{94d}\u{200d}", "\u{338}".repeat(7)).repeat(8)),
        format!("\u{915}{}", "\u{94d}\u{200d}".repeat(20)),
        format!("a{}", "\u{903}".repeat(30)),
    ] {
        assert_eq!(stored(&many), Err(Unfit::Marks), "{many:?}");
        assert!(mended(&many).is_some_and(|name| stored(&name).is_ok()), "{many:?}");
    }
    assert_eq!(stored("\u{301} x").as_deref(), Ok("x"));
    assert_eq!(stored("\u{301}"), Err(Unfit::Blank));
}

#[test]
fn korean_names_are_found_by_the_given_name_and_others_without_their_brackets() {
    let finds = |name: &str, search: &str| {
        let key = search_key([name]);
        words(search).iter().all(|word| key.contains(&format!(" {word}")))
    };
    assert!(finds("\u{ae40}\u{bbfc}\u{c900}", "\u{bbfc}\u{c900}"));
    assert!(finds("ann (cool_one)", "cool_one") && finds("\"deux_mots\"", "deux_mots"));
    assert!(!finds("ann (cool_one)", "hot"));
}

#[test]
fn tags_that_spell_no_region_are_taken_out_of_names() {
    let tagged = |text: &str| -> String {
        let tags = text.chars().filter_map(|c| char::from_u32(0xe0000 + c as u32));
        std::iter::once('\u{1f3f4}').chain(tags).chain(['\u{e007f}']).collect()
    };
    assert_eq!(stored(&tagged("gbsct")).as_deref(), Ok(&*tagged("gbsct")));
    for hidden in ["HELLO", "hidden text", "a", "abcdefg"] {
        assert_eq!(stored(&tagged(hidden)).as_deref(), Ok("\u{1f3f4}"), "{hidden}");
    }
}

#[test]
fn names_of_visible_ascii_are_compared_as_the_tables_say() {
    let signs: Vec<char> = ('!'..='~').collect();
    for one in &signs {
        for other in &signs {
            let name = format!("{one}{other}{one}");
            assert_eq!(compared(&name), compared_by_tables(&name));
        }
    }
}
