//! Each noun has a file of the same name in every layer.

use super::Source;

/// Files of the vocabulary that are not nouns, but common to all of them.
const NO_NOUNS: &[&str] = &[
    "command",
    "error",
    "event",
    "ids",
    "lib",
    "limits",
    "mutants",
    "names",
    "network",
    "people",
    "permission",
    "query",
    "rates",
    "reply",
    "text",
    "time",
];

/// The folders in which each noun has a file, and the extension of that file.
const LAYERS: &[(&str, &str)] = &[
    ("crates/store/src", "rs"),
    ("crates/engine/src", "rs"),
    ("crates/dialects/src/native", "rs"),
    ("crates/stream/src/wire", "rs"),
    ("crates/app/tests/it", "rs"),
    ("clients/sdk/src/state", "ts"),
];

/// The nouns that have no file in a layer, and why.
const ABSENT: &[(&str, &str, &str)] = &[
    ("avatars", "crates/stream/src/wire", "they stand in the account's card and in the conversation's row"),
    ("emoji", "crates/stream/src/wire", "the list is asked for"),
    ("emoji", "clients/sdk/src/state", "the list is asked for by whoever shows it, and not kept"),
    ("drafts", "crates/stream/src/wire", "nodes are told of an account by nudges, through the database"),
    ("identities", "crates/dialects/src/native", "our own clients know people by our ids alone"),
    ("identities", "crates/stream/src/wire", "nobody is told of them: they never change, and each node reads them"),
    ("identities", "clients/sdk/src/state", "no client of ours is told of them"),
    ("inbox", "crates/stream/src/wire", "nodes read what has changed of an account"),
    ("notifications", "crates/stream/src/wire", "nodes read what has changed of an account"),
    ("policies", "crates/stream/src/wire", "nobody is told of them: each node reads them with the membership"),
    ("statistics", "crates/stream/src/wire", "nobody is told of them"),
    ("statistics", "clients/sdk/src/state", "they are read anew each time, and not kept"),
    ("presence", "crates/store/src", "it is never stored"),
    ("push_devices", "crates/stream/src/wire", "nodes read what has changed of an account"),
    ("reminders", "crates/stream/src/wire", "nodes read what has changed of an account"),
    ("saved", "crates/stream/src/wire", "nodes read what has changed of an account"),
    ("search", "crates/stream/src/wire", "nobody is told of it"),
    ("search", "clients/sdk/src/state", "what was found is shown by who asked, and not kept"),
    ("sessions", "crates/stream/src/wire", "nodes are told of a session's end by nudges, through the database"),
    ("uploads", "crates/stream/src/wire", "nobody is told of what is not whole; each node reads its row"),
    (
        "uploads",
        "clients/sdk/src/state",
        "what is on its way is no state of a conversation: clients/sdk/src/uploads.ts",
    ),
    ("versions", "crates/stream/src/wire", "nobody is told of them: they are read by request alone"),
    ("versions", "clients/sdk/src/state", "they are shown by who asked, and not kept"),
    ("user_groups", "crates/stream/src/wire", "nodes read what has changed of an account; the list is asked for"),
];

/// Finds nouns without a file in a layer, and exceptions that are not needed.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let there = |path: &str| sources.iter().any(|source| source.path == path);
    let nouns = nouns(sources);
    let mut problems = Vec::new();
    for noun in &nouns {
        for (folder, ending) in LAYERS {
            let (file, inside) = (format!("{folder}/{noun}.{ending}"), format!("{folder}/{noun}/mod.{ending}"));
            let excused = ABSENT.iter().any(|(of, layer, _)| of == noun && layer == folder);
            if there(&file) || there(&inside) {
                if excused {
                    problems.push(format!("{file}: it is there, and xtask/src/tidy/nouns.rs says that it is not"));
                }
            } else if !excused {
                problems.push(format!(
                    "crates/chat/src/{noun}.rs: there is no {file}; xtask/src/tidy/nouns.rs may say why"
                ));
            }
        }
    }
    for (noun, ..) in ABSENT.iter().filter(|(noun, ..)| !nouns.contains(noun)) {
        problems.push(format!("xtask/src/tidy/nouns.rs: {noun} is no noun of the vocabulary"));
    }
    problems
}

/// The nouns of the vocabulary.
fn nouns(sources: &[Source]) -> Vec<&str> {
    let files = sources.iter().filter_map(|source| source.path.strip_prefix("crates/chat/src/")?.strip_suffix(".rs"));
    files.filter(|name| !name.contains('/') && !NO_NOUNS.contains(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository without violations.
    fn tidy() -> Vec<Source> {
        let mut nouns: Vec<&str> = ABSENT.iter().map(|(noun, ..)| *noun).chain(["messages"]).collect();
        nouns.dedup();
        let mut paths: Vec<String> = NO_NOUNS.iter().map(|name| format!("crates/chat/src/{name}.rs")).collect();
        for noun in nouns {
            paths.push(format!("crates/chat/src/{noun}.rs"));
            let absent = |folder: &str| ABSENT.iter().any(|(of, layer, _)| *of == noun && *layer == folder);
            let layers = LAYERS.iter().filter(|(folder, _)| !absent(folder));
            paths.extend(layers.map(|(folder, ending)| format!("{folder}/{noun}.{ending}")));
        }
        paths.into_iter().map(|path| Source { path, text: String::new() }).collect()
    }

    #[test]
    fn a_noun_that_is_missing_in_a_layer_is_found() {
        assert_eq!(check(&tidy()), [] as [String; 0]);
        for (folder, ending) in LAYERS {
            let gone = format!("{folder}/messages.{ending}");
            let mut sources = tidy();
            sources.retain(|source| source.path != gone);
            let found = check(&sources);
            assert!(found.len() == 1 && found[0].contains(&gone), "{found:?}");
            sources.push(Source { path: format!("{folder}/messages/mod.{ending}"), text: String::new() });
            assert_eq!(check(&sources), [] as [String; 0], "a folder will do");
        }
    }

    #[test]
    fn an_exception_that_is_not_needed_is_found() {
        let mut sources = tidy();
        sources.push(Source { path: "crates/store/src/presence.rs".into(), text: String::new() });
        assert_eq!(check(&sources).len(), 1);
        let mut sources = tidy();
        sources.retain(|source| source.path != "crates/chat/src/statistics.rs");
        assert!(check(&sources).iter().all(|problem| problem.contains("statistics is no noun")));
        assert!(!check(&sources).is_empty());
    }
}
