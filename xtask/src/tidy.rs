//! `cargo xtask tidy`: checks the project's rules that the compiler does not check.

mod comparing;
mod matches;
mod names;
mod nouns;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::ensure;

use crate::shell::{command, output, root};

/// A text file of the repository.
struct Source {
    path: String,
    text: String,
}

/// Checks every rule and prints all violations.
pub fn run() -> anyhow::Result<()> {
    let sources = sources()?;
    let mut problems = Vec::new();
    problems.extend(documents(&sources));
    problems.extend(migrations());
    problems.extend(dependencies(&sources));
    problems.extend(code(&sources));
    problems.extend(components(&sources));
    problems.extend(everywhere(&sources));
    problems.extend(nouns::check(&sources));
    problems.extend(matches::check(&sources));
    problems.extend(names::check(&sources));
    problems.extend(comparing::check(&sources));
    problems.extend(lengths(&sources));
    for problem in &problems {
        println!("{problem}");
    }
    ensure!(problems.is_empty(), "{} places are not tidy", problems.len());
    println!("{} files are tidy", sources.len());
    Ok(())
}

fn sources() -> anyhow::Result<Vec<Source>> {
    let list = output(command("git").args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"]))?;
    let read = |path: &str| fs::read_to_string(root().join(path)).ok();
    Ok(list.split('\0').filter_map(|path| Some(Source { path: path.to_owned(), text: read(path)? })).collect())
}

/// Paths in documents must exist, whether in backticks or as links.
fn documents(sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".md")) {
        for (at, line) in source.text.lines().enumerate() {
            let quoted = line.split('`').skip(1).step_by(2).filter(|text| is_path(text));
            let linked = line
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split([')', '#']).next())
                .filter(|target| !target.is_empty() && !target.contains(':') && !target.starts_with('/'));
            for path in quoted.chain(linked).filter(|path| !exists(path, &source.path)) {
                problems.push(format!("{}:{}: there is no {path}", source.path, at + 1));
            }
        }
    }
    problems
}

/// Whether a quoted text is meant as a file of the repository: it has a folder and a known extension, or begins with
/// one of our folders.
fn is_path(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b));
    let ending = Path::new(text).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let known = ["rs", "toml", "md", "sql", "sh", "json", "ts", "js", "svelte", "html", "txt", "yml"].contains(&ending);
    let ours = ["crates/", "docs/", "xtask/", "clients/"].iter().any(|folder| text.starts_with(folder));
    plain && text.contains('/') && !text.starts_with(['/', '.']) && (known || ours)
}

/// Paths are written from the root, from `crates/`, or from the document's own folder.
fn exists(path: &str, document: &str) -> bool {
    let folder = Path::new(document).parent().map_or_else(PathBuf::new, PathBuf::from);
    [PathBuf::new(), PathBuf::from("crates"), folder].iter().any(|base| root().join(base).join(path).exists())
}

/// Both databases have the same migrations, and the numbers have no gaps.
fn migrations() -> Vec<String> {
    let names = |database: &str| -> BTreeSet<String> {
        let folder = root().join("crates/store/migrations").join(database);
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    };
    let (sqlite, postgres) = (names("sqlite"), names("postgres"));
    let mut problems: Vec<String> = sqlite
        .symmetric_difference(&postgres)
        .map(|name| format!("crates/store/migrations: {name} is there for one database only"))
        .collect();
    if sqlite.is_empty() {
        problems.push("crates/store/migrations: there are none".to_owned());
    }
    for (at, name) in sqlite.iter().enumerate() {
        if !name.starts_with(&format!("{:04}_", at + 1)) {
            problems.push(format!("crates/store/migrations/sqlite/{name}: number {:04} was expected", at + 1));
        }
    }
    problems
}

/// The crates that each of our crates may depend on, in the order of a message's journey.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("chat", &[]),
    ("store", &["chat"]),
    ("dialects", &["chat"]),
    ("blobs", &["chat"]),
    ("push", &[]),
    ("engine", &["chat", "store", "blobs", "push"]),
    ("stream", &["chat", "store"]),
    ("subscribers", &["chat", "store", "dialects", "stream"]),
    ("web", &[]),
    ("connect", &["blobs", "chat", "dialects", "engine", "stream", "subscribers", "web"]),
    ("outgoing", &[]),
    ("workers", &["chat", "engine", "outgoing"]),
    ("promises", &["chat"]),
    ("simulation", &["chat", "store", "engine", "stream", "promises"]),
    (
        "app",
        &[
            "chat",
            "store",
            "dialects",
            "engine",
            "stream",
            "subscribers",
            "connect",
            "web",
            "workers",
            "blobs",
            "outgoing",
            "push",
        ],
    ),
];

/// Libraries that only some of our crates may use: what stands between them and the network or the disk.
const ONLY: &[(&str, &[&str])] = &[
    ("axum", &["connect"]),
    ("sqlx", &["store"]),
    ("redis", &["stream"]),
    ("hyper", &["connect", "blobs", "outgoing"]),
    ("hyper-util", &["connect", "blobs", "outgoing"]),
];
/// The tables of Unicode.
const UNICODE: &[&str] =
    &["icu_casemap", "icu_normalizer", "icu_properties", "unicode-normalization", "unicode-security"];
/// What dialects must not use, because they do no I/O.
const NOT_IN_DIALECTS: &[&str] = &["tokio", "futures-util", "tracing", "getrandom", "metrics"];

fn dependencies(sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with("Cargo.toml")) {
        let Some(of) = source.path.strip_prefix("crates/").and_then(|path| path.strip_suffix("/Cargo.toml")) else {
            continue;
        };
        let used = used(&source.text);
        let mut complain = |what: String| problems.push(format!("{}: {what}", source.path));
        if let Some((_, known)) = MAY_KNOW.iter().find(|(name, _)| *name == of) {
            let ours = MAY_KNOW.iter().map(|(name, _)| *name).chain(["testkit", "palabre"]);
            for other in ours.filter(|other| used.contains(other) && !known.contains(other)) {
                complain(format!("{of} may not know {other}"));
            }
        }
        for (library, owners) in ONLY.iter().filter(|(library, owners)| used.contains(library) && !owners.contains(&of))
        {
            complain(format!("only {} may use {library}", owners.join(" and ")));
        }
        for library in
            used.iter().filter(|library| of == "chat" && !UNICODE.contains(library) && **library != "chat-derive")
        {
            complain(format!("chat knows nobody but the tables of Unicode: not {library}"));
        }
        for library in used.iter().filter(|library| of != "chat" && UNICODE.contains(library)) {
            complain(format!("only chat may use {library}: it decides when two names are one"));
        }
        for library in NOT_IN_DIALECTS.iter().filter(|library| of == "dialects" && used.contains(*library)) {
            complain(format!("dialects are pure: they may not use {library}"));
        }
    }
    problems
}

/// The names under `[dependencies]`; dependencies of tests are free.
fn used(manifest: &str) -> BTreeSet<&str> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            names.extend(line.split(['.', ' ', '=']).next());
        }
    }
    names
}

/// Words that stand in SQL and hardly anywhere else.
const SQL: &[&str] = &["SELECT ", "INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "\"UPDATE ", "PRAGMA "];

fn code(sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    let tests = test_modules(sources);
    let program_files = sources.iter().filter(|source| source.path.ends_with(".rs") && !tests.contains(&source.path));
    for source in program_files {
        let Some((of, inside)) = source.path.strip_prefix("crates/").and_then(|path| path.split_once('/')) else {
            continue;
        };
        for (at, line) in program(source) {
            let mut complain = |what: String| problems.push(format!("{}:{at}: {what}", source.path));
            if of != "store" && SQL.iter().any(|word| line.contains(word)) {
                complain("only store contains SQL".to_owned());
            }
            // Cargo passes values to build scripts in environment variables.
            let may_read = ["app", "testkit", "chaos"].contains(&of) || inside == "build.rs";
            if !may_read && (line.contains("std::env::") || line.contains("env::var")) {
                complain("only app reads the environment".to_owned());
            }
            if line.contains("unbounded_channel") || line.contains("UnboundedSender") {
                complain("every queue has a bound".to_owned());
            }
            if of == "dialects" && ["std::net", "std::fs", "std::time::SystemTime"].iter().any(|io| line.contains(io)) {
                complain("dialects perform no I/O and know no clock".to_owned());
            }
            if let Some(other) = other_dialect(of, inside, line, sources) {
                complain(format!("a dialect does not know another one ({other})"));
            }
        }
    }
    problems
}

/// Files that are modules of tests only: `mod x;` under `#[cfg(test)]`.
fn test_modules(sources: &[Source]) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".rs")) {
        let path = Path::new(&source.path);
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let parent = path.parent().map_or_else(PathBuf::new, PathBuf::from);
        let folder = if ["lib", "main", "mod"].contains(&stem) { parent } else { parent.join(stem) };
        let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
        for pair in lines.windows(2).filter(|pair| pair[0] == "#[cfg(test)]") {
            let name = pair[1].split_once("mod ").and_then(|(_, rest)| rest.strip_suffix(';'));
            files.extend(name.map(|name| folder.join(format!("{name}.rs")).display().to_string()));
        }
    }
    files
}

/// The lines of a file that are neither comments nor tests, with their numbers.
fn program(source: &Source) -> Vec<(usize, &str)> {
    let is_test = source.path.contains("/tests/");
    let all: Vec<&str> = if is_test { Vec::new() } else { source.text.lines().collect() };
    let tests = all.windows(2).position(|pair| pair[0].trim() == "#[cfg(test)]" && pair[1].ends_with('{'));
    let lines = all.into_iter().enumerate().take(tests.unwrap_or(usize::MAX));
    lines.map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//")).collect()
}

fn other_dialect(of: &str, inside: &str, line: &str, sources: &[Source]) -> Option<String> {
    let own = inside.strip_prefix("src/")?.split_once('/').filter(|_| of == "dialects")?.0;
    let folders: BTreeSet<&str> = sources
        .iter()
        .filter_map(|source| source.path.strip_prefix("crates/dialects/src/")?.split_once('/'))
        .map(|(folder, _)| folder)
        .collect();
    let named =
        |other: &str| ["crate::", "super::super::"].iter().any(|from| line.contains(&format!("{from}{other}::")));
    folders.into_iter().find(|other| *other != own && named(other)).map(str::to_owned)
}

/// The most lines of a Svelte component: it should show one thing.
const COMPONENT_LINES: usize = 150;

/// Svelte files that may be longer because they are tables, with the reason.
const TABLES: &[(&str, &str)] = &[];

fn components(sources: &[Source]) -> Vec<String> {
    let long = |source: &&Source| source.path.ends_with(".svelte") && source.text.lines().count() > COMPONENT_LINES;
    let excepted = |path: &str| TABLES.iter().any(|(table, _)| *table == path);
    let mut problems: Vec<String> = sources
        .iter()
        .filter(long)
        .filter(|source| !excepted(&source.path))
        .map(|source| {
            let lines = source.text.lines().count();
            format!("{}: {lines} lines: beyond {COMPONENT_LINES} a component is two things", source.path)
        })
        .collect();
    for (table, _) in TABLES.iter().filter(|(table, _)| !sources.iter().filter(long).any(|it| it.path == *table)) {
        problems.push(format!("xtask/src/tidy.rs: {table} needs no exception"));
    }
    problems
}

/// Texts that must not occur anywhere. Written in two parts, so that this file does not contain them itself.
fn everywhere(sources: &[Source]) -> Vec<String> {
    let anywhere = [
        (concat!("/wo", "rk/"), "a path of one machine"),
        (concat!("/ho", "me/"), "a path of one machine"),
        (concat!("/Us", "ers/"), "a path of one machine"),
        (concat!("/ro", "ot/"), "a path of one machine"),
    ];
    let in_code = [
        (concat!("to", "do!("), "unfinished"),
        (concat!("unimpl", "emented!("), "unfinished"),
        (concat!("db", "g!("), "left over"),
        (concat!("#[ig", "nore"), "a test that is skipped proves nothing"),
    ];
    let mut problems = Vec::new();
    for source in sources {
        let is_code = source.path.ends_with(".rs");
        for (at, line) in source.text.lines().enumerate() {
            let rules = anywhere.iter().chain(in_code.iter().filter(|_| is_code));
            for (_, why) in rules.filter(|(word, _)| line.contains(word)) {
                problems.push(format!("{}:{}: {why}: {}", source.path, at + 1, line.trim()));
            }
            if source.path.ends_with("Cargo.toml") && line.trim_start().starts_with(concat!("lic", "ense")) {
                problems.push(format!("{}:{}: no key for a licence", source.path, at + 1));
            }
        }
    }
    problems
}

/// The most lines of a Rust file: a longer one should be split.
const LENGTH: usize = 600;
/// Tables, with one or two lines for each entry, which may be longer.
const LISTS: &[&str] = &["crates/dialects/src/native/table.rs"];

fn lengths(sources: &[Source]) -> Vec<String> {
    let files = sources.iter().filter(|source| source.path.ends_with(".rs") && !LISTS.contains(&&*source.path));
    let long = files.map(|source| (source, source.text.lines().count())).filter(|(_, lines)| *lines > LENGTH);
    long.map(|(source, lines)| format!("{}: {lines} lines; {LENGTH} at most", source.path)).collect()
}

#[cfg(test)]
mod tests {
    use super::{LENGTH, LISTS, Source, code, components, dependencies, everywhere, is_path, lengths, program, used};

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn rules_about_code_find_what_breaks_them() {
        for (path, line, wanted) in [
            ("crates/engine/src/a.rs", "let q = \"SELECT id FROM users\";", "SQL"),
            ("crates/connect/src/a.rs", "std::env::var(\"X\")", "environment"),
            ("crates/subscribers/src/a.rs", "mpsc::unbounded_channel()", "bound"),
            ("crates/dialects/src/native/a.rs", "use crate::chat_server::encode;", "another"),
        ] {
            let other = source("crates/dialects/src/chat_server/mod.rs", "");
            let found = code(&[source(path, line), other]);
            assert!(found.len() == 1 && found[0].contains(wanted), "{line}: {found:?}");
            assert!(code(&[source(path, &format!("// {line}"))]).is_empty(), "a comment: {line}");
            assert!(code(&[source(path, &format!("#[cfg(test)]\nmod tests {{\n{line}"))]).is_empty(), "a test: {line}");
        }
        let test = source("crates/engine/src/noun/replay.rs", "std::env::var(\"X\")");
        assert_eq!(
            code(&[source("crates/engine/src/noun.rs", "mod replay;"), source(&test.path, &test.text)]).len(),
            1
        );
        assert!(code(&[source("crates/engine/src/noun.rs", "#[cfg(test)]\nmod replay;"), test]).is_empty());
        assert!(code(&[source("crates/store/src/a.rs", "\"SELECT 1\"")]).is_empty());
        assert!(code(&[source("crates/app/src/a.rs", "std::env::vars_os()")]).is_empty());
        assert!(code(&[source("crates/web/build.rs", "env::var_os(\"OUT_DIR\")")]).is_empty());
    }

    #[test]
    fn rules_about_dependencies_find_what_breaks_them() {
        for (of, line, wanted) in [
            ("chat", "serde = \"1\"", "knows nobody"),
            ("store", "icu_casemap.workspace = true", "only chat"),
            ("engine", "connect.workspace = true", "may not know connect"),
            ("app", "axum.workspace = true", "only connect"),
            ("engine", "sqlx.workspace = true", "only store"),
            ("dialects", "tokio.workspace = true", "pure"),
        ] {
            let path = format!("crates/{of}/Cargo.toml");
            let found = dependencies(&[source(&path, &format!("[dependencies]\n{line}\n"))]);
            assert!(found.len() == 1 && found[0].contains(wanted), "{line}: {found:?}");
            assert!(dependencies(&[source(&path, &format!("[dev-dependencies]\n{line}\n"))]).is_empty(), "{line}");
        }
        assert_eq!(used("[dependencies]\na.workspace = true\n# no\nb = \"1\"\n").len(), 2);
    }

    #[test]
    fn a_file_that_is_too_long_is_found_unless_it_is_a_table() {
        let (most, more) = ("x\n".repeat(LENGTH), "x\n".repeat(LENGTH + 1));
        assert_eq!(
            lengths(&[source("crates/x/src/a.rs", &most), source(LISTS[0], &more), source("a.md", &more)]).len(),
            0
        );
        assert_eq!(lengths(&[source("crates/x/src/a.rs", &more)]).len(), 1);
    }

    #[test]
    fn a_component_has_at_most_150_lines() {
        let of = |lines: usize| components(&[source("clients/web/src/ui/A.svelte", &"<p></p>\n".repeat(lines))]);
        assert!(of(150).is_empty());
        assert_eq!(of(151), ["clients/web/src/ui/A.svelte: 151 lines: beyond 150 a component is two things"]);
        assert!(components(&[source("clients/web/src/rows.ts", &"let a;\n".repeat(151))]).is_empty());
    }

    #[test]
    fn paths_of_one_machine_and_unfinished_code_are_found() {
        assert_eq!(everywhere(&[source("a.md", concat!("see /wo", "rk/x"))]).len(), 1);
        assert_eq!(everywhere(&[source("a.rs", concat!("to", "do!()"))]).len(), 1);
        assert!(everywhere(&[source("a.md", concat!("to", "do!()"))]).is_empty());
        for path in ["crates/app/src/main.rs", "connect/src/socket.rs", "docs/protocol/"] {
            assert!(is_path(path), "{path}");
        }
        for word in ["message.send", "/v1/ws", "and/or", "a b/c.rs", "./data/x.md", "<dialect>/decode.rs"] {
            assert!(!is_path(word), "{word}");
        }
        assert_eq!(program(&source("crates/x/src/a.rs", "a\n// b\nc")), [(1, "a"), (3, "c")]);
    }
}
