//! Only one module decides when two names are one: nothing else folds letters beyond ASCII.

use super::{Source, program, test_modules};

/// Where names are kept, compared and said.
const WHERE: &[&str] = &["crates/chat/", "crates/store/", "crates/engine/", "crates/dialects/", "clients/web/src/"];
/// The module itself.
const MODULE: &str = "crates/chat/src/names";
/// What would be another way of comparing names.
const WAYS: &[&str] = &[
    ".to_lowercase(",
    ".to_uppercase(",
    "char::to_lowercase",
    "char::to_uppercase",
    "str::to_lowercase",
    "str::to_uppercase",
    "LOWER(",
    "UPPER(",
    "COLLATE ",
    "ILIKE",
    "toLocaleLowerCase(",
];
/// Files that fold something which is no name, and what.
const OTHERWISE: &[(&str, &str)] = &[
    ("crates/chat/src/search/terms.rs", "the words of messages"),
    ("crates/engine/src/tokens/purpose.rs", "the words of a token's claims"),
    ("crates/dialects/src/replay.rs", "people's names in transcripts are made of their usernames"),
];

/// Places that compare in a way of their own, and exceptions that are none any more.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let tests = test_modules(sources);
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| is_looked_at(&source.path) && !tests.contains(&source.path)) {
        let excused = OTHERWISE.iter().any(|(path, _)| *path == source.path);
        let mut is_needed = false;
        for (at, line) in program(source) {
            let Some(way) = WAYS.iter().find(|way| line.contains(**way)) else { continue };
            is_needed = true;
            if !excused {
                let way = way.trim_matches(['.', '(', ' ']);
                problems.push(format!("{}:{at}: {way}: names are compared by chat::names alone", source.path));
            }
        }
        if excused && !is_needed {
            problems.push(format!("xtask/src/tidy/comparing.rs: {} needs no exception any more", source.path));
        }
    }
    problems
}

fn is_looked_at(path: &str) -> bool {
    let is_program = path.ends_with(".rs") || path.ends_with(".ts") || path.ends_with(".svelte");
    is_program
        && !path.starts_with(MODULE)
        && !path.contains("/tests/")
        && WHERE.iter().any(|part| path.starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn another_way_of_comparing_names_is_found() {
        for (path, line) in [
            ("crates/store/src/accounts.rs", "const A: &str = \"WHERE LOWER(display_name) = $1\";"),
            ("crates/store/src/accounts.rs", "const A: &str = \"ORDER BY name COLLATE NOCASE\";"),
            ("crates/engine/src/accounts.rs", "let key = name.to_lowercase();"),
            ("crates/dialects/src/matcha/rest.rs", "names.map(str::to_lowercase)"),
            ("clients/web/src/rooms/Sidebar.svelte", "const wanted = filter.toLocaleLowerCase();"),
        ] {
            assert_eq!(check(&[source(path, line)]).len(), 1, "{line}");
        }
        for (path, line) in [
            ("crates/chat/src/names/characters.rs", "text.to_lowercase()"),
            ("crates/connect/src/body.rs", "media_type.to_lowercase()"),
            ("crates/store/src/accounts.rs", "name.to_ascii_lowercase()"),
            ("crates/store/tests/it/main.rs", "name.to_lowercase()"),
        ] {
            assert!(check(&[source(path, line)]).is_empty(), "{line}");
        }
    }

    #[test]
    fn an_exception_that_is_none_any_more_is_found() {
        assert_eq!(check(&[source(OTHERWISE[0].0, "fn nothing() {}")]).len(), 1);
    }
}
