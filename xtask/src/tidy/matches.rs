//! Matches on facts and signals must name every case, and the recipe for a new noun must name every file with such a
//! match.

use std::collections::BTreeSet;

use super::{Source, test_modules};

/// The enums that get a variant with each noun.
const GROWING: &[&str] = &["AccountFact::", "Fact::", "Signal::"];
/// Crates that judge the product from outside: they may look for single cases.
const JUDGES: &[&str] = &["chaos", "promises", "simulation", "testkit"];
/// The document with the recipe.
const RECIPE: &str = "CONTRIBUTING.md";
const SECTION: &str = "## Adding a feature";

/// Finds wildcards over facts and signals in the product, and files that the recipe does not name.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let tests = test_modules(sources);
    let recipe = sources.iter().find(|source| source.path == RECIPE).map_or("", |source| section(&source.text));
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| !tests.contains(&source.path)) {
        let Some((of, inside)) = source.path.strip_prefix("crates/").and_then(|path| path.split_once('/')) else {
            continue;
        };
        if !inside.starts_with("src/")
            || !inside.ends_with(".rs")
            || inside.ends_with("/tests.rs")
            || inside.contains("/tests/")
        {
            continue;
        }
        let code = blanked(program(&source.text));
        let judges = JUDGES.contains(&of);
        let (mut asks, mut reported) = (false, BTreeSet::new());
        for found in matches(&code).into_iter().filter(|found| found.is_over(GROWING)) {
            match found.patterns.iter().any(|pattern| is_wild(pattern)) {
                true if !judges && reported.insert(found.line) => problems.push(format!(
                    "{}:{}: a match over facts or signals names every case: the next noun's must be asked for",
                    source.path, found.line
                )),
                true => {}
                false => asks = true,
            }
        }
        asks |= !judges && picks_one(&code);
        let name = format!("{of}/{inside}");
        if asks && !recipe.contains(&name) {
            problems.push(format!("{RECIPE}: \"{}\" does not name {name}, which matches on facts", &SECTION[3..]));
        }
    }
    problems
}

/// The recipe's text, up to the next one.
fn section(text: &str) -> &str {
    let from = text.find(SECTION).map_or("", |at| &text[at..]);
    from[SECTION.len().min(from.len())..].split("\n## ").next().unwrap_or_default()
}

/// A file up to its tests.
fn program(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

/// Whether the code looks for a single case, so that the compiler cannot demand an update.
fn picks_one(code: &str) -> bool {
    GROWING.iter().any(|growing| {
        code.match_indices(growing).any(|(at, _)| {
            let before = code[..at].trim_end_matches(|c: char| c.is_alphanumeric() || "_:(&".contains(c)).trim_end();
            before.ends_with("let") || code[..at].rsplit(';').next().unwrap_or_default().contains("matches!(")
        })
    })
}

/// One `match` expression.
struct Match {
    line: usize,
    patterns: Vec<String>,
}

impl Match {
    fn is_over(&self, enums: &[&str]) -> bool {
        self.patterns.iter().any(|pattern| enums.iter().any(|name| names(pattern, name)))
    }
}

/// Whether a pattern names a variant of this enum, and not of another whose name has the same ending.
fn names(pattern: &str, name: &str) -> bool {
    pattern.match_indices(name).any(|(at, _)| !pattern[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Whether a pattern matches everything.
fn is_wild(pattern: &str) -> bool {
    let bare = pattern.split(" if ").next().unwrap_or_default();
    let words = bare.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let takes_all = |word: &str| {
        ["Some", "Ok", "ref", "mut"].contains(&word) || word.starts_with(|c: char| c.is_lowercase() || c == '_')
    };
    !bare.contains("::")
        && !bare.contains('"')
        && words.clone().count() > 0
        && words.clone().all(takes_all)
        && !words.clone().all(|word| ["true", "false"].contains(&word))
}

/// Every `match` in a file whose comments and texts are blanked.
fn matches(code: &str) -> Vec<Match> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let starts = code.match_indices("match").map(|(at, _)| at).filter(|at| {
        !code[..*at].ends_with(is_word) && code[at + 5..].starts_with(|c: char| c.is_whitespace() || c == '(')
    });
    starts
        .filter_map(|at| {
            let open = at + 5 + end_of(&code[at + 5..], '{')?;
            let close = open + 1 + end_of(&code[open + 1..], '}')?;
            let line = code[..at].matches('\n').count() + 1;
            Some(Match { line, patterns: patterns(&code[open + 1..close]) })
        })
        .collect()
}

/// The index of this character outside of all brackets; `None` if a closing bracket comes first.
fn end_of(code: &str, wanted: char) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            c if c == wanted && depth == 0 => return Some(at),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => return None,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The patterns of a match's arms.
fn patterns(mut body: &str) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(arrow) = arrow(body) {
        found.push(body[..arrow].trim().to_owned());
        let rest = body[arrow + 2..].trim_start();
        body = if let Some(block) = rest.strip_prefix('{') {
            let end = end_of(block, '}').map_or(block.len(), |end| end + 1);
            block[end..].trim_start().trim_start_matches(',')
        } else {
            end_of(rest, ',').map_or("", |end| &rest[end + 1..])
        };
    }
    found
}

/// The index of the next arm's arrow.
fn arrow(body: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + end_of(&body[from..], '=')?;
        if body[at..].starts_with("=>") {
            return Some(at);
        }
        from = at + 1;
    }
}

/// The code with blanks in place of comments, texts and characters, so that brackets in them do not count.
fn blanked(code: &str) -> String {
    let mut blank = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(raw) = rest.strip_prefix("r#\"") {
            raw.find("\"#").map_or(rest.len(), |end| end + 5)
        } else if first == '"' {
            end_of_text(&rest[1..]) + 2
        } else if let Some(length) = character(rest) {
            length
        } else {
            blank.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let length = length.min(rest.len());
        blank.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[length..];
    }
    blank
}

/// The length of a text up to its closing quote.
fn end_of_text(text: &str) -> usize {
    let mut escaped = false;
    let end = text.find(|c: char| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    end.unwrap_or(text.len())
}

/// The length of a character literal; `None` if it is a lifetime.
fn character(code: &str) -> Option<usize> {
    let inside = code.strip_prefix('\'')?;
    let length = match inside.strip_prefix('\\') {
        Some(escaped) => 1 + escaped.chars().next()?.len_utf8() + escaped[1..].find('\'')?,
        None => inside.chars().next()?.len_utf8(),
    };
    inside.get(length..)?.starts_with('\'').then_some(length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    /// The problems of one file of the product that the recipe names.
    fn problems(code: &str) -> Vec<String> {
        let recipe = source(RECIPE, "## Adding a feature\n`hub/src/a.rs`\n## Else\n");
        check(&[recipe, source("crates/hub/src/a.rs", code)])
    }

    #[test]
    fn a_wildcard_over_facts_or_signals_is_found_and_one_over_others_is_not() {
        for (arms, is_wild) in [
            ("Fact::A => {} _ => {}", true),
            ("Fact::A => f(1, 2), other => g(other)", true),
            ("Some(Fact::A(x)) => { x } Some(_) => 1, None => 2", true),
            ("(Fact::A, 1) => 1, (_, _) => 2", true),
            ("chat::Signal::A { .. } if x => {}, _ if y => {}, Signal::B => {}", true),
            ("Fact::A => {} Fact::B(_) | Fact::C { .. } => {}", false),
            ("Artifact::A => {} _ => {}", false),
            ("Other::A => { Fact::B } _ => {}", false),
            ("Fact::A => match x { 1 => {} _ => {} }, Fact::B => {}", false),
            ("Fact::A => \"_ => {\", /* one */ Fact::B => '}'", false),
            ("Fact::A => {} // _ => {}\n Fact::B => {}", false),
        ] {
            let found = problems(&format!("fn f() {{\n    match fact {{ {arms} }}\n}}"));
            assert_eq!(!found.is_empty(), is_wild, "{arms}: {found:?}");
            assert!(found.iter().all(|problem| problem.starts_with("crates/hub/src/a.rs:2: ")), "{found:?}");
        }
        let test = "#[cfg(test)]\nmod tests {\n match a { Fact::A => {} _ => {} } }";
        assert!(problems(test).is_empty(), "a test looks for what it looks for");
        let judge = source("crates/simulation/src/a.rs", "match a { Fact::A => {} _ => {} }");
        assert!(check(&[judge]).is_empty());
    }

    #[test]
    fn every_file_that_matches_on_facts_is_in_the_recipe() {
        for code in [
            "match fact { Fact::A => {} Fact::B => {} }",
            "let Fact::A(x) = &event.fact else { return };",
            "if let Some(Fact::A(x)) = fact {}",
            "let x = matches!(signal, Signal::A { .. });",
        ] {
            let text = format!("fn f() {{ {code} }}");
            assert_eq!(problems(&text), [] as [String; 0], "{code}");
            let found = check(&[source(RECIPE, "`hub/src/b.rs`"), source("crates/hub/src/b.rs", &text)]);
            assert!(found.len() == 1 && found[0].contains("does not name hub/src/b.rs"), "{code}: {found:?}");
        }
        assert!(check(&[source("crates/hub/src/b.rs", "let it = make(Fact::A(x));")]).is_empty(), "it makes one");
    }
}
