//! A public type's name must be unique, or the glossary must say what it means in each place.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, program, test_modules};

/// Paths that are not checked: each command of the program is a file whose types nobody else uses, and the judges are
/// separate from the product.
const ALONE: &[&str] =
    &["crates/app/src/commands/", "crates/chaos/", "crates/promises/", "crates/simulation/", "crates/testkit/"];
/// Each folder in here is a dialect: its type with a noun's name is how that dialect writes the noun.
const DIALECTS: &str = "crates/dialects/src/";
const GLOSSARY: &str = "docs/glossary.md";
const SECTION: &str = "## Names that stand twice";

/// Finds public types that share a name and are not in the glossary, and entries of the glossary that are not needed.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let tests = test_modules(sources);
    let mut places: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for source in sources.iter().filter(|source| belongs(&source.path) && !tests.contains(&source.path)) {
        for (at, line) in program(source) {
            if let Some(name) = public_type(line) {
                places.entry(name).or_default().insert(format!("{}:{at}", source.path));
            }
        }
    }
    let glossary = sources.iter().find(|source| source.path == GLOSSARY).map_or("", |source| &source.text);
    let explained = explained(glossary);
    let twice = || places.iter().filter(|(_, places)| places.len() > 1);
    let mut problems: Vec<String> = twice()
        .filter(|(name, _)| !explained.contains(name))
        .map(|(name, places)| {
            let places: Vec<&str> = places.iter().map(String::as_str).collect();
            let places = places.join(", ");
            format!("{name} stands for several things ({places}): rename one, or explain them in {GLOSSARY}")
        })
        .collect();
    for name in explained.iter().filter(|name| !twice().any(|(known, _)| known == *name)) {
        problems.push(format!("{GLOSSARY}: {name} stands once, and needs no entry under \"{}\"", &SECTION[3..]));
    }
    problems
}

fn belongs(path: &str) -> bool {
    let in_dialect = path.strip_prefix(DIALECTS).is_some_and(|inside| inside.contains('/'));
    path.starts_with("crates/")
        && path.contains("/src/")
        && path.ends_with(".rs")
        && !in_dialect
        && !ALONE.iter().any(|alone| path.starts_with(alone))
}

/// The name of the public type that a line declares.
fn public_type(line: &str) -> Option<&str> {
    let line = line.strip_prefix("pub ")?;
    let rest = ["struct ", "enum ", "trait ", "type "].iter().find_map(|kind| line.strip_prefix(kind))?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// The names in the first column of the glossary's table.
fn explained(glossary: &str) -> Vec<&str> {
    let section = glossary.split(SECTION).nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)], glossary: &str) -> Vec<String> {
        let files = files.iter().copied().chain([(GLOSSARY, glossary)]);
        check(&files.map(|(path, text)| Source { path: path.to_owned(), text: text.to_owned() }).collect::<Vec<_>>())
    }

    #[test]
    fn a_duplicate_type_name_is_found_unless_the_glossary_explains_it() {
        let two = [("crates/a/src/x.rs", "pub struct Heard {}"), ("crates/b/src/y.rs", "pub enum Heard<'a> {}")];
        let problems = found(&two, "");
        assert!(problems.len() == 1 && problems[0].contains("a/src/x.rs:1, crates/b/src/y.rs:1"), "{problems:?}");
        let entry = "## Names that stand twice\n| name | things |\n|---|---|\n| `Heard` | this and that |\n";
        assert_eq!(found(&two, entry), [] as [String; 0]);
        assert_eq!(found(&two[..1], entry).len(), 1, "an entry that none needs");
        for other in [
            ("crates/b/src/y.rs", "pub(crate) enum Heard {}"),
            ("crates/b/src/y.rs", "    pub type Heard = u8;"),
            ("crates/dialects/src/native/y.rs", "pub struct Heard;"),
            ("crates/app/src/commands/y.rs", "pub struct Heard;"),
            ("crates/b/tests/y.rs", "pub struct Heard;"),
            ("crates/b/src/y.rs", "#[cfg(test)]\nmod tests {\npub struct Heard;"),
        ] {
            assert_eq!(found(&[two[0], other], ""), [] as [String; 0], "{other:?}");
        }
    }
}
